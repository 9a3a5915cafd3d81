//! The connection to the relay's `/v1/engineer`: one actor that asks for a device, opens pipes and
//! hears how it ends.

use std::collections::HashMap;

use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::transport::{ControlConnection, ControlError, Dialer};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use zeroize::Zeroizing;

use crate::exit::{Failure, Kind};

/// The relay's connection for an engineer.
pub type Connection = ControlConnection<FromEngineer, ToEngineer>;

/// Dials the relay and waits until it has accepted the credential.
pub async fn dial(dialer: &Dialer, credential: &Credential) -> Result<Connection, Failure> {
    let bearer = Zeroizing::new(format!("Bearer {}", *credential.bearer()));
    let header = Some(("authorization", bearer.as_str()));
    let mut connection = Connection::dial(dialer, endpoint::ENGINEER, header).await?;
    let relay = dialer.relay();
    match timeout(limits::HANDSHAKE, connection.next()).await {
        Ok(Ok(ToEngineer::Welcome { .. })) => Ok(connection),
        Ok(Ok(_)) => Err(Failure::new(
            Kind::RelayUnreachable,
            format!("the relay {relay} answers, but not as agreed: ask its operator"),
        )),
        Ok(Err(ControlError::Message(error))) => Err(Failure::new(
            Kind::Version,
            format!("could not understand the relay {relay}: {error}: upgrade this program or the relay"),
        )),
        Ok(Err(error)) => Err(Failure::new(
            Kind::RelayUnreachable,
            format!("could not log in to the relay {relay}: {error}; try again"),
        )),
        Err(_) => Err(Failure::new(
            Kind::RelayUnreachable,
            format!("could not log in to the relay {relay}: it did not answer; try again"),
        )),
    }
}

/// A run that the relay has arranged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offer {
    /// The session.
    pub session: SessionId,
    /// This run.
    pub run: RunId,
    /// The control pipe.
    pub pipe: PipeId,
    /// Lets us attach to it.
    pub pipe_ticket: String,
}

/// What the relay tells without being asked, or in answer to a request.
#[derive(Debug)]
pub enum RelayEvent {
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
    /// The session is over, says the relay.
    Ended(Reason),
    /// The connection is over. The last event.
    Lost(ControlError),
}

/// A pipe that the relay has opened.
#[derive(Debug)]
pub struct OpenedPipe {
    /// The pipe.
    pub pipe: PipeId,
    /// Lets us attach to it.
    pub ticket: String,
}

/// Why there is no further pipe.
#[derive(Debug, thiserror::Error)]
pub enum OpenPipeError {
    /// The relay says no.
    #[error("the relay opened no connection: {}", refusal(.0))]
    Refused(OpenRefusal),
    /// The relay says nothing.
    #[error("the relay opened no connection: it did not answer")]
    NoAnswer,
    /// The connection to the relay is gone.
    #[error("the connection to the relay is gone")]
    Gone,
}

fn refusal(code: &OpenRefusal) -> &'static str {
    match code {
        OpenRefusal::NoSession => "the session is not open",
        OpenRefusal::AgentAway => "the scanner is not connected at the moment, try again shortly",
        OpenRefusal::TooMany => "the session has as many connections as it may have, close one first",
        OpenRefusal::Unknown => "its reason is not known to this version",
    }
}

enum Command {
    Request(FromEngineer),
    Open(oneshot::Sender<Result<OpenedPipe, OpenRefusal>>),
    End(Reason),
}

/// Commands the actor. Every part of a session that talks to the relay holds one.
#[derive(Clone)]
pub struct RelayHandle {
    commands: mpsc::Sender<Command>,
    admitted: CancellationToken,
}

impl RelayHandle {
    /// Asks for a device; the answer comes as an event.
    pub async fn request(&self, support_id: SupportId, ticket: &str, partner: Option<&str>) {
        let request = FromEngineer::Request {
            support_id,
            ticket: ticket.to_owned(),
            partner: partner.map(str::to_owned),
            features: Features::ours(),
        };
        // A lost actor has said so in its last event.
        let _ = self.commands.send(Command::Request(request)).await;
    }

    /// Waits until the relay knows that the session was admitted.
    pub async fn admitted(&self) {
        self.admitted.cancelled().await;
    }

    /// Asks for a further pipe.
    pub async fn open(&self) -> Result<OpenedPipe, OpenPipeError> {
        let (answer, answered) = oneshot::channel();
        self.commands.send(Command::Open(answer)).await.map_err(|_| OpenPipeError::Gone)?;
        let answered = timeout(limits::HANDSHAKE, answered).await.map_err(|_| OpenPipeError::NoAnswer)?;
        answered.map_err(|_| OpenPipeError::Gone)?.map_err(OpenPipeError::Refused)
    }

    /// Says that the session is over; the actor then ends.
    pub async fn end(&self, reason: Reason) {
        let _ = self.commands.send(Command::End(reason)).await;
    }
}

/// Commands and events that may wait.
const QUEUE: usize = 16;

/// A handle, the events, and the actor, which does nothing until it is awaited.
pub fn actor(
    connection: Connection,
    cancel: CancellationToken,
) -> (RelayHandle, mpsc::Receiver<RelayEvent>, impl Future<Output = ()>) {
    let (commands, commanded) = mpsc::channel(QUEUE);
    let (events, event_receiver) = mpsc::channel(QUEUE);
    let admitted = CancellationToken::new();
    let handle = RelayHandle { commands, admitted: admitted.clone() };
    let actor = Actor { connection, events, admitted, opening: HashMap::new(), next_request: 0 };
    (handle, event_receiver, actor.run(commanded, cancel))
}

struct Actor {
    connection: Connection,
    events: mpsc::Sender<RelayEvent>,
    /// Fires when the relay knows of the admission.
    admitted: CancellationToken,
    opening: HashMap<u32, oneshot::Sender<Result<OpenedPipe, OpenRefusal>>>,
    next_request: u32,
}

impl Actor {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, cancel: CancellationToken) {
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => Ok(Reason::EngineerEnded),
            ended = self.talk(&mut commands) => ended,
        };
        match ended {
            Ok(reason) => self.connection.close(reason.code()).await,
            // Nobody listens any more if the session is being ended at the same time.
            Err(error) => drop(self.events.try_send(RelayEvent::Lost(error))),
        }
    }

    async fn talk(&mut self, commands: &mut mpsc::Receiver<Command>) -> Result<Reason, ControlError> {
        loop {
            let command = tokio::select! {
                biased;
                command = commands.recv() => command,
                message = self.connection.next() => {
                    self.hear(message?).await;
                    continue;
                }
            };
            match command {
                Some(Command::Request(request)) => self.connection.send(&request).await?,
                Some(Command::Open(answer)) => self.open(answer).await?,
                Some(Command::End(reason)) => {
                    self.connection.send(&FromEngineer::End { reason }).await?;
                    return Ok(reason);
                }
                None => return Ok(Reason::EngineerEnded),
            }
        }
    }

    async fn open(
        &mut self,
        answer: oneshot::Sender<Result<OpenedPipe, OpenRefusal>>,
    ) -> Result<(), ControlError> {
        // Whoever asked may have given up; a relay that never answers must not fill our memory.
        self.opening.retain(|_, waiting| !waiting.is_closed());
        let request = self.next_request;
        self.next_request = request.wrapping_add(1);
        self.opening.insert(request, answer);
        self.connection.send(&FromEngineer::Open { request }).await
    }

    async fn hear(&mut self, message: ToEngineer) {
        let event = match message {
            ToEngineer::Requested { session, run, pipe, pipe_ticket } => {
                RelayEvent::Offered(Offer { session, run, pipe, pipe_ticket })
            }
            ToEngineer::Unavailable { code, retry_after } => RelayEvent::Unavailable { code, retry_after },
            ToEngineer::Declined { run, reason } => RelayEvent::Declined { run, reason },
            ToEngineer::SessionTicket { .. } => return self.admitted.cancel(),
            ToEngineer::Ended { reason, .. } => RelayEvent::Ended(reason),
            ToEngineer::Opened { request, pipe, pipe_ticket: ticket } => {
                return self.answer(request, Ok(OpenedPipe { pipe, ticket }));
            }
            ToEngineer::NotOpened { request, code } => return self.answer(request, Err(code)),
            ToEngineer::Welcome { .. } | ToEngineer::Resumed { .. } => return,
        };
        let _ = self.events.send(event).await;
    }

    fn answer(&mut self, request: u32, answer: Result<OpenedPipe, OpenRefusal>) {
        if let Some(waiting) = self.opening.remove(&request) {
            let _ = waiting.send(answer);
        }
    }
}

/// A request that leads nowhere, in words.
pub fn unavailable(id: SupportId, code: Unavailable, retry_after: Option<u32>) -> Failure {
    match code {
        Unavailable::RateLimited => Failure::new(
            Kind::Busy,
            format!("too many requests within a minute: try again in {} s", retry_after.unwrap_or(60)),
        ),
        Unavailable::Full => {
            Failure::new(Kind::Busy, "the relay has no room at the moment: try again shortly")
        }
        Unavailable::NotAvailable | Unavailable::Unknown => Failure::new(
            Kind::NotAvailable,
            format!(
                "{} is not available: it is unknown, switched off or in a session; ask the client to \
                 check that remote access is on and to read the ID out again",
                id.grouped()
            ),
        ),
    }
}
