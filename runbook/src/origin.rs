//! Whose a runbook is: `ssh-keygen -Y sign -n fieldlink-runbook@v1 -f maker runbook.toml` makes the signature beside it.

use fieldlink_identity::{DetachedSignature, TrustedKey, TrustedKeyError};
use fieldlink_protocol::messages::runbook::{RunbookRefusal, RunbookStanding, SIGNATURE};

/// The SSHSIG namespace of a runbook: a signature made for anything else is none here.
pub const NAMESPACE: &str = "fieldlink-runbook@v1";

/// The keys with which runbooks of the maker's are signed, as the scanner's owner has named them.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Makers(Vec<TrustedKey>);

/// Whose a runbook is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// The maker's: one of the keys has signed exactly these bytes.
    Maker {
        /// What the scanner's owner calls the key.
        key: String,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// The engineer's own: there is no signature, or it is by a key that is none of the maker's.
    Own,
}

/// Why a runbook with such a signature is not taken for anybody's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum NotAccepted {
    /// It is no armoured SSHSIG.
    #[error("could not read the runbook's signature: it is none that ssh-keygen -Y sign has made")]
    Unreadable,
    /// It was made for something else.
    #[error("the runbook's signature was made for something else: sign it with -n fieldlink-runbook@v1")]
    Namespace,
    /// It names one of the maker's keys, and is not that key's signature of these bytes.
    #[error("the runbook is not as its maker signed it: get it and its .sig again")]
    Altered,
}

impl Makers {
    /// `keys` are lines of public keys, each with a comment that says whose it is.
    pub fn new(keys: &[String]) -> Result<Self, TrustedKeyError> {
        keys.iter().map(|line| TrustedKey::from_line(line)).collect::<Result<_, _>>().map(Self)
    }

    /// Judges the bytes of a runbook by the signature beside it.
    pub fn judge(&self, runbook: &[u8], signature: Option<&str>) -> Result<Origin, NotAccepted> {
        let Some(armoured) = signature else { return Ok(Origin::Own) };
        let fitting = Some(armoured).filter(|armoured| armoured.len() <= SIGNATURE);
        let read = fitting.and_then(|armoured| DetachedSignature::read(armoured).ok());
        let signature = read.ok_or(NotAccepted::Unreadable)?;
        if signature.namespace() != NAMESPACE {
            return Err(NotAccepted::Namespace);
        }
        let Some(key) = self.0.iter().find(|key| signature.names(key)) else { return Ok(Origin::Own) };
        if !signature.is_of(key, NAMESPACE, runbook) {
            return Err(NotAccepted::Altered);
        }
        Ok(Origin::Maker { key: key.name().to_owned(), fingerprint: key.fingerprint() })
    }
}

impl Origin {
    /// Whether it is the maker's.
    pub fn is_maker(&self) -> bool {
        matches!(self, Self::Maker { .. })
    }

    /// As the engineer's side is told.
    pub fn standing(&self) -> RunbookStanding {
        match self {
            Self::Maker { key, fingerprint } => {
                RunbookStanding::Maker { key: key.clone(), fingerprint: fingerprint.clone() }
            }
            Self::Own => RunbookStanding::Own {},
        }
    }
}

impl From<NotAccepted> for RunbookRefusal {
    fn from(error: NotAccepted) -> Self {
        match error {
            NotAccepted::Unreadable => Self::SignatureUnreadable,
            NotAccepted::Namespace => Self::Namespace,
            NotAccepted::Altered => Self::Altered,
        }
    }
}
