//! What outlives the relay's process: engineers, the audit log, ticket keys.
//!
//! [`Store`] is what the relay asks of it; [`SqliteStore`] is the embedded one. [`Database`] is the
//! same file for the command line, which works beside a running relay.
//!
//! # A disk that takes nothing
//!
//! Sessions end also where the disk takes nothing. What changes goes into `store/pending.rs` first, which also
//! answers questions, and `store/writer.rs` writes from there, again and again until it can; what happens to a
//! session whose row is still queued waits for that. The file has a rollback journal, not a write-ahead log, so
//! reading needs no room; `store/reserve.rs` keeps room inside of it for ends and revocations. `revocation.rs` is the
//! socket by which `engineer revoke` reaches the relay when it can write nothing itself; its name may be taken, and
//! is tried again. What does need the disk is refused: beginning a session (its row is written before either side is
//! told), adding an engineer, anchors. `store/disk.rs` finds out why the system refuses, and names the relay's disk in the
//! error.

mod anchors;
mod audit;
mod boots;
mod clock;
mod database;
mod disk;
mod engineers;
mod likeness;
mod pending;
mod place;
mod reserve;
mod roster;
mod shared;
mod sqlite;
mod ticket_keys;
mod trouble;
mod writer;

use std::net::IpAddr;
use std::path::PathBuf;
use std::sync::Arc;

use async_trait::async_trait;
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{EngineerId, SessionId};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::TicketKeys;
use tokio::sync::watch;

use crate::clock::{Reading, SteadyClock};
use crate::directory::{Remembered, Standing};

pub use anchors::{Anchoring, NewAnchor};
pub use audit::{AuditRow, Selection};
pub use database::Database;
pub use engineers::EngineerRow;
pub use roster::Roster;
pub use sqlite::SqliteStore;
pub use ticket_keys::KeyPolicy;

/// Seconds since 1970, UTC.
pub type UnixTime = u64;

/// What the relay asks of its memory.
#[async_trait]
pub trait Store: Send + Sync + 'static {
    /// The engineers who may ask for devices, as last known; it changes within a second of the truth.
    fn roster(&self) -> watch::Receiver<Arc<Roster>>;

    /// Looks now whether the roster has changed, rather than within a second.
    async fn refresh_roster(&self) -> Result<(), StoreError>;

    /// Writes a session's audit row. No session begins before this has succeeded.
    async fn open_session(&self, opened: OpenedSession) -> Result<(), StoreError>;

    /// Takes in a change of a session's row. It counts at once, and is written as soon as that is possible.
    fn record(&self, change: SessionChange);

    /// Takes an engineer off the roster. It counts at once, and is written as soon as that is possible.
    fn revoke(&self, engineer: EngineerId, at: UnixTime);

    /// Takes in what the relay's clock shows, for the next relay.
    fn note_clock(&self, reading: Reading);

    /// The relay's clock, going on from where an earlier relay's was; `wall` is the computer's.
    async fn resume_clock(&self, wall: UnixTime) -> Result<SteadyClock, StoreError>;

    /// The sessions that were not ended: an earlier relay left them running.
    async fn running_sessions(&self) -> Result<Vec<RunningSession>, StoreError>;

    /// Why `session` ended, if it is known to have ended.
    async fn session_end(&self, session: SessionId) -> Result<Option<Reason>, StoreError>;

    /// The keys that sign and verify tickets at `now`, rotated as `policy` says. Where a new key cannot be
    /// written, the last one goes on signing.
    async fn ticket_keys(&self, now: UnixTime, policy: KeyPolicy) -> Result<TicketKeys, StoreError>;

    /// Keeps what was signed of sessions' accounts, and says what became of each. Nobody is told of one before that.
    async fn keep_anchors(&self, anchors: Vec<NewAnchor>) -> Result<Vec<Anchoring>, StoreError>;

    /// Forgets some of the anchors from before `before`; whether there may be more.
    async fn forget_anchors(&self, before: UnixTime) -> Result<bool, StoreError>;

    /// Counts the relay's boots: writes down that a further one begins, and returns its number.
    async fn begin_boot(&self) -> Result<u64, StoreError>;

    /// The number of the latest boot that was written down; 0 if none was.
    async fn last_boot(&self) -> Result<u64, StoreError>;

    /// Writes what is queued and lets go of everything. What is asked later fails.
    async fn close(&self);
}

/// A session as it is when it begins.
#[derive(Debug, Clone)]
pub struct OpenedSession {
    /// The session.
    pub session: SessionId,
    /// The engineer who asks for the device.
    pub engineer: EngineerIdentity,
    /// The support case.
    pub reference: String,
    /// The reseller, if any.
    pub partner: Option<String>,
    /// The device that is asked for.
    pub support_id: SupportId,
    /// Where the device's agent connects from.
    pub device_address: IpAddr,
    /// When it was requested.
    pub at: UnixTime,
    /// The same by the relay's own clock, as in its tickets.
    pub not_before: UnixTime,
    /// The session that this engineer joins, if one.
    pub joins: Option<SessionId>,
}

/// A session that has begun and not ended.
#[derive(Debug, Clone)]
pub struct RunningSession {
    /// What the directory needs to go on with it.
    pub remembered: Remembered,
    /// The support case.
    pub reference: String,
    /// Payload bytes that went to the agent.
    pub bytes_to_agent: u64,
    /// Payload bytes that went to the engineer.
    pub bytes_to_engineer: u64,
}

/// What happens to a session later.
#[derive(Debug, Clone, Copy)]
pub enum SessionChange {
    /// The client said yes, or the two have paired again.
    Admitted {
        /// The session.
        session: SessionId,
        /// When.
        at: UnixTime,
        /// What it stands on since then.
        standing: Standing,
    },
    /// It goes on, and so much has passed so far.
    Traffic {
        /// The session.
        session: SessionId,
        /// Payload bytes that went to the agent.
        bytes_to_agent: u64,
        /// Payload bytes that went to the engineer.
        bytes_to_engineer: u64,
    },
    /// The session is over, and so much has passed in all.
    Ended {
        /// The session.
        session: SessionId,
        /// When.
        at: UnixTime,
        /// Why the session ended.
        reason: Reason,
        /// Payload bytes that went to the agent.
        bytes_to_agent: u64,
        /// Payload bytes that went to the engineer.
        bytes_to_engineer: u64,
    },
}

/// Why the store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The disk does not let it be written, or read.
    #[error("{0}")]
    Unwritable(String),
    /// Another program keeps it.
    #[error("the relay's store in {} is held locked by another program (a backup?): wait for it or stop it", .0.display())]
    Locked(PathBuf),
    /// It is no database any more.
    #[error("the relay's store in {} is damaged: put a copy of it back from a backup", .0.display())]
    Damaged(PathBuf),
    /// There is none where it should be.
    #[error("there is no relay's store at {}: is state_directory right, and was the relay started once?", .0.display())]
    Missing(PathBuf),
    /// The system gives no thread.
    #[error("could not start the store's thread: {0}")]
    Thread(std::io::Error),
    /// A newer version wrote it.
    #[error(
        "could not open the store {path}: a newer fieldlink-relay wrote it (schema {found}, this one knows {known}): \
         install that version again, or a later one; nothing was changed"
    )]
    Newer {
        /// The store's file, as errors name it.
        path: String,
        /// The number of its schema.
        found: i64,
        /// The newest schema known here.
        known: i64,
    },
    /// SQLite refuses for a reason that has no variant here.
    #[error("could not use the store: {0}")]
    Database(#[from] rusqlite::Error),
    /// An active engineer has that name, or one that looks the same.
    #[error("there is one who is called {0} (revoke them first, or use another name)")]
    NameTaken(String),
    /// Too much is queued.
    #[error("could not use the store: it does not keep up")]
    Overloaded,
    /// The store was closed, as when the relay stops.
    #[error("could not use the store: it is closed")]
    Closed,
}

/// The time now, for what is written down.
pub fn unix_now() -> UnixTime {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
