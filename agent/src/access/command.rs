//! An order on its way to remote access.

use fieldlink_device::order::Order;
use tokio::sync::{mpsc, oneshot};

use crate::rules::Refusal;

/// An order, and where its outcome is sent.
#[derive(Debug)]
pub struct Command {
    /// What is asked for.
    pub order: Order,
    /// Where the outcome is sent; none if the caller follows the view instead.
    pub reply: Option<oneshot::Sender<Result<(), Refusal>>>,
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
