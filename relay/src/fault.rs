//! What is wrong with what a peer sent, and the close code (RFC 6455, section 7.4.1) that says so.

use tokio_tungstenite::tungstenite::error::{CapacityError, Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Why nothing more can be read from a peer.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum Fault {
    /// The connection broke. No close frame can be sent.
    #[error("the connection broke")]
    Gone,
    /// What came is no WebSocket.
    #[error("the peer broke the rules of WebSocket")]
    Protocol,
    /// A text that is not UTF-8.
    #[error("the peer sent a text that is not UTF-8")]
    NotUtf8,
    /// A message larger than permitted.
    #[error("the peer sent a message that is too large")]
    TooBig,
}

impl Fault {
    /// The close frame for the peer; `None` if its connection is gone.
    pub(crate) fn frame(self) -> Option<CloseFrame> {
        let (code, reason) = match self {
            Self::Gone => return None,
            Self::Protocol => (CloseCode::Protocol, "malformed"),
            Self::NotUtf8 => (CloseCode::Invalid, "not-utf8"),
            Self::TooBig => (CloseCode::Size, "message-too-big"),
        };
        Some(CloseFrame { code, reason: reason.into() })
    }
}

impl From<&Error> for Fault {
    fn from(error: &Error) -> Self {
        match error {
            Error::Capacity(CapacityError::MessageTooLong { .. }) => Self::TooBig,
            Error::Utf8(_) => Self::NotUtf8,
            Error::Protocol(
                ProtocolError::ResetWithoutClosingHandshake
                | ProtocolError::ReceivedAfterClosing
                | ProtocolError::SendAfterClosing,
            ) => Self::Gone,
            Error::Protocol(_) => Self::Protocol,
            _ => Self::Gone,
        }
    }
}
