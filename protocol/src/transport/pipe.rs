//! Pipes over WebSockets: attach with a ticket, pair if it is the control pipe, prove, then stream.
//!
//! [`Attached`] is a pipe's connection before its handshake. [`Attached::establish`] gives a reader,
//! a writer and a [`PipeDriver`]: a future that moves the bytes and that the caller owns, so that a
//! pipe lives exactly as long as someone drives it. Reader and writer may stall without holding up
//! acknowledgements, pings and closes.

mod driver;
mod halves;
mod incoming;

use bytes::Bytes;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{self, Message};

pub use driver::{PipeDriver, PipeEnd};
pub use halves::{PipeReader, PipeWriter};

use super::control::close_reason;
use super::dial::{DialError, Dialer, Use, WebSocket};
use crate::ids::PipeId;
use crate::pipe::{Handshake, HandshakeError, PipeKind, Reply, Role};
use crate::secret::{Secret, random_bytes};
use crate::{endpoint, limits, text};

/// A connection of a pipe before its handshake.
pub struct Attached {
    socket: WebSocket,
}

/// Why a pipe's connection failed before it was established.
#[derive(Debug, thiserror::Error)]
pub enum AttachedError {
    /// No connection.
    #[error(transparent)]
    Dial(#[from] DialError),
    /// The relay or the peer closed it, perhaps with a reason code.
    #[error("the pipe was closed: {0}")]
    Closed(String),
    /// The connection broke.
    #[error("the pipe's connection broke: {0}")]
    Lost(String),
    /// The peer is not who we paired with.
    #[error(transparent)]
    Handshake(#[from] HandshakeError),
    /// The peer took too long.
    #[error("the other side did not answer in time")]
    Timeout,
}

impl From<tungstenite::Error> for AttachedError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Lost(text::sentence(&error.to_string()))
    }
}

impl Attached {
    /// Dials the relay and shows `ticket`.
    pub async fn attach(dialer: &Dialer, ticket: &str) -> Result<Self, DialError> {
        let header = Some((endpoint::TICKET_HEADER, ticket));
        Ok(Self { socket: dialer.dial(endpoint::PIPE, header, Use::Pipe).await? })
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
                Message::Close(frame) => return Err(AttachedError::Closed(close_reason(frame))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    /// HELLO and proof, within [`limits::HANDSHAKE`].
    pub async fn establish(
        mut self,
        role: Role,
        (pipe, kind): (PipeId, PipeKind),
        key: Secret<32>,
        window: u32,
    ) -> Result<(PipeReader, PipeWriter, PipeDriver), AttachedError> {
        // The first connection: the engineer's epoch is 1, the agent has accepted none.
        let epoch = u64::from(role == Role::Engineer);
        let mut handshake = Handshake::new(role, (pipe, kind), key, random_bytes(), epoch, (0, window));
        let established = timeout(limits::HANDSHAKE, async {
            self.send(handshake.hello()).await?;
            loop {
                let frame = self.receive().await?;
                match handshake.receive(frame)? {
                    Reply::Send(proof) => self.send(proof).await?,
                    Reply::Established(established) => return Ok::<_, AttachedError>(established),
                }
            }
        })
        .await
        .map_err(|_| AttachedError::Timeout)??;
        Ok(driver::drive(self.socket, window, established.peer_window))
    }

    /// Says goodbye with a reason, briefly.
    pub async fn close(self, reason: &str) {
        driver::say_goodbye(self.socket, reason).await;
    }
}
