//! From the verified PIN to the session: the client is asked, and the engineer let in or not.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::attempts::Standing;
use fieldlink_protocol::reason::Reason;

use super::data::DataUse;
use super::presence::PresenceCheck;
use super::request::BEGINNING;
use super::{Active, Ending, NotLetIn, Pair, Request, RuleEvent, Rules, StaleAnswer, State, Teller};
use crate::config::Consent;

impl Rules {
    /// The verified engineer proved the control pipe. `shows_chat`: whether their program shows lines of chat.
    pub(crate) fn handle_greeted(&mut self, shows_chat: bool, now: Duration) {
        match std::mem::replace(&mut self.state, State::Off) {
            State::Greeting { request, .. } if self.consent == Consent::Pin => {
                self.allow(request, shows_chat, now);
            }
            State::Greeting { pair, request, .. } => {
                let question = QuestionId::random();
                let patience = Duration::from_secs(self.session.consent_seconds);
                self.events.push_back(RuleEvent::ConsentAsked {
                    request: request.clone(),
                    question,
                    patience,
                });
                self.state = State::Asking { pair, request, shows_chat, question, until: now + patience };
            }
            other => self.state = other,
        }
    }

    /// The client's answer, to the question it names.
    pub(super) fn handle_answer(
        &mut self,
        question: QuestionId,
        answer: ClientAnswer,
        now: Duration,
    ) -> Result<(), StaleAnswer> {
        match &mut self.state {
            State::Carrying(_) => return self.handle_answer_to_offer(question, answer, now),
            State::Active(active) => {
                return active.handle_answer(question, answer, now, &mut self.events);
            }
            State::Asking { question: asked, .. } if *asked == question => {}
            _ => return Err(StaleAnswer::NotOpen),
        }
        match answer {
            ClientAnswer::No => self.turn_away(NotLetIn::Refused, now),
            ClientAnswer::Text(_) | ClientAnswer::InLanguage(..) => return Err(StaleAnswer::DoesNotFit),
            ClientAnswer::Yes => {
                if let State::Asking { request, shows_chat, .. } =
                    std::mem::replace(&mut self.state, State::Off)
                {
                    self.allow(request, shows_chat, now);
                }
            }
        }
        Ok(())
    }

    fn allow(&mut self, request: Request, shows_chat: bool, now: Duration) {
        self.events.push_back(RuleEvent::Allowed { request: request.clone() });
        self.state =
            State::Admitting { request, shows_chat, has_begun: false, carried: None, until: now + BEGINNING };
    }

    /// What serves the engineer runs.
    pub(crate) fn handle_begun(&mut self) {
        if let State::Admitting { has_begun: has_begun @ false, .. } = &mut self.state {
            *has_begun = true;
            self.events.push_back(RuleEvent::Begun);
        }
    }

    /// The relay withdrew the support ID of `session`: its time begins. It may say so again. False if that is no
    /// session of ours.
    pub(crate) fn handle_admitted(&mut self, session: SessionId, now: Duration) -> bool {
        match &self.state {
            State::Active(active) => active.request.session == session,
            State::Admitting { request, shows_chat, has_begun: true, carried, .. }
                if request.session == session =>
            {
                let length = Duration::from_secs(self.session.length_seconds).min(limits::SESSION_MAX);
                let times = match carried {
                    Some(carried) => (carried.deadline, carried.most_deadline),
                    None => (now + length, now + limits::SESSION_MAX),
                };
                let presence = PresenceCheck::new(&self.session, self.presence, now);
                let data = DataUse::new(&self.session, self.is_metered);
                let mut active = Active::begin(request.clone(), *shows_chat, times, (presence, data), now);
                if let Some(carried) = carried {
                    (active.session, active.seat) = (carried.continuity.session, carried.continuity.seat);
                }
                let (request, deadline) = (request.clone(), active.deadline);
                let length = deadline.saturating_sub(now);
                self.events.push_back(RuleEvent::Admitted { request, length, deadline });
                active.begin_data(&mut self.events);
                self.state = State::Active(Box::new(active));
                self.tell_operation();
                true
            }
            _ => false,
        }
    }

    /// The session, or what was to become one, is over by `teller`'s word.
    pub(crate) fn handle_over(&mut self, reason: Reason, teller: Teller, now: Duration) {
        if self.pass_on(reason, now) {
            return;
        }
        match self.state {
            State::Active(_) | State::Admitting { .. } => self.close(Ending::told(reason, teller), now),
            _ => self.leave(reason, teller, now),
        }
    }

    /// The relay says that `session` is over.
    pub(crate) fn handle_relay_ended(&mut self, session: SessionId, reason: Reason, now: Duration) {
        if self.state.request().is_some_and(|request| request.session == session) {
            self.handle_over(reason, Teller::Relay, now);
        }
    }

    /// The relay does not register the agent for its session again: remote access goes off.
    pub(crate) fn handle_relay_closed(&mut self, reason: Reason, now: Duration) {
        if !self.pass_on(reason, now) {
            self.close(Ending::told(reason, Teller::Relay), now);
        }
    }

    /// The engineer left before the client answered. It counts if the client was asked already.
    pub(super) fn leave(&mut self, reason: Reason, teller: Teller, now: Duration) {
        let was_asked = matches!(self.state, State::Asking { .. });
        self.turn_away(NotLetIn::Gone { reason, teller, was_asked }, now);
    }

    /// Back to waiting with the same pair, or off if that is used up.
    pub(super) fn turn_away(&mut self, why: NotLetIn, now: Duration) {
        let (mut pair, request) = match std::mem::replace(&mut self.state, State::Off) {
            State::Greeting { pair, request, .. } | State::Asking { pair, request, .. } => (pair, request),
            other => return self.state = other,
        };
        let used_up = match settle(&mut pair, why) {
            Standing::Usable => None,
            Standing::Burnt(how) => Some(how.reason()),
        };
        // An engineer who was refused is to know if trying again leads nowhere.
        let told = match why {
            NotLetIn::Gone { .. } => why.reason(),
            NotLetIn::Refused | NotLetIn::Unanswered => used_up.unwrap_or(why.reason()),
        };
        self.events.push_back(RuleEvent::NotLetIn { request, why, told, is_usable: used_up.is_none() });
        self.wait(pair, now);
        if let Some(reason) = used_up {
            self.close(Ending::Reason(reason), now);
        }
    }
}

/// What a question that did not lead to a session costs.
fn settle(pair: &mut Pair, why: NotLetIn) -> Standing {
    match why {
        NotLetIn::Refused | NotLetIn::Unanswered => pair.attempts.refused(),
        NotLetIn::Gone { was_asked: true, .. } => pair.attempts.withdrawn(),
        NotLetIn::Gone { was_asked: false, .. } => pair.attempts.standing(),
    }
}
