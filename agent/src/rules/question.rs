//! A question to the client in a session.

use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::text;

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
        request: u32,
        /// Cleaned, as it is shown.
        question: Question,
    },
    /// Whether a function may be used in this session.
    Use(Function),
}

impl Asked {
    /// The engineer's number for it, if it is a question of theirs.
    pub(super) fn request(&self) -> Option<u32> {
        match &self.asking {
            Asking::Engineers { request, .. } => Some(*request),
            Asking::Use(_) => None,
        }
    }
}

/// What is shown of a question: every text fit to print.
pub(super) fn cleaned(question: Question) -> Question {
    match question {
        Question::Extension { .. } => question,
        Question::Text { text, choices } => Question::Text {
            text: text::clean(&text, limits::QUESTION),
            choices: choices.iter().map(|choice| text::clean(choice, limits::CHOICE)).collect(),
        },
    }
}

/// Whether `text` answers a question with these choices; without any, all words do.
pub(super) fn fits(choices: &[String], text: &str) -> bool {
    choices.is_empty() && !text.trim().is_empty() || choices.iter().any(|choice| choice == text)
}
