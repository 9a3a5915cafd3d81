//! Why an opening went no further, and what each side is told.

use fieldlink_protocol::reason::Reason;
use fieldlink_transport::AttachedError;

use super::{End, Told};
use crate::exit::{Failure, Kind};
use crate::pairing::PairingError;

/// Why an opening went no further.
pub(super) enum Setback {
    /// On our side.
    Failure(Failure),
    /// On another side: the session is over before it began.
    Over(End),
}

impl From<Failure> for Setback {
    fn from(failure: Failure) -> Self {
        Self::Failure(failure)
    }
}

impl From<anyhow::Error> for Setback {
    fn from(error: anyhow::Error) -> Self {
        Self::Failure(error.into())
    }
}

impl Setback {
    /// What the engineer is told, and what the others are told.
    pub(super) fn parts(self) -> (Failure, End) {
        match self {
            Self::Over(end) => (Failure::not_begun(&end), end),
            Self::Failure(failure) if failure.kind == Kind::WrongPin => {
                (failure, End::new(Reason::WrongPin, Told::Here))
            }
            Self::Failure(failure) => (failure, End::new(Reason::EngineerEnded, Told::Here)),
        }
    }
}

impl From<PairingError> for Setback {
    fn from(error: PairingError) -> Self {
        match error {
            PairingError::Rejected { left } => Setback::Failure(Failure::new(Kind::WrongPin, rejected(left))),
            PairingError::Forgotten => Setback::Over(End { detail: Some(error.to_string()), ..tampered() }),
            PairingError::Refused(reason) => Setback::Over(End::new(reason, Told::Relay)),
            PairingError::Pipe(AttachedError::Dial(error)) => Setback::Failure(error.into()),
            PairingError::Pipe(AttachedError::Closed(text)) => Setback::Over(End::closed(&text)),
            PairingError::Pipe(error) => Setback::Over(End::lost(error.to_string())),
            PairingError::Malformed(detail) => Setback::Over(End { detail: Some(detail), ..tampered() }),
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
