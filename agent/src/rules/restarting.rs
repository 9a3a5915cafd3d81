//! What the engineer, the client and the device have to do with a restart.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::{QuestionId, RunId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::policy::Permission;
use fieldlink_protocol::reason::Reason;

use super::event::RuleEvent;
use super::question::{Asked, Asking};
use super::request::BEGINNING;
use super::restart::{Carried, Carrying, Continuity, Restarting};
use super::seat::RequestId;
use super::{Active, Ending, Events, Returns, Rules, StaleAnswer, State};

impl Active {
    /// The client agrees that the device restarts, as they are asked.
    pub(super) fn handle_yes_to_restart(&mut self, events: &mut Events) {
        if let Some(Asked { id, asking: Asking::Engineers { request, question }, .. }) = self.asked.take()
            && let Question::Restart { power: is_power, .. } = question
        {
            events.push_back(RuleEvent::RestartAgreed { question: Some(id), request, is_power });
        }
    }
}

impl Rules {
    /// The engineer wants the device to restart. `able`: why it could not, if so.
    pub(crate) fn handle_restart_wanted(
        &mut self,
        request: RequestId,
        question: Question,
        (permission, able): (Permission, Result<(), NotNow>),
        now: Duration,
    ) {
        let Question::Restart { power: is_power, .. } = question else { return };
        let why_not = match (permission, able) {
            (Permission::Never, _) => Some(NotNow::Never),
            (_, Err(why)) => Some(why),
            _ => self.restart_hindrance(),
        };
        if let Some(why) = why_not {
            return self.events.push_back(RuleEvent::NotAsked { request, answer: Answer::NotNow { why } });
        }
        let owner = self.state.active().map(|active| active.seat);
        if permission == Permission::Allowed && owner == Some(request.seat) {
            return self.events.push_back(RuleEvent::RestartAgreed { question: None, request, is_power });
        }
        self.handle_question(request, question, now);
    }

    /// What an engineer and a client who agree on it may not see: an operation that runs, or may begin at any moment, and
    /// a connection over which a side would not hear that the device restarts.
    fn restart_hindrance(&self) -> Option<NotNow> {
        let active = self.state.active()?;
        match () {
            () if self.operated.is_running() || active.wishes.is_granted() => Some(NotNow::OperationRuns),
            () if active.interrupted.is_some() => Some(NotNow::Interrupted),
            () => None,
        }
    }

    /// What the session needs to go on was written down, or not; then it goes on as if nothing had been agreed to. Much
    /// may have happened since the question was put. Whether the device restarts.
    pub(crate) fn handle_restart_stored(
        &mut self,
        (question, request, is_power): (Option<QuestionId>, RequestId, bool),
        stored: Result<(), NotNow>,
        now: Duration,
    ) -> bool {
        let answered = |answer| match question {
            Some(question) => RuleEvent::Answered { question, request, answer },
            None => RuleEvent::NotAsked { request, answer },
        };
        let Some(owner) = self.state.active().map(|active| active.seat) else { return false };
        if request.seat != owner {
            // The session was handed over meanwhile, and what was written down is the former owner's.
            self.events.push_back(answered(Answer::NotNow { why: NotNow::NotOwner }));
            return false;
        }
        if let Some(why) = stored.err().or_else(|| self.restart_hindrance()) {
            self.events.push_back(answered(Answer::NotNow { why }));
            return false;
        }
        let expected = if is_power { limits::RESTART } else { limits::RESTART_EXPECTED };
        let seconds = limits::RESTART_EXPECTED.as_secs() as u32;
        self.events.push_back(answered(Answer::Restarting { seconds }));
        let State::Active(active) = &mut self.state else { return false };
        // The engineer whose session it is comes back into it; the others are asked in again.
        active.guests.remove_all(Reason::Restarting, &mut self.events);
        active.observers.remove_all(Reason::Restarting, &mut self.events);
        let request = active.request.clone();
        self.events.push_back(RuleEvent::Restarts { request: request.clone(), is_power });
        self.relay = super::RelayLink::default();
        self.state = State::Restarting(Box::new(Restarting { request, is_power, until: now + expected }));
        true
    }

    /// What the session is called, from its beginning to its end.
    pub(crate) fn continuity(&self) -> Option<Continuity> {
        let active = self.state.active()?;
        Some(Continuity { session: active.session, seat: active.seat, last_seat: self.last_seat })
    }

    /// The device does not restart after all.
    pub(crate) fn handle_restart_failed(&mut self, now: Duration) {
        if matches!(self.state, State::Restarting(_)) {
            self.close(Ending::Reason(Reason::ScannerFailed), now);
        }
    }

    /// The device has restarted: the client is asked whether this session goes on. False if remote access is on
    /// already.
    pub(crate) fn handle_carry_on(&mut self, carried: Carried) -> bool {
        if !matches!(self.state, State::Off) {
            return false;
        }
        let question = QuestionId::random();
        self.verdict.forget();
        self.last_seat = self.last_seat.max(carried.continuity.last_seat);
        let (request, continuity) = (carried.request.clone(), carried.continuity);
        self.events.push_back(RuleEvent::CarryOnOffered { request, continuity, question });
        self.state = State::Carrying(Box::new(Carrying::Offered { carried, question }));
        true
    }

    /// The clock was set since: so much time is left, and so long the engineer may take to be back, at most.
    pub(crate) fn handle_less_time(&mut self, deadline: Duration, until: Duration) {
        match &mut self.state {
            State::Carrying(carrying) => carrying.carried_mut().shorten(deadline, until),
            State::Admitting { carried: Some(carried), .. } => carried.shorten(deadline, until),
            _ => {}
        }
    }

    /// The clock was set since, and says that it came too late.
    pub(crate) fn handle_carried_too_late(&mut self, reason: Reason, now: Duration) {
        if matches!(self.state, State::Carrying(_) | State::Admitting { carried: Some(_), .. }) {
            self.close(Ending::Reason(reason), now);
        }
    }

    /// The client's answer to the offer.
    pub(super) fn handle_answer_to_offer(
        &mut self,
        question: QuestionId,
        answer: ClientAnswer,
        now: Duration,
    ) -> Result<(), StaleAnswer> {
        let State::Carrying(carrying) = &mut self.state else { return Err(StaleAnswer::NotOpen) };
        let Carrying::Offered { carried, question: asked } = &**carrying else {
            return Err(StaleAnswer::NotOpen);
        };
        if *asked != question {
            return Err(StaleAnswer::NotOpen);
        }
        match answer {
            ClientAnswer::No => self.close(Ending::Reason(Reason::ClientRefused), now),
            ClientAnswer::Yes => {
                let carried = carried.clone();
                self.events.push_back(RuleEvent::CarryOnAgreed { request: carried.request.clone() });
                let returns = Returns::since(carried.request.run);
                **carrying = Carrying::Rejoining { carried, returns };
            }
            ClientAnswer::Text(_) | ClientAnswer::InLanguage(..) => return Err(StaleAnswer::DoesNotFit),
        }
        Ok(())
    }

    /// The engineer's program has proven the key, and greeted, in `run`: what serves the engineer starts. False if
    /// no session is carried on.
    pub(crate) fn handle_rejoined(&mut self, run: RunId, shows_chat: bool, now: Duration) -> bool {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Carrying(carrying) if matches!(*carrying, Carrying::Rejoining { .. }) => {
                let mut carried = carrying.carried().clone();
                carried.request.run = run;
                let request = carried.request.clone();
                self.events.push_back(RuleEvent::Allowed { request: request.clone() });
                let until = now + BEGINNING;
                let carried = Some(Box::new(carried));
                self.state = State::Admitting { request, shows_chat, has_begun: false, carried, until };
                true
            }
            other => {
                self.state = other;
                false
            }
        }
    }

    /// Why nothing came of a session that was to go on after a restart.
    pub(super) fn not_carried_on(&self) -> Reason {
        match &self.state {
            State::Carrying(carrying) if matches!(**carrying, Carrying::Offered { .. }) => Reason::NoAnswer,
            State::Carrying(_) => Reason::EngineerLost,
            _ => Reason::NotBack,
        }
    }
}
