//! Reads the lines of an account: all of those that can be read, and what is wrong with the others.

use std::io::{self, BufRead, BufReader, Read};

use serde::Deserialize;

use crate::{Chain, Digest, Entry, Event, Head, Stamp};

/// Most bytes of an account that a report is made of.
const MOST_BYTES: u64 = 8 << 20;
/// Most lines.
const MOST_LINES: u64 = 50_000;

/// An account, as far as it can be read.
#[derive(Debug, Default)]
pub(super) struct Lines {
    /// Its lines.
    pub(super) entries: Vec<Entry>,
    /// The last whole line.
    pub(super) head: Option<Head>,
    /// The lines that close it: more than one if it was opened again.
    pub(super) closings: Vec<Head>,
    /// How many are none of an account.
    pub(super) unreadable: u64,
    /// The first that does not continue the chain, counted from 0.
    pub(super) broken: Option<u64>,
    /// The last that was read, if there are more.
    pub(super) cut: Option<u64>,
    chain: Chain,
}

/// Reads no more than a report is made of.
pub(super) fn read(reader: impl Read) -> io::Result<Lines> {
    let mut reader = BufReader::new(reader.take(MOST_BYTES));
    let (mut lines, mut line) = (Lines::default(), Vec::new());
    for number in 0..MOST_LINES {
        line.clear();
        if reader.read_until(b'\n', &mut line)? == 0 {
            return Ok(lines);
        }
        if line.last() != Some(&b'\n') && reader.get_ref().limit() == 0 {
            lines.cut = Some(number.saturating_sub(1));
            return Ok(lines);
        }
        lines.push(number, &line);
    }
    if !reader.fill_buf()?.is_empty() {
        lines.cut = Some(MOST_LINES - 1);
    }
    Ok(lines)
}

impl Lines {
    fn push(&mut self, number: u64, line: &[u8]) {
        if self.broken.is_none() && self.chain.follow(line).is_err() {
            self.broken = Some(number);
        }
        match entry(line) {
            Some(entry) if line.last() == Some(&b'\n') => {
                let head = Head { seq: entry.seq, digest: Digest::of(line) };
                if matches!(entry.event, Event::RecordClosed { .. }) {
                    self.closings.push(head);
                }
                self.head = Some(head);
                self.entries.push(entry);
            }
            _ => self.unreadable += 1,
        }
    }
}

/// A line whose event this version does not know in this form.
#[derive(Deserialize)]
struct Foreign {
    seq: u64,
    prev: Digest,
    #[serde(flatten)]
    at: Stamp,
}

fn entry(line: &[u8]) -> Option<Entry> {
    let of_foreign = |Foreign { seq, prev, at }: Foreign| Entry { seq, prev, at, event: Event::Unknown };
    serde_json::from_slice(line).or_else(|_| serde_json::from_slice(line).map(of_foreign)).ok()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::*;

    fn account(lines: u64) -> Vec<u8> {
        let mut chain = Chain::default();
        let at = Stamp::new(UNIX_EPOCH, Duration::ZERO);
        (0..lines).flat_map(|_| chain.append(at.clone(), Event::Called {})).collect()
    }

    #[test]
    fn what_a_later_version_writes_is_kept_as_unknown() {
        let later = String::from_utf8(account(2)).expect("text").replace("\"called\"", "\"new-one\"");
        let read_later = read(later.as_bytes()).expect("read");
        assert_eq!(read_later.entries.len(), 2);
        assert!(read_later.entries.iter().all(|entry| entry.event == Event::Unknown));
        let other_form = later.replace("{\"type\":\"new-one\"}", "[1]");
        assert_eq!(read(other_form.as_bytes()).expect("read").entries.len(), 2);
    }

    #[test]
    fn what_is_wrong_with_lines_is_told() {
        let mut bytes = account(3);
        bytes.extend(b"{\"seq\":3,");
        let torn = read(&*bytes).expect("read");
        assert_eq!((torn.entries.len(), torn.unreadable, torn.broken), (3, 1, Some(3)));
        let whole = read(&*account(3)).expect("read");
        assert_eq!((whole.unreadable, whole.broken, whole.cut), (0, None, None));
        assert_eq!(whole.head, torn.head);
    }

    #[test]
    fn no_more_lines_are_read_than_a_report_is_made_of() {
        let many = "{}\n".repeat(MOST_LINES as usize + 1);
        let read = read(many.as_bytes()).expect("read");
        assert_eq!((read.unreadable, read.cut), (MOST_LINES, Some(MOST_LINES - 1)));
    }
}
