//! What stands for nothing on the bus, where every property has a value, and for a time.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use fieldlink_protocol::text;

/// A text, if there is one.
pub(super) fn given(text: &str) -> Option<String> {
    (!text.is_empty()).then(|| text.to_owned())
}

/// Texts by language, fit to print.
pub(super) fn cleaned(titles: &HashMap<String, String>) -> BTreeMap<String, String> {
    titles.iter().map(|(language, title)| (language.clone(), text::name(title))).collect()
}

/// A time since boot as it stands on the bus.
pub(super) fn microseconds(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX)
}
