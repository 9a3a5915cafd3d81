//! What is wrong when the store cannot be used: that it is the relay's disk, and what to do about it.

use std::fs::OpenOptions;
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use nix::errno::Errno;
use rusqlite::{Error, ErrorCode};

use super::StoreError;
use super::place::Place;

/// What is written to find out what the system says: SQLite passes on little of it.
const PROBE: &str = ".fieldlink-relay-probe";

/// A file or directory that cannot be made or opened.
pub(super) fn open_error(place: &Place, problem: &io::Error) -> StoreError {
    StoreError::Unwritable(sentence(problem, &place.shown))
}

/// What SQLite's error means for an operator.
pub(super) fn explain(error: Error, place: &Place) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => StoreError::Locked(place.shown.clone()),
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
            StoreError::Damaged(place.shown.clone())
        }
        Some(
            ErrorCode::DiskFull | ErrorCode::SystemIoFailure | ErrorCode::ReadOnly | ErrorCode::CannotOpen,
        ) => {
            let problem = place.file.parent().and_then(probe);
            let sentence = problem.map(|problem| sentence(&problem, &place.shown)).unwrap_or_else(|| {
                format!("the relay's disk under {} failed ({error}): see `dmesg`", place.shown.display())
            });
            StoreError::Unwritable(sentence)
        }
        _ => StoreError::Database(error),
    }
}

/// Whether writing less might succeed.
pub(super) fn may_be_want_of_room(error: &Error) -> bool {
    // SQLite tells a full disk, but not a quota, from other failures.
    matches!(error.sqlite_error_code(), Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure))
}

/// Whether another connection holds the file.
pub(super) fn is_busy(error: &Error) -> bool {
    matches!(error.sqlite_error_code(), Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked))
}

/// Writes a little, to be told what the system has against it.
fn probe(directory: &Path) -> Option<io::Error> {
    let path = directory.join(PROBE);
    let written = (|| {
        let mut file = OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&path)?;
        file.write_all(&[0; 16 * 1024])?;
        file.sync_all()
    })();
    // Where it could not be made there is none.
    let _ = std::fs::remove_file(&path);
    written.err()
}

fn sentence(problem: &io::Error, directory: &Path) -> String {
    let directory = directory.display();
    let errno = problem.raw_os_error().map(Errno::from_raw);
    match errno {
        Some(Errno::ENOSPC) => format!("the relay's disk is full: make room under {directory}"),
        Some(Errno::EDQUOT) => {
            format!("the relay has used up its disk quota: make room under {directory}, or raise the quota")
        }
        Some(Errno::EROFS) => format!(
            "the relay's disk is mounted read-only: see in `dmesg` why, then mount what {directory} is on writable again"
        ),
        Some(Errno::EIO) => {
            format!(
                "the relay's disk fails (I/O error under {directory}): see `dmesg`, and save what is there"
            )
        }
        Some(Errno::EFBIG) => {
            format!(
                "a limit on the size of files stops the relay from writing under {directory} (ulimit -f, LimitFSIZE=)"
            )
        }
        Some(Errno::EACCES | Errno::EPERM) => {
            format!(
                "this account may not write under {directory}: run this as root, or as the relay's account"
            )
        }
        _ => format!("the relay's disk cannot be written under {directory}: {problem}"),
    }
}
