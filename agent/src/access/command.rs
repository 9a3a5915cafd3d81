//! An order on its way to remote access, and what may come of it.

use fieldlink_device::order::Order;
use tokio::sync::{mpsc, oneshot};

use crate::rules::{GrantError, StaleAnswer};

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
