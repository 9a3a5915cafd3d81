//! What the client reads of a record: its files, the report, and the receipt to keep. All of it waits for the disk.

use std::fs::{File, OpenOptions};
use std::io::{self, BufRead, BufReader, Seek, Write};
use std::os::unix::fs::OpenOptionsExt;

use fieldlink_device::records::SessionReceipt;
use fieldlink_device::words::Language;
use fieldlink_evidence::report::{self, ReportError};
use fieldlink_evidence::{
    ANCHORS, Anchor, Digest, Directory, EVENTS, Files, KeptAnchor, Receipt, is_record_name,
};
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::report::ReportForm;
use nix::fcntl::{FcntlArg, OFlag, SealFlag, fcntl};
use nix::sys::memfd::{MFdFlags, memfd_create};

use super::aside;
use super::earlier::Earlier;
use super::store::RecordStore;

/// Longest file of anchors that is read, in bytes.
const LONGEST_ANCHORS: u64 = 16 * 1024 * 1024;
/// Digits of a hash that the words of a receipt stand for.
const DIGITS: usize = 32;

/// The files of a record.
pub(crate) fn names(store: &RecordStore, session: SessionId) -> io::Result<Vec<String>> {
    let mut names = directory_of(store, session).names()?;
    // Nor what is being written.
    names.retain(|name| is_record_name(name) && !name.ends_with(".new") && !name.ends_with(aside::ENDING));
    names.sort();
    Ok(names)
}

/// A file of a record, for reading only.
pub(crate) fn open(store: &RecordStore, session: SessionId, name: &str) -> io::Result<File> {
    if !is_record_name(name) {
        return Err(io::ErrorKind::NotFound.into());
    }
    // What is no plain file is none of the record's, and must not hold anybody up.
    let flags = (OFlag::O_NOFOLLOW | OFlag::O_NONBLOCK).bits();
    let path = store.path_of(session).join(name);
    let file = OpenOptions::new().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(io::ErrorKind::NotFound.into()) }
}

/// The report of a record, in memory that nobody can change any more.
pub(crate) fn report(
    store: &RecordStore,
    session: SessionId,
    language: Language,
    form: ReportForm,
) -> io::Result<File> {
    render(store, &directory_of(store, session), (language, form))
}

/// The same, of the record as it was when its account ended with the line of this number.
pub(crate) fn edition(
    store: &RecordStore,
    session: SessionId,
    last: u64,
    how: (Language, ReportForm),
) -> io::Result<File> {
    render(store, &Earlier::new(directory_of(store, session), last)?, how)
}

fn render(
    store: &RecordStore,
    files: &dyn Files,
    (language, form): (Language, ReportForm),
) -> io::Result<File> {
    // Each takes memory for a moment.
    let _turn = store.rendering();
    let account = report::Account::read(files).map_err(|error| match error {
        ReportError::Read(error) => error,
        ReportError::NoRecord => io::Error::new(io::ErrorKind::InvalidData, error),
    })?;
    sealed(&match form {
        ReportForm::Html => report::html(&account, files, language),
        ReportForm::Text => report::text(&account, language).into_bytes(),
        ReportForm::Json => report::json(&account).into_bytes(),
    })
}

fn sealed(content: &[u8]) -> io::Result<File> {
    let flags = MFdFlags::MFD_CLOEXEC | MFdFlags::MFD_ALLOW_SEALING;
    let mut file = File::from(memfd_create(c"fieldlink-report", flags)?);
    file.write_all(content)?;
    file.rewind()?;
    let seals = SealFlag::F_SEAL_WRITE | SealFlag::F_SEAL_GROW | SealFlag::F_SEAL_SHRINK;
    fcntl(&file, FcntlArg::F_ADD_SEALS(seals | SealFlag::F_SEAL_SEAL))?;
    Ok(file)
}

/// The session whose record was closed, and began, last.
pub(crate) fn latest_closed(store: &RecordStore) -> io::Result<SessionId> {
    let records = store.list()?;
    let latest = records.iter().rfind(|record| record.is_closed);
    latest.map(|record| record.session).ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// What to keep of a record, as it is now.
pub(crate) fn receipt(store: &RecordStore, session: SessionId) -> io::Result<SessionReceipt> {
    let head = head(open(store, session, EVENTS)?)?;
    let anchor = last_anchor(store, session)?;
    Ok(SessionReceipt {
        session,
        words: Receipt::of(&head).to_string(),
        head: head.to_string().chars().take(DIGITS).collect(),
        is_anchored: anchor.as_ref().is_some_and(|anchor| anchor.head.digest == head),
        anchor: anchor.map(|anchor| anchor.to_string()).unwrap_or_default(),
    })
}

/// The hash of the last whole line.
fn head(account: File) -> io::Result<Digest> {
    let (mut reader, mut line, mut head) = (BufReader::new(account), Vec::new(), None);
    while reader.read_until(b'\n', &mut line)? > 0 {
        if line.ends_with(b"\n") {
            head = Some(Digest::of(&line));
        }
        line.clear();
    }
    head.ok_or_else(|| io::ErrorKind::NotFound.into())
}

/// What the relay has signed of this account, furthest to its end. It was judged when it came.
fn last_anchor(store: &RecordStore, session: SessionId) -> io::Result<Option<Anchor>> {
    let bytes = match directory_of(store, session).read(ANCHORS, LONGEST_ANCHORS) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        read => read?,
    };
    let lines = bytes.split(|byte| *byte == b'\n');
    let kept = lines.filter_map(|line| serde_json::from_slice::<KeptAnchor>(line).ok());
    let anchors = kept.filter_map(|kept| kept.line.parse::<Anchor>().ok());
    Ok(anchors.filter(|anchor| anchor.session == session).max_by_key(|anchor| anchor.head.seq))
}

fn directory_of(store: &RecordStore, session: SessionId) -> Directory {
    Directory::new(store.path_of(session))
}
