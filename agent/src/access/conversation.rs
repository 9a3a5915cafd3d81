//! What client and engineer say to each other in a session: questions, answers, time, chat.

use std::collections::VecDeque;
use std::time::Duration;

use fieldlink_device::notice::Warning;
use fieldlink_device::order::Notification;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::{feature, limits, text};

use super::{Access, Refusal};
use crate::clock;

/// Lines of chat, and questions, that are passed on within [`PERIOD`]. Every process on the bus may be listening,
/// and the client must find the time to type.
const CHAT_LINES: u32 = 20;
const QUESTIONS: u32 = 4;
const PERIOD: Duration = Duration::from_secs(10);

/// Lines of the client's that are kept, should they have to be said again.
const MOST_UNHEARD: usize = 8;

/// How often something has happened lately.
pub(super) struct Rate {
    most: u32,
    since: Duration,
    count: u32,
}

impl Rate {
    pub(super) fn of_chat() -> Self {
        Self { most: CHAT_LINES, since: Duration::ZERO, count: 0 }
    }

    pub(super) fn of_questions() -> Self {
        Self { most: QUESTIONS, ..Self::of_chat() }
    }

    fn permits(&mut self, now: Duration) -> bool {
        if now >= self.since + PERIOD {
            (self.since, self.count) = (now, 0);
        }
        self.count += 1;
        self.count <= self.most
    }
}

/// What the client said to the engineer lately, and when.
#[derive(Default)]
pub(super) struct Said(VecDeque<(Duration, String)>);

impl Said {
    fn add(&mut self, now: Duration, line: &str) {
        if self.0.len() == MOST_UNHEARD {
            self.0.pop_front();
        }
        self.0.push_back((now, line.to_owned()));
    }

    /// What may never have been read by a program that was heard last at `heard`: even what was said a
    /// little before that could still have been on its way.
    fn take_unheard(&mut self, heard: Duration) -> impl Iterator<Item = String> + use<> {
        let since = heard.saturating_sub(limits::HEARTBEAT_INTERVAL);
        std::mem::take(&mut self.0).into_iter().filter(move |(at, _)| *at >= since).map(|(_, line)| line)
    }
}

impl Access {
    /// The engineer asks the client something. What is shown is cleaned here, so that an answer is
    /// compared with what was shown.
    pub(super) fn on_asked(&mut self, request: u32, question: Question) {
        let question = match question {
            Question::Extension { .. } => question,
            Question::Text { text, choices } => Question::Text {
                text: text::clean(&text, limits::QUESTION),
                choices: choices.iter().map(|choice| text::clean(choice, limits::CHOICE)).collect(),
            },
        };
        let now = clock::now();
        let is_too_often = !self.question_rate.permits(now);
        let asked = if is_too_often { Err(Answer::Busy {}) } else { self.rules.ask(request, question, now) };
        if let Err(answer) = asked {
            self.tell_answer(request, answer);
        }
    }

    /// The engineer takes a question back, or is no longer there to hear the answer.
    pub(super) fn on_question_withdrawn(&self) {
        self.warn(Warning::Withdrawn);
    }

    /// Shows the client what became of a question that was answered, here or elsewhere on the device.
    pub(super) fn confirm(&self, answer: &Answer) {
        match answer {
            Answer::Granted { .. } => self.confirm_time(),
            Answer::Refused {} => self.warn(Warning::AnsweredNo),
            Answer::Text { text } => self.warn(Warning::Answered { text: text::clean(text, limits::CHAT) }),
            Answer::NoMoreTime {} => self.warn(Warning::NoMoreTime),
            Answer::NoAnswer {} => self.warn(Warning::NoAnswer),
            Answer::Busy {} => {}
        }
    }

    fn confirm_time(&self) {
        if let Some(active) = self.rules.active() {
            let seconds = active.deadline.saturating_sub(clock::now()).as_secs();
            self.warn(Warning::MoreTime { seconds });
        }
    }

    pub(super) fn tell_answer(&self, request: u32, answer: Answer) {
        if let Some(session) = &self.session {
            session.say(FromAgent::Answered { request, answer });
        }
        self.tell_time();
    }

    pub(super) fn grant(&mut self, session: SessionId, minutes: u32) -> Result<(), Refusal> {
        let now = clock::now();
        let is_it = self.rules.active().is_some_and(|active| active.request.session == session);
        if !is_it {
            return Err(Refusal::NoSession);
        }
        let asked = self.rules.grant(session, minutes, now)?;
        if let (Some(request), Some(active)) = (asked, self.rules.active()) {
            let seconds = active.seconds_left(now);
            self.tell_answer(request, Answer::Granted { seconds });
        }
        self.tell_time();
        self.confirm_time();
        Ok(())
    }

    /// The engineer's side shows how much time is left; after a grant it should know at once.
    fn tell_time(&self) {
        if let (Some(session), Some(active)) = (&self.session, self.rules.active()) {
            session.set_deadline(active.deadline);
        }
    }

    pub(super) fn on_chat(&mut self, line: &str) {
        if self.rules.active().is_none() {
            return;
        }
        if !self.chat_rate.permits(clock::now()) {
            tracing::warn!("a line of chat was dropped: the engineer's side says too much");
            return;
        }
        self.happen(Notification::Chat { from_engineer: true, text: text::clean(line, limits::CHAT) });
    }

    pub(super) fn chat(&mut self, line: &str) -> Result<(), Refusal> {
        let text = text::clean(line.trim(), limits::CHAT);
        let session = self.session.as_ref().filter(|_| self.rules.active().is_some());
        let session = session.ok_or(Refusal::NoSession)?;
        if !session.peer_has(feature::CHAT) {
            return Err(Refusal::NoChat);
        }
        let line = text::fit(&text, limits::CHAT);
        if !session.say(FromAgent::Chat { text: line.to_owned() }) {
            return Err(Refusal::NotTaken);
        }
        self.said.add(clock::now(), line);
        self.happen(Notification::Chat { from_engineer: false, text });
        if self.rules.active().is_some_and(|active| active.interrupted.is_some()) {
            self.warn(Warning::Delayed);
        }
        Ok(())
    }

    /// The engineer's program was started again: it is told what the one before may not have shown.
    /// `heard` is when that one was heard last.
    pub(super) fn say_again(&mut self, heard: Duration) {
        let Some(session) = self.session.as_ref().filter(|session| session.peer_has(feature::CHAT)) else {
            return;
        };
        for text in self.said.take_unheard(heard) {
            session.say(FromAgent::Chat { text });
        }
    }

    pub(super) fn remind(&self, minutes: u64) {
        self.warn(Warning::TimeLeft { minutes });
    }

    /// Tells the client.
    pub(super) fn warn(&self, warning: Warning) {
        self.happen(Notification::Warning(warning));
    }

    pub(super) fn happen(&self, notification: Notification) {
        // Nobody may be listening.
        let _ = self.notifications.send(notification);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_chat_is_cut() {
        let mut rate = Rate::of_chat();
        let passed = (0..100).filter(|_| rate.permits(Duration::from_secs(100))).count();
        assert_eq!(passed, CHAT_LINES as usize);
        assert!(rate.permits(Duration::from_secs(110)));
    }

    #[test]
    fn what_may_not_have_been_read_is_said_again_once() {
        let mut said = Said::default();
        for second in 1..=20 {
            said.add(Duration::from_secs(second), &second.to_string());
        }
        let unheard: Vec<String> = said.take_unheard(Duration::from_secs(20)).collect();
        assert_eq!(unheard, ["15", "16", "17", "18", "19", "20"]);
        assert_eq!(said.take_unheard(Duration::ZERO).count(), 0);
    }
}
