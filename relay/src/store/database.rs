//! The SQLite file: how it is opened, its permissions, its schema, and how it is written.
//!
//! It uses a rollback journal that stays where it is (`PERSIST`), not a write-ahead log: reading then needs
//! no room on the disk, and nor does writing over what is there. [`super::reserve`] builds on that.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags, Transaction, TransactionBehavior};

use super::place::Place;
use super::{StoreError, disk};

/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);
/// The same, once it waited in vain.
const STILL_BUSY: Duration = Duration::from_millis(100);

/// One step per schema version; a released step is never changed.
const SCHEMA: &[&str] = &[
    "
    CREATE TABLE engineers (
        id TEXT PRIMARY KEY,
        name TEXT NOT NULL,
        company TEXT NOT NULL,
        secret_hash BLOB NOT NULL,
        added_at INTEGER NOT NULL,
        revoked_at INTEGER
    ) STRICT;
    CREATE UNIQUE INDEX active_engineer_names ON engineers (name) WHERE revoked_at IS NULL;
    CREATE TABLE sessions (
        session TEXT PRIMARY KEY,
        engineer_id TEXT NOT NULL REFERENCES engineers (id),
        engineer_name TEXT NOT NULL,
        engineer_company TEXT NOT NULL,
        ticket TEXT NOT NULL,
        partner TEXT,
        support_id TEXT NOT NULL,
        device_address TEXT NOT NULL,
        started_at INTEGER NOT NULL,
        admitted_at INTEGER,
        ended_at INTEGER,
        reason TEXT,
        bytes_to_agent INTEGER NOT NULL DEFAULT 0,
        bytes_to_engineer INTEGER NOT NULL DEFAULT 0
    ) STRICT;
    CREATE INDEX sessions_by_start ON sessions (started_at);
    CREATE INDEX running_sessions ON sessions (session) WHERE ended_at IS NULL;
    CREATE TABLE ticket_keys (
        kid TEXT PRIMARY KEY,
        master BLOB NOT NULL,
        created_at INTEGER NOT NULL
    ) STRICT;
",
    "
    ALTER TABLE sessions ADD COLUMN run TEXT;
    ALTER TABLE sessions ADD COLUMN control TEXT;
    ALTER TABLE sessions ADD COLUMN agent_key TEXT;
    ALTER TABLE sessions ADD COLUMN pairing INTEGER;
    ALTER TABLE sessions ADD COLUMN not_before INTEGER;
    ALTER TABLE sessions ADD COLUMN expires INTEGER;
",
    "
    CREATE TABLE boots (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        number INTEGER NOT NULL
    ) STRICT;
",
    "
    CREATE TABLE reserve (id INTEGER PRIMARY KEY, room BLOB NOT NULL) STRICT;
    CREATE TABLE clock (
        only INTEGER PRIMARY KEY CHECK (only = 1),
        boot TEXT,
        uptime INTEGER NOT NULL,
        unix INTEGER NOT NULL
    ) STRICT;
",
    "
    ALTER TABLE sessions ADD COLUMN joins TEXT;
",
    "
    CREATE TABLE anchors (
        session TEXT NOT NULL,
        number INTEGER NOT NULL,
        seq INTEGER NOT NULL,
        head TEXT NOT NULL,
        time INTEGER NOT NULL,
        line TEXT NOT NULL,
        signature TEXT NOT NULL,
        PRIMARY KEY (session, number)
    ) STRICT;
    CREATE INDEX anchors_by_time ON anchors (time);
",
];

/// A connection to the store's file.
pub struct Database {
    pub(super) connection: Connection,
    place: Place,
    identity: Option<(u64, u64)>,
}

impl Database {
    /// The file in the state directory.
    pub const FILE: &str = "relay.sqlite";

    /// Opens the store in `directory`; makes both, private to this user, if they are missing.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        Self::open_shown_as(directory, directory)
    }

    /// The same, where errors are to name the directory as `shown`.
    pub fn open_shown_as(directory: &Path, shown: &Path) -> Result<Self, StoreError> {
        let place = Place { file: directory.join(Self::FILE), shown: shown.to_owned() };
        create_private(directory, &place.file).map_err(|problem| disk::open_error(&place, &problem))?;
        Self::open_file(place)
    }

    /// The store in its place, once more: it may have been restored there, or the disk be writable again.
    pub(super) fn reopened(&self) -> Result<Self, StoreError> {
        match fs::metadata(&self.place.file) {
            Err(problem) if problem.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::Missing(self.place.shown.join(Self::FILE)))
            }
            _ => Self::open_file(self.place.clone()),
        }
    }

    fn open_file(place: Place) -> Result<Self, StoreError> {
        let explain = |error| disk::explain(error, &place);
        let connection = Connection::open(&place.file).map_err(explain)?;
        connection.busy_timeout(BUSY).map_err(explain)?;
        known_schema(&connection, &place)?;
        configure(&connection).map_err(explain)?;
        let identity = identity(&place.file);
        let mut database = Self { connection, place, identity };
        migrate(&mut database)?;
        Ok(database)
    }

    /// The file, as this process opens it.
    pub(super) fn file(&self) -> &Path {
        &self.place.file
    }

    /// Whether the file that was opened is still the one in its place: it may have been deleted, or another
    /// one restored over it. What is written to a deleted file is lost without an error.
    pub(super) fn is_in_place(&self) -> bool {
        identity(&self.place.file) == self.identity
    }

    /// Whether nothing can be written over this connection, even if the disk can be written again.
    pub(super) fn is_read_only(&self) -> bool {
        self.connection.is_readonly("main").unwrap_or(false)
    }

    /// Makes a change, wholly or not at all.
    pub(super) fn write<T>(
        &mut self,
        change: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let written = self.transaction(change);
        self.judge(written)
    }

    /// Makes a change that must not fail for want of room on the disk.
    pub(super) fn write_from_reserve<T>(
        &mut self,
        change: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> Result<T, StoreError> {
        let written = match self.transaction(&change) {
            Err(error) if disk::may_be_want_of_room(&error) => self.transaction(|transaction| {
                spend_reserve(transaction)?;
                change(transaction)
            }),
            other => other,
        };
        self.judge(written)
    }

    fn transaction<T>(
        &mut self,
        change: impl Fn(&Transaction<'_>) -> rusqlite::Result<T>,
    ) -> rusqlite::Result<T> {
        let transaction = self.connection.transaction_with_behavior(TransactionBehavior::Immediate)?;
        let result = change(&transaction)?;
        transaction.commit()?;
        Ok(result)
    }

    /// Says what was wrong. Where another program holds the file, no later write waits for it as long.
    fn judge<T>(&self, written: rusqlite::Result<T>) -> Result<T, StoreError> {
        let patience = match &written {
            Err(error) if disk::is_busy(error) => STILL_BUSY,
            _ => BUSY,
        };
        let _ = self.connection.busy_timeout(patience);
        written.map_err(|error| disk::explain(error, &self.place))
    }

    /// Whether this version can use the store in `directory`, which errors name as `shown`. It may not be there
    /// yet; nothing is changed.
    pub fn check(directory: &Path, shown: &Path) -> Result<(), StoreError> {
        let place = Place { file: directory.join(Self::FILE), shown: shown.to_owned() };
        if !place.file.exists() {
            return Ok(());
        }
        let explain = |error| disk::explain(error, &place);
        let connection =
            Connection::open_with_flags(&place.file, OpenFlags::SQLITE_OPEN_READ_WRITE).map_err(explain)?;
        connection.busy_timeout(BUSY).map_err(explain)?;
        known_schema(&connection, &place).map(drop)
    }

    /// Changes whenever another connection or process has changed the file.
    pub(super) fn data_version(&self) -> Result<i64, StoreError> {
        Ok(self.connection.query_row("PRAGMA data_version", [], |row| row.get(0))?)
    }
}

fn create_private(directory: &Path, file: &Path) -> std::io::Result<()> {
    if !directory.exists() {
        // Only what is new is made private; an existing directory has the operator's permissions.
        if let Some(parent) = directory.parent() {
            fs::create_dir_all(parent)?;
        }
        DirBuilder::new().mode(0o700).create(directory)?;
    }
    if file.exists() {
        return Ok(());
    }
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    // An earlier version's write-ahead log is turned into it once there is room and no other process has the file
    // open.
    if let Err(error) = connection.pragma_update(None, "journal_mode", "PERSIST") {
        let mode = connection.query_row("PRAGMA journal_mode", [], |row| row.get::<_, String>(0));
        if !mode.is_ok_and(|mode| mode == "wal") {
            return Err(error);
        }
        tracing::warn!(%error, "the store keeps its write-ahead log for now: it may need room on the disk to be read");
    }
    connection.pragma_update(None, "synchronous", "FULL")?;
    connection.pragma_update(None, "temp_store", "MEMORY")?;
    connection.pragma_update(None, "foreign_keys", true)
}

fn version(connection: &Connection) -> rusqlite::Result<i64> {
    connection.query_row("PRAGMA user_version", [], |row| row.get(0))
}

/// The file's schema version, if it is none that only a later version knows.
fn known_schema(connection: &Connection, place: &Place) -> Result<usize, StoreError> {
    let found = version(connection).map_err(|error| disk::explain(error, place))?;
    let known = SCHEMA.len() as i64;
    if (0..=known).contains(&found) {
        Ok(found as usize)
    } else {
        let path = place.shown.join(Database::FILE).display().to_string();
        Err(StoreError::Newer { path, found, known })
    }
}

/// Brings an older file up to date, whole or not at all.
fn migrate(database: &mut Database) -> Result<(), StoreError> {
    if known_schema(&database.connection, &database.place)? == SCHEMA.len() {
        return Ok(());
    }
    database.write(|transaction| {
        // Another process may have been faster.
        let known = SCHEMA.len() as i64;
        for step in &SCHEMA[version(transaction)?.clamp(0, known) as usize..] {
            transaction.execute_batch(step)?;
        }
        transaction.pragma_update(None, "user_version", known)
    })
}

fn identity(file: &Path) -> Option<(u64, u64)> {
    fs::metadata(file).ok().map(|found| (found.dev(), found.ino()))
}

/// Frees a row of the [`reserve`](super::reserve)'s pages for the rest of this transaction. Without any left it does
/// nothing.
pub(super) fn spend_reserve(transaction: &Transaction<'_>) -> rusqlite::Result<usize> {
    transaction.execute("DELETE FROM reserve WHERE id = (SELECT max(id) FROM reserve)", [])
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    #[test]
    fn what_it_makes_is_private() {
        let root = tempfile::tempdir().expect("a directory");
        let directory = root.path().join("a/state");
        Database::open(&directory).expect("opened");
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!(mode(&directory), 0o700);
        assert_eq!(mode(&directory.join(Database::FILE)), 0o600);
        for entry in fs::read_dir(&directory).expect("listed") {
            assert_eq!(mode(&entry.expect("an entry").path()), 0o600);
        }
    }

    #[test]
    fn a_newer_file_is_left_alone() {
        let root = tempfile::tempdir().expect("a directory");
        Database::open(root.path())
            .expect("opened")
            .connection
            .pragma_update(None, "user_version", 99)
            .expect("set");
        let content = |name| fs::read(root.path().join(name)).expect("readable");
        let before = content(Database::FILE);
        for refusal in [Database::open(root.path()).err(), Database::check(root.path(), root.path()).err()] {
            let error = refusal.expect("refused").to_string();
            assert!(error.contains("schema 99") && error.contains("install that version"), "{error}");
        }
        assert!(content(Database::FILE) == before, "it was changed");
    }

    #[test]
    fn an_older_file_is_brought_up_to_date_with_all_that_is_in_it() {
        let root = tempfile::tempdir().expect("a directory");
        for version in 1..SCHEMA.len() {
            let file = root.path().join(Database::FILE);
            let older = Connection::open(&file).expect("opened");
            for step in &SCHEMA[..version] {
                older.execute_batch(step).expect("ran");
            }
            older.pragma_update(None, "user_version", version as i64).expect("set");
            let rows = "INSERT INTO engineers VALUES ('e', 'Ada', 'C', x'00', 1, NULL);
                INSERT INTO sessions (session, engineer_id, engineer_name, engineer_company, ticket, support_id,
                    device_address, started_at) VALUES ('s', 'e', 'Ada', 'C', 'T-1', '1', '::1', 5);";
            older.execute_batch(rows).expect("ran");
            drop(older);
            Database::check(root.path(), root.path()).expect("usable");
            let database = Database::open(root.path()).expect("migrated");
            let found: i64 =
                database.connection.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("read");
            assert_eq!(found, SCHEMA.len() as i64);
            let kept = "SELECT count(*) FROM sessions JOIN engineers ON engineer_id = id WHERE run IS NULL";
            let kept: i64 = database.connection.query_row(kept, [], |row| row.get(0)).expect("read");
            assert_eq!(kept, 1, "from schema {version}");
            drop(database);
            fs::remove_file(&file).expect("removed");
        }
    }

    #[test]
    fn a_migration_that_fails_half_way_leaves_the_older_file() {
        let root = tempfile::tempdir().expect("a directory");
        let older = Connection::open(root.path().join(Database::FILE)).expect("opened");
        older.execute_batch(SCHEMA[0]).expect("ran");
        older.execute_batch("ALTER TABLE sessions ADD COLUMN expires TEXT").expect("in the way");
        older.pragma_update(None, "user_version", 1).expect("set");
        assert!(Database::open(root.path()).is_err());
        let found: i64 = older.query_row("PRAGMA user_version", [], |row| row.get(0)).expect("read");
        assert_eq!(found, 1);
        assert!(older.prepare("SELECT run FROM sessions").is_err(), "half of it was done");
    }

    #[test]
    fn data_version_tells_of_other_connections() {
        let root = tempfile::tempdir().expect("a directory");
        let (ours, other) =
            (Database::open(root.path()).expect("opened"), Database::open(root.path()).expect("opened"));
        let before = ours.data_version().expect("read");
        assert_eq!(ours.data_version().expect("read"), before);
        other.connection.execute("DELETE FROM ticket_keys", []).expect("ran");
        other.connection.execute("INSERT INTO ticket_keys VALUES ('k', x'00', 1)", []).expect("ran");
        assert_ne!(ours.data_version().expect("read"), before);
    }
}
