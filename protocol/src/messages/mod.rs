//! Control messages: JSON text, tagged by `type`, at most [`limits::CONTROL_MESSAGE`] bytes.
//!
//! Unknown fields and types are errors. A later version adds messages only behind a feature that
//! the peer listed.

pub mod agent;
pub mod control;
pub mod engineer;
pub mod questions;

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
    Malformed(#[from] serde_json::Error),
    /// A field is beyond its limit.
    #[error("could not read a control message: {0}")]
    Field(&'static str),
}

/// Checks that go beyond types. Called for every message that is read.
pub trait Bounded {
    /// Names the first field that is beyond its limit.
    fn check(&self) -> Result<(), &'static str>;
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
    let message: M = serde_json::from_slice(text)?;
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
fn all(checks: &[(bool, &'static str)]) -> Result<(), &'static str> {
    checks.iter().find(|(fits, _)| !fits).map_or(Ok(()), |(_, what)| Err(what))
}
