//! Why an opening went no further, and what each side is told.

use fieldlink_protocol::reason::Reason;
use fieldlink_transport::AttachedError;

use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::pairing::PairingError;

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
    pub(super) fn parts(self) -> (Failure, End) {
        match self {
            Self::Over(end) => (not_begun(&end), end),
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
                OpeningError::Failure(Failure::new(Kind::WrongPin, rejected(left)))
            }
            PairingError::Forgotten => {
                OpeningError::Over(End { detail: Some(error.to_string()), ..tampered() })
            }
            PairingError::Refused(reason) => OpeningError::Over(End::new(reason, Told::Relay)),
            PairingError::Pipe(AttachedError::Dial(error)) => OpeningError::Failure(error.into()),
            PairingError::Pipe(AttachedError::Closed(text)) => OpeningError::Over(End::closed(&text)),
            PairingError::Pipe(error) => OpeningError::Over(End::lost(error.to_string())),
            PairingError::Malformed(detail) => OpeningError::Over(End { detail: Some(detail), ..tampered() }),
            PairingError::Memory(error) => error.into(),
        }
    }
}

/// A wrong PIN, after which so many are left.
pub(super) fn rejected(left: usize) -> String {
    match left {
        0 => "the PIN was not accepted: this was the second one for this ID, and this program stops here for an \
              hour; ask the client to start remote access again (new ID and PIN)"
            .into(),
        left => format!(
            "the PIN was not accepted: ask the client to read it out again ({left} more may be tried for this ID)"
        ),
    }
}

/// Someone on the way changed something.
pub(super) fn tampered() -> End {
    End::new(Reason::Tampered, Told::Here)
}

/// A session that ended before it began.
fn not_begun(end: &End) -> Failure {
    let (kind, next) = match end.reason {
        Reason::ClientRefused => (
            Kind::ClientRefused,
            "talk to the client; a second refusal switches remote access off, and then there is a new ID and PIN",
        ),
        Reason::NoAnswer => (
            Kind::NoAnswer,
            "ask the client to look at the scanner's screen, which says whether ID and PIN still hold: a \
             second request without a yes uses them up",
        ),
        Reason::Busy => (Kind::Busy, "try again when that session is over"),
        Reason::WrongPin => (Kind::WrongPin, "ask the client to read the PIN out again"),
        Reason::Revoked => (Kind::CredentialRefused, "ask the relay's operator"),
        Reason::BurntByRefusals => {
            (Kind::ClientRefused, "talk to the client, who has to start remote access again")
        }
        Reason::Burnt | Reason::BurntByWithdrawals => {
            (Kind::NotAvailable, "ask the client to start remote access again")
        }
        Reason::PartnerMissing | Reason::PairingTimeout | Reason::PairingAborted => {
            (Kind::NotAvailable, "ask the client whether remote access is still on, and try again")
        }
        Reason::ScannerFailed | Reason::SessionProcessLost => {
            (Kind::Failed, "ask the client to start remote access again")
        }
        _ => (Kind::SessionOver, "ask the client for a new ID and PIN"),
    };
    Failure::new(kind, format!("the session did not begin: {}; {next}", end.cause()))
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
        ] {
            let end = End::new(reason, Told::Scanner);
            assert_eq!(not_begun(&end).kind, kind, "{reason:?}");
        }
    }
}
