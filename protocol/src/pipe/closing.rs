//! What the close of a pipe's connection says: whether the pipe goes on, on another connection.
//!
//! A close that names none of the texts here, but a reason's code or [`DONE`], closes the pipe for good.

use crate::reason::Reason;

/// From the relay, in a close: the partner's connection is gone, attach again. As a text message on a
/// connection that goes on: the partner attaches anew, do the same beside this connection.
pub const ATTACH_AGAIN: &str = "attach-again";
/// From an endpoint: a newer connection of this pipe is proven, this one is not needed any more. From
/// the relay: the partner said so of its own.
pub const MOVED: &str = "moved";
/// From the relay: a newer connection of the same side took the place of this one, which had nothing
/// proven.
pub const REPLACED: &str = "replaced";
/// From an endpoint: both streams are complete and acknowledged.
pub const DONE: &str = "done";

/// Whether a close says nothing, so that an endpoint's word may still come on another connection: neither program
/// closes like this, but what stands in between does when it is restarted (RFC 6455, section 7.4.1: 1001). `frame`: the
/// code and the text, if there is a frame.
pub fn is_wordless(frame: Option<(u16, &str)>) -> bool {
    const NORMAL: u16 = 1_000;
    frame.is_none_or(|(code, text)| text.is_empty() && code != NORMAL)
}

/// Whether a pipe goes on after one of its connections was closed with `text`.
pub fn goes_on(text: &str) -> bool {
    let relays = [Reason::RelayStopping, Reason::PartnerMissing];
    [ATTACH_AGAIN, MOVED, REPLACED].contains(&text) || relays.iter().any(|reason| reason.code() == text)
}

/// What a close after which a pipe goes on means for the side that waits, as a sentence part.
pub fn describe(text: &str) -> &'static str {
    match text {
        ATTACH_AGAIN => "the other side lost its connection",
        MOVED | REPLACED => "a newer connection took its place",
        _ if text == Reason::RelayStopping.code() => "the support service is restarting",
        _ if text == Reason::PartnerMissing.code() => "the other side did not come",
        _ => "the relay closed it",
    }
}
