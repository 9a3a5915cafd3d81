//! What one relay's clock leaves for the next.

use rusqlite::{OptionalExtension, Transaction, params};

use super::{Database, StoreError, UnixTime};
use crate::clock::Reading;

/// Writes down what the clock shows.
pub(super) fn write(transaction: &Transaction<'_>, reading: &Reading) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT OR REPLACE INTO clock (only, boot, uptime, unix) VALUES (1, ?, ?, ?)",
        params![reading.boot, reading.uptime as i64, reading.unix as i64],
    )
}

impl Database {
    /// The last reading, and the newest time by that clock that anything else shows.
    pub(super) fn last_times(&self) -> Result<(Option<Reading>, UnixTime), StoreError> {
        let reading = self.connection.query_row("SELECT boot, uptime, unix FROM clock", [], |row| {
            let (boot, uptime, unix) =
                (row.get(0)?, row.get::<_, i64>(1)? as u64, row.get::<_, i64>(2)? as u64);
            Ok(Reading { boot, uptime, unix })
        });
        let newest = "SELECT max(coalesce((SELECT max(created_at) FROM ticket_keys), 0),
                                 coalesce((SELECT max(not_before) FROM sessions WHERE ended_at IS NULL), 0))";
        let newest: i64 = self.connection.query_row(newest, [], |row| row.get(0))?;
        Ok((reading.optional()?, newest as UnixTime))
    }
}
