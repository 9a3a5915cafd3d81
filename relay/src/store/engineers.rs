//! Engineers: added, listed, revoked.

use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::text;
use rusqlite::{ErrorCode, Row, Transaction, params};
use serde::Serialize;

use super::likeness::Likeness;
use super::{Database, Roster, StoreError, UnixTime};

/// An engineer, for a list.
#[derive(Debug, Clone, Serialize)]
pub struct EngineerRow {
    /// ID, name and company.
    #[serde(flatten)]
    pub identity: EngineerIdentity,
    /// When they were added.
    pub added_at: UnixTime,
    /// When they were revoked, if they were.
    pub revoked_at: Option<UnixTime>,
}

impl Database {
    /// Adds the engineer of `credential`. Only a hash of the secret is written.
    pub fn add_engineer(&mut self, credential: &Credential, now: UnixTime) -> Result<(), StoreError> {
        let EngineerIdentity { id, name, company } = &credential.engineer;
        if let Some(like) = self.called(name)?.into_iter().next() {
            return Err(StoreError::NameTaken(text::name(&like.name)));
        }
        let added = self.write(|transaction| {
            transaction.execute(
                "INSERT INTO engineers (id, name, company, secret_hash, added_at) VALUES (?, ?, ?, ?, ?)",
                params![id.to_string(), name, company, credential.secret_hash(), now as i64],
            )
        });
        match added {
            Err(StoreError::Database(error))
                if error.sqlite_error_code() == Some(ErrorCode::ConstraintViolation) =>
            {
                Err(StoreError::NameTaken(text::name(name)))
            }
            other => other.map(|_| ()),
        }
    }

    /// Revokes the active engineers called `name`; false if there is none.
    pub fn revoke_engineer(&mut self, name: &str, now: UnixTime) -> Result<bool, StoreError> {
        let called = self.active_engineers(name)?;
        self.revoke_engineers(&called, now)?;
        Ok(!called.is_empty())
    }

    /// Revokes these; it needs no room on the disk.
    pub fn revoke_engineers(
        &mut self,
        engineers: &[EngineerIdentity],
        now: UnixTime,
    ) -> Result<(), StoreError> {
        self.write_from_reserve(|transaction| {
            engineers.iter().try_for_each(|engineer| revoke(transaction, engineer.id, now).map(|_| ()))
        })
    }

    /// The engineers who are not revoked and are called `name`, or something that reads the same, or have that ID.
    pub fn active_engineers(&self, name: &str) -> Result<Vec<EngineerIdentity>, StoreError> {
        let Ok(id) = name.trim().parse::<EngineerId>() else { return self.called(name) };
        Ok(self.active()?.filter(|identity| identity.id == id).collect())
    }

    fn called(&self, name: &str) -> Result<Vec<EngineerIdentity>, StoreError> {
        let wanted = Likeness::of(name);
        let is_like = |identity: &EngineerIdentity| Likeness::of(&identity.name).is_like(&wanted);
        Ok(self.active()?.filter(is_like).collect())
    }

    fn active(&self) -> Result<impl Iterator<Item = EngineerIdentity> + use<>, StoreError> {
        let active = self.engineers()?.into_iter().filter(|row| row.revoked_at.is_none());
        Ok(active.map(|row| row.identity))
    }

    /// Every engineer who was ever added, the earliest first.
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

    /// The engineers who are not revoked, with the hashes of their secrets.
    pub(super) fn roster(&self) -> Result<Roster, StoreError> {
        let mut statement = self
            .connection
            .prepare("SELECT id, name, company, secret_hash FROM engineers WHERE revoked_at IS NULL")?;
        let rows = statement.query_map([], |row| Ok((identity(row)?, row.get::<_, [u8; 32]>(3)?)))?;
        Ok(Roster::new(rows.collect::<Result<Vec<_>, _>>()?))
    }
}

/// Revokes an engineer. One who is revoked already keeps the earlier time.
pub(super) fn revoke(
    transaction: &Transaction<'_>,
    engineer: EngineerId,
    at: UnixTime,
) -> rusqlite::Result<usize> {
    let query = "UPDATE engineers SET revoked_at = ? WHERE id = ? AND revoked_at IS NULL";
    transaction.execute(query, params![at as i64, engineer.to_string()])
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
    fn who_reads_the_same_is_revoked_together() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        let (first, other) = (credential("Ada Lovelace"), credential("Max"));
        for credential in [&first, &other] {
            database.add_engineer(credential, 10).expect("added");
        }
        // As an earlier version would have let it in.
        let second = credential("Ada Lovelace ");
        let EngineerIdentity { id, name, company } = &second.engineer;
        let row = params![id.to_string(), name, company, second.secret_hash()];
        database
            .connection
            .execute(
                "INSERT INTO engineers (id, name, company, secret_hash, added_at) VALUES (?, ?, ?, ?, 11)",
                row,
            )
            .expect("written");
        assert!(database.revoke_engineer("ada lovelace", 12).expect("revoked"));
        let roster = database.roster().expect("read");
        assert!(!roster.contains(first.engineer.id) && !roster.contains(second.engineer.id));
        assert!(database.revoke_engineer(&other.engineer.id.to_string(), 13).expect("by the ID"));
    }

    #[test]
    fn a_name_is_free_again_once_it_is_revoked() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        let (first, second) = (credential("Zoë"), credential("Zoë"));
        database.add_engineer(&first, 10).expect("added");
        assert!(matches!(database.add_engineer(&second, 11), Err(StoreError::NameTaken(_))));
        assert!(database.revoke_engineer("Zoë", 12).expect("revoked"));
        assert!(!database.revoke_engineer("Zoë", 13).expect("nobody left"));
        database.add_engineer(&second, 14).expect("added");
        assert!(matches!(
            database.add_engineer(&credential("Zoe\u{308} "), 15),
            Err(StoreError::NameTaken(_))
        ));
        let times: Vec<_> =
            database.engineers().expect("listed").iter().map(|row| (row.added_at, row.revoked_at)).collect();
        assert_eq!(times, [(10, Some(12)), (14, None)]);
        let roster = database.roster().expect("read");
        assert_eq!(roster.authenticate(first.engineer.id, &first.secret_hash()), None);
        assert_eq!(roster.authenticate(second.engineer.id, &second.secret_hash()), Some(second.engineer));
    }
}
