//! What the relay signs of a record while it grows: that the account had this head at this time. From then on nobody can
//! write what was before otherwise, not even who has the device's key.

use std::fmt::{self, Display, Formatter};
use std::str::FromStr;

use fieldlink_identity::{DetachedSignature, TrustedKey};
use fieldlink_protocol::ids::SessionId;
use serde::{Deserialize, Serialize};

use super::chain::Head;
use super::digest::Digest;

/// The SSHSIG namespace of an anchor (OpenSSH's PROTOCOL.sshsig).
pub const ANCHOR_NAMESPACE: &str = "fieldlink-anchor@v1";

/// How an anchor begins, and what stands between its parts.
const BEGINNING: &str = "fieldlink-anchor v1";
const BETWEEN: &str = " | ";

/// The line `fieldlink-anchor v1 | SESSION | SEQ | HEAD | TIME`. What is signed is the line with its end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Anchor {
    /// The session.
    pub session: SessionId,
    /// The head of its account.
    pub head: Head,
    /// When the relay signed it, by its clock: RFC 3339, in UTC, to the second.
    pub time: String,
}

/// Why a text is no anchor, or not one to go by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum AnchorError {
    /// It has another form.
    #[error("the line is not \"fieldlink-anchor v1 | SESSION | SEQ | HEAD | TIME\"")]
    Form,
    /// The signature cannot be read.
    #[error("the signature cannot be read")]
    Unreadable,
    /// It is not of this line, or by none of these keys.
    #[error("the signature is not of this line by a key of the relay's")]
    Signature,
}

impl Display for Anchor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        let Self { session, head: Head { seq, digest }, time } = self;
        write!(f, "{BEGINNING}{BETWEEN}{session}{BETWEEN}{seq}{BETWEEN}{digest}{BETWEEN}{time}")
    }
}

impl FromStr for Anchor {
    type Err = AnchorError;

    fn from_str(line: &str) -> Result<Self, AnchorError> {
        let parts: Vec<&str> = line.split(BETWEEN).collect();
        let [BEGINNING, session, seq, digest, time] = parts[..] else { return Err(AnchorError::Form) };
        let session = session.parse().map_err(|_| AnchorError::Form)?;
        let (seq, digest) = seq.parse().ok().zip(digest.parse::<Digest>().ok()).ok_or(AnchorError::Form)?;
        let anchor = Self { session, head: Head { seq, digest }, time: time.to_owned() };
        let is_time =
            time.len() == "2026-01-01T00:00:00Z".len() && time.bytes().all(|b| b.is_ascii_graphic());
        // One line, written one way: "007" is not 7.
        if is_time && anchor.to_string() == line { Ok(anchor) } else { Err(AnchorError::Form) }
    }
}

/// An anchor as it is kept and sent: the line and the signature, as they are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct KeptAnchor {
    /// The line, without its end.
    pub line: String,
    /// SSHSIG, armoured.
    pub signature: String,
}

impl KeptAnchor {
    /// What was signed.
    pub fn signed_bytes(&self) -> Vec<u8> {
        format!("{}\n", self.line).into_bytes()
    }

    /// The anchor, if one of `keys` has signed it.
    pub fn check(&self, keys: &[TrustedKey]) -> Result<Anchor, AnchorError> {
        let anchor = self.line.parse()?;
        let signature =
            DetachedSignature::read_canonical(&self.signature).map_err(|_| AnchorError::Unreadable)?;
        let message = self.signed_bytes();
        let is_signed = keys.iter().any(|key| signature.is_of(key, ANCHOR_NAMESPACE, &message));
        if is_signed { Ok(anchor) } else { Err(AnchorError::Signature) }
    }
}
