//! The one place that turns messages to the person beside the device into words, per language.
//!
//! Everything else passes types: a [`Notice`](crate::notice::Notice), a [`Warning`](crate::warning::Warning), a
//! status. The words themselves are in `device/locales`, one file a language, in Fluent's format; `said.rs` knows
//! which message each type is.

mod consent;
mod operation;
mod people;
mod ready;
mod records;
mod runbook;
mod said;
mod telling;
#[cfg(test)]
mod tests;
mod viewing;

use fieldlink_words::{Argument, Messages};

pub use fieldlink_words::Language;

/// The words of one language.
pub struct Words {
    language: Language,
    messages: Messages,
}

impl Words {
    /// The words of `language`.
    pub fn new(language: Language) -> Self {
        Self { language, messages: Messages::new(language.code(), messages_of(language)) }
    }

    /// The words of the locale that the environment names.
    pub fn of_environment() -> Self {
        Self::new(Language::of_environment(|name| std::env::var(name).ok()))
    }

    /// The language of these words.
    pub fn language(&self) -> Language {
        self.language
    }

    /// The message `id`, which takes no arguments.
    pub fn say(&self, id: &str) -> String {
        self.say_with(id, &[])
    }

    /// The message `id` with its arguments. A message that is missing is its own name: it can be read out over the
    /// phone.
    pub fn say_with(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        self.messages.say(id, arguments)
    }

    /// Whether there is a message `id`.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.messages.has(id)
    }
}

/// What is shipped.
fn messages_of(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en.ftl"),
        Language::German => include_str!("../../locales/de.ftl"),
    }
}
