//! Checks a record in a directory, on any computer: neither the device nor the support service is asked.

use std::fs;
use std::path::Path;

use fieldlink_evidence::{AnchorSource, Directory, Problem, Trust, check, read_anchors};
use fieldlink_identity::TrustedKey;
use fieldlink_protocol::text;

use super::args::VerifyArguments;
use super::show::done;
use crate::failure::{Failure, Kind};
use crate::words::Words;

/// Says what is known of the record, or what the first thing is that is wrong with it.
pub(super) fn run(words: &Words, arguments: &VerifyArguments) -> Result<u8, Failure> {
    let trust = trust_of(words, arguments)?;
    let findings = check(&Directory::new(&arguments.directory), &trust);
    let findings = findings.map_err(|problem| wrong(words, &problem))?;
    // The record may come from anywhere, and so may the texts in it.
    let lines = words.findings(&findings).into_iter().map(|line| text::printable(&line, line.len()));
    done(lines.collect::<Vec<_>>().join("\n"))
}

fn trust_of(words: &Words, arguments: &VerifyArguments) -> Result<Trust, Failure> {
    let mut trust = Trust::default();
    if let Some(path) = &arguments.device_key {
        trust.device_key = Some(key_in(path)?);
    }
    for path in &arguments.anchor_key {
        trust.anchor_keys.push(key_in(path)?);
    }
    if let Some(path) = &arguments.anchors {
        let bytes = fs::read(path).map_err(|error| unreadable(path, &error))?;
        trust.anchors =
            read_anchors(&bytes, AnchorSource::Outside).map_err(|problem| wrong(words, &problem))?;
    }
    if let Some(receipt) = &arguments.receipt {
        let unusable = |error: fieldlink_evidence::ReceiptError| {
            Failure::new(Kind::Usage, "failed-receipt-words").with("detail", error.to_string())
        };
        trust.receipt = Some(receipt.parse().map_err(unusable)?);
    }
    Ok(trust)
}

fn key_in(path: &Path) -> Result<TrustedKey, Failure> {
    let line = fs::read_to_string(path).map_err(|error| unreadable(path, &error))?;
    TrustedKey::from_line(&line).map_err(|error| {
        let failure = Failure::new(Kind::Failed, "failed-key-file").with("path", path.to_string_lossy());
        failure.with("detail", error.to_string())
    })
}

fn unreadable(path: &Path, error: &std::io::Error) -> Failure {
    let failure = Failure::new(Kind::Failed, "failed-read").with("path", path.to_string_lossy());
    failure.with("detail", error.to_string())
}

fn wrong(words: &Words, problem: &Problem) -> Failure {
    let failure = Failure::new(Kind::Failed, "failed-verify").with("what", words.problem(problem));
    failure.with("detail", problem.to_string())
}
