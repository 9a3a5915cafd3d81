//! What the relay says, and what becomes of pairing runs.

use std::time::Duration;

use fieldlink_daemon::AUDIT;
use fieldlink_device::notice::{Notice, Warning};
use fieldlink_protocol::ids::{PipeId, SessionId};
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::reason::Reason;

use super::{Access, MOST_REDRAWS, Unconfirmed};
use crate::clock;
use crate::network::monitor::Standing;
use crate::network::reach::Failure;
use crate::rules::{Request, State};
use crate::session::LiveSession;
use crate::session::control::Teller;
use crate::session::pairing::{self, AskTheRules, Offer, Outcome, Run};
use crate::tunnel::TunnelEvent;
use crate::view::{self, person_of, told};

/// How long the relay may be away before a client who waits for an engineer reads it: it is started again in less.
const UNTOLD: Duration = Duration::from_secs(8);

/// A connection to the relay that was lost.
pub(super) struct Outage {
    failure: Failure,
    /// When the client is told, in time since boot.
    pub(super) until: Duration,
}

impl Access {
    pub(super) async fn on_tunnel(&mut self, event: TunnelEvent) -> Result<(), Unconfirmed> {
        match event {
            TunnelEvent::Registered => {
                self.outage = None;
                self.network.tunnel_is(Standing::Registered);
                self.set_registered(true, None);
                // What was said on the connection before may not have arrived.
                self.ask_for_admission();
                self.tell_of_return();
            }
            TunnelEvent::Lost(failure) => self.on_lost(failure),
            TunnelEvent::IdTaken if self.rules.may_redraw() && self.redraws < MOST_REDRAWS => {
                tracing::info!("the support ID is taken, drawing another");
                self.redraws += 1;
                self.tunnel = None;
                self.switch_on();
            }
            TunnelEvent::IdTaken => return self.switch_off(Notice::Ended(Reason::IdTaken)).await,
            TunnelEvent::SessionOver(reason) => {
                let reason = reason.unwrap_or(Reason::RelayRestarted);
                return self.switch_off(told(reason, Teller::Relay)).await;
            }
            TunnelEvent::Message(message) => return self.on_relay(message).await,
        }
        Ok(())
    }

    /// While the client waits for an engineer, a short outage is not worth a word.
    fn on_lost(&mut self, failure: Failure) {
        let is_waiting = matches!(self.rules.state(), State::Open { registered: true, .. });
        let until = match &self.outage {
            Some(outage) => outage.until,
            None if is_waiting => clock::now() + UNTOLD,
            None => clock::now(),
        };
        self.outage = Some(Outage { failure, until });
        self.show_outage(clock::now());
    }

    /// Shows an outage that has lasted long enough, or that a session suffers from.
    pub(super) fn show_outage(&mut self, now: Duration) {
        let is_waiting = matches!(self.rules.state(), State::Open { .. });
        if let Some(Outage { failure, .. }) = self.outage.take_if(|outage| now >= outage.until || !is_waiting)
        {
            self.set_registered(false, Some(failure.detail.clone()));
            self.network.tunnel_is(Standing::Failed(failure));
        }
    }

    pub(super) fn set_registered(&mut self, registered: bool, problem: Option<String>) {
        self.is_registered = registered;
        self.problem = problem;
        self.rules.set_registered(registered);
    }

    pub(super) async fn on_relay(&mut self, message: ToAgent) -> Result<(), Unconfirmed> {
        match message {
            ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket } => {
                let request = Request { session, run, engineer, ticket, partner };
                self.pair(request, pipe, pipe_ticket);
            }
            ToAgent::Open { session, pipe, pipe_ticket } => {
                let is_admitted = self.rules.admits_pipes(session);
                if let (true, Some(live)) = (is_admitted, &mut self.session) {
                    live.open_pipe(pipe, pipe_ticket);
                }
            }
            ToAgent::SessionTicket { session, session_ticket } => {
                let is_expected = self.rules.request().is_some_and(|request| request.session == session);
                if is_expected {
                    self.on_session_ticket(session_ticket);
                }
            }
            ToAgent::Ended { session, reason } => return self.on_relay_ended(session, reason).await,
            ToAgent::PairAgain { session, run, pipe, pipe_ticket } => {
                self.pair_again(session, run, pipe, pipe_ticket);
            }
            ToAgent::Challenge { .. } | ToAgent::Registered { .. } | ToAgent::Refused { .. } => {}
        }
        Ok(())
    }

    pub(super) fn pair(&mut self, request: Request, pipe: PipeId, pipe_ticket: String) {
        let running = self.pairings.len();
        let State::Open { pair, .. } = self.rules.state() else {
            return self.decline(&request, Reason::Busy);
        };
        let support_id = pair.support_id;
        match self.rules.may_pair(request.run, running) {
            Ok(registration) => {
                let offer = Offer { request, support_id, pipe, pipe_ticket };
                let leave = AskTheRules(self.charges.0.clone());
                self.pairings.spawn(pairing::run(self.dialer.clone(), offer, registration, leave));
            }
            Err(reason) => self.decline(&request, reason),
        }
    }

    pub(super) fn decline(&self, request: &Request, reason: Reason) {
        if let Some((tunnel, _)) = &self.tunnel {
            tunnel.send(FromAgent::Declined { session: request.session, run: request.run, reason });
        }
    }

    pub(super) async fn on_run(&mut self, run: Run) -> Result<(), Unconfirmed> {
        let Run { request, registration, outcome } = run;
        match outcome {
            Outcome::Uncharged(reason) => self.decline(&request, reason),
            Outcome::Failed(reason, charge) => {
                let who = view::describe(&request);
                tracing::info!(target: AUDIT, engineer = %request.engineer.id, who, %reason, "a pairing failed");
                let is_burnt = self.rules.failed(&registration, charge);
                self.decline(&request, reason);
                if is_burnt {
                    return self.switch_off(Notice::Burnt(person_of(&request))).await;
                }
                self.warn_of_wrong_pin(&request, reason);
            }
            Outcome::Verified(verified, charge) => {
                let id = (request.session, request.run);
                match self.rules.verified(&registration, charge, request.clone(), clock::now()) {
                    Ok(()) => match LiveSession::greet(*verified, id, &self.around) {
                        Ok(session) => self.session = Some(session),
                        Err(error) => {
                            tracing::error!(%error, "no host key");
                            return self.switch_off(Notice::Ended(Reason::ScannerFailed)).await;
                        }
                    },
                    Err(reason) => {
                        self.decline(&request, reason);
                        while self.goodbyes.try_join_next().is_some() {}
                        self.goodbyes.spawn(pairing::refuse(*verified, reason));
                    }
                }
            }
        }
        Ok(())
    }

    fn warn_of_wrong_pin(&self, request: &Request, reason: Reason) {
        let who = person_of(request);
        self.warn(match reason {
            Reason::WrongPin => Warning::WrongPin { who },
            // Who breaks off there has learnt whether it was right.
            _ => Warning::BrokenOff { who },
        });
    }

    pub(super) async fn on_relay_ended(
        &mut self,
        session: SessionId,
        reason: Reason,
    ) -> Result<(), Unconfirmed> {
        if self.rules.request().is_none_or(|request| request.session != session) {
            return Ok(());
        }
        self.on_over(reason, Teller::Relay).await
    }
}
