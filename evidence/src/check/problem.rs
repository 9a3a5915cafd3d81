//! What can be wrong with a record.

use std::fmt::{self, Display, Formatter};
use std::io;

use fieldlink_protocol::ids::SessionId;

use crate::chain::ChainError;
use crate::manifest::ManifestError;

/// The first thing that is wrong with a record. Lines are counted from 1, events (`seq`) from 0.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Problem {
    /// There is no manifest.
    #[error("the record was not closed: its session runs, or its agent died and has not started since")]
    NotClosed,
    /// The storage does not give it.
    #[error("could not read {file}: {error}")]
    Unreadable {
        /// The file; "." is the directory.
        file: String,
        /// What the operating system says.
        error: String,
    },
    /// A file is not there, or is a link or a directory.
    #[error("{0} is missing, or is no plain file")]
    Missing(String),
    /// A file is longer than it can be.
    #[error("{0} is longer than any that was written by an agent")]
    TooLong(String),
    /// The manifest is none.
    #[error("could not read SHA256SUMS: {0}")]
    Manifest(#[from] ManifestError),
    /// The manifest does not list a file that every record has.
    #[error("SHA256SUMS does not list {0}")]
    NotListed(&'static str),
    /// The device's key is none.
    #[error("device.pub is not the line of an ed25519 public key")]
    DeviceKey,
    /// The manifest was signed by somebody else, or changed since.
    #[error("SHA256SUMS.sig is no signature of SHA256SUMS by the key in device.pub")]
    DeviceSignature,
    /// Another device signed it.
    #[error("the record is signed with the key {found}, and the device's is {expected}")]
    OtherDevice {
        /// The fingerprint of the key in the record.
        found: String,
        /// The fingerprint of the key that it should be.
        expected: String,
    },
    /// A file that the manifest does not list.
    #[error("{0:?} does not belong to the record: SHA256SUMS does not list it")]
    Extra(String),
    /// A file was changed.
    #[error("{0} was changed: it has another hash than SHA256SUMS lists")]
    Hash(String),
    /// The account has no line.
    #[error("events.jsonl is empty")]
    NoEvents,
    /// A line of the account that does not continue it.
    #[error("events.jsonl, line {line}: {why}")]
    Line {
        /// Which.
        line: u64,
        /// What is wrong with it.
        why: ChainError,
    },
    /// An event that is checked here and is not as an agent writes it.
    #[error("events.jsonl, line {line}: {what}")]
    Event {
        /// Which.
        line: u64,
        /// What is wrong with it.
        what: &'static str,
    },
    /// The last line is not the one that closes the record.
    #[error("events.jsonl, line {0}: the account does not end with record-closed, so its end was cut off")]
    Open(u64),
    /// The last line says something else of a file than the manifest.
    #[error("events.jsonl says something else of {0} at its end than SHA256SUMS and the file's size")]
    Close(String),
    /// A recording is not what it was while it grew.
    #[error(
        "{file} was changed: its first {size} bytes are not those that events.jsonl, line {line}, sealed"
    )]
    Seal {
        /// The recording.
        file: String,
        /// How many bytes.
        size: u64,
        /// The line of the account.
        line: u64,
    },
    /// An engineer's proof is none, or not of what the account says.
    #[error("events.jsonl, line {line}: the engineer's proof {file} does not hold: {why}")]
    Engineer {
        /// The line of the account.
        line: u64,
        /// The file with the statement.
        file: String,
        /// What is wrong with it.
        why: String,
    },
    /// A key of the relay's in the first event is none.
    #[error("events.jsonl, line 1: one of anchor_keys is not the line of an ed25519 public key")]
    AnchorKey,
    /// An anchor is none, or not of this account.
    #[error("{source}, line {line}: {fault}", source = .from)]
    Anchor {
        /// Where it is kept.
        from: AnchorSource,
        /// Which.
        line: usize,
        /// What is wrong.
        fault: AnchorFault,
    },
    /// There are anchors outside of the record, and they say nothing of it.
    #[error("none of the anchors that were kept outside of the record is of its session, {0}")]
    OtherAnchors(SessionId),
    /// The receipt is of another account.
    #[error(
        "the receipt is of no line of this account: it was rewritten, or the words are of another session"
    )]
    Receipt,
}

impl Problem {
    pub(super) fn unreadable(file: &str, error: &io::Error) -> Self {
        let file = file.to_owned();
        match error.kind() {
            io::ErrorKind::NotFound => Self::Missing(file),
            io::ErrorKind::FileTooLarge => Self::TooLong(file),
            _ => Self::Unreadable { file, error: error.to_string() },
        }
    }
}

/// Where an anchor is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AnchorSource {
    /// In the record.
    Record,
    /// Outside of it.
    Outside,
}

impl Display for AnchorSource {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Record => "anchors.jsonl",
            Self::Outside => "the anchors that were kept outside of the record",
        })
    }
}

/// What can be wrong with an anchor.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum AnchorFault {
    /// It is no anchor, or not in the form that is written.
    #[error("is no anchor with its signature")]
    Form,
    /// No key of the relay's has signed it.
    #[error("is not signed by a key of the relay's")]
    Signature,
    /// It is in this record, and of another session.
    #[error("is an anchor of another session")]
    OtherSession,
    /// What it stands for is not in the account any more.
    #[error(
        "the account was rewritten after the relay had anchored it: event {seq} was another one at {time}"
    )]
    Rewritten {
        /// The event.
        seq: u64,
        /// When the relay signed it.
        time: String,
    },
    /// The account is shorter than it was.
    #[error(
        "the account was cut: it ends with event {last}, and the relay has anchored event {seq} at {time}"
    )]
    Cut {
        /// The last event that is there.
        last: u64,
        /// The one that was anchored.
        seq: u64,
        /// When.
        time: String,
    },
}
