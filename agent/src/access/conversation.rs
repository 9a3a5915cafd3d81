//! What client and engineer say to each other in a session: questions, answers, time, chat.

use std::time::Duration;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::control::FromAgent;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::{feature, limits, text};

use super::{Access, Happening, Refusal};
use crate::clock;
use crate::status::Line;

/// Lines of chat that are passed on within [`CHAT_PERIOD`]. Every process on the bus may be listening.
const CHAT_LINES: u32 = 20;
const CHAT_PERIOD: Duration = Duration::from_secs(10);

/// How much the engineer has said lately.
#[derive(Default)]
pub(super) struct ChatRate {
    since: Duration,
    lines: u32,
}

impl ChatRate {
    fn permits(&mut self, now: Duration) -> bool {
        if now >= self.since + CHAT_PERIOD {
            *self = Self { since: now, lines: 0 };
        }
        self.lines += 1;
        self.lines <= CHAT_LINES
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
        if let Err(answer) = self.rules.ask(request, question, clock::now()) {
            self.tell_answer(request, answer);
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
        let asked = self.rules.grant(session, minutes, now)?;
        if let (Some(request), Some(active)) = (asked, self.rules.active()) {
            let seconds = active.seconds_left(now);
            self.tell_answer(request, Answer::Granted { seconds });
        }
        self.tell_time();
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
        self.happen(Happening::Chat { from_engineer: true, text: text::clean(line, limits::CHAT) });
    }

    pub(super) fn chat(&mut self, line: &str) -> Result<(), Refusal> {
        let text = text::clean(line.trim(), limits::CHAT);
        let session = self.session.as_ref().filter(|_| self.rules.active().is_some());
        let session = session.ok_or(Refusal::NoSession)?;
        if !session.peer_has(feature::CHAT) {
            return Err(Refusal::NoChat);
        }
        session.say(FromAgent::Chat { text: cut_to_fit(&text).to_owned() });
        self.happen(Happening::Chat { from_engineer: false, text });
        Ok(())
    }

    pub(super) fn remind(&self, minutes: u64) {
        let sentence = match minutes {
            1 => "The session ends in one minute.".to_owned(),
            minutes => format!("The session ends in {minutes} minutes."),
        };
        self.happen(Happening::Warning(Line { code: "time-left".to_owned(), sentence }));
    }

    pub(super) fn happen(&self, happening: Happening) {
        // Nobody may be listening.
        let _ = self.happenings.send(happening);
    }
}

/// The limit counts bytes, and not every character is one.
fn cut_to_fit(text: &str) -> &str {
    let mut end = text.len().min(limits::CHAT);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_chat_is_cut() {
        let mut rate = ChatRate::default();
        let passed = (0..100).filter(|_| rate.permits(Duration::from_secs(100))).count();
        assert_eq!(passed, CHAT_LINES as usize);
        assert!(rate.permits(Duration::from_secs(110)));
    }

    #[test]
    fn a_line_is_cut_between_characters() {
        let line = "ü".repeat(limits::CHAT);
        let cut = cut_to_fit(&line);
        assert_eq!((cut.len(), cut.chars().count()), (limits::CHAT, limits::CHAT / 2));
    }
}
