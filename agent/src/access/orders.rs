//! Carrying out what the client asks for.

use fieldlink_device::notice::Notice;
use fieldlink_device::order::Order;
use fieldlink_protocol::reason::Reason;

use super::{Access, Command, Refusal, Unconfirmed};
use crate::clock;
use crate::rules::{Answered, State};

impl Access {
    /// Whoever gave the order hears the outcome once it is carried out, and shown.
    pub(super) async fn on_command(&mut self, command: Command) -> Result<(), Unconfirmed> {
        let outcome = self.carry_out(command.order).await;
        self.show();
        let (told, result) = match outcome {
            Ok(outcome) => (outcome, Ok(())),
            Err(unconfirmed) => (Ok(()), Err(unconfirmed)),
        };
        if let Err(refusal) = told {
            tracing::info!(%refusal, "an order was not carried out");
        }
        if let Some(reply) = command.reply {
            let _ = reply.send(told);
        }
        result
    }

    async fn carry_out(&mut self, order: Order) -> Result<Result<(), Refusal>, Unconfirmed> {
        let is_off = matches!(self.rules.state(), State::Off);
        Ok(match order {
            Order::Ping => Ok(()),
            Order::Shutdown(reason) => {
                self.is_over = true;
                if !is_off {
                    self.switch_off(Notice::Ended(reason)).await?;
                }
                Ok(())
            }
            Order::Start if !is_off => Err(Refusal::AlreadyOn),
            Order::Start => {
                self.redraws = 0;
                self.switch_on();
                Ok(())
            }
            Order::End if self.rules.request().is_none() => Err(Refusal::NoSession),
            Order::End => {
                self.switch_off(Notice::Ended(Reason::ClientEnded)).await?;
                Ok(())
            }
            Order::Stop(_) if is_off => Err(Refusal::AlreadyOff),
            Order::Stop(reason) => {
                self.switch_off(Notice::Ended(reason)).await?;
                Ok(())
            }
            Order::Answer(question, answer) => {
                let request = self.rules.request().cloned();
                match self.rules.answer(question, answer, clock::now()) {
                    Ok(Answered::Allowed) => self.admit().await?,
                    Ok(Answered::Refused(standing)) => {
                        self.after_refusal(request, Reason::ClientRefused, standing).await?;
                    }
                    Ok(Answered::Told { request, answer }) => {
                        self.confirm(&answer);
                        self.tell_answer(request, answer);
                    }
                    Err(stale) => return Ok(Err(stale.into())),
                }
                Ok(())
            }
            Order::Grant(session, minutes) => self.grant(session, minutes),
            Order::Chat(text) => self.chat(&text),
        })
    }
}
