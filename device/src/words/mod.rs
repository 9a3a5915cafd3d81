//! The one place that turns messages to the person beside the device into words, per language.
//!
//! Everything else passes types: a [`Notice`](crate::notice::Notice), a [`Warning`](crate::notice::Warning), a
//! status. The words themselves are in `device/locales`, one file a language, in Fluent's format; `said.rs` knows
//! which message each type is.

mod language;
mod said;
#[cfg(test)]
mod tests;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};

pub use language::Language;

/// The words of one language.
pub struct Words {
    language: Language,
    bundle: FluentBundle<FluentResource>,
}

/// What a message is about: a number, or a text that is shown as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument<'a> {
    /// Decides between singular and plural.
    Number(u64),
    /// A name, or a part of the sentence.
    Text(std::borrow::Cow<'a, str>),
}

impl<'a> From<&'a str> for Argument<'a> {
    fn from(text: &'a str) -> Self {
        Self::Text(text.into())
    }
}

impl<'a> From<&'a String> for Argument<'a> {
    fn from(text: &'a String) -> Self {
        Self::Text(text.as_str().into())
    }
}

impl From<String> for Argument<'_> {
    fn from(text: String) -> Self {
        Self::Text(text.into())
    }
}

impl From<u64> for Argument<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Words {
    /// The words of `language`.
    pub fn new(language: Language) -> Self {
        let mut bundle = FluentBundle::new_concurrent(vec![language.identifier()]);
        // Names are made harmless before they come here, and a terminal shows the marks that would isolate them.
        bundle.set_use_isolating(false);
        // What is shipped is parsed by a test; a message that could not be is missing below.
        let resource =
            FluentResource::try_new(language.messages().to_owned()).unwrap_or_else(|(rest, _)| rest);
        bundle.add_resource_overriding(resource);
        Self { language, bundle }
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
        self.try_say(id, arguments).unwrap_or_else(|_| id.to_owned())
    }

    /// Whether there is a message `id`.
    pub(crate) fn has(&self, id: &str) -> bool {
        self.bundle.has_message(id)
    }

    /// The same, or what is wrong with it.
    fn try_say(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> Result<String, String> {
        let message = self.bundle.get_message(id).and_then(|message| message.value());
        let pattern = message.ok_or_else(|| format!("there is no message {id}"))?;
        let arguments: FluentArgs<'_> = arguments
            .iter()
            .map(|(name, argument)| {
                let value = match argument {
                    Argument::Number(number) => FluentValue::from(*number),
                    Argument::Text(text) => FluentValue::from(text.as_ref()),
                };
                (*name, value)
            })
            .collect();
        let mut errors = Vec::new();
        let text = self.bundle.format_pattern(pattern, Some(&arguments), &mut errors);
        if errors.is_empty() { Ok(text.into_owned()) } else { Err(format!("{id}: {errors:?}")) }
    }
}
