//! An SSH connection that is made before anybody wants it, so that who connects to a forward need not wait for ssh to
//! start, to find its way and to prove itself.
//!
//! It is an ssh that would share its connection (`ControlMaster`), at a socket that only the next use of the forward
//! is told of. So each use still has a connection of its own, and one that takes nothing holds up no other.

use std::convert::Infallible;
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::process::Child;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};
use tokio_util::task::AbortOnDropHandle;

use super::listener::Remove;
use super::said;
use crate::platform::{self, Signal};
use crate::{ssh_child, ssh_client};

/// What an ssh says of being told to stop.
const STOPPED: &str = "Killed by";
/// After one was taken: how long the use that took it has the processors for itself.
const PAUSE: Duration = Duration::from_millis(50);
/// How long an ssh that was told to stop may take.
const FAREWELL: Duration = Duration::from_secs(1);
/// Longest path of a socket, in bytes: the kernel takes 107, and ssh makes it under a name that is 17 longer.
const LONGEST: usize = 90;

/// Keeps one SSH connection ahead of the uses of a forward.
pub(super) struct Reserve {
    config: PathBuf,
    alias: String,
    ready: Mutex<Option<Ahead>>,
    taken: Notify,
}

/// An ssh whose connection is there, or on its way.
pub(super) struct Ahead {
    ssh: Child,
    socket: Remove,
    said: AbortOnDropHandle<Vec<String>>,
}

impl Reserve {
    /// For the host `alias` of the file `config`, next to which the sockets are.
    pub(super) fn new(config: PathBuf, alias: String) -> Self {
        Self { config, alias, ready: Mutex::default(), taken: Notify::new() }
    }

    /// Makes one, and another one whenever it was taken. Where it cannot be had (a path too long, an ssh that cannot
    /// share), uses make their own.
    pub(super) async fn keep(&self) -> Infallible {
        for number in 0_u64.. {
            let socket = self.config.with_file_name(format!("ahead.{}.{number}", std::process::id()));
            self.begin_if_there_is_none(socket);
            self.taken.notified().await;
            sleep(PAUSE).await;
        }
        std::future::pending().await
    }

    fn begin_if_there_is_none(&self, socket: PathBuf) {
        let mut ready = self.ready();
        if ready.is_none() {
            *ready = Ahead::begin(self.command(), socket);
        }
    }

    /// The ssh that carries the next use to `target`, with the connection that it uses if one is ready. Without one it
    /// makes its own; what is on its way is left for the use after it.
    pub(super) fn take(&self, target: &str) -> (Command, Option<Ahead>) {
        let mut ssh = self.command();
        let ready = self.ready().take_if(|ahead| !ahead.is_on_its_way()).and_then(Ahead::if_alive);
        if let Some(ahead) = &ready {
            ssh.arg("-S").arg(ahead.socket.path());
        }
        ssh.args(["-W", target]);
        self.taken.notify_one();
        (ssh, ready)
    }

    fn command(&self) -> Command {
        ssh_client::command(&self.config, &self.alias)
    }

    fn ready(&self) -> MutexGuard<'_, Option<Ahead>> {
        self.ready.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Ahead {
    fn begin(mut ssh: Command, socket: PathBuf) -> Option<Self> {
        if socket.as_os_str().len() > LONGEST {
            return None;
        }
        ssh.args(["-M", "-N", "-S"]).arg(&socket);
        let mut ssh = tokio::process::Command::from(ssh_child::as_ahead(ssh));
        ssh.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut ssh = ssh.spawn().ok()?;
        let errors = ssh.stderr.take()?;
        // One that is killed leaves its socket behind.
        Some(Self { ssh, socket: Remove(socket), said: AbortOnDropHandle::new(tokio::spawn(said(errors))) })
    }

    /// ssh makes its socket when it is logged in.
    fn is_on_its_way(&mut self) -> bool {
        self.is_alive() && !self.socket.path().exists()
    }

    fn is_alive(&mut self) -> bool {
        matches!(self.ssh.try_wait(), Ok(None))
    }

    fn if_alive(mut self) -> Option<Self> {
        self.is_alive().then_some(self)
    }

    /// Ends it, and gives what it said.
    pub(super) async fn end(mut self) -> Vec<String> {
        self.ssh.id().into_iter().for_each(|pid| platform::send_signal(pid, Signal::Terminate));
        if timeout(FAREWELL, self.ssh.wait()).await.is_err() {
            let _ = self.ssh.kill().await;
        }
        let said = self.said.await.unwrap_or_default();
        said.into_iter().filter(|line| !line.starts_with(STOPPED)).collect()
    }
}
