//! What an engineer may ask the client during a session, and what the client may answer.
//!
//! The engineer's side names a question by a number of its own. The agent gives every question that the
//! client sees a [`QuestionId`](crate::ids::QuestionId), so that no answer can land on another one.

use serde::{Deserialize, Serialize};

use super::all;
use super::ready::Ready;
use super::runbook::RunbookStanding;
use crate::join_code::JoinDigits;
use crate::limits;
use crate::link::LinkKey;
use crate::support_id::SupportId;
use crate::ticket::{ObserverTicket, Signed};

/// A question to the client.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Question {
    /// Whether the session may last longer.
    Extension {
        /// By so many minutes, within [`limits::EXTENSION_MINUTES`]; never beyond [`limits::SESSION_MAX`] altogether.
        minutes: u32,
        /// Why, one line; empty if the engineer says nothing. Feature `steps` if not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        reason: String,
    },
    /// Something to do ("Unplug the cable"), which is done or not. Feature `steps`.
    Step {
        /// What, one line.
        text: String,
    },
    /// A question or a step that the scanner has words for. Feature `steps`.
    Ready {
        /// Which.
        ready: Ready,
    },
    /// Whether the device may restart, or lose its power, and the session go on afterwards. Feature `restart`.
    Restart {
        /// Why, one line; may be empty.
        reason: String,
        /// Whether the power is cut by hand, to swap the battery, rather than the device restarted.
        power: bool,
    },
    /// May somebody watch? A yes is answered with what the link is made of.
    Observer {
        /// Who: the client reads it, and so does everybody in the session.
        name: String,
        /// Whether they get the report, too, when the session is over. Feature `report`.
        #[serde(default, skip_serializing_if = "std::ops::Not::not")]
        report: bool,
    },
    /// A join code for a further engineer. The client is told, and asked when somebody uses it.
    JoinCode {},
    /// From now on the session is that engineer's. The client is told.
    HandOver {
        /// Who, as [`Participant`](super::people::Participant) names them.
        name: String,
    },
    /// Somebody is to leave: who watches with a link, or a further engineer.
    Remove {
        /// Who, as [`Participant`](super::people::Participant) names them.
        name: String,
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
        /// The language that the client reads, as a code ("de"); empty if that is not known. Feature `steps` if not.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        language: String,
    },
    /// One of the choices of a ready question, by its name. Feature `steps`.
    Choice {
        /// The name.
        choice: String,
        /// As in `Text`.
        #[serde(default, skip_serializing_if = "String::is_empty")]
        language: String,
    },
    /// The client has done what they were asked to. Feature `steps`.
    Done {},
    /// The client said no.
    Refused {},
    /// The client said nothing in time.
    NoAnswer {},
    /// The client was not asked: another question is open. Or not told: too much was announced lately.
    Busy {},
    /// The client was told. Answers an announcement.
    Taken {},
    /// The device restarts now, or may lose its power from now on. Answers a question of that kind.
    Restarting {
        /// Seconds after which it is expected back.
        seconds: u32,
    },
    /// The client agreed that somebody watches.
    Link {
        /// The key in the link's fragment.
        key: LinkKey,
        /// The relay's half of the link.
        observer_ticket: Signed<ObserverTicket>,
    },
    /// The join code.
    JoinCode {
        /// What the further engineer asks the relay for.
        address: SupportId,
        /// What they prove.
        digits: JoinDigits,
        /// For how long it is good.
        seconds: u32,
    },
    /// The device does not restart now. Answers a question of that kind.
    NotNow {
        /// Why.
        why: NotNow,
    },
    /// The client was not asked: the session already lasts as long as one may.
    NoMoreTime {},
    /// What the scanner makes of a runbook. Answers what is said of one.
    Runbook {
        /// Whose it is, or why it is not shown.
        standing: RunbookStanding,
    },
}

/// Why a device does not restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotNow {
    /// Its owner never permits it.
    Never,
    /// An operation runs, which must not be interrupted.
    OperationRuns,
    /// The support service is of a version that would end the session.
    RelayTooOld,
    /// The agent runs where it cannot restart the device.
    Unable,
    /// What is needed to go on could not be written down.
    NotStored,
    /// One of the connections over which both sides hear of it is interrupted.
    Interrupted,
    /// It is on its way already.
    UnderWay,
    /// Only the engineer whose session it is may do that.
    NotOwner,
    /// Nobody in the session has that name, or nobody to whom that can be done.
    Nobody,
    /// There are as many people as there may be.
    TooMany,
    /// Somebody has that name already.
    NameTaken,
}

/// The longest code of a language, in bytes.
const LANGUAGE: usize = 16;

impl Question {
    /// Whether it is about who takes part in the session.
    pub fn is_of_people(&self) -> bool {
        matches!(
            self,
            Self::Observer { .. } | Self::JoinCode {} | Self::HandOver { .. } | Self::Remove { .. }
        )
    }

    /// Whether only the engineer whose session it is may put it.
    pub fn is_owners(&self) -> bool {
        self.is_of_people() || matches!(self, Self::Extension { .. } | Self::Restart { .. })
    }

    /// Whether a side needs to know more than `questions` for it.
    pub fn is_of_steps(&self) -> bool {
        match self {
            Self::Extension { reason, .. } => !reason.is_empty(),
            Self::Text { .. }
            | Self::Restart { .. }
            | Self::Observer { .. }
            | Self::JoinCode {}
            | Self::HandOver { .. }
            | Self::Remove { .. } => false,
            Self::Step { .. } | Self::Ready { .. } => true,
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Extension { minutes, reason } => all(&[
                (limits::EXTENSION_MINUTES.contains(minutes), "an extension is 1 to 60 minutes long"),
                (reason.len() <= limits::QUESTION, "the reason is too long"),
            ]),
            Self::Step { text } => all(&[
                (!text.trim().is_empty(), "the step is empty"),
                (text.len() <= limits::QUESTION, "the step is too long"),
            ]),
            Self::Ready { .. } | Self::JoinCode {} => Ok(()),
            Self::Observer { name, .. } => all(&[
                (!name.trim().is_empty(), "the name is empty"),
                (name.len() <= limits::NAME, "the name is too long"),
            ]),
            Self::HandOver { name } | Self::Remove { name } => {
                all(&[(name.len() <= limits::QUESTION, "the name is too long")])
            }
            Self::Restart { reason, .. } => {
                all(&[(reason.len() <= limits::QUESTION, "the reason is too long")])
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
    /// The same for a side that does not know in which language an answer was given.
    pub fn without_language(self) -> Self {
        match self {
            Self::Text { text, .. } => Self::Text { text, language: String::new() },
            answer => answer,
        }
    }

    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Text { text, language } | Self::Choice { choice: text, language } => all(&[
                (text.len() <= limits::CHAT, "the answer is too long"),
                (language.len() <= LANGUAGE, "the language's code is too long"),
            ]),
            Self::Runbook { standing } => standing.check(),
            _ => Ok(()),
        }
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
            Question::Extension { minutes: 0, reason: String::new() },
            Question::Extension { minutes: 61, reason: String::new() },
        ] {
            assert!(ask(wrong.clone()).is_err(), "{wrong:?}");
        }
    }

    #[test]
    fn the_wire_is_as_agreed() {
        let asked = encode(&FromEngineer::Ask {
            request: 1,
            question: Question::Extension { minutes: 30, reason: String::new() },
        });
        assert_eq!(asked, r#"{"type":"ask","request":1,"question":{"kind":"extension","minutes":30}}"#);
        let answered = encode(&FromAgent::Answered { request: 1, answer: Answer::NoMoreTime {} });
        assert_eq!(answered, r#"{"type":"answered","request":1,"answer":{"kind":"no-more-time"}}"#);
        let long = FromAgent::Answered {
            request: 1,
            answer: Answer::Text { text: "x".repeat(5_000), language: String::new() },
        };
        assert!(decode::<FromAgent>(encode(&long).as_bytes()).is_err());
    }
}
