//! The files of one record that is being written.

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io;
use std::os::unix::fs::{DirBuilderExt, FileExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use fieldlink_evidence::{
    ANCHORS, Chain, DEVICE_KEY, Directory, EVENTS, EVIDENCE_NAMESPACE, Entry, Event, Files, Hasher, Head,
    KeptAnchor, MANIFEST, Manifest, SIGNATURE, Seal, Stamp, TIME_STAMP, recover,
};
use fieldlink_identity::SigningKey;
use nix::fcntl::{FallocateFlags, Flock, FlockArg, fallocate};

use super::aside::{self, remove};
use super::device_key::write_private;

/// Room that is kept free behind the account, so that a full disk does not end it.
const RESERVE: u64 = 1024 * 1024;
/// Room that is kept free behind a closed account, in bytes, but for how long its last line is.
const ROOM_AFTER: u64 = 32 * 1024;
/// Lines that may wait for room beyond that, in bytes.
const WAITING: usize = 4 * 1024 * 1024;
/// The largest account that is gone on with.
const LARGEST: u64 = 256 * 1024 * 1024;

/// The end of a recording that may not be whole, in bytes: longer than any line.
const TAIL: u64 = 1024 * 1024;

/// As much of an account may not have been written to its end, in bytes: what comes in a moment.
const MOST_TORN: usize = 1024 * 1024;

/// What there is of a record that is gone on with.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Before {
    /// Bytes of a torn line, which were cut off.
    pub(super) torn: u64,
    /// Channels that it has; those to come are numbered on.
    pub(super) channels: u64,
    /// Recordings of terminals, and what they have together, in bytes.
    pub(super) recordings: (usize, u64),
    /// Whether what terminals show was not recorded any more.
    pub(super) is_stopped: bool,
    /// How long the account was, in bytes.
    pub(super) length: u64,
}

/// A record that is being written.
pub(super) struct Disk {
    path: PathBuf,
    /// Held for as long as this is there: a record has one writer, however late one is done.
    _lock: Flock<File>,
    chain: Chain,
    events: Arc<File>,
    /// Bytes of the account that are in its file.
    written: u64,
    /// Bytes for which there is room.
    reserved: u64,
    /// Lines for which there was none.
    waiting: Vec<u8>,
    anchors: Option<(File, u64)>,
}

impl Disk {
    /// A new record in the directory `path`, which is made. `key` is the public key that will sign it.
    pub(super) fn create(path: &Path, key: &str) -> io::Result<Self> {
        fs::DirBuilder::new().mode(0o700).create(path)?;
        let lock = lock(path, FlockArg::LockExclusive)?;
        write_private(&path.join(DEVICE_KEY), format!("{key}\n").as_bytes())?;
        let events = OpenOptions::new().write(true).create_new(true).mode(0o600).open(path.join(EVENTS))?;
        File::open(path)?.sync_all()?;
        path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())?;
        Ok(Self::of((path, lock), Chain::default(), (events, 0)))
    }

    /// A record that is gone on with, and what was there. It is not signed any more.
    pub(super) fn reopen(path: &Path) -> io::Result<(Self, Before)> {
        let lock = lock(path, FlockArg::LockExclusive)?;
        let bytes = Directory::new(path).read(EVENTS, LARGEST)?;
        let torn = recover(&bytes);
        if torn.torn > MOST_TORN {
            // That is no line that was not written to its end: nobody is to sign what is left.
            return Err(io::Error::new(io::ErrorKind::InvalidData, "the account is damaged"));
        }
        mend(&path.join(ANCHORS))?;
        let events = OpenOptions::new().write(true).open(path.join(EVENTS))?;
        let length = torn.whole as u64;
        if events.metadata()?.len() != length {
            events.set_len(length)?;
        }
        let channels = channels_in(&bytes[..torn.whole]);
        let is_stopped = entries_of(&bytes[..torn.whole])
            .any(|entry| matches!(entry.event, Event::RecordingStopped { .. }));
        let recordings = mend_recordings(path)?;
        aside::put(path)?;
        let before = Before { torn: torn.torn as u64, channels, recordings, is_stopped, length };
        Ok((Self::of((path, lock), torn.chain, (events, length)), before))
    }

    fn of((path, _lock): (&Path, Flock<File>), chain: Chain, (events, written): (File, u64)) -> Self {
        let (path, events) = (path.to_owned(), Arc::new(events));
        Self { path, _lock, chain, events, written, reserved: written, waiting: Vec::new(), anchors: None }
    }

    /// Brings the account to the disk.
    pub(super) fn sync(&self) -> io::Result<()> {
        self.events.sync_data()
    }

    /// Where it is.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file of the account, to be brought to the disk.
    pub(super) fn events(&self) -> Arc<File> {
        self.events.clone()
    }

    /// The end of the account, if all of it is in the file.
    pub(super) fn head(&self) -> Option<Head> {
        self.chain.head().filter(|_| self.waiting.is_empty())
    }

    /// Bytes of the account.
    pub(super) fn size(&self) -> u64 {
        self.written
    }

    /// Tells `event`. What there is no room for waits until there is some; an error says so.
    pub(super) fn append(&mut self, at: Stamp, event: Event) -> io::Result<()> {
        if self.waiting.len() > WAITING {
            return Err(io::ErrorKind::StorageFull.into());
        }
        let line = self.chain.append(at, event);
        self.waiting.extend_from_slice(&line);
        self.flush()
    }

    fn flush(&mut self) -> io::Result<()> {
        let end = self.written + self.waiting.len() as u64;
        if end + RESERVE / 4 > self.reserved {
            self.reserve(end + RESERVE);
        }
        self.events.write_all_at(&self.waiting, self.written)?;
        self.written = end;
        self.waiting.clear();
        Ok(())
    }

    /// Where the file system cannot keep room free, or has none, there is what there is.
    fn reserve(&mut self, end: u64) {
        let (from, keep) = (self.written.cast_signed(), FallocateFlags::FALLOC_FL_KEEP_SIZE);
        let length = (end - self.written).cast_signed();
        if fallocate(&*self.events, keep, from, length).is_ok() {
            self.reserved = end;
        }
    }

    /// Adds a small file.
    pub(super) fn add_file(&self, name: &str, content: &[u8]) -> io::Result<()> {
        write_private(&self.path.join(name), content)
    }

    /// Keeps what the relay has signed.
    pub(super) fn add_anchor(&mut self, anchor: &KeptAnchor) -> io::Result<()> {
        if self.anchors.is_none() {
            let mut options = OpenOptions::new();
            let file =
                options.write(true).create(true).truncate(false).mode(0o600).open(self.path.join(ANCHORS))?;
            let length = file.metadata()?.len();
            self.anchors = Some((file, length));
        }
        let Some((file, length)) = &mut self.anchors else { return Ok(()) };
        let mut line = serde_json::to_vec(anchor)?;
        line.push(b'\n');
        if let Err(error) = file.write_all_at(&line, *length) {
            // A part of it would be none, and spoil what follows.
            let _ = file.set_len(*length);
            return Err(error);
        }
        file.sync_data()?;
        *length += line.len() as u64;
        Ok(())
    }

    /// Leaves it for the next start. Everything is on the disk when this returns.
    pub(super) fn leave(mut self) -> io::Result<()> {
        self.flush()?;
        seals(&self.path)?;
        self.events.set_len(self.written)?;
        self.events.sync_all()
    }

    /// Nothing was added after what there was `before`, and the record is signed as it was.
    pub(super) fn undo(self, before: Before) -> io::Result<()> {
        // A list of what is not there any more must not stand beside it.
        remove(&self.path.join(MANIFEST))?;
        self.events.set_len(before.length)?;
        self.events.sync_all()?;
        aside::put_back(&self.path)?;
        File::open(&self.path)?.sync_all()
    }

    /// The last line, the list of files and the signature. Everything is on the disk when this returns.
    pub(super) fn close(&mut self, at: Stamp, late: bool, key: &SigningKey) -> io::Result<Head> {
        self.flush()?;
        let files = seals(&self.path)?;
        self.append(at, Event::RecordClosed { files: files.clone(), late })?;
        // What was kept free behind it.
        self.events.set_len(self.written)?;
        self.events.sync_all()?;
        let mut manifest = Manifest::default();
        files.iter().for_each(|(name, seal)| manifest.add(name, seal.sha256));
        manifest.add(EVENTS, seal(&self.path, EVENTS)?.sha256);
        let manifest = manifest.to_string();
        let signature = key.sign(EVIDENCE_NAMESPACE, manifest.as_bytes()).map_err(io::Error::other)?;
        // Without the list the record counts as not closed.
        write_private(&self.path.join(SIGNATURE), signature.as_bytes())?;
        write_private(&self.path.join(MANIFEST), manifest.as_bytes())?;
        // From here on it is closed: what fails now is no reason to undo that.
        let tidied = aside::discard(&self.path).and_then(|()| File::open(&self.path)?.sync_all());
        if let Err(error) = tidied {
            tracing::warn!(%error, "could not tidy a record that is closed");
        }
        // For what the client says afterwards: a last line and a list as long as these.
        let room = (ROOM_AFTER + 4 * manifest.len() as u64).cast_signed();
        let _ =
            fallocate(&*self.events, FallocateFlags::FALLOC_FL_KEEP_SIZE, self.written.cast_signed(), room);
        self.chain.head().ok_or_else(|| io::ErrorKind::InvalidData.into())
    }
}

/// Keeps other writers out, in this process and others, until it is dropped.
pub(super) fn lock(path: &Path, how: FlockArg) -> io::Result<Flock<File>> {
    Flock::lock(File::open(path)?, how).map_err(|(_, error)| error.into())
}

/// One more than the highest number of a channel in an account.
fn channels_in(account: &[u8]) -> u64 {
    entries_of(account)
        .filter_map(|mut entry| entry.event.channel_mut().map(|channel| *channel + 1))
        .max()
        .unwrap_or(0)
}

fn entries_of(account: &[u8]) -> impl Iterator<Item = Entry> {
    let lines = account.split(|byte| *byte == b'\n');
    lines.filter_map(|line| serde_json::from_slice(line).ok())
}

/// Cuts off what a writer that was killed has not written to its end. How many
/// recordings there are, and how many bytes they have.
fn mend_recordings(path: &Path) -> io::Result<(usize, u64)> {
    let (mut count, mut shown) = (0, 0);
    for name in Directory::new(path).names()?.iter().filter(|name| name.ends_with(".cast")) {
        let whole = mend(&path.join(name))?;
        (count, shown) = (count + 1, shown + whole);
    }
    Ok((count, shown))
}

/// Cuts off what is behind the last whole line of a file. How long it is then; nothing, if there is none.
pub(super) fn mend(path: &Path) -> io::Result<u64> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(0),
        file => file?,
    };
    let length = file.metadata()?.len();
    let mut tail = vec![0; usize::try_from(length.min(TAIL)).unwrap_or(0)];
    let begin = length - tail.len() as u64;
    file.read_exact_at(&mut tail, begin)?;
    // What never reached the disk reads as zeros.
    let written = tail.iter().position(|byte| *byte == 0).unwrap_or(tail.len());
    let whole =
        begin + tail[..written].iter().rposition(|byte| *byte == b'\n').map_or(0, |end| end + 1) as u64;
    if whole < length {
        file.set_len(whole)?;
    }
    Ok(whole)
}

/// All files that the last line tells of.
fn seals(path: &Path) -> io::Result<BTreeMap<String, Seal>> {
    let unlisted = [EVENTS, ANCHORS, MANIFEST, SIGNATURE, TIME_STAMP];
    let mut seals = BTreeMap::new();
    for name in Directory::new(path).names()? {
        if name.ends_with(".new") {
            // The agent was killed while it wrote this.
            remove(&path.join(name))?;
        } else if !unlisted.contains(&name.as_str()) && !name.ends_with(aside::ENDING) {
            File::open(path.join(&name))?.sync_all()?;
            seals.insert(name.clone(), seal(path, &name)?);
        }
    }
    Ok(seals)
}

fn seal(path: &Path, name: &str) -> io::Result<Seal> {
    let mut hasher = Hasher::default();
    let directory = Directory::new(path);
    let mut reader = directory.open(name)?;
    let mut buffer = vec![0; 64 * 1024];
    loop {
        match reader.read(&mut buffer)? {
            0 => return Ok(Seal { size: hasher.size(), sha256: hasher.digest() }),
            length => hasher.push(&buffer[..length]),
        }
    }
}
