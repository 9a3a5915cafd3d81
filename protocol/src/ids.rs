//! 128-bit names for sessions, pairing runs, pipes and engineers, and the agent's public key.
//!
//! None of them is a secret. On the wire they are lowercase hexadecimal.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use crate::secret::random_bytes;

/// A name that was not `2 * N` hexadecimal digits.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("could not read {what}: expected {digits} hexadecimal digits")]
pub struct ParseIdError {
    what: &'static str,
    digits: usize,
}

macro_rules! hex_id {
    ($(#[$doc:meta])* $name:ident, $bytes:literal, $what:literal) => {
        $(#[$doc])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub struct $name([u8; $bytes]);

        impl $name {
            /// Wraps raw bytes.
            pub const fn from_bytes(bytes: [u8; $bytes]) -> Self {
                Self(bytes)
            }

            /// Draws a new one from the operating system.
            pub fn random() -> Self {
                Self(random_bytes())
            }

            /// The raw bytes, as they go into keys and associated data.
            pub const fn as_bytes(&self) -> &[u8; $bytes] {
                &self.0
            }
        }

        impl std::fmt::Display for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
            }
        }

        impl std::fmt::Debug for $name {
            fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                write!(f, "{}({self})", stringify!($name))
            }
        }

        impl std::str::FromStr for $name {
            type Err = ParseIdError;
            fn from_str(text: &str) -> Result<Self, ParseIdError> {
                parse_hex(text)
                    .map(Self)
                    .ok_or(ParseIdError { what: $what, digits: 2 * $bytes })
            }
        }

        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = String::deserialize(deserializer)?;
                text.parse().map_err(serde::de::Error::custom)
            }
        }
    };
}

hex_id!(
    /// One support session, from the request to its end. Drawn by the relay.
    SessionId, 16, "a session ID"
);
hex_id!(
    /// One OPAQUE run within a session: a retry has the same session and a new run. Drawn by the relay.
    RunId, 16, "a run ID"
);
hex_id!(
    /// One pipe within a session. Drawn by the relay.
    PipeId, 16, "a pipe ID"
);
hex_id!(
    /// An engineer, for as long as the credential lives.
    EngineerId, 16, "an engineer ID"
);
hex_id!(
    /// One question to the client; an answer names it.
    QuestionId, 16, "a question ID"
);
hex_id!(
    /// One run of an operation on a scanner. Drawn by the agent.
    OperationId, 16, "an operation's ID"
);
hex_id!(
    /// One link to watch a session with. Drawn by the agent.
    ObserverId, 16, "an observer's ID"
);
hex_id!(
    /// The ed25519 public key that an agent draws at every start.
    AgentKey, 32, "an agent key"
);
hex_id!(
    /// What the relay asks an agent to sign.
    Challenge, 32, "a challenge"
);
hex_id!(
    /// The hash that the account of a session ends with, SHA-256.
    AccountHead, 32, "the head of an account"
);
hex_id!(
    /// The hash of the list of hashes that a session's record ends with (`SHA256SUMS`), SHA-256.
    SumsDigest, 32, "the digest of a record's sums"
);
hex_id!(
    /// An ed25519 signature.
    Signature, 64, "a signature"
);

fn parse_hex<const N: usize>(text: &str) -> Option<[u8; N]> {
    let digits = text.as_bytes();
    if digits.len() != 2 * N {
        return None;
    }
    let mut bytes = [0; N];
    for (byte, pair) in bytes.iter_mut().zip(digits.chunks_exact(2)) {
        *byte = hex_digit(pair[0])? << 4 | hex_digit(pair[1])?;
    }
    Some(bytes)
}

/// Lowercase only, so that a name has one spelling.
fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn has_one_spelling() {
        let id = SessionId::from_bytes([0xa5; 16]);
        assert_eq!(id.to_string(), "a5".repeat(16));
        assert_eq!(id.to_string().parse(), Ok(id));
        assert!("A5".repeat(16).parse::<SessionId>().is_err());
        assert!("a5".repeat(15).parse::<SessionId>().is_err());
        assert!("é".repeat(16).parse::<SessionId>().is_err());
    }
}
