//! Pipes over WebSockets: attach with a ticket, pair if it is the control pipe, prove, then stream.
//!
//! [`Attached`] is a pipe's connection before its handshake. [`Attached::establish`] gives a reader,
//! a writer and a [`PipeDriver`]: a future that moves the bytes and that the caller owns, so that a pipe lives
//! exactly as long as the caller drives it. Reader and writer may stall without holding up acknowledgements, pings
//! and closes.

mod connection;
mod detour;
mod driver;
mod establish;
mod halves;
mod incoming;
mod spare;
mod trial;
mod ways;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

pub use driver::{PipeDriver, PipeLink};
pub use establish::OpenPipe;
pub use halves::{PipeReader, PipeWriter};

use super::control::close_reason;
use super::dial::{DialError, Dialer, WebSocket};
use super::room::when_there_is_room;
use crate::purpose::Purpose;
use fieldlink_protocol::pipe::{HandshakeError, Hello, StreamError};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_protocol::{endpoint, limits};

/// Chunks that wait between a writer and the driver. Small: what waits here delays a keystroke.
const QUEUE: usize = 4;

/// How a pipe ended.
#[derive(Debug)]
pub enum PipeEnd {
    /// Both streams came to their ends.
    Complete,
    /// The relay or the peer closed it, with a reason code or a sentence.
    Closed(String),
    /// It was without a connection for too long.
    Lost(String),
    /// The peer, or the relay, broke the stream's rules.
    Violated(StreamError),
    /// We were told to stop, and said goodbye.
    Cancelled,
    /// We were told to stop, and had no connection to say so on.
    Unsaid,
}

/// Bounds of a pipe.
#[derive(Debug, Clone, Copy)]
pub struct PipeLimits {
    /// Unacknowledged bytes that are kept per direction.
    pub window: u32,
    /// How long it may be without a connection.
    pub patience: Duration,
}

impl Default for PipeLimits {
    fn default() -> Self {
        Self { window: limits::PIPE_WINDOW, patience: limits::INTERRUPTION }
    }
}

/// How to get another connection for a pipe.
#[derive(Clone)]
struct Line {
    dialer: Dialer,
    ticket: Arc<str>,
}

impl Line {
    /// Attaches, saying `hello` with it.
    async fn dial(&self, hello: &Bytes, purpose: Purpose) -> Result<WebSocket, DialError> {
        let hello = Hello::to_header(hello);
        let headers = [(endpoint::TICKET_HEADER, &*self.ticket), (endpoint::HELLO_HEADER, &hello)];
        self.dialer.dial(endpoint::PIPE, &headers, purpose).await
    }
}

/// A connection of a pipe before its handshake.
pub struct Attached {
    socket: WebSocket,
    line: Line,
}

/// Why a pipe's connection failed before it was established.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// The relay cannot be dialled, or refuses the ticket.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The relay or the peer closed it, perhaps with a reason code.
    #[error("the pipe was closed: {0}")]
    Closed(String),
    /// The connection broke, or what came on it cannot be used.
    #[error("the pipe's connection broke: {0}")]
    Lost(String),
    /// The peer did not prove that it is the one we paired with.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer took too long.
    #[error("the other side did not answer in time")]
    Timeout,
}

impl From<tungstenite::Error> for AttachedError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Lost(super::describe(&error))
    }
}

impl Attached {
    /// Dials the relay and shows `ticket`. If the relay is full, waits a little for room.
    pub async fn attach(dialer: &Dialer, ticket: &Signed<PipeTicket>) -> Result<Self, DialError> {
        let line = Line { dialer: dialer.clone(), ticket: ticket.as_str().into() };
        let headers = [(endpoint::TICKET_HEADER, &*line.ticket)];
        let socket = when_there_is_room(|| line.dialer.dial(endpoint::PIPE, &headers, Purpose::Pipe)).await?;
        Ok(Self { socket, line })
    }

    /// The same, saying `hello` with it: the partner reads it one round trip sooner.
    async fn attach_with(line: Line, hello: &Bytes, purpose: Purpose) -> Result<Self, DialError> {
        let socket = when_there_is_room(|| line.dial(hello, purpose)).await?;
        Ok(Self { socket, line })
    }

    /// Sends one message as it is (pairing, before the handshake).
    pub async fn send(&mut self, message: Bytes) -> Result<(), AttachedError> {
        timeout(limits::WRITE, self.socket.send(Message::Binary(message)))
            .await
            .map_err(|_| AttachedError::Timeout)??;
        Ok(())
    }

    /// Receives one message as it is.
    pub async fn receive(&mut self) -> Result<Bytes, AttachedError> {
        loop {
            match self.socket.next().await.ok_or_else(|| AttachedError::Lost("it was cut".into()))?? {
                Message::Binary(bytes) => return Ok(bytes),
                Message::Text(_) => return Err(AttachedError::Lost("text came on a pipe".into())),
                Message::Close(frame) if connection::is_wordless(frame.as_ref()) => {
                    return Err(AttachedError::Lost("it was closed without a word".into()));
                }
                Message::Close(frame) => return Err(AttachedError::Closed(close_reason(frame))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// Keeps the connection while there is nothing to say yet, so that nothing on the way takes it for forgotten. Returns
    /// when it is over, or the other side speaks out of turn. Safe to cancel.
    pub async fn idle(&mut self) -> AttachedError {
        loop {
            match timeout(limits::PING_INTERVAL, self.receive()).await {
                Ok(Ok(_)) => return AttachedError::Lost("the other side spoke out of turn".into()),
                Ok(Err(error)) => return error,
                Err(_) => match self.socket.send(Message::Ping(Bytes::new())).await {
                    Ok(()) => {}
                    Err(error) => return error.into(),
                },
            }
        }
    }

    /// Attaches only to close the pipe with a reason, so that the other side need not wait in vain. The reason is
    /// said once that side is there, which its HELLO shows: before, the relay would not pass it on.
    pub async fn refuse(dialer: &Dialer, ticket: &Signed<PipeTicket>, reason: Reason) {
        match timeout(limits::HANDSHAKE, Self::attach(dialer, ticket)).await {
            Ok(Ok(mut attached)) => {
                let _ = timeout(limits::HANDSHAKE, attached.receive()).await;
                attached.close(reason.code()).await;
            }
            Ok(Err(error)) => tracing::info!(%error, "could not refuse a pipe"),
            Err(_) => tracing::info!("could not refuse a pipe in time"),
        }
    }

    /// Says goodbye with a reason, briefly.
    pub async fn close(self, reason: &str) {
        connection::say_goodbye(self.socket, reason).await;
    }
}
