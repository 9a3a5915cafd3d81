//! The lines that a probe writes. `docs/PROBES.md` describes them for the maker.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Reading, ReadingState};

/// A line of a probe.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    name: String,
    value: Value,
    #[serde(default)]
    unit: String,
    state: ReadingState,
    #[serde(default)]
    text: BTreeMap<String, String>,
}

/// What is read may be a number, words, or yes and no. Numbers are shown as they are written.
#[derive(Deserialize)]
#[serde(untagged)]
enum Value {
    Number(serde_json::Number),
    Text(String),
    Is(bool),
}

impl Reading {
    /// What a probe says in a line; none if that is no reading. It may be longer than a reading may be, and have anything in
    /// its texts: a health is fitted before it goes on.
    pub fn from_line(line: &[u8]) -> Option<Self> {
        let Line { name, value, unit, state, text } = serde_json::from_slice(line).ok()?;
        let value = match value {
            Value::Number(number) => number.to_string(),
            Value::Text(text) => text,
            Value::Is(is) => is.to_string(),
        };
        (!name.trim().is_empty()).then_some(Self { name, value, unit, state, text })
    }
}
