//! Follows NetworkManager: a picture at the beginning and after every signal that concerns it.
//!
//! Nothing is polled. What is tried again, with growing pauses, is what failed: a bus that is not there
//! and a NetworkManager that does not answer. One that is not running is waited for by the bus's own
//! signal, and never started by us.

use std::collections::HashSet;
use std::convert::Infallible;
use std::num::NonZeroUsize;
use std::pin::pin;
use std::time::Duration;

use fieldlink_protocol::text;
use fieldlink_transport::Backoff;
use futures_util::StreamExt;
use tokio::sync::watch;
use tokio::task::JoinError;
use tokio_util::sync::{CancellationToken, DropGuard};
use zbus::connection::Builder;
use zbus::fdo::DBusProxy;
use zbus::message::Type;
use zbus::names::OwnedUniqueName;
use zbus::{Connection, MatchRule, MessageStream, OwnedObjectPath};

use super::network_manager::{self, NAME, Picture, ROOT};
use super::state::NetworkState;
use crate::bus_names::owner_changes;
use crate::task::OwnedTask;

/// Longest wait for one answer on the bus.
const ANSWER: Duration = Duration::from_secs(2);
/// Signals come in bursts; this long after the first one a picture is taken.
const SETTLE: Duration = Duration::from_millis(50);
/// Longest pause before what failed is tried again.
const RETRY_LIMIT: Duration = Duration::from_secs(30);
/// Signals that wait for us at most. They are taken as they come, also while a picture is taken.
const QUEUE: NonZeroUsize = NonZeroUsize::new(64).expect("not zero");
/// Objects whose signals are remembered while a picture is taken; beyond it another picture is due anyway.
const REMEMBERED: usize = 64;

/// A running watcher. It stops when it is dropped; [`Watcher::close`] waits for that.
pub struct Watcher {
    state: watch::Receiver<NetworkState>,
    task: OwnedTask,
    cancel: DropGuard,
}

impl Watcher {
    /// Follows NetworkManager on the system bus.
    pub fn start() -> Self {
        let cancel = CancellationToken::new();
        let (sender, state) = watch::channel(NetworkState::Unasked);
        let stopped = cancel.clone();
        let task = OwnedTask::spawn(async move {
            stopped.run_until_cancelled(Following { state: sender }.run()).await;
        });
        Self { state, task, cancel: cancel.drop_guard() }
    }

    /// What NetworkManager says, from now on.
    pub fn state(&self) -> watch::Receiver<NetworkState> {
        self.state.clone()
    }

    /// Waits until its task fails by itself. Safe to cancel.
    pub async fn failed(&mut self) -> JoinError {
        self.task.failed().await
    }

    /// Stops its task and waits for it; a failure is logged.
    pub async fn close(mut self) {
        drop(self.cancel);
        if let Some(error) = self.task.ended().await {
            tracing::error!(%error, "the task that follows NetworkManager failed");
        }
    }
}

struct Following {
    state: watch::Sender<NetworkState>,
}

impl Following {
    async fn run(self) {
        let mut backoff = Backoff::new(RETRY_LIMIT);
        loop {
            let error = match self.try_bus(&mut backoff).await {
                Ok(never) => match never {},
                Err(error) => text::sentence(&error.to_string()),
            };
            tracing::debug!(error, "could not follow NetworkManager: no system bus, trying again");
            self.publish(NetworkState::NoBus(error));
            tokio::time::sleep(backoff.next_delay()).await;
        }
    }

    /// Until the bus is gone.
    async fn try_bus(&self, backoff: &mut Backoff) -> zbus::Result<Infallible> {
        let connecting = Builder::system().method_timeout(ANSWER).build();
        let connection = tokio::time::timeout(2 * ANSWER, connecting).await.map_err(|_| silent())??;
        let bus = DBusProxy::new(&connection).await?;
        let mut owners = owner_changes(&connection, NAME).await?;
        backoff.reset();
        loop {
            let owner = match bus.get_name_owner(NAME.try_into()?).await {
                Ok(owner) => Some(owner),
                Err(zbus::fdo::Error::NameHasNoOwner(_)) => None,
                Err(error) => return Err(error.into()),
            };
            tracing::debug!(owner = owner.as_ref().map(|name| name.as_str()), "NetworkManager's name");
            tokio::select! {
                biased;
                () = connection.closed() => return Err(gone()),
                changed = owners.next() => drop(changed.ok_or_else(gone)??),
                never = self.follow(&connection, owner) => match never {},
            }
        }
    }

    /// Until the caller drops it, because the name on the bus has another owner.
    async fn follow(&self, connection: &Connection, owner: Option<OwnedUniqueName>) -> Infallible {
        let Some(owner) = owner else {
            self.publish(NetworkState::NotRunning);
            return std::future::pending().await;
        };
        let mut backoff = Backoff::new(RETRY_LIMIT);
        loop {
            let error = match self.try_follow(connection, &owner, &mut backoff).await {
                Ok(never) => match never {},
                Err(error) => text::sentence(&error.to_string()),
            };
            tracing::info!(error, "NetworkManager does not answer, trying again");
            self.publish(NetworkState::Silent(error));
            tokio::time::sleep(backoff.next_delay().max(ANSWER)).await;
        }
    }

    async fn try_follow(
        &self,
        connection: &Connection,
        owner: &OwnedUniqueName,
        backoff: &mut Backoff,
    ) -> zbus::Result<Infallible> {
        let mut signals = Signals { stream: changes(connection, owner).await?, pending: HashSet::new() };
        loop {
            signals.pending.clear();
            let Picture { network, objects } = signals.during(network_manager::take(connection)).await??;
            backoff.reset();
            self.publish(NetworkState::Known(network));
            while !signals.concern(&objects) {
                signals.next().await?;
            }
            signals.during(tokio::time::sleep(SETTLE)).await?;
        }
    }

    fn publish(&self, state: NetworkState) {
        self.state.send_if_modified(|shown| {
            let is_new = *shown != state;
            *shown = state;
            is_new
        });
    }
}

/// NetworkManager's signals. They must be taken also while its answers are awaited: zbus reads nothing
/// more from the bus while a queue of signals is full.
struct Signals {
    stream: MessageStream,
    /// Objects that have changed since the last picture began.
    pending: HashSet<OwnedObjectPath>,
}

impl Signals {
    /// Remembers the next signal's object.
    async fn next(&mut self) -> zbus::Result<()> {
        let message = self.stream.next().await.ok_or_else(gone)??;
        if self.pending.len() < REMEMBERED {
            self.pending.extend(message.header().path().map(|path| path.to_owned().into()));
        }
        Ok(())
    }

    /// Takes signals for as long as `work` takes.
    async fn during<T>(&mut self, work: impl Future<Output = T>) -> zbus::Result<T> {
        let mut work = pin!(work);
        loop {
            tokio::select! {
                biased;
                done = &mut work => return Ok(done),
                taken = self.next() => taken?,
            }
        }
    }

    /// Whether a picture of `objects` is out of date.
    fn concern(&mut self, objects: &HashSet<OwnedObjectPath>) -> bool {
        let is_flood = self.pending.len() >= REMEMBERED;
        self.pending.drain().any(|path| objects.contains(&path)) || is_flood
    }
}

/// Signals that `owner` of NetworkManager's name has changed a property of some object.
async fn changes(connection: &Connection, owner: &OwnedUniqueName) -> zbus::Result<MessageStream> {
    let rule = MatchRule::builder()
        .msg_type(Type::Signal)
        .sender(owner.to_owned())
        .path_namespace(ROOT)
        .interface("org.freedesktop.DBus.Properties")
        .member("PropertiesChanged")
        .build()?;
    MessageStream::for_match_rule(rule, connection, Some(QUEUE)).await
}

fn gone() -> zbus::Error {
    std::io::Error::new(std::io::ErrorKind::NotConnected, "the system bus is gone").into()
}

fn silent() -> zbus::Error {
    std::io::Error::new(std::io::ErrorKind::TimedOut, "the system bus does not answer").into()
}
