//! The SQLite file: opening it, who may read it, and its schema.

use std::fs::{self, DirBuilder, OpenOptions};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;

/// The file in the state directory.
const FILE: &str = "relay.sqlite";
/// How long a writer waits for another process's transaction.
const BUSY: Duration = Duration::from_secs(5);

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
];

/// A connection to the store's file.
pub struct Database {
    pub(super) connection: Connection,
}

impl Database {
    /// Opens the store in `directory`; makes both, private to this user, if they are missing.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let file = directory.join(FILE);
        create_private(directory, &file).map_err(|problem| open_error(&file, &problem.to_string()))?;
        let mut connection = Connection::open(&file).map_err(|e| open_error(&file, &e.to_string()))?;
        connection.busy_timeout(BUSY)?;
        known_schema(&connection, &file)?;
        configure(&connection).map_err(|e| open_error(&file, &e.to_string()))?;
        migrate(&mut connection, &file)?;
        Ok(Self { connection })
    }

    /// Whether this version can use the store in `directory`. It may not be there yet; nothing is changed.
    pub fn check(directory: &Path) -> Result<(), StoreError> {
        let file = directory.join(FILE);
        if !file.exists() {
            return Ok(());
        }
        let opened = Connection::open_with_flags(&file, OpenFlags::SQLITE_OPEN_READ_WRITE);
        let connection = opened.map_err(|e| open_error(&file, &e.to_string()))?;
        connection.busy_timeout(BUSY)?;
        known_schema(&connection, &file).map(drop)
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
    match OpenOptions::new().write(true).create_new(true).mode(0o600).open(file) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(error),
        _ => Ok(()),
    }
}

fn configure(connection: &Connection) -> rusqlite::Result<()> {
    connection.pragma_update(None, "journal_mode", "WAL")?;
    connection.pragma_update(None, "synchronous", "NORMAL")?;
    connection.pragma_update(None, "foreign_keys", true)
}

/// The file's schema version, if it is none that only a later version knows.
fn known_schema(connection: &Connection, file: &Path) -> Result<usize, StoreError> {
    let found: i64 = connection.query_row("PRAGMA user_version", [], |row| row.get(0))?;
    let known = SCHEMA.len() as i64;
    if (0..=known).contains(&found) {
        Ok(found as usize)
    } else {
        Err(StoreError::Newer { path: file.display().to_string(), found, known })
    }
}

/// Brings an older file up to date, whole or not at all.
fn migrate(connection: &mut Connection, file: &Path) -> Result<(), StoreError> {
    if known_schema(connection, file)? == SCHEMA.len() {
        return Ok(());
    }
    let transaction = connection.transaction_with_behavior(rusqlite::TransactionBehavior::Immediate)?;
    // Another process may have been faster.
    let found = known_schema(&transaction, file)?;
    for step in &SCHEMA[found..] {
        transaction.execute_batch(step)?;
    }
    transaction.pragma_update(None, "user_version", SCHEMA.len() as i64)?;
    Ok(transaction.commit()?)
}

fn open_error(path: &Path, problem: &str) -> StoreError {
    StoreError::Open { path: path.display().to_string(), problem: problem.into() }
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
        assert_eq!(mode(&directory.join(FILE)), 0o600);
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
        let before = content(FILE);
        for refusal in [Database::open(root.path()).err(), Database::check(root.path()).err()] {
            let error = refusal.expect("refused").to_string();
            assert!(error.contains("schema 99") && error.contains("install that version"), "{error}");
        }
        assert!(content(FILE) == before, "it was changed");
    }

    #[test]
    fn an_older_file_is_brought_up_to_date_with_all_that_is_in_it() {
        let root = tempfile::tempdir().expect("a directory");
        for version in 1..SCHEMA.len() {
            let file = root.path().join(FILE);
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
            Database::check(root.path()).expect("usable");
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
        let older = Connection::open(root.path().join(FILE)).expect("opened");
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
