//! One side of a pipe over all its connections. Pure: callers pass frames, what became of connections,
//! and `now` (the time since any fixed moment); they get frames and deadlines.
//!
//! There is at most one *live* connection, over which the stream runs, and one *trial*: a connection
//! that is being made, because the live one is gone, or silent, or the network offers another. The
//! live one goes on until the trial is proven; then the trial takes its place, and what the peer has
//! not received is sent again.

use std::time::Duration;

use bytes::Bytes;

use super::{
    Established, Handshake, HandshakeError, PipeKind, Received, Reply, Role, Stream, StreamError, frame,
};
use crate::ids::PipeId;
use crate::limits;
use crate::secret::Secret;

/// The wait after connections that were lost as soon as they were made grows no further than after so
/// many failures: to 800 ms.
const QUICK_LOSSES: u32 = 4;

/// Which end of which pipe.
#[derive(Debug, Clone)]
pub struct Side {
    /// Which of the two ends this one is.
    pub role: Role,
    /// The pipe.
    pub pipe: PipeId,
    /// What it carries.
    pub kind: PipeKind,
    /// `K_pipe`, which both ends prove.
    pub key: Secret<32>,
}

/// What is to be done because of the time.
#[derive(Debug, PartialEq, Eq)]
pub enum Due {
    /// Make a connection for the trial; drop the one that was being made before.
    Dial,
    /// Send this on the live connection.
    Send(Bytes),
    /// The pipe has been without a connection for too long.
    GiveUp,
}

/// What a frame on the trial leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum TrialStep {
    /// Send our proof and go on.
    Send {
        /// Our proof.
        proof: Bytes,
        /// Data to send right behind it. A peer that holds the key reads it when it has read the proof; for one that does
        /// not it is ciphertext that was, or would have been, on its way anyway.
        early: Vec<Bytes>,
    },
    /// The peer is proven: call [`ResumablePipe::switch`].
    Proven(Established),
}

/// Why a trial's connection is not this pipe's.
pub type TrialError = HandshakeError;

/// See the module.
#[derive(Debug)]
pub struct ResumablePipe {
    side: Side,
    stream: Stream,
    /// Engineer: of the latest connection that was made. Agent: the highest accepted.
    epoch: u64,
    live: Option<Live>,
    trial: Trial,
    /// When the peer was last known to be there.
    together: Duration,
    patience: Duration,
    failures: u32,
    /// The peer attached anew while another connection was being made.
    is_awaited: bool,
}

/// Times of the live connection.
#[derive(Debug)]
struct Live {
    since: Duration,
    heard: Duration,
    spoke: Duration,
    asked: Duration,
    must_answer: bool,
}

/// Two sides that greet on a new connection.
#[derive(Debug)]
struct Greeting {
    handshake: Handshake,
    /// Once the peer has begun it must finish in time.
    until: Option<Duration>,
    /// The number of the byte behind the data that was sent behind our proof.
    sent_early: u64,
}

#[derive(Debug)]
enum Trial {
    /// No other connection is wanted.
    None,
    /// One is to be made from then on.
    Wanted(Duration),
    /// The caller is making one.
    Dialing,
    /// It is made; the two sides greet.
    Greeting(Box<Greeting>),
}

impl Trial {
    /// When the caller is to make a connection, be it another one.
    fn due(&self) -> Option<Duration> {
        match self {
            Self::Wanted(at) => Some(*at),
            Self::Greeting(greeting) => greeting.until,
            Self::None | Self::Dialing => None,
        }
    }
}

impl ResumablePipe {
    /// A pipe that has not had a connection. It gives up after `patience` without one.
    pub fn new(side: Side, window: u32, patience: Duration, now: Duration) -> Self {
        Self {
            side,
            stream: Stream::new(window, window),
            epoch: 0,
            live: None,
            trial: Trial::Dialing,
            together: now,
            patience,
            failures: 0,
            is_awaited: false,
        }
    }

    /// Which of the two ends this is.
    pub fn role(&self) -> Role {
        self.side.role
    }

    /// The two byte streams.
    pub fn stream(&mut self) -> &mut Stream {
        &mut self.stream
    }

    /// The trial's connection is being made, or was. Returns our HELLO, to be said with it or on it. `nonce` is fresh.
    pub fn attaching(&mut self, nonce: [u8; 32]) -> Bytes {
        if self.side.role == Role::Engineer {
            self.epoch += 1;
        }
        let Side { role, pipe, kind, key } = self.side.clone();
        let reading = (self.stream.received(), self.stream.window());
        let handshake = Handshake::new(role, (pipe, kind), key, nonce, self.epoch, reading);
        let hello = handshake.hello();
        self.trial = Trial::Greeting(Box::new(Greeting { handshake, until: None, sent_early: 0 }));
        hello
    }

    /// Takes a frame that came on the trial.
    pub fn receive_on_trial(&mut self, frame: Bytes, now: Duration) -> Result<TrialStep, TrialError> {
        let Trial::Greeting(greeting) = &mut self.trial else {
            return Err(HandshakeError::OutOfTurn);
        };
        greeting.until.get_or_insert(now + limits::HANDSHAKE);
        Ok(match greeting.handshake.receive(frame)? {
            Reply::Send { proof, peer_received } => {
                let early = self.stream.early(peer_received, limits::PIPE_EARLY);
                greeting.sent_early = early.end;
                TrialStep::Send { proof, early: early.frames }
            }
            Reply::Established(established) => TrialStep::Proven(established),
        })
    }

    /// The proven trial becomes the live connection; whatever lived before is displaced. Returns what
    /// to send first.
    pub fn switch(&mut self, proven: Established, now: Duration) -> Result<Vec<Bytes>, StreamError> {
        if self.side.role == Role::Agent {
            self.epoch = proven.epoch;
        }
        let sent_early = match &self.trial {
            Trial::Greeting(greeting) => greeting.sent_early,
            _ => 0,
        };
        self.stream.meet(proven.peer_window);
        let frames = self.stream.reconnect(proven.peer_received, sent_early)?;
        self.live = Some(Live { since: now, heard: now, spoke: now, asked: now, must_answer: false });
        (self.trial, self.together) = (Trial::None, now);
        Ok(frames)
    }

    /// The trial led nowhere. `jitter`, from 0 to 1, spreads the next try.
    pub fn trial_failed(&mut self, jitter: f64, now: Duration) {
        let doubled = limits::PIPE_RETRY.saturating_mul(1 << self.failures.saturating_sub(1).min(16));
        let wait = if self.failures == 0 { Duration::ZERO } else { doubled.min(limits::PIPE_RETRY_MAX) };
        self.failures = self.failures.saturating_add(1);
        self.trial = Trial::Wanted(now + wait.mul_f64(0.5 + jitter.clamp(0.0, 1.0) / 2.0));
    }

    /// The trial led nowhere, and was for something that can wait: none is wanted, unless the peer waits for one by now.
    pub fn trial_forgone(&mut self, now: Duration) {
        self.trial = if self.is_awaited { Trial::Wanted(now) } else { Trial::None };
    }

    /// Takes a frame that came on the live connection.
    pub fn receive(&mut self, frame: Bytes, now: Duration) -> Result<Received, StreamError> {
        let received = self.stream.receive(frame)?;
        if let Some(live) = &mut self.live {
            live.heard = now;
            live.must_answer |= received == Received::Ping;
        }
        Ok(received)
    }

    /// Something was sent on the live connection.
    pub fn spoke(&mut self, now: Duration) {
        if let Some(live) = &mut self.live {
            live.spoke = now;
        }
    }

    /// The answer that the peer asked for, if it did.
    pub fn answer(&mut self) -> Option<Bytes> {
        let live = self.live.as_mut()?;
        std::mem::take(&mut live.must_answer).then(frame::pong)
    }

    /// The live connection is gone: another is wanted, at once unless it has only just been made. A relay
    /// that lets every connection prove itself and then cuts it is not to be dialled without a pause.
    pub fn lost(&mut self, now: Duration) {
        let Some(live) = self.live.take() else { return };
        self.together = live.heard;
        let is_stable = now >= live.since + limits::PIPE_STABLE;
        self.failures = if is_stable { 0 } else { self.failures.min(QUICK_LOSSES) };
        if self.wants_none() {
            self.trial_failed(0.5, now);
        }
    }

    /// The peer attaches anew, or the live connection is silent: another is wanted beside it, unless
    /// one is being made.
    pub fn want_another(&mut self, now: Duration) {
        match self.wants_none() {
            true => self.trial = Trial::Wanted(now),
            false => self.is_awaited = true,
        }
    }

    /// The network has changed: another connection is wanted at once, whatever is being made.
    pub fn start_over(&mut self, now: Duration) {
        (self.trial, self.failures) = (Trial::Wanted(now), 0);
    }

    /// Whether a connection lives, and is not taken for dead.
    pub fn is_connected(&self, now: Duration) -> bool {
        self.live.as_ref().is_some_and(|live| now < live.heard + self.silence())
    }

    /// When [`Self::due`] has something to say next.
    pub fn deadline(&self) -> Duration {
        let trial = self.trial.due();
        let live = self.live.as_ref().map(|live| {
            let silent = live.heard + self.silence();
            let suspect = self.wants_none().then_some(silent);
            suspect.into_iter().fold(self.ask_at(live), Duration::min)
        });
        trial.into_iter().chain(live).fold(self.gives_up_at(), Duration::min)
    }

    /// What is to be done at `now`. Call it until it returns `None`.
    pub fn due(&mut self, now: Duration) -> Option<Due> {
        if now >= self.gives_up_at() {
            return Some(Due::GiveUp);
        }
        if self.live.as_ref().is_some_and(|live| now >= live.heard + self.silence()) {
            self.want_another(now);
        }
        if self.trial.due().is_some_and(|at| now >= at) {
            (self.trial, self.is_awaited) = (Trial::Dialing, false);
            return Some(Due::Dial);
        }
        if self.live.as_ref().is_some_and(|live| now >= self.ask_at(live)) {
            let live = self.live.as_mut()?;
            (live.asked, live.spoke) = (now, now);
            return Some(Due::Send(frame::ping()));
        }
        None
    }

    /// When to ask for a sign of life: after a while without saying anything; earlier if data is under
    /// way and nothing is heard; never more often than that.
    fn ask_at(&self, live: &Live) -> Duration {
        let idle = live.spoke + limits::PIPE_KEEPALIVE;
        match self.stream.has_unacknowledged() {
            true => idle.min(live.heard.max(live.asked) + limits::PIPE_PROBE),
            false => idle,
        }
    }

    fn wants_none(&self) -> bool {
        matches!(self.trial, Trial::None)
    }

    fn silence(&self) -> Duration {
        match self.stream.has_unacknowledged() {
            true => limits::PIPE_SILENCE_BUSY,
            false => limits::PIPE_SILENCE,
        }
    }

    /// A connection that is silent for `patience` counts as gone, also if it was neither closed nor broken.
    fn gives_up_at(&self) -> Duration {
        let patience = match self.stream.is_ending() {
            true => self.patience.min(limits::PIPE_LINGER),
            false => self.patience,
        };
        self.live.as_ref().map_or(self.together, |live| live.heard) + patience
    }
}

#[cfg(test)]
mod tests;
