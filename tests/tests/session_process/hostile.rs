//! Session processes that break the protocol: the agent notices, and kills them.

use std::fs::File;
use std::os::fd::{AsFd, OwnedFd};
use std::os::unix::net::UnixStream;
use std::process::Command;
use std::time::Duration;

use fieldlink_session::wire::{
    self, ConnectTarget, Event, ExitStatus, MAX_EVENT, MAX_REQUEST, PROTOCOL_VERSION, Request, RequestId,
    Welcome,
};
use fieldlink_session::{descendants, packet};
use fieldlink_ssh::session_process::{
    EndOutcome, SessionError, SessionEvents, SessionLost, SessionProcess, StartError, WatchLimits,
};
use nix::sys::socket::MsgFlags;
use nix::unistd::Pid;
use tokio::sync::MutexGuard;

use super::{ALONE, exec};

/// Answers one request by whatever it likes; an error ends the fake.
type Answer = fn(&OwnedFd, Request) -> Result<(), packet::PacketError>;

fn say(socket: &OwnedFd, event: &Event, fds: &[&OwnedFd]) -> Result<(), packet::PacketError> {
    let fds: Vec<_> = fds.iter().map(AsFd::as_fd).collect();
    packet::send(socket.as_fd(), &wire::encode(event).expect("event"), &fds, MsgFlags::empty())
}

fn ready(version: u32) -> Event {
    let [user, home, shell, hostname] = ["u", "/", "/bin/sh", "h"].map(str::to_owned);
    Event::Ready(Welcome { version, user, home, shell, hostname })
}

fn null() -> OwnedFd {
    File::open("/dev/null").expect("null").into()
}

// As an honest session process answers pings; everything else is up to the fake.
fn honest_pong(socket: &OwnedFd, request: &Request) -> Result<(), packet::PacketError> {
    match request {
        Request::Ping { sequence } => say(socket, &Event::Pong { sequence: *sequence }, &[]),
        _ => Ok(()),
    }
}

fn limits() -> WatchLimits {
    WatchLimits {
        ready: Duration::from_millis(300),
        interval: Duration::from_millis(50),
        silence: Duration::from_millis(400),
        answer: Duration::from_millis(300),
    }
}

/// A fake that is a thread here, beside a process that stands in for it.
struct Fake {
    process: SessionProcess,
    events: SessionEvents,
    _alone: MutexGuard<'static, ()>,
}

impl Fake {
    async fn start(answer: Answer) -> Self {
        let alone = ALONE.lock().await;
        let (ours, theirs) = packet::pair().expect("pair");
        std::thread::spawn(move || {
            say(&theirs, &ready(PROTOCOL_VERSION), &[]).expect("ready");
            while let Ok(packet) = packet::receive(&theirs, MsgFlags::empty(), MAX_REQUEST) {
                let Ok(request) = wire::decode(&packet.bytes) else { break };
                if answer(&theirs, request).is_err() {
                    break;
                }
            }
        });
        let (process, events) = SessionProcess::attach(ours, stand_in(), limits()).await.expect("attach");
        Self { process, events, _alone: alone }
    }

    async fn misbehaves(mut self, expected: &str) {
        match self.events.lost().await {
            Some(SessionLost::Misbehaved(what)) => assert!(what.contains(expected), "{what}"),
            other => panic!("not noticed: {other:?}"),
        }
        assert_eq!(self.process.end().await, EndOutcome::Killed);
    }
}

// Killed and waited for with everything else that this process has started.
#[allow(clippy::zombie_processes)]
fn stand_in() -> Pid {
    descendants::become_subreaper().expect("subreaper");
    let child = Command::new("sleep").arg("1000").spawn().expect("stand-in");
    Pid::from_raw(child.id().cast_signed())
}

#[tokio::test]
async fn wrong_descriptors_for_a_program() {
    let fake = Fake::start(|socket, request| match request {
        Request::Start { id, .. } => {
            say(socket, &Event::Started { id, pid: 1 }, &[&null(), &null(), &null()])
        }
        other => honest_pong(socket, &other),
    });
    let fake = fake.await;
    let failed = fake.process.client().start_program(exec("true", None)).await;
    assert!(matches!(failed, Err(SessionError::Lost(SessionLost::Misbehaved(_)))));
    fake.misbehaves("no pipe").await;
}

#[tokio::test]
async fn too_few_descriptors_for_a_program() {
    let fake = Fake::start(|socket, request| match request {
        Request::Start { id, .. } => say(socket, &Event::Started { id, pid: 1 }, &[]),
        other => honest_pong(socket, &other),
    });
    let fake = fake.await;
    fake.process.client().start_program(exec("true", None)).await.expect_err("no descriptors");
    fake.misbehaves("0 descriptors instead of 3").await;
}

#[tokio::test]
async fn a_socket_of_the_wrong_family() {
    let fake = Fake::start(|socket, request| match request {
        Request::Connect { id, .. } => {
            let (near, _far) = UnixStream::pair().expect("pair");
            say(socket, &Event::Connected { id }, &[&near.into()])
        }
        other => honest_pong(socket, &other),
    });
    let fake = fake.await;
    let target = ConnectTarget::Tcp { host: "localhost".to_owned(), port: 1 };
    fake.process.client().connect(target).await.expect_err("wrong family");
    fake.misbehaves("right family").await;
}

#[tokio::test]
async fn descriptors_where_none_belong() {
    let fake = Fake::start(|socket, request| match request {
        Request::Ping { sequence } => say(socket, &Event::Pong { sequence }, &[&null()]),
        _ => Ok(()),
    });
    fake.await.misbehaves("1 descriptors instead of 0").await;
}

#[tokio::test]
async fn more_descriptors_than_any_reply_carries() {
    let fake = Fake::start(|socket, _| {
        let null = null();
        let many = vec![&null; 100];
        say(socket, &Event::Pong { sequence: 0 }, &many)
    });
    fake.await.misbehaves("more than 3 descriptors").await;
}

#[tokio::test]
async fn a_message_that_is_too_long() {
    let fake = Fake::start(|socket, _| {
        packet::send(socket.as_fd(), &vec![b' '; MAX_EVENT + 1], &[], MsgFlags::empty())
    });
    fake.await.misbehaves("longer than").await;
}

#[tokio::test]
async fn endless_garbage() {
    let fake = Fake::start(|socket, _| {
        loop {
            packet::send(socket.as_fd(), b"\x1b[2Jgarbage", &[], MsgFlags::empty())?;
        }
    });
    fake.await.misbehaves("could not parse").await;
}

#[tokio::test]
async fn an_exit_nobody_waits_for() {
    let fake = Fake::start(|socket, _| {
        let status = ExitStatus::Code { code: 0 };
        say(socket, &Event::Exited { id: RequestId(5), status }, &[])
    });
    fake.await.misbehaves("unasked-for exited for request 5").await;
}

#[tokio::test]
async fn a_pong_without_a_ping() {
    let fake = Fake::start(|socket, _| say(socket, &Event::Pong { sequence: 1000 }, &[]));
    fake.await.misbehaves("pong without a ping").await;
}

#[tokio::test]
async fn a_second_welcome() {
    let fake = Fake::start(|socket, _| say(socket, &ready(PROTOCOL_VERSION), &[]));
    fake.await.misbehaves("second ready").await;
}

#[tokio::test]
async fn silence() {
    let mut fake = Fake::start(|_, _| Ok(())).await;
    assert_eq!(fake.events.lost().await, Some(SessionLost::Silent));
    assert_eq!(fake.process.end().await, EndOutcome::Killed);
}

#[tokio::test]
async fn one_that_never_reads() {
    let mut fake = Fake::start(|_, _| {
        loop {
            std::thread::park();
        }
    })
    .await;
    let client = fake.process.client();
    let flood = tokio::spawn(async move {
        // Fills the socket, the queue behind it and the queue behind that.
        while client.lost().is_none() {
            let connect = client.connect(ConnectTarget::Unix { path: "x".repeat(60_000) });
            let _ = tokio::time::timeout(Duration::from_millis(1), connect).await;
        }
    });
    assert_eq!(fake.events.lost().await, Some(SessionLost::Silent));
    flood.await.expect("flood");
    assert_eq!(fake.process.end().await, EndOutcome::Killed);
}

#[tokio::test]
async fn requests_that_are_never_answered_time_out() {
    let fake = Fake::start(|socket, request| honest_pong(socket, &request)).await;
    let client = fake.process.client();
    let failed = client.start_program(exec("true", None)).await;
    assert!(matches!(failed, Err(SessionError::TimedOut)));
    assert_eq!(fake.process.end().await, EndOutcome::Killed);
}

async fn first_words(words: impl FnOnce(&OwnedFd)) -> StartError {
    let _alone = ALONE.lock().await;
    let (ours, theirs) = packet::pair().expect("pair");
    words(&theirs);
    let refused = SessionProcess::attach(ours, Pid::this(), limits()).await;
    refused.expect_err("attached")
}

#[tokio::test]
async fn anything_but_a_welcome_is_refused() {
    let other = PROTOCOL_VERSION + 1;
    let error = first_words(|socket| say(socket, &ready(other), &[]).expect("send")).await;
    assert!(matches!(error, StartError::Version(version) if version == other), "{error}");
    let error = first_words(|socket| say(socket, &Event::Pong { sequence: 0 }, &[]).expect("send")).await;
    assert!(matches!(error, StartError::NoWelcome), "{error}");
    let error = first_words(|socket| say(socket, &ready(1), &[&null()]).expect("send")).await;
    assert!(matches!(error, StartError::NoWelcome), "{error}");
    let error = first_words(|_| ()).await;
    assert!(matches!(error, StartError::NotReady(_)), "{error}");
}
