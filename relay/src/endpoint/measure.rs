//! `/v1/measure`: how long a round trip takes, and how fast bytes come and go.
//!
//! A peer may measure without a credential, so the whole exchange is fixed: small messages come back as they are,
//! then 256 KiB are taken and answered with one small message, then 256 KiB are sent, and that was it. Nothing a peer
//! does makes it longer, and one network may ask a few times a minute, so it is no free bandwidth.

use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use fieldlink_protocol::limits;
use futures_util::{SinkExt, StreamExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{Message, protocol::CloseFrame, protocol::frame::coding::CloseCode};
use tokio_util::sync::CancellationToken;

use crate::directory::RateLimit;
use crate::fault::Fault;
use crate::http::Refusal;
use crate::permits::{Permit, network};
use crate::socket::{WebSocket, say_goodbye};

/// Measurements at the same time, from everywhere: together they take 32 MiB at most.
const AT_ONCE: usize = 64;
/// The peer stops by itself after [`limits::MEASURE`].
const LONGEST: Duration = limits::MEASURE.saturating_add(Duration::from_secs(1));
/// Small messages that are echoed: a peer may ask a few times more than ours does.
const ECHOES: usize = limits::MEASURE_ROUND_TRIPS + 6;
/// Messages of all kinds, pings included.
const MESSAGES: usize = 256;

/// How many measurements there may be: per network in a minute, and at the same time.
pub(crate) struct Measuring {
    recent: Mutex<RateLimit<IpAddr>>,
    permitted: usize,
    at_once: Arc<Semaphore>,
}

/// One measurement's turn; given back when it is dropped.
pub(crate) struct Turn {
    _one: OwnedSemaphorePermit,
}

impl Measuring {
    /// Permits that many measurements per network in any minute.
    pub(crate) fn new(permitted: usize) -> Self {
        let recent = Mutex::new(RateLimit::new(permitted));
        Self { recent, permitted, at_once: Arc::new(Semaphore::new(AT_ONCE)) }
    }

    /// A turn for `address`, if its network had few enough in the last minute, and few enough run now.
    pub(crate) fn request(&self, address: IpAddr) -> Result<Turn, Refusal> {
        let one = self.at_once.clone().try_acquire_owned().map_err(|_| Refusal::TOO_OFTEN)?;
        let mut recent = self.recent.lock().unwrap_or_else(PoisonError::into_inner);
        let admitted = self.permitted > 0 && recent.admit(network(address), Instant::now()).is_ok();
        if admitted { Ok(Turn { _one: one }) } else { Err(Refusal::TOO_OFTEN) }
    }
}

/// Serves one measurement, in at most [`limits::MEASURE`] and a second.
pub(crate) async fn serve(mut socket: WebSocket, stopping: CancellationToken, _held: (Turn, Permit)) {
    let (code, reason) = tokio::select! {
        biased;
        () = stopping.cancelled() => (CloseCode::Restart, "relay-restarted"),
        measured = timeout(LONGEST, exchange(&mut socket)) => match measured {
            Ok(Ok(())) => (CloseCode::Normal, "measured"),
            Ok(Err(End::Malformed)) => (CloseCode::Policy, "malformed"),
            Ok(Err(End::Closed)) => (CloseCode::Normal, ""),
            Ok(Err(End::Fault(fault))) => match fault.frame() {
                Some(frame) => return say_goodbye(socket, frame, limits::CLOSE).await,
                None => return,
            },
            Err(_) => (CloseCode::Policy, "too-slow"),
        },
    };
    tracing::debug!(reason, "measurement is over");
    say_goodbye(socket, CloseFrame { code, reason: reason.into() }, limits::CLOSE).await;
}

/// Why a measurement did not come to its end.
#[derive(Debug, PartialEq, Eq)]
enum End {
    Closed,
    Fault(Fault),
    Malformed,
}

const GONE: End = End::Fault(Fault::Gone);

/// What to do about a message.
#[derive(Debug, PartialEq, Eq)]
enum Step {
    Echo,
    Wait,
    Send,
}

/// How far the peer is. Knows no sockets.
#[derive(Debug, Default)]
struct Progress {
    messages: usize,
    echoes: usize,
    taken: usize,
}

impl Progress {
    /// A message of `size` bytes came.
    fn take(&mut self, size: usize) -> Result<Step, End> {
        self.count()?;
        if size <= limits::MEASURE_ECHO {
            self.echoes += 1;
            return if self.taken == 0 && self.echoes <= ECHOES {
                Ok(Step::Echo)
            } else {
                Err(End::Malformed)
            };
        }
        self.taken += size;
        match self.taken.cmp(&limits::MEASURE_BYTES) {
            _ if size > limits::MEASURE_CHUNK => Err(End::Malformed),
            std::cmp::Ordering::Less => Ok(Step::Wait),
            std::cmp::Ordering::Equal => Ok(Step::Send),
            std::cmp::Ordering::Greater => Err(End::Malformed),
        }
    }

    /// Counts a message that carries nothing.
    fn count(&mut self) -> Result<(), End> {
        self.messages += 1;
        if self.messages > MESSAGES { Err(End::Malformed) } else { Ok(()) }
    }
}

async fn exchange(socket: &mut WebSocket) -> Result<(), End> {
    let mut progress = Progress::default();
    loop {
        let message = match socket.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return Err(End::Fault(Fault::from(&error))),
            None => return Err(GONE),
        };
        match message {
            Message::Text(_) | Message::Binary(_) => match progress.take(message.len())? {
                Step::Echo => socket.send(message).await.map_err(|_| GONE)?,
                Step::Wait => {}
                Step::Send => return give(socket).await,
            },
            Message::Ping(_) | Message::Pong(_) => progress.count()?,
            Message::Close(_) | Message::Frame(_) => return Err(End::Closed),
        }
    }
}

/// Says that everything was taken, then sends as much.
async fn give(socket: &mut WebSocket) -> Result<(), End> {
    socket.send(Message::text("taken")).await.map_err(|_| GONE)?;
    let chunk = Bytes::from_static(&[0; limits::MEASURE_CHUNK]);
    for _ in 0..limits::MEASURE_BYTES / limits::MEASURE_CHUNK {
        socket.send(Message::Binary(chunk.clone())).await.map_err(|_| GONE)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_network_has_a_few_turns_and_everyone_together_a_few_more() {
        let (measuring, here) = (Measuring::new(2), "192.0.2.1".parse().expect("an address"));
        assert!(measuring.request(here).is_ok() && measuring.request(here).is_ok());
        assert_eq!(measuring.request(here).err(), Some(Refusal::TOO_OFTEN));
        let elsewhere = |last: usize| IpAddr::from([198, 51, 100, last as u8]);
        let held: Vec<_> = (0..AT_ONCE).map(|last| measuring.request(elsewhere(last))).collect();
        assert!(held.iter().all(Result::is_ok));
        assert!(measuring.request(elsewhere(AT_ONCE)).is_err());
        drop(held);
        assert!(measuring.request(elsewhere(AT_ONCE)).is_ok());
        assert!(Measuring::new(0).request(here).is_err());
    }

    proptest! {
        #[test]
        fn nothing_makes_it_longer(sizes in prop::collection::vec(0usize..20_000, 0..600)) {
            let mut progress = Progress::default();
            let (mut echoed, mut sent) = (0, 0);
            for size in sizes {
                match progress.take(size) {
                    Ok(Step::Echo) => echoed += size,
                    Ok(Step::Wait) => {}
                    Ok(Step::Send) => { sent += 1; break; }
                    Err(_) => break,
                }
            }
            prop_assert!(echoed <= ECHOES * limits::MEASURE_ECHO && sent <= 1);
            prop_assert!(progress.messages <= MESSAGES + 1);
            prop_assert!(progress.taken <= limits::MEASURE_BYTES + 20_000);
        }
    }
}
