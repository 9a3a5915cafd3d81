//! The records of sessions that a device keeps, as its client reads them.

use fieldlink_protocol::ids::SessionId;
use serde::Serialize;

/// One of the records that are there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SessionRecord {
    /// Whose it is.
    pub session: SessionId,
    /// When it began: RFC 3339, in UTC.
    pub began: String,
    /// The engineer, as the client was told.
    pub engineer: String,
    /// The support case.
    pub ticket: String,
    /// What it takes on the disk.
    pub bytes: u64,
    /// Whether it is closed and signed; else its session runs.
    #[serde(rename = "closed")]
    pub is_closed: bool,
}

/// What the client keeps of a record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionReceipt {
    /// Whose it is.
    pub session: SessionId,
    /// Twelve words, which stand for the end of its account.
    pub words: String,
    /// The first 32 digits of the hash that they stand for.
    pub head: String,
    /// What the support service signed of it last; empty if it has signed nothing.
    pub anchor: String,
    /// Whether that is the end of the account.
    pub is_anchored: bool,
}
