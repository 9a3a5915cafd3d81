//! The connection to the relay's `/v1/engineer`: one actor that asks for a device, opens pipes and
//! hears how it ends.

mod actor;

use std::time::Duration;

use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{PipeTicket, SessionTicket, Signed};
use fieldlink_transport::{ControlConnection, ControlError, Dialer, when_there_is_room};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::timeout;
use zeroize::Zeroizing;

pub(crate) use actor::{LAST_ANCHOR, Resumable, actor};

use crate::exit::{Failure, Kind};
use crate::words::say;

/// The relay's connection for an engineer.
pub(crate) type Connection = ControlConnection<FromEngineer, ToEngineer>;

/// Dials the relay and waits until it has accepted the credential.
pub(crate) async fn dial(dialer: &Dialer, credential: &Credential) -> Result<Connection, Failure> {
    let bearer = Zeroizing::new(format!("Bearer {}", *credential.bearer()));
    let header = Some(("authorization", bearer.as_str()));
    let dial = || Connection::dial(dialer, endpoint::ENGINEER, header);
    let mut connection = when_there_is_room(dial).await?;
    let relay = dialer.relay();
    match timeout(limits::HANDSHAKE, connection.next()).await {
        Ok(Ok(ToEngineer::Welcome { .. })) => Ok(connection),
        Ok(Ok(_)) => {
            Err(Failure::new(Kind::RelayUnreachable, say!("relay-not-as-agreed", relay = relay.to_string())))
        }
        Ok(Err(ControlError::Message(error))) => Err(Failure::new(
            Kind::Version,
            say!("relay-not-understood", relay = relay.to_string(), error = error.to_string()),
        )),
        Ok(Err(error)) => Err(Failure::new(
            Kind::RelayUnreachable,
            say!("login-failed", relay = relay.to_string(), error = error.to_string()),
        )),
        Err(_) => {
            Err(Failure::new(Kind::RelayUnreachable, say!("login-unanswered", relay = relay.to_string())))
        }
    }
}

/// A run that the relay has arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Offer {
    /// The session.
    pub session: SessionId,
    /// This run.
    pub run: RunId,
    /// The key of the agent's registration, as the relay says.
    pub agent: AgentKey,
    /// The control pipe.
    pub pipe: PipeId,
    /// Lets us attach to it.
    pub pipe_ticket: Signed<PipeTicket>,
}

/// What the relay tells without being asked, or in answer to a request.
#[derive(Debug)]
pub(crate) enum RelayEvent {
    /// The device is there.
    Offered(Offer),
    /// The device is not to be had.
    Unavailable {
        /// Why.
        code: Unavailable,
        /// Seconds until a further request makes sense.
        retry_after: Option<u32>,
    },
    /// The agent declined a run.
    Declined {
        /// Which.
        run: RunId,
        /// Why.
        reason: Reason,
    },
    /// The relay tells of an anchor that is none, or that cannot be kept, and why.
    NotAnchored(String),
    /// The session is over, says the relay, and the scanner stays for its report, on the control pipe.
    Closing(Reason),
    /// The session is over, says the relay.
    Ended(Reason),
    /// The connection is over for good. The last event.
    Lost(ControlError),
}

/// A pipe that the relay has opened.
#[derive(Debug)]
pub(crate) struct OpenedPipe {
    /// The pipe.
    pub pipe: PipeId,
    /// Lets us attach to it.
    pub ticket: Signed<PipeTicket>,
}

/// Why there is no further pipe.
#[derive(Debug, thiserror::Error)]
pub(crate) enum OpenPipeError {
    /// The relay says no.
    #[error("{}", say!("no-pipe", why = refusal(.0)))]
    Refused(OpenRefusal),
    /// The relay says nothing.
    #[error("{}", say!("no-pipe", why = say!("no-pipe-unanswered")))]
    NoAnswer,
    /// The connection to the relay is gone.
    #[error("{}", say!("relay-gone"))]
    Gone,
}

fn refusal(code: &OpenRefusal) -> String {
    match code {
        OpenRefusal::NoSession => say!("no-pipe-session"),
        OpenRefusal::AgentAway => say!("no-pipe-scanner"),
        OpenRefusal::TooMany => say!("no-pipe-too-many"),
        OpenRefusal::WrongKind => say!("no-pipe-kind"),
        OpenRefusal::Unknown => say!("no-pipe-unknown"),
    }
}

/// How long a relay that is away may take to hear that the session is over.
const LAST_WORD: Duration = Duration::from_secs(3);

enum Command {
    Say(FromEngineer),
    Open(oneshot::Sender<Result<OpenedPipe, OpenRefusal>>),
    End(Reason, oneshot::Sender<()>),
}

/// Commands the actor. Every part of a session that talks to the relay holds one.
#[derive(Clone)]
pub(crate) struct RelayHandle {
    commands: mpsc::Sender<Command>,
    ticket: watch::Receiver<Option<Signed<SessionTicket>>>,
    admitted: watch::Receiver<bool>,
}

impl RelayHandle {
    /// Asks for a device; the answer comes as an event.
    pub(crate) async fn request(&self, support_id: SupportId, ticket: &str, partner: Option<&str>) {
        let request = FromEngineer::Request {
            support_id,
            ticket: ticket.to_owned(),
            partner: partner.map(str::to_owned),
            features: Features::ours(),
        };
        // A lost actor has said so in its last event.
        let _ = self.commands.send(Command::Say(request)).await;
    }

    /// Asks for a run with the key that was kept; the answer comes as an event.
    pub(crate) async fn pair_again(&self) {
        let _ = self.commands.send(Command::Say(FromEngineer::PairAgain {})).await;
    }

    /// Waits until the relay knows that the session was admitted, in the latest run.
    pub(crate) async fn admitted(&self) {
        let _ = self.admitted.clone().wait_for(|is_admitted| *is_admitted).await;
    }

    /// The ticket that brings the session back at a relay that was started again, or for this program if
    /// it is started again. `None` before the admission.
    pub(crate) fn session_ticket(&self) -> watch::Receiver<Option<Signed<SessionTicket>>> {
        self.ticket.clone()
    }

    /// Asks for a further pipe.
    pub(crate) async fn open(&self) -> Result<OpenedPipe, OpenPipeError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Open(answer)).await.map_err(|_| OpenPipeError::Gone)?;
        let answered = timeout(limits::HANDSHAKE, answered).await.map_err(|_| OpenPipeError::NoAnswer)?;
        answered.map_err(|_| OpenPipeError::Gone)?.map_err(OpenPipeError::Refused)
    }

    /// Says that the session is over; the actor then ends. A relay that is away is given a moment to come
    /// back and hear it.
    pub(crate) async fn end(&self, reason: Reason) {
        let (told, is_told) = oneshot::channel();
        let _ = self.commands.send(Command::End(reason, told)).await;
        let _ = timeout(LAST_WORD, is_told).await;
    }
}

#[cfg(test)]
impl RelayHandle {
    /// A handle without an actor behind it.
    pub(crate) fn idle() -> Self {
        let (ticket, admitted) = (watch::channel(None).1, watch::channel(true).1);
        Self { commands: mpsc::channel(1).0, ticket, admitted }
    }
}

/// A request that leads nowhere, in words.
pub(crate) fn unavailable(
    (id, joins): (SupportId, bool),
    code: Unavailable,
    retry_after: Option<u32>,
) -> Failure {
    match code {
        Unavailable::RateLimited => {
            let seconds = u64::from(retry_after.unwrap_or(60));
            Failure::new(Kind::Busy, say!("too-many-requests", seconds = seconds))
        }
        Unavailable::Full => Failure::new(Kind::Busy, say!("relay-without-room")),
        Unavailable::StoreDown => Failure::new(Kind::Failed, say!("relay-cannot-write")),
        Unavailable::NotAvailable | Unavailable::Unknown if joins => {
            Failure::new(Kind::NotAvailable, say!("join-code-not-available", id = id.grouped()))
        }
        Unavailable::NotAvailable | Unavailable::Unknown => {
            Failure::new(Kind::NotAvailable, say!("scanner-not-available", id = id.grouped()))
        }
    }
}
