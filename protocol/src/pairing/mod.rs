//! Pairing: a four-digit PIN becomes strong keys without ever leaving either side.
//!
//! OPAQUE (RFC 9807) runs over the control pipe's first connection, before its HELLO. The agent is
//! the server and, at every start of remote access, registers the PIN with itself under a new
//! server setup. Three binary messages pass; each begins with a byte that names it:
//!
//! | byte | direction | then |
//! |---|---|---|
//! | `0x11` | engineer → agent | OPAQUE KE1, 96 bytes; behind it, who the engineer is, if a certificate proves it |
//! | `0x12` | agent → engineer | OPAQUE KE2, 320 bytes; [charged](attempts) before it leaves |
//! | `0x13` | engineer → agent | OPAQUE KE3, 64 bytes |
//! | `0x1f` | agent → engineer | a refusal: a [`Reason`] code as ASCII |
//!
//! After KE3 the pipe's HELLOs follow on the same connection.

pub mod attempts;
mod context;
mod opaque;

pub use context::{NO_CERTIFICATE, PairingContext};
pub use opaque::{AgentLogin, EngineerLogin, LoginError, Password, Registration};

use bytes::Bytes;

use crate::limits;
use crate::reason::Reason;

/// A pairing message, framed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PairingMessage {
    /// OPAQUE KE1, and the engineer's proof (`fieldlink-identity` reads it); empty without one.
    Start {
        /// 96 bytes.
        ke1: Bytes,
        /// At most [`limits::PROOF`] bytes.
        proof: Bytes,
    },
    /// OPAQUE KE2.
    Response(Bytes),
    /// OPAQUE KE3.
    Finish(Bytes),
    /// The agent will not pair.
    Refused(Reason),
}

/// A frame that is no pairing message.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("could not read a pairing message of {0} bytes")]
pub struct PairingFrameError(usize);

const START: u8 = 0x11;
/// Bytes of KE1.
const KE1: usize = 96;
const RESPONSE: (u8, usize) = (0x12, 320);
const FINISH: (u8, usize) = (0x13, 64);
const REFUSED: u8 = 0x1f;

impl PairingMessage {
    /// The message's bytes on the wire.
    pub fn encode(&self) -> Bytes {
        match self {
            Self::Start { ke1, proof } => [&[START], &ke1[..], &proof[..]].concat().into(),
            Self::Response(body) => framed(RESPONSE.0, body),
            Self::Finish(body) => framed(FINISH.0, body),
            Self::Refused(reason) => framed(REFUSED, reason.code().as_bytes()),
        }
    }

    /// Reads a frame; every message but the first has exactly one permitted length.
    pub fn decode(frame: &Bytes) -> Result<Self, PairingFrameError> {
        let error = PairingFrameError(frame.len());
        let (&kind, body) = frame.split_first().ok_or(PairingFrameError(0))?;
        match (kind, body.len()) {
            (START, length) if (KE1..=KE1 + limits::PROOF).contains(&length) => {
                Ok(Self::Start { ke1: frame.slice(1..=KE1), proof: frame.slice(1 + KE1..) })
            }
            RESPONSE => Ok(Self::Response(frame.slice(1..))),
            FINISH => Ok(Self::Finish(frame.slice(1..))),
            (REFUSED, 1..=64) => Ok(Self::Refused(refusal(body).ok_or(error)?)),
            _ => Err(error),
        }
    }
}

fn framed(kind: u8, body: &[u8]) -> Bytes {
    [&[kind], body].concat().into()
}

fn refusal(code: &[u8]) -> Option<Reason> {
    Some(Reason::from_code(std::str::from_utf8(code).ok()?).unwrap_or(Reason::Unknown))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn frames_survive_the_trip(kind in 0u8..4, fill in any::<u8>()) {
            let body = |length| Bytes::from(vec![fill; length]);
            let message = match kind {
                0 => PairingMessage::Start { ke1: body(KE1), proof: body(usize::from(fill)) },
                1 => PairingMessage::Response(body(RESPONSE.1)),
                2 => PairingMessage::Finish(body(FINISH.1)),
                _ => PairingMessage::Refused(Reason::ALL[fill as usize % Reason::ALL.len()]),
            };
            prop_assert_eq!(PairingMessage::decode(&message.encode()), Ok(message.clone()));
            let mut short = message.encode();
            short.truncate(short.len() - 1);
            prop_assert!(PairingMessage::decode(&short).map_or(true, |m| m != message));
        }

        #[test]
        fn reads_anything_without_panicking(frame in prop::collection::vec(any::<u8>(), 0..400)) {
            let _ = PairingMessage::decode(&frame.into());
        }

        #[test]
        fn a_proof_is_bounded(over in 0usize..3) {
            let first = [&[START][..], &vec![0; KE1 + limits::PROOF + over]].concat();
            prop_assert_eq!(PairingMessage::decode(&first.into()).is_ok(), over == 0);
        }
    }
}
