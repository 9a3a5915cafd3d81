//! However a session ends: everything of it is gone within a second, both sides know why, and its
//! pair is worth nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::eventually;
use fieldlink_tests::raw::{RawAgent, RawEngineer, runtime, within};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, RelayOptions, Scanner, ScannerOptions};
use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// Within this everything of an ended session must be gone.
const GONE: Duration = Duration::from_secs(1);

/// Leaves processes behind in every way that a shell offers.
fn leave_things_behind(call: &Call<'_>) {
    let script = "setsid nohup sleep 1001 >/dev/null 2>&1 & (setsid sh -c 'sleep 1002 & sleep 1003' >/dev/null 2>&1 &) ; sleep 1004 >/dev/null 2>&1 & p=$!; until grep -q sleep /proc/$p/comm; do :; done; kill -STOP $p; echo left";
    assert_eq!(call.output_of(script).trim(), "left");
}

/// The old pair leads nowhere, also where knowing the PIN is consent enough.
fn old_pair_is_worthless(engineer: &Engineer, id: &str, pin: &str) {
    let mut again = engineer.start_connecting(id, pin);
    let code = again.wait_for_end().code();
    // Not available; or not even let in, after a revocation.
    assert!(matches!(code, Some(213 | 212)), "{}", again.transcript());
}

struct Parties {
    relay: Relay,
    scanner: Scanner,
    engineer: Engineer,
}

fn parties() -> Parties {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    Parties { relay, scanner, engineer }
}

/// With a relay that does not wait long for a side that was cut off.
fn impatient_parties() -> Parties {
    let limits = "interruption_seconds = 3".to_owned();
    let relay = Relay::start_with(RelayOptions { limits, ..RelayOptions::default() });
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    Parties { relay, scanner, engineer }
}

/// Begins a session that leaves things behind, lets `end` end it, and checks what is left.
fn check_end(end: impl FnOnce(&mut Parties, &mut Call<'_>), engineers_reason: &str, clients_reason: &str) {
    let mut parties = parties();
    let engineer = Engineer::enrolled(&parties.relay, "Grace");
    let (id, pin) = (parties.scanner.support_id.clone(), parties.scanner.pin.clone());
    let mut call = engineer.call(&parties.scanner);
    let mut shell = call.start("echo in; cat");
    shell.wait_for("in");
    leave_things_behind(&call);
    assert!(parties.scanner.descendants().len() >= 5);
    end(&mut parties, &mut call);
    let started = Instant::now();
    let why = parties.scanner.wait_until_off();
    assert!(why.contains(clients_reason), "the client read: {why}");
    assert!(!why.contains("the support service says"), "both sides said so under the seal: {why}");
    parties.scanner.wait_until_alone(GONE);
    assert!(started.elapsed() < GONE, "{:?}", started.elapsed());
    let ended = call.wait_until_ended();
    assert!(ended.contains(engineers_reason), "the engineer read: {ended}");
    shell.wait_for_end();
    call.holder.wait_for_end();
    assert_eq!(
        std::fs::read_dir(engineer.runtime())
            .map_or(0, |entries| entries.filter(|e| e.as_ref().is_ok_and(|e| e.path().is_dir())).count()),
        0
    );
    old_pair_is_worthless(&engineer, &id, &pin);
    let rows = parties.relay.audit();
    let row = rows.iter().find(|row| row.to_string().contains("Grace")).expect("an audit row").to_string();
    assert!(row.contains(clients_reason) && row.contains("T-1") && row.contains("127.0.0.1"), "{row}");
}

#[test]
fn the_client_ends_it() {
    check_end(|parties, _| parties.scanner.process.type_line("end"), "client-ended", "client-ended");
}

#[test]
fn the_engineer_ends_it() {
    check_end(
        |_, call| {
            let engineer = call.tool("true");
            let mut end = std::process::Command::new(fieldlink_tests::programs::path_of("fieldlink-connect"));
            end.envs(engineer.get_envs().filter_map(|(name, value)| Some((name, value?))));
            assert!(end.arg("end").output().expect("it runs").status.success());
        },
        "engineer-ended",
        "engineer-ended",
    );
}

#[test]
fn ctrl_c_of_the_engineer_ends_it() {
    check_end(|_, call| call.holder.signal(Signal::SIGINT), "engineer-ended", "engineer-ended");
}

#[test]
fn stopping_the_engineers_program_ends_it() {
    check_end(|_, call| call.holder.signal(Signal::SIGTERM), "engineer-stopped", "engineer-stopped");
}

#[test]
fn a_relay_that_stays_away_ends_it() {
    let mut relay = Relay::start();
    let options = ScannerOptions { session: "interruption_seconds = 11".into(), ..Default::default() };
    let (mut scanner, engineer) = (Scanner::start_with(&relay, options), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    leave_things_behind(&call);
    assert!(relay.stop().success());
    assert!(scanner.wait_until_off().contains("silence"));
    scanner.wait_until_alone(GONE);
}

#[test]
fn revoking_the_engineer_ends_it() {
    check_end(
        |parties, _| {
            parties.relay.operate(&["engineer", "revoke", "Grace"]);
        },
        "revoked",
        "revoked",
    )
}

#[test]
fn the_time_limit_ends_it_to_the_second() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let options = ScannerOptions { session: "length_seconds = 3".to_owned(), ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let (id, pin) = (scanner.support_id.clone(), scanner.pin.clone());
    let mut call = engineer.call(&scanner);
    let admitted = Instant::now();
    leave_things_behind(&call);
    assert!(scanner.wait_until_off().contains("time-up"));
    assert!(admitted.elapsed() > Duration::from_secs(2) && admitted.elapsed() < Duration::from_secs(4));
    scanner.wait_until_alone(GONE);
    assert!(call.wait_until_ended().contains("time-up"));
    old_pair_is_worthless(&engineer, &id, &pin);
}

#[test]
fn the_relay_cuts_a_session_whose_agent_does_not_end_it() {
    let settings = "max_session_seconds = 2\nsession_grace_seconds = 1\n".to_owned();
    let relay = Relay::start_with(RelayOptions { settings, ..Default::default() });
    let credential = relay.add_engineer("Ada", "Scans");
    runtime().block_on(async {
        let support_id = SupportId::random();
        let (mut agent, answer) =
            RawAgent::register(&relay, support_id, RegistrationKey::generate(), None).await;
        assert!(matches!(answer, ToAgent::Registered { .. }));
        let mut engineer = RawEngineer::connect(&relay, &credential).await.expect("let in");
        let requested = engineer.request(support_id).await.expect("it is there");
        let began = Instant::now();
        let ToAgent::Pair { session, pipe_ticket, .. } = agent.next().await else { panic!("no pairing") };
        // This agent admits the engineer without a PIN, and would go on for ever.
        let theirs = fieldlink_transport::Attached::attach(&agent.dialer, &pipe_ticket);
        let (theirs, ours) = tokio::join!(theirs, engineer.attach(&requested.pipe_ticket));
        let (mut theirs, mut ours) = (theirs.expect("attached"), ours.expect("attached"));
        // What passes shows that the two are joined, which an admission needs.
        ours.send(bytes::Bytes::from_static(b"through")).await.expect("taken");
        assert_eq!(within(theirs.receive()).await.expect("passed on"), "through");
        agent.relay.send(&FromAgent::Admitted { session }).await.expect("taken");
        assert!(matches!(agent.next().await, ToAgent::SessionTicket { .. }));
        assert!(matches!(agent.next().await, ToAgent::Ended { reason: Reason::RelayLimit, .. }));
        assert!(
            began.elapsed() > Duration::from_millis(2500) && began.elapsed() < Duration::from_millis(4500)
        );
        assert!(within(theirs.receive()).await.is_err() && within(ours.receive()).await.is_err());
        loop {
            match within(engineer.relay.next()).await.expect("told") {
                ToEngineer::Ended { reason, .. } => break assert_eq!(reason, Reason::RelayLimit),
                _ => continue,
            }
        }
        // Nothing of it can be used again.
        assert!(engineer.attach(&requested.pipe_ticket).await.is_err());
        let _ = engineer.relay.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
    });
}

#[test]
fn a_killed_or_stopped_session_process_ends_it() {
    for signal in [Signal::SIGKILL, Signal::SIGSTOP] {
        let mut parties = parties();
        let mut call = parties.engineer.call(&parties.scanner);
        leave_things_behind(&call);
        let supervisor = session_process_of(&parties.scanner);
        kill(supervisor, signal).expect("it runs");
        let why = parties.scanner.wait_until_off();
        assert!(why.contains("session-process-lost"), "{signal}: {why}");
        parties.scanner.wait_until_alone(GONE);
        assert!(call.wait_until_ended().contains("session-process-lost"));
    }
}

fn session_process_of(scanner: &Scanner) -> Pid {
    let is_it = |pid: &u32| {
        std::fs::read_link(format!("/proc/{pid}/exe"))
            .is_ok_and(|exe| exe.ends_with(Path::new("fieldlink-session")))
    };
    let pid = scanner.descendants().into_iter().find(is_it).expect("it runs");
    Pid::from_raw(pid.cast_signed())
}

#[test]
fn a_killed_agent_leaves_nothing_and_the_engineer_is_told() {
    let parties = impatient_parties();
    let mut call = parties.engineer.call(&parties.scanner);
    leave_things_behind(&call);
    let left: Vec<u32> = parties.scanner.descendants();
    parties.scanner.process.signal(Signal::SIGKILL);
    let alive = || {
        left.iter().any(|pid| {
            std::fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(|s| !s.contains(") Z "))
        })
    };
    eventually("nothing is left of the session", Duration::from_secs(2), || !alive());
    let ended = call.wait_until_ended();
    assert!(ended.contains("connection") || ended.contains("lost"), "{ended}");
}

#[test]
fn a_killed_engineers_program_that_does_not_come_back_ends_it() {
    let mut parties = impatient_parties();
    let call = parties.engineer.call(&parties.scanner);
    leave_things_behind(&call);
    call.holder.signal(Signal::SIGKILL);
    let why = parties.scanner.wait_until_off();
    assert!(why.contains("lost"), "{why}");
    parties.scanner.wait_until_alone(GONE);
}

#[test]
fn consent_is_asked_refused_awaited_and_given() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start_asking(&relay);
    let mut first = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    let question = scanner.answer("n");
    assert!(
        question.contains("Allow Ada (Demo Company), ticket T-1? (60 seconds to answer) Type yes or no"),
        "{question}"
    );
    assert_eq!(first.wait_for_end().code(), Some(215), "{}", first.transcript());
    scanner.process.wait_for("You did not let Ada in. If this happens once more, remote access goes off.");
    scanner.wait_until_ready();
    let mut second = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut second);
    scanner.process.wait_for("is connected");
    let call = Call::of(&engineer, &scanner, second);
    assert_eq!(call.output_of("echo in").trim(), "in");
    call.end();
    assert!(scanner.wait_until_off().contains("engineer-ended"));

    let options =
        ScannerOptions { asks: true, session: "consent_seconds = 1".to_owned(), ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let mut unanswered = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    assert_eq!(unanswered.wait_for_end().code(), Some(216), "{}", unanswered.transcript());
    scanner.process.wait_for("There was no answer in time, so Ada was not let in.");
}

#[test]
fn the_client_ends_it_also_while_it_begins() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    // `cat` takes every message, and never reports that it is ready.
    let options =
        ScannerOptions { asks: true, session_program: Some("/bin/cat".into()), ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let mut attempt = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("yes");
    scanner.process.wait_for("Letting Ada in");
    scanner.process.type_line("end");
    assert!(scanner.wait_until_off().contains("client-ended"));
    scanner.wait_until_alone(PATIENCE);
    attempt.wait_for_end();
    assert!(attempt.transcript().contains("the client ended it"), "{}", attempt.transcript());
}

/// After an upgrade the session program may be newer than the agent that still runs.
#[test]
fn an_agent_that_no_longer_fits_its_session_program_makes_room() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let directory = tempfile::tempdir().expect("a directory");
    let program = directory.path().join("newer");
    let ready =
        r#"{"type":"ready","version":1000000,"user":"u","home":"/","shell":"/bin/sh","hostname":"h"}"#;
    std::fs::write(&program, format!("#!/bin/sh\nprintf '%s' '{ready}' >&0\nread -r _\n")).expect("written");
    std::fs::set_permissions(&program, std::os::unix::fs::PermissionsExt::from_mode(0o755)).expect("set");
    let options = ScannerOptions { session_program: Some(program), ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let mut attempt = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    assert_eq!(attempt.wait_for_end().code(), Some(1), "{}", attempt.transcript());
    assert!(scanner.process.wait_for_end().success());
    let told = scanner.process.transcript();
    assert!(told.contains("scanner-failed") && told.contains("speaks version 1000000"), "{told}");
}

/// An engineer who can stop the process that would end them, and kill the agent, leaves nothing all the same.
#[test]
fn a_stopped_supervisor_and_a_killed_agent_leave_nothing() {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut busy = call.start("setsid nohup sleep 1000 >/dev/null 2>&1 & echo left; exec sleep 1000");
    busy.wait_for("left");
    let left = scanner.descendants();
    assert!(left.len() >= 3, "{left:?}");
    let supervisor = nix::unistd::Pid::from_raw(left[0].cast_signed());
    nix::sys::signal::kill(supervisor, nix::sys::signal::Signal::SIGSTOP).expect("ours");
    scanner.process.signal(nix::sys::signal::Signal::SIGKILL);
    let is_alive = |pid: &u32| {
        let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).unwrap_or_default();
        stat.rsplit_once(')').is_some_and(|(_, rest)| !rest.trim_start().starts_with(['Z', 'X']))
    };
    eventually("nothing of the session is left", PATIENCE, || !left.iter().any(is_alive));
}

/// The client is not worn down by a question that comes and goes.
#[test]
fn asking_and_taking_it_back_burns_the_pair() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start_asking(&relay);
    for round in 1..=5 {
        let attempt = engineer.start_connecting(&scanner.support_id, &scanner.pin);
        scanner.process.wait_for("Allow Ada");
        drop(attempt);
        scanner.process.wait_for("does not ask to come in any more");
        if round < 5 {
            scanner.wait_until_ready();
        }
    }
    assert!(scanner.wait_until_off().contains("asked too often"));
}

#[test]
fn two_refusals_burn_the_pair() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start_asking(&relay);
    for round in 0..2 {
        let mut attempt = engineer.start_connecting(&scanner.support_id, &scanner.pin);
        scanner.answer("no");
        assert_eq!(attempt.wait_for_end().code(), Some(215), "{}", attempt.transcript());
        if round == 0 {
            scanner.wait_until_ready();
        }
    }
    let why = scanner.wait_until_off();
    assert!(why.contains("not let in twice") && why.contains("burnt-by-refusals"), "{why}");
}

#[test]
fn a_second_engineer_is_told_busy_while_the_client_decides() {
    let relay = Relay::start();
    let (ada, grace) = (Engineer::enrolled(&relay, "Ada"), Engineer::enrolled(&relay, "Grace"));
    let mut scanner = Scanner::start_asking(&relay);
    let mut first = ada.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.process.wait_for("Allow Ada");
    let mut second = grace.start_connecting(&scanner.support_id, &scanner.pin);
    assert_eq!(second.wait_for_end().code(), Some(221), "{}", second.transcript());
    scanner.process.type_line("y");
    wait_until_active(&mut first);
    let mut third = grace.start_connecting(&scanner.support_id, &scanner.pin);
    assert_eq!(third.wait_for_end().code(), Some(213), "withdrawn: {}", third.transcript());
}
