//! A record as it was before something was added to it.

use std::io::{self, BufRead, BufReader, Cursor, Read};

use fieldlink_evidence::{ANCHORS, Anchor, Directory, EVENTS, Files, KeptAnchor};

/// Longest file of anchors that is read, in bytes.
const LONGEST_ANCHORS: u64 = 16 * 1024 * 1024;

/// The files of a record, as they were when the account ended with a certain line.
pub(super) struct Earlier {
    directory: Directory,
    /// The number of that line.
    last: u64,
    /// How long the account was, in bytes.
    length: u64,
}

impl Earlier {
    /// The record in `directory`, when the account had the lines up to `last`, which are counted from 0.
    pub(super) fn new(directory: Directory, last: u64) -> io::Result<Self> {
        let length = length_of(directory.open(EVENTS)?, last.saturating_add(1))?;
        Ok(Self { directory, last, length })
    }

    /// What was signed of the account by then.
    fn anchors(&self) -> io::Result<Vec<u8>> {
        let bytes = self.directory.read(ANCHORS, LONGEST_ANCHORS)?;
        let is_of_then = |line: &&[u8]| {
            let anchor =
                serde_json::from_slice::<KeptAnchor>(line).ok().map(|kept| kept.line.parse::<Anchor>());
            anchor.is_none_or(|anchor| anchor.is_ok_and(|anchor| anchor.head.seq <= self.last))
        };
        Ok(bytes.split_inclusive(|byte| *byte == b'\n').filter(is_of_then).flatten().copied().collect())
    }
}

impl Files for Earlier {
    fn names(&self) -> io::Result<Vec<String>> {
        self.directory.names()
    }

    fn open(&self, name: &str) -> io::Result<Box<dyn Read + '_>> {
        match name {
            EVENTS => Ok(Box::new(self.directory.open(EVENTS)?.take(self.length))),
            ANCHORS => Ok(Box::new(Cursor::new(self.anchors()?))),
            _ => self.directory.open(name),
        }
    }
}

/// How many bytes so many lines have, or all if there are no more.
fn length_of(account: impl Read, lines: u64) -> io::Result<u64> {
    let (mut reader, mut length) = (BufReader::new(account), 0);
    for _ in 0..lines {
        match reader.skip_until(b'\n')? {
            0 => break,
            line => length += line as u64,
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests {
    use fieldlink_evidence::{Digest, Head};
    use fieldlink_protocol::ids::SessionId;

    use super::*;

    fn anchor(seq: u64) -> String {
        let head = Head { seq, digest: Digest::of(&seq.to_be_bytes()) };
        let anchor = Anchor { session: SessionId::random(), head, time: "2026-11-28T10:00:00Z".into() };
        let kept = KeptAnchor { line: anchor.to_string(), signature: "signed".into() };
        serde_json::to_string(&kept).expect("JSON") + "\n"
    }

    fn text(earlier: &Earlier, name: &str) -> String {
        String::from_utf8(earlier.read(name, u64::MAX).expect("readable")).expect("text")
    }

    #[test]
    fn what_was_added_later_is_not_there() {
        let directory = tempfile::tempdir().expect("a directory");
        std::fs::write(directory.path().join(EVENTS), "one\ntwo\nthree\nfour\n").expect("written");
        std::fs::write(directory.path().join("note"), "a note").expect("written");
        let anchors: Vec<_> = [0, 1, 3].map(anchor).into();
        std::fs::write(directory.path().join(ANCHORS), anchors.concat()).expect("written");
        let of = |last| Earlier::new(Directory::new(directory.path()), last).expect("there");
        assert_eq!(text(&of(1), EVENTS), "one\ntwo\n");
        assert_eq!(text(&of(1), ANCHORS), anchors[..2].concat());
        assert_eq!(text(&of(3), ANCHORS), anchors.concat());
        assert_eq!(text(&of(9), EVENTS), "one\ntwo\nthree\nfour\n");
        assert_eq!(text(&of(0), "note"), "a note");
        std::fs::remove_file(directory.path().join(ANCHORS)).expect("removed");
        assert_eq!(of(0).read(ANCHORS, 1).expect_err("none").kind(), io::ErrorKind::NotFound);
    }
}
