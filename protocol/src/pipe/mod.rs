//! A pipe: one reliable, ordered byte stream in each direction between engineer and agent.
//!
//! Every connection of a pipe begins with a [`Handshake`]: both sides say HELLO, then prove to each other that they
//! hold the pipe's key, which the pairing gave to both. After it a [`Stream`] numbers what is sent, keeps what is not
//! acknowledged and never lets more than the peer's window be under way. Both are pure; `fieldlink-transport` puts
//! sockets under them.
//!
//! A session is one control pipe plus one pipe per SSH connection, so that a bulk copy never delays
//! a keystroke.
//!
//! # What is not obvious
//!
//! - A HELLO also announces a *window*, and data is acknowledged when the reader *takes* it, not when it arrives.
//!   So a reader that stalls stops its sender after one window (the smaller of both sides'), connections never fill
//!   up, and acknowledgements, pings and closes always pass. The end of a stream counts as one more byte, so that
//!   it is acknowledged, too: a side is done when it knows that the other has everything.
//!
//! - A side says its HELLO in the request with which it attaches, as a header; only the control pipe, whose first
//!   connection carries the pairing, says it as a frame. Behind its own proof a side sends what the peer says that it
//!   misses, up to [`limits::PIPE_EARLY`], before the peer's proof is there: a peer with the key reads the proof
//!   first, and a HELLO that was made up pulls a little ciphertext and changes nothing. What is written while there is
//!   no connection is numbered at once, so that it can be among it.
//!
//!   [`limits::PIPE_EARLY`]: crate::limits::PIPE_EARLY
//!
//! - The live connection goes on until the one on trial is proven (make before break), also when it was taken for
//!   dead: it may come back first. `Dialer::network_changed` puts one on trial at once; so does the text `attach-
//!   again`, by which the relay says that the partner does the same.
//!
//! - A close that names a reason ends the pipe; what is in `closing.rs` and what comes without a word does not.
//!   What was ended while there was no connection to say so on is told under the seal later (`PipeClosed`).

pub mod closing;
mod frame;
mod handshake;
mod resumable;
#[cfg(test)]
mod simulation;
mod stream;

pub use crate::limits::DATA_HEADER;
pub use frame::{Frame, FrameError, Hello};
pub use handshake::{Established, Handshake, HandshakeError, Reply};
pub use resumable::{Due, ResumablePipe, Side, TrialError, TrialStep};
pub use stream::{Received, Stream, StreamError};

use crate::code::Coded;

/// Version of the pipe's frames, in every HELLO.
pub const VERSION: u8 = 1;

/// Which end of a session a side is. On the wire it is a [`Code`](crate::code::Code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Role {
    /// The engineer's side, which opens pipes and picks their epochs.
    Engineer,
    /// The scanner's side.
    Agent,
}

impl Role {
    /// The role's byte in frames, proofs and associated data.
    pub const fn code(self) -> u8 {
        match self {
            Self::Engineer => 1,
            Self::Agent => 2,
        }
    }

    /// The role at the other end.
    pub const fn peer(self) -> Self {
        match self {
            Self::Engineer => Self::Agent,
            Self::Agent => Self::Engineer,
        }
    }
}

impl Coded for Role {
    fn code(self) -> u8 {
        Self::code(self)
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Engineer),
            2 => Some(Self::Agent),
            _ => None,
        }
    }
}

/// What a pipe carries. On the wire it is a [`Code`](crate::code::Code).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum PipeKind {
    /// Pairing, then sealed control messages. One per session.
    Control,
    /// One SSH connection.
    Ssh,
    /// What somebody who only watches is shown. They play the engineer's part of the pipe and may say who they are, no more.
    Observer,
}

impl PipeKind {
    /// The kind's byte in frames and keys.
    pub const fn code(self) -> u8 {
        match self {
            Self::Control => 1,
            Self::Ssh => 2,
            Self::Observer => 3,
        }
    }
}

impl Coded for PipeKind {
    fn code(self) -> u8 {
        Self::code(self)
    }

    fn from_code(code: u8) -> Option<Self> {
        match code {
            1 => Some(Self::Control),
            2 => Some(Self::Ssh),
            3 => Some(Self::Observer),
            _ => None,
        }
    }
}
