//! The verdict for as long as the agent runs: it changes with the network and with the tunnel.
//!
//! The monitor asks the relay nothing while remote access is off. Once the agent is registered it
//! measures, once, and again after the network has changed.

use std::time::Duration;

use fieldlink_protocol::endpoint;
use fieldlink_protocol::transport::{Dialer, Measurement, measure};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::clock::Clock;
use super::reach::{Failure, Reach};
use super::state::{NetworkState, Whereabouts};
use super::verdict::Verdict;
use super::watcher::Watcher;

/// After a change the new way gets this long to come up before it is measured.
const SETTLE: Duration = Duration::from_secs(1);

/// What the tunnel knows of the relay.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Remote access is off.
    Off,
    /// Being dialled for the first time.
    Connecting,
    /// The relay knows us.
    Registered,
    /// It could not be reached, or was lost, and is being tried again.
    Failed(Failure),
}

/// A running monitor. It stops when it is dropped; [`Monitor::close`] waits for that.
pub struct Monitor {
    handle: Handle,
    watcher: Watcher,
    task: JoinHandle<()>,
    cancel: DropGuard,
}

/// The side of remote access: says how the tunnel is, hears the verdict.
#[derive(Clone)]
pub struct Handle {
    verdict: watch::Receiver<Verdict>,
    standing: watch::Sender<Standing>,
}

impl Monitor {
    /// Follows the network; `dialer` is told when it has changed.
    pub fn start(dialer: Dialer) -> Self {
        let watcher = Watcher::start();
        let cancel = CancellationToken::new();
        let (verdict_sender, verdict) =
            watch::channel(Verdict::of(&NetworkState::Unasked, &Reach::Unasked, Clock::read()));
        let (standing, standing_receiver) = watch::channel(Standing::Off);
        let monitoring = Monitoring {
            dialer,
            state: watcher.state(),
            standing: standing_receiver,
            verdict: verdict_sender,
            whereabouts: Whereabouts::default(),
            measurement: None,
            is_due: true,
            measuring: None,
        };
        let stopped = cancel.clone();
        let task = tokio::spawn(async move {
            stopped.run_until_cancelled(monitoring.run()).await;
        });
        Self { handle: Handle { verdict, standing }, watcher, task, cancel: cancel.drop_guard() }
    }

    /// A handle for remote access.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Stops it.
    pub async fn close(self) {
        drop(self.cancel);
        if let Err(error) = self.task.await {
            tracing::error!(%error, "the task that watches the network failed");
        }
        self.watcher.close().await;
    }
}

impl Handle {
    /// Says how the tunnel is.
    pub fn tunnel_is(&self, standing: Standing) {
        self.standing.send_if_modified(|known| {
            let is_new = *known != standing;
            *known = standing;
            is_new
        });
    }

    /// The verdict now.
    pub fn verdict(&self) -> Verdict {
        self.verdict.borrow().clone()
    }

    /// Waits for another verdict. Safe to cancel.
    pub async fn changed(&mut self) {
        if self.verdict.changed().await.is_err() {
            // The monitor is gone; its last verdict stands.
            std::future::pending().await
        }
    }
}

struct Monitoring {
    dialer: Dialer,
    state: watch::Receiver<NetworkState>,
    standing: watch::Receiver<Standing>,
    verdict: watch::Sender<Verdict>,
    whereabouts: Whereabouts,
    measurement: Option<Measurement>,
    /// Whether there is something to measure that has not been measured.
    is_due: bool,
    /// Dropping it gives it up.
    measuring: Option<BoxFuture<'static, Option<Measurement>>>,
}

impl Monitoring {
    /// Until the watcher or every handle is gone.
    async fn run(mut self) {
        self.on_state();
        loop {
            tokio::select! {
                changed = self.state.changed() => match changed {
                    Ok(()) => self.on_state(),
                    Err(_) => return,
                },
                changed = self.standing.changed() => match changed {
                    Ok(()) => self.on_standing(),
                    Err(_) => return,
                },
                measured = finished(&mut self.measuring) => {
                    // Without a measurement another one is due, but not before something has changed.
                    self.is_due = measured.is_none();
                    self.measurement = measured;
                    self.measuring = None;
                }
            }
            self.publish();
        }
    }

    fn on_state(&mut self) {
        let state = self.state.borrow_and_update().clone();
        if self.whereabouts.has_moved(&state) {
            tracing::info!("the way to the relay has changed: everything dials anew");
            self.dialer.network_changed();
            self.forget_measurement();
            self.measure_if_due();
        }
    }

    fn on_standing(&mut self) {
        if *self.standing.borrow_and_update() == Standing::Off {
            self.forget_measurement();
        }
        self.measure_if_due();
    }

    fn forget_measurement(&mut self) {
        self.measuring = None;
        self.measurement = None;
        self.is_due = true;
    }

    fn measure_if_due(&mut self) {
        if self.is_due && *self.standing.borrow() == Standing::Registered {
            self.is_due = false;
            self.measuring = Some(Box::pin(measure_soon(self.dialer.clone())));
        }
    }

    fn publish(&self) {
        let reach = match &*self.standing.borrow() {
            Standing::Off | Standing::Connecting => Reach::Unasked,
            Standing::Registered => Reach::Answers(self.measurement.clone()),
            Standing::Failed(failure) => Reach::Failed(failure.clone()),
        };
        let verdict = Verdict::of(&self.state.borrow(), &reach, Clock::read());
        self.verdict.send_if_modified(|shown| {
            let is_new = (shown.code, &shown.sentence) != (verdict.code, &verdict.sentence);
            *shown = verdict;
            is_new
        });
    }
}

async fn finished<T>(work: &mut Option<BoxFuture<'static, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn measure_soon(dialer: Dialer) -> Option<Measurement> {
    tokio::time::sleep(SETTLE).await;
    let (_, dialled) = dialer.probe(endpoint::MEASURE).await;
    match dialled {
        Ok(socket) => Some(measure(socket).await),
        Err(error) => {
            tracing::debug!(%error, "the way to the relay was not measured");
            None
        }
    }
}
