//! Who asks for a session.

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{RunId, SessionId};

/// Who asks, and what for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// The session.
    pub session: SessionId,
    /// The pairing run.
    pub run: RunId,
    /// Who the pairing proved it to be.
    pub engineer: EngineerIdentity,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
}
