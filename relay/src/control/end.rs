//! How a control connection ends, and what the peer is told.

use fieldlink_protocol::reason::Reason;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use crate::directory::Farewell;
use crate::fault::Fault;

/// Why a control connection is over.
#[derive(Debug, thiserror::Error)]
pub(crate) enum End {
    /// The peer closed it.
    #[error("the peer closed the connection")]
    Closed,
    /// It broke, or what came cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// More messages or bytes than permitted.
    #[error("the peer sends too much")]
    TooMuch,
    /// We were told to say goodbye.
    #[error("closed by the relay")]
    Farewell(Farewell),
    /// The mailbox overflowed, or one write took too long.
    #[error("the peer is too slow")]
    TooSlow,
    /// Nothing was heard for too long.
    #[error("the peer fell silent")]
    Silent,
    /// The peer did not register in time, or it registered wrongly.
    #[error("the peer did not register")]
    Unregistered,
    /// Messages are text.
    #[error("the peer sent a binary message")]
    NotText,
    /// Not a message of this version, or out of turn.
    #[error("{0}")]
    Malformed(String),
}

/// What is said to the peer at the end, if anything.
pub(super) fn goodbye(end: &End) -> Option<CloseFrame> {
    let (code, reason) = match end {
        End::Fault(fault) => return fault.frame(),
        // The answer says what the peer has said.
        End::Closed => (CloseCode::Normal, ""),
        End::Farewell(farewell) => farewell_words(*farewell),
        End::TooSlow => (CloseCode::Policy, "too-slow"),
        End::Silent => (CloseCode::Policy, "silent"),
        End::Unregistered => (CloseCode::Policy, "not-registered"),
        End::TooMuch => (CloseCode::Policy, "too-much"),
        End::NotText => (CloseCode::Unsupported, "malformed"),
        End::Malformed(_) => (CloseCode::Policy, "malformed"),
    };
    Some(CloseFrame { code, reason: reason.into() })
}

fn farewell_words(farewell: Farewell) -> (CloseCode, &'static str) {
    match farewell {
        Farewell::Ended(reason) => (close_code(reason), reason.code()),
        Farewell::Replaced => (CloseCode::Policy, "replaced"),
        Farewell::IdTaken => (CloseCode::Policy, "id-taken"),
    }
}

/// The code of a close frame whose text is `reason`.
pub(crate) fn close_code(reason: Reason) -> CloseCode {
    match reason {
        Reason::RelayStopping => CloseCode::Restart,
        Reason::Revoked => CloseCode::Policy,
        _ => CloseCode::Normal,
    }
}
