//! What the person beside the device asks for, and what is told beside the status.

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::reason::Reason;

use crate::failure::Failure;
use crate::notice::Warning;

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
    /// End everything, for good: the agent stops.
    Shutdown(Reason),
    /// Nothing: a service that answers is alive.
    Ping,
}

/// What the client says to a question.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ClientAnswer {
    /// Agreed.
    Yes,
    /// Not agreed.
    No,
    /// One of the choices, or words of the client's own.
    Text(String),
}

/// Something that happens and is not a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notification {
    /// A line between client and engineer; cleaned.
    Chat {
        /// Who says it: true for the engineer.
        from_engineer: bool,
        /// The line.
        text: String,
    },
    /// Something the client should know.
    Warning(Warning),
    /// From the program that the client uses, not from the agent.
    Local(Local),
}

impl Notification {
    /// Whether it says what became of the question that was open.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::Chat { .. } | Self::Local(_) => false,
            Self::Warning(warning) => warning.closes_question(),
        }
    }
}

/// What the program that the client uses has to say itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Local {
    /// An order was not carried out.
    NotDone(Failure),
    /// Support ID and PIN cannot be had.
    NoCredentials(Failure),
    /// The agent is gone.
    ServiceStopped,
    /// It is there again.
    ServiceBack,
}
