//! The keys that sign tickets, and their rotation.

use std::time::Duration;

use fieldlink_protocol::secret::{Secret, random_bytes};
use fieldlink_protocol::ticket::{TicketKey, TicketKeys};
use rusqlite::{Transaction, params};

use super::{Database, StoreError, UnixTime};

/// How long a ticket key lives.
#[derive(Debug, Clone, Copy)]
pub struct KeyPolicy {
    /// A key that is older signs nothing more.
    pub rotate_after: Duration,
    /// A key that no longer signs still verifies for this long: the life of what it signed.
    pub keep_for: Duration,
}

impl Database {
    /// The keys at `now`; draws a new one, and forgets old ones, as `policy` says. While a new one cannot be
    /// written, the last one signs: a key that is in no file would be lost with this process.
    pub(super) fn ticket_keys(&mut self, now: UnixTime, policy: KeyPolicy) -> Result<TicketKeys, StoreError> {
        let mut keys = self.stored_keys()?;
        let newest = keys.first().map(|(_, created_at)| *created_at);
        if newest.is_none_or(|created_at| now >= created_at + policy.rotate_after.as_secs()) {
            let key = new_key();
            match self.write(|transaction| store_key(transaction, &key, now)) {
                Ok(_) => keys.insert(0, (key, now)),
                Err(error) if keys.is_empty() => return Err(error),
                Err(error) => {
                    tracing::error!(%error, "could not write a new ticket key: the last one goes on signing")
                }
            }
        }
        let old = forget_old_keys(&mut keys, now, policy);
        if !old.is_empty()
            && let Err(error) = self.write(|transaction| delete_keys(transaction, &old))
        {
            tracing::warn!(%error, "could not delete old ticket keys: they count for nothing any more");
        }
        let mut keys = keys.into_iter().map(|(key, _)| key);
        let current = keys.next().ok_or(rusqlite::Error::QueryReturnedNoRows)?;
        Ok(TicketKeys::new(current, keys.collect()))
    }

    /// All keys with their times, the newest first.
    fn stored_keys(&self) -> Result<Vec<(TicketKey, UnixTime)>, StoreError> {
        let mut statement = self.connection.prepare(
            "SELECT kid, master, created_at FROM ticket_keys ORDER BY created_at DESC, rowid DESC",
        )?;
        let rows = statement.query_map([], |row| {
            let key = TicketKey { kid: row.get(0)?, master: Secret::new(row.get(1)?) };
            Ok((key, row.get::<_, i64>(2)? as UnixTime))
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

fn new_key() -> TicketKey {
    let kid = random_bytes::<8>().iter().map(|byte| format!("{byte:02x}")).collect();
    TicketKey { kid, master: Secret::random() }
}

fn store_key(transaction: &Transaction<'_>, key: &TicketKey, now: UnixTime) -> rusqlite::Result<usize> {
    transaction.execute(
        "INSERT INTO ticket_keys (kid, master, created_at) VALUES (?, ?, ?)",
        params![key.kid, key.master.expose(), now as i64],
    )
}

/// Takes out the names of the keys that verify nothing any more: a key is old once its successor has signed
/// for longer than anything it signed can live.
fn forget_old_keys(keys: &mut Vec<(TicketKey, UnixTime)>, now: UnixTime, policy: KeyPolicy) -> Vec<String> {
    let old = |successor: &(TicketKey, UnixTime)| now >= successor.1 + policy.keep_for.as_secs();
    let kept = keys.iter().position(old).map_or(keys.len(), |index| index + 1);
    keys.drain(kept..).map(|(key, _)| key.kid).collect()
}

fn delete_keys(transaction: &Transaction<'_>, kids: &[String]) -> rusqlite::Result<()> {
    let delete = |kid| transaction.execute("DELETE FROM ticket_keys WHERE kid = ?", [kid]);
    kids.iter().try_for_each(|kid| delete(kid).map(|_| ()))
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::AgentKey;
    use fieldlink_protocol::support_id::SupportId;
    use fieldlink_protocol::ticket::{Lease, Signed, Tenure, TicketError};

    use super::*;

    const POLICY: KeyPolicy =
        KeyPolicy { rotate_after: Duration::from_secs(100), keep_for: Duration::from_secs(20) };

    fn lease() -> Lease {
        let (support_id, agent_key) = (SupportId::random(), AgentKey::from_bytes([7; 32]));
        let (tenure, earlier) = (Tenure { boot: 1, sequence: 1 }, None);
        Lease { node: "main".into(), support_id, agent_key, tenure, earlier, expires: u64::MAX }
    }

    #[test]
    fn keys_rotate_and_old_ones_are_kept_as_long_as_their_tickets_live() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        let mut keys = |now| database.ticket_keys(now, POLICY).expect("keys");
        let first = keys(1_000).sign(&lease());
        let kid = |token: &Signed<Lease>| token.as_str().split('.').next().map(str::to_owned);
        assert_eq!(kid(&keys(1_099).sign(&lease())), kid(&first));
        let second = keys(1_100).sign(&lease());
        assert_ne!(kid(&second), kid(&first));
        assert!(keys(1_119).verify::<Lease>(&first, 1).is_ok());
        assert_eq!(keys(1_120).verify::<Lease>(&first, 1), Err(TicketError::UnknownKey));
        assert!(keys(1_120).verify::<Lease>(&second, 1).is_ok());
        // After a long sleep the last key is still good for as long as it should be.
        assert!(keys(9_000).verify::<Lease>(&second, 1).is_ok());
        assert_eq!(keys(9_020).verify::<Lease>(&second, 1), Err(TicketError::UnknownKey));
    }

    #[test]
    fn keys_survive_a_restart() {
        let root = tempfile::tempdir().expect("a directory");
        let open = || Database::open(root.path()).expect("opened").ticket_keys(1_000, POLICY).expect("keys");
        let token = open().sign(&lease());
        assert!(open().verify::<Lease>(&token, 1).is_ok());
    }
}
