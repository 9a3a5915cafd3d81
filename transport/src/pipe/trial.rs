//! A new connection for a pipe that has, or had, another: dial, greet, prove.

use std::pin::Pin;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{Established, TrialStep, closing};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::random_bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use super::super::describe;
use super::super::dial::{DialError, WebSocket};
use super::connection::{Connection, closed};
use super::halves::Shared;
use super::{Line, PipeEnd};
use crate::purpose::Purpose;

/// Between two pings to the relay while we wait for the partner.
const PING: Duration = Duration::from_millis(2_500);

/// A partner that takes longer is worth a word.
const PARTNER: Duration = Duration::from_secs(2);

/// How a trial ended.
pub(super) enum TrialEnd {
    /// The peer is proven.
    Proven(Connection, Established),
    /// The relay was not reached, or is not any more. Another try makes sense.
    Failed(String),
    /// The relay has answered, and it was in vain. Another try makes sense.
    Answered(String),
    /// The pipe is closed for good; this is the code.
    Refused(String),
}

/// The trial of a pipe, if one is being made. A new one takes the place of the one before.
#[derive(Default)]
pub(super) struct Trial {
    attempt: Option<Pin<Box<dyn Future<Output = TrialEnd> + Send>>>,
    /// Since when the relay has it, while we wait for the partner.
    attached: Arc<OnceLock<Instant>>,
}

impl Trial {
    /// Over a connection that was in reserve, whose relay is given so long to answer, or over a new one.
    pub(super) fn begin(&mut self, line: Line, shared: Arc<Shared>, reserve: Option<(WebSocket, Duration)>) {
        self.attached = Arc::default();
        let attached = self.attached.clone();
        self.attempt = Some(Box::pin(async move {
            let attempted = match reserve {
                Some(reserve) => over_reserve(reserve, &shared, &attached).await,
                None => anew(&line, &shared, &attached).await,
            };
            attempted.unwrap_or_else(|end| end)
        }));
    }

    /// Whether one is being made.
    pub(super) fn is_running(&self) -> bool {
        self.attempt.is_some()
    }

    /// Whether the relay has our connection, and only the partner's is missing.
    pub(super) fn waits_for_partner(&self) -> bool {
        self.attempt.is_some() && self.attached.get().is_some_and(|since| since.elapsed() >= PARTNER)
    }

    /// Waits for its end. Safe to cancel.
    pub(super) async fn end(&mut self) -> TrialEnd {
        match &mut self.attempt {
            Some(trial) => {
                let end = trial.await;
                self.attempt = None;
                end
            }
            None => std::future::pending().await,
        }
    }
}

async fn anew(line: &Line, shared: &Shared, attached: &OnceLock<Instant>) -> Result<TrialEnd, TrialEnd> {
    let hello = shared.with_pipe(|pipe| pipe.attaching(random_bytes()));
    let socket = line.dial(&hello, Purpose::PipeAgain).await.map_err(undialled)?;
    greet(socket, shared, attached, limits::PIPE_SILENCE).await
}

/// On a connection that was attached before. It was heard a while ago only, so the relay is asked to answer at once.
async fn over_reserve(
    (mut socket, patience): (WebSocket, Duration),
    shared: &Shared,
    attached: &OnceLock<Instant>,
) -> Result<TrialEnd, TrialEnd> {
    let hello = shared.with_pipe(|pipe| pipe.attaching(random_bytes()));
    tracing::debug!("using the connection in reserve");
    write(&mut socket, Message::Binary(hello)).await?;
    write(&mut socket, Message::Ping(Default::default())).await?;
    greet(socket, shared, attached, patience).await
}

/// From our HELLO, which is said, to the partner's proof. `patience` is for the relay's first word.
async fn greet(
    mut socket: WebSocket,
    shared: &Shared,
    attached: &OnceLock<Instant>,
    mut patience: Duration,
) -> Result<TrialEnd, TrialEnd> {
    let _ = attached.set(Instant::now());
    let mut heard = Instant::now();
    let mut ping_at = heard + PING.min(patience);
    loop {
        let received = tokio::select! {
            received = socket.next() => received,
            () = sleep_until(ping_at) => {
                if heard.elapsed() >= patience {
                    return Err(TrialEnd::Failed("the relay does not answer any more".into()));
                }
                ping_at += PING;
                write(&mut socket, Message::Ping(Default::default())).await?;
                continue;
            }
        };
        (heard, patience) = (Instant::now(), limits::PIPE_SILENCE);
        let frame = match received {
            Some(Ok(Message::Binary(frame))) => frame,
            Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => continue,
            Some(Ok(Message::Text(text))) if text.as_str() == closing::ATTACH_AGAIN => {
                return Err(TrialEnd::Answered("the other side connects anew".into()));
            }
            Some(Ok(Message::Text(_))) => return Err(TrialEnd::Failed("text came on a pipe".into())),
            Some(Ok(Message::Close(frame))) => {
                return Err(match closed(frame) {
                    PipeEnd::Lost(problem) => TrialEnd::Answered(problem),
                    PipeEnd::Closed(code) => TrialEnd::Refused(code),
                    other => TrialEnd::Answered(format!("{other:?}")),
                });
            }
            Some(Err(error)) => return Err(broken(&error)),
            None => return Err(TrialEnd::Failed("it was cut".into())),
        };
        match shared.with_pipe(|pipe| pipe.receive_on_trial(frame, shared.now())) {
            Ok(TrialStep::Send { proof, early }) => {
                for frame in std::iter::once(proof).chain(early) {
                    write(&mut socket, Message::Binary(frame)).await?;
                }
            }
            Ok(TrialStep::Proven(proven)) => return Ok(TrialEnd::Proven(Connection::new(socket), proven)),
            Err(error) => return Err(TrialEnd::Failed(error.to_string())),
        }
    }
}

/// What the relay refuses for good need not be tried again.
pub(super) fn undialled(error: DialError) -> TrialEnd {
    const FOR_GOOD: [&str; 7] = [
        "session-over",
        "revoked",
        "ticket-used",
        "ticket-expired",
        "ticket-forged",
        "ticket-unknown",
        "ticket-malformed",
    ];
    let is_reason = |code: &str| Reason::from_code(code).is_some() && !closing::goes_on(code);
    match error {
        DialError::Refused { code, .. } if FOR_GOOD.contains(&code.as_str()) || is_reason(&code) => {
            TrialEnd::Refused(code)
        }
        DialError::Refused { .. } | DialError::Version { .. } => TrialEnd::Answered(error.to_string()),
        error => TrialEnd::Failed(error.to_string()),
    }
}

async fn write(socket: &mut WebSocket, message: Message) -> Result<(), TrialEnd> {
    match timeout(limits::HANDSHAKE, socket.send(message)).await {
        Ok(sent) => sent.map_err(|error| broken(&error)),
        Err(_) => Err(TrialEnd::Failed("the relay takes nothing any more".into())),
    }
}

fn broken(error: &tungstenite::Error) -> TrialEnd {
    TrialEnd::Failed(describe(error))
}
