//! What a check has found where nothing is wrong.

use std::collections::BTreeMap;

use fieldlink_identity::Claim;
use fieldlink_protocol::ids::SessionId;

use crate::anchor::Anchor;
use crate::chain::Head;
use crate::event::Seal;

/// What is known of a record in which nothing is wrong.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Findings {
    /// The session.
    pub session: SessionId,
    /// The device's name, as the record has it.
    pub device: String,
    /// The fingerprint of the key that signed the record.
    pub device_key: String,
    /// Whether the reader knew this key; otherwise the record names it itself.
    pub device_key_is_trusted: bool,
    /// Lines of the account.
    pub events: u64,
    /// Its end.
    pub head: Head,
    /// Whether the record was closed at the agent's next start only.
    pub closed_late: bool,
    /// The files that the manifest lists.
    pub files: BTreeMap<String, Seal>,
    /// What the relay has anchored.
    pub anchors: AnchorFindings,
    /// How many events of the account the receipt covers, if there was one: those behind were written later.
    pub receipt_covers: Option<u64>,
    /// Whether there is a time stamp (RFC 3161), which `openssl ts -verify` checks.
    pub has_time_stamp: bool,
    /// The engineers who proved themselves, in the order in which they asked.
    pub engineers: Vec<EngineerFindings>,
}

/// What the relay has anchored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AnchorFindings {
    /// How many anchors of this account were checked, in the record and outside of it.
    pub checked: usize,
    /// How many of those were kept outside of it.
    pub kept_outside: usize,
    /// The one of the last line that was anchored: what is behind it, only the device vouches for.
    pub last: Option<Anchor>,
    /// Whether no key of the relay's is known: the anchors fit the account, and whose they are nobody has checked.
    pub no_keys: bool,
    /// Whether the relay's keys are those that the record names itself.
    pub keys_are_pinned: bool,
}

/// An engineer who proved themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EngineerFindings {
    /// Their place in the session.
    pub seat: u64,
    /// The number of the line that tells it, counted from 1.
    pub line: u64,
    /// Who the certificate is for.
    pub name: String,
    /// What the authority calls the certificate.
    pub key_id: String,
    /// The fingerprint of their key.
    pub fingerprint: String,
    /// The fingerprint of the authority's key. Whether it is one to believe, the reader knows.
    pub authority_fingerprint: String,
    /// From and before which the certificate is valid, in seconds since 1970.
    pub validity: (u64, u64),
    /// Whether a security key verified its user for the signature.
    pub user_verified: bool,
    /// What they signed.
    pub claim: Claim,
}
