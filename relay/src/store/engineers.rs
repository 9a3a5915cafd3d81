//! Engineers: added, listed, revoked.

use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use rusqlite::{ErrorCode, Row, params};
use serde::Serialize;

use super::{Database, Roster, StoreError, UnixTime};

/// An engineer, for a list.
#[derive(Debug, Clone, Serialize)]
pub struct EngineerRow {
    /// Who.
    #[serde(flatten)]
    pub identity: EngineerIdentity,
    /// When they were added.
    pub added_at: UnixTime,
    /// When they were revoked, if they were.
    pub revoked_at: Option<UnixTime>,
}

impl Database {
    /// Adds the engineer of `credential`. Only a hash of the secret is written.
    pub fn add_engineer(&self, credential: &Credential, now: UnixTime) -> Result<(), StoreError> {
        let EngineerIdentity { id, name, company } = &credential.engineer;
        let added = self.connection.execute(
            "INSERT INTO engineers (id, name, company, secret_hash, added_at) VALUES (?, ?, ?, ?, ?)",
            params![id.to_string(), name, company, credential.secret_hash(), now as i64],
        );
        match added {
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => {
                Err(StoreError::NameTaken(name.clone()))
            }
            other => other.map(|_| ()).map_err(StoreError::from),
        }
    }

    /// Revokes the active engineer called `name`; false if there is none.
    pub fn revoke_engineer(&self, name: &str, now: UnixTime) -> Result<bool, StoreError> {
        let revoked = self.connection.execute(
            "UPDATE engineers SET revoked_at = ? WHERE name = ? AND revoked_at IS NULL",
            params![now as i64, name],
        )?;
        Ok(revoked > 0)
    }

    /// Everyone who was ever added, in that order.
    pub fn engineers(&self) -> Result<Vec<EngineerRow>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT id, name, company, added_at, revoked_at FROM engineers ORDER BY added_at, rowid",
        )?;
        let rows = statement.query_map([], |row| {
            Ok(EngineerRow {
                identity: identity(row)?,
                added_at: row.get::<_, i64>(3)? as UnixTime,
                revoked_at: row.get::<_, Option<i64>>(4)?.map(|at| at as UnixTime),
            })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }

    /// Those who are not revoked, with the hashes of their secrets.
    pub(super) fn roster(&self) -> Result<Roster, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT id, name, company, secret_hash FROM engineers WHERE revoked_at IS NULL")?;
        let rows = statement.query_map([], |row| Ok((identity(row)?, row.get::<_, [u8; 32]>(3)?)))?;
        Ok(Roster::new(rows.collect::<Result<Vec<_>, _>>()?))
    }
}

fn identity(row: &Row<'_>) -> rusqlite::Result<EngineerIdentity> {
    Ok(EngineerIdentity { id: parsed::<EngineerId>(row, 0)?, name: row.get(1)?, company: row.get(2)? })
}

/// A column that is kept as text.
pub(super) fn parsed<T: std::str::FromStr>(row: &Row<'_>, column: usize) -> rusqlite::Result<T>
where
    T::Err: std::error::Error + Send + Sync + 'static,
{
    row.get::<_, String>(column)?.parse().map_err(|error| {
        rusqlite::Error::FromSqlConversionFailure(column, rusqlite::types::Type::Text, Box::new(error))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn credential(name: &str) -> Credential {
        Credential::generate(EngineerIdentity {
            id: EngineerId::random(),
            name: name.into(),
            company: "C".into(),
        })
    }

    #[test]
    fn a_name_is_free_again_once_it_is_revoked() {
        let root = tempfile::tempdir().expect("a directory");
        let database = Database::open(root.path()).expect("opened");
        let (first, second) = (credential("Zoë"), credential("Zoë"));
        database.add_engineer(&first, 10).expect("added");
        assert!(matches!(database.add_engineer(&second, 11), Err(StoreError::NameTaken(_))));
        assert!(database.revoke_engineer("Zoë", 12).expect("revoked"));
        assert!(!database.revoke_engineer("Zoë", 13).expect("nobody left"));
        database.add_engineer(&second, 14).expect("added");
        let times: Vec<_> =
            database.engineers().expect("listed").iter().map(|row| (row.added_at, row.revoked_at)).collect();
        assert_eq!(times, [(10, Some(12)), (14, None)]);
        let roster = database.roster().expect("read");
        assert_eq!(roster.authenticate(first.engineer.id, &first.secret_hash()), None);
        assert_eq!(roster.authenticate(second.engineer.id, &second.secret_hash()), Some(second.engineer));
    }
}
