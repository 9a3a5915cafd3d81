//! A control connection of an agent or an engineer: messages in, messages out, silence noticed.
//!
//! # Dead peers
//!
//! Dead peers. Without a session agents ping and engineers are pinged, every 25 s. With one, the relay asks both
//! sides three times in `limits.session_silence_seconds` and drops a side that does not answer; so it does with a
//! waiting attachment that comes back and is silent. Running splices are the endpoints' to watch, and TCP's
//! (keep-alive, user time-out).

use std::future::poll_fn;
use std::task::Poll;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::{Bounded, MessageError, decode, encode};
use fieldlink_protocol::reason::Reason;
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{
    self, Message, protocol::CloseFrame, protocol::frame::coding::CloseCode,
};

use crate::config::Limits;
use crate::directory::Farewell;
use crate::fault::Fault;
use crate::pace::Pace;
use crate::socket::{WebSocket, received, say_goodbye};
use crate::switchboard::{Mailbox, Outgoing};

/// Messages that a peer may send in a second: an engineer's program opens pipes for as many connections as
/// its user starts at once, an agent says a word now and then. See [`Haste`] for what happens beyond that.
const MESSAGES: u32 = 200;
const MESSAGES_STRETCH: Duration = Duration::from_secs(1);
/// Bytes that may come from a peer in a stretch of time, whatever they are. With more the connection is cut.
const BYTES: u64 = 256 * 1024;
const BYTES_STRETCH: Duration = Duration::from_secs(10);

/// A control connection.
pub(crate) struct Control {
    socket: WebSocket,
    mailbox: Mailbox,
    write: Duration,
    heard: Instant,
    next_ping: Option<Instant>,
    /// How to notice that the peer is gone: as long as it has no session, and while it has one.
    usual: Vigilance,
    watched: Vigilance,
    is_watched: bool,
    haste: Haste,
    pace: Pace,
    /// Until then nothing is read.
    rest: Option<Instant>,
    /// When the bytes were last counted that had come, and how many these were.
    counted: (Instant, u64),
}

/// What becomes of a peer that sends messages too fast.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Haste {
    /// It is read more slowly.
    Slowed,
    /// Its connection is cut: it has shown no credential.
    Cut,
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
pub(crate) enum End {
    /// The peer closed it.
    #[error("the peer closed the connection")]
    Closed,
    /// It broke, or what came cannot be read.
    #[error(transparent)]
    Fault(#[from] Fault),
    /// More messages or bytes than permitted.
    #[error("the peer sends too much")]
    TooMuch,
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
    /// Messages are text.
    #[error("the peer sent a binary message")]
    NotText,
    /// Not a message of this version, or out of turn.
    #[error("{0}")]
    Malformed(String),
}

impl Control {
    /// A connection that sends what comes into `mailbox`. `ping`: the relay asks whether the peer is still there,
    /// also without a session.
    pub(crate) fn new(
        socket: WebSocket,
        mailbox: Mailbox,
        limits: &Limits,
        ping: bool,
        haste: Haste,
    ) -> Self {
        let now = Instant::now();
        let ping = ping.then_some(limits::PING_INTERVAL);
        let usual = Vigilance { silence: limits.silence, ping };
        let silence = limits.session_silence;
        let watched = Vigilance { silence, ping: Some(silence / 3) };
        let next_ping = ping.map(|interval| now + interval);
        let pace = Pace::new(MESSAGES, MESSAGES_STRETCH, now.into_std());
        let (write, counted) = (limits.write, (now, received(&socket)));
        Self {
            socket,
            mailbox,
            write,
            heard: now,
            next_ping,
            usual,
            watched,
            is_watched: false,
            haste,
            pace,
            rest: None,
            counted,
        }
    }

    /// Its mailbox.
    pub(crate) fn mailbox(&self) -> &Mailbox {
        &self.mailbox
    }

    /// The peer's next message. Meanwhile the mailbox is emptied. Safe to cancel between messages.
    pub(crate) async fn next<In: DeserializeOwned + Bounded>(&mut self) -> Result<In, End> {
        loop {
            let silent = self.heard + self.vigilance().silence;
            tokio::select! {
                biased;
                () = self.mailbox.overflow.cancelled() => return Err(End::TooSlow),
                outgoing = self.mailbox.messages.recv() => self.put(outgoing).await?,
                () = sleep_until(self.rest.unwrap_or(silent)), if self.rest.is_some() => self.rest = None,
                received = receive(&mut self.socket, &mut self.counted), if self.rest.is_none() => {
                    self.heard = Instant::now();
                    self.keep_pace()?;
                    if let Some(message) = read(received?)? {
                        return Ok(message);
                    }
                }
                () = sleep_until(self.next_ping.unwrap_or(silent).min(silent)) => self.ping(silent).await?,
            }
        }
    }

    /// Sends a message past the mailbox.
    pub(crate) async fn send(&mut self, message: &impl Serialize) -> Result<(), End> {
        self.write(Message::text(encode(message))).await
    }

    /// Closes it, saying why.
    pub(crate) async fn close(self, end: End) {
        if let Some(frame) = goodbye(&end) {
            // The mailbox is given up first: the directory must not wait for a peer's manners.
            drop(self.mailbox);
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
            None => Err(Fault::Gone.into()),
        }
    }

    /// Counts what has just come.
    fn keep_pace(&mut self) -> Result<(), End> {
        let heard = self.heard.into_std();
        match (self.pace.count(|| heard), self.haste) {
            (None, _) => Ok(()),
            (Some(until), Haste::Slowed) => {
                self.rest = Some(until.into());
                Ok(())
            }
            (Some(_), Haste::Cut) => Err(End::TooMuch),
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
            () = self.mailbox.overflow.cancelled() => Err(End::TooSlow),
            sent = timeout(self.write, self.socket.send(message)) => match sent {
                Ok(sent) => sent.map_err(|_| Fault::Gone.into()),
                Err(_) => Err(End::TooSlow),
            }
        }
    }
}

type Received = Option<Result<Message, tungstenite::Error>>;

/// What comes next from the peer. Empty fragments never become a message: bytes are counted for them.
async fn receive(socket: &mut WebSocket, counted: &mut (Instant, u64)) -> Result<Received, End> {
    poll_fn(|cx| match socket.poll_next_unpin(cx) {
        Poll::Ready(received) => Poll::Ready(Ok(received)),
        Poll::Pending if sends_too_much(counted, received(socket)) => Poll::Ready(Err(End::TooMuch)),
        Poll::Pending => Poll::Pending,
    })
    .await
}

fn sends_too_much((since, before): &mut (Instant, u64), received: u64) -> bool {
    if received - *before <= BYTES {
        return false;
    }
    let now = Instant::now();
    let is_fast = now - *since < BYTES_STRETCH;
    (*since, *before) = (now, received);
    is_fast
}

/// A message, or `None` for what only shows that the peer is alive.
fn read<In: DeserializeOwned + Bounded>(received: Received) -> Result<Option<In>, End> {
    match received {
        Some(Ok(Message::Text(text))) => decode(text.as_bytes()).map(Some).map_err(|error| match error {
            MessageError::TooLong(_) => Fault::TooBig.into(),
            other => End::Malformed(other.to_string()),
        }),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Binary(_))) => Err(End::NotText),
        Some(Ok(Message::Close(_))) => Err(End::Closed),
        Some(Err(error)) => Err(Fault::from(&error).into()),
        None => Err(Fault::Gone.into()),
    }
}

fn goodbye(end: &End) -> Option<CloseFrame> {
    let (code, reason) = match end {
        End::Fault(fault) => return fault.frame(),
        // The answer says what the peer has said.
        End::Closed => (CloseCode::Normal, ""),
        End::Farewell(farewell) => farewell_words(*farewell),
        End::TooSlow => (CloseCode::Policy, "too-slow"),
        End::Silent => (CloseCode::Policy, "silent"),
        End::Unregistered => (CloseCode::Policy, "not-registered"),
        End::TooMuch => (CloseCode::Policy, "too-much"),
        End::NotText => (CloseCode::Unsupported, "malformed"),
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
pub(crate) fn close_code(reason: Reason) -> CloseCode {
    match reason {
        Reason::RelayStopping => CloseCode::Restart,
        Reason::Revoked => CloseCode::Policy,
        _ => CloseCode::Normal,
    }
}
