//! The registration with the relay: one connection, kept up for as long as remote access is on.

mod registration;

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_transport::Dialer;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::{CancellationToken, DropGuard};

use self::registration::Registration;
use crate::network::reach::Failure;

const QUEUE: usize = 64;
/// How long the relay may take to come back and hear why a session ended.
const FAREWELL: Duration = Duration::from_secs(60);

/// What comes from the relay, or becomes of the connection to it.
#[derive(Debug)]
pub(crate) enum TunnelEvent {
    /// The relay knows what is claimed.
    Registered {
        /// What the relay understands.
        relay: Features,
    },
    /// The connection is gone, or could not be made; it is being tried again.
    Lost(Failure),
    /// Another agent holds this support ID.
    IdTaken,
    /// The relay knows nothing (any more) of the session that is claimed; perhaps why.
    SessionOver(Option<Reason>),
    /// The relay has signed how far a session's account is.
    Anchored {
        /// The session.
        session: SessionId,
        /// The anchor's line, without its end.
        line: String,
        /// Of the line with its end: SSHSIG, armoured.
        signature: String,
    },
    /// An authority's time stamp for the record of a session.
    TimeStamped {
        /// The session.
        session: SessionId,
        /// Its answer, as base64.
        response: String,
    },
    /// A message for the rules.
    Message(ToAgent),
}

impl TunnelEvent {
    /// Whether the relay says that a session is over.
    pub(crate) fn ends_session(&self) -> bool {
        matches!(self, Self::SessionOver(_) | Self::Message(ToAgent::Ended { .. }))
    }
}

/// A running registration. Dropping it cuts the connection; [`Tunnel::close`] sends what waits first.
pub(crate) struct Tunnel {
    outgoing: mpsc::Sender<FromAgent>,
    claim: watch::Sender<Claim>,
    cancel: DropGuard,
    task: JoinHandle<()>,
}

impl Tunnel {
    /// Registers for `claim`, again and again, until it is closed.
    pub(crate) fn open(
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
            since: None,
        };
        let task = tokio::spawn(registration.run());
        (Self { outgoing, claim, cancel: cancel.drop_guard(), task }, events)
    }

    /// Sends `message`, if there is a connection to send it on. A full queue means that the relay
    /// takes nothing; the connection's own time-outs deal with that.
    pub(crate) fn send(&self, message: FromAgent) {
        if self.outgoing.try_send(message).is_err() {
            tracing::warn!("a message to the relay was dropped: the connection takes nothing");
        }
    }

    /// What to register for from the next connection on.
    pub(crate) fn set_claim(&self, claim: Claim) {
        self.claim.send_replace(claim);
    }

    /// Tells a relay that is out of reach why `session` is over, if it comes into reach again soon.
    pub(crate) async fn farewell(
        self,
        mut events: mpsc::Receiver<TunnelEvent>,
        session: SessionId,
        reason: Reason,
    ) {
        let _ = tokio::time::timeout(FAREWELL, async {
            loop {
                match events.recv().await {
                    Some(TunnelEvent::Registered { .. }) => {
                        break self.send(FromAgent::Ended { session, reason });
                    }
                    Some(
                        TunnelEvent::Lost(_)
                        | TunnelEvent::Message(_)
                        | TunnelEvent::Anchored { .. }
                        | TunnelEvent::TimeStamped { .. },
                    ) => {}
                    Some(TunnelEvent::IdTaken | TunnelEvent::SessionOver(_)) | None => break,
                }
            }
        })
        .await;
        drop(events);
        self.close().await;
    }

    /// Sends what is queued and says goodbye; a relay that takes nothing is cut off after a second.
    pub(crate) async fn close(self) {
        let Self { outgoing, cancel, mut task, claim } = self;
        drop(outgoing);
        cancel.disarm().cancel();
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
