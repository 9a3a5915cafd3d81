//! Questions and steps, ready ones and the engineer's own.

use fieldlink_protocol::messages::ready::Ready;

use super::Words;
use crate::status::{Question, QuestionKind};

impl Words {
    /// A question, or something to do: in our words if it is a ready one, and else in the engineer's.
    pub(super) fn asked(&self, question: &Question) -> String {
        question.ready.map_or_else(|| question.text.clone(), |ready| self.ready(ready))
    }

    /// The same, with whose words it is.
    pub fn asked_by_whom(&self, question: &Question) -> String {
        let text = self.asked(question);
        match (question.ready, question.kind) {
            (Some(_), _) => text,
            (None, QuestionKind::Step) => self.say_with("question-step", &[("text", text.into())]),
            (None, _) => self.say_with("question-text", &[("text", text.into())]),
        }
    }

    /// What there is to choose from, as the client reads it.
    pub fn choices(&self, question: &Question) -> Vec<String> {
        let read =
            |choice: &String| if question.ready.is_some() { self.choice(choice) } else { choice.clone() };
        question.choices.iter().map(read).collect()
    }

    /// A ready question or step.
    pub fn ready(&self, ready: Ready) -> String {
        self.say(&format!("ready-{}", ready.name()))
    }

    /// An answer to a ready question. One that this version does not know is shown by its name.
    pub fn choice(&self, name: &str) -> String {
        let id = format!("choice-{name}");
        if self.has(&id) { self.say(&id) } else { name.to_owned() }
    }
}
