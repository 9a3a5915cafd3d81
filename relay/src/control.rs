//! A control connection of an agent or an engineer: messages in, mailbox out, silence noticed.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::{Bounded, MessageError, decode, encode};
use fieldlink_protocol::reason::Reason;
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message, error::CapacityError, protocol::CloseFrame, protocol::frame::coding::CloseCode,
};

use crate::config::Limits;
use crate::directory::Farewell;
use crate::socket::{WebSocket, say_goodbye};
use crate::switchboard::{Line, Outgoing};

/// A control connection.
pub struct Control {
    socket: WebSocket,
    line: Line,
    write: Duration,
    heard: Instant,
    next_ping: Option<Instant>,
    /// How to notice that the peer is gone: as long as it has no session, and while it has one.
    usual: Vigilance,
    watched: Vigilance,
    is_watched: bool,
}

#[derive(Clone, Copy)]
struct Vigilance {
    /// How long it may be silent.
    silence: Duration,
    /// How often it is asked; if not at all, it pings.
    ping: Option<Duration>,
}

/// Why a control connection is over.
#[derive(Debug, thiserror::Error)]
pub enum End {
    /// The peer closed it, or it broke.
    #[error("the peer is gone")]
    Gone,
    /// We were told to say goodbye.
    #[error("closed by the relay")]
    Farewell(Farewell),
    /// The mailbox overflowed, or one write took too long.
    #[error("the peer is too slow")]
    TooSlow,
    /// Nothing was heard for too long.
    #[error("the peer fell silent")]
    Silent,
    /// The peer did not register in time, or it registered wrongly.
    #[error("the peer did not register")]
    Unregistered,
    /// A message larger than permitted.
    #[error("the peer sent a message that is too large")]
    TooBig,
    /// Not a message of this version, or out of turn.
    #[error("{0}")]
    Malformed(String),
}

impl Control {
    /// A connection on `line`. `ping`: the relay asks whether the peer is still there, also without a
    /// session.
    pub fn new(socket: WebSocket, line: Line, limits: &Limits, ping: bool) -> Self {
        let now = Instant::now();
        let ping = ping.then_some(limits::PING_INTERVAL);
        let usual = Vigilance { silence: limits.silence, ping };
        let silence = limits.session_silence;
        let watched = Vigilance { silence, ping: Some(silence / 3) };
        let next_ping = ping.map(|interval| now + interval);
        let write = limits.write;
        Self { socket, line, write, heard: now, next_ping, usual, watched, is_watched: false }
    }

    /// Its line.
    pub fn line(&self) -> &Line {
        &self.line
    }

    /// The peer's next message. Meanwhile the mailbox is emptied. Safe to cancel between messages.
    pub async fn next<In: DeserializeOwned + Bounded>(&mut self) -> Result<In, End> {
        loop {
            let silent = self.heard + self.vigilance().silence;
            tokio::select! {
                biased;
                () = self.line.overflow.cancelled() => return Err(End::TooSlow),
                outgoing = self.line.mailbox.recv() => self.put(outgoing).await?,
                received = self.socket.next() => {
                    self.heard = Instant::now();
                    if let Some(message) = read(received)? {
                        return Ok(message);
                    }
                }
                () = sleep_until(self.next_ping.unwrap_or(silent).min(silent)) => self.ping(silent).await?,
            }
        }
    }

    /// Sends a message past the mailbox.
    pub async fn send(&mut self, message: &impl Serialize) -> Result<(), End> {
        self.write(Message::text(encode(message))).await
    }

    /// Closes it, saying why.
    pub async fn close(self, end: End) {
        if let Some(frame) = goodbye(&end) {
            // The line is given up first: the directory must not wait for a peer's manners.
            drop(self.line);
            say_goodbye(self.socket, frame, limits::CLOSE).await;
        }
    }

    async fn put(&mut self, outgoing: Option<Box<Outgoing>>) -> Result<(), End> {
        match outgoing.map(|boxed| *boxed) {
            Some(Outgoing::Text(text)) => self.write(Message::text(text)).await,
            Some(Outgoing::Watch(watch)) => {
                self.watch(watch);
                Ok(())
            }
            Some(Outgoing::Close(farewell)) => Err(End::Farewell(farewell)),
            None => Err(End::Gone),
        }
    }

    fn vigilance(&self) -> Vigilance {
        if self.is_watched { self.watched } else { self.usual }
    }

    fn watch(&mut self, watch: bool) {
        self.is_watched = watch;
        self.heard = Instant::now();
        self.next_ping = self.vigilance().ping.map(|interval| self.heard + interval);
    }

    async fn ping(&mut self, silent: Instant) -> Result<(), End> {
        if Instant::now() >= silent {
            return Err(End::Silent);
        }
        self.next_ping = self.vigilance().ping.map(|interval| Instant::now() + interval);
        self.write(Message::Ping(Default::default())).await
    }

    async fn write(&mut self, message: Message) -> Result<(), End> {
        tokio::select! {
            biased;
            () = self.line.overflow.cancelled() => Err(End::TooSlow),
            sent = timeout(self.write, self.socket.send(message)) => match sent {
                Ok(sent) => sent.map_err(|_| End::Gone),
                Err(_) => Err(End::TooSlow),
            }
        }
    }
}

/// A message, or `None` for what only shows that the peer is alive.
fn read<In: DeserializeOwned + Bounded>(
    received: Option<Result<Message, tungstenite::Error>>,
) -> Result<Option<In>, End> {
    match received {
        Some(Ok(Message::Text(text))) => decode(text.as_bytes()).map(Some).map_err(|error| match error {
            MessageError::TooLong(_) => End::TooBig,
            other => End::Malformed(other.to_string()),
        }),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::Malformed("control messages are text".into())),
        Some(Err(tungstenite::Error::Capacity(CapacityError::MessageTooLong { .. }))) => Err(End::TooBig),
        Some(Err(error @ (tungstenite::Error::Utf8(_) | tungstenite::Error::Protocol(_)))) => {
            Err(malformed_or_gone(&error))
        }
        Some(Ok(Message::Close(_)) | Err(_)) | None => Err(End::Gone),
    }
}

fn malformed_or_gone(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Protocol(tungstenite::error::ProtocolError::ResetWithoutClosingHandshake) => {
            End::Gone
        }
        other => End::Malformed(other.to_string()),
    }
}

fn goodbye(end: &End) -> Option<CloseFrame> {
    let (code, reason) = match end {
        End::Gone => return None,
        End::Farewell(farewell) => farewell_words(*farewell),
        End::TooSlow => (CloseCode::Policy, "too-slow"),
        End::Silent => (CloseCode::Policy, "silent"),
        End::Unregistered => (CloseCode::Policy, "not-registered"),
        End::TooBig => (CloseCode::Size, "message-too-big"),
        End::Malformed(_) => (CloseCode::Policy, "malformed"),
    };
    Some(CloseFrame { code, reason: reason.into() })
}

fn farewell_words(farewell: Farewell) -> (CloseCode, &'static str) {
    match farewell {
        Farewell::Ended(reason) => (close_code(reason), reason.code()),
        Farewell::Replaced => (CloseCode::Policy, "replaced"),
        Farewell::IdTaken => (CloseCode::Policy, "id-taken"),
    }
}

/// The code of a close frame whose text is `reason`.
pub fn close_code(reason: Reason) -> CloseCode {
    match reason {
        Reason::RelayStopping => CloseCode::Restart,
        Reason::Revoked => CloseCode::Policy,
        _ => CloseCode::Normal,
    }
}
