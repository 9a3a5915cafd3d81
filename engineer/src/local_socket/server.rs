//! The session's end of the socket.

use std::io;
use std::sync::Arc;
use std::time::{Duration, Instant};

use fieldlink_protocol::limits;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::sync::{Semaphore, mpsc, watch};
use tokio::task::JoinSet;
use tokio::time::{sleep, timeout, timeout_at};
use tokio_util::sync::CancellationToken;

use super::{LINE, Purpose, Reply, Request, Status, decode, encode};
use crate::control::channel::Pipe;
use crate::pipe_copy::carry;
use crate::platform::{self, LocalListener, LocalStream};
use crate::session::{End, State, Told};
use fieldlink_protocol::reason::Reason;

/// Connections at the same time: more than the session may have pipes, so that one can always ask.
const CONNECTIONS: usize = 2 * limits::PIPES_PER_SESSION;
/// How long a client may take for its request.
const REQUEST: Duration = Duration::from_secs(5);

/// How long a new SSH connection waits for an interruption to end.
const INTERRUPTED: Duration = Duration::from_secs(30);

/// SSH connections that are open.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// The session's own shell or command.
    pub shell: usize,
    /// All others.
    pub others: usize,
}

impl Open {
    fn of(&mut self, purpose: Purpose) -> &mut usize {
        match purpose {
            Purpose::Shell => &mut self.shell,
            Purpose::Other => &mut self.others,
        }
    }
}

/// What the server serves.
pub struct Server {
    /// The scanner.
    pub id: SupportId,
    /// The support case.
    pub ticket: String,
    /// The relay.
    pub relay: String,
    /// Where the session stands.
    pub state: watch::Receiver<State>,
    /// SSH connections that are open.
    pub open: watch::Sender<Open>,
    /// Takes wishes to end the session.
    pub end: mpsc::Sender<()>,
    /// Fires when the session is over: every SSH connection ends.
    pub over: CancellationToken,
    /// Fires when the session has left nothing behind: those who wait for the end are told.
    pub gone: CancellationToken,
}

impl Server {
    /// Serves until the session has left nothing behind.
    pub async fn run(self, listener: LocalListener) {
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
                            // A client that breaks off has nobody to tell.
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
            Request::Pipe { purpose } => self.connect(stream, purpose).await,
            Request::Status => {
                let status = self.status();
                stream.write_all(&encode(&Reply::Status(status))).await
            }
            Request::End => {
                // A wish that is waiting already is as good as another.
                let _ = self.end.try_send(());
                self.tell_the_end(stream).await
            }
            Request::Watch => self.tell_the_end(stream).await,
        }
    }

    async fn connect(&self, mut stream: LocalStream, purpose: Purpose) -> io::Result<()> {
        let opened = {
            let (reader, _) = stream.split();
            tokio::select! {
                biased;
                () = self.over.cancelled() => Err("the session is over".into()),
                () = platform::hung_up(&reader) => return Ok(()),
                opened = self.open_pipe() => opened,
            }
        };
        let pipe = match opened {
            Ok(pipe) => pipe,
            Err(reason) => {
                let reply = Reply::Refused { reason: text::sentence(&reason) };
                return stream.write_all(&encode(&reply)).await;
            }
        };
        let _counted = Counted::new(&self.open, purpose);
        stream.write_all(&encode(&Reply::Opened)).await?;
        carry(stream, pipe, self.over.clone()).await;
        Ok(())
    }

    /// Opens a pipe, or says why there is none. What fails because the session is interrupted is tried
    /// again when it is not.
    async fn open_pipe(&self) -> Result<Pipe, String> {
        let mut state = self.state.clone();
        let until = tokio::time::Instant::now() + INTERRUPTED;
        loop {
            let is_whole = |state: &State| state.trouble().is_none();
            let is_late = timeout_at(until, state.wait_for(is_whole)).await.is_err();
            let live = self.state.borrow().live();
            let live = match live {
                Err(_) if !is_late && self.state.borrow().trouble().is_some() => continue,
                live => live?,
            };
            let interrupted = async {
                let _ = state.wait_for(|state| state.trouble().is_some()).await;
            };
            tokio::select! {
                biased;
                opened = live.open_pipe() => match opened {
                    Err(error) if error.may_pass() && tokio::time::Instant::now() < until => {}
                    opened => return opened.map_err(|error| error.to_string()),
                },
                () = interrupted => {}
            }
        }
    }

    fn status(&self) -> Status {
        let (state, open) = (self.state.borrow(), *self.open.borrow());
        Status {
            id: self.id,
            ticket: self.ticket.clone(),
            relay: self.relay.clone(),
            state: state.name().into(),
            hostname: state.agent().map(|agent| agent.hostname.clone()),
            user: state.agent().map(|agent| agent.user.clone()),
            seconds: state.remaining(Instant::now()),
            connections: open.shell + open.others,
            trouble: state.trouble().cloned(),
        }
    }

    async fn tell_the_end(&self, mut stream: LocalStream) -> io::Result<()> {
        let (reader, _) = stream.split();
        tokio::select! {
            biased;
            () = self.gone.cancelled() => {}
            () = platform::hung_up(&reader) => return Ok(()),
        }
        let end = match &*self.state.borrow() {
            State::Ended(end) => end.clone(),
            _ => End::new(Reason::EngineerStopped, Told::Here),
        };
        let (by, reason) = (end.by().into(), end.reason.code().into());
        let reply = Reply::Ended { by, reason, message: end.sentence() };
        stream.write_all(&encode(&reply)).await
    }
}

/// Counts a connection for as long as it is open.
struct Counted<'a> {
    open: &'a watch::Sender<Open>,
    purpose: Purpose,
}

impl<'a> Counted<'a> {
    fn new(open: &'a watch::Sender<Open>, purpose: Purpose) -> Self {
        open.send_modify(|open| *open.of(purpose) += 1);
        Self { open, purpose }
    }
}

impl Drop for Counted<'_> {
    fn drop(&mut self) {
        self.open.send_modify(|open| *open.of(self.purpose) -= 1);
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
mod tests {
    use super::*;
    use crate::local_socket::client;

    /// A server without a session behind it.
    struct Served {
        base: tempfile::TempDir,
        state: watch::Sender<State>,
        ends: mpsc::Receiver<()>,
        over: CancellationToken,
        gone: CancellationToken,
        task: tokio::task::JoinHandle<()>,
    }

    fn serve() -> Served {
        let base = tempfile::tempdir().expect("a directory");
        let (state, watched) = watch::channel(State::Pairing);
        let (end, ends) = mpsc::channel(1);
        let (over, gone) = (CancellationToken::new(), CancellationToken::new());
        let server = Server {
            id: "572400000".parse().expect("valid"),
            ticket: "T-1".into(),
            relay: "wss://relay.example.com".into(),
            state: watched,
            open: watch::channel(Open::default()).0,
            end,
            over: over.clone(),
            gone: gone.clone(),
        };
        let listener = LocalListener::bind(&base.path().join("s")).expect("bound");
        Served { base, state, ends, over, gone, task: tokio::spawn(server.run(listener)) }
    }

    impl Served {
        fn ask(&self, request: Request) -> tokio::task::JoinHandle<io::Result<Reply>> {
            let path = self.base.path().join("s");
            tokio::task::spawn_blocking(move || client::ask(&path, request).map(|(_, reply)| reply))
        }
    }

    #[tokio::test]
    async fn says_how_things_stand_and_why_there_is_no_connection() {
        let served = serve();
        let status = served.ask(Request::Status).await.expect("no panic").expect("a reply");
        let Reply::Status(status) = status else { panic!("{status:?}") };
        assert_eq!((status.state.as_str(), status.connections), ("pairing", 0));
        let pipe = Request::Pipe { purpose: Purpose::Other };
        served.state.send_replace(State::Asking { until: Instant::now() });
        let refused = served.ask(pipe).await.expect("no panic").expect("a reply");
        let reason = "the client has not allowed the session yet; wait for it".to_owned();
        assert_eq!(refused, Reply::Refused { reason });
        served.state.send_replace(State::Ended(End::new(Reason::TimeUp, Told::Scanner)));
        let refused = served.ask(pipe).await.expect("no panic").expect("a reply");
        let reason = "the session is over: the agreed time is over".to_owned();
        assert_eq!(refused, Reply::Refused { reason });
    }

    #[tokio::test]
    async fn an_end_is_asked_for_and_told_when_nothing_is_left() {
        let mut served = serve();
        let (ending, watching) = (served.ask(Request::End), served.ask(Request::Watch));
        served.ends.recv().await.expect("asked");
        served.state.send_replace(State::Ended(End::new(Reason::EngineerEnded, Told::Here)));
        served.over.cancel();
        assert!(!ending.is_finished());
        served.gone.cancel();
        let reply = ending.await.expect("no panic").expect("a reply");
        assert!(matches!(&reply, Reply::Ended { reason, .. } if reason == "engineer-ended"), "{reply:?}");
        // Whoever was not yet served when it ended sees the socket close.
        let _ = watching.await.expect("no panic");
        served.task.await.expect("the server ends");
    }

    #[tokio::test]
    async fn junk_and_endless_requests_are_dropped() {
        let served = serve();
        for junk in [&b"\n"[..], b"{}\n", &[b'x'; 3 * LINE]] {
            let path = served.base.path().join("s");
            let mut stream = tokio::net::UnixStream::connect(path).await.expect("connected");
            let _ = stream.write_all(junk).await;
            let mut answer = Vec::new();
            let _ = stream.read_to_end(&mut answer).await;
            assert!(answer.is_empty());
        }
    }
}
