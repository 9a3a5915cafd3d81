//! Messages by name, with arguments, in Fluent's format (projectfluent.org): what programs say to people stands in files
//! of their language, not in the code. Client's and engineer's programs each have their own files.

mod catalogue;
mod language;
pub mod wrap;

use std::borrow::Cow;

use fluent_bundle::concurrent::FluentBundle;
use fluent_bundle::{FluentArgs, FluentResource, FluentValue};
use unic_langid::LanguageIdentifier;

pub use catalogue::arguments_by_message;
pub use language::Language;

/// The messages of one language.
pub struct Messages {
    bundle: FluentBundle<FluentResource>,
}

/// An argument of a message: a number, or a text that is shown as it is.
#[derive(Debug, Clone, PartialEq)]
pub enum Argument<'a> {
    /// Decides between singular and plural.
    Number(u64),
    /// A name, or a part of the sentence.
    Text(Cow<'a, str>),
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

impl From<std::path::Display<'_>> for Argument<'_> {
    fn from(path: std::path::Display<'_>) -> Self {
        Self::Text(path.to_string().into())
    }
}

impl From<u64> for Argument<'_> {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl Messages {
    /// Those in `text`, a file in Fluent's format, for the language `code` (ISO 639-1). Tests parse what is shipped; a
    /// message that cannot be parsed is missing.
    pub fn new(code: &str, text: &str) -> Self {
        let language: LanguageIdentifier = code.parse().unwrap_or_default();
        let mut bundle = FluentBundle::new_concurrent(vec![language]);
        // Callers clean names and texts of control characters first, and a terminal shows the marks that would isolate
        // them.
        bundle.set_use_isolating(false);
        let resource = FluentResource::try_new(text.to_owned()).unwrap_or_else(|(rest, _)| rest);
        bundle.add_resource_overriding(resource);
        Self { bundle }
    }

    /// The message `id` with its arguments. A message that is missing, or lacks an argument, is its own name: it can be
    /// read out over the phone.
    pub fn say(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        self.try_say(id, arguments).unwrap_or_else(|_| id.to_owned())
    }

    /// Whether there is a message `id`.
    pub fn has(&self, id: &str) -> bool {
        self.bundle.has_message(id)
    }

    /// The message `id` with its arguments, or what is wrong with it.
    pub fn try_say(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> Result<String, String> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn messages() -> Messages {
        Messages::new(
            "en",
            "ended = It has ended: { $cause }.\nminutes = { $count ->\n    [1] one minute\n   *[other] { $count } minutes\n  }\n",
        )
    }

    #[test]
    fn a_message_gets_what_it_asks_for_and_nothing_else_fails_quietly() {
        let messages = messages();
        assert!(messages.try_say("no-such-message", &[]).is_err());
        assert!(messages.try_say("ended", &[]).is_err(), "its argument is missing");
        assert_eq!(messages.say("no-such-message", &[]), "no-such-message");
        assert_eq!(messages.say("minutes", &[("count", 1.into())]), "one minute");
        assert_eq!(messages.say("minutes", &[("count", 1_234.into())]), "1234 minutes");
    }

    #[test]
    fn an_argument_is_no_message() {
        let odd = messages().say("ended", &[("cause", "{ $x } \u{2068}".into())]);
        assert_eq!(odd, "It has ended: { $x } \u{2068}.");
    }
}
