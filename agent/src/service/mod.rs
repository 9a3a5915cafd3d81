//! The agent as a service of systemd's: on the system bus, watched, and ready to be replaced.

pub mod action;
pub mod authority;
pub mod error;
pub mod in_flight;
mod inhibitor;
pub mod network_check;
pub mod object;
mod powers;
mod publisher;
mod restarter;
mod seats;
mod stop_socket;
mod systemd;
#[cfg(test)]
mod tests;
mod upgrade;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context;
use fieldlink_daemon::systemd::NotifyState;
use fieldlink_daemon::{AUDIT, StopSignals};
use fieldlink_device::emergency_stop;
use fieldlink_device::notice::Notice;
use fieldlink_device::order::Order;
use fieldlink_device::words::Language;
use fieldlink_protocol::messages::agent::Claim;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_transport::Dialer;
use tokio::sync::{mpsc, watch};
use tokio::task::{JoinError, JoinSet};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use self::authority::Authority;
use self::publisher::Publisher;
use crate::access::{Access, AccessHandle, Command};
use crate::carry_on::{CarryOnStore, RestartDeps};
use crate::config::{AccessMode, Config};
use crate::diagnosis::Diagnoses;
use crate::health::HealthReader;
use crate::live::LiveView;
use crate::network::Monitor;
use crate::record::RecordStore;
use crate::session::SessionDeps;
use crate::state_files::{self, SessionMark, StateFiles};
use crate::task::OwnedTask;
use crate::tunnel::Tunnel;

/// Orders that wait at most.
const ORDERS: usize = 16;
/// How long systemd waits for us to be on the bus before we say that we are up all the same.
const BUS_PATIENCE: Duration = Duration::from_secs(5);

/// How long answers to the last order may take to leave.
const LAST_ANSWERS: Duration = Duration::from_millis(50);

/// Why the service is over.
enum Over {
    /// It was told to stop.
    Stopped,
    /// A newer version is there.
    Replaced,
    /// Remote access ended, which it does by itself only when it must.
    Access(anyhow::Result<()>),
    /// Something beside it failed by itself: the next run has it again.
    Helper(JoinError),
}

/// Runs until it is told to stop, or must.
pub async fn run(config: Config) -> anyhow::Result<()> {
    let state_files = StateFiles::of_this_service();
    let authority = Authority::new(&config.support_user)?;
    let dialer = config.dialer()?;
    let (notice, unfinished) = earlier_life(&state_files);
    let mut farewells = JoinSet::new();
    // First of all: the engineer waits to hear it.
    for session in unfinished {
        farewells.spawn(say_farewell(dialer.clone(), session));
    }
    hold_off(&state_files).await;
    let mut network = Monitor::start(dialer.clone());
    let (commands, orders) = mpsc::channel(ORDERS);
    let language = config.language;
    let probes = config.health.probe.iter().map(|probe| probe.name.clone()).collect();
    let is_at_boot = config.access == AccessMode::AtBoot;
    let mut around = SessionDeps::new(&config, dialer.clone(), config.service_launch());
    // Without a state directory nothing can be kept over a restart, and so none is offered.
    around.restart = CarryOnStore::of_this_service()
        .map(|store| RestartDeps { store, restarter: Arc::new(restarter::Logind) });
    around.records = RecordStore::of_agent(state_files::state_directory(), &config.record);
    let (live, records, health) = (around.live.clone(), around.records.clone(), around.health.clone());
    let diagnoses = around.diagnoses.clone();
    let (access, handle) =
        Access::new(config, around, network.handle(), orders, (state_files.clone(), notice))?;
    let starts = is_at_boot && is_armed(&state_files);
    let mut access = tokio::spawn(access.at_boot(starts).run());
    let published = Published { dialer, language, live, records, health, diagnoses, probes };
    let mut helpers = Helpers::start(&handle, &commands, authority, published).await;
    let mut signals = StopSignals::listen()?;
    let over = tokio::select! {
        ended = &mut access => Over::Access(flatten(ended)),
        _ = signals.next() => Over::Stopped,
        () = upgrade::due(handle.view.clone()) => Over::Replaced,
        error = helpers.failed() => Over::Helper(error),
        error = network.failed() => Over::Helper(error),
    };
    let outcome = match over {
        Over::Access(outcome) => {
            // The caller of the order that led here is about to hear that it was carried out.
            tokio::time::sleep(LAST_ANSWERS).await;
            outcome
        }
        Over::Helper(error) => {
            tracing::error!(%error, "a part of the service failed by itself: it ends, to be started again");
            let _ = commands.send(Command::of(Order::Shutdown(Reason::ScannerFailed))).await;
            flatten(access.await).and(Err(error.into()))
        }
        Over::Stopped | Over::Replaced => {
            systemd::notify(&[NotifyState::Stopping]);
            let _ = commands.send(Command::of(Order::Shutdown(Reason::AgentStopped))).await;
            flatten(access.await)
        }
    };
    helpers.close().await;
    network.close().await;
    farewells.shutdown().await;
    if outcome.is_ok() {
        state_files.note_orderly_end();
    }
    outcome
}

/// Whether remote access is to start by itself: once after every boot. Where that cannot be noted, it has to be
/// started by hand, because a crash would start it again.
fn is_armed(state_files: &StateFiles) -> bool {
    state_files.arm(&state_files::boot_id().unwrap_or_default()).unwrap_or_else(|error| {
        tracing::error!(%error, "remote access does not start by itself: this device cannot note that it did");
        false
    })
}

/// A program that crashes again and again must not keep the device busy.
async fn hold_off(state_files: &StateFiles) {
    let wait = state_files.note_start(crate::clock::now());
    if !wait.is_zero() {
        tracing::warn!(seconds = wait.as_secs(), "started often lately: waiting before the next try");
        let text = format!("Started often lately, waiting {} seconds", wait.as_secs());
        systemd::notify(&[NotifyState::Ready, NotifyState::Status(&text)]);
        let feeding = async {
            loop {
                systemd::notify(&[NotifyState::Watchdog]);
                tokio::time::sleep(Duration::from_secs(1)).await;
            }
        };
        let _ = timeout(wait, feeding).await;
    }
}

/// What the client should read about the run before, and the session that it did not bring to its end.
fn earlier_life(state_files: &StateFiles) -> (Option<Notice>, Vec<SessionMark>) {
    let unfinished = state_files.take_sessions();
    let crashed = (!unfinished.is_empty()).then_some(Reason::AgentRestarted);
    let reason = state_files.take_last_words().or(crashed);
    if let Some(reason) = reason {
        tracing::warn!(target: AUDIT, reason = reason.code(), "the run before this one ended with a session");
    }
    (reason.map(Notice::Ended), unfinished)
}

/// Tells the relay, and so the engineer, that the session of an earlier run is over. Its keys went with
/// that run, so neither side could go on with it.
async fn say_farewell(dialer: Dialer, mark: SessionMark) {
    let key = RegistrationKey::from_seed(mark.key);
    let claim = Claim::Session { session_ticket: mark.ticket };
    let (tunnel, events) = Tunnel::open(dialer, Arc::new(key), claim);
    tunnel.farewell(events, mark.session, Reason::AgentRestarted).await;
}

fn flatten(ended: Result<anyhow::Result<()>, tokio::task::JoinError>) -> anyhow::Result<()> {
    ended.context("remote access failed")?
}

/// What the object on the bus is given beside remote access itself.
struct Published {
    dialer: Dialer,
    language: Option<Language>,
    live: LiveView,
    records: Option<Arc<RecordStore>>,
    health: Arc<HealthReader>,
    diagnoses: Diagnoses,
    probes: Vec<String>,
}

/// The tasks beside remote access.
struct Helpers {
    publisher: OwnedTask,
    cancel: CancellationToken,
    tasks: JoinSet<()>,
}

impl Helpers {
    /// Starts them. Returns when the agent is on the bus, or when that takes long.
    async fn start(
        handle: &AccessHandle,
        commands: &mpsc::Sender<Command>,
        authority: Authority,
        published: Published,
    ) -> Self {
        let cancel = CancellationToken::new();
        let (is_ready, mut ready) = watch::channel(false);
        let Published { dialer, language, live, records, health, diagnoses, probes } = published;
        let publisher = Publisher {
            view: handle.view.clone(),
            notifications: handle.notifications.clone(),
            live,
            commands: commands.clone(),
            authority: authority.clone(),
            records,
            health,
            diagnoses,
            probes,
            dialer,
            language,
            is_ready,
        };
        let publisher = OwnedTask::spawn(publisher.run(cancel.clone()));
        let mut tasks = JoinSet::new();
        tasks.spawn(systemd::feed_watchdog(commands.clone()));
        tasks.spawn(stop_socket::serve(Path::new(emergency_stop::SOCKET), commands.clone(), authority));
        let _ = timeout(BUS_PATIENCE, ready.wait_for(|is_ready| *is_ready)).await;
        systemd::notify(&[NotifyState::Ready]);
        tasks.spawn(systemd::tell_status(handle.view.clone()));
        Self { publisher, cancel, tasks }
    }

    /// Waits until one of them fails by itself. Safe to cancel.
    async fn failed(&mut self) -> JoinError {
        loop {
            let ended = tokio::select! {
                error = self.publisher.failed() => return error,
                Some(ended) = self.tasks.join_next() => ended,
            };
            if let Err(error) = ended {
                return error;
            }
        }
    }

    /// Ends them; what was shown last is told first.
    async fn close(mut self) {
        self.cancel.cancel();
        if timeout(systemd::GRACE, self.publisher.ended()).await.is_err() {
            self.publisher.abort();
        }
        self.tasks.shutdown().await;
    }
}
