//! The embedded store: SQLite on a thread of its own behind a bounded queue.

use std::path::Path;
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use async_trait::async_trait;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::TicketKeys;
use tokio::sync::{oneshot, watch};

use super::{
    Database, KeyPolicy, OpenedSession, Roster, RunningSession, SessionChange, Store, StoreError, UnixTime,
};

/// Jobs that may wait for the thread.
const QUEUE: usize = 4_096;
/// How often the thread looks whether another process has changed the file.
const POLL: Duration = Duration::from_millis(250);

type Job = Box<dyn FnOnce(&mut Thread) + Send>;

/// The store in one SQLite file.
pub struct SqliteStore {
    jobs: Mutex<Option<SyncSender<Job>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
    roster: watch::Receiver<Arc<Roster>>,
}

impl SqliteStore {
    /// Opens the store in `directory`.
    pub fn open(directory: &Path) -> Result<Self, StoreError> {
        let database = Database::open(directory)?;
        let version = database.data_version()?;
        let (publish, roster) = watch::channel(Arc::new(database.roster()?));
        let (jobs, queue) = sync_channel(QUEUE);
        let thread = Thread { database, version, publish };
        let thread =
            std::thread::Builder::new().name("store".into()).spawn(move || thread.run(&queue)).map_err(
                |e| StoreError::Open { path: directory.display().to_string(), problem: e.to_string() },
            )?;
        Ok(Self { jobs: Mutex::new(Some(jobs)), thread: Mutex::new(Some(thread)), roster })
    }

    fn post(&self, job: Job) -> Result<(), StoreError> {
        let jobs = self.jobs.lock().unwrap_or_else(PoisonError::into_inner);
        jobs.as_ref().ok_or(StoreError::Closed)?.try_send(job).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Overloaded,
            TrySendError::Disconnected(_) => StoreError::Closed,
        })
    }

    async fn call<T: Send + 'static>(
        &self,
        job: impl FnOnce(&mut Thread) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (answer, result) = oneshot::channel();
        // A caller who has gone away does not want the answer.
        self.post(Box::new(move |thread| drop(answer.send(job(thread)))))?;
        result.await.unwrap_or(Err(StoreError::Closed))
    }
}

#[async_trait]
impl Store for SqliteStore {
    fn roster(&self) -> watch::Receiver<Arc<Roster>> {
        self.roster.clone()
    }

    async fn refresh_roster(&self) -> Result<(), StoreError> {
        self.call(Thread::reload_if_changed).await
    }

    async fn open_session(&self, opened: OpenedSession) -> Result<(), StoreError> {
        self.call(move |thread| thread.database.open_session(&opened)).await
    }

    fn record(&self, change: SessionChange) -> Result<(), StoreError> {
        self.post(Box::new(move |thread| {
            if let Err(error) = thread.database.change_session(change) {
                tracing::error!(%error, ?change, "could not write to the audit log");
            }
        }))
    }

    async fn running_sessions(&self) -> Result<Vec<RunningSession>, StoreError> {
        self.call(|thread| thread.database.running_sessions()).await
    }

    async fn session_end(&self, session: SessionId) -> Result<Option<Reason>, StoreError> {
        let session = session.to_string();
        let code = self.call(move |thread| thread.database.session_end(&session)).await?;
        let reason = |code: String| Reason::ALL.iter().copied().find(|reason| reason.code() == code);
        Ok(code.map(|code| reason(code).unwrap_or(Reason::Unknown)))
    }

    async fn ticket_keys(&self, now: UnixTime, policy: KeyPolicy) -> Result<TicketKeys, StoreError> {
        self.call(move |thread| thread.database.ticket_keys(now, policy)).await
    }

    async fn begin_boot(&self) -> Result<u64, StoreError> {
        self.call(|thread| thread.database.begin_boot()).await
    }

    async fn last_boot(&self) -> Result<u64, StoreError> {
        self.call(|thread| thread.database.last_boot()).await
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

struct Thread {
    database: Database,
    version: i64,
    publish: watch::Sender<Arc<Roster>>,
}

impl Thread {
    fn run(mut self, queue: &Receiver<Job>) {
        let mut next_poll = Instant::now() + POLL;
        loop {
            match queue.recv_timeout(next_poll.saturating_duration_since(Instant::now())) {
                Ok(job) => job(&mut self),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => return,
            }
            if Instant::now() >= next_poll {
                next_poll = Instant::now() + POLL;
                if let Err(error) = self.reload_if_changed() {
                    tracing::error!(%error, "could not read the engineers: the last known list counts");
                }
            }
        }
    }

    fn reload_if_changed(&mut self) -> Result<(), StoreError> {
        let version = self.database.data_version()?;
        if version != self.version {
            let roster = self.database.roster()?;
            self.version = version;
            self.publish.send_if_modified(|known| {
                let changed = **known != roster;
                *known = Arc::new(roster);
                changed
            });
        }
        Ok(())
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
        }
    }

    #[tokio::test]
    async fn notices_what_another_process_does() {
        let root = tempfile::tempdir().expect("a directory");
        let store = SqliteStore::open(root.path()).expect("opened");
        let other = Database::open(root.path()).expect("opened");
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
        store.record(SessionChange::Admitted { session, at: 6, standing }).expect("queued");
        let other = running.session;
        for (at, standing) in [(6, standing), (7, later)] {
            store.record(SessionChange::Admitted { session: other, at, standing }).expect("queued");
        }
        store
            .record(SessionChange::Traffic { session: other, bytes_to_agent: 3, bytes_to_engineer: 4 })
            .expect("queued");
        store
            .record(SessionChange::Ended { session, at: 9, reason, bytes_to_agent, bytes_to_engineer })
            .expect("queued");
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
