//! Keeps a pipe going over one connection after another.

use std::sync::Arc;
use std::time::Duration;

use bytes::BytesMut;
use fieldlink_protocol::pipe::{Due, closing};
use fieldlink_protocol::reason::Reason;
use rand::RngExt;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;

use super::connection::{Connection, moving};
use super::detour::{Need, Next};
use super::halves::Shared;
use super::spare::Spare;
use super::trial::{Trial, TrialEnd};
use super::ways::Ways;
use super::{Line, PipeEnd};

/// How things stand is looked at this often.
const LOOK: Duration = Duration::from_secs(1);
/// The wall clock went on by so much more than ours: the computer was asleep, and the network behind
/// our connections has forgotten them.
const ASLEEP: Duration = Duration::from_secs(4);

const SILENT: &str = "nothing comes through any more";
const PARTNER_AWAY: &str = "the other side is not connected to the relay";

/// Whether a pipe has a connection that works.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PipeLink {
    /// The live connection was heard in time.
    Up,
    /// It has none, or one that is silent; another is being tried.
    Down {
        /// What was last seen to go wrong, as a sentence part.
        problem: String,
        /// How many tries have failed since then.
        tries: u32,
    },
}

/// The moving part of a pipe. Nothing moves until [`PipeDriver::run`] is awaited.
pub struct PipeDriver {
    pub(super) line: Line,
    pub(super) first: Connection,
    pub(super) shared: Arc<Shared>,
    pub(super) outgoing: mpsc::Receiver<BytesMut>,
    pub(super) link: watch::Sender<PipeLink>,
    pub(super) ways: Ways,
}

/// What the present connection, or its lack, leads to.
enum Turn {
    End(PipeEnd),
    Lost(String),
    Switched(Box<Connection>),
}

impl PipeDriver {
    /// Keeps a connection in reserve, over a second interface if there is one, from when `wanted` fires: the relay
    /// takes one for the control pipe of a session that was admitted.
    pub fn with_reserve(mut self, wanted: CancellationToken) -> Self {
        self.ways = Ways::with_reserve(Spare::new(self.line.clone(), wanted));
        self
    }

    /// Follows whether the pipe has a connection.
    pub fn link(&self) -> watch::Receiver<PipeLink> {
        self.link.subscribe()
    }

    /// Moves bytes until the pipe ends; then both halves see an end. When `cancel` fires, or both
    /// streams are complete, the close carries `goodbye` to the relay and the peer.
    pub async fn run(self, cancel: CancellationToken, goodbye: impl Fn() -> String) -> PipeEnd {
        let Self { line, first, shared, outgoing, link, ways } = self;
        // Also when we are dropped in the middle: a reader must not wait for what never comes.
        let _ended = EndOfInput(shared.clone());
        let mut live = Some(Box::new(first));
        let mut leaving = JoinSet::new();
        let mut keeper = Keeper {
            changes: line.dialer.changes(),
            trial: Trial::default(),
            line,
            shared: shared.clone(),
            outgoing,
            link,
            ways,
        };
        let end = keeper.keep(&mut live, &mut leaving, &cancel).await;
        // Before the goodbye, which takes its time.
        shared.incoming.end();
        let is_orderly = matches!(end, PipeEnd::Cancelled | PipeEnd::Complete);
        let reason = match &end {
            PipeEnd::Violated(_) => Reason::Tampered.code().to_owned(),
            _ if is_orderly => goodbye(),
            _ => String::new(),
        };
        if let (Some(live), false) = (live, matches!(end, PipeEnd::Lost(_))) {
            live.say_goodbye(&reason).await;
        }
        while leaving.join_next().await.is_some() {}
        match end {
            PipeEnd::Cancelled if *keeper.link.borrow() != PipeLink::Up => PipeEnd::Unsaid,
            end => end,
        }
    }
}

/// Tells the reader that nothing more will come.
struct EndOfInput(Arc<Shared>);

impl Drop for EndOfInput {
    fn drop(&mut self) {
        self.0.incoming.end();
    }
}

struct Keeper {
    line: Line,
    shared: Arc<Shared>,
    outgoing: mpsc::Receiver<BytesMut>,
    link: watch::Sender<PipeLink>,
    changes: watch::Receiver<u64>,
    trial: Trial,
    ways: Ways,
}

impl Keeper {
    async fn keep(
        &mut self,
        live: &mut Option<Box<Connection>>,
        leaving: &mut JoinSet<()>,
        cancel: &CancellationToken,
    ) -> PipeEnd {
        loop {
            match self.turn(live.as_deref_mut(), cancel).await {
                Turn::End(end) => return end,
                Turn::Lost(problem) => {
                    tracing::debug!(problem, "a pipe's connection is gone");
                    *live = None;
                    self.ways.lost(self.shared.take_close());
                    self.shared.with_pipe(|pipe| pipe.lost(self.shared.now()));
                    self.link.send_replace(PipeLink::Down { problem, tries: 0 });
                }
                Turn::Switched(connection) => {
                    tracing::debug!("a pipe goes on over another connection");
                    while leaving.try_join_next().is_some() {}
                    if let Some(old) = live.replace(connection) {
                        leaving.spawn(async move { old.say_goodbye(closing::MOVED).await });
                    }
                    self.ways.switched();
                    self.link.send_replace(PipeLink::Up);
                }
            }
        }
    }

    /// Moves bytes over `live`, if there is one, until there is another or none.
    async fn turn(&mut self, live: Option<&mut Connection>, cancel: &CancellationToken) -> Turn {
        let shared = self.shared.clone();
        let is_live = live.is_some();
        let mut moving = std::pin::pin!(moving(live, &shared, &mut self.outgoing));
        let mut clocks = Clocks::now();
        loop {
            let deadline = shared.with_pipe(|pipe| pipe.deadline());
            let soon = shared.now() + LOOK;
            let turn = tokio::select! {
                biased;
                () = cancel.cancelled() => Some(Turn::End(PipeEnd::Cancelled)),
                end = &mut moving => Some(match end {
                    PipeEnd::Lost(problem) => Turn::Lost(problem),
                    end => Turn::End(end),
                }),
                end = self.trial.end() => on_trial(&shared, &self.link, (&mut self.ways, is_live), end),
                _ = self.changes.changed() => {
                    shared.with_pipe(|pipe| pipe.start_over(shared.now()));
                    None
                }
                () = shared.nudge.notified() => None,
                () = self.ways.home_is_due() => {
                    if self.ways.goes_home(self.trial.is_running()) {
                        shared.with_pipe(|pipe| pipe.want_another(shared.now()));
                    }
                    None
                }
                () = sleep_until(shared.at(deadline.min(soon))) => {
                    if clocks.slept() {
                        self.line.dialer.forget_network();
                        shared.with_pipe(|pipe| pipe.start_over(shared.now()));
                    }
                    look(&shared, &self.link, is_live, self.trial.waits_for_partner());
                    None
                }
            };
            if let Some(turn) = turn {
                return turn;
            }
            if let Some(end) = act(&shared, &self.line, &mut self.trial, (&mut self.ways, is_live)) {
                return Turn::End(end);
            }
        }
    }
}

fn on_trial(
    shared: &Shared,
    link: &watch::Sender<PipeLink>,
    (ways, is_live): (&mut Ways, bool),
    end: TrialEnd,
) -> Option<Turn> {
    let is_answered = matches!(end, TrialEnd::Answered(_));
    match end {
        TrialEnd::Proven(connection, proven) => {
            let switched = shared.with_pipe(|pipe| pipe.switch(proven, shared.now()));
            Some(match switched {
                Ok(frames) => Turn::Switched(Box::new(connection.beginning_with(frames))),
                Err(error) => Turn::End(PipeEnd::Violated(error)),
            })
        }
        TrialEnd::Refused(code) => Some(Turn::End(PipeEnd::Closed(code))),
        TrialEnd::Failed(problem) | TrialEnd::Answered(problem) => {
            tracing::debug!(problem, "a pipe's new connection failed");
            if ways.failed(is_answered, need(shared, is_live)) == Next::Forgo {
                shared.with_pipe(|pipe| pipe.trial_forgone(shared.now()));
                return None;
            }
            let jitter = rand::rng().random();
            shared.with_pipe(|pipe| pipe.trial_failed(jitter, shared.now()));
            link.send_if_modified(|link| match link {
                PipeLink::Up => false,
                PipeLink::Down { problem: last, tries } => {
                    (*last, *tries) = (problem, tries.saturating_add(1));
                    true
                }
            });
            None
        }
    }
}

fn need(shared: &Shared, is_live: bool) -> Need {
    match (is_live, shared.with_pipe(|pipe| pipe.is_connected(shared.now()))) {
        (true, true) => Need::Change,
        (true, false) => Need::Silence,
        (false, _) => Need::Loss,
    }
}

/// Does what is due.
fn act(
    shared: &Arc<Shared>,
    line: &Line,
    trial: &mut Trial,
    (ways, is_live): (&mut Ways, bool),
) -> Option<PipeEnd> {
    while let Some(due) = shared.with_pipe(|pipe| pipe.due(shared.now())) {
        match due {
            Due::Dial => trial.begin(line.clone(), shared.clone(), ways.take(need(shared, is_live))),
            Due::Send(frame) => shared.send_urgently(frame),
            Due::GiveUp => return Some(PipeEnd::Lost("it could not be connected again in time".into())),
        }
    }
    None
}

/// A connection that falls silent counts as none until it is heard again. Without one, says so if we wait for the
/// partner only.
fn look(shared: &Shared, link: &watch::Sender<PipeLink>, is_live: bool, waits_for_partner: bool) {
    let is_connected = is_live && shared.with_pipe(|pipe| pipe.is_connected(shared.now()));
    link.send_if_modified(|link| {
        let next = match (&*link, is_connected) {
            (PipeLink::Up, true) => return false,
            (PipeLink::Down { .. }, true) => PipeLink::Up,
            (PipeLink::Down { tries, .. }, false) if waits_for_partner => {
                PipeLink::Down { problem: PARTNER_AWAY.into(), tries: (*tries).max(1) }
            }
            (PipeLink::Up, false) => PipeLink::Down { problem: SILENT.into(), tries: 0 },
            (PipeLink::Down { .. }, false) => return false,
        };
        *link != next && {
            *link = next;
            true
        }
    });
}

/// Tells sleep from waiting: the clock that counts our time-outs stands still in sleep on some
/// systems, another does not.
struct Clocks {
    monotonic: Instant,
    sleepless: Duration,
}

/// A clock that counts sleep, and that cannot be set.
#[cfg(target_os = "linux")]
fn sleepless() -> Duration {
    let read = rustix::time::clock_gettime(rustix::time::ClockId::Boottime);
    Duration::from_secs(read.tv_sec.unsigned_abs()) + Duration::from_nanos(read.tv_nsec.unsigned_abs())
}

/// The wall clock. Setting it costs one new connection.
#[cfg(not(target_os = "linux"))]
fn sleepless() -> Duration {
    std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default()
}

impl Clocks {
    fn now() -> Self {
        Self { monotonic: Instant::now(), sleepless: sleepless() }
    }

    fn slept(&mut self) -> bool {
        let before = std::mem::replace(self, Self::now());
        let ours = self.monotonic - before.monotonic;
        self.sleepless.saturating_sub(before.sleepless) > ours + ASLEEP
    }
}
