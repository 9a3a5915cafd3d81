//! What sees a session's channels as they pass the path: what watches or records them.

use fieldlink_session::wire::TerminalSize;

use super::channel::{ChannelEnd, ChannelIdentity, ChannelRequest, Opener};
use super::passage::Way;

/// Sees each channel that is let in, what its terminal shows, and its end. Called where the bytes pass: it must not wait.
pub trait Tap: Send + Sync {
    /// A channel was let in.
    fn opened(&self, channel: &ChannelIdentity);

    /// The channel's program runs on a terminal of this size, from now on.
    fn resized(&self, channel: &ChannelIdentity, size: TerminalSize);

    /// The channel's terminal shows `bytes`.
    fn shown(&self, channel: &ChannelIdentity, bytes: &[u8]);

    /// A file transfer's bytes pass, as SFTP.
    fn transferred(&self, channel: &ChannelIdentity, way: Way, bytes: &[u8]);

    /// A channel was not let in, and why. Nothing else comes of it.
    fn refused(&self, opener: &Opener, request: &ChannelRequest, why: &str);

    /// The channel is over. The last of it.
    fn over(&self, channel: &ChannelIdentity, end: &ChannelEnd);
}
