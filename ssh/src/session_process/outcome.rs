//! How starting, losing and ending a session process come out.

use std::path::PathBuf;
use std::time::Duration;

use fieldlink_session::packet::PacketError;
use fieldlink_session::wire::{PROTOCOL_VERSION, WireError};
use nix::errno::Errno;
use nix::unistd::Pid;
use thiserror::Error;

/// Why a session process could not be started.
#[derive(Debug, Error)]
pub enum StartError {
    /// The program could not be run.
    #[error("could not start session process {path}: {source}")]
    Spawn {
        /// The program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The service's socket is not there, or not ours.
    #[error(
        "could not connect to the session service at {path}: {error} (is fieldlink-session.socket running?)"
    )]
    Connect {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: Errno,
    },
    /// The service runs as another account than `support_user`: the agent would refuse the wrong account's consent.
    #[error(
        "could not use the session service: it runs as {found}, but support_user in agent.toml is {expected}"
    )]
    WrongUser {
        /// The account in the configuration.
        expected: String,
        /// The account of the service.
        found: String,
    },
    /// Something of an earlier session, or nothing of ours, runs as the engineers' account.
    #[error("could not start a session: process {process} runs as {user}; end it, or restart the device")]
    Stray {
        /// The account.
        user: String,
        /// Its number and program.
        process: String,
    },
    /// The service's processes cannot be seen.
    #[error("could not use the session service: the control group of process {0} cannot be seen")]
    NoControlGroup(Pid),
    /// A socket or process setting failed.
    #[error("could not prepare session process: {0}")]
    Prepare(#[from] std::io::Error),
    /// The first message did not come in time.
    #[error("could not start session process: not ready within {0:?}")]
    NotReady(Duration),
    /// It ended, or its first packet was none.
    #[error("could not start session process: {0}")]
    Packet(#[from] PacketError),
    /// Its first message could not be read.
    #[error("could not start session process: {0}")]
    Wire(#[from] WireError),
    /// It closed the socket, or began with something else than `ready`.
    #[error("could not start session process: it did not begin with a ready message")]
    NoWelcome,
    /// It speaks another version.
    #[error("could not start session process: it speaks version {0}, not {PROTOCOL_VERSION}")]
    Version(u32),
}

impl StartError {
    /// Whether it may be gone in a moment: systemd takes one session at a time.
    pub(super) fn is_passing(&self) -> bool {
        match self {
            Self::NoWelcome | Self::Stray { .. } => true,
            Self::Packet(PacketError::Socket(error)) => matches!(error, Errno::ECONNRESET | Errno::EPIPE),
            Self::Connect { error, .. } => matches!(error, Errno::EAGAIN | Errno::ECONNREFUSED),
            _ => false,
        }
    }
}

/// Why a session can no longer be trusted to be there.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
pub enum SessionLost {
    /// The process was stopped.
    #[error("session process was stopped")]
    Stopped,
    /// The process no longer answers.
    #[error("session process does not answer")]
    Silent,
    /// The process is gone.
    #[error("session process has exited")]
    Exited,
    /// The process said or sent something it may not.
    #[error("session process misbehaved: {0}")]
    Misbehaved(String),
    /// The agent's own task that watches it has failed.
    #[error("session process is no longer watched")]
    Unwatched,
}

/// How a session ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum EndOutcome {
    /// By itself, leaving nothing.
    Orderly,
    /// By force, leaving nothing.
    Killed,
    /// It is not certain that it has ended: the agent must exit.
    Unconfirmed,
}
