//! Putting questions to the client, one at a time: the engineer's, and whether functions may be used.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::operation::OperationRefusal;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::policy::{Denied, Function};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;

use super::event::RuleEvent;
use super::observers::Watching;
use super::policy::UseId;
use super::question::{Asked, Asking, answer_to, cleaned};
use super::seat::{RequestId, SeatId};
use super::{Active, Events, StaleAnswer};

impl Active {
    /// Asks the client, or says at once why not. What is shown is cleaned here, so that an answer is compared with
    /// what was shown.
    pub(super) fn handle_question(
        &mut self,
        request: RequestId,
        question: Question,
        now: Duration,
        events: &mut Events,
    ) {
        // Whoever works in a session that is not theirs may ask the client things, and no more.
        if request.seat != self.seat && question.is_owners() {
            let answer = Answer::NotNow { why: NotNow::NotOwner };
            return events.push_back(RuleEvent::NotAsked { request, answer });
        }
        let is_more_time = matches!(question, Question::Extension { .. });
        let is_open = if is_more_time { self.more_time.is_some() } else { self.asked.is_some() };
        if !self.rates(request.seat).questions.permits(now) || is_open {
            return events.push_back(RuleEvent::NotAsked { request, answer: Answer::Busy {} });
        }
        if is_more_time && self.most_deadline <= self.deadline {
            return events.push_back(RuleEvent::NotAsked { request, answer: Answer::NoMoreTime {} });
        }
        let question = self.named(request.seat, cleaned(question));
        let asking = Asking::Engineers { request, question };
        if is_more_time {
            let asked = Asked { id: QuestionId::random(), asking, until: self.deadline };
            events.push_back(RuleEvent::Asked(self.more_time.insert(asked).clone()));
        } else {
            self.put(asking, now + limits::QUESTION_PATIENCE, events);
        }
    }

    /// With the name of whoever asks, if the session is not theirs.
    fn named(&self, seat: SeatId, question: Question) -> Question {
        let Some(name) = self.name_of(seat).filter(|_| seat != self.seat) else { return question };
        let named = |text: String| text::clean_to_fit(&format!("{name}: {text}"), limits::QUESTION);
        match question {
            Question::Text { text, choices } => Question::Text { text: named(text), choices },
            Question::Step { text } => Question::Step { text: named(text) },
            question => question,
        }
    }

    /// A function is to be used for which the client has to be asked.
    pub(super) fn handle_use(&mut self, id: UseId, function: Function, now: Duration, events: &mut Events) {
        // Whoever wants it and gives up, again and again, must not keep the client busy.
        if self.leaves.needs_asking(function, now) && !self.uses.permits(now) {
            let verdict = Err(Denied::TooOften(function));
            return events.push_back(RuleEvent::UseDecided { uses: vec![id], function, verdict });
        }
        match self.leaves.handle_use(id, function, now) {
            Some(verdict) => events.push_back(RuleEvent::UseDecided { uses: vec![id], function, verdict }),
            None => self.ask_next(now, events),
        }
    }

    /// Whoever wanted to use it is gone.
    pub(super) fn handle_use_dropped(&mut self, id: UseId, now: Duration, events: &mut Events) {
        self.leaves.handle_dropped(id);
        let is_over = |asked: &mut Asked| match asked.asking {
            Asking::Use(function) => !self.leaves.waits_for(function),
            Asking::Engineers { .. } | Asking::Data { .. } | Asking::Operation(_) | Asking::Guest { .. } => {
                false
            }
        };
        if let Some(asked) = self.asked.take_if(is_over) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
            self.ask_next(now, events);
        }
    }

    /// Puts the next question about a function or an operation, unless another question is open.
    pub(super) fn ask_next(&mut self, now: Duration, events: &mut Events) {
        let operation = || self.wishes.waiting().map(|wanted| Asking::Operation(wanted.titles.clone()));
        let guest = || {
            self.guests.waiting().map(|guest| Asking::Guest {
                seat: guest.seat,
                request: guest.request.clone(),
                observes: guest.observes,
            })
        };
        let next = self.leaves.next().map(Asking::Use).or_else(operation).or_else(guest);
        if let (None, Some(asking)) = (&self.asked, next) {
            self.put(asking, now + limits::CONSENT, events);
        }
    }

    fn put(&mut self, asking: Asking, until: Duration, events: &mut Events) {
        let asked = Asked { id: QuestionId::random(), asking, until };
        events.push_back(RuleEvent::Asked(self.asked.insert(asked).clone()));
    }

    pub(super) fn handle_withdrawal(&mut self, request: RequestId, now: Duration, events: &mut Events) {
        let is_meant = |asked: &mut Asked| asked.request() == Some(request);
        if let Some(asked) = self.more_time.take_if(is_meant) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
        }
        if let Some(asked) = self.asked.take_if(is_meant) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
            self.ask_next(now, events);
        }
    }

    /// The program that would have heard the answer is gone.
    pub(super) fn withdraw_engineers(&mut self, seat: SeatId, now: Duration, events: &mut Events) {
        let open = [&self.asked, &self.more_time].map(|asked| asked.as_ref().and_then(Asked::request));
        for request in open.into_iter().flatten().filter(|request| request.seat == seat) {
            self.handle_withdrawal(request, now, events);
        }
    }

    pub(super) fn handle_answer(
        &mut self,
        id: QuestionId,
        answer: ClientAnswer,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), StaleAnswer> {
        if self.more_time.as_ref().is_some_and(|asked| asked.id == id) {
            return self.handle_answer_on_time(answer, now, events);
        }
        if self.asked_of_data.as_ref().is_some_and(|asked| asked.id == id) {
            return self.handle_answer_on_data(answer, now, events);
        }
        let asked = self.asked.as_ref().filter(|asked| asked.id == id).ok_or(StaleAnswer::NotOpen)?;
        match &asked.asking {
            &Asking::Use(function) => {
                let verdict = match answer {
                    ClientAnswer::Yes => Ok(()),
                    ClientAnswer::No => Err(Denied::Refused(function)),
                    _ => return Err(StaleAnswer::DoesNotFit),
                };
                self.asked = None;
                self.settle_use(id, function, verdict, now, events);
            }
            Asking::Operation(_) => return self.handle_answer_on_operation(answer, now, events),
            &Asking::Guest { seat, .. } => {
                let verdict = match answer {
                    ClientAnswer::Yes => Ok(()),
                    ClientAnswer::No => Err(Reason::ClientRefused),
                    _ => return Err(StaleAnswer::DoesNotFit),
                };
                self.asked = None;
                events.push_back(RuleEvent::GuestAnswered { question: id, is_allowed: verdict.is_ok() });
                self.settle_guest((seat, verdict), now, events);
            }
            Asking::Engineers { request, question: Question::Observer { name, report } }
                if answer == ClientAnswer::Yes =>
            {
                let (request, wanted) = (*request, Watching { name: name.clone(), report: *report });
                self.asked = None;
                events.push_back(RuleEvent::GuestAnswered { question: id, is_allowed: true });
                self.handle_yes_to_observer(request, wanted, events);
                self.ask_next(now, events);
            }
            // It has a place of its own.
            Asking::Data { .. } => return Err(StaleAnswer::NotOpen),
            Asking::Engineers { question: Question::Restart { .. }, .. } if answer == ClientAnswer::Yes => {
                self.handle_yes_to_restart(events);
                self.ask_next(now, events);
            }
            Asking::Engineers { request, question } => {
                let request = *request;
                let answer = answer_to(question, answer)?;
                self.asked = None;
                events.push_back(RuleEvent::Answered { question: id, request, answer });
                self.ask_next(now, events);
            }
        }
        Ok(())
    }

    /// The open question's time is up.
    pub(super) fn handle_no_answer(&mut self, now: Duration, events: &mut Events) {
        let Some(Asked { id: question, asking, .. }) = self.asked.take() else { return };
        match asking {
            Asking::Engineers { request, .. } => {
                events.push_back(RuleEvent::Answered { question, request, answer: Answer::NoAnswer {} });
                self.ask_next(now, events);
            }
            Asking::Use(function) => {
                self.settle_use(question, function, Err(Denied::Unanswered(function)), now, events);
            }
            Asking::Operation(_) => {
                self.settle_operation(question, Err(OperationRefusal::Unanswered), now, events);
            }
            Asking::Guest { seat, .. } => {
                events.push_back(RuleEvent::GuestAnswered { question, is_allowed: false });
                self.settle_guest((seat, Err(Reason::NoAnswer)), now, events);
            }
            Asking::Data { .. } => {}
        }
    }

    fn settle_use(
        &mut self,
        question: QuestionId,
        function: Function,
        verdict: Result<(), Denied>,
        now: Duration,
        events: &mut Events,
    ) {
        let uses = self.leaves.settle(function, verdict, now);
        events.push_back(RuleEvent::UseAnswered { question, function, verdict });
        events.push_back(RuleEvent::UseDecided { uses, function, verdict });
        self.ask_next(now, events);
    }
}
