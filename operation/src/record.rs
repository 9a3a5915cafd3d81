//! The record of the latest operation: what it is and how far, and what it has printed. Two files and a lock in a directory
//! that only root writes; `fieldlink-operation` keeps them, the agent reads them.

use std::fs::{File, OpenOptions, Permissions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::fd::AsFd;
use std::os::unix::fs::{OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

use fieldlink_protocol::ids::{OperationId, SessionId};
use fieldlink_protocol::messages::operation::OperationEnd;
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use serde::{Deserialize, Serialize};

/// Where the records of a scanner are.
pub const DIRECTORY: &str = "/var/lib/fieldlink-operations";
/// The longest record, in bytes.
const LONGEST: u64 = 8 * 1024;
/// The most output that is kept, in bytes: the first of it.
pub const MOST_OUTPUT: u64 = 4 * 1024 * 1024;
/// Owner and group.
const MODE: u32 = 0o640;

/// What is known of the latest operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// Names this run.
    pub id: OperationId,
    /// Which operation, as `agent.toml` names it.
    pub operation: String,
    /// The session in which it was started.
    pub session: SessionId,
    /// The engineer who started it.
    pub engineer: String,
    /// When, in Unix seconds.
    pub started: u64,
    /// The boot of the kernel's in which it runs, or ran.
    pub boot: String,
    /// Percent that are done, where the program says so.
    pub percent: Option<u8>,
    /// Whether the program wants the device restarted.
    pub restart: bool,
    /// How it stands.
    pub stage: Stage,
}

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "stage", rename_all = "kebab-case")]
pub enum Stage {
    /// Its program runs; if nothing holds the lock, it does not any more.
    Running {},
    /// Another unit goes on with it once the device has restarted.
    AfterRestart {},
    /// It is over.
    Over {
        /// How it ended.
        end: OperationEnd,
    },
}

/// A directory of records, as the agent reads it.
#[derive(Debug, Clone)]
pub struct Records(PathBuf);

impl Records {
    /// Those in `directory`.
    pub fn at(directory: &Path) -> Self {
        Self(directory.to_owned())
    }

    /// The latest record and how it stands now: what was running and runs no more without having said how it ended is
    /// lost.
    pub fn read(&self) -> io::Result<Option<Record>> {
        let Some(record) = self.read_once()? else { return Ok(None) };
        if record.stage != (Stage::Running {}) || self.is_held()? {
            return Ok(Some(record));
        }
        // It may have ended since it was read.
        let again = self.read_once()?;
        Ok(again.map(|mut again| {
            if again.id == record.id && again.stage == (Stage::Running {}) {
                again.stage = Stage::Over { end: OperationEnd::Lost {} };
            }
            again
        }))
    }

    fn read_once(&self) -> io::Result<Option<Record>> {
        let mut text = String::new();
        match File::open(self.0.join("record.json")) {
            Ok(file) => file.take(LONGEST).read_to_string(&mut text)?,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        Ok(Some(serde_json::from_str(&text)?))
    }

    /// Whether some `fieldlink-operation` is at work.
    fn is_held(&self) -> io::Result<bool> {
        let file = match File::open(self.0.join("lock")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
            Err(error) => return Err(error),
        };
        let mut lock = whole_file(libc::F_WRLCK);
        fcntl(file.as_fd(), FcntlArg::F_OFD_GETLK(&mut lock))?;
        Ok(lock.l_type != libc::F_UNLCK as libc::c_short)
    }

    /// What was printed, from `offset` on, `most` bytes at most. Cleaned lines, as they were written; not to be trusted.
    pub fn output(&self, offset: u64, most: u64) -> io::Result<Vec<u8>> {
        let mut file = match File::open(self.0.join("output")) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            Err(error) => return Err(error),
        };
        file.seek(SeekFrom::Start(offset))?;
        let mut bytes = Vec::new();
        file.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

/// The directory as the program keeps it that writes the record. While it exists, no other one does.
#[derive(Debug)]
pub struct Recorder {
    directory: PathBuf,
    output: Option<File>,
    written: u64,
    _lock: File,
}

impl Recorder {
    /// Takes the directory. None: another operation runs.
    pub fn take(directory: &Path) -> io::Result<Option<Self>> {
        let lock = private(&directory.join("lock"), OpenOptions::new().create(true).truncate(false))?;
        match fcntl(lock.as_fd(), FcntlArg::F_OFD_SETLK(&whole_file(libc::F_WRLCK))) {
            Ok(_) => {}
            Err(Errno::EAGAIN | Errno::EACCES) => return Ok(None),
            Err(error) => return Err(error.into()),
        }
        Ok(Some(Self { directory: directory.to_owned(), output: None, written: 0, _lock: lock }))
    }

    /// Begins a new record, in the place of the one before.
    pub fn begin(&mut self, record: &Record) -> io::Result<()> {
        let path = self.directory.join("output");
        self.output = Some(private(&path, OpenOptions::new().create(true).truncate(true))?);
        self.written = 0;
        self.write(record, true)
    }

    /// The record that is there, to go on with it.
    pub fn go_on(&mut self) -> io::Result<Option<Record>> {
        let record = Records::at(&self.directory).read_once()?;
        if record.is_some() {
            let path = self.directory.join("output");
            let mut output = private(&path, OpenOptions::new().create(true).truncate(false))?;
            self.written = output.seek(SeekFrom::End(0))?;
            self.output = Some(output);
        }
        Ok(record)
    }

    /// Writes the record, whole or not at all; `is_durable`: so that it outlives a loss of power.
    pub fn write(&self, record: &Record, is_durable: bool) -> io::Result<()> {
        let (path, new) = (self.directory.join("record.json"), self.directory.join("record.json.new"));
        let mut file = private(&new, OpenOptions::new().create(true).truncate(true))?;
        file.write_all(&serde_json::to_vec(record)?)?;
        if is_durable {
            file.sync_all()?;
        }
        std::fs::rename(&new, &path)?;
        if is_durable {
            File::open(&self.directory)?.sync_all()?;
        }
        Ok(())
    }

    /// Keeps a line of output, while there is room.
    pub fn print(&mut self, line: &str) -> io::Result<()> {
        let Some(output) = &mut self.output else { return Ok(()) };
        let bytes = format!("{line}\n").into_bytes();
        if self.written + bytes.len() as u64 <= MOST_OUTPUT {
            self.written += bytes.len() as u64;
            output.write_all(&bytes)?;
        }
        Ok(())
    }
}

/// Opened for writing, readable by owner and group whatever the umask says.
fn private(path: &Path, options: &mut OpenOptions) -> io::Result<File> {
    let file = options.write(true).mode(MODE).custom_flags(libc::O_NOFOLLOW).open(path)?;
    file.set_permissions(Permissions::from_mode(MODE))?;
    Ok(file)
}

/// A lock that belongs to the open file, not to the process (`fcntl_locking(2)`).
fn whole_file(kind: libc::c_int) -> libc::flock {
    libc::flock {
        l_type: kind as libc::c_short,
        l_whence: libc::SEEK_SET as libc::c_short,
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    }
}

/// This boot of the kernel's.
pub fn boot_id() -> io::Result<String> {
    Ok(std::fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim().to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(stage: Stage) -> Record {
        Record {
            id: OperationId::from_bytes([1; 16]),
            operation: "update".into(),
            session: SessionId::from_bytes([2; 16]),
            engineer: "Ada (Scans AG)".into(),
            started: 1_700_000_000,
            boot: "b".into(),
            percent: Some(7),
            restart: false,
            stage,
        }
    }

    #[test]
    fn what_nothing_runs_any_more_is_lost_and_the_rest_is_as_it_was_written() {
        let _turn = crate::TURN.blocking_lock();
        let directory = tempfile::tempdir().expect("a directory");
        let records = Records::at(directory.path());
        assert_eq!(records.read().expect("readable"), None);
        let mut recorder = Recorder::take(directory.path()).expect("ours").expect("nothing runs");
        let running = record(Stage::Running {});
        recorder.begin(&running).expect("room");
        assert_eq!(records.read().expect("readable"), Some(running.clone()));
        assert!(Recorder::take(directory.path()).expect("ours").is_none(), "one at a time");
        drop(recorder);
        let lost = Stage::Over { end: OperationEnd::Lost {} };
        assert_eq!(records.read().expect("readable").map(|record| record.stage), Some(lost));
        let mut recorder = Recorder::take(directory.path()).expect("ours").expect("free again");
        assert_eq!(recorder.go_on().expect("readable"), Some(running));
        let over = record(Stage::Over { end: OperationEnd::Failed { code: 3 } });
        recorder.write(&over, true).expect("room");
        drop(recorder);
        assert_eq!(records.read().expect("readable"), Some(over));
        let mode =
            std::fs::metadata(directory.path().join("record.json")).expect("there").permissions().mode();
        assert_eq!(mode & 0o777, MODE);
    }

    #[test]
    fn output_is_kept_up_to_its_bound_and_read_from_anywhere() {
        let _turn = crate::TURN.blocking_lock();
        let directory = tempfile::tempdir().expect("a directory");
        let records = Records::at(directory.path());
        assert!(records.output(0, 10).expect("nothing yet").is_empty());
        let mut recorder = Recorder::take(directory.path()).expect("ours").expect("nothing runs");
        recorder.begin(&record(Stage::Running {})).expect("room");
        let line = "x".repeat(1023);
        (0..MOST_OUTPUT / 1024 + 5).for_each(|_| recorder.print(&line).expect("kept or not"));
        assert_eq!(records.output(0, u64::MAX).expect("there").len() as u64, MOST_OUTPUT);
        assert_eq!(records.output(1022, 3).expect("there"), b"x\nx");
        assert!(records.output(MOST_OUTPUT + 1, 3).expect("there").is_empty());
    }

    #[test]
    fn a_link_is_not_followed() {
        let directory = tempfile::tempdir().expect("a directory");
        std::os::unix::fs::symlink("/etc/passwd", directory.path().join("lock")).expect("a link");
        assert!(Recorder::take(directory.path()).is_err());
    }
}
