//! Why an engineer is not believed to be who they say.

use fieldlink_protocol::reason::Reason;

use crate::CertificateError;

/// Why bytes are no proof, or a signature makes none.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ProofError {
    /// They are malformed.
    #[error("it is malformed")]
    Malformed,
    /// The signature was made for something else.
    #[error("the signature was made for {0:?}")]
    Namespace(String),
    /// The signature is another key's.
    #[error("the signature was not made with the key of the certificate")]
    OtherKey,
    /// The signature is not right.
    #[error("the signature does not fit what was to be signed")]
    Signature,
}

/// Why a proof does not count. As text, for the device's log: it names what was refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum Refusal {
    /// None came: the engineer has none, or it was taken away on the way here.
    #[error("no certificate came with the request, and this scanner asks for one")]
    Missing,
    /// What came is no proof.
    #[error("could not read the engineer's proof: {0}")]
    Unreadable(#[from] ProofError),
    /// The certificate is of a kind that is not accepted here.
    #[error("could not use the engineer's certificate: {0}")]
    Unsupported(#[from] CertificateError),
    /// Another authority signed it.
    #[error("the certificate {key_id:?} was signed by {authority}, which is none of [engineers] authority")]
    Authority {
        /// The certificate's key ID.
        key_id: String,
        /// The fingerprint of the key that signed it.
        authority: String,
    },
    /// It says that an accepted authority signed it, and that is not true.
    #[error("the certificate {0:?} was not signed by the authority that it names")]
    Forged(String),
    /// It has expired.
    #[error("the certificate {key_id:?} has expired: it was valid before {before}")]
    Expired {
        /// The certificate's key ID.
        key_id: String,
        /// Its end, in UTC.
        before: String,
    },
    /// It is not valid yet.
    #[error(
        "the certificate {key_id:?} is not valid yet: it will be from {after}, and the clock here shows {now}"
    )]
    NotYetValid {
        /// The certificate's key ID.
        key_id: String,
        /// Its beginning, in UTC.
        after: String,
        /// What the device takes for the time, in UTC.
        now: String,
    },
    /// The device's clock was never set since it was without power: whether the certificate is valid cannot be known yet.
    #[error("the scanner's clock is not set yet, so the certificate {0:?} cannot be judged")]
    ClockNotSet(String),
    /// None of its principals may come in here.
    #[error("no principal of the certificate {0:?} is one of [engineers] principals")]
    Principal(String),
    /// It, its key or its authority was revoked.
    #[error("the certificate {0:?} was revoked")]
    Revoked(String),
    /// What was revoked cannot be known.
    #[error("could not read what was revoked, so nobody is let in: {0}")]
    RevocationUnknown(String),
    /// The key is not on hardware that asks for touch and PIN.
    #[error(
        "the key of the certificate {0:?} is on no security key that verifies its user, which this scanner asks for"
    )]
    NotHardware(String),
    /// The signature was made for something else.
    #[error("the engineer's signature was made for {0:?}, not for a request of Fieldlink's")]
    Namespace(String),
    /// The signature is not that of the certificate's key, or was made without its owner's touch.
    #[error("the signature with the certificate {0:?} is not right")]
    Signature(String),
    /// It was signed for another agent.
    #[error("the engineer signed a request to another scanner")]
    OtherScanner,
    /// It was signed for another try, or came before.
    #[error("the engineer signed another try")]
    Replayed,
    /// The relay says something else about the request than the engineer signed, or sent another first message.
    #[error("the request is not what the engineer signed: it was altered on the way")]
    Altered,
    /// Another key proved the session that this run would come back to.
    #[error("the certificate is not that of the key with which the session began")]
    OtherKey,
}

impl Refusal {
    /// As the engineer's side is told.
    pub fn reason(&self) -> Reason {
        match self {
            Self::Missing => Reason::CertificateMissing,
            Self::Unreadable(_) | Self::Unsupported(_) => Reason::CertificateUnsupported,
            Self::Authority { .. } | Self::Forged(_) => Reason::CertificateAuthority,
            Self::Expired { .. } => Reason::CertificateExpired,
            Self::NotYetValid { .. } => Reason::CertificateNotYetValid,
            Self::ClockNotSet(_) => Reason::ClockNotSet,
            Self::Principal(_) => Reason::CertificatePrincipal,
            Self::Revoked(_) => Reason::CertificateRevoked,
            Self::RevocationUnknown(_) => Reason::RevocationUnknown,
            Self::NotHardware(_) => Reason::CertificateNotHardware,
            Self::Namespace(_) => Reason::ProofNamespace,
            Self::Signature(_) => Reason::ProofSignature,
            Self::OtherScanner => Reason::ProofOtherScanner,
            Self::Replayed => Reason::ProofReplayed,
            Self::Altered => Reason::ProofAltered,
            Self::OtherKey => Reason::ProofOtherKey,
        }
    }
}
