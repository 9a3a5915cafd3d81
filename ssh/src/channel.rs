//! What a channel is: who opened it, what for, and how it ended.

use std::fmt::{self, Display, Formatter};

use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_protocol::messages::{diagnosis, health, operation};
use fieldlink_protocol::policy::Function;
use fieldlink_session::wire::{ConnectTarget, ExitStatus, ProgramKind};

/// Something an engineer wants to open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelRequest {
    /// A shell, a command or sftp.
    Program(ProgramKind),
    /// What the agent serves itself.
    Subsystem(SubsystemName),
    /// A connection to somewhere.
    Forward(ConnectTarget),
}

/// A subsystem that the agent serves itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SubsystemName {
    /// To start a named operation, or follow one.
    Operation,
    /// The device's health.
    Health,
    /// A diagnosis of the device.
    Diagnosis,
}

impl SubsystemName {
    const ALL: [(Self, &'static str); 3] = [
        (Self::Operation, operation::SUBSYSTEM),
        (Self::Health, health::SUBSYSTEM),
        (Self::Diagnosis, diagnosis::SUBSYSTEM),
    ];

    /// The one that is called so in a request (RFC 4254 section 6.5).
    pub(super) fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|(_, known)| *known == name).map(|(subsystem, _)| subsystem)
    }
}

/// What a channel is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChannelKind {
    /// A login shell.
    Shell,
    /// One command.
    Exec,
    /// File transfer.
    Sftp,
    /// What the agent serves itself.
    Subsystem(SubsystemName),
    /// A connection to somewhere.
    Forward,
}

impl ChannelRequest {
    /// What the channel is for; the request itself also has the command or the target.
    pub fn kind(&self) -> ChannelKind {
        match self {
            Self::Program(ProgramKind::Shell {}) => ChannelKind::Shell,
            Self::Program(ProgramKind::Exec { .. }) => ChannelKind::Exec,
            Self::Program(ProgramKind::Sftp {}) => ChannelKind::Sftp,
            Self::Subsystem(name) => ChannelKind::Subsystem(*name),
            Self::Forward(_) => ChannelKind::Forward,
        }
    }
}

impl ChannelKind {
    /// What opening such a channel takes leave for. A file transfer takes leave for each file, and an operation when it is
    /// to be started; who was let in may know how the device is.
    pub fn function(self) -> Option<Function> {
        match self {
            Self::Shell => Some(Function::Shell),
            Self::Exec => Some(Function::Exec),
            Self::Forward => Some(Function::Forward),
            Self::Subsystem(SubsystemName::Diagnosis) => Some(Function::Diagnostics),
            Self::Sftp | Self::Subsystem(SubsystemName::Operation | SubsystemName::Health) => None,
        }
    }
}

/// An SSH connection of a session, as the channels in it know it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opener {
    /// The session that it belongs to.
    pub session: SessionId,
    /// The pipe that carries the SSH connection.
    pub pipe: PipeId,
    /// The engineer whose connection it is.
    pub engineer: EngineerId,
}

/// What a channel is for, and its opener.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelIdentity {
    /// Counts the channels of the session.
    pub number: u64,
    /// The engineer, and the SSH connection.
    pub opener: Opener,
    /// The channel's number in the SSH connection, on our side (RFC 4254 section 5.1).
    pub channel: u32,
    /// What was asked for: a command, a target.
    pub request: ChannelRequest,
}

/// How a channel came to its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ChannelStatus {
    /// The program ended.
    Exit(ExitStatus),
    /// The engineer's side closed the channel, or both directions of a forward were over.
    Closed,
    /// It was let in, and the program could not be started or the target not be reached.
    Failed,
    /// The SSH connection or the session was over before.
    Cut,
}

impl Display for ChannelStatus {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Exit(ExitStatus::Code { code }) => write!(f, "exit code {code}"),
            Self::Exit(ExitStatus::Signal { name, .. }) => write!(f, "signal {name}"),
            Self::Closed => f.write_str("closed"),
            Self::Failed => f.write_str("not started"),
            Self::Cut => f.write_str("cut"),
        }
    }
}

/// A channel that is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelEnd {
    /// How it came to its end.
    pub status: ChannelStatus,
    /// Bytes from the engineer that a program or target was given.
    pub input: u64,
    /// Bytes for the engineer.
    pub output: u64,
}
