//! Whether a record is what the device wrote, the engineers signed and the relay anchored. `check-by-hand.sh` applies the
//! same rules, one by one; what one of the two refuses, the other does.
//!
//! The rules, in their order, with what each of them is for:
//!
//! 1. There is a manifest, and it can be read ([`Manifest`](crate::Manifest)): the record was closed.
//! 2. Its signature is the device's.
//! 3. The directory holds the files that it lists, the signature, maybe a time stamp and anchors, and nothing else.
//! 4. Every listed file has its hash.
//! 5. The account is whole ([`Chain`](crate::Chain)), begins with `record-began` of this device, and ends with
//!    `record-closed`, which names every other file with size and hash: so its head stands for all of them.
//! 6. Recordings have the hashes that the account sealed them with while they grew.
//! 7. Each engineer's signature is of their certificate's key, and asks for this run.
//! 8. Each anchor is the relay's, and of a line of this account.
//! 9. The receipt is of a line of this account.

mod account;
mod anchors;
mod contents;
mod engineers;
mod findings;
mod plain;
mod problem;

use fieldlink_identity::TrustedKey;

use account::Account;
use contents::Contents;

use crate::anchor::KeptAnchor;
use crate::files::Files;
use crate::receipt::Receipt;

pub use anchors::read_anchors;
pub use findings::{AnchorFindings, EngineerFindings, Findings};
pub use problem::{AnchorFault, AnchorSource, Problem};

/// What a reader of a record knows from elsewhere.
#[derive(Debug, Clone, Default)]
pub struct Trust {
    /// The device's key; none: that in the record, whose fingerprint the findings have.
    pub device_key: Option<TrustedKey>,
    /// The relay's keys for anchors; none: those that the first event names, and the findings say so.
    pub anchor_keys: Vec<TrustedKey>,
    /// Anchors that were kept outside of the record. Those of other sessions say nothing here; but if there are any, one
    /// has to be of this session, or who rewrites a record would only have to call it another one.
    pub anchors: Vec<KeptAnchor>,
    /// The twelve words that the client kept.
    pub receipt: Option<Receipt>,
}

/// Checks a record, and says what it is or what the first thing is that is wrong with it. Files are read piece by piece.
pub fn check(files: &dyn Files, trust: &Trust) -> Result<Findings, Problem> {
    let contents = Contents::check(files, trust.device_key.as_ref())?;
    let account = Account::check(files, &contents)?;
    account.check_seals(files, &contents)?;
    let engineers = engineers::check(files, &account, &contents)?;
    let anchors = anchors::check(files, &account, trust, contents.has_anchors)?;
    let covered = trust.receipt.map(|receipt| account.covered(&receipt).ok_or(Problem::Receipt));
    Ok(Findings {
        session: account.session,
        device: account.device.clone(),
        device_key: contents.device_key.fingerprint(),
        device_key_is_trusted: trust.device_key.is_some(),
        events: account.events(),
        head: account.head,
        closed_late: account.closed_late,
        anchors,
        receipt_covers: covered.transpose()?,
        has_time_stamp: contents.has_time_stamp,
        engineers,
        files: contents.into_seals(),
    })
}
