//! However a session ends, nothing of it is left.

use std::os::fd::{AsFd, OwnedFd};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use fieldlink_session::wire::{self, Event, Request};
use fieldlink_session::{descendants, packet};
use fieldlink_ssh::session_process::{EndOutcome, ProgramIo, SessionError, SessionLost};
use nix::sys::signal::{Signal, kill};
use nix::sys::socket::MsgFlags;
use nix::unistd::Pid;

use super::{ALONE, PATIENCE, Session, exec, program, read_until};

// A new session, one that ignores hang-ups, a double fork, a stopped one, and one whose parent dies
// of a signal.
const LEFT_BEHIND: &str = "
    setsid sleep 1001 >/dev/null 2>&1 &
    nohup sleep 1002 >/dev/null 2>&1 &
    (setsid sh -c '(sleep 1003 >/dev/null 2>&1 &)' &)
    sh -c 'trap \"\" HUP INT TERM; sleep 1004' >/dev/null 2>&1 &
    sh -c 'kill -STOP $$' >/dev/null 2>&1 &
    sh -c 'sleep 1005 >/dev/null 2>&1 & kill -KILL $$' >/dev/null 2>&1 &
    sleep 1006 >/dev/null 2>&1 &";
// Forks and exits in a circle, so that its process ID is never the one that was just read.
const DODGER: &str = "f() { f & }; f >/dev/null 2>&1 &";

// Waits until the script has run to its end and, but for the dodger's, all sleepers sleep.
async fn leave_behind(session: &Session, script: &str) {
    let program = session.exec(format!("{script}\necho rea''dy; exec sleep 1007")).await;
    let ProgramIo::Pipes { mut stdout, .. } = program.io else {
        panic!("program without pipes");
    };
    read_until(&mut stdout, "ready").await;
}

async fn sleepers(count: usize) {
    let deadline = Instant::now() + PATIENCE;
    let is_sleeper = |pid: &Pid| {
        let comm = std::fs::read_to_string(format!("/proc/{pid}/comm"));
        comm.is_ok_and(|comm| comm == "sleep\n")
    };
    loop {
        let left = descendants::descendants_of(Pid::this());
        if left.iter().filter(|process| is_sleeper(&process.pid)).count() >= count {
            return;
        }
        assert!(Instant::now() < deadline, "not all sleepers run: {left:?}");
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn the_end_takes_every_descendant() {
    let session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    sleepers(7).await;
    session.end_orderly().await;
}

#[tokio::test]
async fn the_end_takes_one_that_keeps_forking() {
    let session = Session::start().await;
    leave_behind(&session, DODGER).await;
    session.end_orderly().await;
}

#[tokio::test]
async fn a_stopped_session_process_is_noticed_and_killed_with_all_it_started() {
    let mut session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    sleepers(7).await;
    kill(session.process.pid(), Signal::SIGSTOP).expect("stop");
    let client = session.client.clone();
    let pending = tokio::spawn(async move { client.start_program(exec("true", None)).await });
    let started = Instant::now();
    assert_eq!(session.events.lost().await, Some(SessionLost::Stopped));
    assert!(started.elapsed() < Duration::from_secs(1));
    let failed = pending.await.expect("task").expect_err("no session");
    assert_eq!(failed, SessionError::Lost(SessionLost::Stopped));
    assert_eq!(session.end().await, EndOutcome::Killed);
}

#[tokio::test]
async fn a_stopped_session_process_cannot_delay_the_end() {
    let session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    kill(session.process.pid(), Signal::SIGSTOP).expect("stop");
    let started = Instant::now();
    assert_eq!(session.end().await, EndOutcome::Killed);
    assert!(started.elapsed() < Duration::from_secs(1));
}

#[tokio::test]
async fn a_killed_session_process_is_noticed_and_leaves_nothing() {
    let mut session = Session::start().await;
    leave_behind(&session, &format!("{LEFT_BEHIND}\n{DODGER}")).await;
    let program = session.exec("exec sleep 1000").await;
    kill(session.process.pid(), Signal::SIGKILL).expect("kill");
    assert_eq!(session.events.lost().await, Some(SessionLost::Exited));
    assert_eq!(program.exit.await, None);
    assert_eq!(session.end().await, EndOutcome::Killed);
}

#[tokio::test]
async fn the_loss_alone_kills_everything() {
    let mut session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    kill(session.process.pid(), Signal::SIGKILL).expect("kill");
    session.events.lost().await;
    let deadline = Instant::now() + PATIENCE;
    while !descendants::reap_and_list().is_empty() {
        assert!(Instant::now() < deadline, "something is left");
        tokio::task::yield_now().await;
    }
    session.end().await;
}

#[tokio::test]
async fn terminal_signals_do_not_touch_the_session_process() {
    let session = Session::start().await;
    for signal in [Signal::SIGHUP, Signal::SIGINT, Signal::SIGQUIT, Signal::SIGPIPE] {
        kill(session.process.pid(), signal).expect("signal");
    }
    assert_eq!(session.stdout("echo alive").await, "alive\n");
    session.end_orderly().await;
}

#[tokio::test]
async fn sigterm_ends_the_session_with_all_it_started() {
    let mut session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    kill(session.process.pid(), Signal::SIGTERM).expect("signal");
    assert_eq!(session.events.lost().await, Some(SessionLost::Exited));
    session.end().await;
}

#[tokio::test]
async fn a_dropped_session_leaves_nothing() {
    let session = Session::start().await;
    leave_behind(&session, LEFT_BEHIND).await;
    let Session { process, _alone, .. } = session;
    drop(process);
    assert_eq!(descendants::reap_and_list(), []);
}

#[tokio::test]
async fn after_the_end_nothing_can_be_asked() {
    let mut session = Session::start().await;
    let client = session.client.clone();
    let Session { process, ref mut events, .. } = session;
    assert_eq!(process.end().await, EndOutcome::Orderly);
    assert_eq!(events.lost().await, None);
    let refused = client.start_program(exec("true", None)).await;
    assert!(matches!(refused, Err(SessionError::Ended)));
}

// Without an agent between: the process itself, and how it exits.

fn bare(socket: OwnedFd) -> std::process::Child {
    let started = Command::new(program()).stdin(Stdio::from(socket)).stderr(Stdio::null()).spawn();
    started.expect("session process")
}

fn hear(socket: &OwnedFd) -> Event {
    let packet = packet::receive(socket, MsgFlags::empty(), wire::MAX_EVENT).expect("packet");
    wire::decode(&packet.bytes).expect("event")
}

fn say(socket: &OwnedFd, bytes: &[u8]) {
    packet::send(socket.as_fd(), bytes, &[], MsgFlags::empty()).expect("send");
}

#[tokio::test]
async fn without_an_agent_it_ends() {
    let _alone = ALONE.lock().await;
    let (ours, theirs) = packet::pair().expect("pair");
    let mut child = bare(theirs);
    assert!(matches!(hear(&ours), Event::Ready(_)));
    drop(ours);
    assert_eq!(child.wait().expect("wait").code(), Some(0));
}

#[tokio::test]
async fn nonsense_from_the_agent_ends_it_with_an_error() {
    let _alone = ALONE.lock().await;
    for nonsense in [&b"{"[..], b"\xff\xff", br#"{"type":"end","now":true}"#, &[b' '; 70_000]] {
        let (ours, theirs) = packet::pair().expect("pair");
        let mut child = bare(theirs);
        assert!(matches!(hear(&ours), Event::Ready(_)));
        say(&ours, nonsense);
        assert_eq!(child.wait().expect("wait").code(), Some(1));
    }
}

#[tokio::test]
async fn it_answers_pings_and_ends_when_told() {
    let _alone = ALONE.lock().await;
    let (ours, theirs) = packet::pair().expect("pair");
    let mut child = bare(theirs);
    assert!(matches!(hear(&ours), Event::Ready(_)));
    say(&ours, &wire::encode(&Request::Ping { sequence: 7 }).expect("ping"));
    assert_eq!(hear(&ours), Event::Pong { sequence: 7 });
    say(&ours, &wire::encode(&Request::End {}).expect("end"));
    assert_eq!(child.wait().expect("wait").code(), Some(0));
}

#[tokio::test]
async fn by_hand_it_refuses_to_run() {
    let _alone = ALONE.lock().await;
    let output = Command::new(program()).stdin(Stdio::null()).output().expect("run");
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("no packet socket"));
    let output = Command::new(program()).arg("--version").output().expect("run");
    assert!(output.stdout.starts_with(b"fieldlink-session "));
}
