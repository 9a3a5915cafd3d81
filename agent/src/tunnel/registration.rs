//! One registration over one connection after another.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::ticket::{Lease, Signed};
use fieldlink_protocol::{endpoint, limits};
use fieldlink_transport::{Backoff, ControlConnection, ControlError, DialError, Dialer};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, watch};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::TunnelEvent;
use crate::network::reach::{Failure, FailureKind};

/// Longest wait between two tries to reach the relay.
const RETRY_LIMIT: Duration = Duration::from_secs(5);
/// A registration that stood for this long is followed by an immediate try.
const STABLE: Duration = Duration::from_secs(5);

type Connection = ControlConnection<FromAgent, ToAgent>;

pub(super) struct Registration {
    pub(super) dialer: Dialer,
    pub(super) key: Arc<RegistrationKey>,
    pub(super) claim: watch::Receiver<Claim>,
    pub(super) lease: Option<Signed<Lease>>,
    pub(super) outgoing: mpsc::Receiver<FromAgent>,
    pub(super) events: mpsc::Sender<TunnelEvent>,
    pub(super) cancel: CancellationToken,
    /// Since when the present connection is registered.
    pub(super) since: Option<Instant>,
}

/// Why one connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the relay refused the registration: {0:?}")]
    Refused(RegistrationRefusal, Option<Reason>),
    #[error("the relay did not follow the protocol")]
    OutOfTurn,
    #[error("closed")]
    Closed,
}

impl Ended {
    fn failure(&self) -> Failure {
        let kind = match self {
            Self::Dial(error) => return error.into(),
            Self::Control(_) | Self::Closed => FailureKind::Silence,
            Self::Refused(..) | Self::OutOfTurn => FailureKind::Refused,
        };
        Failure { kind, detail: self.to_string() }
    }
}

impl Registration {
    pub(super) async fn run(mut self) {
        let mut backoff = Backoff::new(RETRY_LIMIT);
        loop {
            let ended = match self.try_connection().await {
                Ok(never) => match never {},
                Err(Ended::Closed) => return,
                Err(ended) => ended,
            };
            tracing::info!(error = %ended, "registration lost");
            if self.since.take().is_some_and(|since| since.elapsed() >= STABLE) {
                backoff.reset();
            }
            if !self.report(ended).await {
                return;
            }
            let mut changes = self.dialer.changes();
            tokio::select! {
                biased;
                () = self.cancel.cancelled() => return,
                Ok(()) = changes.changed() => backoff.reset(),
                () = tokio::time::sleep(backoff.next_delay()) => {}
            }
        }
    }

    /// False if there is nothing left to try.
    async fn report(&mut self, ended: Ended) -> bool {
        let (event, go_on) = match ended {
            Ended::Refused(RegistrationRefusal::IdTaken, _) => (TunnelEvent::IdTaken, false),
            Ended::Refused(RegistrationRefusal::SessionOver, reason) => {
                (TunnelEvent::SessionOver(reason), false)
            }
            other => (TunnelEvent::Lost(other.failure()), true),
        };
        let sent = self.cancel.run_until_cancelled(self.events.send(event)).await;
        matches!(sent, Some(Ok(()))) && go_on
    }

    async fn try_connection(&mut self) -> Result<Infallible, Ended> {
        let cancel = self.cancel.clone();
        let registering = self.register();
        let mut connection = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Ended::Closed),
            registered = registering => self.accept(registered?).await?,
        };
        let mut changes = self.dialer.changes();
        // Another connection that is being made beside this one, because the network has changed.
        let mut another: Option<BoxFuture<'static, Result<Registered, Ended>>> = None;
        loop {
            if matches!(*self.claim.borrow_and_update(), Claim::Session { .. }) {
                connection.watch_closely();
            }
            tokio::select! {
                biased;
                () = cancel.cancelled() => {
                    while let Ok(message) = self.outgoing.try_recv() {
                        connection.send(&message).await?;
                    }
                    connection.close("agent-stopped").await;
                    return Err(Ended::Closed);
                }
                message = self.outgoing.recv() => {
                    if let Some(message) = message {
                        connection.send(&message).await?;
                    } else {
                        // The owner lets go; the cancellation follows at once.
                        cancel.cancelled().await;
                    }
                }
                Ok(()) = self.claim.changed() => {}
                Ok(()) = changes.changed() => another = Some(Box::pin(self.register())),
                registered = next_of(&mut another) => match registered {
                    // It has taken this one's place at the relay.
                    Ok(registered) => connection = self.accept(registered).await?,
                    Err(error) => tracing::info!(%error, "no other way to the relay"),
                },
                message = connection.next() => self.pass_on(message?).await?,
            }
        }
    }

    /// Dials and registers what is claimed now. The future stands for itself.
    fn register(&mut self) -> impl Future<Output = Result<Registered, Ended>> + Send + use<> {
        let mut claim = self.claim.borrow_and_update().clone();
        if let Claim::SupportId { lease, .. } = &mut claim {
            lease.clone_from(&self.lease);
        }
        register(self.dialer.clone(), self.key.clone(), claim)
    }

    async fn accept(&mut self, registered: Registered) -> Result<Connection, Ended> {
        let Registered { connection, lease, is_session, relay } = registered;
        if is_session {
            self.lease = None;
        } else if lease.is_some() {
            // Without a new one, the one before is still worth something after a restart of the relay.
            self.lease = lease;
        }
        self.since = Some(Instant::now());
        // What was meant for the connection before this one leads nowhere now.
        while !is_session && self.outgoing.try_recv().is_ok() {}
        let registered = TunnelEvent::Registered { relay };
        self.events.send(registered).await.map_err(|_| Ended::Closed)?;
        Ok(connection)
    }

    async fn pass_on(&self, message: ToAgent) -> Result<(), Ended> {
        match message {
            ToAgent::Challenge { .. } | ToAgent::Registered { .. } => Err(Ended::OutOfTurn),
            // The support ID turned out to be another agent's.
            ToAgent::Refused { code, reason } => Err(Ended::Refused(code, reason)),
            ToAgent::Anchored { session, line, signature } => {
                self.tell(TunnelEvent::Anchored { session, line, signature }).await;
                Ok(())
            }
            ToAgent::TimeStamped { session, response } => {
                self.tell(TunnelEvent::TimeStamped { session, response }).await;
                Ok(())
            }
            message => {
                self.tell(TunnelEvent::Message(message)).await;
                Ok(())
            }
        }
    }

    /// A receiver that is gone means that we are being closed: the cancellation says so, and until then what is queued for
    /// the relay still goes out.
    async fn tell(&self, event: TunnelEvent) {
        let _ = self.cancel.run_until_cancelled(self.events.send(event)).await;
    }
}

async fn next_in_time(connection: &mut Connection) -> Result<ToAgent, Ended> {
    let waited = tokio::time::timeout(limits::HANDSHAKE, connection.next()).await;
    Ok(waited.unwrap_or(Err(ControlError::Silent))?)
}

/// A connection that the relay has registered.
struct Registered {
    connection: Connection,
    lease: Option<Signed<Lease>>,
    is_session: bool,
    relay: Features,
}

async fn register(dialer: Dialer, key: Arc<RegistrationKey>, claim: Claim) -> Result<Registered, Ended> {
    // A session's agent has a place of its own at a relay that is full.
    let header = match &claim {
        Claim::Session { session_ticket } => Some((endpoint::TICKET_HEADER, session_ticket.as_str())),
        Claim::SupportId { .. } => None,
    };
    let mut connection = Connection::dial(&dialer, endpoint::AGENT, header).await?;
    let ToAgent::Challenge { challenge, features: theirs } = next_in_time(&mut connection).await? else {
        return Err(Ended::OutOfTurn);
    };
    let signature = key.sign(&challenge, &claim.signed_text());
    let is_session = matches!(claim, Claim::Session { .. });
    let features = Features::ours();
    connection.send(&FromAgent::Register { claim, key: key.public(), signature, features }).await?;
    match next_in_time(&mut connection).await? {
        ToAgent::Registered { lease } => Ok(Registered { connection, lease, is_session, relay: theirs }),
        ToAgent::Refused { code, reason } => Err(Ended::Refused(code, reason)),
        _ => Err(Ended::OutOfTurn),
    }
}

/// What becomes of the future, once; without one, nothing.
async fn next_of<T>(future: &mut Option<BoxFuture<'static, T>>) -> T {
    match future {
        Some(present) => {
            let result = present.await;
            *future = None;
            result
        }
        None => std::future::pending().await,
    }
}
