//! A question to the client in a session.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::text;

use super::seat::{RequestId, SeatId};
use super::{Request, StaleAnswer};
use crate::config::Titles;

/// A question that the client has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// An answer must name it.
    pub id: QuestionId,
    /// What is asked.
    pub asking: Asking,
    /// When no answer counts as none.
    pub until: Duration,
}

/// What the client is asked, and for whom.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Asking {
    /// A question of the engineer's.
    Engineers {
        /// The engineer's own number for it.
        request: RequestId,
        /// Cleaned, as it is shown.
        question: Question,
    },
    /// Whether a function may be used in this session.
    Use(Function),
    /// Whether an operation may be started, which is called so.
    Operation(Titles),
    /// Whether a further engineer may come in.
    Guest {
        /// Their place.
        seat: SeatId,
        /// Who.
        request: Request,
        /// Whether they would only watch.
        observes: bool,
    },
    /// Whether more data may go over a connection that may cost them money.
    Data {
        /// More than so many megabytes have.
        megabytes: u32,
    },
}

impl Asked {
    /// The engineer's number for it, if it is a question of theirs.
    pub(super) fn request(&self) -> Option<RequestId> {
        match &self.asking {
            Asking::Engineers { request, .. } => Some(*request),
            Asking::Use(_) | Asking::Operation(_) | Asking::Data { .. } | Asking::Guest { .. } => None,
        }
    }
}

/// What is shown of a question: every text fit to print.
pub(super) fn cleaned(question: Question) -> Question {
    match question {
        Question::Extension { minutes, reason } => {
            Question::Extension { minutes, reason: text::clean_to_fit(reason.trim(), limits::QUESTION) }
        }
        Question::Step { text } => Question::Step { text: text::clean_to_fit(&text, limits::QUESTION) },
        Question::Observer { name, report } => Question::Observer { name: text::name(&name), report },
        Question::Ready { .. }
        | Question::JoinCode {}
        | Question::HandOver { .. }
        | Question::Remove { .. } => question,
        Question::Restart { reason, power } => {
            Question::Restart { reason: text::clean_to_fit(reason.trim(), limits::QUESTION), power }
        }
        Question::Text { text, choices } => Question::Text {
            text: text::clean_to_fit(&text, limits::QUESTION),
            choices: choices.iter().map(|choice| text::clean_to_fit(choice, limits::CHOICE)).collect(),
        },
    }
}

/// What the client's answer to the engineer's question means, if it is one.
pub(super) fn answer_to(question: &Question, answer: ClientAnswer) -> Result<Answer, StaleAnswer> {
    let (text, language) = match answer {
        ClientAnswer::No => return Ok(Answer::Refused {}),
        ClientAnswer::Yes => {
            return if is_step(question) { Ok(Answer::Done {}) } else { Err(StaleAnswer::DoesNotFit) };
        }
        ClientAnswer::Text(text) => (text, String::new()),
        ClientAnswer::InLanguage(text, language) => (text, language.code().to_owned()),
    };
    match question {
        Question::Text { choices, .. } if fits(choices, &text) => {
            // What is typed in another encoding is longer than it was.
            Ok(Answer::Text { text: text::fit(&text, limits::CHAT).to_owned(), language })
        }
        Question::Ready { ready } if ready.choices().contains(&text.as_str()) => {
            Ok(Answer::Choice { choice: text, language })
        }
        _ => Err(StaleAnswer::DoesNotFit),
    }
}

fn is_step(question: &Question) -> bool {
    match question {
        Question::Step { .. } => true,
        Question::Ready { ready } => ready.is_step(),
        Question::Extension { .. }
        | Question::Text { .. }
        | Question::Restart { .. }
        | Question::Observer { .. }
        | Question::JoinCode {}
        | Question::HandOver { .. }
        | Question::Remove { .. } => false,
    }
}

/// Whether `text` answers a question with these choices; without any, all words do.
fn fits(choices: &[String], text: &str) -> bool {
    choices.is_empty() && !text.trim().is_empty() || choices.iter().any(|choice| choice == text)
}
