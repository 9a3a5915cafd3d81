//! What the client orders.

use fieldlink_device::order::Order;

use super::{Access, Command, Unconfirmed};
use crate::clock;
use crate::rules::Refusal;

impl Access {
    /// The outcome is told once the order is carried out, and shown.
    pub(super) async fn on_command(&mut self, command: Command) -> Result<(), Unconfirmed> {
        let Some(command) = self.delete_records(command) else { return Ok(()) };
        let outcome = self.on_order(command.order);
        let carried_out = self.carry_out_events().await;
        self.show();
        if let Err(refusal) = &outcome {
            tracing::info!(%refusal, "an order was not carried out");
        }
        if let Some(reply) = command.reply {
            let _ = reply.send(outcome);
        }
        carried_out
    }

    fn on_order(&mut self, order: Order) -> Result<(), Refusal> {
        if let Order::Shutdown(reason) = order {
            self.is_over = true;
            if !self.carry_further() {
                self.rules.handle_failure(reason, clock::now());
            }
        }
        match order {
            Order::Chat(text) => {
                let has_room = self.session.as_ref().is_some_and(|session| session.has_room());
                self.rules.handle_clients_chat(&text, has_room, clock::now())
            }
            order => self.rules.handle_order(order, clock::now()),
        }
    }
}
