//! Which engineers may try the PIN, and how often.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::RunId;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::{Charge, Standing};
use fieldlink_protocol::reason::Reason;

use super::pair::Trial;
use super::{Ending, Request, RuleEvent, Rules, State};

impl Rules {
    /// An engineer wants to pair, while `running` runs are under way, `theirs` of them this engineer's. Nothing is charged
    /// yet.
    pub(crate) fn handle_pair(&mut self, request: &Request, running: usize, theirs: usize) -> Option<Trial> {
        let has_room = running < limits::PAIRINGS_AT_ONCE && theirs < limits::PAIRINGS_PER_ENGINEER;
        let trial = self.trial().filter(|_| has_room);
        if trial.is_none() {
            self.handle_declined(request.clone(), Reason::Busy);
        }
        trial
    }

    fn trial(&mut self) -> Option<Trial> {
        let State::Open { pair, .. } = &mut self.state else { return None };
        pair.set_asked_for();
        Some(pair.trial())
    }

    /// A run is over before it was charged, or cannot begin.
    pub(crate) fn handle_declined(&mut self, request: Request, reason: Reason) {
        self.events.push_back(RuleEvent::Declined { request, reason });
    }

    /// A run is over because the engineer has not proven who they are. Nothing is charged, and the client reads it once
    /// for each reason: a relay can bring about as many as it likes.
    pub(crate) fn handle_not_believed(&mut self, request: Request, reason: Reason) {
        let is_news = self.disbelieved.insert(reason);
        self.events.push_back(RuleEvent::NotBelieved { request: request.clone(), reason, is_news });
        self.handle_declined(request, reason);
    }

    /// Charges an attempt for `run`, before the second OPAQUE message leaves.
    pub(crate) fn handle_charge(
        &mut self,
        registration: &Arc<Registration>,
        run: RunId,
    ) -> Result<Charge, Reason> {
        if let Some(charged) = self.charge_of_guest(registration, run) {
            return charged;
        }
        match &mut self.state {
            State::Open { pair, .. } if Arc::ptr_eq(&pair.registration, registration) => pair.charge(run),
            _ => Err(Reason::Busy),
        }
    }

    /// The third message did not verify, or never came.
    pub(crate) fn handle_failed(
        &mut self,
        request: Request,
        registration: &Arc<Registration>,
        charge: Charge,
        reason: Reason,
        now: Duration,
    ) {
        let pair = self.state.pair_of(registration);
        let is_last = pair.is_some_and(|pair| matches!(pair.attempts.failed(charge), Standing::Burnt(_)));
        self.events.push_back(RuleEvent::TryFailed { request: request.clone(), reason, is_last });
        if is_last {
            self.close(Ending::WrongPins(request), now);
        }
    }

    /// The third message verified. The first engineer to get here is greeted; the others get an error.
    pub(crate) fn handle_verified(
        &mut self,
        request: Request,
        registration: &Arc<Registration>,
        charge: Charge,
        now: Duration,
    ) -> Result<(), Reason> {
        if let Some(pair) = self.state.pair_of(registration) {
            pair.attempts.succeeded(charge);
            let until = now + limits::HANDSHAKE;
            match std::mem::replace(&mut self.state, State::Off) {
                State::Open { pair, .. } => {
                    self.state = State::Greeting { pair, request: request.clone(), until };
                    self.events.push_back(RuleEvent::PinVerified { request });
                    return Ok(());
                }
                other => self.state = other,
            }
        }
        self.handle_declined(request, Reason::Busy);
        Err(Reason::Busy)
    }
}
