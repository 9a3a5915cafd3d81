//! Private keys, which have many lines: from their first to their last.

use std::ops::Range;
use std::sync::LazyLock;

use regex::bytes::Regex;

/// RFC 7468 section 2, OpenSSH's, OpenPGP's and OpenVPN's: all begin and end so. A log may have the line's end in another
/// form, or something before each line.
static BEGIN: LazyLock<Regex> =
    LazyLock::new(|| expect(&format!("-{{4,5}} ?BEGIN[ +]{KEY} ?-{{4,5}}|Private-Lines: [0-9]+")));
static END: LazyLock<Regex> =
    LazyLock::new(|| expect(&format!("-{{4,5}} ?END[ +]{KEY} ?-{{4,5}}|Private-MAC: [0-9a-f]+")));
const KEY: &str = "(?:[A-Z0-9 +]*PRIVATE[ +]KEY(?:[ +]BLOCK)?|OpenVPN [A-Za-z0-9 -]+ key(?: V1)?)";

/// A key that does not end within so much ends with its lines, in bytes: an RSA key of 16,384 bits has less.
const LONGEST: usize = 32 * 1024;
/// Words that are shorter are of a sentence.
const WORD: usize = 16;
const REDACTED: &[u8] = b"[redacted: private key]";

fn expect(pattern: &str) -> Regex {
    Regex::new(pattern).expect("a pattern of our own")
}

/// The text without private keys, and how many there were.
pub(super) fn redact(text: &[u8]) -> (Vec<u8>, usize) {
    let (mut left, mut count, mut at) = (Vec::with_capacity(text.len()), 0, 0);
    let (mut begins, mut ends) = (Ahead::new(&BEGIN, text), Ahead::new(&END, text));
    loop {
        let (first, next) = match (begins.from(at), ends.from(at)) {
            // An excerpt may begin within one, and a log may have lost its first line.
            (begin, Some(end)) if begin.as_ref().is_none_or(|begin| end.start < begin.start) => {
                (at + beginning_of(&text[at..end.start]), end.end)
            }
            (Some(begin), _) => (begin.start, begin.end + length_of(&text[begin.end..])),
            (None, _) => break,
        };
        left.extend_from_slice(&text[at..first]);
        left.extend_from_slice(REDACTED);
        (count, at) = (count + 1, next);
    }
    left.extend_from_slice(&text[at..]);
    (left, count)
}

/// Where a pattern is found next. What is far ahead is looked for once, however much is found of another before.
struct Ahead<'a> {
    pattern: &'static Regex,
    text: &'a [u8],
    next: Option<Range<usize>>,
}

impl<'a> Ahead<'a> {
    fn new(pattern: &'static Regex, text: &'a [u8]) -> Self {
        Self { pattern, text, next: pattern.find(text).map(|found| found.range()) }
    }

    fn from(&mut self, at: usize) -> Option<Range<usize>> {
        if self.next.as_ref().is_some_and(|next| next.start < at) {
            self.next = self.pattern.find_at(self.text, at).map(|found| found.range());
        }
        self.next.clone()
    }
}

/// How long a key is whose first line is over: to its last line; or if that is not there, or far away, as long as there are
/// lines that may be of one.
fn length_of(text: &[u8]) -> usize {
    let most = text.len().min(LONGEST);
    if let Some(end) = END.find(&text[..most]) {
        return end.end();
    }
    let mut lines = text.split_inclusive(|byte| *byte == b'\n');
    let first = lines.next().map_or(0, <[u8]>::len);
    first + lines_of_key(lines)
}

/// Where a key begins whose last line comes after `text`: above the lines that may be of one.
fn beginning_of(text: &[u8]) -> usize {
    let mut lines = text.split_inclusive(|byte| *byte == b'\n').rev();
    // What stands before it on the same line, and the short line that a key ends with.
    let last: usize = lines.by_ref().take(2).map(<[u8]>::len).sum();
    text.len() - last - lines_of_key(lines)
}

/// How many bytes there are of a key at the beginning of these lines. The last of them may be short.
fn lines_of_key<'a>(lines: impl Iterator<Item = &'a [u8]>) -> usize {
    let mut length = 0;
    for line in lines {
        let is_whole = is_of_key(line);
        if is_whole || is_rest_of_key(line) {
            length += line.len();
        }
        if !is_whole {
            break;
        }
    }
    length
}

/// Whether a line may be of a key: its last word is long and of base64's letters, or it says something of the key.
fn is_of_key(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    let last = line.rsplit(|byte| matches!(byte, b' ' | b'\t')).next().unwrap_or_default();
    let says = [&b"Proc-Type"[..], b"DEK-Info", b"Comment:", b"Version:", b"Hash:"];
    line.is_empty()
        || (last.len() >= WORD && last.iter().all(is_base64))
        || says.iter().any(|says| line.windows(says.len()).any(|part| part == *says))
}

fn is_rest_of_key(line: &[u8]) -> bool {
    let line = line.trim_ascii();
    line.iter().all(is_base64)
}

fn is_base64(byte: &u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=' | b'%')
}
