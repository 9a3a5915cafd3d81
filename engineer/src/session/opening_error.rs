//! Why an opening went no further, and what each side is told.

use fieldlink_protocol::reason::Reason;
use fieldlink_transport::AttachedError;

use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::pairing::PairingError;
use crate::words::say;

/// Why an opening went no further.
pub(super) enum OpeningError {
    /// On our side.
    Failure(Failure),
    /// On another side: the session is over before it began.
    Over(End),
}

impl From<Failure> for OpeningError {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<anyhow::Error> for OpeningError {
    fn from(error: anyhow::Error) -> Self {
        Self::Failure(error.into())
    }
}

impl OpeningError {
    /// What the engineer is told, and what the others are told.
    pub(super) fn parts(self, joins: bool) -> (Failure, End) {
        match self {
            Self::Over(end) => (not_begun(&end, joins), end),
            Self::Failure(failure) if failure.kind == Kind::WrongPin => {
                (failure, End::new(Reason::WrongPin, Told::Here))
            }
            Self::Failure(failure) => (failure, End::new(Reason::EngineerEnded, Told::Here)),
        }
    }
}

impl From<PairingError> for OpeningError {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::Rejected { left } => {
                OpeningError::Failure(Failure::new(Kind::WrongPin, rejected(left, false)))
            }
            PairingError::Forgotten => {
                OpeningError::Over(End { detail: Some(error.to_string()), ..tampered() })
            }
            PairingError::Refused(reason) => OpeningError::Over(End::new(reason, Told::Relay)),
            PairingError::Pipe(AttachedError::Dial(error)) => OpeningError::Failure(error.into()),
            PairingError::Pipe(AttachedError::Closed(text)) => OpeningError::Over(End::closed(&text)),
            PairingError::Pipe(error) => OpeningError::Over(End::lost(error.to_string())),
            PairingError::Malformed(detail) => OpeningError::Over(End { detail: Some(detail), ..tampered() }),
            PairingError::NotProven(failure) => failure.into(),
            PairingError::Memory(error) => error.into(),
        }
    }
}

/// A wrong PIN, after which so many are left.
pub(super) fn rejected(left: usize, joins: bool) -> String {
    match left {
        0 if joins => say!("join-code-rejected-last"),
        left if joins => say!("join-code-rejected", left = left.to_string()),
        0 => say!("pin-rejected-last"),
        left => say!("pin-rejected", left = left.to_string()),
    }
}

/// The relay, or a computer on the way, changed something.
pub(super) fn tampered() -> End {
    End::new(Reason::Tampered, Told::Here)
}

/// A session that ended before it began.
fn not_begun(end: &End, joins: bool) -> Failure {
    let (kind, next) = match end.reason {
        Reason::CodeUsedUp => (Kind::NotAvailable, say!("next-new-join-code")),
        Reason::ClientRefused => (Kind::ClientRefused, say!("next-after-refusal")),
        Reason::NoAnswer => (Kind::NoAnswer, say!("next-after-no-answer")),
        Reason::Busy => (Kind::Busy, say!("next-when-over")),
        Reason::WrongPin => (Kind::WrongPin, say!("next-pin-again")),
        Reason::Revoked => (Kind::CredentialRefused, say!("next-ask-operator")),
        Reason::BurntByRefusals => (Kind::ClientRefused, say!("next-after-refusals")),
        Reason::Burnt | Reason::BurntByWithdrawals => (Kind::NotAvailable, say!("next-start-again")),
        Reason::PartnerMissing | Reason::PairingTimeout | Reason::PairingAborted => {
            (Kind::NotAvailable, say!("next-look-whether-on"))
        }
        Reason::CertificateMissing => (Kind::CertificateRefused, say!("next-use-certificate")),
        Reason::CertificateUnsupported
        | Reason::CertificateAuthority
        | Reason::CertificateExpired
        | Reason::CertificateNotYetValid
        | Reason::CertificatePrincipal
        | Reason::CertificateRevoked
        | Reason::CertificateNotHardware
        | Reason::ProofNamespace
        | Reason::ProofSignature
        | Reason::ProofOtherKey => (Kind::CertificateRefused, say!("next-ask-authority")),
        Reason::RevocationUnknown => (Kind::CertificateRefused, say!("next-ask-scanners-operator")),
        Reason::ClockNotSet => (Kind::NotAvailable, say!("next-when-clock-is-set")),
        Reason::ProofOtherScanner | Reason::ProofReplayed | Reason::ProofAltered => {
            (Kind::CertificateRefused, say!("next-report-tampering"))
        }
        Reason::ScannerFailed | Reason::SessionProcessLost => (Kind::Failed, say!("next-start-again")),
        Reason::EngineerEnded
        | Reason::Restarting
        | Reason::NotBack
        | Reason::EngineerStopped
        | Reason::ClientEnded
        | Reason::TimeUp
        | Reason::RelayLimit
        | Reason::RelayStopping
        | Reason::RelayRestarted
        | Reason::AgentStopped
        | Reason::AgentRestarted
        | Reason::ConnectionLost
        | Reason::EngineerLost
        | Reason::Silence
        | Reason::Tampered
        | Reason::Incompatible
        | Reason::IdTaken
        | Reason::RelayEnded
        | Reason::Removed
        | Reason::OtherDevice
        | Reason::Unknown => (Kind::SessionOver, say!("next-new-pin")),
    };
    // What a client could do helps no further engineer, who is not the one to talk to them.
    let is_clients =
        matches!(kind, Kind::ClientRefused | Kind::NoAnswer | Kind::WrongPin | Kind::SessionOver);
    let next = if joins && is_clients { say!("next-ask-owner") } else { next };
    Failure::new(kind, say!("session-not-begun", cause = end.cause(), next = next))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_reason_before_a_session_has_a_kind() {
        for (reason, kind) in [
            (Reason::ClientRefused, Kind::ClientRefused),
            (Reason::NoAnswer, Kind::NoAnswer),
            (Reason::Busy, Kind::Busy),
            (Reason::Burnt, Kind::NotAvailable),
            (Reason::PartnerMissing, Kind::NotAvailable),
            (Reason::Revoked, Kind::CredentialRefused),
            (Reason::RelayStopping, Kind::SessionOver),
            (Reason::CertificateExpired, Kind::CertificateRefused),
            (Reason::ClockNotSet, Kind::NotAvailable),
        ] {
            let end = End::new(reason, Told::Scanner);
            assert_eq!(not_begun(&end, false).kind, kind, "{reason:?}");
        }
    }
}
