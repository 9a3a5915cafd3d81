//! The embedded store: SQLite on a thread of its own behind a bounded queue.
//!
//! What changes is kept in memory first ([`super::pending`]) and written from there, so a disk that takes
//! nothing costs no session its end and no engineer's revocation its effect.

use std::path::Path;
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;

use async_trait::async_trait;
use fieldlink_protocol::ids::{EngineerId, SessionId};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::TicketKeys;
use tokio::sync::{oneshot, watch};

use super::shared::Shared;
use super::writer::{Job, Writer};
use super::{
    Anchoring, Database, KeyPolicy, NewAnchor, OpenedSession, Roster, RunningSession, SessionChange, Store,
    StoreError, UnixTime,
};
use crate::clock::{Reading, SteadyClock};

/// Jobs that may wait for the thread.
const QUEUE: usize = 4_096;

/// The store in one SQLite file.
pub struct SqliteStore {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    shared: Arc<Shared>,
    roster: watch::Receiver<Arc<Roster>>,
}

impl SqliteStore {
    /// Opens the store in `directory`.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let database = Database::open(directory)?;
        let version = database.data_version()?;
        let (shared, roster) = Shared::new(database.roster()?);
        let shared = Arc::new(shared);
        let (jobs, queue) = sync_channel(QUEUE);
        let writer = Writer::new(database, version, shared.clone());
        let thread = std::thread::Builder::new().name("store".into()).spawn(move || writer.run(&queue));
        let thread = thread.map_err(StoreError::Thread)?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), shared, roster })
    }

    fn post(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or(StoreError::Closed)?.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    /// Has the thread write soon what is pending; where its queue is full it does so anyway.
    fn write_soon(&self) {
        let _ = self.post(Box::new(Writer::write_pending));
    }

    async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Writer) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        // A caller that has gone away does not want the answer.
        self.post(Box::new(move |writer| drop(answer.send(job(writer)))))?;
        result.await.unwrap_or(Err(StoreError::Closed))
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn roster(&self) -> watch::Receiver<Arc<Roster>> {
        self.roster.clone()
    }

    async fn refresh_roster(&self) -> Result<(), StoreError> {
        self.call(Writer::reload_if_changed).await
    }

    fn revoke(&self, engineer: EngineerId, at: UnixTime) {
        self.shared.revoke(engineer, at);
        self.write_soon();
    }

    async fn open_session(&self, opened: OpenedSession) -> Result<(), StoreError> {
        let session = opened.session;
        self.shared.pending().await_row(session);
        let written = self.call(move |writer| writer.open_session(&opened)).await;
        // It may not even have been queued.
        written.inspect_err(|_| self.shared.pending().row_is(session, false))
    }

    fn record(&self, change: SessionChange) {
        self.shared.pending().add(change);
        self.write_soon();
    }

    fn note_clock(&self, reading: Reading) {
        self.shared.pending().note_clock(reading);
        self.write_soon();
    }

    async fn resume_clock(&self, wall: UnixTime) -> Result<SteadyClock, StoreError> {
        let (last, newest) = self.call(|writer| writer.database.last_times()).await?;
        Ok(SteadyClock::resume(last.as_ref(), newest, wall))
    }

    async fn running_sessions(&self) -> Result<Vec<RunningSession>, StoreError> {
        self.call(|writer| writer.database.running_sessions()).await
    }

    async fn session_end(&self, session: SessionId) -> Result<Option<Reason>, StoreError> {
        let pending = self.shared.pending().end_of(session);
        if pending.is_some() {
            return Ok(pending);
        }
        let session = session.to_string();
        let code = self.call(move |writer| writer.database.session_end(&session)).await?;
        Ok(code.map(|code| Reason::from_code(&code).unwrap_or(Reason::Unknown)))
    }

    async fn ticket_keys(&self, now: UnixTime, policy: KeyPolicy) -> Result<TicketKeys, StoreError> {
        self.call(move |writer| writer.database.ticket_keys(now, policy)).await
    }

    async fn keep_anchors(&self, anchors: Vec<NewAnchor>) -> Result<Vec<Anchoring>, StoreError> {
        self.call(move |writer| writer.keep_anchors(&anchors)).await
    }

    async fn forget_anchors(&self, before: UnixTime) -> Result<bool, StoreError> {
        self.call(move |writer| writer.database.forget_anchors(before)).await
    }

    async fn begin_boot(&self) -> Result<u64, StoreError> {
        self.call(|writer| writer.database.begin_boot()).await
    }

    async fn last_boot(&self) -> Result<u64, StoreError> {
        self.call(|writer| writer.database.last_boot()).await
    }

    async fn close(&self) {
        self.jobs.lock().unwrap_or_else(PoisonError::into_inner).take();
        let thread = self.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread {
            let joined = tokio::task::spawn_blocking(move || thread.join()).await;
            if !matches!(joined, Ok(Ok(()))) {
                tracing::error!("the store's thread has panicked");
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::{Credential, EngineerIdentity};
    use fieldlink_protocol::ids::{AgentKey, EngineerId, PipeId, RunId};
    use fieldlink_protocol::support_id::SupportId;

    use super::*;
    use crate::directory::Standing;

    fn credential() -> Credential {
        let (name, company) = ("Zoë".into(), "C".into());
        Credential::generate(EngineerIdentity { id: EngineerId::random(), name, company })
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

    #[tokio::test]
    async fn notices_what_another_process_does() {
        let root = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(root.path()).expect("opened");
        let mut other = Database::open(root.path()).expect("opened");
        let mut roster = store.roster();
        let credential = credential();
        other.add_engineer(&credential, 1).expect("added");
        roster.wait_for(|roster| roster.contains(credential.engineer.id)).await.expect("noticed");
        other.revoke_engineer("Zoë", 2).expect("revoked");
        store.refresh_roster().await.expect("looked");
        assert!(!roster.borrow_and_update().contains(credential.engineer.id));
        store.close().await;
        assert!(matches!(store.refresh_roster().await, Err(StoreError::Closed)));
    }

    #[tokio::test]
    async fn an_end_that_comes_before_the_sessions_row_is_written_after_it() {
        let root = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(root.path()).expect("opened");
        let credential = credential();
        Database::open(root.path()).expect("opened").add_engineer(&credential, 1).expect("added");
        let (first, second) = (opened(&credential.engineer), opened(&credential.engineer));
        store.open_session(first.clone()).await.expect("written");
        let held = rusqlite::Connection::open(root.path().join(Database::FILE)).expect("opened");
        held.execute_batch("BEGIN EXCLUSIVE").expect("held");
        // The thread is in the middle of one write when all of this is queued.
        let session = first.session;
        store.record(SessionChange::Traffic { session, bytes_to_agent: 3, bytes_to_engineer: 4 });
        let ends = async {
            let (session, reason) = (second.session, Reason::ConnectionLost);
            let (bytes_to_agent, bytes_to_engineer) = (0, 0);
            store.record(SessionChange::Ended { session, at: 9, reason, bytes_to_agent, bytes_to_engineer });
            held.execute_batch("ROLLBACK").expect("let go");
        };
        let (written, ()) = tokio::join!(store.open_session(second.clone()), ends);
        written.expect("written");
        store.close().await;
        let audit = Database::open(root.path()).expect("opened").audit().expect("read");
        assert_eq!(audit[0].bytes_to_agent, 3);
        assert_eq!(audit[1].reason.as_deref(), Some("connection-lost"));
    }

    #[tokio::test]
    async fn what_is_queued_is_written_before_it_closes_and_what_runs_is_found_again() {
        let root = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(root.path()).expect("opened");
        let credential = credential();
        Database::open(root.path()).expect("opened").add_engineer(&credential, 1).expect("added");
        let [ended, running, asked] = [(); 3].map(|()| opened(&credential.engineer));
        for opened in [&ended, &running, &asked] {
            store.open_session(opened.clone()).await.expect("written");
        }
        let (reason, bytes_to_agent, bytes_to_engineer) = (Reason::ClientEnded, 7, 8);
        let session = ended.session;
        let (agent_key, run, control) = (AgentKey::random(), RunId::random(), PipeId::random());
        let standing = Standing { run, control, agent_key, pairing: 1, not_before: 5, expires: 50 };
        let later = Standing { run: RunId::random(), pairing: 2, ..standing };
        store.record(SessionChange::Admitted { session, at: 6, standing });
        let other = running.session;
        for (at, standing) in [(6, standing), (7, later)] {
            store.record(SessionChange::Admitted { session: other, at, standing });
        }
        store.record(SessionChange::Traffic { session: other, bytes_to_agent: 3, bytes_to_engineer: 4 });
        store.record(SessionChange::Ended { session, at: 9, reason, bytes_to_agent, bytes_to_engineer });
        store.close().await;

        let store = SqliteStore::open(root.path()).expect("opened again");
        assert_eq!(store.session_end(ended.session).await.expect("read"), Some(Reason::ClientEnded));
        assert_eq!(store.session_end(running.session).await.expect("read"), None);
        let found = store.running_sessions().await.expect("read");
        let find = |session| found.iter().find(|found| found.remembered.session == session).expect("there");
        assert_eq!(found.len(), 2);
        let there = find(running.session);
        assert_eq!(there.remembered.standing, Some(later));
        assert_eq!((there.remembered.engineer, there.remembered.began), (credential.engineer.id, 5));
        assert_eq!((there.bytes_to_agent, there.bytes_to_engineer, &*there.reference), (3, 4, "T-1"));
        assert_eq!(find(asked.session).remembered.standing, None);
        assert_eq!(store.session_end(SessionId::random()).await.expect("read"), None);
        let audit = Database::open(root.path()).expect("opened").audit().expect("read");
        assert_eq!((audit[0].admitted_at, audit[0].ended_at, audit[0].bytes_to_agent), (Some(6), Some(9), 7));
        assert_eq!((&*audit[0].engineer_name, audit[1].admitted_at), ("Zoë", Some(6)));
        store.close().await;
    }
}
