//! The rules of a session: who may pair, who is asked what, when it is over. Pure: callers pass
//! `now` (time since boot) and do what comes back.
//!
//! `Off → Open → Greeting → Asking → Admitting → Active ⇄ interrupted → Off`. *Open* is shown as
//! connecting or ready; *Greeting* is the moment in which a verified engineer proves the control
//! pipe; *Admitting* waits for the relay to withdraw the support ID. The pair lives in the states
//! that may still use it, so that no session can outlive its beginning with a PIN that still works.

mod pair;
mod returns;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::{Charge, Standing};
use fieldlink_protocol::reason::Reason;

pub use pair::Pair;
pub use returns::Returns;
pub use state::{Answered, Due, Greeted, Request, StaleAnswer, State};

use crate::config::{Consent, SessionConfig};

/// The state, and the limits that move it.
pub struct Rules {
    consent: Consent,
    session: SessionConfig,
    state: State,
}

impl Rules {
    /// Off.
    pub fn new(consent: Consent, session: SessionConfig) -> Self {
        Self { consent, session, state: State::Off }
    }

    /// Where things stand.
    pub fn state(&self) -> &State {
        &self.state
    }

    /// Remote access starts with a new pair; also when the relay wants another support ID.
    pub fn open(&mut self, pair: Pair, now: Duration) {
        let until = now + Duration::from_secs(self.session.idle_seconds);
        self.state = State::Open { pair, registered: false, until };
    }

    /// Whatever was, is over. The pair goes with it.
    pub fn close(&mut self) {
        self.state = State::Off;
    }

    /// The relay knows the support ID, or has lost it.
    pub fn set_registered(&mut self, is_registered: bool) {
        if let State::Open { registered, pair, .. } = &mut self.state {
            *registered = is_registered;
            pair.was_registered |= is_registered;
        }
    }

    /// Whether another pair may be drawn because the relay says that this ID is taken. Only before
    /// anyone could have tried it: a relay must not get a fresh count of attempts without a press.
    pub fn may_redraw(&self) -> bool {
        matches!(&self.state, State::Open { pair, .. } if !pair.was_registered && pair.is_untried())
    }

    /// Whether an engineer may begin to pair. Nothing is charged yet.
    pub fn may_pair(&mut self, run: RunId, running: usize) -> Result<Arc<Registration>, Reason> {
        let State::Open { pair, .. } = &mut self.state else { return Err(Reason::Busy) };
        let has_room = running < limits::PAIRINGS_AT_ONCE;
        if has_room && pair.is_new(run) { Ok(pair.registration.clone()) } else { Err(Reason::Busy) }
    }

    /// Charges an attempt, before the second OPAQUE message leaves.
    pub fn charge(&mut self, registration: &Arc<Registration>) -> Result<Charge, Reason> {
        match &mut self.state {
            State::Open { pair, .. } if Arc::ptr_eq(&pair.registration, registration) => {
                pair.attempts.charge().ok_or(Reason::Burnt)
            }
            _ => Err(Reason::Busy),
        }
    }

    /// The third message did not verify, or never came. True if that burnt the pair.
    pub fn failed(&mut self, registration: &Arc<Registration>, charge: Charge) -> bool {
        let Some(pair) = self.pair_mut(registration) else { return false };
        pair.attempts.failed(charge) == Standing::Burnt
    }

    /// The third message verified. The first one to get here is greeted, others are told "busy".
    pub fn verified(
        &mut self,
        registration: &Arc<Registration>,
        charge: Charge,
        request: Request,
        now: Duration,
    ) -> Result<(), Reason> {
        let pair = self.pair_mut(registration).ok_or(Reason::Busy)?;
        pair.attempts.succeeded(charge);
        match std::mem::replace(&mut self.state, State::Off) {
            State::Open { pair, .. } => {
                self.state = State::Greeting { pair, request, until: now + limits::HANDSHAKE };
                Ok(())
            }
            other => {
                self.state = other;
                Err(Reason::Busy)
            }
        }
    }

    /// The verified engineer proved the control pipe.
    pub fn greeted(&mut self, now: Duration) -> Greeted {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Greeting { request, .. } if self.consent == Consent::Pin => {
                self.state = State::Admitting { request, until: now + limits::HANDSHAKE };
                Greeted::Admit
            }
            State::Greeting { pair, request, .. } => {
                let question = QuestionId::random();
                let until = now + Duration::from_secs(self.session.consent_seconds);
                self.state = State::Asking { pair, request, question, until };
                Greeted::Ask(question)
            }
            other => {
                self.state = other;
                Greeted::Stale
            }
        }
    }

    /// The client's answer, to the question it names.
    pub fn answer(
        &mut self,
        question: QuestionId,
        allow: bool,
        now: Duration,
    ) -> Result<Answered, StaleAnswer> {
        match &self.state {
            State::Asking { question: asked, .. } if *asked == question => {}
            _ => return Err(StaleAnswer),
        }
        if !allow {
            return Ok(Answered::Refused(self.refused(now)));
        }
        if let State::Asking { request, .. } = std::mem::replace(&mut self.state, State::Off) {
            self.state = State::Admitting { request, until: now + limits::HANDSHAKE };
        }
        Ok(Answered::Allowed)
    }

    /// The client said no, or nothing.
    pub fn refused(&mut self, now: Duration) -> Standing {
        let standing = match &mut self.state {
            State::Asking { pair, .. } => pair.attempts.refused(),
            _ => Standing::Usable,
        };
        self.withdraw(now);
        standing
    }

    /// The engineer left before the client answered: back to waiting, with the same pair.
    pub fn withdraw(&mut self, now: Duration) {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Greeting { pair, .. } | State::Asking { pair, .. } => {
                self.open(pair, now);
            }
            other => self.state = other,
        }
    }

    /// The relay withdrew the support ID: the hour begins. Returns how long the session lasts.
    pub fn admitted(&mut self, now: Duration) -> Option<Duration> {
        let State::Admitting { request, .. } = &self.state else { return None };
        let request = request.clone();
        let length = Duration::from_secs(self.session.length_seconds).min(limits::SESSION_MAX);
        self.state = State::Active {
            request,
            deadline: now + length,
            heard: now,
            interrupted: None,
            returns: Returns::default(),
        };
        Some(length)
    }

    /// The engineer's side was heard under the seal. True if that ends an interruption.
    pub fn heard(&mut self, now: Duration) -> bool {
        match &mut self.state {
            State::Active { heard, interrupted, .. } => {
                *heard = now;
                interrupted.take().is_some()
            }
            _ => false,
        }
    }

    /// The control pipe has no connection: no new SSH pipes, until it is heard again.
    pub fn interrupt(&mut self, problem: String) {
        if let State::Active { interrupted, .. } = &mut self.state {
            *interrupted = Some(problem);
        }
    }

    /// The control pipe has a connection again. That alone is no sign of life: a relay could give us one
    /// connection after another and keep back what is said on them.
    pub fn connected(&mut self, now: Duration) {
        if let State::Active { heard, interrupted, .. } = &mut self.state
            && now < *heard + limits::HEARTBEAT_LOST
        {
            *interrupted = None;
        }
    }

    /// Whether the engineer's program, started again, may begin to pair with the key that was kept.
    pub fn may_return(&mut self, session: SessionId, run: RunId) -> Option<Request> {
        let State::Active { request, returns, .. } = &mut self.state else { return None };
        let is_welcome = request.session == session && returns.is_new(run);
        is_welcome.then(|| Request { run, ..request.clone() })
    }

    /// The engineer's program is back, in the run it paired in. Returns when the session ends.
    pub fn returned(&mut self, run: RunId, now: Duration) -> Option<Duration> {
        let State::Active { request, deadline, heard, interrupted, returns } = &mut self.state else {
            return None;
        };
        (request.run, *heard, *interrupted) = (run, now, None);
        returns.count += 1;
        Some(*deadline)
    }

    /// Whether SSH pipes are admitted for `session` now.
    pub fn admits_pipes(&self, session: SessionId) -> bool {
        matches!(&self.state, State::Active { request, interrupted: None, .. } if request.session == session)
    }

    /// Who is greeted, asked about, admitted or at work.
    pub fn request(&self) -> Option<&Request> {
        match &self.state {
            State::Off | State::Open { .. } => None,
            State::Greeting { request, .. }
            | State::Asking { request, .. }
            | State::Admitting { request, .. }
            | State::Active { request, .. } => Some(request),
        }
    }

    /// When [`Self::tick`] is to be called next.
    pub fn next_deadline(&self) -> Option<Duration> {
        match &self.state {
            State::Off => None,
            State::Open { until, .. }
            | State::Greeting { until, .. }
            | State::Asking { until, .. }
            | State::Admitting { until, .. } => Some(*until),
            State::Active { deadline, heard, interrupted, .. } => {
                Some((*deadline).min(*heard + self.silence(interrupted.is_some())))
            }
        }
    }

    /// What is due at `now`.
    pub fn tick(&mut self, now: Duration) -> Option<Due> {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        let patience = self.silence(true);
        match &mut self.state {
            State::Off => None,
            State::Open { .. } => Some(Due::Idle),
            State::Greeting { .. } => Some(Due::GiveUp(Reason::PairingTimeout)),
            State::Asking { .. } => Some(Due::GiveUp(Reason::NoAnswer)),
            State::Admitting { .. } => Some(Due::End(Reason::ConnectionLost)),
            State::Active { deadline, .. } if now >= *deadline => Some(Due::End(Reason::TimeUp)),
            State::Active { heard, interrupted: Some(_), .. } if now >= *heard + patience => {
                Some(Due::End(Reason::Silence))
            }
            State::Active { interrupted, .. } => {
                interrupted.get_or_insert_with(|| "nothing comes through any more".to_owned());
                Some(Due::Interrupted)
            }
        }
    }

    fn silence(&self, interrupted: bool) -> Duration {
        match interrupted {
            false => limits::HEARTBEAT_LOST,
            true => Duration::from_secs(self.session.interruption_seconds).max(limits::HEARTBEAT_LOST),
        }
    }

    fn pair_mut(&mut self, registration: &Arc<Registration>) -> Option<&mut Pair> {
        match &mut self.state {
            State::Open { pair, .. } | State::Greeting { pair, .. } | State::Asking { pair, .. } => {
                Some(pair).filter(|pair| Arc::ptr_eq(&pair.registration, registration))
            }
            _ => None,
        }
    }
}
