//! The agent's place on the system bus: takes the name, tells changes, and comes back when the bus does.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_device::bus::{
    ANSWER, AccessInterfaceSignals, ConversationInterfaceSignals, NAME, PATH, Snapshot, to_bus,
};
use fieldlink_device::notice;
use fieldlink_device::order::Notification;
use fieldlink_device::panel::View;
use fieldlink_device::words::Language;
use fieldlink_transport::Backoff;
use tokio::sync::{Mutex, broadcast, mpsc, watch};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use zbus::Connection;
use zbus::connection::Builder;
use zbus::fdo;
use zbus::object_server::SignalEmitter;

use super::authority::Authority;
use super::inhibitor::Inhibitor;
use super::network_check::NetworkCheck;
use super::object::{Object, snapshot};
use crate::access::Command;
use crate::diagnosis::Diagnoses;
use crate::health::HealthReader;
use crate::live::LiveView;
use crate::record::RecordStore;

/// How long logind may take to keep the device awake.
const LOGIND: Duration = Duration::from_secs(1);
/// Longest pause before the bus is tried again.
const RETRY_LIMIT: Duration = Duration::from_secs(10);

/// What is published, and where orders go.
pub(super) struct Publisher {
    /// The state that the properties show.
    pub view: watch::Receiver<View>,
    /// What happens beside it.
    pub notifications: broadcast::Sender<Notification>,
    /// Where the orders of permitted calls go.
    pub commands: mpsc::Sender<Command>,
    /// What engineers' terminals show.
    pub live: LiveView,
    /// Decides which calls are permitted.
    pub authority: Authority,
    /// The records of this device, if it keeps any.
    pub records: Option<Arc<RecordStore>>,
    /// For the device's health: one for every connection to the bus, so that a file that hangs is read once.
    pub health: Arc<HealthReader>,
    /// For diagnoses of the device.
    pub diagnoses: Diagnoses,
    /// The names of the maker's probes.
    pub probes: Vec<String>,
    /// For checks of the network.
    pub dialer: fieldlink_transport::Dialer,
    /// What the device's operator has set.
    pub language: Option<Language>,
    /// Set once the name is ours for the first time.
    pub is_ready: watch::Sender<bool>,
}

impl Publisher {
    /// Serves until it is cancelled, over one connection to the bus after another. What was shown last is
    /// still told.
    pub(super) async fn run(mut self, cancel: CancellationToken) {
        let mut backoff = Backoff::new(RETRY_LIMIT);
        let mut inhibitor = Inhibitor::default();
        loop {
            match self.try_serve(&cancel, &mut backoff, &mut inhibitor).await {
                Ok(()) => return,
                Err(error) => tracing::warn!(%error, "not on the system bus, trying again"),
            }
            let pause = tokio::time::sleep(backoff.next_delay());
            if cancel.run_until_cancelled(pause).await.is_none() {
                return;
            }
        }
    }

    async fn try_serve(
        &mut self,
        cancel: &CancellationToken,
        backoff: &mut Backoff,
        inhibitor: &mut Inhibitor,
    ) -> zbus::Result<()> {
        let mut notifications = self.notifications.subscribe();
        let language = self.language;
        let mut told = snapshot(&self.view.borrow_and_update(), language);
        let bus = self.connect().await?;
        backoff.reset();
        tracing::info!(name = NAME, "on the system bus");
        self.is_ready.send_replace(true);
        let emitter = SignalEmitter::new(&bus, PATH)?;
        // The state may have changed while we were connecting, without a signal.
        let view = self.view.borrow_and_update().clone();
        tell_change(&emitter, &mut told, snapshot(&view, language)).await?;
        loop {
            let is_in_session = self.view.borrow().status.is_in_session();
            // A logind that hangs must not hold up the signals; it is asked again.
            let _ = timeout(LOGIND, inhibitor.follow(&bus, is_in_session)).await;
            tokio::select! {
                biased;
                () = bus.closed() => return Err(gone()),
                changed = self.view.changed() => {
                    let view = self.view.borrow_and_update().clone();
                    tell_change(&emitter, &mut told, snapshot(&view, language)).await?;
                    if changed.is_err() {
                        return bus.close().await;
                    }
                }
                notification = notifications.recv() => match notification {
                    Ok(notification) => tell(&emitter, notification).await?,
                    // We hold a sender ourselves: it can only be that some were missed.
                    Err(missed) => tracing::warn!(%missed, "not everything was told on the bus"),
                },
                () = cancel.cancelled() => {
                    let view = self.view.borrow_and_update().clone();
                    tell_change(&emitter, &mut told, snapshot(&view, language)).await?;
                    return bus.close().await;
                }
            }
        }
    }

    async fn connect(&self) -> zbus::Result<Connection> {
        let object = Object {
            commands: self.commands.clone(),
            view: self.view.clone(),
            live: self.live.clone(),
            authority: self.authority.clone(),
            language: self.language,
            network: Arc::new(Mutex::new(NetworkCheck::new(self.dialer.clone()))),
            health: self.health.clone(),
            diagnoses: self.diagnoses.clone(),
            probes: self.probes.clone(),
            records: self.records.clone(),
            reports: Arc::default(),
        };
        let connecting = object.serve(Builder::system().method_timeout(ANSWER)).name(NAME).build();
        let late = || std::io::Error::new(std::io::ErrorKind::TimedOut, "the system bus does not answer");
        timeout(ANSWER, connecting).await.map_err(|_| zbus::Error::from(late()))?
    }
}

/// One signal for each interface that has changed, in the order that says where the change ends.
pub(super) async fn tell_change(
    emitter: &SignalEmitter<'_>,
    told: &mut Snapshot,
    now: Snapshot,
) -> zbus::Result<()> {
    for (interface, changes) in now.changed_since(told) {
        fdo::Properties::properties_changed(emitter, interface.try_into()?, changes, (&[]).into()).await?;
    }
    *told = now;
    Ok(())
}

pub(super) async fn tell(emitter: &SignalEmitter<'_>, notification: Notification) -> zbus::Result<()> {
    match notification {
        Notification::Chat { from_engineer, text } => {
            emitter.chat(if from_engineer { "engineer" } else { "client" }, &text).await
        }
        Notification::Warning(warning) => {
            let (code, arguments) = notice::parts(&warning);
            emitter.warning(&code, to_bus(arguments)).await
        }
        Notification::Local(_) => Ok(()),
    }
}

fn gone() -> zbus::Error {
    std::io::Error::new(std::io::ErrorKind::NotConnected, "the system bus is gone").into()
}
