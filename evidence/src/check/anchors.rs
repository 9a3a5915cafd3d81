//! What the relay has signed of the account, against the account as it is.

use fieldlink_identity::TrustedKey;

use super::Trust;
use super::account::Account;
use super::findings::AnchorFindings;
use super::problem::{AnchorFault, AnchorSource, Problem};
use crate::anchor::{Anchor, KeptAnchor};
use crate::files::Files;
use crate::names::ANCHORS;

/// Longest file of anchors, in bytes: some ten thousand of them.
const LONGEST_ANCHORS: u64 = 16 * 1024 * 1024;

/// Reads a file of anchors, a line each, as agents and engineers' programs keep them. `source` is what a problem names.
pub fn read_anchors(bytes: &[u8], source: AnchorSource) -> Result<Vec<KeptAnchor>, Problem> {
    let lines = (1..).zip(bytes.split_inclusive(|byte| *byte == b'\n'));
    let read = lines.map(|(line, text)| {
        read_anchor(text).ok_or(Problem::Anchor { from: source, line, fault: AnchorFault::Form })
    });
    read.collect()
}

/// The anchor in a line, if it is in the one form in which it is written.
fn read_anchor(line: &[u8]) -> Option<KeptAnchor> {
    let text = line.strip_suffix(b"\n")?;
    let anchor: KeptAnchor = serde_json::from_slice(text).ok()?;
    (serde_json::to_vec(&anchor).ok()? == text).then_some(anchor)
}

pub(super) fn check(
    files: &dyn Files,
    account: &Account,
    trust: &Trust,
    has_anchors: bool,
) -> Result<AnchorFindings, Problem> {
    let keys_are_pinned = trust.anchor_keys.is_empty();
    let keys = if keys_are_pinned { account.anchor_keys()? } else { trust.anchor_keys.clone() };
    let kept = if has_anchors { read(files)? } else { Vec::new() };
    let mut findings =
        AnchorFindings { checked: 0, kept_outside: 0, last: None, keys_are_pinned, no_keys: keys.is_empty() };
    for (from, anchors) in [(AnchorSource::Record, &kept), (AnchorSource::Outside, &trust.anchors)] {
        for (line, anchor) in (1..).zip(anchors) {
            let checked = judge(anchor, from, account, &keys);
            let checked = checked.map_err(|fault| Problem::Anchor { from, line, fault })?;
            findings.add(checked, from);
        }
    }
    if findings.kept_outside == 0 && !trust.anchors.is_empty() {
        return Err(Problem::OtherAnchors(account.session));
    }
    Ok(findings)
}

fn read(files: &dyn Files) -> Result<Vec<KeptAnchor>, Problem> {
    let bytes = files.read(ANCHORS, LONGEST_ANCHORS);
    read_anchors(&bytes.map_err(|error| Problem::unreadable(ANCHORS, &error))?, AnchorSource::Record)
}

impl AnchorFindings {
    fn add(&mut self, anchor: Option<Anchor>, from: AnchorSource) {
        let Some(anchor) = anchor else { return };
        self.checked += 1;
        self.kept_outside += usize::from(from == AnchorSource::Outside);
        if self.last.as_ref().is_none_or(|last| last.head.seq <= anchor.head.seq) {
            self.last = Some(anchor);
        }
    }
}

/// The anchor, if it is of this account; none, if it is another session's and was kept outside of this record.
fn judge(
    kept: &KeptAnchor,
    from: AnchorSource,
    account: &Account,
    keys: &[TrustedKey],
) -> Result<Option<Anchor>, AnchorFault> {
    let anchor: Anchor = kept.line.parse().map_err(|_| AnchorFault::Form)?;
    if anchor.session != account.session {
        return if from == AnchorSource::Outside { Ok(None) } else { Err(AnchorFault::OtherSession) };
    }
    // A device that knows no key of the relay's keeps what it cannot check; what is kept elsewhere counts only with one.
    if !(keys.is_empty() && from == AnchorSource::Record) {
        kept.check(keys).map_err(|_| AnchorFault::Signature)?;
    }
    let (seq, time) = (anchor.head.seq, anchor.time.clone());
    match account.line(seq) {
        Some(line) if line == anchor.head.digest => Ok(Some(anchor)),
        Some(_) => Err(AnchorFault::Rewritten { seq, time }),
        None => Err(AnchorFault::Cut { last: account.head.seq, seq, time }),
    }
}
