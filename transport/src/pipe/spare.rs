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

use super::super::control::close_reason;
use super::super::describe;
use super::super::dial::{DialError, WebSocket};
use super::Line;
use crate::purpose::Purpose;
use crate::{Backoff, Interfaces};

/// Not heard for so long it is no reserve: the relay forgets it then, too.
const SILENCE: Duration = limits::PIPE_SILENCE;
/// Between two pings.
const PING: Duration = limits::SESSION_PING_INTERVAL;
/// Longest wait before another try: the second interface may lead nowhere.
const RETRY_MAX: Duration = Duration::from_secs(30);

/// See the module. Nothing happens unless [`Spare::keep`] is polled.
pub(super) struct Spare {
    line: Line,
    interfaces: watch::Receiver<Interfaces>,
    /// The one that it is to be over.
    interface: Option<Arc<str>>,
    state: State,
    backoff: Backoff,
}

enum State {
    /// Nothing is to be done, or not before then.
    Idle(Option<Instant>),
    Dialling(BoxFuture<'static, Result<Reserve, DialError>>),
    Attached(Box<Reserve>),
}

struct Reserve {
    socket: WebSocket,
    interface: Arc<str>,
    heard: Instant,
    ping_at: Instant,
}

impl Spare {
    /// For the pipe that `line` leads to.
    pub(super) fn new(line: Line) -> Self {
        let mut interfaces = line.dialer.interfaces();
        interfaces.mark_changed();
        let backoff = Backoff::new(RETRY_MAX);
        Self { line, interfaces, interface: None, state: State::Idle(None), backoff }
    }

    /// Keeps it attached. Safe to cancel, and to be called again.
    pub(super) async fn keep(&mut self) -> Infallible {
        loop {
            tokio::select! {
                biased;
                Ok(()) = self.interfaces.changed() => self.look(),
                next = self.state.next() => match next {
                    Next::Begin => self.begin(),
                    Next::Attached(reserve) => {
                        tracing::debug!(interface = %reserve.interface, "a connection is in reserve");
                        self.backoff.reset();
                        self.state = State::Attached(reserve);
                    }
                    Next::Lost(problem) => {
                        tracing::debug!(problem, "no connection in reserve");
                        self.state = State::Idle(Some(Instant::now() + self.backoff.next_delay()));
                    }
                },
            }
        }
    }

    /// The connection, if it works: for a pipe that has lost its own, or whose way leads over the same interface now.
    pub(super) fn take(&mut self, is_lost: bool) -> Option<WebSocket> {
        let State::Attached(reserve) = &self.state else { return None };
        let is_way = self.interfaces.borrow().primary.as_ref() == Some(&reserve.interface);
        if !(is_lost || is_way) || reserve.heard.elapsed() >= SILENCE {
            return None;
        }
        let next = State::Idle(Some(Instant::now() + self.backoff.next_delay()));
        match std::mem::replace(&mut self.state, next) {
            State::Attached(reserve) => Some(reserve.socket),
            State::Idle(_) | State::Dialling(_) => None,
        }
    }

    /// The interfaces have changed. What is attached stays for as long as it works: the interface may be the first one
    /// now, and it is to be used.
    fn look(&mut self) {
        let second = self.interfaces.borrow_and_update().second.clone();
        let is_other = second != self.interface;
        self.interface = second;
        match (&self.interface, &self.state) {
            (None, State::Attached(_)) => {}
            (None, _) => self.state = State::Idle(None),
            (Some(_), State::Attached(_) | State::Dialling(_)) if !is_other => {}
            (Some(interface), State::Attached(reserve)) if reserve.interface == *interface => {}
            (Some(_), _) => {
                self.backoff.reset();
                self.begin();
            }
        }
    }

    fn begin(&mut self) {
        let Some(interface) = self.interface.clone() else {
            self.state = State::Idle(None);
            return;
        };
        let (line, dialer) = (self.line.clone(), self.line.dialer.over(&interface));
        self.state = State::Dialling(Box::pin(async move {
            let headers =
                [(endpoint::TICKET_HEADER, &*line.ticket), (endpoint::ATTACH_HEADER, endpoint::SPARE)];
            let socket = dialer.dial(endpoint::PIPE, &headers, Purpose::Pipe).await?;
            let heard = Instant::now();
            Ok(Reserve { socket, interface, heard, ping_at: heard + PING })
        }));
    }
}

/// What happens next to a spare connection.
enum Next {
    Begin,
    Attached(Box<Reserve>),
    Lost(String),
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
            Self::Dialling(dialling) => match dialling.await {
                Ok(reserve) => Next::Attached(Box::new(reserve)),
                Err(error) => Next::Lost(error.to_string()),
            },
            Self::Attached(reserve) => Next::Lost(reserve.last().await),
        }
    }
}

impl Reserve {
    /// Pings until it is over; says why. Safe to cancel.
    async fn last(&mut self) -> String {
        loop {
            tokio::select! {
                received = self.socket.next() => match received {
                    Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => self.heard = Instant::now(),
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
                    match timeout(limits::WRITE, self.socket.send(Message::Ping(Bytes::new()))).await {
                        Ok(Ok(())) => {}
                        Ok(Err(error)) => return describe(&error),
                        Err(_) => return "the relay takes nothing any more".into(),
                    }
                }
            }
        }
    }
}
