//! An `ssh` of this program's own, in this terminal, as one job with this program.

use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::Context;
use tokio::process::Child;
use tokio::time::timeout;

use crate::exit::SSH_FAILED;
use crate::local_socket::Purpose;
use crate::platform::{self, ChildChanges, TerminalState};
use crate::ssh_client::not_started;
use crate::words::say;

/// The environment variable that tells our proxy what its connection is for.
const PURPOSE: &str = "FIELDLINK_PURPOSE";
/// How long an ssh without a connection may take to see that, and again once it was told to stop.
const FAREWELL: Duration = Duration::from_secs(1);

/// How an ssh ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SshExit {
    /// Its exit code, or that of a program that died by a signal.
    pub code: u8,
    /// Whether it could not do its work, or was killed, rather than told to stop.
    pub failed: bool,
}

/// A running ssh. Dropping it kills it; the terminal is as before.
pub(crate) struct SshChild {
    child: Child,
    changes: ChildChanges,
    terminal: Option<TerminalState>,
}

/// Marks `command`'s connection as the session's own, so that the holder does not wait for its end.
pub(crate) fn as_shell(mut command: Command) -> Command {
    command.env(PURPOSE, "shell");
    command
}

/// Marks `command`'s connection as a rehearsal, which the session answers itself.
pub(crate) fn as_rehearsal(mut command: Command) -> Command {
    command.env(PURPOSE, "rehearsal");
    command
}

/// Marks `command`'s connection as one that may be wanted soon: until it is, the session does not go on for it.
pub(crate) fn as_ahead(mut command: Command) -> Command {
    command.env(PURPOSE, "ahead");
    command
}

/// What the connection of a proxy that ssh started is for.
pub(crate) fn purpose() -> Purpose {
    match std::env::var_os(PURPOSE) {
        Some(purpose) if purpose == "shell" => Purpose::Shell,
        Some(purpose) if purpose == "rehearsal" => Purpose::Rehearsal,
        Some(purpose) if purpose == "ahead" => Purpose::Ahead,
        _ => Purpose::Other,
    }
}

impl SshChild {
    /// Starts `command`.
    pub(crate) fn spawn(command: Command) -> anyhow::Result<Self> {
        let terminal = TerminalState::remember();
        let changes = ChildChanges::new().with_context(|| say!("no-signals"))?;
        let mut command = tokio::process::Command::from(command);
        let child = command.kill_on_drop(true).spawn().map_err(|error| not_started("ssh", &error))?;
        Ok(Self { child, changes, terminal })
    }

    /// Waits for its end. When it is stopped (by `~^Z`, say), this program stops with it, so that the shell
    /// gets its terminal back; when this program goes on, so does ssh. Safe to cancel.
    pub(crate) async fn exited(&mut self) -> anyhow::Result<SshExit> {
        loop {
            tokio::select! {
                biased;
                status = self.child.wait() => {
                    let exit = exit_of(status.with_context(|| say!("ssh-not-waited-for"))?);
                    if exit.failed || exit.code == SSH_FAILED {
                        self.reset_screen();
                    }
                    return Ok(exit);
                }
                () = self.changes.next() => if let Some(pid) = self.child.id() {
                    platform::stop_with(pid);
                },
            }
        }
    }

    /// Waits for it once its connection is gone, and does not wait for long.
    pub(crate) async fn stop(mut self) {
        if self.exits_soon().await.is_none() {
            self.child
                .id()
                .into_iter()
                .for_each(|pid| platform::send_signal(pid, platform::Signal::Terminate));
            if self.exits_soon().await.is_none() {
                let _ = self.child.kill().await;
            }
        }
        self.reset_screen();
    }

    /// Whatever ran over there had no chance to leave the screen as it was.
    fn reset_screen(&self) {
        self.terminal.iter().for_each(TerminalState::reset_screen);
    }

    async fn exits_soon(&mut self) -> Option<ExitStatus> {
        timeout(FAREWELL, self.child.wait()).await.ok()?.ok()
    }
}

fn exit_of(status: ExitStatus) -> SshExit {
    let code = platform::exit_code(status);
    SshExit { code, failed: status.code() == Some(SSH_FAILED.into()) || platform::was_killed(status) }
}
