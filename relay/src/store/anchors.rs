//! What was signed of sessions' accounts.

use fieldlink_evidence::{Anchor, Digest, KeptAnchor};
use fieldlink_protocol::ids::SessionId;
use rusqlite::{OptionalExtension, Row, Transaction, params};

use super::engineers::parsed;
use super::{Database, StoreError, UnixTime};

/// Anchors that are kept of one session.
pub(super) const MOST: i64 = 20_000;
/// Old anchors that are forgotten at once: the journal stays as long as it once was.
const FORGOTTEN_AT_ONCE: i64 = 1_000;

/// Something that was signed and is to be kept.
#[derive(Debug, Clone)]
pub struct NewAnchor {
    /// What it says.
    pub anchor: Anchor,
    /// The time in it.
    pub at: UnixTime,
    /// As it is sent.
    pub kept: KeptAnchor,
}

/// What became of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Anchoring {
    /// It is written down; of the same head, what was written down first.
    Kept(KeptAnchor),
    /// The account was anchored farther already, or otherwise at this place.
    Backwards,
    /// There are as many of that session as may be.
    Full,
}

/// The last one of a session.
struct Last {
    number: i64,
    seq: i64,
    head: Digest,
    kept: KeptAnchor,
}

impl Database {
    /// Keeps these, all of them or none, and says what became of each.
    pub(super) fn keep_anchors(&mut self, anchors: &[NewAnchor]) -> Result<Vec<Anchoring>, StoreError> {
        self.write(|transaction| anchors.iter().map(|new| keep(transaction, new)).collect())
    }

    /// Forgets some of those from before `before`; whether there may be more.
    pub(super) fn forget_anchors(&mut self, before: UnixTime) -> Result<bool, StoreError> {
        let forgotten = self.write(|transaction| {
            let query = "DELETE FROM anchors WHERE rowid IN
                         (SELECT rowid FROM anchors WHERE time < ? ORDER BY time LIMIT ?)";
            transaction.execute(query, params![before as i64, FORGOTTEN_AT_ONCE])
        })?;
        Ok(forgotten as i64 == FORGOTTEN_AT_ONCE)
    }

    /// What is kept of a session, in order.
    pub fn anchors(&self, session: SessionId) -> Result<Vec<KeptAnchor>, StoreError> {
        let query = "SELECT line, signature FROM anchors WHERE session = ? ORDER BY number";
        let mut statement = self.connection.prepare(query)?;
        let rows = statement.query_map([session.to_string()], |row| {
            Ok(KeptAnchor { line: row.get(0)?, signature: row.get(1)? })
        })?;
        Ok(rows.collect::<Result<_, _>>()?)
    }
}

/// The account only grows: what it was at an anchor stays so.
fn keep(transaction: &Transaction<'_>, new: &NewAnchor) -> rusqlite::Result<Anchoring> {
    let NewAnchor { anchor: Anchor { session, head, .. }, at, kept } = new;
    let session = session.to_string();
    let Ok(seq) = i64::try_from(head.seq) else { return Ok(Anchoring::Backwards) };
    let number = match last(transaction, &session)? {
        Some(last) if last.seq == seq && last.head == head.digest => return Ok(Anchoring::Kept(last.kept)),
        Some(last) if last.seq >= seq => return Ok(Anchoring::Backwards),
        Some(last) if last.number + 1 >= MOST => return Ok(Anchoring::Full),
        Some(last) => last.number + 1,
        None => 0,
    };
    transaction.execute(
        "INSERT INTO anchors (session, number, seq, head, time, line, signature) VALUES (?, ?, ?, ?, ?, ?, ?)",
        params![session, number, seq, head.digest.to_string(), *at as i64, kept.line, kept.signature],
    )?;
    Ok(Anchoring::Kept(kept.clone()))
}

fn last(transaction: &Transaction<'_>, session: &str) -> rusqlite::Result<Option<Last>> {
    let query = "SELECT number, seq, head, line, signature FROM anchors WHERE session = ?
                 ORDER BY number DESC LIMIT 1";
    transaction.query_row(query, [session], last_of).optional()
}

fn last_of(row: &Row<'_>) -> rusqlite::Result<Last> {
    let kept = KeptAnchor { line: row.get(3)?, signature: row.get(4)? };
    Ok(Last { number: row.get(0)?, seq: row.get(1)?, head: parsed(row, 2)?, kept })
}

#[cfg(test)]
mod tests {
    use fieldlink_evidence::Head;
    use fieldlink_protocol::timestamp;
    use proptest::prelude::*;

    use super::*;

    fn new(session: SessionId, seq: u64, text: &str, at: UnixTime) -> NewAnchor {
        let head = Head { seq, digest: Digest::of(text.as_bytes()) };
        let anchor = Anchor { session, head, time: timestamp::utc(at) };
        let kept = KeptAnchor { line: anchor.to_string(), signature: format!("of {text} at {at}") };
        NewAnchor { anchor, at, kept }
    }

    fn keep(database: &mut Database, new: NewAnchor) -> Anchoring {
        database.keep_anchors(&[new]).expect("written").remove(0)
    }

    #[test]
    fn an_account_goes_forward_and_says_one_thing_at_a_place() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        let (ours, other) = (SessionId::random(), SessionId::random());
        let first = new(ours, 5, "five", 100);
        assert_eq!(keep(&mut database, first.clone()), Anchoring::Kept(first.kept.clone()));
        // Asked again, it is what was signed first.
        assert_eq!(keep(&mut database, new(ours, 5, "five", 200)), Anchoring::Kept(first.kept.clone()));
        assert_eq!(keep(&mut database, new(ours, 5, "another", 200)), Anchoring::Backwards);
        assert_eq!(keep(&mut database, new(ours, 4, "four", 200)), Anchoring::Backwards);
        assert_eq!(keep(&mut database, new(ours, u64::MAX, "far", 200)), Anchoring::Backwards);
        let theirs = new(other, 0, "other", 200);
        assert_eq!(keep(&mut database, theirs.clone()), Anchoring::Kept(theirs.kept));
        let second = new(ours, 9, "nine", 300);
        assert_eq!(keep(&mut database, second.clone()), Anchoring::Kept(second.kept.clone()));
        assert_eq!(database.anchors(ours).expect("read"), [first.kept, second.kept]);
    }

    #[test]
    fn there_are_so_many_of_a_session_and_old_ones_are_forgotten() {
        let root = tempfile::tempdir().expect("a directory");
        let mut database = Database::open(root.path()).expect("opened");
        let (full, old) = (SessionId::random(), SessionId::random());
        keep(&mut database, new(full, 1, "one", 500));
        database.connection.execute("UPDATE anchors SET number = ?", [MOST - 1]).expect("set");
        assert_eq!(keep(&mut database, new(full, 2, "two", 500)), Anchoring::Full);
        let many: Vec<_> = (0..1_500).map(|seq| new(old, seq, "x", 100 + seq / 1_400)).collect();
        assert_eq!(database.keep_anchors(&many).expect("written").len(), 1_500);
        assert!(database.forget_anchors(101).expect("written"), "there are more");
        assert!(!database.forget_anchors(101).expect("written"));
        assert_eq!(database.anchors(old).expect("read").len(), 100);
        assert_eq!(database.anchors(full).expect("read").len(), 1);
    }

    proptest! {
        /// Whatever is asked for, what is kept never goes back and never says two things of a place.
        #[test]
        fn what_is_kept_is_one_account(asked in prop::collection::vec((0u8..2, 0u64..12, 0u8..3), 0..40)) {
            let root = tempfile::tempdir().expect("a directory");
            let mut database = Database::open(root.path()).expect("opened");
            let sessions = [1, 2].map(|n| SessionId::from_bytes([n; 16]));
            for (session, seq, text) in asked {
                keep(&mut database, new(sessions[usize::from(session)], seq, &text.to_string(), 1));
            }
            for session in sessions {
                let kept = database.anchors(session).expect("read");
                let seqs = kept.iter().map(|kept| kept.line.parse::<Anchor>().expect("an anchor").head.seq);
                let seqs: Vec<_> = seqs.collect();
                prop_assert!(seqs.windows(2).all(|two| two[0] < two[1]), "{:?}", seqs);
            }
        }
    }
}
