//! What a session is made of once the client has said yes.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::reason::Reason;
use tokio::sync::watch;
use tokio::time::{Interval, MissedTickBehavior, interval};

use fieldlink_ssh::session_process::{
    EndOutcome, SessionEvents, SessionLost, SessionProcess, StartError, Starting,
};
use fieldlink_ssh::{ChannelPath, Policy, SshThread, Subsystems};

use crate::live::Watched;
use crate::record::Channels;

/// How far it has come.
pub(super) enum Stage {
    /// The client has not said yes.
    Greeted,
    /// What runs the engineer's programs is on its way.
    Starting(Starting, SessionOffer),
    /// The engineer can be let in, or is there.
    Working(Box<Work>),
    /// Of a further engineer: SSH connections of their own into what the session has started.
    Joined(Box<Joined>),
}

/// What a further engineer has of their own.
pub(super) struct Joined {
    pub(super) ssh: SshThread,
    pub(super) ended: watch::Sender<Option<Reason>>,
}

impl Joined {
    /// Ends it all. The programs of its connections go with those.
    pub(super) async fn end(self, reason: Reason) -> EndOutcome {
        self.ended.send_replace(Some(reason));
        self.ssh.cancel();
        if self.ssh.joined().await { EndOutcome::Orderly } else { EndOutcome::Unconfirmed }
    }
}

/// What an engineer is offered in a session, beside programs.
#[derive(Clone)]
pub(crate) struct SessionOffer {
    /// What they may do.
    pub(crate) policy: Arc<dyn Policy>,
    /// What the agent serves itself.
    pub(crate) subsystems: Arc<dyn Subsystems>,
    /// What records their channels.
    pub(crate) recorded: Option<Arc<Channels>>,
}

/// What exists from the admission on.
pub(super) struct Work {
    pub(super) process: SessionProcess,
    pub(super) process_events: SessionEvents,
    pub(super) ssh: SshThread,
    pub(super) path: Arc<ChannelPath>,
    pub(super) subsystems: Arc<dyn Subsystems>,
    pub(super) meter: Meter,
    /// What of it can be watched.
    pub(super) watched: Arc<Watched>,
    pub(super) ended: watch::Sender<Option<Reason>>,
}

/// What becomes of it by itself.
pub(super) enum ProcessEvent {
    /// The session process runs, or does not.
    Started(Result<(SessionProcess, SessionEvents), StartError>, SessionOffer),
    /// It is gone, or misbehaves.
    Lost(Option<SessionLost>),
    /// So many bytes were moved.
    Moved(u64),
    /// Channels that carry much are held: so many bytes were moved.
    PastLimit(u64),
}

/// How often both sides are told how much data was used, if it is more than before.
const TOLD_EVERY: Duration = Duration::from_secs(5);
/// Bytes that are worth being told of.
const WORTH_TELLING: u64 = 100_000;

/// Tells how much data the session has moved.
pub(super) struct Meter {
    told: u64,
    ticks: Interval,
}

impl Meter {
    pub(super) fn new() -> Self {
        let mut ticks = interval(TOLD_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Self { told: 0, ticks }
    }

    /// Waits until `path` has moved more than was told; how much it is now, in bytes. Safe to cancel.
    pub(super) async fn moved(&mut self, path: &ChannelPath) -> u64 {
        loop {
            self.ticks.tick().await;
            let told = self.told;
            let moved = self.read(path);
            if moved / WORTH_TELLING != told / WORTH_TELLING {
                return moved;
            }
        }
    }

    /// How much it is now.
    fn read(&mut self, path: &ChannelPath) -> u64 {
        let (input, output) = path.totals();
        self.told = input + output;
        self.told
    }
}

impl Work {
    /// Safe to cancel.
    pub(super) async fn next_event(&mut self) -> ProcessEvent {
        tokio::select! {
            lost = self.process_events.lost() => ProcessEvent::Lost(lost),
            () = self.path.past_limit() => ProcessEvent::PastLimit(self.meter.read(&self.path)),
            moved = self.meter.moved(&self.path) => ProcessEvent::Moved(moved),
        }
    }

    pub(super) async fn end(self, reason: Reason) -> EndOutcome {
        self.path.close();
        self.ended.send_replace(Some(reason));
        self.ssh.cancel();
        // Together: killing the programs frees the thread if one of them blocks it.
        let (outcome, is_joined) = tokio::join!(self.process.end(), self.ssh.joined());
        let (input, output) = self.path.totals();
        tracing::info!(input, output, ?outcome, is_joined, "session ended");
        crate::memory::give_back();
        if is_joined { outcome } else { EndOutcome::Unconfirmed }
    }
}
