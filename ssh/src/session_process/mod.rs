//! The agent's side of `fieldlink-session`: starts it, talks to it, watches it, ends it.
//!
//! The session process is treated as hostile. Every message and descriptor is checked, every queue
//! is bounded, nothing waits for it without a limit, and what it started is found and killed from
//! above: the agent is a child subreaper, so every orphan of the session becomes its child.
//!
//! One agent has one session at a time: ending or losing it kills *all* descendants of the agent.

mod client;
pub mod descriptors;
mod leftovers;
mod link;
mod outcome;
mod ping_tracker;
mod program_io;
mod reply;
mod requests;
mod service;
mod starting;
mod stop_job;

use std::os::fd::OwnedFd;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fieldlink_session::wire::{self, Event, PROTOCOL_VERSION, Welcome};
use fieldlink_session::{descendants, packet, sys};
use nix::unistd::Pid;
use tokio::sync::{mpsc, watch};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

pub use client::{Program, ProgramRequest, SessionClient};
pub use outcome::{EndOutcome, SessionLost, StartError};
pub use program_io::{ForwardStream, ProgramIo, TerminalMaster};
pub use reply::{ProgramExit, SessionError};

pub use service::{Launch, longest_start};
pub use starting::Starting;

use link::{Link, LinkState, Socket, next_packet};
use service::ControlGroup;

// Requests that wait for the actor; beyond, callers wait.
const MAX_COMMANDS: usize = 32;
// How long the end may take by itself, and then by force: together less than a second.
const ORDERLY_END: Duration = Duration::from_millis(500);
const FORCED_END: Duration = Duration::from_millis(400);
// A service's end by itself: systemd kills what is left in it, and needs a moment for that. After that only
// the end of the agent helps.
const SERVICE_END: Duration = Duration::from_millis(700);
// The kernel offers no event for "no descendant left".
const LOOK_AGAIN: Duration = Duration::from_millis(3);

/// How long the agent waits for the session process.
#[derive(Debug, Clone, Copy)]
pub struct WatchLimits {
    /// For its first message.
    pub ready: Duration,
    /// Between two looks at it.
    pub interval: Duration,
    /// For a pong. One that is stopped is noticed at the next look; this is for one that is stuck. Not too short:
    /// it starts programs itself, and where disk and processors are busy it may not run for seconds.
    pub silence: Duration,
    /// For the answer to a start or connect.
    pub answer: Duration,
}

impl Default for WatchLimits {
    fn default() -> Self {
        Self {
            ready: Duration::from_secs(15),
            interval: Duration::from_millis(250),
            silence: Duration::from_secs(20),
            answer: Duration::from_secs(20),
        }
    }
}

/// Tells when the session is lost.
#[derive(Debug)]
pub struct SessionEvents {
    lost: watch::Receiver<Option<SessionLost>>,
    ending: CancellationToken,
}

impl SessionEvents {
    /// Waits until the session is lost; nothing if it was ended.
    pub async fn lost(&mut self) -> Option<SessionLost> {
        match self.lost.wait_for(Option::is_some).await {
            Ok(lost) => lost.clone(),
            Err(_) if self.ending.is_cancelled() => None,
            Err(_) => Some(SessionLost::Unwatched),
        }
    }
}

/// A running session process. Dropping it kills everything of the session, as a last resort.
#[derive(Debug)]
pub struct SessionProcess {
    client: SessionClient,
    pid: Pid,
    ending: CancellationToken,
    // If it is a service: where everything of it can be seen, and nothing signalled.
    group: Option<ControlGroup>,
    // Gone once the session was ended properly.
    link: Option<JoinHandle<()>>,
}

impl SessionProcess {
    /// Starts the program as a child and waits until it is ready.
    ///
    /// Its standard error goes where the agent's own does.
    pub async fn start(program: &Path, limits: WatchLimits) -> Result<(Self, SessionEvents), StartError> {
        descendants::become_subreaper().map_err(std::io::Error::from)?;
        let (ours, theirs) = packet::pair()?;
        let spawned =
            Command::new(program).env_clear().stdin(Stdio::from(theirs)).stdout(Stdio::null()).spawn();
        let child = spawned.map_err(|source| StartError::Spawn { path: program.to_owned(), source })?;
        // The handle is not needed: the child is reaped by its number when it is killed.
        let started = Self::attach(ours, process_id(&child), limits).await;
        if started.is_err() {
            kill_tree().await;
        }
        started
    }

    /// Talks to a session process that runs already, once it is ready.
    pub async fn attach(
        socket: OwnedFd,
        pid: Pid,
        limits: WatchLimits,
    ) -> Result<(Self, SessionEvents), StartError> {
        let socket = sys::register(socket)?;
        let welcome = tokio::time::timeout(limits.ready, welcome(&socket))
            .await
            .map_err(|_| StartError::NotReady(limits.ready))??;
        let (commands, queue) = mpsc::channel(MAX_COMMANDS);
        let (sender, lost) = watch::channel(None);
        let ending = CancellationToken::new();
        let link = Link {
            socket,
            pid,
            commands: queue,
            lost: sender,
            ending: ending.clone(),
            state: LinkState::new(limits),
        };
        let session = Self {
            client: SessionClient::new(commands, lost.clone(), welcome),
            pid,
            ending: ending.clone(),
            group: None,
            link: Some(tokio::spawn(link.run())),
        };
        Ok((session, SessionEvents { lost, ending }))
    }

    /// A way to ask for programs and forwards.
    pub fn client(&self) -> SessionClient {
        self.client.clone()
    }

    /// The session process itself.
    pub fn pid(&self) -> Pid {
        self.pid
    }

    /// Ends the session and everything it started, within a second, whatever it does.
    pub async fn end(mut self) -> EndOutcome {
        let started = Instant::now();
        self.ending.cancel();
        let orderly = tokio::time::timeout(ORDERLY_END, self.finished()).await;
        let by_itself = orderly == Ok(true) && self.client.lost().is_none();
        let (by_itself, certain) = match &self.group {
            Some(group) => (by_itself, group.is_left_by(started + SERVICE_END).await),
            None => {
                let by_itself = by_itself && nothing_left(started + ORDERLY_END).await;
                (by_itself, by_itself || kill_tree().await)
            }
        };
        // Only now: a caller that gives up half-way leaves the rest to drop.
        self.link.take().inspect(JoinHandle::abort);
        match (certain && self.is_gone(), by_itself) {
            (true, true) => EndOutcome::Orderly,
            (true, false) => EndOutcome::Killed,
            (false, _) => {
                tracing::error!(pid = %self.pid, "session could not be ended");
                EndOutcome::Unconfirmed
            }
        }
    }

    // False if the task panicked, and so knows nothing of the end.
    async fn finished(&mut self) -> bool {
        match &mut self.link {
            Some(link) => {
                link.await.inspect_err(|error| tracing::error!(%error, "session link failed")).is_ok()
            }
            None => false,
        }
    }

    // It is no descendant if it runs as a service of its own.
    fn is_gone(&self) -> bool {
        descendants::stat(self.pid).is_none_or(|stat| matches!(stat.state, 'Z' | 'X'))
    }
}

impl Drop for SessionProcess {
    fn drop(&mut self) {
        let Some(link) = self.link.take() else {
            return;
        };
        self.ending.cancel();
        link.abort();
        if let Err(left) = descendants::kill_descendants(FORCED_END) {
            tracing::error!(?left, "session processes could not be killed");
        }
    }
}

async fn welcome(socket: &Socket) -> Result<Welcome, StartError> {
    let packet = next_packet(socket).await?;
    if packet.bytes.is_empty() || !packet.descriptors.is_empty() {
        return Err(StartError::NoWelcome);
    }
    match wire::decode(&packet.bytes)? {
        Event::Ready(welcome) if welcome.version == PROTOCOL_VERSION => Ok(welcome),
        Event::Ready(welcome) => Err(StartError::Version(welcome.version)),
        _ => Err(StartError::NoWelcome),
    }
}

// True if nothing is left. On a thread of its own, because it reads the process table repeatedly.
async fn kill_tree() -> bool {
    let killed = tokio::task::spawn_blocking(|| descendants::kill_descendants(FORCED_END)).await;
    match killed {
        Ok(Ok(())) => true,
        Ok(Err(left)) => {
            tracing::error!(?left, "session processes could not be killed");
            false
        }
        Err(_) => false,
    }
}

async fn nothing_left(deadline: Instant) -> bool {
    while !descendants::reap_and_list().is_empty() {
        if Instant::now() >= deadline {
            return false;
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    }
    true
}

fn process_id(child: &std::process::Child) -> Pid {
    // A process ID always fits: the kernel's limit is 2^22.
    Pid::from_raw(child.id().cast_signed())
}
