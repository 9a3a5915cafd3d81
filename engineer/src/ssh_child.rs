//! An `ssh` of this program's own, beside the session that it uses.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Child;
use tokio::time::timeout;

use crate::local_socket::Purpose;
use crate::platform::{self, TerminalState};
use crate::progress::Console;
use crate::session::{End, Session, Stop, Stops};

/// The environment variable that tells our proxy what its connection is for.
const PURPOSE: &str = "FIELDLINK_PURPOSE";
/// How long an ssh without a connection may take to see that, and again once it was told to stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// What happened first.
#[derive(Debug)]
pub enum Happened {
    /// ssh ended, with this code.
    Exited(u8),
    /// The session ended.
    Over(End),
    /// Someone wants this program to stop.
    Stopped(Stop),
}

/// A running ssh. Dropping it kills it; the terminal is as before.
pub struct SshChild {
    child: Child,
    _terminal: Option<TerminalState>,
}

/// Marks `command`'s connection as the session's own, so that nobody waits for its end.
pub fn as_shell(mut command: Command) -> Command {
    command.env(PURPOSE, "shell");
    command
}

/// What the connection of a proxy that ssh started is for.
pub fn purpose() -> Purpose {
    match std::env::var_os(PURPOSE) {
        Some(purpose) if purpose == "shell" => Purpose::Shell,
        _ => Purpose::Other,
    }
}

impl SshChild {
    /// Starts `command`.
    pub fn spawn(command: Command) -> anyhow::Result<Self> {
        let terminal = TerminalState::remember();
        let mut command = tokio::process::Command::from(command);
        let child = command.kill_on_drop(true).spawn();
        let child = child.context("could not run ssh: install the OpenSSH client")?;
        Ok(Self { child, _terminal: terminal })
    }

    /// Waits for its end. Safe to cancel.
    pub async fn exited(&mut self) -> anyhow::Result<u8> {
        self.child.wait().await.map(platform::exit_code).context("could not wait for ssh")
    }

    /// Follows it and the session that it uses. An interrupt belongs to ssh.
    pub async fn follow(
        &mut self,
        session: &mut Session,
        stops: &mut Stops,
        console: &Console,
    ) -> anyhow::Result<Happened> {
        loop {
            return tokio::select! {
                biased;
                end = session.ended(console) => Ok(Happened::Over(end)),
                code = self.exited() => code.map(Happened::Exited),
                stop = stops.next() => match stop {
                    Stop::Signal(platform::Signal::Interrupt) => continue,
                    stop => Ok(Happened::Stopped(stop)),
                },
            };
        }
    }

    /// Waits for it once its connection is gone, and does not wait for long.
    pub async fn stop(mut self) {
        if self.exits_soon().await.is_none() {
            self.child.id().into_iter().for_each(platform::terminate);
            if self.exits_soon().await.is_none() {
                let _ = self.child.kill().await;
            }
        }
    }

    async fn exits_soon(&mut self) -> Option<ExitStatus> {
        timeout(FAREWELL, self.child.wait()).await.ok()?.ok()
    }
}
