//! The one path of every channel: authorise, then input through the gate, output through the tap.
//!
//! Whatever an engineer opens, and every byte of it, passes here: the place for the rules of who may
//! do what, for pausing input, and for what watches or records output.

use std::sync::atomic::{AtomicU64, Ordering};

use fieldlink_protocol::text;
use fieldlink_session::wire::{ConnectTarget, ProgramKind};
use russh::ChannelOpenFailure;
use tokio::sync::watch;

use super::forward_policy::ForwardPolicy;

/// `SSH_OPEN_ADMINISTRATIVELY_PROHIBITED`, RFC 4254 section 5.1.
const ADMINISTRATIVELY_PROHIBITED: u32 = 1;

/// Something an engineer wants to open.
#[derive(Debug, Clone)]
pub enum ChannelRequest {
    /// A shell, a command or sftp.
    Program(ProgramKind),
    /// A connection to somewhere.
    Forward(ConnectTarget),
}

/// Why a channel is refused; shown to the engineer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Not a place that forwards may lead to.
    #[error(
        "forwarding to {0} is not allowed by this scanner (allowed: the scanner itself, and what forward.allow in agent.toml lists)"
    )]
    Destination(String),
    /// Not an absolute path of a socket.
    #[error("a forwarded socket needs an absolute path without control characters")]
    SocketPath,
    /// The session is over.
    #[error("the session is over")]
    Over,
}

impl Refusal {
    /// Somewhere else than the scanner, and not allowed.
    pub fn destination(host: &str, port: u16) -> Self {
        Self::Destination(format!("{}:{port}", text::name(host)))
    }
}

impl From<Refusal> for ChannelOpenFailure {
    fn from(refusal: Refusal) -> Self {
        prohibited(refusal.to_string())
    }
}

/// A channel that is not opened because nobody may have it.
pub(super) fn prohibited(reason: String) -> ChannelOpenFailure {
    ChannelOpenFailure::Other { code: ADMINISTRATIVELY_PROHIBITED, reason }
}

/// The path of one session's channels.
#[derive(Debug)]
pub struct ChannelPath {
    forwards: ForwardPolicy,
    open: watch::Sender<bool>,
    input_bytes: AtomicU64,
    output_bytes: AtomicU64,
}

/// Leave to carry a channel's bytes. Only [`ChannelPath::authorise`] gives it.
#[derive(Debug)]
pub struct Authorised(());

impl ChannelPath {
    /// An open path.
    pub fn new(forwards: ForwardPolicy) -> Self {
        Self {
            forwards,
            open: watch::Sender::new(true),
            input_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
        }
    }

    /// Nothing passes any more.
    pub fn close(&self) {
        self.open.send_replace(false);
    }

    /// What becomes of a forward before it is authorised: what is not allowed may still lead to the scanner itself.
    pub fn narrow(&self, target: ConnectTarget) -> ConnectTarget {
        self.forwards.narrow(target)
    }

    /// Decides whether a channel may be opened.
    pub fn authorise(&self, request: &ChannelRequest) -> Result<Authorised, Refusal> {
        if !*self.open.borrow() {
            return Err(Refusal::Over);
        }
        match request {
            ChannelRequest::Program(_) => Ok(Authorised(())),
            ChannelRequest::Forward(ConnectTarget::Tcp { host, port }) => {
                match self.forwards.permits(host, *port) {
                    true => Ok(Authorised(())),
                    false => Err(Refusal::destination(host, *port)),
                }
            }
            // Where it ends is checked when it is connected.
            ChannelRequest::Forward(ConnectTarget::Own { .. }) => Ok(Authorised(())),
            ChannelRequest::Forward(ConnectTarget::Unix { path }) => {
                let is_fit = path.starts_with('/') && !path.chars().any(char::is_control);
                if is_fit { Ok(Authorised(())) } else { Err(Refusal::SocketPath) }
            }
        }
    }

    /// Input on its way to a program or forward. False if it may not pass.
    pub fn gate(&self, _: &Authorised, bytes: &[u8]) -> bool {
        self.input_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        *self.open.borrow()
    }

    /// Output on its way to the engineer. False if it may not pass.
    pub fn tap(&self, _: &Authorised, bytes: &[u8]) -> bool {
        self.output_bytes.fetch_add(bytes.len() as u64, Ordering::Relaxed);
        *self.open.borrow()
    }

    /// Bytes that came from the engineer, and bytes that went to them, over all channels.
    pub fn totals(&self) -> (u64, u64) {
        (self.input_bytes.load(Ordering::Relaxed), self.output_bytes.load(Ordering::Relaxed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tcp(host: &str) -> ChannelRequest {
        ChannelRequest::Forward(ConnectTarget::Tcp { host: host.into(), port: 80 })
    }

    #[test]
    fn everything_is_decided_here_and_nothing_passes_after_the_end() {
        let path = ChannelPath::new(ForwardPolicy::default());
        let shell = ChannelRequest::Program(ProgramKind::Shell {});
        let leave = path.authorise(&shell).expect("a shell is what a session is for");
        let ChannelRequest::Forward(target) = tcp("10.0.0.1") else { panic!("a forward") };
        assert!(
            path.authorise(&ChannelRequest::Forward(path.narrow(target))).is_ok(),
            "it may be the scanner"
        );
        assert!(matches!(path.authorise(&tcp("10.0.0.1")), Err(Refusal::Destination(_))));
        let socket = |path: &str| ChannelRequest::Forward(ConnectTarget::Unix { path: path.into() });
        assert!(path.authorise(&socket("/run/x.sock")).is_ok());
        assert!(path.authorise(&socket("x.sock")).is_err() && path.authorise(&socket("/a\nb")).is_err());
        assert!(path.gate(&leave, b"abc") && path.tap(&leave, b"abcd"));
        path.close();
        assert!(!path.gate(&leave, b"") && !path.tap(&leave, b""));
        assert!(matches!(path.authorise(&shell), Err(Refusal::Over)));
        assert_eq!(path.totals(), (3, 4));
    }

    #[test]
    fn a_refusal_shows_no_escape_sequence() {
        let path = ChannelPath::new(ForwardPolicy::default());
        let refusal = path.authorise(&tcp("\u{1b}[2J")).expect_err("not this scanner").to_string();
        assert!(!refusal.contains('\u{1b}'), "{refusal}");
    }
}
