//! The number of the relay's boot, which orders what it has signed in different ones.

use rusqlite::OptionalExtension;

use super::{Database, StoreError};

impl Database {
    /// Counts a further boot. Not even a power failure takes back a number that was used.
    pub(super) fn begin_boot(&self) -> Result<u64, StoreError> {
        self.connection.pragma_update(None, "synchronous", "FULL")?;
        let counted = self.connection.query_row(
            "INSERT INTO boots (only, number) VALUES (1, 1)
             ON CONFLICT (only) DO UPDATE SET number = number + 1 RETURNING number",
            [],
            |row| row.get::<_, i64>(0),
        );
        self.connection.pragma_update(None, "synchronous", "NORMAL")?;
        Ok(counted? as u64)
    }

    /// The number of the latest boot; 0 if there was none.
    pub(super) fn last_boot(&self) -> Result<u64, StoreError> {
        let last = self.connection.query_row("SELECT number FROM boots", [], |row| row.get::<_, i64>(0));
        Ok(last.optional()?.unwrap_or(0) as u64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_boot_has_a_higher_number_unless_it_could_not_be_written() {
        let root = tempfile::tempdir().expect("a directory");
        let open = || Database::open(root.path()).expect("opened");
        assert_eq!(open().last_boot().expect("read"), 0);
        assert_eq!(open().begin_boot().expect("counted"), 1);
        assert_eq!(open().begin_boot().expect("counted"), 2);
        let database = open();
        database.connection.pragma_update(None, "query_only", true).expect("set");
        assert!(database.begin_boot().is_err());
        assert_eq!(database.last_boot().expect("read"), 2);
    }
}
