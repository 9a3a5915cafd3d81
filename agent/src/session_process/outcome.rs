//! How starting, losing and ending a session process come out.

use std::path::PathBuf;
use std::time::Duration;

use thiserror::Error;

use super::packet::PacketError;
use super::wire::{PROTOCOL_VERSION, WireError};

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
