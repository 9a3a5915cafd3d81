//! Control messages: JSON text, tagged by `type`, at most [`limits::CONTROL_MESSAGE`] bytes.
//!
//! Unknown fields and types are errors. A later version adds messages only behind a feature that
//! the peer listed.

pub mod agent;
mod anchors;
pub mod announcements;
pub mod control;
pub mod diagnosis;
pub mod engineer;
pub mod health;
pub mod observer;
pub mod operation;
pub mod people;
pub mod questions;
pub mod ready;
pub mod report;
pub mod runbook;
mod time_stamps;

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::limits;

/// A message that was refused.
#[derive(Debug, thiserror::Error)]
pub enum MessageError {
    /// More than [`limits::CONTROL_MESSAGE`] bytes.
    #[error("could not read a control message: {0} bytes are more than the limit")]
    TooLong(usize),
    /// Not JSON, or not a message of this version.
    #[error("could not read a control message: {0}")]
    Malformed(#[from] JsonFault),
    /// A field is beyond its limit.
    #[error("could not read a control message: {0}")]
    Field(&'static str),
}

/// Why bytes are not the JSON that was expected: what kind of fault, and where. Never what stands there: those are
/// the other side's bytes, and serde's own text would carry them onto terminals and into logs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct JsonFault {
    kind: serde_json::error::Category,
    line: usize,
    column: usize,
}

impl From<serde_json::Error> for JsonFault {
    fn from(error: serde_json::Error) -> Self {
        Self { kind: error.classify(), line: error.line(), column: error.column() }
    }
}

impl std::fmt::Display for JsonFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        use serde_json::error::Category;
        f.write_str(match self.kind {
            Category::Io | Category::Syntax => "it is not JSON",
            Category::Eof => "it ends too early",
            Category::Data => "it has a type, field or value that is not known to this version",
        })?;
        match (self.line, self.column) {
            (0 | 1, 0) => Ok(()),
            (0 | 1, column) => write!(f, ", at byte {column}"),
            (line, column) => write!(f, ", in line {line} at byte {column}"),
        }
    }
}

impl std::error::Error for JsonFault {}

/// A message of our own that the peer would refuse, named by the field that does not fit. It is not sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not send a control message: {0}")]
pub struct UnfitMessage(pub &'static str);

/// Checks that go beyond types. Called for every message that is read.
pub trait Bounded {
    /// Names the first field that is beyond its limit.
    fn check(&self) -> Result<(), &'static str>;
}

/// Encodes a message of our own, unless the peer would refuse it: both sides check the same, so that what does not
/// fit is found, and named, where it comes from.
pub fn encode_fit<M: Serialize + Bounded>(message: &M) -> Result<String, UnfitMessage> {
    message.check().map_err(UnfitMessage)?;
    Ok(encode(message))
}

/// Encodes a message of our own.
pub fn encode<M: Serialize>(message: &M) -> String {
    serde_json::to_string(message).expect("our messages have string keys and finite numbers only")
}

/// Reads a message of the peer.
pub fn decode<M: DeserializeOwned + Bounded>(text: &[u8]) -> Result<M, MessageError> {
    if text.len() > limits::CONTROL_MESSAGE {
        return Err(MessageError::TooLong(text.len()));
    }
    let message: M = serde_json::from_slice(text).map_err(JsonFault::from)?;
    message.check().map_err(MessageError::Field)?;
    Ok(message)
}

/// The features a side has: short names, few of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Features(pub Vec<String>);

impl Features {
    /// What this version has.
    pub fn ours() -> Self {
        Self(crate::FEATURES.iter().map(|&name| name.to_owned()).collect())
    }

    /// The same, but for `name`.
    #[must_use]
    pub fn without(mut self, name: &str) -> Self {
        self.0.retain(|feature| feature != name);
        self
    }

    /// Whether the side has `name`.
    pub fn has(&self, name: &str) -> bool {
        self.0.iter().any(|feature| feature == name)
    }

    fn fits(&self) -> bool {
        self.0.len() <= limits::FEATURE_COUNT
            && self.0.iter().all(|name| name.len() <= limits::FEATURE_LENGTH)
    }
}

/// The first of `checks` that failed.
pub(crate) fn all(checks: &[(bool, &'static str)]) -> Result<(), &'static str> {
    checks.iter().find(|(fits, _)| !fits).map_or(Ok(()), |(_, what)| Err(what))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::agent::ToAgent;
    use super::engineer::ToEngineer;
    use super::*;

    fn refusal<M: DeserializeOwned + Bounded>(text: &str) -> String {
        decode::<M>(text.as_bytes()).map(|_| ()).expect_err("refused").to_string()
    }

    #[test]
    fn an_error_says_where_and_not_what() {
        let unknown = refusal::<ToEngineer>(r#"{"type":"\u001b]0;owned\u0007"}"#);
        assert_eq!(
            unknown,
            "could not read a control message: it has a type, field or value that is not known to this version, at byte 30"
        );
        assert!(refusal::<ToAgent>("{\"type\"").ends_with("it ends too early, at byte 7"));
        assert!(refusal::<ToAgent>("{]").ends_with("it is not JSON, at byte 2"));
    }

    proptest! {
        /// Whatever a peer sends, an error about it has nothing of it.
        #[test]
        fn no_error_repeats_a_peers_bytes(marker in "[\u{1b}\u{202e}\nQZ]{3,12}", form in 0usize..6) {
            let quoted = serde_json::to_string(&marker).expect("a text");
            let id = "00".repeat(16);
            let text = match form {
                0 => format!("{{\"type\":{quoted}}}"),
                1 => format!("{{\"type\":\"ended\",{quoted}:1}}"),
                2 => format!("{{\"type\":\"ended\",\"session\":{quoted},\"reason\":\"busy\"}}"),
                3 => format!("{{\"type\":\"session-ticket\",\"session\":\"{id}\",\"session_ticket\":{quoted}}}"),
                4 => format!("{{\"type\":\"declined\",\"run\":\"{id}\",\"reason\":{{{quoted}:1}}}}"),
                _ => format!("{marker}{{"),
            };
            for error in [decode::<ToAgent>(text.as_bytes()).err(), decode::<ToEngineer>(text.as_bytes()).err()]
                .into_iter()
                .flatten()
            {
                for shown in [error.to_string(), format!("{error:?}")] {
                    prop_assert!(!shown.contains(&marker) && !shown.contains(quoted.trim_matches('"')), "{shown}");
                    prop_assert!(shown.is_ascii() && !shown.contains('\n'), "{shown}");
                }
            }
        }
    }
}
