//! What the client asks of remote access, and what comes back beside the view.

use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::reason::Reason;
use tokio::sync::{mpsc, oneshot};

use crate::rules::{ClientAnswer, GrantError, StaleAnswer};
use crate::status::{Line, WarningCode};

/// What the client asks for.
#[derive(Debug)]
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
    /// Nothing: whoever answers is alive.
    Ping,
}

/// An order, and who waits to hear what came of it.
#[derive(Debug)]
pub struct Command {
    /// What is asked for.
    pub order: Order,
    /// Where the outcome goes, if anyone cares.
    pub reply: Option<oneshot::Sender<Result<(), Refusal>>>,
}

/// Why an order was not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    /// Remote access is on already.
    #[error("remote access is on already")]
    AlreadyOn,
    /// It is off already.
    #[error("remote access is off already")]
    AlreadyOff,
    /// The answer answers nothing.
    #[error(transparent)]
    Stale(#[from] StaleAnswer),
    /// No more time.
    #[error(transparent)]
    Grant(#[from] GrantError),
    /// Nobody is there to hear it.
    #[error("no engineer is connected")]
    NoSession,
    /// It would be lost.
    #[error(
        "the engineer is out of reach, and too much waits already: try again once the connection is back"
    )]
    NotTaken,
    /// The engineer's program cannot show it.
    #[error("the engineer's program is too old for messages")]
    NoChat,
    /// The agent is on its way out.
    #[error("remote access is being shut down")]
    Stopping,
}

impl Command {
    /// An order whose outcome shows in the view.
    pub fn of(order: Order) -> Self {
        Self { order, reply: None }
    }

    /// Gives an order and waits for what comes of it.
    pub async fn ask(commands: &mpsc::Sender<Self>, order: Order) -> Result<(), Refusal> {
        let (reply, outcome) = oneshot::channel();
        let command = Self { order, reply: Some(reply) };
        commands.send(command).await.map_err(|_| Refusal::Stopping)?;
        outcome.await.unwrap_or(Err(Refusal::Stopping))
    }
}

/// Something that happens and is not a state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Happening {
    /// A line between client and engineer; cleaned.
    Chat {
        /// Who says it: true for the engineer.
        from_engineer: bool,
        /// The line.
        text: String,
    },
    /// Something the client should know.
    Warning(Line),
}

impl Happening {
    /// Whether it says what became of the question that was open.
    pub fn closes_question(&self) -> bool {
        match self {
            Self::Chat { .. } => false,
            Self::Warning(line) => {
                WarningCode::from_name(&line.code).is_some_and(WarningCode::closes_question)
            }
        }
    }

    /// As the console shows it.
    pub fn describe(&self) -> String {
        match self {
            Self::Chat { from_engineer: true, text } => format!("  Engineer: {text}\n"),
            Self::Chat { from_engineer: false, text } => format!("  You: {text}\n"),
            Self::Warning(line) => format!("  {}\n", line.sentence),
        }
    }
}
