//! The record that a session has left, as a test reads and checks it.

use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_evidence::{Directory, EVENTS, Entry, Event, Files, Findings, MANIFEST, Trust, check};
use fieldlink_testbed::programs::eventually;
use fieldlink_testbed::{PATIENCE, Scanner};

/// The one record of this scanner, once it is closed.
pub fn record_of(scanner: &Scanner) -> PathBuf {
    closed_in(&scanner.records())
}

/// The one record in this directory, once it is closed.
pub fn closed_in(records: &Path) -> PathBuf {
    let mut found = None;
    eventually("the record is closed", PATIENCE, || {
        let entries = std::fs::read_dir(records).into_iter().flatten().flatten();
        found = entries.map(|entry| entry.path()).find(|path| path.join(MANIFEST).exists());
        found.is_some()
    });
    found.expect("just seen")
}

/// Both checks find nothing.
pub fn check_both(record: &Path) -> Findings {
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../evidence/check-by-hand.sh");
    let by_hand = Command::new("bash").arg(script).arg(record).output().expect("bash");
    assert!(by_hand.status.success(), "{by_hand:?}");
    check(&Directory::new(record), &Trust::default()).expect("nothing is wrong")
}

/// The lines of its account.
pub fn entries_of(record: &Path) -> Vec<Entry> {
    let bytes = Directory::new(record).read(EVENTS, u64::MAX).expect("readable");
    let lines = bytes.split(|byte| *byte == b'\n').filter(|line| !line.is_empty());
    lines.map(|line| serde_json::from_slice(line).expect("an entry")).collect()
}

/// What its account tells.
pub fn events_of(record: &Path) -> Vec<Event> {
    entries_of(record).into_iter().map(|entry| entry.event).collect()
}
