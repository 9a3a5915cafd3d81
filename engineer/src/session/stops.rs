//! What can stop this program's part in a session.

use tokio::sync::mpsc;

use crate::platform::{self, LocalStream, Signal, Signals};

/// A wish to stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stop {
    /// A signal: Ctrl-C, a closed terminal, the system.
    Signal(Signal),
    /// The process at the terminal is gone.
    FrontGone,
    /// `fieldlink-connect end`, on another terminal.
    Requested,
}

/// Gathers requests to stop.
pub(crate) struct Stops {
    signals: Signals,
    requests: mpsc::Receiver<()>,
    front: LocalStream,
}

impl Stop {
    /// Whether the engineer has gone away from this terminal, without asking for anything.
    pub(crate) fn is_hang_up(self) -> bool {
        matches!(self, Self::Signal(Signal::HangUp) | Self::FrontGone)
    }
}

impl Stops {
    /// Takes signals over; the sender is for what hears requests.
    pub(crate) fn new(front: LocalStream) -> std::io::Result<(Self, mpsc::Sender<()>)> {
        let (sender, requests) = mpsc::channel(1);
        Ok((Self { signals: Signals::new()?, requests, front }, sender))
    }

    /// Waits for the next signal, once there is nothing else that could stop it. Safe to cancel.
    pub(crate) async fn signal(&mut self) -> Signal {
        self.signals.next().await
    }

    /// Waits for the next wish. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Stop {
        tokio::select! {
            signal = self.signals.next() => Stop::Signal(signal),
            Some(()) = self.requests.recv() => Stop::Requested,
            () = platform::peer_gone(&self.front) => Stop::FrontGone,
        }
    }
}
