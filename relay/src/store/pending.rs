//! What has happened and is not written down yet. While the disk takes nothing it waits here; what is
//! asked of the store meanwhile is answered from here first.
//!
//! It is bounded by itself: only sessions that have a row can change, and no session begins without one. What
//! happens to a session while its row is still to be written waits for that.

use std::collections::{BTreeMap, BTreeSet};

use fieldlink_protocol::ids::{EngineerId, SessionId};
use fieldlink_protocol::reason::Reason;

use super::{SessionChange, UnixTime};
use crate::clock::Reading;
use crate::directory::Standing;

/// Changes that wait.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Pending {
    sessions: BTreeMap<SessionId, Changes>,
    /// Sessions whose row is queued.
    rowless: BTreeSet<SessionId>,
    revoked: BTreeMap<EngineerId, UnixTime>,
    clock: Option<Reading>,
}

/// What one session's row lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Changes {
    /// When it was admitted first, and what it stands on now.
    pub(super) admitted: Option<(UnixTime, Standing)>,
    /// Bytes to the agent, and to the engineer.
    pub(super) traffic: Option<(u64, u64)>,
    /// When it ended, and why.
    pub(super) ended: Option<(UnixTime, Reason)>,
}

impl Pending {
    /// Takes in a change. A session that has ended stays as it ended.
    pub(super) fn add(&mut self, change: SessionChange) {
        match change {
            SessionChange::Admitted { session, at, standing } => {
                let changes = self.sessions.entry(session).or_default();
                let first = changes.admitted.map_or(at, |(first, _)| first);
                changes.admitted = Some((first, standing));
            }
            SessionChange::Traffic { session, bytes_to_agent, bytes_to_engineer } => {
                let changes = self.sessions.entry(session).or_default();
                if changes.ended.is_none() {
                    changes.traffic = Some((bytes_to_agent, bytes_to_engineer));
                }
            }
            SessionChange::Ended { session, at, reason, bytes_to_agent, bytes_to_engineer } => {
                let changes = self.sessions.entry(session).or_default();
                if changes.ended.is_none() {
                    changes.traffic = Some((bytes_to_agent, bytes_to_engineer));
                    changes.ended = Some((at, reason));
                }
            }
        }
    }

    /// A session's row is queued. What happens to it before the row is there is kept.
    pub(super) fn await_row(&mut self, session: SessionId) {
        self.rowless.insert(session);
    }

    /// Whether that row was written is known. Without one the session never was.
    pub(super) fn row_is(&mut self, session: SessionId, written: bool) {
        self.rowless.remove(&session);
        if !written {
            self.sessions.remove(&session);
        }
    }

    /// An engineer is revoked.
    pub(super) fn revoke(&mut self, engineer: EngineerId, at: UnixTime) {
        self.revoked.entry(engineer).or_insert(at);
    }

    /// What the relay's clock shows; the latest counts.
    pub(super) fn note_clock(&mut self, reading: Reading) {
        self.clock = Some(reading);
    }

    /// Why a session has ended, if that waits here.
    pub(super) fn end_of(&self, session: SessionId) -> Option<Reason> {
        self.sessions.get(&session)?.ended.map(|(_, reason)| reason)
    }

    /// The engineers whose revocation waits here.
    pub(super) fn revoked(&self) -> impl Iterator<Item = (EngineerId, UnixTime)> {
        self.revoked.iter().map(|(engineer, at)| (*engineer, *at))
    }

    /// What can be written now.
    pub(super) fn writable(&self) -> Self {
        let mut writable = self.clone();
        writable.sessions.retain(|session, _| !self.rowless.contains(session));
        writable.rowless.clear();
        writable
    }

    /// Of that, what takes rights away: it is written even if there is room for nothing else.
    pub(super) fn final_part(&self) -> Self {
        let sessions = self.sessions.iter().filter(|(_, changes)| changes.ended.is_some());
        let sessions = sessions.map(|(session, changes)| (*session, *changes)).collect();
        Self { sessions, revoked: self.revoked.clone(), ..Self::default() }
    }

    /// Forgets what `written` has, unless it changed since.
    pub(super) fn forget(&mut self, written: &Self) {
        self.sessions.retain(|session, changes| written.sessions.get(session) != Some(changes));
        self.revoked.retain(|engineer, _| !written.revoked.contains_key(engineer));
        self.clock.take_if(|reading| Some(&*reading) == written.clock.as_ref());
    }

    /// Sessions whose row lacks something.
    pub(super) fn sessions(&self) -> impl Iterator<Item = (SessionId, &Changes)> {
        self.sessions.iter().map(|(session, changes)| (*session, changes))
    }

    /// The clock's last reading.
    pub(super) fn clock(&self) -> Option<&Reading> {
        self.clock.as_ref()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn change(session: SessionId, kind: u8, number: u64) -> SessionChange {
        let (bytes_to_agent, bytes_to_engineer) = (number, number + 1);
        match kind {
            0 => SessionChange::Traffic { session, bytes_to_agent, bytes_to_engineer },
            _ => SessionChange::Ended {
                session,
                at: number,
                reason: Reason::ClientEnded,
                bytes_to_agent,
                bytes_to_engineer,
            },
        }
    }

    #[test]
    fn an_end_is_final_and_what_changed_since_a_write_stays() {
        let (mut pending, session) = (Pending::default(), SessionId::random());
        pending.add(change(session, 0, 1));
        let written = pending.clone();
        pending.add(change(session, 1, 7));
        pending.add(change(session, 0, 9));
        pending.add(change(session, 1, 10));
        assert_eq!(pending.end_of(session), Some(Reason::ClientEnded));
        pending.forget(&written);
        let kept: Vec<_> = pending.sessions().map(|(_, changes)| *changes).collect();
        let ended = Some((7, Reason::ClientEnded));
        assert_eq!(kept, [Changes { admitted: None, traffic: Some((7, 8)), ended }]);
        pending.forget(&pending.clone());
        assert!(pending.is_empty());
    }

    #[test]
    fn what_happens_before_the_row_is_there_waits_for_it() {
        let (mut pending, session, refused) = (Pending::default(), SessionId::random(), SessionId::random());
        for session in [session, refused] {
            pending.await_row(session);
            pending.add(change(session, 1, 7));
        }
        assert!(pending.writable().is_empty());
        pending.forget(&pending.writable());
        pending.row_is(session, true);
        let written = pending.writable();
        assert_eq!(written.sessions().map(|(session, _)| session).collect::<Vec<_>>(), [session]);
        assert_eq!(written.final_part(), written);
        pending.forget(&written);
        pending.row_is(refused, false);
        assert!(pending.is_empty(), "nothing is left of a session that never was");
    }

    proptest! {
        /// Whatever is written in between, the rows end up as if everything had been written at once.
        #[test]
        fn writing_in_between_loses_nothing(changes in prop::collection::vec((0u8..3, 0u8..2, any::<u16>(), any::<bool>()), 0..40)) {
            let sessions: Vec<_> = (0..3).map(|n| SessionId::from_bytes([n; 16])).collect();
            let (mut whole, mut pending, mut rows) = (Pending::default(), Pending::default(), Pending::default());
            for (session, kind, number, write) in changes {
                let change = change(sessions[usize::from(session)], kind, number.into());
                whole.add(change);
                pending.add(change);
                if write {
                    apply(&mut rows, &pending);
                    pending.forget(&pending.clone());
                }
            }
            apply(&mut rows, &pending);
            prop_assert_eq!(rows, whole);
        }
    }

    /// As the database does: what has ended is not touched any more.
    fn apply(rows: &mut Pending, pending: &Pending) {
        for (session, changes) in pending.sessions() {
            let row = rows.sessions.entry(session).or_default();
            if row.ended.is_none() {
                row.traffic = changes.traffic.or(row.traffic);
                row.ended = changes.ended;
            }
        }
    }
}
