//! The orders of the person beside the device, and the events that come beside the status.

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::reason::Reason;

use crate::failure::Failure;
use crate::verdict::Verdict;
use crate::warning::Warning;
use crate::words::Language;

/// What the client asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Order {
    /// Start remote access, with a new pair.
    Start,
    /// Switch remote access off, or end the session.
    Stop(Reason),
    /// End the session, if there is one.
    End,
    /// Answer the question that is named.
    Answer(QuestionId, ClientAnswer),
    /// Give the session that is named so many minutes more.
    Grant(SessionId, u32),
    /// Say something to the engineer.
    Chat(String),
    /// Somebody is to leave: a further engineer, or one who only watches. By the name that the status shows.
    Remove(String),
    /// Somebody is beside the device.
    Here,
    /// The client's own verdict on the session that is named, which is over, and what they say of it.
    Verdict(SessionId, Verdict, String),
    /// The record of the session that is named is to be deleted.
    DeleteRecord(SessionId),
    /// All records are to be deleted, and what else an earlier customer has left.
    ForgetRecords,
    /// End everything, for good: the agent stops.
    Shutdown(Reason),
    /// Nothing: a service that answers is alive.
    Ping,
}

/// What the client says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAnswer {
    /// Agrees (consent, extension).
    Yes,
    /// Refuses, whatever the question.
    No,
    /// One of the choices, or words of the client's own.
    Text(String),
    /// The same, and the language that the client reads.
    InLanguage(String, Language),
}

/// Something that happens and is not a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// A line between client and engineer; cleaned.
    Chat {
        /// True if the engineer wrote it, false if the client did.
        from_engineer: bool,
        /// What was written.
        text: String,
    },
    /// Something the client should know.
    Warning(Warning),
    /// Of the client's program itself, not of the agent.
    Local(Local),
}

impl Notification {
    /// Whether it says how the open question was closed.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::Chat { .. } | Self::Local(_) => false,
            Self::Warning(warning) => warning.closes_question(),
        }
    }
}

/// What the client's program itself reports.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// An order was not carried out.
    NotDone(Failure),
    /// Support ID and PIN could not be read.
    NoCredentials(Failure),
    /// The agent has left the bus.
    ServiceStopped,
    /// The agent is on the bus again.
    ServiceBack,
}
