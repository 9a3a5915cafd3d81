//! What the relay says, and what becomes of pairing runs.

use fieldlink_protocol::code::Code;
use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};

use super::Access;
use crate::clock;
use crate::rules::Request;
use crate::session::pairing::{self, ByPin, Offer, Outcome, Run};
use crate::tunnel::TunnelEvent;
use fieldlink_transport::Attached;

impl Access {
    pub(super) fn on_tunnel(&mut self, event: TunnelEvent) {
        let now = clock::now();
        match event {
            TunnelEvent::Registered { relay } => {
                self.relay = relay;
                self.rules.handle_registered();
            }
            TunnelEvent::Lost(failure) => self.rules.handle_relay_lost(failure, now),
            TunnelEvent::IdTaken => self.rules.handle_id_taken(now),
            TunnelEvent::SessionOver(reason) => {
                self.rules.handle_relay_closed(reason.unwrap_or(Reason::RelayRestarted), clock::now());
            }
            TunnelEvent::Anchored { session, line, signature } => {
                self.on_anchored(session, line, signature);
            }
            // It is asked for at the end, and by what stays then.
            TunnelEvent::TimeStamped { .. } => {}
            TunnelEvent::Message(message) => self.on_relay(message),
        }
    }

    fn on_relay(&mut self, message: ToAgent) {
        let now = clock::now();
        match message {
            ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket } => {
                let request = Request { session, run, engineer, ticket, partner, engagement: None };
                self.pair(request, pipe, pipe_ticket);
            }
            ToAgent::Open { session, pipe, kind, pipe_ticket } => {
                if self.rules.admits_pipes(session) {
                    self.open_pipe(pipe, kind, pipe_ticket);
                }
            }
            ToAgent::SessionTicket { session, session_ticket } => {
                if self.rules.handle_admitted(session, now)
                    && let Some((tunnel, _)) = &self.tunnel
                {
                    // It went through a restart, if it did.
                    self.on_its_way = None;
                    self.session_ticket = Some(session_ticket.clone());
                    self.keep_engagement();
                    tunnel.set_claim(Claim::Session { session_ticket });
                    self.mark_sessions();
                }
            }
            ToAgent::Ended { session, reason } => self.rules.handle_relay_ended(session, reason, now),
            ToAgent::PairAgain { session, run, pipe, pipe_ticket } => {
                self.pair_again(session, run, pipe, pipe_ticket);
            }
            ToAgent::Shared { .. } | ToAgent::Watch { .. } => self.on_relay_of_observers(message),
            ToAgent::Challenge { .. }
            | ToAgent::Registered { .. }
            | ToAgent::Refused { .. }
            | ToAgent::Anchored { .. }
            | ToAgent::TimeStamped { .. } => {}
        }
    }

    /// The agent serves or refuses a kind of pipe; the relay passes on also kinds that it does not know.
    fn open_pipe(&mut self, pipe: PipeId, kind: Code<PipeKind>, pipe_ticket: Signed<PipeTicket>) {
        match (kind.known(), &mut self.session) {
            (Some(PipeKind::Ssh), Some(live)) => live.open_pipe(pipe, pipe_ticket),
            (Some(PipeKind::Ssh), None) => {}
            // Who watches is told of as such.
            (Some(PipeKind::Control | PipeKind::Observer) | None, _) => {
                self.reap_farewells();
                // A relay that floods us gets no connection for each.
                if self.goodbyes.len() >= limits::PAIRINGS_AT_ONCE {
                    return tracing::warn!(%pipe, ?kind, "a pipe is left alone: too many are being refused");
                }
                tracing::info!(%pipe, ?kind, "a pipe is refused: nothing here serves its kind");
                let dialer = self.dialer.clone();
                self.farewell(
                    async move { Attached::refuse(&dialer, &pipe_ticket, Reason::Incompatible).await },
                );
            }
        }
    }

    fn pair(&mut self, request: Request, pipe: PipeId, pipe_ticket: Signed<PipeTicket>) {
        let engineer = request.engineer.id;
        let theirs = self.pairing.values().filter(|whose| **whose == engineer).count();
        let Some(trial) = self.rules.handle_pair(&request, self.pairings.len(), theirs) else { return };
        let agent = self.key.public();
        let offer = Offer { request, support_id: trial.support_id, agent, pipe, pipe_ticket };
        let leave = ByPin { charges: self.charges.0.clone(), engineers: self.around.engineers.clone() };
        let run = pairing::run(self.dialer.clone(), offer, trial.registration, leave);
        self.pairing.insert(self.pairings.spawn(run).id(), engineer);
    }

    /// Keeps what the engineer of the session has signed, for whoever wants to verify it.
    pub(super) fn keep_engagement(&self) {
        let request = self.rules.state().request();
        let engagement = request.and_then(|request| request.engagement.as_deref());
        self.state_files.set_engagement(engagement.map(|engagement| &engagement.proof));
    }

    /// Sends again what must have reached the relay by now.
    pub(super) fn say_again_to_relay(&self) {
        self.rules.word_to_relay().into_iter().for_each(|word| self.say_to_relay(word));
    }

    pub(super) fn say_to_relay(&self, message: FromAgent) {
        if let Some((tunnel, _)) = &self.tunnel {
            tunnel.send(message);
        }
    }

    pub(super) fn decline(&self, request: &Request, reason: Reason) {
        let Request { session, run, .. } = *request;
        self.say_to_relay(FromAgent::Declined { session, run, reason });
    }

    pub(super) fn on_run(&mut self, run: Run) {
        let Run { request, registration, outcome } = run;
        match outcome {
            Outcome::Uncharged(reason) => self.rules.handle_declined(request, reason),
            Outcome::NotBelieved(reason) => self.rules.handle_not_believed(request, reason),
            Outcome::Failed(reason, charge) => {
                self.rules.handle_failed(request, &registration, charge, reason, clock::now());
            }
            Outcome::Verified(verified, charge) => {
                match self.rules.handle_verified(request, &registration, charge, clock::now()) {
                    Ok(()) => self.proven = Some(verified),
                    Err(reason) => self.farewell(pairing::refuse(*verified, reason)),
                }
            }
        }
    }
}
