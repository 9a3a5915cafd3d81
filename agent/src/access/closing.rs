//! What stays of a session that is over: its record is closed and signed, its report is fetched. It holds up nothing: the
//! client can begin the next session meanwhile, and takes it away by deleting the record.

use std::collections::HashMap;
use std::future::pending;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::{feature, limits};
use tokio::sync::mpsc;
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_util::sync::CancellationToken;

use super::Access;
use super::attesting::{Attestation, Step};
use crate::record::{Fetch, Reports};
use crate::rules::State;
use crate::session::Parting;
use crate::tunnel::{Tunnel, TunnelEvent};

/// How long a relay that is away may take to come back and hear why a session ended, and a disk to close a record.
const PATIENCE: Duration = Duration::from_secs(60);
/// The same, once the agent is to stop.
const LAST_MOMENT: Duration = Duration::from_secs(1);
/// Sessions that may stay at the same time; with more, none does any more.
const MOST: usize = 2 * (limits::GUESTS + 1);

/// An engineer's session as the relay knows it, when it is over.
pub(super) struct Closing {
    pub(super) session: SessionId,
    pub(super) reason: Reason,
    pub(super) tunnel: (Tunnel, mpsc::Receiver<TunnelEvent>),
    /// Whether the relay keeps such a session. Otherwise it was told the end.
    pub(super) is_kept: bool,
    /// Whether the relay can be told now.
    pub(super) is_relay_here: bool,
    /// The engineer who may fetch the report.
    pub(super) parting: Option<Parting>,
    /// The report, if it may be fetched over this session's pipes.
    pub(super) fetch: Option<Fetch>,
    /// The record, with the session of the engineer whose session it was.
    pub(super) attestation: Option<Attestation>,
}

/// All that stay.
#[derive(Default)]
pub(super) struct Closings {
    tasks: JoinSet<()>,
    /// What ends those of one record.
    records: HashMap<SessionId, CancellationToken>,
}

impl Closing {
    /// What the relay is told at the end of the session.
    pub(super) fn word(is_kept: bool, session: SessionId, reason: Reason) -> FromAgent {
        match is_kept {
            true => FromAgent::Closing { session, reason },
            false => FromAgent::Ended { session, reason },
        }
    }

    async fn run(self, cancel: CancellationToken) {
        let Self { session, reason, tunnel, is_kept, is_relay_here, parting, fetch, mut attestation } = self;
        let (tunnel, mut events) = tunnel;
        let (over, mut chores) = (CancellationToken::new(), JoinSet::new());
        let watched = fetch.as_ref().map(|fetch| fetch.reports.clone()).filter(|_| attestation.is_some());
        let (mut is_read, mut is_told) = (false, is_relay_here);
        let mut last = Instant::now() + limits::CLOSING;
        if let (false, Some(attestation)) = (is_relay_here, &mut attestation) {
            attestation.relay_is_away();
        }
        let mut reading = pin!(read((parting, fetch), watched.as_deref(), &over));
        loop {
            let is_signed = attestation.as_ref().is_none_or(Attestation::is_done);
            if is_read && is_signed && is_told {
                break;
            }
            tokio::select! {
                () = &mut reading, if !is_read => {
                    is_read = true;
                    last = last.min(Instant::now() + PATIENCE);
                }
                step = next_step(&mut attestation) => match step {
                    Step::Say(word) => tunnel.send(word),
                    Step::Do(chore) => drop(chores.spawn(chore)),
                },
                Some(done) = chores.join_next() => {
                    if let (Ok(done), Some(attestation)) = (done, &mut attestation) {
                        attestation.on_done(done);
                    }
                }
                event = events.recv() => match (event, &mut attestation) {
                    (Some(TunnelEvent::Anchored { session: of, line, signature }), Some(attestation)) => {
                        chores.spawn(attestation.on_anchored(of, line, signature));
                    }
                    (Some(TunnelEvent::TimeStamped { session: of, response }), Some(attestation)) => {
                        chores.spawn(attestation.on_time_stamped(of, &response));
                    }
                    (Some(TunnelEvent::Registered { .. }), attestation) => {
                        tunnel.send(Self::word(is_kept, session, reason));
                        is_told = true;
                        attestation.iter_mut().for_each(|attestation| attestation.relay_is_here());
                    }
                    (Some(TunnelEvent::Lost(_)), attestation) => {
                        attestation.iter_mut().for_each(|attestation| attestation.relay_is_away());
                    }
                    (Some(event), _) if event.ends_session() => {
                        is_told = true;
                        // Others may read over pipes of their own.
                        if is_read {
                            last = last.min(soon());
                        }
                    }
                    (Some(TunnelEvent::IdTaken) | None, _) => break,
                    (Some(_), _) => {}
                },
                () = cancel.cancelled(), if !over.is_cancelled() => {
                    over.cancel();
                    attestation.iter().for_each(Attestation::hurry);
                    last = last.min(soon());
                }
                () = sleep_until(last) => break,
            }
        }
        over.cancel();
        let leaving = async {
            if !is_read {
                reading.await;
            }
            while chores.join_next().await.is_some() {}
            if let Some(attestation) = &mut attestation {
                attestation.closed().await;
            }
        };
        // Each says goodbye within its time.
        let _ = timeout(LAST_MOMENT, leaving).await;
        // Nothing reads these events any more; a relay that floods the queue must not hold up the end.
        drop(events);
        tunnel.send(FromAgent::Ended { session, reason });
        tunnel.close().await;
    }
}

fn soon() -> Instant {
    Instant::now() + LAST_MOMENT
}

async fn next_step(attestation: &mut Option<Attestation>) -> Step {
    match attestation {
        Some(attestation) => attestation.next().await,
        None => pending().await,
    }
}

/// Until everybody has fetched the report who may do so over this session's pipes: its engineer, and if it is the session of
/// the engineer who calls, all others, each over pipes of their own.
async fn read(
    (parting, fetch): (Option<Parting>, Option<Fetch>),
    watched: Option<&Reports>,
    over: &CancellationToken,
) {
    let engineer = async {
        if let (Some(parting), Some(fetch)) = (parting, &fetch) {
            parting.serve(&fetch.reports, over).await;
        }
        drop(fetch);
    };
    let watching = async {
        let Some(reports) = watched else { return };
        tokio::select! {
            () = reports.readers.wait() => {}
            () = over.cancelled() => {
                reports.over.cancel();
                reports.readers.wait().await;
            }
        }
    };
    tokio::join!(engineer, watching);
}

impl Closings {
    /// One more, of this record.
    pub(super) fn add(&mut self, record: Option<SessionId>, closing: Closing) {
        if self.tasks.len() >= MOST {
            self.cancel();
        }
        if self.tasks.is_empty() {
            self.records.clear();
        }
        let cancel = self.records.entry(record.unwrap_or(closing.session)).or_default();
        self.tasks.spawn(closing.run(cancel.child_token()));
    }

    /// Nothing stays any more of this record's session.
    pub(super) fn cancel_of(&mut self, record: SessionId) {
        self.records.remove(&record).into_iter().for_each(|cancel| cancel.cancel());
    }

    /// Nothing stays any more.
    pub(super) fn cancel(&mut self) {
        self.records.drain().for_each(|(_, cancel)| cancel.cancel());
    }

    /// Waits until one is done. Safe to cancel.
    pub(super) async fn next(&mut self) {
        match self.tasks.join_next().await {
            Some(Err(error)) => tracing::error!(%error, "the closing of a session failed by itself"),
            Some(Ok(())) => {}
            None => pending().await,
        }
    }

    /// Nothing stays any more; waits until it is so, for no longer than that.
    pub(super) async fn settle(&mut self, patience: Duration) {
        self.cancel();
        let done = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(patience, done).await.is_err() {
            tracing::warn!("a session that is over is not closed in order");
        }
    }
}

impl Access {
    /// The report, if the session is over for everybody and can be kept for it.
    pub(super) fn reports_at_the_end(&self) -> Option<Arc<Reports>> {
        // After a restart of the device it goes on.
        let is_over = !matches!(self.rules.state(), State::Active(_) | State::Restarting(_));
        self.records.reports().filter(|_| is_over && self.relay.has(feature::REPORT))
    }
}
