//! The registration with the relay: one connection, kept up for as long as remote access is on.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::transport::{Backoff, ControlConnection, ControlError, DialError, Dialer};
use fieldlink_protocol::{endpoint, limits};
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::network::reach::{Failure, FailureKind};

/// Longest wait between two tries to reach the relay.
const RETRY_LIMIT: Duration = Duration::from_secs(5);
const QUEUE: usize = 64;
/// How long the relay may take to come back and hear why a session ended.
const FAREWELL: Duration = Duration::from_secs(60);

/// What comes from the relay, or becomes of the connection to it.
#[derive(Debug)]
pub enum TunnelEvent {
    /// The relay knows what is claimed.
    Registered,
    /// The connection is gone, or could not be made; it is being tried again.
    Lost(Failure),
    /// Another agent holds this support ID.
    IdTaken,
    /// The relay knows nothing (any more) of the session that is claimed.
    SessionOver,
    /// A message for the rules.
    Message(ToAgent),
}

/// A running registration. Dropping it cuts the connection; [`Tunnel::close`] sends what waits first.
pub struct Tunnel {
    outgoing: mpsc::Sender<FromAgent>,
    claim: watch::Sender<Claim>,
    cancel: CancellationToken,
    task: JoinHandle<()>,
}

impl Tunnel {
    /// Registers for `claim`, again and again, until it is closed.
    pub fn open(
        dialer: Dialer,
        key: Arc<RegistrationKey>,
        claim: Claim,
    ) -> (Self, mpsc::Receiver<TunnelEvent>) {
        let (event_sender, events) = mpsc::channel(QUEUE);
        let (outgoing, outgoing_receiver) = mpsc::channel(QUEUE);
        let (claim, claim_receiver) = watch::channel(claim);
        let cancel = CancellationToken::new();
        let registration = Registration {
            dialer,
            key,
            claim: claim_receiver,
            lease: None,
            outgoing: outgoing_receiver,
            events: event_sender,
            cancel: cancel.clone(),
        };
        let task = tokio::spawn(registration.run());
        (Self { outgoing, claim, cancel, task }, events)
    }

    /// Sends `message`, if there is a connection to send it on. A full queue means that the relay
    /// takes nothing; the connection's own time-outs deal with that.
    pub fn send(&self, message: FromAgent) {
        if self.outgoing.try_send(message).is_err() {
            tracing::warn!("a message to the relay was dropped: the connection takes nothing");
        }
    }

    /// What to register for from the next connection on.
    pub fn set_claim(&self, claim: Claim) {
        self.claim.send_replace(claim);
    }

    /// Tells a relay that is out of reach why `session` is over, if it comes into reach again soon.
    pub async fn farewell(self, mut events: mpsc::Receiver<TunnelEvent>, session: SessionId, reason: Reason) {
        let _ = tokio::time::timeout(FAREWELL, async {
            loop {
                match events.recv().await {
                    Some(TunnelEvent::Registered) => break self.send(FromAgent::Ended { session, reason }),
                    Some(TunnelEvent::Lost(_) | TunnelEvent::Message(_)) => {}
                    Some(TunnelEvent::IdTaken | TunnelEvent::SessionOver) | None => break,
                }
            }
        })
        .await;
        drop(events);
        self.close().await;
    }

    /// Sends what is queued and says goodbye; a relay that takes nothing is cut off after a second.
    pub async fn close(self) {
        let Self { outgoing, cancel, mut task, claim } = self;
        drop(outgoing);
        cancel.cancel();
        match tokio::time::timeout(2 * limits::CLOSE, &mut task).await {
            Ok(Err(error)) => tracing::error!(%error, "the registration task failed"),
            Ok(Ok(())) => {}
            Err(_) => {
                task.abort();
                let _ = task.await;
            }
        }
        drop(claim);
    }
}

type Connection = ControlConnection<FromAgent, ToAgent>;

struct Registration {
    dialer: Dialer,
    key: Arc<RegistrationKey>,
    claim: watch::Receiver<Claim>,
    lease: Option<String>,
    outgoing: mpsc::Receiver<FromAgent>,
    events: mpsc::Sender<TunnelEvent>,
    cancel: CancellationToken,
}

/// Why one connection ended.
#[derive(Debug, thiserror::Error)]
enum Ended {
    #[error(transparent)]
    Dial(#[from] DialError),
    #[error(transparent)]
    Control(#[from] ControlError),
    #[error("the relay refused the registration: {0:?}")]
    Refused(RegistrationRefusal),
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
            Self::Refused(_) | Self::OutOfTurn => FailureKind::Refused,
        };
        Failure { kind, detail: self.to_string() }
    }
}

impl Registration {
    async fn run(mut self) {
        let mut backoff = Backoff::new(RETRY_LIMIT);
        loop {
            let ended = match self.try_connection(&mut backoff).await {
                Ok(never) => match never {},
                Err(Ended::Closed) => return,
                Err(ended) => ended,
            };
            tracing::info!(error = %ended, "registration lost");
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
            Ended::Refused(RegistrationRefusal::IdTaken) => (TunnelEvent::IdTaken, false),
            Ended::Refused(RegistrationRefusal::SessionOver) => (TunnelEvent::SessionOver, false),
            other => (TunnelEvent::Lost(other.failure()), true),
        };
        let sent = self.cancel.run_until_cancelled(self.events.send(event)).await;
        matches!(sent, Some(Ok(()))) && go_on
    }

    async fn try_connection(&mut self, backoff: &mut Backoff) -> Result<std::convert::Infallible, Ended> {
        let cancel = self.cancel.clone();
        let mut connection = tokio::select! {
            biased;
            () = cancel.cancelled() => return Err(Ended::Closed),
            connection = self.register() => connection?,
        };
        backoff.reset();
        let mut changes = self.dialer.changes();
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
                Ok(()) = changes.changed() => {
                    // The new connection takes the old one's place at the relay at once.
                    let cancel = self.cancel.clone();
                    match cancel.run_until_cancelled(self.register()).await {
                        Some(Ok(new)) => connection = new,
                        Some(Err(error)) => tracing::info!(%error, "no other way to the relay"),
                        None => {}
                    }
                }
                message = connection.next() => self.pass_on(message?).await?,
            }
        }
    }

    async fn register(&mut self) -> Result<Connection, Ended> {
        let mut connection = Connection::dial(&self.dialer, endpoint::AGENT, None).await?;
        let ToAgent::Challenge { challenge, .. } = next_in_time(&mut connection).await? else {
            return Err(Ended::OutOfTurn);
        };
        let mut claim = self.claim.borrow_and_update().clone();
        if let Claim::SupportId { lease, .. } = &mut claim {
            lease.clone_from(&self.lease);
        }
        let signature = self.key.sign(&challenge, &claim.signed_text());
        let is_session = matches!(claim, Claim::Session { .. });
        let features = Features::ours();
        connection.send(&FromAgent::Register { claim, key: self.key.public(), signature, features }).await?;
        match next_in_time(&mut connection).await? {
            ToAgent::Registered { lease } => {
                self.lease = Some(lease).filter(|_| !is_session);
                // What was meant for the connection before this one leads nowhere now.
                while !is_session && self.outgoing.try_recv().is_ok() {}
                self.events.send(TunnelEvent::Registered).await.map_err(|_| Ended::Closed)?;
                Ok(connection)
            }
            ToAgent::Refused { code } => Err(Ended::Refused(code)),
            _ => Err(Ended::OutOfTurn),
        }
    }

    async fn pass_on(&self, message: ToAgent) -> Result<(), Ended> {
        match message {
            ToAgent::Challenge { .. } | ToAgent::Registered { .. } | ToAgent::Refused { .. } => {
                Err(Ended::OutOfTurn)
            }
            // A receiver that is gone means that we are being closed: the cancellation says so, and
            // until then what is queued for the relay still goes out.
            message => {
                let sending = self.events.send(TunnelEvent::Message(message));
                let _ = self.cancel.run_until_cancelled(sending).await;
                Ok(())
            }
        }
    }
}

async fn next_in_time(connection: &mut Connection) -> Result<ToAgent, Ended> {
    let waited = tokio::time::timeout(limits::HANDSHAKE, connection.next()).await;
    Ok(waited.unwrap_or(Err(ControlError::Silent))?)
}
