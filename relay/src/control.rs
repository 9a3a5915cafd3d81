//! A control connection of an agent or an engineer: messages in, messages out, silence noticed.
//!
//! # Dead peers
//!
//! Dead peers. Without a session agents ping and engineers are pinged, every 25 s. With one, the relay asks both
//! sides three times in `limits.session_silence_seconds` and drops a side that does not answer; so it does with a
//! waiting attachment that comes back and is silent. Running splices are the endpoints' to watch, and TCP's
//! (keep-alive, user time-out).

mod end;

use std::future::poll_fn;
use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::{Bounded, MessageError, decode, encode};
use futures_util::{SinkExt, StreamExt};
use serde::{Serialize, de::DeserializeOwned};
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::config::Limits;
use crate::fault::Fault;
use crate::pace::Pace;
use crate::socket::{WebSocket, received, say_goodbye};
use crate::switchboard::{Mailbox, Outgoing, Overflow};

pub(crate) use end::{End, close_code};

use end::goodbye;

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
    limits: Arc<Limits>,
    heard: Instant,
    next_ping: Option<Instant>,
    /// Whether it is asked if it is there, also as long as it has no session.
    is_pinged: bool,
    /// Whether it has one.
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

/// How to notice that the peer is gone.
struct Vigilance {
    /// How long it may be silent.
    silence: Duration,
    /// How often it is asked; if not at all, it pings.
    ping: Option<Duration>,
}

impl Control {
    /// A connection that sends what comes into `mailbox`. `is_pinged`: the relay asks whether the peer is still there,
    /// also without a session.
    pub(crate) fn new(
        socket: WebSocket,
        mailbox: Mailbox,
        limits: Arc<Limits>,
        is_pinged: bool,
        haste: Haste,
    ) -> Self {
        let now = Instant::now();
        let next_ping = is_pinged.then(|| now + limits::PING_INTERVAL);
        let pace = Pace::new(MESSAGES, MESSAGES_STRETCH, now.into_std());
        let counted = (now, received(&socket));
        Self {
            socket,
            mailbox,
            limits,
            heard: now,
            next_ping,
            is_pinged,
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
            let deadline = self.deadline();
            tokio::select! {
                biased;
                outgoing = self.mailbox.next() => self.put(outgoing.map_err(|Overflow| End::TooSlow)?).await?,
                received = receive(&mut self.socket, &mut self.counted), if self.rest.is_none() => {
                    self.heard = Instant::now();
                    self.keep_pace()?;
                    if let Some(message) = read(received?)? {
                        return Ok(message);
                    }
                }
                () = sleep_until(deadline) => self.look_at_the_clock().await?,
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

    async fn put(&mut self, outgoing: Outgoing) -> Result<(), End> {
        match outgoing {
            Outgoing::Text(text) => self.write(Message::text(text)).await,
            Outgoing::Watch(watch) => {
                self.watch(watch);
                Ok(())
            }
            Outgoing::Close(farewell) => Err(End::Farewell(farewell)),
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
        if self.is_watched {
            let silence = self.limits.session_silence;
            return Vigilance { silence, ping: Some(silence / 3) };
        }
        Vigilance { silence: self.limits.silence, ping: self.is_pinged.then_some(limits::PING_INTERVAL) }
    }

    fn watch(&mut self, watch: bool) {
        self.is_watched = watch;
        self.heard = Instant::now();
        self.next_ping = self.vigilance().ping.map(|interval| self.heard + interval);
    }

    /// When the peer is taken for silent.
    fn silent(&self) -> Instant {
        self.heard + self.vigilance().silence
    }

    /// When there is something to do, whatever comes until then. One clock for all of it: thousands wait for theirs.
    fn deadline(&self) -> Instant {
        [self.rest, self.next_ping].into_iter().flatten().fold(self.silent(), Instant::min)
    }

    async fn look_at_the_clock(&mut self) -> Result<(), End> {
        let now = Instant::now();
        if self.rest.take_if(|rest| *rest <= now).is_some() {
            return Ok(());
        }
        if now >= self.silent() {
            return Err(End::Silent);
        }
        if self.next_ping.is_none_or(|at| now < at) {
            return Ok(());
        }
        self.next_ping = self.vigilance().ping.map(|interval| now + interval);
        self.write(Message::Ping(Default::default())).await
    }

    /// A message costs an allocation, so that waiting for one costs less.
    async fn write(&mut self, message: Message) -> Result<(), End> {
        let Self { mailbox, socket, limits, .. } = self;
        let writing = async move {
            tokio::select! {
                biased;
                () = mailbox.overflow() => Err(End::TooSlow),
                sent = timeout(limits.write, socket.send(message)) => match sent {
                    Ok(sent) => sent.map_err(|_| Fault::Gone.into()),
                    Err(_) => Err(End::TooSlow),
                }
            }
        };
        Box::pin(writing).await
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
