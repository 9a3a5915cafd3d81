//! Room on the disk that is kept for what must never want for it: the end of a session, and the revocation
//! of an engineer.
//!
//! The room is inside of the SQLite file: rows with nothing in them, of which one is deleted in the
//! same transaction as the change that needs its pages. And the journal, through which every change goes,
//! is kept as long as it was when all those rows were written over. So neither file grows.
//!
//! That holds where written blocks can be written over: ext4, XFS, tmpfs, with and without quota. A file
//! system that writes elsewhere (btrfs, ZFS), or shares blocks with a snapshot, may still be full.

use std::path::PathBuf;

use super::{Database, StoreError};

/// Rows, and bytes in each: eight pages.
const ROWS: i64 = 16;
const ROOM: i64 = 32 * 1024;

impl Database {
    /// Makes the reserve whole, if it is not.
    pub(super) fn fill_reserve(&mut self) -> Result<(), StoreError> {
        if self.reserve_is_whole() {
            return Ok(());
        }
        self.write(|transaction| {
            let there: i64 = transaction.query_row("SELECT count(*) FROM reserve", [], |row| row.get(0))?;
            for _ in there..ROWS {
                transaction.execute("INSERT INTO reserve (room) VALUES (randomblob(?))", [ROOM])?;
            }
            Ok(())
        })?;
        // Only what changes goes through the journal, and a file system may compress what is all alike.
        self.write(|transaction| transaction.execute("UPDATE reserve SET room = randomblob(?)", [ROOM]))?;
        Ok(())
    }

    /// Whether all of it is there.
    pub fn reserve_is_whole(&self) -> bool {
        let rows = self.connection.query_row("SELECT count(*) FROM reserve", [], |row| row.get::<_, i64>(0));
        let journal = std::fs::metadata(self.journal()).map_or(0, |found| found.len());
        rows.is_ok_and(|rows| rows >= ROWS) && journal >= (ROWS * ROOM) as u64
    }

    fn journal(&self) -> PathBuf {
        let mut name = self.file().as_os_str().to_owned();
        name.push("-journal");
        name.into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::database::spend_reserve;

    #[test]
    fn is_filled_once_and_again_after_it_was_spent() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        assert!(!database.reserve_is_whole());
        database.fill_reserve().expect("room");
        assert!(database.reserve_is_whole());
        let version = Database::open(root.path()).expect("opened").connection;
        let changes = |version: &rusqlite::Connection| {
            version.query_row("PRAGMA data_version", [], |row| row.get::<_, i64>(0)).expect("read")
        };
        let before = changes(&version);
        database.fill_reserve().expect("room");
        assert_eq!(changes(&version), before, "nothing is written while it is whole");
        database.write(spend_reserve).expect("spent");
        assert!(!database.reserve_is_whole());
        database.fill_reserve().expect("room");
        assert!(database.reserve_is_whole());
    }
}
