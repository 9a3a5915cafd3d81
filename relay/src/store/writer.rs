//! The store's thread: does jobs in turn, writes what is pending, looks for what other processes change.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError};
use std::time::{Duration, Instant};

use super::pending::Pending;
use super::shared::Shared;
use super::{Database, OpenedSession, StoreError};

/// How often the thread looks whether another process has changed the file.
const POLL: Duration = Duration::from_millis(250);
/// After a write that failed, the next one is tried so much later.
const RETRY: Duration = Duration::from_secs(1);
/// How often the reserve is looked after.
const RESERVE_CHECK: Duration = Duration::from_secs(60);
/// A disk that takes nothing is spoken of again after this long.
const REMINDER: Duration = Duration::from_secs(600);

/// Something to be done on the thread.
pub(super) type Job = Box<dyn FnOnce(&mut Writer) + Send>;

/// What the thread owns.
pub(super) struct Writer {
    pub(super) database: Database,
    version: i64,
    shared: Arc<Shared>,
    /// Since when nothing could be written, and when that was said last.
    failing: Option<Failing>,
    next_reserve_check: Instant,
    is_readable: bool,
}

struct Failing {
    since: Instant,
    said: Instant,
    next_try: Instant,
}

impl Writer {
    pub(super) fn new(database: Database, version: i64, shared: Arc<Shared>) -> Self {
        let next_reserve_check = Instant::now();
        Self { database, version, shared, failing: None, next_reserve_check, is_readable: true }
    }

    /// Until nobody can ask any more, and what is pending is written or cannot be.
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
        self.failing.iter_mut().for_each(|failing| failing.next_try = Instant::now());
        self.write_pending();
        let lost = self.shared.pending().clone();
        if !lost.is_empty() {
            let (ends, revoked) = (lost.final_part().sessions().count(), lost.revoked().count());
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
        let room = self.check_place().and_then(|()| self.database.fill_reserve());
        let written = room.and_then(|()| self.database.open_session(opened));
        self.note(written.as_ref().err());
        written
    }

    /// Writes what is pending, unless that failed a moment ago.
    pub(super) fn write_pending(&mut self) {
        let pending = self.shared.pending().clone();
        let is_due = self.failing.as_ref().is_none_or(|failing| Instant::now() >= failing.next_try);
        if pending.is_empty() || !is_due {
            return;
        }
        let written = self.check_place().and_then(|()| self.write_all(&pending));
        self.note(written.err().as_ref());
    }

    /// What takes rights away first, with the reserve's help; the rest if there is room.
    fn write_all(&mut self, pending: &Pending) -> Result<(), StoreError> {
        let final_part = pending.final_part();
        if !final_part.is_empty() {
            self.database.write_from_reserve(|transaction| super::audit::write(transaction, &final_part))?;
            self.shared.pending().forget(&final_part);
        }
        let rest = self.shared.pending().clone();
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
        if self.failing.is_none() && Instant::now() >= self.next_reserve_check {
            self.next_reserve_check = Instant::now() + RESERVE_CHECK;
            let filled = self.check_place().and_then(|()| self.database.fill_reserve());
            if let Err(error) = filled {
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

    /// Says once that nothing can be written, again after a while, and when it is over.
    fn note(&mut self, error: Option<&StoreError>) {
        let now = Instant::now();
        match (error, &mut self.failing) {
            (None, None) => {}
            (None, Some(failing)) => {
                let seconds = failing.since.elapsed().as_secs();
                tracing::info!(seconds, "the store can be written again; what waited is written");
                self.failing = None;
                self.next_reserve_check = now;
            }
            (Some(error), None) => {
                tracing::error!(%error, "could not write to the store: no session begins; the running ones go on, and what becomes of them is written later");
                self.failing = Some(Failing { since: now, said: now, next_try: now + RETRY });
            }
            (Some(error), Some(failing)) => {
                failing.next_try = now + RETRY;
                if failing.said.elapsed() >= REMINDER {
                    failing.said = now;
                    tracing::error!(%error, "still could not write to the store");
                }
            }
        }
    }
}
