//! What the relay has signed of sessions' accounts, kept here, outside of the scanner's hands and the relay's: a file for each
//! session, in the state directory. Whoever checks a session's record compares it with them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::Context;
use fieldlink_evidence::{Anchor, AnchorError, KeptAnchor};
use fieldlink_identity::TrustedKey;
use fieldlink_protocol::ids::SessionId;

use crate::words::say;
use crate::{platform, private_file};

/// The directory below the state directory.
const DIRECTORY: &str = "anchors";
/// How the files end.
const ENDING: &str = "jsonl";
/// Anchors in one file. With more, every other one makes room: those that are left say the same of what was before.
const MOST: usize = 2_000;
/// Files that are kept, and for how long.
const FILES: usize = 500;
const RETENTION: Duration = Duration::from_secs(400 * 86_400);
/// Largest file that is read, in bytes.
const LARGEST: u64 = 4 * 1024 * 1024;
/// Sessions that a relay may tell of on one connection: the engineer's own, and one that it joins or takes over.
const SESSIONS: usize = 4;

/// Why an anchor is not kept.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NotKept {
    /// It is none, or none to go by.
    #[error(transparent)]
    Doubtful(#[from] AnchorError),
    /// It is of another session than the relay said, or of one too many.
    #[error("{}", say!("anchor-of-another"))]
    Another,
    /// It could not be written.
    #[error("{0:#}")]
    Unwritable(anyhow::Error),
}

/// Keeps anchors.
#[derive(Debug, Clone)]
pub(crate) struct AnchorBook {
    directory: PathBuf,
    /// The relay's, if they are known. Otherwise whoever checks a record has to know them.
    keys: Vec<TrustedKey>,
    /// How many there are of each session that was told of.
    pages: BTreeMap<SessionId, usize>,
}

/// A session of which there are anchors.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Page {
    /// Its name.
    pub session: String,
    /// How many there are.
    pub count: usize,
    /// When the last one was signed, by the relay's clock.
    pub last: String,
}

impl AnchorBook {
    /// In the directory `state`. `keys`: the relay's, if they are known.
    pub(crate) fn new(state: &Path, keys: Vec<TrustedKey>) -> Self {
        Self { directory: state.join(DIRECTORY), keys, pages: BTreeMap::new() }
    }

    /// Keeps what the relay tells of `session`, if it is what it should be.
    pub(crate) fn keep(&mut self, session: SessionId, kept: &KeptAnchor) -> Result<(), NotKept> {
        let anchor: Anchor = if self.keys.is_empty() { kept.line.parse()? } else { kept.check(&self.keys)? };
        let is_known = self.pages.contains_key(&session);
        if anchor.session != session || (!is_known && self.pages.len() >= SESSIONS) {
            return Err(NotKept::Another);
        }
        self.write(session, kept).map_err(NotKept::Unwritable)
    }

    /// Everything of the one session whose name begins like that; `None` if it is none, or several.
    pub(crate) fn of(&self, beginning: &str) -> anyhow::Result<Option<Vec<KeptAnchor>>> {
        let files = self.files()?;
        let mut found = files.iter().filter(|(_, path)| name(path).starts_with(beginning));
        match (found.next(), found.next()) {
            (Some((_, path)), None) => read(path).map(Some),
            _ => Ok(None),
        }
    }

    /// The sessions of which there is something, the latest last.
    pub(crate) fn pages(&self) -> anyhow::Result<Vec<Page>> {
        let page = |path: &PathBuf| {
            let anchors = read(path)?;
            let last = anchors.last().and_then(|kept| kept.line.parse::<Anchor>().ok());
            let last = last.map_or_else(String::new, |anchor| anchor.time);
            Ok(Page { session: name(path), count: anchors.len(), last })
        };
        self.files()?.iter().map(|(_, path)| page(path)).collect()
    }

    fn write(&mut self, session: SessionId, kept: &KeptAnchor) -> anyhow::Result<()> {
        let path = self.directory.join(format!("{session}.{ENDING}"));
        let count = match self.pages.get(&session) {
            Some(count) => *count,
            None => self.begin(&path)?,
        };
        let count = if count >= MOST { thin(&path)? } else { count };
        let line = serde_json::to_string(kept)? + "\n";
        let written = platform::private_file()
            .append(true)
            .create(true)
            .open(&path)
            .and_then(|mut file| file.write_all(line.as_bytes()));
        written.with_context(|| say!("could-not-write", path = path.display()))?;
        self.pages.insert(session, count + 1);
        Ok(())
    }

    /// Makes room for a further file, and says how many anchors it has already.
    fn begin(&self, path: &Path) -> anyhow::Result<usize> {
        platform::create_private_directory(&self.directory)
            .with_context(|| say!("could-not-create", path = self.directory.display()))?;
        let files = self.files()?;
        let surplus = (files.len() + 1).saturating_sub(FILES);
        for (number, (written, other)) in files.iter().enumerate() {
            let is_old = written.elapsed().is_ok_and(|age| age > RETENTION);
            if other != path && (is_old || number < surplus) {
                let _ = fs::remove_file(other);
            }
        }
        Ok(if path.exists() { read(path)?.len() } else { 0 })
    }

    /// All files with the time of their last change, the oldest first.
    fn files(&self) -> anyhow::Result<Vec<(SystemTime, PathBuf)>> {
        let entries = match fs::read_dir(&self.directory) {
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries.with_context(|| say!("could-not-list", path = self.directory.display()))?,
        };
        let paths = entries.flatten().filter(|entry| name(&entry.path()).parse::<SessionId>().is_ok());
        let is_ours = |path: &PathBuf| path.extension().is_some_and(|ending| ending == ENDING);
        let dated = |entry: fs::DirEntry| Some((entry.metadata().ok()?.modified().ok()?, entry.path()));
        let mut files: Vec<_> = paths.filter_map(dated).filter(|(_, path)| is_ours(path)).collect();
        files.sort();
        Ok(files)
    }
}

fn name(path: &Path) -> String {
    path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default()
}

/// What is whole in a file, each anchor once: two programs of the engineer's may have written the same.
fn read(path: &Path) -> anyhow::Result<Vec<KeptAnchor>> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(LARGEST).read_to_string(&mut text))
        .with_context(|| say!("could-not-read", path = path.display()))?;
    let mut seen = BTreeSet::new();
    let anchors = text.lines().filter_map(|line| serde_json::from_str::<KeptAnchor>(line).ok());
    Ok(anchors.filter(|kept| seen.insert(kept.line.clone())).collect())
}

/// Leaves out every other one, but never the last.
fn thin(path: &Path) -> anyhow::Result<usize> {
    let anchors = read(path)?;
    let kept = anchors.iter().rev().step_by(2).collect::<Vec<_>>();
    let mut text = String::new();
    for anchor in kept.iter().rev() {
        text += &serde_json::to_string(anchor)?;
        text.push('\n');
    }
    private_file::replace(path, text.as_bytes())?;
    Ok(kept.len())
}

#[cfg(test)]
mod tests {
    use fieldlink_evidence::{ANCHOR_NAMESPACE, Digest, Head};
    use fieldlink_identity::SigningKey;

    use super::*;

    fn signed(key: &SigningKey, session: SessionId, seq: u64) -> KeptAnchor {
        let head = Head { seq, digest: Digest::of(b"line") };
        let anchor = Anchor { session, head, time: "2026-11-30T12:00:00Z".into() };
        let mut kept = KeptAnchor { line: anchor.to_string(), signature: String::new() };
        kept.signature = key.sign(ANCHOR_NAMESPACE, &kept.signed_bytes()).expect("signed");
        kept
    }

    #[test]
    fn what_the_relay_signed_is_kept_and_nothing_else() {
        let base = tempfile::tempdir().expect("a directory");
        let [ours, other] = [(); 2].map(|()| SigningKey::generate("").expect("a key"));
        let (session, another) = (SessionId::random(), SessionId::random());
        let mut book = AnchorBook::new(base.path(), vec![ours.trusted().expect("a key")]);
        let good = signed(&ours, session, 1);
        book.keep(session, &good).expect("kept");
        let foreign = signed(&other, session, 2);
        assert!(matches!(book.keep(session, &foreign), Err(NotKept::Doubtful(AnchorError::Signature))));
        let stray = signed(&ours, another, 2);
        assert!(matches!(book.keep(session, &stray), Err(NotKept::Another)));
        let junk = KeptAnchor { line: "\u{1b}]0;x\u{7}".into(), signature: String::new() };
        assert!(matches!(book.keep(session, &junk), Err(NotKept::Doubtful(AnchorError::Form))));
        let name = session.to_string();
        assert_eq!(book.of(&name[..8]).expect("read"), Some(vec![good.clone()]));
        assert_eq!(book.of("xyz").expect("read"), None);
        // Without the relay's keys its word is kept for who has them.
        let mut trusting = AnchorBook::new(base.path(), Vec::new());
        trusting.keep(session, &good).expect("kept");
        trusting.keep(session, &foreign).expect("kept");
        assert_eq!(book.of(&name).expect("read"), Some(vec![good, foreign]), "each once");
        let last = "2026-11-30T12:00:00Z".into();
        assert_eq!(book.pages().expect("read"), [Page { session: name, count: 2, last }]);
    }

    #[test]
    fn files_are_bounded_in_number_and_length() {
        let base = tempfile::tempdir().expect("a directory");
        let key = SigningKey::generate("").expect("a key");
        let mut book = AnchorBook::new(base.path(), Vec::new());
        let session = SessionId::random();
        for seq in 0..MOST as u64 + 10 {
            let head = Head { seq, digest: Digest::of(b"line") };
            let anchor = Anchor { session, head, time: "2026-11-30T12:00:00Z".into() };
            let kept = KeptAnchor { line: anchor.to_string(), signature: "s".into() };
            book.keep(session, &kept).expect("kept");
        }
        let kept = book.of(&session.to_string()).expect("read").expect("there");
        assert_eq!(kept.len(), MOST / 2 + 10);
        let seqs: Vec<_> =
            kept.iter().map(|kept| kept.line.parse::<Anchor>().expect("one").head.seq).collect();
        assert_eq!((seqs[0], seqs[999], seqs[1_009]), (1, 1_999, 2_009));
        let others: Vec<_> = (0..SESSIONS + 2).map(|_| SessionId::random()).collect();
        let taken = others.iter().filter(|other| book.keep(**other, &signed(&key, **other, 1)).is_ok());
        assert_eq!(taken.count(), SESSIONS - 1, "a relay that makes sessions up");
        for _ in 0..FILES {
            let path = base.path().join(DIRECTORY).join(format!("{}.{ENDING}", SessionId::random()));
            fs::write(path, "").expect("written");
        }
        let last = SessionId::random();
        AnchorBook::new(base.path(), Vec::new()).keep(last, &signed(&key, last, 1)).expect("kept");
        assert_eq!(fs::read_dir(base.path().join(DIRECTORY)).expect("listed").count(), FILES);
        assert!(book.of(&last.to_string()).expect("read").is_some());
    }
}
