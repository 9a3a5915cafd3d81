//! The records of this device: which there are, how long they stay, and how much room they take.

use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use fieldlink_evidence::{
    ANCHORS, Device, Digest, Directory, EVENTS, Entry, Event, Files, Head, KeptAnchor, MANIFEST, Resumption,
    TIME_STAMP, Terms, rfc3339,
};
use fieldlink_identity::{SigningKey, TrustedKey};
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::Secret;
use serde::Serialize;

use super::aside;
use super::device_key;
use super::disk::{Before, Disk, lock, mend};
use super::queue::Moment;
use super::recording::{Beginning, Place, Recording};
use super::settings::RecordSettings;
use crate::carry_on::machine_id;
use nix::fcntl::{Flock, FlockArg};

/// Where records are, in the state directory.
const RECORDS: &str = "records";
/// What was deleted, when and why; one a line. It stays.
const DELETED: &str = "deleted.jsonl";
/// How long that may get, in bytes.
const DELETED_BYTES: u64 = 4 * 1024 * 1024;
/// Bytes of the beginning of an account that a list is made from.
const BEGINNING: u64 = 64 * 1024;
/// How often a lock is tried, and how long after one another.
const TRIES: usize = 100;
const BETWEEN_TRIES: Duration = Duration::from_millis(20);
/// Longest list of a record's files that is read, in bytes.
const LONGEST_MANIFEST: u64 = 1024 * 1024;
/// The format of records.
const FORMAT: u32 = 1;

/// Why the records cannot be used.
#[derive(Debug, thiserror::Error)]
#[error("could not use {}: {error}", path.display())]
pub struct StoreError {
    /// The file or directory.
    pub path: PathBuf,
    /// Why.
    pub error: io::Error,
}

/// The records of this device.
pub struct RecordStore {
    records: PathBuf,
    key: SigningKey,
    key_line: String,
    anchor_keys: Vec<TrustedKey>,
    settings: RecordSettings,
    /// Whose report is made.
    rendering: Mutex<()>,
}

/// A record that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredRecord {
    /// Whose it is.
    pub session: SessionId,
    /// When it began, as its first line says: RFC 3339.
    pub began: String,
    /// The engineer and the support case.
    pub engineer: String,
    /// See `engineer`.
    pub ticket: String,
    /// What it takes on the disk, in bytes.
    pub bytes: u64,
    /// Whether it is closed and signed.
    pub is_closed: bool,
    /// When it was written last.
    modified: SystemTime,
}

/// Why a record is not there any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Deletion {
    /// The client wanted it.
    Client,
    /// The device was prepared for its next customer.
    Forgotten,
    /// It was kept as long as it was to be.
    Retention,
    /// The room was needed for later ones.
    Room,
    /// Nothing of it had reached the disk.
    Empty,
}

#[derive(Serialize)]
struct Deleted {
    session: SessionId,
    time: String,
    why: Deletion,
}

impl RecordStore {
    /// Those of this agent: in the directory that is configured, or in `state`. None, and a word in the log, where there
    /// can be none: a session goes on without.
    pub(crate) fn of_agent(state: Option<PathBuf>, settings: &RecordSettings) -> Option<Arc<Self>> {
        let Some(state) = settings.directory.clone().or(state) else {
            tracing::warn!("sessions are not recorded: there is no state directory");
            return None;
        };
        let machine = machine_id().unwrap_or_default();
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&state);
        let opened = made.map_err(|error| StoreError { path: state.clone(), error });
        match opened.and_then(|()| Self::open(&state, &machine, settings.clone())) {
            Ok(store) => Some(Arc::new(store)),
            Err(error) => {
                tracing::error!(%error, "sessions are not recorded");
                None
            }
        }
    }

    /// Those in the directory `state`, with the device's key. `machine` is the machine's ID.
    pub fn open(state: &Path, machine: &str, settings: RecordSettings) -> Result<Self, StoreError> {
        let at = |path: &Path| {
            let path = path.to_owned();
            move |error| StoreError { path, error }
        };
        let key = device_key::open(state, machine, &crate::session::own_hostname()).map_err(at(state))?;
        let key_line = key.public_line().map_err(io::Error::other).map_err(at(state))?;
        let records = state.join(RECORDS);
        let made = fs::DirBuilder::new().recursive(true).mode(0o700).create(&records);
        made.map_err(at(&records))?;
        // They were checked with the configuration.
        let anchor_keys =
            settings.anchor_keys.iter().filter_map(|key| TrustedKey::from_line(key).ok()).collect();
        Ok(Self { records, key, key_line, anchor_keys, settings, rendering: Mutex::default() })
    }

    /// Waits for one's turn to make a report.
    pub(super) fn rendering(&self) -> MutexGuard<'_, ()> {
        self.rendering.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The public key that signs, as the line of a `.pub` file.
    pub fn key_line(&self) -> &str {
        &self.key_line
    }

    /// The keys of the relay whose anchors count; none: whichever it has.
    pub(crate) fn anchor_keys(&self) -> &[TrustedKey] {
        &self.anchor_keys
    }

    /// How sessions are recorded.
    pub fn settings(&self) -> &RecordSettings {
        &self.settings
    }

    /// Where the record of a session is, if there is one.
    pub fn path_of(&self, session: SessionId) -> PathBuf {
        self.records.join(session.to_string())
    }

    /// Begins to record a session.
    pub(crate) fn begin(&self, session: SessionId, terms: Terms) -> io::Result<Recording> {
        let random = Secret::<32>::random();
        let event = Event::RecordBegan {
            format: FORMAT,
            session,
            random: random.expose().iter().map(|byte| format!("{byte:02x}")).collect(),
            device: Device {
                name: crate::session::own_hostname(),
                key: self.key_line.clone(),
                software: concat!("fieldlink-agent ", env!("CARGO_PKG_VERSION")).into(),
            },
            terms,
            anchor_keys: self.settings.anchor_keys.clone(),
        };
        Recording::start(session, self.place(session), Beginning::New(Box::new(event)))
    }

    /// Goes on with the record of a session.
    pub(crate) fn resume(&self, session: SessionId, why: Resumption) -> io::Result<Recording> {
        Recording::start(session, self.place(session), Beginning::Again(why))
    }

    fn place(&self, session: SessionId) -> Place {
        let (path, room) = (self.path_of(session), self.settings.session_bytes());
        Place { path, key: self.key.clone(), key_line: self.key_line.clone(), room }
    }

    /// Closes and signs what an agent that died has left; not the record of `running`.
    pub fn close_left(&self, running: Option<SessionId>) {
        let Ok(records) = self.list() else { return };
        for record in records.iter().filter(|record| record.is_closed && Some(record.session) != running) {
            let path = self.path_of(record.session);
            let tidied = aside::discard(&path).and_then(|()| mend(&path.join(ANCHORS)).map(drop));
            if let Err(error) = tidied {
                tracing::warn!(session = %record.session, %error, "could not tidy a record");
            }
        }
        for record in records.iter().filter(|record| !record.is_closed && Some(record.session) != running) {
            let session = record.session;
            // The power was cut before its first line was on the disk.
            let closed = match record.began.is_empty() {
                true => self.delete(session, Deletion::Empty),
                false => self.close_late(session, (Resumption::Died, Reason::AgentRestarted)),
            };
            match closed {
                Ok(()) => tracing::warn!(%session, "closed the record that an earlier run has left"),
                Err(error) => {
                    tracing::error!(%session, %error, "could not close the record of an earlier run")
                }
            }
        }
    }

    /// Closes the record of a session that was to go on, and does not, if it is there and open.
    pub(crate) fn close_unfinished(&self, session: SessionId, reason: Reason) {
        let path = self.path_of(session);
        // Whoever writes it still is waited for, and may close it.
        let Ok(waited) = lock(&path, FlockArg::LockExclusive) else { return };
        drop(waited);
        if path.join(MANIFEST).exists() {
            return;
        }
        if let Err(error) = self.close_late(session, (Resumption::Restarted, reason)) {
            tracing::error!(%session, %error, "could not close the record of a session that does not go on");
        }
    }

    fn close_late(&self, session: SessionId, (why, reason): (Resumption, Reason)) -> io::Result<()> {
        let path = self.path_of(session);
        let is_over = ended(&path);
        let (mut disk, Before { torn, .. }) = Disk::reopen(&path)?;
        let at = || Moment::now().stamp();
        disk.append(at(), Event::RecordResumed { why, torn })?;
        if !is_over {
            disk.append(at(), Event::SessionEnded { reason, hearsay: false })?;
        }
        disk.close(at(), true, &self.key).map(drop)
    }

    /// Adds what was said after the end to a record that is closed, and closes it again.
    pub(crate) fn add(&self, session: SessionId, event: Event) -> io::Result<Head> {
        let (mut disk, before) = Disk::reopen(&self.path_of(session))?;
        let added = self.add_to(&mut disk, before, event);
        if added.is_err() {
            disk.undo(before)?;
        }
        added
    }

    fn add_to(&self, disk: &mut Disk, before: Before, event: Event) -> io::Result<Head> {
        let at = || Moment::now().stamp();
        disk.append(at(), Event::RecordResumed { why: Resumption::Verdict, torn: before.torn })?;
        disk.append(at(), event)?;
        disk.close(at(), false, &self.key)
    }

    /// Keeps what the relay has signed of a record that is closed.
    pub(crate) fn add_anchor(&self, session: SessionId, anchor: &KeptAnchor) -> io::Result<()> {
        let mut line = serde_json::to_vec(anchor)?;
        line.push(b'\n');
        let path = self.path_of(session).join(ANCHORS);
        let length = mend(&path)?;
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        // A part of it would be none, and spoil what follows.
        let written = file.write_all(&line).and_then(|()| file.sync_data());
        written.inspect_err(|_| drop(file.set_len(length)))
    }

    /// The hash of the list of a closed record's files.
    pub(crate) fn sums(&self, session: SessionId) -> io::Result<Digest> {
        let manifest = Directory::new(self.path_of(session)).read(MANIFEST, LONGEST_MANIFEST)?;
        Ok(Digest::of(&manifest))
    }

    /// Keeps an authority's time stamp for a closed record, whole or not at all. False: the record has another list of files
    /// by now, because something was added to it.
    pub(crate) fn add_time_stamp(
        &self,
        session: SessionId,
        sums: Digest,
        response: &[u8],
    ) -> io::Result<bool> {
        if self.sums(session)? != sums {
            return Ok(false);
        }
        let new = self.records.join(format!(".{session}.new"));
        let written = fs::OpenOptions::new()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&new)
            .and_then(|mut file| file.write_all(response).and_then(|()| file.sync_data()))
            .and_then(|()| fs::rename(&new, self.path_of(session).join(TIME_STAMP)));
        if written.is_err() {
            let _ = fs::remove_file(&new);
        }
        written.map(|()| true)
    }

    /// All of them, the oldest first.
    pub fn list(&self) -> io::Result<Vec<StoredRecord>> {
        let mut records = Vec::new();
        for entry in fs::read_dir(&self.records)? {
            let entry = entry?;
            let session = entry.file_name().to_str().and_then(|name| name.parse().ok());
            if let Some(session) = session.filter(|_| entry.path().is_dir()) {
                match describe(session, &entry.path()) {
                    // It is being deleted.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    record => records.push(record?),
                }
            }
        }
        records.sort_by(|one, other| (&one.began, one.session).cmp(&(&other.began, other.session)));
        Ok(records)
    }

    /// Deletes what was kept for long enough, and the oldest beyond what may be kept; not the record of `running`.
    pub fn tidy(&self, now: SystemTime, running: Option<SessionId>) -> io::Result<()> {
        let kept = Duration::from_secs(u64::from(self.settings.retention_days) * 24 * 3600);
        let mut records = self.list()?;
        let mut bytes: u64 = records.iter().map(|record| record.bytes).sum();
        records.retain(|record| Some(record.session) != running);
        for record in records {
            // A clock that was set back makes nothing old.
            let is_old = now.duration_since(record.modified).is_ok_and(|age| age > kept);
            let why = match (is_old, bytes > self.settings.total_bytes()) {
                (true, _) => Deletion::Retention,
                (false, true) => Deletion::Room,
                (false, false) => continue,
            };
            self.delete(record.session, why)?;
            bytes -= record.bytes;
        }
        Ok(())
    }

    /// Deletes a record. That it was there, and when it went, stays.
    pub fn delete(&self, session: SessionId, why: Deletion) -> io::Result<()> {
        let path = self.path_of(session);
        // One that is still being written is not.
        let _lock = lock_soon(&path)?;
        self.note_deletion(&Deleted { session, time: rfc3339(SystemTime::now()), why })?;
        fs::remove_dir_all(&path)?;
        tracing::info!(%session, ?why, "a record was deleted");
        Ok(())
    }

    fn note_deletion(&self, deleted: &Deleted) -> io::Result<()> {
        let path = self.records.join(DELETED);
        if fs::metadata(&path).is_ok_and(|metadata| metadata.len() > DELETED_BYTES) {
            fs::rename(&path, path.with_added_extension("1"))?;
        }
        let mut line = serde_json::to_vec(deleted)?;
        line.push(b'\n');
        let mut file = OpenOptions::new().append(true).create(true).mode(0o600).open(path)?;
        file.write_all(&line)?;
        file.sync_data()
    }
}

/// The lock of a record that nobody writes. A program that is just being started holds it, too, for a moment: until then
/// it has everything that this process has.
fn lock_soon(path: &Path) -> io::Result<Flock<fs::File>> {
    for _ in 0..TRIES {
        match lock(path, FlockArg::LockExclusiveNonblock) {
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => std::thread::sleep(BETWEEN_TRIES),
            locked => return locked,
        }
    }
    lock(path, FlockArg::LockExclusiveNonblock)
}

/// Whether the account tells the session's end.
fn ended(path: &Path) -> bool {
    let Ok(bytes) = Directory::new(path).read(EVENTS, u64::MAX) else { return false };
    let lines = bytes.rsplit(|byte| *byte == b'\n');
    let mut events = lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok());
    let last = events.find(|entry| {
        matches!(
            entry.event,
            Event::SessionEnded { .. } | Event::SessionBegan { .. } | Event::ConsentGiven { .. }
        )
    });
    last.is_some_and(|entry| matches!(entry.event, Event::SessionEnded { .. }))
}

fn describe(session: SessionId, path: &Path) -> io::Result<StoredRecord> {
    let (mut bytes, mut modified) = (0, SystemTime::UNIX_EPOCH);
    for entry in fs::read_dir(path)? {
        let metadata = entry?.metadata()?;
        bytes += metadata.len();
        modified = modified.max(metadata.modified()?);
    }
    let (mut began, mut engineer, mut ticket) = (String::new(), String::new(), String::new());
    let mut beginning = Vec::new();
    let directory = Directory::new(path);
    // One whose account is missing is none to speak of, and takes room.
    if let Ok(reader) = directory.open(EVENTS) {
        io::Read::read_to_end(&mut io::Read::take(reader, BEGINNING), &mut beginning)?;
    }
    let lines = beginning.split(|byte| *byte == b'\n').take(3);
    for entry in lines.filter_map(|line| serde_json::from_slice::<Entry>(line).ok()) {
        match entry.event {
            Event::RecordBegan { .. } => began = entry.at.time,
            Event::ConsentAsked { person, .. } | Event::LetInByPin { person, .. } => {
                (engineer, ticket) = (person.name, person.ticket)
            }
            _ => {}
        }
    }
    let is_closed = directory.open(MANIFEST).is_ok();
    Ok(StoredRecord { session, began, engineer, ticket, bytes, is_closed, modified })
}
