//! The actor that keeps the connection: from the admission on, over one connection after another.

use std::collections::BTreeMap;
use std::time::Duration;

use fieldlink_evidence::KeptAnchor;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer};
use fieldlink_protocol::pipe::{PipeKind, closing};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{SessionTicket, Signed};
use fieldlink_transport::{Backoff, ControlError, Dialer};
use tokio::sync::{mpsc, oneshot, watch};
use tokio::time::{Instant, sleep, timeout};
use tokio_util::sync::CancellationToken;

use super::{Command, Connection, LAST_WORD, Offer, OpenedPipe, RelayEvent, RelayHandle, dial};
use crate::anchors::AnchorBook;
use crate::exit::{Failure, Kind};
use crate::words::say;

/// Commands and events that may wait.
const QUEUE: usize = 16;

/// How long the scanner's last lines may take to be signed, after a session whose lines were.
pub(crate) const LAST_ANCHOR: Duration = Duration::from_secs(1);

/// The pause after another connection took our place, and how often that may happen.
const REPLACED: Duration = Duration::from_secs(2);
const MOST_REPLACED: u32 = 5;

/// How to come back to a session on another connection.
#[derive(Clone)]
pub(crate) struct Resumable {
    /// Reaches the relay.
    pub dialer: Dialer,
    /// Who we are.
    pub credential: Credential,
    /// Where what the relay signs of sessions is kept.
    pub anchors: AnchorBook,
}

/// A handle, the events, and the actor, which does nothing until it is awaited. `session` is the one that
/// this connection has come back to, with its ticket.
pub(crate) fn actor(
    connection: Connection,
    resumable: Resumable,
    session: Option<(SessionId, Signed<SessionTicket>)>,
    cancel: CancellationToken,
) -> (RelayHandle, mpsc::Receiver<RelayEvent>, impl Future<Output = ()>) {
    let (commands, commanded) = mpsc::channel(QUEUE);
    let (events, event_receiver) = mpsc::channel(QUEUE);
    let (ticket, ticket_receiver) = watch::channel(session.as_ref().map(|(_, ticket)| ticket.clone()));
    let (admitted, admitted_receiver) = watch::channel(false);
    let handle = RelayHandle { commands, ticket: ticket_receiver, admitted: admitted_receiver };
    let session = session.map(|(session, _)| session);
    let opening = BTreeMap::new();
    let backoff = Backoff::new(limits::PIPE_RETRY_MAX);
    let actor = Actor {
        connection,
        since: Instant::now(),
        backoff,
        replaced: 0,
        resumable,
        session,
        events,
        ticket,
        admitted,
        opening,
        next_request: 0,
        is_over: false,
        awaits_anchor: false,
        is_doubt_told: false,
    };
    (handle, event_receiver, actor.run(commanded, cancel))
}

impl Resumable {
    /// Dials the relay and comes back to `session`. The inner result is the relay's answer: the
    /// connection, or why the session is over.
    pub(crate) async fn resume(
        &self,
        session: SessionId,
        session_ticket: &Signed<SessionTicket>,
    ) -> Result<Result<Connection, Reason>, Failure> {
        let mut connection = dial(&self.dialer, &self.credential).await?;
        let session_ticket = session_ticket.clone();
        let resume = FromEngineer::Resume { session, session_ticket, features: Features::ours() };
        let answered = timeout(limits::HANDSHAKE, async {
            connection.send(&resume).await?;
            connection.next().await
        });
        match answered.await.unwrap_or(Err(ControlError::Silent)) {
            Ok(ToEngineer::Resumed { .. }) => {
                connection.watch_closely();
                Ok(Ok(connection))
            }
            Ok(ToEngineer::Ended { reason, .. }) => Ok(Err(reason)),
            Ok(ToEngineer::Unavailable { .. }) => Err(Failure::new(Kind::Busy, say!("relay-busy"))),
            Ok(_) => Err(Failure::new(Kind::Failed, say!("relay-broke-agreement"))),
            Err(error) => Err(Failure::new(Kind::RelayUnreachable, error.to_string())),
        }
    }
}

struct Actor {
    connection: Connection,
    /// Since when.
    since: Instant,
    backoff: Backoff,
    /// How often another connection took our place.
    replaced: u32,
    resumable: Resumable,
    session: Option<SessionId>,
    events: mpsc::Sender<RelayEvent>,
    ticket: watch::Sender<Option<Signed<SessionTicket>>>,
    admitted: watch::Sender<bool>,
    /// In the order in which they were asked for.
    opening: BTreeMap<u32, oneshot::Sender<Result<OpenedPipe, OpenRefusal>>>,
    next_request: u32,
    /// The session is over, says the relay.
    is_over: bool,
    /// Lines of the session were signed, and the last ones are to be.
    awaits_anchor: bool,
    /// Why an anchor is not kept is told once.
    is_doubt_told: bool,
}

/// Why the actor ends.
enum Over {
    /// We say so; the relay is told on the connection, if there is one.
    Ours(Reason),
    /// The session's tasks are told.
    Told(RelayEvent),
}

impl Actor {
    async fn run(mut self, mut commands: mpsc::Receiver<Command>, cancel: CancellationToken) {
        let over = tokio::select! {
            biased;
            () = cancel.cancelled() => Over::Ours(Reason::EngineerEnded),
            over = self.keep(&mut commands) => over,
        };
        match over {
            Over::Ours(reason) => {
                let _ = timeout(LAST_ANCHOR, self.last_anchor()).await;
                self.connection.close(reason.code()).await;
            }
            // The session listens no more if it is being ended at the same time.
            Over::Told(event) => drop(self.events.try_send(event)),
        }
    }

    async fn keep(&mut self, commands: &mut mpsc::Receiver<Command>) -> Over {
        loop {
            let error = match self.talk(commands).await {
                Ok(reason) => return Over::Ours(reason),
                Err(error) => error,
            };
            let ticket = self.ticket.borrow().clone();
            match (self.session, ticket) {
                (Some(session), Some(ticket)) if self.is_passing(&error) => {
                    if let Err(over) = self.come_back(session, &ticket, commands).await {
                        return over;
                    }
                }
                _ => return Over::Told(RelayEvent::Lost(error)),
            }
        }
    }

    /// Whether the session may still be there on another connection.
    fn is_passing(&mut self, error: &ControlError) -> bool {
        if self.since.elapsed() >= limits::PIPE_STABLE {
            self.backoff.reset();
        }
        match error {
            // By a late try of our own, most likely. Two programs with one ticket would go on for ever.
            ControlError::Closed(text) if text == closing::REPLACED => {
                self.replaced += 1;
                self.backoff.skip(REPLACED);
                self.replaced <= MOST_REPLACED
            }
            ControlError::Closed(text) => {
                Reason::from_code(text).is_none_or(|reason| reason == Reason::RelayStopping)
            }
            ControlError::Lost(_) | ControlError::Silent => true,
            ControlError::Message(_) | ControlError::Unfit(_) => false,
        }
    }

    /// Dials until the relay has the session again on a new connection.
    async fn come_back(
        &mut self,
        session: SessionId,
        ticket: &Signed<SessionTicket>,
        commands: &mut mpsc::Receiver<Command>,
    ) -> Result<(), Over> {
        let resumable = self.resumable.clone();
        let mut backoff = self.backoff.clone();
        let resuming = resume_at_last(&resumable, session, ticket, &mut backoff);
        let mut resuming = Box::pin(resuming);
        self.connection = loop {
            tokio::select! {
                biased;
                resumed = &mut resuming => break resumed?,
                command = commands.recv() => match command {
                    // It is asked when the relay is there again.
                    Some(Command::Open(answer)) => {
                        self.note(answer);
                    }
                    Some(Command::Say(_)) => {}
                    Some(Command::End(reason, _told)) => {
                        // The caller waits for a moment.
                        if let Ok(Ok(mut connection)) = timeout(LAST_WORD, resuming).await {
                            let _ = connection.send(&FromEngineer::End { reason }).await;
                            connection.close(reason.code()).await;
                        }
                        return Err(Over::Ours(reason));
                    }
                    None => return Err(Over::Ours(Reason::EngineerEnded)),
                },
            }
        };
        drop(resuming);
        (self.backoff, self.since) = (backoff, Instant::now());
        self.opening.retain(|_, waiting| !waiting.is_closed());
        for &request in self.opening.keys() {
            // Should this connection break as well, `talk` finds out.
            let _ = self.connection.send(&open(request)).await;
        }
        Ok(())
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
                Some(Command::Say(message)) => self.connection.send(&message).await?,
                Some(Command::Open(answer)) => {
                    let request = self.note(answer);
                    self.connection.send(&open(request)).await?;
                }
                Some(Command::End(reason, _told)) => {
                    self.connection.send(&FromEngineer::End { reason }).await?;
                    return Ok(reason);
                }
                None => return Ok(Reason::EngineerEnded),
            }
        }
    }

    fn note(&mut self, answer: oneshot::Sender<Result<OpenedPipe, OpenRefusal>>) -> u32 {
        // The caller may have given up; a relay that never answers must not fill our memory.
        self.opening.retain(|_, waiting| !waiting.is_closed());
        let request = self.next_request;
        self.next_request = request.wrapping_add(1);
        self.opening.insert(request, answer);
        request
    }

    async fn hear(&mut self, message: ToEngineer) {
        let event = match message {
            ToEngineer::Requested { session, run, agent, pipe, pipe_ticket } => {
                RelayEvent::Offered(Offer { session, run, agent, pipe, pipe_ticket })
            }
            ToEngineer::Unavailable { code, retry_after } => RelayEvent::Unavailable { code, retry_after },
            ToEngineer::Declined { run, reason } => RelayEvent::Declined { run, reason },
            ToEngineer::SessionTicket { session, session_ticket } => {
                self.session = Some(session);
                self.connection.watch_closely();
                self.ticket.send_replace(Some(session_ticket));
                self.admitted.send_replace(true);
                return;
            }
            ToEngineer::Closing { reason, .. } => {
                self.is_over = true;
                RelayEvent::Closing(reason)
            }
            ToEngineer::Ended { reason, .. } => {
                self.is_over = true;
                RelayEvent::Ended(reason)
            }
            ToEngineer::Opened { request, pipe, pipe_ticket: ticket } => {
                return self.answer(request, Ok(OpenedPipe { pipe, ticket }));
            }
            ToEngineer::NotOpened { request, code } => return self.answer(request, Err(code)),
            ToEngineer::Anchored { session, line, signature } => {
                self.awaits_anchor = !self.is_over;
                match self.resumable.anchors.keep(session, &KeptAnchor { line, signature }) {
                    Ok(()) => return,
                    Err(_) if std::mem::replace(&mut self.is_doubt_told, true) => return,
                    Err(why) => RelayEvent::NotAnchored(why.to_string()),
                }
            }
            ToEngineer::Welcome { .. } | ToEngineer::Resumed { .. } => return,
        };
        let _ = self.events.send(event).await;
    }

    /// What is done at the end is written down at the end, and signed after it. The session's tasks listen no more.
    async fn last_anchor(&mut self) {
        self.is_over = true;
        while self.awaits_anchor {
            match self.connection.next().await {
                Ok(message @ ToEngineer::Anchored { .. }) => self.hear(message).await,
                Ok(_) => {}
                Err(_) => return,
            }
        }
    }

    fn answer(&mut self, request: u32, answer: Result<OpenedPipe, OpenRefusal>) {
        if let Some(waiting) = self.opening.remove(&request) {
            let _ = waiting.send(answer);
        }
    }
}

/// Asks for a pipe for an SSH connection.
fn open(request: u32) -> FromEngineer {
    FromEngineer::Open { request, kind: PipeKind::Ssh.into() }
}

/// Tries until the relay answers. The caller gives up when the session ends.
async fn resume_at_last(
    resumable: &Resumable,
    session: SessionId,
    ticket: &Signed<SessionTicket>,
    backoff: &mut Backoff,
) -> Result<Connection, Over> {
    loop {
        sleep(backoff.next_delay()).await;
        match resumable.resume(session, ticket).await {
            Ok(Ok(connection)) => return Ok(connection),
            Ok(Err(reason)) => return Err(Over::Told(RelayEvent::Ended(reason))),
            Err(Failure { kind: Kind::CredentialRefused, .. }) => {
                return Err(Over::Told(RelayEvent::Ended(Reason::Revoked)));
            }
            Err(_) => {}
        }
    }
}
