//! The rules of a session: which engineer may pair, what the client is asked, when it is over. Pure: no socket, no
//! clock, no task.
//!
//! What happens outside comes in through `handle_…`, with `now` (time since boot); what follows from it comes out of
//! [`Rules::poll_event`], in order. [`Rules::poll_timeout`] says when [`Rules::handle_timeout`] is due.
//!
//! `Off → Open → Greeting → Asking → Admitting → Active ⇄ interrupted → Off`. *Open* is shown as connecting or ready;
//! *Greeting* is the moment in which a verified engineer proves the control pipe; *Admitting* waits for what serves the
//! engineer to start, and for the relay to withdraw the support ID. The pair lives in the states that may still use it,
//! so that no session can outlive its beginning with a PIN that still works.

mod active;
mod announcing;
mod asking;
mod battery;
mod consent;
mod conversation;
mod costs;
mod data;
#[cfg(test)]
mod diagram;
mod ending;
mod event;
mod extension;
mod following;
mod guest;
mod guests;
mod handing;
mod health;
mod joining;
#[cfg(test)]
mod model;
mod observers;
mod operating;
mod operation;
mod pair;
mod pairing;
mod people;
mod people_event;
mod policy;
mod presence;
mod question;
mod quiet;
mod refusal;
mod relay_link;
mod request;
mod restart;
mod restarting;
mod returns;
mod runbook;
mod seat;
mod session;
mod state;
#[cfg(test)]
mod tests;
mod verdict;
mod watching;

use std::collections::{HashSet, VecDeque};
use std::time::Duration;

use fieldlink_device::order::Order;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::reason::Reason;

pub(crate) use active::Active;
pub(crate) use battery::Battery;
pub(crate) use ending::{Ending, Teller};
pub(crate) use event::{DataVerdict, NotLetIn, RuleEvent};
pub(crate) use guest::Guest;
pub(crate) use observers::Watching;
pub(crate) use operation::{OperationStatus, WantedOperation};
pub(crate) use pair::Pair;
pub(crate) use people::{Person, Whose};
pub(crate) use people_event::{GuestEvent, ObserverEvent};
pub(crate) use policy::UseId;
pub(crate) use presence::Presence;
pub(crate) use question::{Asked, Asking};
pub(crate) use refusal::{GrantError, Refusal, StaleAnswer};
pub(crate) use relay_link::RelayLink;
pub(crate) use request::Request;
pub(crate) use restart::{Carried, Carrying, Continuity, Restarting};
pub(crate) use returns::Returns;
pub(crate) use runbook::{RunbookEvent, RunbookStatus};
pub(crate) use seat::{RequestId, SeatId};
pub(crate) use state::State;
pub(crate) use verdict::VerdictWanted;

use crate::config::{Consent, PresenceMode, SessionConfig};
use crate::network::reach::Failure;
use operation::Operated;

/// Pairs that are drawn for one press, should the relay say that an ID is taken.
const MOST_REDRAWS: u8 = 3;

/// What happened and was not polled yet.
type Events = VecDeque<RuleEvent>;

/// The state, and the limits that move it.
pub(crate) struct Rules {
    consent: Consent,
    presence: PresenceMode,
    session: SessionConfig,
    state: State,
    relay: RelayLink,
    verdict: VerdictWanted,
    operated: Operated,
    /// Whether data costs the client money.
    is_metered: bool,
    /// Pairs drawn anew since the client's press.
    redraws: u8,
    /// For which reasons engineers were not believed, since then.
    disbelieved: HashSet<Reason>,
    /// The last place that was given to an engineer: none is given twice.
    last_seat: u64,
    events: Events,
}

impl Rules {
    /// Remote access that is off, and the configured limits.
    pub(crate) fn new(consent: Consent, presence: PresenceMode, session: SessionConfig) -> Self {
        let (state, relay, events) = (State::Off, RelayLink::default(), Events::new());
        let (disbelieved, verdict) = (HashSet::new(), VerdictWanted::default());
        let operated = Operated::default();
        let (is_metered, redraws) = (false, 0);
        Self {
            consent,
            presence,
            session,
            state,
            relay,
            verdict,
            operated,
            is_metered,
            redraws,
            disbelieved,
            last_seat: 0,
            events,
        }
    }

    /// Where remote access stands.
    pub(crate) fn state(&self) -> &State {
        &self.state
    }

    /// Whether the client is asked for a verdict.
    pub(crate) fn verdict(&self) -> &VerdictWanted {
        &self.verdict
    }

    /// Whether the relay knows us.
    pub(crate) fn relay(&self) -> &RelayLink {
        &self.relay
    }

    /// Whether SSH pipes are admitted for `session` now.
    pub(crate) fn admits_pipes(&self, session: SessionId) -> bool {
        let lets_in = |active: &Active| active.interrupted.is_none() && active.request.session == session;
        self.state.active().is_some_and(lets_in)
    }

    /// The message that must have reached the relay by now, should it have been lost. A second one does no harm.
    pub(crate) fn word_to_relay(&self) -> Option<FromAgent> {
        match &self.state {
            State::Admitting { request, has_begun: true, carried: Some(_), .. } => {
                let Request { session, run, .. } = *request;
                Some(FromAgent::PairedAgain { session, run })
            }
            State::Admitting { request, has_begun: true, .. } => {
                Some(FromAgent::Admitted { session: request.session })
            }
            State::Active(active) if active.returns.count > 0 => {
                let Request { session, run, .. } = active.request;
                Some(FromAgent::PairedAgain { session, run })
            }
            _ => None,
        }
    }

    /// The client orders something. What is said to the engineer comes by [`Self::handle_clients_chat`].
    pub(crate) fn handle_order(&mut self, order: Order, now: Duration) -> Result<(), Refusal> {
        let is_sign = matches!(order, Order::Answer(..) | Order::Grant(..));
        self.obey(order, now)?;
        if is_sign {
            self.handle_sign(now);
        }
        Ok(())
    }

    fn obey(&mut self, order: Order, now: Duration) -> Result<(), Refusal> {
        let is_off = matches!(self.state, State::Off);
        match order {
            Order::Ping => Ok(()),
            Order::Start if !is_off => Err(Refusal::AlreadyOn),
            Order::Start => {
                self.redraws = 0;
                self.disbelieved.clear();
                self.open(now);
                Ok(())
            }
            Order::End if self.state.request().is_none() => Err(Refusal::NoSession),
            Order::Stop(_) if is_off => Err(Refusal::AlreadyOff),
            Order::End => {
                self.close(Ending::Reason(Reason::ClientEnded), now);
                Ok(())
            }
            // The device goes down, or once more: the session goes on after that.
            Order::Shutdown(_) if matches!(self.state, State::Restarting(_) | State::Carrying(_)) => {
                self.state = State::Off;
                Ok(())
            }
            Order::Stop(reason) | Order::Shutdown(reason) => {
                self.close(Ending::Reason(reason), now);
                Ok(())
            }
            Order::Answer(question, answer) => Ok(self.handle_answer(question, answer, now)?),
            Order::Grant(session, minutes) => self.handle_grant(session, minutes, now),
            Order::Chat(text) => self.handle_clients_chat(&text, true, now),
            Order::Verdict(session, verdict, words) => {
                self.verdict.handle_given(session, verdict, &words, &mut self.events)
            }
            Order::Remove(name) => self.handle_clients_removal(&name, now),
            Order::Here if self.handle_sign(now) => Ok(()),
            Order::Here => Err(Refusal::NoSession),
            Order::DeleteRecord(session) if self.is_under_way(session) => Err(Refusal::RecordOpen),
            Order::DeleteRecord(session) => {
                self.verdict.forget_if(session);
                Ok(())
            }
            Order::ForgetRecords if !is_off => Err(Refusal::NotOff),
            Order::ForgetRecords => {
                self.verdict.forget();
                Ok(())
            }
        }
    }

    /// Whether the session runs, or is about to.
    fn is_under_way(&self, session: SessionId) -> bool {
        let asks = self.state.request().is_some_and(|request| request.session == session);
        asks || self.state.active().is_some_and(|active| active.session == session)
    }

    /// Something that remote access cannot do without has failed on our side, or stops.
    pub(crate) fn handle_failure(&mut self, reason: Reason, now: Duration) {
        self.close(Ending::Reason(reason), now);
    }

    /// The relay knows the support ID, or the session.
    pub(crate) fn handle_registered(&mut self) {
        if matches!(self.state, State::Off) {
            return;
        }
        self.state.pair_mut().into_iter().for_each(Pair::set_registered);
        self.relay.handle_registered(&mut self.events);
    }

    /// The connection to the relay was lost, or could not be had.
    pub(crate) fn handle_relay_lost(&mut self, failure: Failure, now: Duration) {
        let waits = matches!(self.state, State::Open { .. });
        self.relay.handle_lost(failure, waits, now, &mut self.events);
    }

    /// The relay knows another scanner by this ID. Another one is drawn only before an engineer can have tried this
    /// one: a relay must not get a fresh count of attempts without a press.
    pub(crate) fn handle_id_taken(&mut self, now: Duration) {
        let is_fresh = matches!(&self.state, State::Open { pair, .. } if pair.is_untouched());
        if is_fresh && self.redraws < MOST_REDRAWS {
            self.redraws += 1;
            self.open(now);
        } else {
            self.close(Ending::Reason(Reason::IdTaken), now);
        }
    }

    /// The next thing that happened.
    pub(crate) fn poll_event(&mut self) -> Option<RuleEvent> {
        self.events.pop_front()
    }

    /// When [`Self::handle_timeout`] is due.
    pub(crate) fn poll_timeout(&self) -> Option<Duration> {
        let verdict = self.verdict.poll_timeout();
        self.state_timeout().into_iter().chain(self.relay.poll_timeout()).chain(verdict).min()
    }

    fn state_timeout(&self) -> Option<Duration> {
        match &self.state {
            State::Off => None,
            State::Open { until, .. }
            | State::Greeting { until, .. }
            | State::Asking { until, .. }
            | State::Admitting { until, .. } => Some(*until),
            State::Active(active) => Some(active.poll_timeout(self.patience())),
            State::Restarting(restarting) => Some(restarting.until),
            State::Carrying(carrying) => Some(carrying.until()),
        }
    }

    /// Carries out all that is due at `now`.
    pub(crate) fn handle_timeout(&mut self, now: Duration) {
        let waits = matches!(self.state, State::Open { .. });
        self.relay.handle_timeout(waits, now, &mut self.events);
        self.verdict.handle_timeout(now);
        while self.state_timeout().is_some_and(|due| due <= now) {
            let patience = self.patience();
            match &mut self.state {
                State::Off => {}
                State::Open { .. } => self.close(Ending::Idle, now),
                State::Greeting { .. } => self.leave(Reason::PairingTimeout, Teller::Party, now),
                State::Asking { .. } => self.turn_away(NotLetIn::Unanswered, now),
                State::Admitting { .. } => self.close(Ending::Reason(Reason::ConnectionLost), now),
                State::Restarting(_) | State::Carrying(_) => {
                    self.close(Ending::Reason(self.not_carried_on()), now);
                }
                State::Active(active) => {
                    if let Some(reason) = active.handle_timeout(patience, now, &mut self.events)
                        && !self.pass_on(reason, now)
                    {
                        self.close(Ending::Reason(reason), now);
                    }
                }
            }
        }
    }

    /// How long a session may be interrupted.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.session.interruption_seconds).max(limits::HEARTBEAT_LOST)
    }

    /// Waits for an engineer with a new pair.
    fn open(&mut self, now: Duration) {
        let Ok(pair) = Pair::draw() else {
            self.events.push_back(RuleEvent::Closed {
                request: None,
                ending: Ending::Reason(Reason::ScannerFailed),
                is_relay_away: false,
            });
            self.state = State::Off;
            return;
        };
        self.relay = RelayLink::default();
        self.verdict.forget();
        self.events.push_back(RuleEvent::Opened { support_id: pair.support_id });
        self.wait(pair, now);
    }

    /// Waits for an engineer, with this pair.
    fn wait(&mut self, pair: Pair, now: Duration) {
        let until = now + Duration::from_secs(self.session.idle_seconds);
        self.state = State::Open { pair, until };
    }

    /// Switches remote access off, from any state. The pair is dropped with it.
    fn close(&mut self, ending: Ending, now: Duration) {
        let mut before = std::mem::replace(&mut self.state, State::Off);
        if matches!(before, State::Off) {
            return;
        }
        if let State::Active(active) = &mut before {
            active.guests.remove_all(ending.reason(), &mut self.events);
            active.observers.remove_all(ending.reason(), &mut self.events);
        }
        let is_relay_away = !std::mem::take(&mut self.relay).is_registered();
        let request = before.request().cloned();
        if let State::Active(active) = &before {
            self.verdict.ask(active.session, now);
            if let Some(run) = self.operated.handle_session_over(active.lost()) {
                self.events.push_back(RuleEvent::OperationHeard { run });
            }
        }
        self.events.push_back(RuleEvent::Closed { request, ending, is_relay_away });
    }
}
