//! The verdict for as long as the agent runs: it changes with the network and with the tunnel.
//!
//! The monitor asks the relay nothing while remote access is off. Once the agent is registered it
//! measures, once, and again after the network has changed. When NetworkManager then says that something
//! is wrong, it asks the relay itself, because a registration takes long to notice.

use std::time::Duration;

use fieldlink_protocol::endpoint;
use fieldlink_transport::{DialError, Dialer, Measurement, WebSocket, measure};
use futures_util::future::BoxFuture;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::clock::Clock;
use super::reach::{Failure, Reach};
use super::state::{NetworkState, Whereabouts};
use super::verdict::{self, Code, Verdict};
use super::watcher::Watcher;
use crate::task::OwnedTask;

/// After a change the new way gets this long to come up before it is measured.
const SETTLE: Duration = Duration::from_secs(1);

/// How long a registration is believed against what NetworkManager says, while the relay is asked.
const BELIEVED: Duration = Duration::from_millis(1_500);

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
    task: OwnedTask,
    cancel: DropGuard,
}

/// The side of remote access: reports how the tunnel is, follows the verdict.
#[derive(Clone)]
pub struct Handle {
    verdict: watch::Receiver<Verdict>,
    state: watch::Receiver<NetworkState>,
    standing: watch::Sender<Standing>,
}

impl Monitor {
    /// Follows the network. Calls [`Dialer::network_changed`] when the way to the relay has changed.
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
            complaint: None,
            reach: Reach::Unasked,
            measurement: None,
            is_due: true,
            believed_until: None,
            work: None,
        };
        let stopped = cancel.clone();
        let task = OwnedTask::spawn(async move {
            stopped.run_until_cancelled(monitoring.run()).await;
        });
        let handle = Handle { verdict, state: watcher.state(), standing };
        Self { handle, watcher, task, cancel: cancel.drop_guard() }
    }

    /// A handle for remote access.
    pub fn handle(&self) -> Handle {
        self.handle.clone()
    }

    /// Waits until a task of it fails by itself. Safe to cancel.
    pub async fn failed(&mut self) -> JoinError {
        tokio::select! {
            error = self.task.failed() => error,
            error = self.watcher.failed() => error,
        }
    }

    /// Stops its tasks and waits for them; a failure is logged.
    pub async fn close(mut self) {
        drop(self.cancel);
        if let Some(error) = self.task.ended().await {
            tracing::error!(%error, "the task that watches the network failed");
        }
        self.watcher.close().await;
    }
}

impl Handle {
    /// Says how the tunnel is.
    pub fn tunnel_is(&self, standing: Standing) {
        // Registered again is news, too: it proves the way anew.
        self.standing.send_replace(standing);
    }

    /// The verdict now.
    pub fn verdict(&self) -> Verdict {
        self.verdict.borrow().clone()
    }

    /// Whether NetworkManager takes data for metered; none if it says nothing now.
    pub fn is_metered(&self) -> Option<bool> {
        match &*self.state.borrow() {
            NetworkState::Known(network) => Some(network.metered),
            _ => None,
        }
    }

    /// Waits for another verdict, or for other news of NetworkManager's. Safe to cancel.
    pub async fn changed(&mut self) {
        let is_over = tokio::select! {
            changed = self.verdict.changed() => changed.is_err(),
            changed = self.state.changed() => changed.is_err(),
        };
        if is_over {
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
    /// What NetworkManager's picture says is wrong.
    complaint: Option<Code>,
    reach: Reach,
    /// Of this way to the relay.
    measurement: Option<Measurement>,
    /// Whether this way is to be measured still.
    is_due: bool,
    /// Until when the registration is believed although NetworkManager says otherwise.
    believed_until: Option<Instant>,
    /// The dialling or the measurement that runs. Dropping it gives it up.
    work: Option<BoxFuture<'static, Found>>,
}

/// What the monitor's own looking found.
enum Found {
    Dialled(Result<Box<WebSocket>, DialError>),
    Measured(Measurement),
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
                found = finished(&mut self.work) => self.on_found(found),
                () = passed(self.believed_until) => {
                    self.believed_until = None;
                    self.reach = Reach::Unasked;
                }
            }
            self.publish();
        }
    }

    fn on_state(&mut self) {
        let state = self.state.borrow_and_update().clone();
        let before = std::mem::replace(&mut self.complaint, state.known().and_then(verdict::complaint));
        // Before they are told to dial anew: where to, depends on it.
        if let Some(interfaces) = state.interfaces() {
            self.dialer.set_interfaces(interfaces);
        }
        if self.whereabouts.has_moved(&state) {
            tracing::info!("the way to the relay has changed: everything dials anew");
            self.dialer.network_changed();
            self.forget_measurement();
        }
        if self.is_registered() {
            match self.complaint {
                // A weak signal is no reason to think that the relay is gone.
                None | Some(Code::N9) => self.believe_tunnel(),
                complaint if complaint != before => self.doubt(),
                Some(_) => {}
            }
        }
    }

    fn on_standing(&mut self) {
        let standing = self.standing.borrow_and_update().clone();
        self.believed_until = None;
        match standing {
            Standing::Off => {
                self.forget_measurement();
                self.reach = Reach::Unasked;
            }
            Standing::Connecting => self.reach = Reach::Unasked,
            Standing::Failed(failure) => self.reach = Reach::Failed(failure),
            Standing::Registered => {
                self.is_due |= self.measurement.is_none();
                self.believe_tunnel();
            }
        }
    }

    fn on_found(&mut self, found: Found) {
        self.work = None;
        // What fails is not tried again before the tunnel says something new.
        self.is_due = false;
        match found {
            Found::Dialled(Ok(socket)) => {
                self.work = Some(Box::pin(async { Found::Measured(measure(*socket).await) }));
                self.answered(None);
            }
            Found::Dialled(Err(error)) => {
                tracing::debug!(%error, "the way to the relay was not measured");
                match Reach::of_refusal(&error) {
                    Reach::Answers(measurement) => self.answered(measurement),
                    // The tunnel has not noticed yet.
                    failed if self.is_doubted() => self.reach = failed,
                    _ => {}
                }
                self.believed_until = None;
            }
            Found::Measured(measurement) => self.answered(Some(measurement)),
        }
    }

    fn answered(&mut self, measurement: Option<Measurement>) {
        self.believed_until = None;
        self.measurement = measurement.or(self.measurement.take());
        if self.is_registered() {
            self.reach = Reach::Answers(self.measurement.clone());
        }
    }

    fn is_registered(&self) -> bool {
        *self.standing.borrow() == Standing::Registered
    }

    fn is_doubted(&self) -> bool {
        self.believed_until.is_some() || (self.is_registered() && self.reach == Reach::Unasked)
    }

    fn believe_tunnel(&mut self) {
        self.believed_until = None;
        self.reach = Reach::Answers(self.measurement.clone());
        if self.is_due && self.work.is_none() {
            self.work = Some(Box::pin(dial(self.dialer.clone(), SETTLE)));
        }
    }

    /// A registration over a way that is gone looks alive for a minute. So when NetworkManager says
    /// that something is wrong, the relay is asked at once; until it answers, or not, it is believed.
    fn doubt(&mut self) {
        self.believed_until = Some(Instant::now() + BELIEVED);
        self.work = Some(Box::pin(dial(self.dialer.clone(), Duration::ZERO)));
    }

    fn forget_measurement(&mut self) {
        self.work = None;
        self.measurement = None;
        self.is_due = true;
    }

    fn publish(&self) {
        if self.believed_until.is_some() {
            // In a moment more is known.
            return;
        }
        let verdict = Verdict::of(&self.state.borrow(), &self.reach, Clock::read());
        self.verdict.send_if_modified(|shown| {
            let is_new = (shown.code, &shown.notice) != (verdict.code, &verdict.notice);
            if is_new {
                tracing::info!(code = %verdict.code, engineer = verdict.engineer, "the network's verdict");
            }
            *shown = verdict;
            is_new
        });
    }
}

async fn dial(dialer: Dialer, pause: Duration) -> Found {
    tokio::time::sleep(pause).await;
    Found::Dialled(dialer.probe(endpoint::MEASURE).await.1.map(Box::new))
}

async fn finished<T>(work: &mut Option<BoxFuture<'static, T>>) -> T {
    match work {
        Some(work) => work.await,
        None => std::future::pending().await,
    }
}

async fn passed(deadline: Option<Instant>) {
    match deadline {
        Some(deadline) => tokio::time::sleep_until(deadline).await,
        None => std::future::pending().await,
    }
}
