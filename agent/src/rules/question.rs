//! A question of the engineer's to the client.

use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::text;

/// A question of the engineer's that the client has not answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Asked {
    /// An answer must name it.
    pub id: QuestionId,
    /// The engineer's own number for it.
    pub request: u32,
    /// What is asked, cleaned as it is shown.
    pub question: Question,
    /// When no answer counts as none.
    pub until: Duration,
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
