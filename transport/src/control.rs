//! A connection for control messages: JSON text both ways, pings, bounds.

use std::marker::PhantomData;
use std::time::Duration;

use fieldlink_protocol::messages::{self, Bounded, MessageError, UnfitMessage};
use fieldlink_protocol::{limits, text};
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message, protocol::CloseFrame, protocol::frame::coding::CloseCode,
};

use super::dial::{DialError, Dialer, WebSocket};
use crate::purpose::Purpose;

/// Sends `Out`, receives `In`. Dropping it cuts the connection; [`ControlConnection::close`] says goodbye.
pub struct ControlConnection<Out, In> {
    socket: WebSocket,
    interval: Duration,
    next_ping: Instant,
    unanswered: u32,
    messages: PhantomData<fn(Out) -> In>,
}

/// Why a control connection is over.
#[derive(Debug, thiserror::Error)]
pub enum ControlError {
    /// The relay closed it, perhaps with a reason.
    #[error("the relay closed the connection: {0}")]
    Closed(String),
    /// The connection broke.
    #[error("the connection to the relay broke: {0}")]
    Lost(String),
    /// Two pings were not answered, or a message could not be sent in time.
    #[error("the relay does not answer any more")]
    Silent,
    /// The relay sent what this version does not understand.
    #[error(transparent)]
    Message(#[from] MessageError),
    /// We have something to say that the relay would refuse.
    #[error(transparent)]
    Unfit(#[from] UnfitMessage),
}

impl From<tungstenite::Error> for ControlError {
    fn from(error: tungstenite::Error) -> Self {
        Self::Lost(super::describe(&error))
    }
}

impl<Out: Serialize + Bounded, In: DeserializeOwned + Bounded> ControlConnection<Out, In> {
    /// Dials `path`.
    pub async fn dial(dialer: &Dialer, path: &str, header: Option<(&str, &str)>) -> Result<Self, DialError> {
        let headers: Vec<_> = header.into_iter().collect();
        Self::dial_with(dialer, path, &headers).await
    }

    /// Dials `path` with these headers.
    pub async fn dial_with(dialer: &Dialer, path: &str, headers: &[(&str, &str)]) -> Result<Self, DialError> {
        let socket = dialer.dial(path, headers, Purpose::Control).await?;
        let next_ping = Instant::now() + limits::PING_INTERVAL;
        let interval = limits::PING_INTERVAL;
        Ok(Self { socket, interval, next_ping, unanswered: 0, messages: PhantomData })
    }

    /// A session depends on this connection now: find out within ten seconds if the relay is gone.
    pub fn watch_closely(&mut self) {
        self.interval = limits::SESSION_PING_INTERVAL;
        self.next_ping = self.next_ping.min(Instant::now() + self.interval);
    }

    /// Sends one message.
    pub async fn send(&mut self, message: &Out) -> Result<(), ControlError> {
        self.write(Message::text(messages::encode_fit(message)?)).await
    }

    /// Waits for the next message, pinging meanwhile. Safe to cancel.
    pub async fn next(&mut self) -> Result<In, ControlError> {
        loop {
            let received = tokio::select! {
                received = self.socket.next() => received,
                () = sleep_until(self.next_ping) => {
                    self.ping().await?;
                    continue;
                }
            };
            let received = received.ok_or_else(|| ControlError::Lost("it was cut".into()))??;
            self.unanswered = 0;
            match received {
                Message::Text(text) => return Ok(messages::decode(text.as_bytes())?),
                Message::Binary(bytes) => return Ok(messages::decode(&bytes)?),
                Message::Close(frame) => return Err(ControlError::Closed(close_reason(frame))),
                Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => {}
            }
        }
    }

    async fn ping(&mut self) -> Result<(), ControlError> {
        if self.unanswered >= limits::PINGS_MISSED {
            return Err(ControlError::Silent);
        }
        self.unanswered += 1;
        self.next_ping = Instant::now() + self.interval;
        self.write(Message::Ping(Default::default())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), ControlError> {
        timeout(limits::WRITE, self.socket.send(message)).await.map_err(|_| ControlError::Silent)??;
        Ok(())
    }

    /// Says goodbye with a reason, briefly.
    pub async fn close(mut self, reason: &str) {
        let frame = CloseFrame { code: CloseCode::Normal, reason: reason.to_owned().into() };
        let _ = timeout(limits::CLOSE, async {
            let _ = self.socket.close(Some(frame)).await;
            while let Some(Ok(_)) = self.socket.next().await {}
        })
        .await;
    }
}

/// What a close frame says, made fit to show.
pub(super) fn close_reason(frame: Option<CloseFrame>) -> String {
    match frame {
        Some(frame) if !frame.reason.is_empty() => text::name(&frame.reason),
        Some(frame) => format!("code {}", u16::from(frame.code)),
        None => "without a reason".into(),
    }
}
