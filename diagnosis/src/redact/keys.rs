//! Private keys, which have many lines: from their first to their last.

use std::sync::LazyLock;

use regex::bytes::Regex;

/// RFC 7468 section 2, OpenSSH's, OpenPGP's and OpenVPN's: all begin and end so. A log may have the line's end in another
/// form, or something before each line.
static BEGIN: LazyLock<Regex> = LazyLock::new(|| expect(&format!("-----BEGIN {KEY}-----")));
static END: LazyLock<Regex> = LazyLock::new(|| expect(&format!("-----END {KEY}-----")));
const KEY: &str = "(?:[A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?|OpenVPN Static key V1)";

/// A key that does not end within so much has ended, in bytes: an RSA key of 16,384 bits has less.
const LONGEST: usize = 32 * 1024;
const REDACTED: &[u8] = b"[redacted: private key]";

fn expect(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of our own")
}

/// The text without private keys, and how many there were.
pub(super) fn redact(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut left, mut count, mut rest) = (Vec::with_capacity(text.len()), 0, text);
    // An excerpt may begin within one.
    if let Some(end) = END.find(rest).filter(|end| !BEGIN.is_match(&rest[..end.start()])) {
        let begin = end.start().saturating_sub(LONGEST);
        left.extend_from_slice(&rest[..line_of(rest, begin)]);
        left.extend_from_slice(REDACTED);
        (count, rest) = (1, &rest[end.end()..]);
    }
    while let Some(begin) = BEGIN.find(rest) {
        left.extend_from_slice(&rest[..begin.start()]);
        left.extend_from_slice(REDACTED);
        let inner = &rest[begin.end()..];
        // One that was cut off has no end of its own, but maybe that of the next one, which goes with it.
        let most = inner.len().min(LONGEST);
        let end = END.find(&inner[..most]).map_or(most, |end| end.end());
        (count, rest) = (count + 1, &inner[end..]);
    }
    left.extend_from_slice(rest);
    (left, count)
}

/// The beginning of the line in which that byte is: the next one, if it is not the first.
fn line_of(text: &[u8], at: usize) -> usize {
    match at {
        0 => 0,
        at => text[at..].iter().position(|byte| *byte == b'\n').map_or(at, |end| at + end + 1),
    }
}
