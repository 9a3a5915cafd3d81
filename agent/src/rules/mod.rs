//! The rules of a session: who may pair, who is asked what, when it is over. Pure: callers pass
//! `now` (time since boot) and do what comes back.
//!
//! `Off → Open → Greeting → Asking → Admitting → Active ⇄ interrupted → Off`. *Open* is shown as
//! connecting or ready; *Greeting* is the moment in which a verified engineer proves the control
//! pipe; *Admitting* waits for the relay to withdraw the support ID. The pair lives in the states
//! that may still use it, so that no session can outlive its beginning with a PIN that still works.

mod active;
#[cfg(test)]
mod diagram;
mod outcome;
mod pair;
mod request;
mod returns;
mod state;
#[cfg(test)]
mod tests;

use std::sync::Arc;
use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::{QuestionId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::{Charge, Standing};
use fieldlink_protocol::reason::Reason;

pub use active::{Active, Asked};
pub use outcome::{Answered, Due, GrantError, Greeted, StaleAnswer};
pub use pair::Pair;
pub use request::Request;
pub use returns::Returns;
pub use state::State;

use crate::config::{Consent, SessionConfig};

/// How long a session may take to begin once the client has allowed it: what runs the engineer's programs is started,
/// which says itself when it fails, and the relay withdraws the support ID.
const BEGINNING: Duration = Duration::from_secs(45);

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
        matches!(pair.attempts.failed(charge), Standing::Burnt(_))
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
                self.state = State::Admitting { request, until: now + BEGINNING };
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
        answer: ClientAnswer,
        now: Duration,
    ) -> Result<Answered, StaleAnswer> {
        match &mut self.state {
            State::Active(active) => return active.answer(question, answer, now),
            State::Asking { question: asked, .. } if *asked == question => {}
            _ => return Err(StaleAnswer::NotOpen),
        }
        match answer {
            ClientAnswer::No => return Ok(Answered::Refused(self.refused(now))),
            ClientAnswer::Text(_) => return Err(StaleAnswer::DoesNotFit),
            ClientAnswer::Yes => {}
        }
        if let State::Asking { request, .. } = std::mem::replace(&mut self.state, State::Off) {
            self.state = State::Admitting { request, until: now + BEGINNING };
        }
        Ok(Answered::Allowed)
    }

    /// The engineer asks the client something. An error is the answer: the client is not asked.
    pub fn ask(&mut self, request: u32, question: Question, now: Duration) -> Result<(), Answer> {
        self.active_mut().map_or(Err(Answer::Busy {}), |active| active.ask(request, question, now))
    }

    /// The engineer takes a question back. False if it is not open.
    pub fn withdraw_question(&mut self, request: u32) -> bool {
        self.active_mut().is_some_and(|active| active.withdraw(request))
    }

    /// The client gives `session` more time. Returns the engineer's question that is thereby answered.
    pub fn grant(
        &mut self,
        session: SessionId,
        minutes: u32,
        now: Duration,
    ) -> Result<Option<u32>, GrantError> {
        let active = self.active_mut().filter(|active| active.request.session == session);
        active.map_or(Err(GrantError), |active| active.grant(minutes, now))
    }

    /// The session in which the engineer works.
    pub fn active(&self) -> Option<&Active> {
        match &self.state {
            State::Active(active) => Some(active),
            _ => None,
        }
    }

    fn active_mut(&mut self) -> Option<&mut Active> {
        match &mut self.state {
            State::Active(active) => Some(active),
            _ => None,
        }
    }

    /// The client said no, or nothing.
    pub fn refused(&mut self, now: Duration) -> Standing {
        let standing = match &mut self.state {
            State::Asking { pair, .. } => pair.attempts.refused(),
            _ => Standing::Usable,
        };
        self.wait_again(now);
        standing
    }

    /// The engineer left before the client answered: back to waiting, with the same pair. It counts if the client
    /// was asked already.
    pub fn withdraw(&mut self, now: Duration) -> Standing {
        let standing = match &mut self.state {
            State::Asking { pair, .. } => pair.attempts.withdrawn(),
            _ => Standing::Usable,
        };
        self.wait_again(now);
        standing
    }

    fn wait_again(&mut self, now: Duration) {
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
        let length = Duration::from_secs(self.session.length_seconds).min(limits::SESSION_MAX);
        self.state = State::Active(Box::new(Active::begin(request.clone(), length, now)));
        Some(length)
    }

    /// The engineer's side was heard under the seal. True if that ends an interruption.
    pub fn heard(&mut self, now: Duration) -> bool {
        self.active_mut().is_some_and(|active| active.heard(now))
    }

    /// The control pipe has no connection: no new SSH pipes, until it is heard again.
    pub fn interrupt(&mut self, problem: String) {
        if let Some(active) = self.active_mut() {
            active.interrupted = Some(problem);
        }
    }

    /// The control pipe has a connection again. That alone is no sign of life: a relay could give us one
    /// connection after another and keep back what is said on them.
    pub fn connected(&mut self, now: Duration) {
        if let Some(active) = self.active_mut() {
            active.connected(now);
        }
    }

    /// Whether the engineer's program, started again, may begin to pair with the key that was kept.
    pub fn may_return(&mut self, session: SessionId, run: RunId) -> Option<Request> {
        let active = self.active_mut()?;
        let is_welcome = active.request.session == session && active.returns.is_new(run);
        is_welcome.then(|| Request { run, ..active.request.clone() })
    }

    /// The engineer's program is back, in the run it paired in. Returns when the session ends.
    pub fn returned(&mut self, run: RunId, now: Duration) -> Option<Duration> {
        self.active_mut().map(|active| active.returned(run, now))
    }

    /// Whether SSH pipes are admitted for `session` now.
    pub fn admits_pipes(&self, session: SessionId) -> bool {
        let lets_in = |active: &Active| active.interrupted.is_none() && active.request.session == session;
        self.active().is_some_and(lets_in)
    }

    /// Who is greeted, asked about, admitted or at work.
    pub fn request(&self) -> Option<&Request> {
        match &self.state {
            State::Off | State::Open { .. } => None,
            State::Greeting { request, .. }
            | State::Asking { request, .. }
            | State::Admitting { request, .. } => Some(request),
            State::Active(active) => Some(&active.request),
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
            State::Active(active) => Some(active.next_deadline(self.patience())),
        }
    }

    /// What is due at `now`.
    pub fn tick(&mut self, now: Duration) -> Option<Due> {
        if self.next_deadline().is_none_or(|deadline| now < deadline) {
            return None;
        }
        let patience = self.patience();
        match &mut self.state {
            State::Off => None,
            State::Open { .. } => Some(Due::Idle),
            State::Greeting { .. } => Some(Due::GiveUp(Reason::PairingTimeout)),
            State::Asking { .. } => Some(Due::GiveUp(Reason::NoAnswer)),
            State::Admitting { .. } => Some(Due::End(Reason::ConnectionLost)),
            State::Active(active) => active.tick(patience, now),
        }
    }

    /// How long a session may be interrupted.
    fn patience(&self) -> Duration {
        Duration::from_secs(self.session.interruption_seconds).max(limits::HEARTBEAT_LOST)
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
