//! The scanner's health in the engineer's language.

use fieldlink_health::Words;
use fieldlink_protocol::health::Concern;
use fieldlink_protocol::text;
use fieldlink_words::Language;

/// Words for it.
pub(crate) fn words() -> Words {
    Words::new(Language::English)
}

/// A warning, fit to be shown whoever sent it.
pub(crate) fn warning(concern: &Concern) -> String {
    text::sentence(&words().concern(concern))
}
