//! The signals that stop a program that runs for long.

use std::io;

use tokio::signal::unix::{Signal, SignalKind, signal};

/// Which one it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopSignal {
    /// `SIGINT`: Ctrl-C in a terminal.
    Interrupt,
    /// `SIGTERM`: from outside.
    Terminate,
    /// `SIGHUP`: the terminal is gone. It stops a service, too, which has none to lose.
    HangUp,
}

/// Listens for all of them: none ends the program by itself any more.
#[derive(Debug)]
pub struct StopSignals {
    interrupt: Signal,
    terminate: Signal,
    hang_up: Signal,
}

impl StopSignals {
    /// Begins to listen; needs a tokio runtime.
    pub fn listen() -> io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: signal(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one. Safe to cancel.
    pub async fn next(&mut self) -> StopSignal {
        tokio::select! {
            _ = self.interrupt.recv() => StopSignal::Interrupt,
            _ = self.terminate.recv() => StopSignal::Terminate,
            _ = self.hang_up.recv() => StopSignal::HangUp,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn none_ends_the_program_and_each_is_told_apart() {
        let mut signals = StopSignals::listen().expect("signals");
        let own = std::process::id().to_string();
        for (name, expected) in
            [("-INT", StopSignal::Interrupt), ("-TERM", StopSignal::Terminate), ("-HUP", StopSignal::HangUp)]
        {
            assert!(std::process::Command::new("kill").args([name, &own]).status().expect("kill").success());
            assert_eq!(signals.next().await, expected);
        }
    }
}
