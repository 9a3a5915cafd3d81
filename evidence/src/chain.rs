//! The account of a session: a line for each event, chained by hashes.
//!
//! A line is one JSON object with the members `seq`, `prev`, `time`, `boot_ms` and `event`, in this order. `prev` is the
//! SHA-256 of the exact bytes of the line before, its end included; of the first line, zeros. So a line cannot be
//! changed, left out or put in without changing the hash of every line behind it.

use serde::{Deserialize, Serialize};

use super::digest::Digest;
use super::event::Event;
use super::stamp::Stamp;

/// Longest line that is read, in bytes: a runbook with its signature, escaped, fits.
pub(crate) const LONGEST_LINE: usize = 256 * 1024;

/// The end of an account, as far as it has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// The number of the last line, counted from 0.
    pub seq: u64,
    /// Its hash.
    pub digest: Digest,
}

/// A line of an account.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Entry {
    /// Counts the lines from 0.
    pub seq: u64,
    /// The hash of the line before.
    pub prev: Digest,
    /// When it happened.
    #[serde(flatten)]
    pub at: Stamp,
    /// What happened.
    pub event: Event,
}

/// What every reader needs of a line, whatever event it holds.
#[derive(Deserialize)]
struct Link {
    seq: u64,
    prev: Digest,
}

/// A line that does not continue the account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ChainError {
    /// It is no JSON object with `seq` and `prev`, is too long, or has no end.
    #[error("is no whole line of an account")]
    Form,
    /// It has another number than the next one.
    #[error("is not the next one by its number")]
    Number,
    /// It does not hold the hash of the line before it.
    #[error("does not hold the hash of the line before it")]
    Link,
}

/// Writes an account, or follows one that was written.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Chain(Option<Head>);

impl Chain {
    /// The line that tells `event`, its end included: to be written as it is, behind the lines before.
    pub fn append(&mut self, at: Stamp, event: Event) -> Vec<u8> {
        let entry = Entry { seq: self.next(), prev: self.last_digest(), at, event };
        // Maps have texts for keys, and nothing else can fail.
        let mut line = serde_json::to_vec(&entry).unwrap_or_default();
        line.push(b'\n');
        self.0 = Some(Head { seq: entry.seq, digest: Digest::of(&line) });
        line
    }

    /// Follows a line that was written, its end included.
    pub fn follow(&mut self, line: &[u8]) -> Result<(), ChainError> {
        if line.len() > LONGEST_LINE || line.last() != Some(&b'\n') {
            return Err(ChainError::Form);
        }
        let link: Link = serde_json::from_slice(line).map_err(|_| ChainError::Form)?;
        if link.seq != self.next() {
            return Err(ChainError::Number);
        }
        if link.prev != self.last_digest() {
            return Err(ChainError::Link);
        }
        self.0 = Some(Head { seq: link.seq, digest: Digest::of(line) });
        Ok(())
    }

    /// The last line, if there is one.
    pub fn head(&self) -> Option<Head> {
        self.0
    }

    fn next(&self) -> u64 {
        self.0.map_or(0, |head| head.seq + 1)
    }

    fn last_digest(&self) -> Digest {
        self.0.map_or(Digest::NONE, |head| head.digest)
    }
}

/// What a writer that was killed has left.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Torn {
    /// The account as far as it is whole.
    pub chain: Chain,
    /// How many bytes that is.
    pub whole: usize,
    /// What follows: the beginning of a line, or what the disk holds in the place of what never reached it.
    pub torn: usize,
}

/// Finds out how far an account is whole. Whoever goes on with it cuts off the rest first.
pub fn recover(bytes: &[u8]) -> Torn {
    let (mut chain, mut whole) = (Chain::default(), 0);
    for line in bytes.split_inclusive(|byte| *byte == b'\n') {
        if chain.follow(line).is_err() {
            break;
        }
        whole += line.len();
    }
    Torn { chain, whole, torn: bytes.len() - whole }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use proptest::prelude::*;

    use super::*;

    fn account(lines: usize) -> (Chain, Vec<u8>) {
        let (mut chain, mut bytes) = (Chain::default(), Vec::new());
        for number in 0..lines {
            let at = Stamp::new(UNIX_EPOCH + Duration::from_secs(number as u64), Duration::from_millis(7));
            bytes.extend(chain.append(at, Event::Chat { from: None, text: format!("line {number}\n") }));
        }
        (chain, bytes)
    }

    #[test]
    fn a_line_has_this_form() {
        let (_, bytes) = account(1);
        let line = String::from_utf8(bytes).expect("text");
        let zeros = "0".repeat(64);
        assert_eq!(
            line,
            format!(
                "{{\"seq\":0,\"prev\":\"{zeros}\",\"time\":\"1970-01-01T00:00:00.000Z\",\"boot_ms\":7,\
                 \"event\":{{\"type\":\"chat\",\"from\":null,\"text\":\"line 0\\n\"}}}}\n"
            )
        );
    }

    proptest! {
        /// Wherever a writer was killed, what was whole before is found, and nothing else.
        #[test]
        fn what_was_whole_is_found_again(lines in 1usize..8, cut in 0.0..1.0f64, junk in prop::collection::vec(any::<u8>(), 0..40)) {
            let (chain, bytes) = account(lines);
            prop_assert_eq!(recover(&bytes), Torn { chain: chain.clone(), whole: bytes.len(), torn: 0 });
            let kept = (bytes.len() as f64 * cut) as usize;
            let torn = recover(&[&bytes[..kept], &junk].concat());
            prop_assert!(torn.whole <= kept);
            prop_assert_eq!(torn.whole + torn.torn, kept + junk.len());
            let (again, _) = account(bytes[..torn.whole].iter().filter(|byte| **byte == b'\n').count());
            prop_assert_eq!(torn.chain, again);
        }

        /// No byte of a line can be another one, but by luck with a hash.
        #[test]
        fn a_changed_line_is_found_by_the_next(at in any::<prop::sample::Index>(), bit in 0u8..8) {
            let (_, mut bytes) = account(4);
            let last = bytes[..bytes.len() - 1].iter().rposition(|byte| *byte == b'\n').expect("four lines");
            let at = at.index(last);
            bytes[at] ^= 1 << bit;
            prop_assert!(recover(&bytes).torn > 0);
        }
    }
}
