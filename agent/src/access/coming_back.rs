//! A further engineer's program that was started again comes back: as that of the engineer whose session it is
//! (`returning.rs`), into a place of its own.

use std::sync::Arc;

use fieldlink_protocol::feature;
use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use tokio::time::Instant;

use super::returning::{Return, Returning};
use super::{Access, Unconfirmed};
use crate::clock;
use crate::rules::{Request, SeatId};
use crate::session::LiveSession;
use crate::session::pairing::{self, ByRestartKey, Offer, Outcome, Run, Verified};

impl Access {
    pub(super) fn pair_guest_again(
        &mut self,
        seat: SeatId,
        request: Request,
        pipe: PipeId,
        pipe_ticket: Signed<PipeTicket>,
    ) {
        let (engineers, dialer) = (self.around.engineers.clone(), self.dialer.clone());
        let Some(place) = self.seats.find_mut(seat) else { return };
        let registration = place.live.as_ref().and_then(|live| Registration::new(live.restart_key()).ok());
        let Some(registration) = registration else { return };
        if !place.returning.give_way() {
            let Request { session, run, .. } = request;
            return place.say_to_relay(FromAgent::Declined { session, run, reason: Reason::Busy });
        }
        let leave = ByRestartKey { engineers, before: request.engagement.clone() };
        let (agent, support_id) = (place.key.public(), place.address);
        let offer = Offer { request, support_id, agent, pipe, pipe_ticket };
        let run = pairing::run(dialer, offer, Arc::new(registration), leave);
        place.returning = Returning::Pairing(tokio::spawn(run));
    }

    pub(super) async fn on_seats_return(&mut self, seat: SeatId, event: Return) -> Result<(), Unconfirmed> {
        let Some(place) = self.seats.find_mut(seat) else { return Ok(()) };
        match (event, std::mem::take(&mut place.returning)) {
            (Return::Paired(run), _) => self.on_guest_paired_again(seat, *run),
            (Return::Greeted(hello), Returning::Greeting { request, mut session, .. }) => {
                if session.set_engineer(&hello) {
                    let shows_chat = hello.features.has(feature::CHAT);
                    return self.let_guest_back_in(seat, request, *session, shows_chat).await;
                }
                session.end(Reason::Incompatible, std::future::ready(())).await;
            }
            (Return::TooLate, Returning::Greeting { session, .. }) => {
                session.end(Reason::PairingTimeout, std::future::ready(())).await;
            }
            (Return::Lost | Return::Greeted(_) | Return::TooLate, _) => {}
        }
        Ok(())
    }

    fn on_guest_paired_again(&mut self, seat: SeatId, Run { request, outcome, .. }: Run<()>) {
        match outcome {
            Outcome::Verified(verified, _) => self.greet_guest_again(seat, request, *verified),
            Outcome::NotBelieved(reason) => {
                self.rules.handle_not_believed_guest(request.clone(), reason);
                self.rules.handle_guest_declined(seat, request, reason);
            }
            Outcome::Failed(reason, _) | Outcome::Uncharged(reason) => {
                self.rules.handle_guest_declined(seat, request, reason);
            }
        }
    }

    fn greet_guest_again(&mut self, seat: SeatId, request: Request, verified: Verified) {
        let around = self.around.clone();
        let Some(place) = self.seats.find_mut(seat) else { return };
        match LiveSession::greet(verified, &request, &around) {
            Ok(session) => {
                let until = Instant::now() + limits::HANDSHAKE;
                place.returning = Returning::Greeting { request, session: Box::new(session), until };
            }
            Err(error) => {
                tracing::error!(%error, "no host key");
                self.rules.handle_guest_declined(seat, request, Reason::ScannerFailed);
            }
        }
    }

    async fn let_guest_back_in(
        &mut self,
        seat: SeatId,
        request: Request,
        mut live: LiveSession,
        shows_chat: bool,
    ) -> Result<(), Unconfirmed> {
        if !self.rules.handle_guest_returned(seat, request.run, shows_chat, clock::now()) {
            live.end(Reason::Silence, std::future::ready(())).await;
            return Ok(());
        }
        let word = self.rules.word_of_guest(seat);
        let (Some(place), Some(owners)) = (self.seats.find_mut(seat), &self.session) else { return Ok(()) };
        // First, so that the relay does not take the new control pipe for a mere try any longer than it must.
        word.into_iter().for_each(|word| place.say_to_relay(word));
        let Some(before) = place.live.take() else { return Ok(()) };
        let rejoined = live.rejoin(before, owners).await;
        place.live = Some(live);
        rejoined.map_err(|error| {
            tracing::error!(%error, "a further engineer cannot go on");
            Unconfirmed
        })
    }
}
