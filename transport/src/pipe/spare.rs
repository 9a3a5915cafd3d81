//! A connection in reserve, over a second interface: it is attached to the pipe, and nothing was said on it yet. When
//! the pipe's connection is lost, a HELLO on this one is on its way at once: no look-up, no TCP, no TLS, no request.

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::{endpoint, limits};
use futures_util::future::BoxFuture;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::Message;
use tokio_util::sync::CancellationToken;

use super::super::control::close_reason;
use super::super::describe;
use super::super::dial::{DialError, WebSocket};
use super::Line;
use crate::purpose::Purpose;
use crate::{Backoff, Dialer, Interfaces};

/// Not heard for so long it is no reserve: the relay forgets it then, too.
const SILENCE: Duration = limits::PIPE_SILENCE;
/// Between two pings.
const PING: Duration = limits::SESSION_PING_INTERVAL;
/// Waits before another try, and the longest: the second interface may lead nowhere, or cut every connection.
const RETRY: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(30));
/// What the relay is given to answer when it is used: so many of the slowest round trips that its pings took, within
/// these bounds. A relay that takes longer has forgotten it, or is not reached over it any more.
const ROUND_TRIPS: u32 = 4;
const ANSWER: (Duration, Duration) = (Duration::from_millis(1_500), limits::PIPE_SILENCE_BUSY);

/// See the module. Nothing happens unless [`Spare::keep`] is polled.
pub(super) struct Spare {
    line: Line,
    /// Until then the relay takes none.
    wanted: CancellationToken,
    interfaces: watch::Receiver<Interfaces>,
    /// The one that it is to be over, and how that is dialled.
    over: Option<(Arc<str>, Dialer)>,
    state: State,
    backoff: Backoff,
    /// When one was dialled last.
    begun: Option<Instant>,
}

enum State {
    /// Nothing is to be done, or not before then.
    Idle(Option<Instant>),
    Dialling(BoxFuture<'static, Result<Reserve, DialError>>, Arc<str>),
    Attached(Box<Reserve>),
}

/// A connection that works, for all that is known.
struct Reserve {
    socket: WebSocket,
    interface: Arc<str>,
    since: Instant,
    heard: Instant,
    ping_at: Instant,
    /// When a ping left that was not answered yet, and the slowest answer.
    pinged: Option<Instant>,
    slowest: Duration,
}

/// A connection for use: the interface that it is over, and what its relay is given to answer.
pub(super) struct Ready {
    pub(super) socket: WebSocket,
    pub(super) interface: Arc<str>,
    pub(super) patience: Duration,
}

impl Spare {
    /// For the pipe that `line` leads to, once it is `wanted`.
    pub(super) fn new(line: Line, wanted: CancellationToken) -> Self {
        let mut interfaces = line.dialer.interfaces();
        interfaces.mark_changed();
        let backoff = Backoff::new(RETRY.1);
        Self { line, wanted, interfaces, over: None, state: State::Idle(None), backoff, begun: None }
    }

    /// Keeps it attached. Safe to cancel, and to be called again.
    pub(super) async fn keep(&mut self) -> Infallible {
        self.wanted.cancelled().await;
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.interfaces.changed() => self.look(),
                next = self.state.next() => match next {
                    Next::Begin => self.begin(),
                    Next::Attached(reserve) => {
                        tracing::debug!(interface = %reserve.interface, "a connection is in reserve");
                        self.state = State::Attached(reserve);
                    }
                    Next::Lost(problem, since) => {
                        tracing::debug!(problem, "no connection in reserve");
                        if since.is_some_and(|since| since.elapsed() >= limits::PIPE_STABLE) {
                            self.backoff.reset();
                        }
                        self.state = State::Idle(Some(Instant::now() + self.pause()));
                    }
                },
            }
        }
    }

    /// The interface of the ordinary way, if it is known.
    pub(super) fn primary(&self) -> Option<Arc<str>> {
        self.interfaces.borrow().primary.clone()
    }

    /// The connection, if it works: where the pipe `wants` it, or the ordinary way leads over the same interface now.
    pub(super) fn take(&mut self, wants: bool) -> Option<Ready> {
        let State::Attached(reserve) = &self.state else { return None };
        let is_way = self.primary().as_ref() == Some(&reserve.interface);
        if !(wants || is_way) || reserve.heard.elapsed() >= SILENCE {
            return None;
        }
        let next = State::Idle(Some(Instant::now() + self.pause()));
        match std::mem::replace(&mut self.state, next) {
            State::Attached(reserve) => {
                let patience = (ROUND_TRIPS * reserve.slowest).clamp(ANSWER.0, ANSWER.1);
                Some(Ready { socket: reserve.socket, interface: reserve.interface, patience })
            }
            State::Idle(_) | State::Dialling(..) => None,
        }
    }

    fn pause(&mut self) -> Duration {
        self.backoff.next_delay().max(RETRY.0)
    }

    /// The interfaces have changed. What is attached stays for as long as it works if there is no other second one, or
    /// if it is over what is the first one now: then it is about to be used.
    fn look(&mut self) {
        let interfaces = self.interfaces.borrow_and_update().clone();
        let Some(second) = interfaces.second else {
            self.over = None;
            if !matches!(self.state, State::Attached(_)) {
                self.state = State::Idle(None);
            }
            return;
        };
        let is_new = self.over.as_ref().is_none_or(|(interface, _)| *interface != second);
        if is_new {
            self.over = Some((second.clone(), self.line.dialer.over(&second)));
        }
        let stays = match &self.state {
            State::Attached(reserve) => {
                reserve.interface == second || Some(&reserve.interface) == interfaces.primary.as_ref()
            }
            State::Dialling(_, interface) => *interface == second,
            State::Idle(_) => !is_new,
        };
        if !stays {
            self.backoff.reset();
            // One that flaps is not dialled at every change.
            let now = Instant::now();
            self.state = State::Idle(Some(self.begun.map_or(now, |begun| now.max(begun + RETRY.0))));
        }
    }

    fn begin(&mut self) {
        let Some((interface, dialer)) = self.over.clone() else {
            self.state = State::Idle(None);
            return;
        };
        self.begun = Some(Instant::now());
        let (ticket, over) = (self.line.ticket.clone(), interface.clone());
        let dialling = async move {
            let headers = [(endpoint::TICKET_HEADER, &*ticket), (endpoint::ATTACH_HEADER, endpoint::SPARE)];
            let socket = dialer.dial(endpoint::PIPE, &headers, Purpose::Pipe).await?;
            Ok(Reserve::new(socket, over))
        };
        self.state = State::Dialling(Box::pin(dialling), interface);
    }
}

/// What happens next to a spare connection.
enum Next {
    Begin,
    Attached(Box<Reserve>),
    /// Why, and since when it was there, if it was.
    Lost(String, Option<Instant>),
}

impl State {
    /// Safe to cancel.
    async fn next(&mut self) -> Next {
        match self {
            Self::Idle(None) => std::future::pending().await,
            Self::Idle(Some(at)) => {
                sleep_until(*at).await;
                Next::Begin
            }
            Self::Dialling(dialling, _) => match dialling.await {
                Ok(reserve) => Next::Attached(Box::new(reserve)),
                Err(error) => Next::Lost(error.to_string(), None),
            },
            Self::Attached(reserve) => Next::Lost(reserve.last().await, Some(reserve.since)),
        }
    }
}

impl Reserve {
    fn new(socket: WebSocket, interface: Arc<str>) -> Self {
        let now = Instant::now();
        let (pinged, slowest) = (None, Duration::ZERO);
        Self { socket, interface, since: now, heard: now, ping_at: now, pinged, slowest }
    }

    /// Pings until it is over; says why. Safe to cancel.
    async fn last(&mut self) -> String {
        loop {
            tokio::select! {
                received = self.socket.next() => match received {
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => self.hear(),
                    Some(Ok(Message::Close(frame))) => return close_reason(frame),
                    Some(Ok(Message::Text(_) | Message::Binary(_))) => return "the relay spoke out of turn".into(),
                    Some(Err(error)) => return describe(&error),
                    None => return "it was cut".into(),
                },
                () = sleep_until(self.ping_at) => {
                    if self.heard.elapsed() >= SILENCE {
                        return "the relay does not answer any more".into();
                    }
                    self.ping_at = Instant::now() + PING;
                    self.pinged = self.pinged.or(Some(Instant::now()));
                    match timeout(limits::WRITE, self.socket.send(Message::Ping(Bytes::new()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return describe(&error),
                        Err(_) => return "the relay takes nothing any more".into(),
                    }
                }
            }
        }
    }

    fn hear(&mut self) {
        self.heard = Instant::now();
        if let Some(pinged) = self.pinged.take() {
            self.slowest = self.slowest.max(pinged.elapsed());
        }
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests;
