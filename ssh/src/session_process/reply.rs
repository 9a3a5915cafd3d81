//! What a request to the session process leads to.

use std::future::Future;
use std::os::fd::OwnedFd;
use std::pin::Pin;
use std::task::{Context, Poll};

use fieldlink_session::wire::{ExitStatus, FailReason, RequestId};
use thiserror::Error;
use tokio::sync::oneshot;

use super::descriptors::PipeEnds;
use super::outcome::SessionLost;

/// Answers a `start_program`.
pub(super) type StartReply = oneshot::Sender<Result<Started, SessionError>>;
/// Answers a `connect`, with a checked socket.
pub(super) type ConnectReply = oneshot::Sender<Result<OwnedFd, SessionError>>;

/// A program that runs, with checked descriptors. They become I/O objects only in the caller's task: the
/// session process shares their `O_NONBLOCK` and could make a read or write block, which must never
/// happen on the thread that keeps the rules.
#[derive(Debug)]
pub(super) struct Started {
    pub(super) id: RequestId,
    pub(super) pid: u32,
    pub(super) io: CheckedIo,
    pub(super) exit: ProgramExit,
}

/// Descriptors of a program, checked.
#[derive(Debug)]
pub(super) enum CheckedIo {
    Terminal(OwnedFd),
    Pipes(PipeEnds),
}

/// Resolves when the program has ended, or can no longer be heard of.
#[derive(Debug)]
pub struct ProgramExit(oneshot::Receiver<ExitStatus>);

/// Why a request came to nothing.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionError {
    /// The session process said no.
    #[error("{message}")]
    Refused {
        /// Why, for programs.
        reason: FailReason,
        /// Why, for people; printable ASCII.
        message: String,
    },
    /// Too many programs and forwards are under way.
    #[error("could not ask session process: too many programs and forwards at once")]
    Busy,
    /// The request does not fit into a message.
    #[error("could not ask session process: request is too long")]
    TooLong,
    /// No answer in time.
    #[error("could not ask session process: no answer in time")]
    TimedOut,
    /// The session process was lost.
    #[error("could not ask session process: {0}")]
    Lost(SessionLost),
    /// The session was ended.
    #[error("could not ask session process: the session has ended")]
    Ended,
}

impl ProgramExit {
    pub(crate) fn new(receiver: oneshot::Receiver<ExitStatus>) -> Self {
        Self(receiver)
    }
}

impl Future for ProgramExit {
    /// Nothing if the session went before the program did.
    type Output = Option<ExitStatus>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(context).map(Result::ok)
    }
}
