//! What an engineer may ask the client during a session, and what the client may answer.
//!
//! The engineer's side names a question by a number of its own. The agent gives every question that the
//! client sees a [`QuestionId`](crate::ids::QuestionId), so that no answer can land on another one.

use serde::{Deserialize, Serialize};

use super::all;
use crate::limits;

/// A question to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Whether the session may last longer.
    Extension {
        /// By so many minutes, within [`limits::EXTENSION_MINUTES`]; never beyond [`limits::SESSION_MAX`] altogether.
        minutes: u32,
    },
    /// Something about the scanner ("Is the light green?").
    Text {
        /// The question, one line.
        text: String,
        /// Answers to choose from; with none of them the client types one.
        choices: Vec<String>,
    },
}

/// What came of a question.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Answer {
    /// The session lasts longer.
    Granted {
        /// Seconds until it ends now.
        seconds: u32,
    },
    /// A choice, or what the client typed.
    Text {
        /// The words.
        text: String,
    },
    /// The client said no.
    Refused {},
    /// The client said nothing in time.
    NoAnswer {},
    /// The client was not asked: another question is open. Or not told: too much was announced lately.
    Busy {},
    /// The client was told. Answers an announcement.
    Taken {},
    /// The client was not asked: the session already lasts as long as one may.
    NoMoreTime {},
}

impl Question {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Extension { minutes } => {
                all(&[(limits::EXTENSION_MINUTES.contains(minutes), "an extension is 1 to 60 minutes long")])
            }
            Self::Text { text, choices } => all(&[
                (!text.trim().is_empty(), "the question is empty"),
                (text.len() <= limits::QUESTION, "the question is too long"),
                (choices.len() <= limits::CHOICES, "there are too many choices"),
                (choices.iter().all(|choice| is_choice(choice)), "a choice is empty or too long"),
            ]),
        }
    }
}

impl Answer {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let Self::Text { text } = self else { return Ok(()) };
        all(&[(text.len() <= limits::CHAT, "the answer is too long")])
    }
}

fn is_choice(choice: &str) -> bool {
    !choice.trim().is_empty() && choice.len() <= limits::CHOICE
}

#[cfg(test)]
mod tests {
    use super::super::control::{FromAgent, FromEngineer};
    use super::super::{decode, encode};
    use super::*;

    fn ask(question: Question) -> Result<FromEngineer, super::super::MessageError> {
        decode(encode(&FromEngineer::Ask { request: 1, question }).as_bytes())
    }

    #[test]
    fn questions_are_bounded() {
        let text = |text: &str, choices: &[&str]| Question::Text {
            text: text.into(),
            choices: choices.iter().map(|&choice| choice.into()).collect(),
        };
        assert!(ask(text("Is the light green?", &["yes", "no"])).is_ok());
        for wrong in [
            text(" ", &[]),
            text(&"x".repeat(limits::QUESTION + 1), &[]),
            text("x", &[""]),
            text("x", &["a"; limits::CHOICES + 1]),
            Question::Extension { minutes: 0 },
            Question::Extension { minutes: 61 },
        ] {
            assert!(ask(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_wire_is_as_agreed() {
        let asked = encode(&FromEngineer::Ask { request: 1, question: Question::Extension { minutes: 30 } });
        assert_eq!(asked, r#"{"type":"ask","request":1,"question":{"kind":"extension","minutes":30}}"#);
        let answered = encode(&FromAgent::Answered { request: 1, answer: Answer::NoMoreTime {} });
        assert_eq!(answered, r#"{"type":"answered","request":1,"answer":{"kind":"no-more-time"}}"#);
        let long = FromAgent::Answered { request: 1, answer: Answer::Text { text: "x".repeat(5_000) } };
        assert!(decode::<FromAgent>(encode(&long).as_bytes()).is_err());
    }
}
