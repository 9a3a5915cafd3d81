//! The one place that turns what is said to the engineer into words: `engineer/locales/en.ftl`, in Fluent's format. The
//! engineer's side is English; another language would be another file.
//!
//! The code names a message and its arguments: `say!("pin-again", left = 2)`. Tests compare the file with the code.

use std::sync::LazyLock;

use fieldlink_protocol::reason::Reason;
use fieldlink_words::{Argument, Messages};

/// What is shipped.
const ENGLISH: &str = include_str!("../locales/en.ftl");

static MESSAGES: LazyLock<Messages> = LazyLock::new(|| Messages::new("en", ENGLISH));

/// The message `id` with its arguments.
pub(crate) fn message(id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
    MESSAGES.say(id, arguments)
}

/// Why something ended, as a part of a sentence: the message `reason-` and the reason's code.
pub(crate) fn reason(reason: Reason) -> String {
    message(&format!("reason-{}", reason.code()), &[])
}

/// A message with its arguments, each a text or a number of 64 bits.
macro_rules! say {
    ($id:literal $(, $name:ident = $value:expr)* $(,)?) => {
        $crate::words::message($id, &[$((stringify!($name), fieldlink_words::Argument::from($value))),*])
    };
}

pub(crate) use say;

#[cfg(test)]
mod tests;
