//! The store's thread: does jobs in turn, writes what is pending, looks for what other processes change.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::pending::Pending;
use super::shared::Shared;
use super::trouble::Trouble;
use super::{Anchoring, Database, NewAnchor, OpenedSession, StoreError};

/// How often the thread looks whether another process has changed the file.
const POLL: Duration = Duration::from_millis(250);
/// After a write of what is pending that failed, the next one is tried so much later.
const RETRY: Duration = Duration::from_secs(1);
/// How often the reserve is looked after.
const RESERVE_CHECK: Duration = Duration::from_secs(60);

/// Something to be done on the thread.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// What the thread owns.
pub(super) struct Writer {
    pub(super) database: Database,
    version: i64,
    shared: Arc<Shared>,
    /// Rows of new sessions, and what is pending, may fail apart from each other: a full disk has no room for the
    /// one, and writes the other over what is there.
    beginnings: Trouble,
    waiting: Trouble,
    anchors: Trouble,
    /// When what is pending is written again, after a failure.
    next_try: Instant,
    next_reserve_check: Instant,
    is_readable: bool,
}

impl Writer {
    pub(super) fn new(database: Database, version: i64, shared: Arc<Shared>) -> Self {
        let (next_try, next_reserve_check) = (Instant::now(), Instant::now());
        let beginnings = Trouble::new(
            "no session begins; the running ones go on",
            "the store can be written again: sessions begin",
        );
        let waiting = Trouble::new(
            "what becomes of sessions, and who is revoked, waits, and is lost if the relay ends before it is written",
            "what waited for the store is written",
        );
        let anchors = Trouble::new(
            "no anchors are given; sessions go on, and what they did can be proven from their last anchor on only",
            "the store can be written again: anchors are given",
        );
        Self {
            database,
            version,
            shared,
            beginnings,
            waiting,
            anchors,
            next_try,
            next_reserve_check,
            is_readable: true,
        }
    }

    /// Runs until the queue has no sender any more, and what is pending is written or cannot be.
    pub(super) fn run(mut self, queue: &Receiver<Job>) {
        let mut next_poll = Instant::now();
        loop {
            match queue.recv_timeout(next_poll.saturating_duration_since(Instant::now())) {
                Ok(job) => job(&mut self),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => break,
            }
            if Instant::now() >= next_poll {
                next_poll = Instant::now() + POLL;
                self.poll();
            }
        }
        self.next_try = Instant::now();
        self.write_pending();
        let lost = self.shared.pending().final_part();
        let (ends, revoked) = (lost.sessions().count(), lost.revoked().count());
        if ends + revoked > 0 {
            tracing::error!(
                ends,
                revoked,
                "stopped with what could not be written: the next relay does not know that these sessions have \
                 ended and these engineers are revoked"
            );
        }
    }

    /// Writes a session's row. Where nothing can be written, or there is no room kept for its end, no session
    /// begins.
    pub(super) fn open_session(&mut self, opened: &OpenedSession) -> Result<(), StoreError> {
        let written = self.write_row(opened);
        self.shared.pending().row_is(opened.session, written.is_ok());
        written
    }

    /// Keeps anchors, if there is room beside what was put by for the ends of sessions.
    pub(super) fn keep_anchors(&mut self, anchors: &[NewAnchor]) -> Result<Vec<Anchoring>, StoreError> {
        let kept = self.check_place().and_then(|()| self.database.keep_anchors(anchors));
        self.anchors.note(&kept);
        kept
    }

    fn write_row(&mut self, opened: &OpenedSession) -> Result<(), StoreError> {
        // What has happened comes first, while there is room.
        self.write_pending();
        let room = self.check_place().and_then(|()| self.database.fill_reserve());
        let written = room.and_then(|()| self.database.open_session(opened));
        self.beginnings.note(&written);
        if written.is_ok() && self.waiting.is_there() {
            // The disk takes something again.
            self.next_try = Instant::now();
            self.write_pending();
        }
        written
    }

    /// Writes what is pending, unless that failed a moment ago.
    pub(super) fn write_pending(&mut self) {
        if Instant::now() < self.next_try {
            return;
        }
        let pending = self.shared.pending().writable();
        if pending.is_empty() {
            return;
        }
        let written = self.check_place().and_then(|()| self.write_all(&pending));
        match &written {
            Err(_) => self.next_try = Instant::now() + RETRY,
            Ok(()) if self.waiting.is_there() => self.next_reserve_check = Instant::now(),
            Ok(()) => {}
        }
        self.waiting.note(&written);
    }

    /// What takes rights away first, with the reserve's help; the rest if there is room.
    fn write_all(&mut self, pending: &Pending) -> Result<(), StoreError> {
        let final_part = pending.final_part();
        if !final_part.is_empty() {
            self.database.write_from_reserve(|transaction| super::audit::write(transaction, &final_part))?;
            self.shared.pending().forget(&final_part);
        }
        let rest = self.shared.pending().writable();
        if !rest.is_empty() {
            self.database.write(|transaction| super::audit::write(transaction, &rest))?;
            self.shared.pending().forget(&rest);
        }
        Ok(())
    }

    /// Looks for what other processes did, and after what is left to do.
    fn poll(&mut self) {
        let read = self.reload_if_changed();
        if let Err(error) = &read
            && self.is_readable
        {
            tracing::error!(%error, "could not read the engineers: the last known list counts");
        }
        self.is_readable = read.is_ok();
        self.write_pending();
        if !self.waiting.is_there() && Instant::now() >= self.next_reserve_check {
            self.next_reserve_check = Instant::now() + RESERVE_CHECK;
            let filled = self.check_place().and_then(|()| self.database.fill_reserve());
            if let Err(error) = filled
                && !self.beginnings.is_there()
            {
                tracing::warn!(%error, "could not keep room for the ends of sessions");
            }
        }
    }

    /// Has the file that is in its place now, and one that can be written if the disk can.
    fn check_place(&mut self) -> Result<(), StoreError> {
        if self.database.is_in_place() && !self.database.is_read_only() {
            return Ok(());
        }
        let reopened = self.database.reopened()?;
        if !self.database.is_in_place() {
            tracing::warn!("another file has taken the place of the store's: going on with that one");
        }
        (self.database, self.version) = (reopened, -1);
        Ok(())
    }

    /// Publishes the roster if another process has changed the file.
    pub(super) fn reload_if_changed(&mut self) -> Result<(), StoreError> {
        if !self.database.is_in_place() {
            self.check_place()?;
        }
        let version = self.database.data_version()?;
        if version != self.version {
            let roster = self.database.roster()?;
            self.version = version;
            self.shared.publish(roster);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::{Credential, EngineerIdentity};
    use fieldlink_protocol::ids::{EngineerId, SessionId};
    use fieldlink_protocol::reason::Reason;
    use fieldlink_protocol::support_id::SupportId;
    use rusqlite::Connection;
    use tempfile::TempDir;

    use super::super::SessionChange;
    use super::*;

    /// A writer, and a session that runs in its store.
    struct Desk {
        writer: Writer,
        running: OpenedSession,
        /// The file, as something that happens to it sees it.
        file: Connection,
        _root: TempDir,
    }

    impl Desk {
        fn new() -> Self {
            let root = tempfile::tempdir().expect("a directory");
            let mut database = Database::open(root.path()).expect("opened");
            let identity =
                EngineerIdentity { id: EngineerId::random(), name: "Zoë".into(), company: "C".into() };
            database.add_engineer(&Credential::generate(identity.clone()), 1).expect("added");
            let running = opened(&identity);
            let (shared, _) = Shared::new(database.roster().expect("read"));
            let mut writer = Writer::new(database, 0, Arc::new(shared));
            writer.open_session(&running).expect("room");
            let file = Connection::open(root.path().join(Database::FILE)).expect("opened");
            Self { writer, running, file, _root: root }
        }

        /// Nothing of this kind (INSERT, UPDATE) can be done to sessions any more.
        fn refuse(&self, kind: &str) {
            let raise = "BEGIN SELECT RAISE(FAIL, 'disk is full'); END";
            let sql = format!("CREATE TRIGGER no_{kind} BEFORE {kind} ON sessions {raise}");
            self.file.execute_batch(&sql).expect("made");
        }

        fn permit(&self, kind: &str) {
            self.file.execute_batch(&format!("DROP TRIGGER no_{kind}")).expect("dropped");
        }

        fn end_running(&self) {
            let (session, reason) = (self.running.session, Reason::ClientEnded);
            let (bytes_to_agent, bytes_to_engineer) = (1, 2);
            let ended = SessionChange::Ended { session, at: 9, reason, bytes_to_agent, bytes_to_engineer };
            self.writer.shared.pending().add(ended);
        }

        fn open_another(&mut self) -> Result<(), StoreError> {
            self.writer.open_session(&opened(&self.running.engineer))
        }

        fn is_ended(&self) -> bool {
            let session = self.running.session.to_string();
            self.writer.database.session_end(&session).expect("read").is_some()
        }
    }

    fn opened(engineer: &EngineerIdentity) -> OpenedSession {
        OpenedSession {
            session: SessionId::random(),
            engineer: engineer.clone(),
            reference: "T-1".into(),
            partner: None,
            support_id: SupportId::random(),
            device_address: [127, 0, 0, 1].into(),
            at: 5,
            not_before: 5,
            joins: None,
        }
    }

    #[test]
    fn requests_that_cannot_be_written_do_not_put_off_the_ends_of_sessions() {
        let mut desk = Desk::new();
        ["INSERT", "UPDATE"].iter().for_each(|kind| desk.refuse(kind));
        desk.end_running();
        let before = Instant::now();
        desk.writer.write_pending();
        assert!(desk.writer.next_try >= before + RETRY, "not at once again");
        let next_try = before + RETRY * 3_600;
        desk.writer.next_try = next_try;
        assert!(desk.open_another().is_err());
        assert_eq!(desk.writer.next_try, next_try);
        // Where there is room for ends alone, the next request finds them written once that is due.
        desk.permit("UPDATE");
        desk.writer.next_try = Instant::now();
        assert!(desk.open_another().is_err());
        assert!(desk.is_ended());
    }

    #[test]
    fn a_session_that_can_be_written_down_has_what_waits_written_at_once() {
        let mut desk = Desk::new();
        desk.refuse("UPDATE");
        desk.end_running();
        desk.writer.write_pending();
        assert!(desk.writer.waiting.is_there() && !desk.is_ended());
        desk.permit("UPDATE");
        desk.open_another().expect("room");
        assert!(!desk.writer.waiting.is_there() && desk.is_ended());
    }

    #[test]
    fn sessions_begin_again_when_one_has_begun_and_not_when_something_else_was_written() {
        let mut desk = Desk::new();
        desk.refuse("INSERT");
        assert!(desk.open_another().is_err());
        desk.end_running();
        desk.writer.write_pending();
        assert!(desk.is_ended() && desk.writer.beginnings.is_there());
        desk.permit("INSERT");
        desk.open_another().expect("room");
        assert!(!desk.writer.beginnings.is_there());
    }
}
