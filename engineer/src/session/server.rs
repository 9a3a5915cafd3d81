//! The session's end of the socket that other programs use it through.

mod dialogue;
mod runbook;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::limits;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;
use fieldlink_transport::{Backoff, PipeEnd};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::State;
use super::client::Client;
use super::state::PipeClaim;
use super::view_log::Views;
use crate::control::channel::Pipe;
use crate::dialogue::Transcript;
use crate::end::{End, Told};
use crate::local_socket::{LINE, Purpose, Reply, Request, Status, decode, encode};
use crate::pipe_copy::carry;
use crate::platform::{self, LocalListener, LocalStream};
use crate::rehearsal;
use crate::words::say;

/// Connections at the same time: SSH connections, those that wait for one, and other requests.
const CONNECTIONS: usize = 512;
/// SSH connections that may wait for another one's end, so that one can always ask …
const WAITING: usize = CONNECTIONS - limits::SSH_CONNECTIONS - 64;
/// … and how long they do. OpenSSH's tools do not try again by themselves.
const QUEUE: Duration = Duration::from_secs(30);
/// How long a client may take for its request.
const REQUEST: Duration = Duration::from_secs(5);

/// How long a new SSH connection waits for an interruption to end.
const INTERRUPTED: Duration = Duration::from_secs(30);

/// How long an ssh may take to say goodbye.
const FAREWELL: Duration = Duration::from_millis(300);

/// The least pause before a pipe that failed is asked for again.
const PAUSE: Duration = Duration::from_millis(100);

/// SSH connections that are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Open {
    /// The session's own shell or command.
    pub shell: usize,
    /// All others.
    pub others: usize,
    /// Whether the session's own ever got a connection.
    pub shell_before: bool,
}

impl Open {
    fn of(&mut self, purpose: Purpose) -> Option<&mut usize> {
        match purpose {
            Purpose::Shell => Some(&mut self.shell),
            Purpose::Other => Some(&mut self.others),
            Purpose::Ahead | Purpose::Rehearsal => None,
        }
    }
}

/// What the server serves.
pub(super) struct Server {
    /// The scanner.
    pub id: SupportId,
    /// The session's private directory.
    pub directory: PathBuf,
    /// The support case.
    pub ticket: String,
    /// The relay.
    pub relay: String,
    /// Where the session stands.
    pub state: watch::Receiver<State>,
    /// SSH connections that are open.
    pub open: watch::Sender<Open>,
    /// How many may be.
    pub turns: InFlightLimit,
    /// What engineer and client said.
    pub transcript: watch::Sender<Transcript>,
    /// What is known of the client.
    pub client: watch::Sender<Client>,
    /// What is watched.
    pub views: Views,
    /// Whether the engineer takes part without working: the scanner would open nothing for them.
    pub observes: bool,
    /// Fires when the session's own shell may have the terminal: its ssh gets no connection before.
    pub curtain: CancellationToken,
    /// Takes requests to end the session.
    pub end: mpsc::Sender<()>,
    /// Fires when the session is over: every SSH connection ends.
    pub over: CancellationToken,
    /// Fires when the session has left nothing behind: those who wait for the end are told.
    pub gone: CancellationToken,
}

impl Server {
    /// Serves until the session has left nothing behind.
    pub(super) async fn run(self, listener: LocalListener) {
        let server = Arc::new(self);
        let permits = Arc::new(Semaphore::new(CONNECTIONS));
        let mut connections = JoinSet::new();
        loop {
            let accepting = async {
                // The semaphore is never closed.
                let permit = permits.clone().acquire_owned().await.ok();
                (permit, listener.accept().await)
            };
            tokio::select! {
                biased;
                () = server.over.cancelled() => break,
                Some(_) = connections.join_next() => {}
                (permit, accepted) = accepting => match accepted {
                    Ok(stream) => {
                        let server = server.clone();
                        connections.spawn(async move {
                            let _permit = permit;
                            // A program that breaks off is not there to be told.
                            let _ = server.serve(stream).await;
                        });
                    }
                    // Out of descriptors, most likely: some will be free again.
                    Err(_) => sleep(Duration::from_millis(100)).await,
                },
            }
        }
        drop(listener);
        while connections.join_next().await.is_some() {}
    }

    async fn serve(&self, mut stream: LocalStream) -> io::Result<()> {
        match timeout(REQUEST, read_request(&mut stream)).await?? {
            Request::Pipe { purpose: Purpose::Rehearsal } => {
                stream.write_all(&encode(&Reply::Opened)).await?;
                rehearsal::answer(stream).await
            }
            Request::Pipe { purpose } => self.connect(stream, purpose).await,
            Request::Use => self.count_until_closed(stream).await,
            Request::Status => {
                let status = self.status();
                stream.write_all(&encode(&Reply::Status(status.into()))).await
            }
            Request::End => {
                // A wish that is waiting already is as good as another.
                let _ = self.end.try_send(());
                // By then the session has left nothing behind.
                self.tell_the_end(stream, &self.gone).await
            }
            Request::Watch => self.tell_the_end(stream, &self.over).await,
            Request::Ask { question } => self.ask(stream, question).await,
            Request::Announce { announcement } => self.announce(stream, announcement).await,
            Request::Runbook { news } => self.tell_of_runbook(stream, news).await,
            Request::Chat { text } => {
                let reply = self.say(text);
                stream.write_all(&encode(&reply)).await
            }
            Request::Lines => self.tell_lines(stream).await,
            Request::View => self.tell_view(stream).await,
        }
    }

    async fn connect(&self, mut stream: LocalStream, purpose: Purpose) -> io::Result<()> {
        let opened = {
            let (reader, _) = stream.split();
            tokio::select! {
                biased;
                () = self.over.cancelled() => Err(say!("session-is-over")),
                () = platform::hung_up(&reader) => return Ok(()),
                opened = self.open_pipe_for(purpose) => opened,
            }
        };
        let Opened { claim, pipe, permit: _permit } = match opened {
            Ok(opened) => opened,
            Err(reason) => {
                let reply = Reply::Refused { reason: text::sentence(&reason) };
                return stream.write_all(&encode(&reply)).await;
            }
        };
        let _counted = Counted::new(&self.open, purpose);
        stream.write_all(&encode(&Reply::Opened)).await?;
        let last = platform::duplicate(&stream)?;
        let end = carry(stream, pipe, self.over.clone()).await;
        see_off(last).await;
        // A goodbye may have gone nowhere, and the shell behind it must not wait until the pipe is given up.
        if !matches!(end, PipeEnd::Unsaid | PipeEnd::Cancelled) {
            claim.end_was_said();
        }
        Ok(())
    }

    async fn open_pipe_for(&self, purpose: Purpose) -> Result<Opened, String> {
        if self.observes {
            return Err(say!("you-only-watch"));
        }
        let opened = self.open_pipe_in_turn().await?;
        if purpose == Purpose::Shell {
            self.curtain.cancelled().await;
        }
        Ok(opened)
    }

    async fn count_until_closed(&self, mut stream: LocalStream) -> io::Result<()> {
        let _counted = Counted::new(&self.open, Purpose::Other);
        let (reader, _) = stream.split();
        tokio::select! {
            biased;
            () = self.over.cancelled() => {}
            () = platform::hung_up(&reader) => {}
        }
        Ok(())
    }

    /// Opens a pipe once fewer than [`limits::SSH_CONNECTIONS`] are open.
    async fn open_pipe_in_turn(&self) -> Result<Opened, String> {
        let full = || say!("too-many-connections", count = limits::SSH_CONNECTIONS as u64);
        let waiting = self.turns.waiting.clone().try_acquire_owned().map_err(|_| full())?;
        let permit = timeout(QUEUE, self.turns.open.clone().acquire_owned()).await.map_err(|_| full())?;
        drop(waiting);
        // The semaphore is never closed.
        self.open_pipe(permit.map_err(|_| full())?).await
    }

    /// Opens a pipe, or says why there is none. What fails because the session is interrupted is tried
    /// again when it is not.
    async fn open_pipe(&self, permit: OwnedSemaphorePermit) -> Result<Opened, String> {
        let mut state = self.state.clone();
        let until = tokio::time::Instant::now() + INTERRUPTED;
        let mut backoff = Backoff::new(limits::PIPE_RETRY_MAX);
        loop {
            let is_whole = |state: &State| state.trouble().is_none();
            let is_late = timeout_at(until, state.wait_for(is_whole)).await.is_err();
            let (live, is_interrupted) = {
                let state = self.state.borrow();
                (state.live(), state.trouble().is_some())
            };
            if is_interrupted && !is_late {
                continue;
            }
            let live = live?;
            let interrupted = async {
                let _ = state.wait_for(|state| state.trouble().is_some()).await;
            };
            tokio::select! {
                biased;
                opened = live.open_pipe() => match opened {
                    Err(error) if error.may_pass() && tokio::time::Instant::now() < until => {
                        sleep(backoff.next_delay().max(PAUSE)).await;
                    }
                    Err(error) => return Err(error.to_string()),
                    Ok((claim, pipe)) => return Ok(Opened { claim, pipe, permit }),
                },
                () = interrupted => {}
            }
        }
    }

    fn status(&self) -> Status {
        let (state, open) = (self.state.borrow(), *self.open.borrow());
        let (client, now) = (self.client.borrow().clone(), Instant::now());
        let is_active = state.admitted().is_ok();
        Status {
            id: self.id,
            ticket: self.ticket.clone(),
            relay: self.relay.clone(),
            state: state.name().into(),
            hostname: state.agent().map(|agent| agent.hostname.clone()),
            user: state.agent().map(|agent| agent.user.clone()),
            seconds: state.remaining(now),
            presence: is_active.then_some(client.presence),
            quiet_seconds: client.quiet_seconds(now).filter(|_| is_active),
            connections: open.shell + open.others,
            data_used: is_active.then_some(client.data_used),
            transfers: client.transfers,
            battery: client.battery.filter(|_| is_active),
            operation: client.operation.filter(|_| is_active),
            people: if is_active { client.people } else { Vec::new() },
            trouble: state.trouble().cloned(),
        }
    }

    /// Whoever looks is gone, or it is over.
    async fn tell_view(&self, mut stream: LocalStream) -> io::Result<()> {
        let (mut reader, mut gone) = (self.views.reader(), false);
        while !gone {
            let (closed, mut writer) = stream.split();
            let Some(lines) = (tokio::select! {
                biased;
                () = self.over.cancelled() => None,
                () = platform::hung_up(&closed) => None,
                lines = reader.next() => lines,
            }) else {
                break;
            };
            tokio::select! {
                biased;
                () = self.over.cancelled() => gone = true,
                written = writer.write_all(&lines) => written?,
            }
        }
        Ok(())
    }

    async fn tell_the_end(&self, mut stream: LocalStream, told: &CancellationToken) -> io::Result<()> {
        let (reader, _) = stream.split();
        tokio::select! {
            biased;
            () = told.cancelled() => {}
            () = platform::hung_up(&reader) => return Ok(()),
        }
        stream.write_all(&encode(&self.end_as_reply())).await
    }

    fn end_as_reply(&self) -> Reply {
        match &*self.state.borrow() {
            State::Ended(end) => Reply::ended(end),
            _ => Reply::ended(&End::new(Reason::EngineerStopped, Told::Here)),
        }
    }
}

/// An ssh that sees the end of its connection still says goodbye, and complains of a broken pipe if that finds
/// no reader.
async fn see_off(mut stream: LocalStream) {
    let farewell = async {
        stream.shutdown().await?;
        tokio::io::copy(&mut stream, &mut tokio::io::sink()).await
    };
    let _ = timeout(FAREWELL, farewell).await;
}

/// A pipe for an SSH connection.
struct Opened {
    claim: PipeClaim,
    pipe: Pipe,
    permit: OwnedSemaphorePermit,
}

/// Who may open an SSH connection, and who may wait to.
#[derive(Debug, Clone)]
pub(super) struct InFlightLimit {
    open: Arc<Semaphore>,
    waiting: Arc<Semaphore>,
}

impl Default for InFlightLimit {
    fn default() -> Self {
        let (open, waiting) = (Semaphore::new(limits::SSH_CONNECTIONS), Semaphore::new(WAITING));
        Self { open: open.into(), waiting: waiting.into() }
    }
}

/// Counts a connection for as long as it is open.
struct Counted<'a> {
    open: &'a watch::Sender<Open>,
    purpose: Purpose,
}

impl<'a> Counted<'a> {
    fn new(open: &'a watch::Sender<Open>, purpose: Purpose) -> Self {
        open.send_modify(|open| {
            open.of(purpose).into_iter().for_each(|count| *count += 1);
            open.shell_before |= purpose == Purpose::Shell;
        });
        Self { open, purpose }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.open.send_modify(|open| open.of(self.purpose).into_iter().for_each(|count| *count -= 1));
    }
}

/// Reads one line; a client sends nothing more before it has the reply.
async fn read_request(stream: &mut LocalStream) -> io::Result<Request> {
    let mut line = Vec::with_capacity(64);
    while line.last() != Some(&b'\n') {
        if line.len() >= LINE || stream.read_buf(&mut line).await? == 0 {
            return Err(io::ErrorKind::InvalidData.into());
        }
    }
    decode(&line)
}

#[cfg(all(test, unix))]
mod tests;
