//! The two that check a record.

use std::collections::BTreeMap;
use std::fs;
use std::io::{self, Read};
use std::path::Path;
use std::process::Command;

use fieldlink_evidence::*;
use fieldlink_identity::TrustedKey;

use super::record::{Case, Contents};

/// Files in memory.
struct Memory<'a>(&'a Contents);

impl Files for Memory<'_> {
    fn names(&self) -> io::Result<Vec<String>> {
        Ok(self.0.keys().cloned().collect())
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        match self.0.get(name).filter(|_| is_record_name(name)) {
            Some(bytes) => Ok(Box::new(bytes.as_slice())),
            None => Err(io::ErrorKind::NotFound.into()),
        }
    }
}

fn trust(case: &Case) -> Trust {
    let key = |line: &String| TrustedKey::from_line(line).expect("a key");
    Trust {
        device_key: case.device_key.as_ref().map(key),
        anchor_keys: case.anchor_key.iter().map(key).collect(),
        anchors: case.outside.clone(),
        receipt: case.receipt.as_ref().map(Receipt::of),
    }
}

/// What the crate says.
pub(crate) fn by_crate(case: &Case) -> Result<Findings, Problem> {
    check(&Memory(&case.files), &trust(case))
}

/// What the crate says of a directory.
pub(crate) fn by_crate_in(case: &Case, directory: &Path) -> Result<Findings, Problem> {
    check(&Directory::new(directory), &trust(case))
}

/// What the script says: it printed this, and whether it took the record for whole.
pub(crate) fn by_hand(case: &Case) -> Result<String, String> {
    let directory = tempfile::tempdir().expect("a directory");
    case.write(directory.path());
    by_hand_in(case, directory.path(), &[])
}

/// As [`by_hand`], of a directory, with further options.
pub(crate) fn by_hand_in(case: &Case, directory: &Path, options: &[&str]) -> Result<String, String> {
    let beside = tempfile::tempdir().expect("a directory");
    let mut command = Command::new("bash");
    command.arg(concat!(env!("CARGO_MANIFEST_DIR"), "/check-by-hand.sh")).arg(directory).args(options);
    let lines = case.outside.iter().map(|anchor| serde_json::to_string(anchor).expect("JSON") + "\n");
    let anchors = (!case.outside.is_empty()).then(|| lines.collect::<String>());
    let given = BTreeMap::from([
        ("--anchors", &anchors),
        ("--device-key", &case.device_key),
        ("--anchor-key", &case.anchor_key),
    ]);
    for (option, content) in given {
        let Some(content) = content else { continue };
        let path = beside.path().join(option);
        fs::write(&path, content).expect("written");
        command.arg(option).arg(path);
    }
    if let Some(head) = case.receipt {
        command.arg("--receipt-head").arg(&head.to_string()[..32]);
    }
    let output = command.output().expect("bash");
    let said = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match output.status.code() {
        Some(0) => Ok(said(&output.stdout)),
        Some(1) => {
            let said = said(&output.stderr);
            assert!(said.starts_with("wrong: "), "{said}");
            Err(said)
        }
        code => panic!("{code:?}: {}", said(&output.stderr)),
    }
}
