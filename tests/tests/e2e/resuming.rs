//! Sessions that outlive their connections, the relay, and the engineer's program.

use std::time::{Duration, Instant};

use fieldlink_protocol::secret::Secret;
use fieldlink_tests::engineer::{random_file, wait_until_active};
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::raw::{RawEngineer, runtime};
use fieldlink_tests::{Cable, Call, Engineer, PATIENCE, Relay, RelayOptions, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

/// A call whose two sides hang on cables of their own.
struct Parties {
    relay: Relay,
    scanners_cable: Cable,
    engineers_cable: Cable,
    scanner: Scanner,
    engineer: Engineer,
}

fn parties_with(session: &str) -> Parties {
    let relay = Relay::start();
    let (scanners_cable, engineers_cable) = (Cable::to(&relay), Cable::to(&relay));
    let options = ScannerOptions { session: session.into(), ..ScannerOptions::default() };
    let scanner = Scanner::start_at(&scanners_cable.url(), relay.authority(), options);
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.redirect_to(&engineers_cable.url());
    Parties { relay, scanners_cable, engineers_cable, scanner, engineer }
}

fn parties() -> Parties {
    parties_with("")
}

/// A shell that must be the same one at the end.
struct Shell {
    process: Running,
    counter: u32,
    id: String,
}

impl Shell {
    fn open(call: &Call<'_>) -> Self {
        let mut process = call.start("exec bash");
        process.type_line("n=0; echo id-$$-");
        let id = process.wait_for("id-");
        Self { process, counter: 0, id }
    }

    fn check(&mut self) {
        self.counter += 1;
        self.process.type_line("n=$((n+1)); echo n-$n- id-$$-");
        let line = self.process.wait_for(&format!("n-{}-", self.counter));
        assert!(line.contains(&self.id), "{line} is not {}", self.id);
    }
}

/// Copies a file to the scanner while `disturb` runs, and compares what arrived.
fn copy_during(call: &Call<'_>, length: usize, disturb: impl FnOnce()) {
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    random_file(&from, length);
    let mut copy = call.tool("scp");
    copy.arg("-q").arg(&from).arg(format!("{}:{}", call.alias, to.display()));
    let mut copy = Running::start("scp", &mut copy);
    disturb();
    assert!(copy.wait_for_end_within(Duration::from_secs(60)).success(), "{}", copy.transcript());
    let read = |path| std::fs::read(path).expect("it is there");
    assert!(read(from) == read(to), "what arrived is something else");
}

#[test]
fn cut_connections_cost_nothing() {
    let Parties { relay: _relay, scanners_cable, engineers_cable, scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    copy_during(&call, 64 << 20, || {
        for _ in 0..3 {
            for cable in [&scanners_cable, &engineers_cable] {
                cable.cut();
                cable.mend();
                shell.check();
            }
            scanners_cable.cut();
            engineers_cable.cut();
            engineers_cable.mend();
            scanners_cable.mend();
            shell.check();
        }
    });
    assert_eq!(call.output_of("echo more"), "more\n");
    call.end();
}

#[test]
fn who_comes_back_says_so_in_the_first_flight() {
    let mut relay =
        Relay::start_with(RelayOptions { log: Some("fieldlink_relay=debug"), ..RelayOptions::default() });
    let (scanners_cable, engineers_cable) = (Cable::to(&relay), Cable::to(&relay));
    let scanner = Scanner::start_at(&scanners_cable.url(), relay.authority(), ScannerOptions::default());
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.redirect_to(&engineers_cable.url());
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    shell.check();
    for cable in [&scanners_cable, &engineers_cable] {
        cable.cut();
        cable.mend();
        // Its own connection, and the partner's.
        relay.process().wait_for("a side comes back early");
        relay.process().wait_for("a side comes back early");
        shell.check();
    }
    call.end();
}

#[test]
fn a_connection_that_falls_silent_is_replaced() {
    let Parties { relay: _relay, scanners_cable, engineers_cable, scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    for cable in [&scanners_cable, &engineers_cable] {
        cable.silence();
        cable.mend();
        // The keystrokes are under way when the silence is found out.
        shell.check();
        shell.check();
    }
    copy_during(&call, 16 << 20, || {
        scanners_cable.silence();
        scanners_cable.mend();
    });
    call.end();
}

#[test]
fn a_relay_that_crashes_is_hardly_noticed() {
    let Parties { mut relay, scanners_cable: _a, engineers_cable: _b, scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    copy_during(&call, 64 << 20, || {
        for _ in 0..5 {
            relay.crash();
            relay.launch();
            shell.check();
        }
    });
    assert_eq!(call.output_of("echo more"), "more\n");
    call.end();
    let rows = relay.audit();
    assert_eq!(rows.len(), 1);
    assert_eq!(rows[0]["reason"], "engineer-ended");
}

#[test]
fn a_relay_that_is_stopped_asks_everyone_to_come_back() {
    let Parties { mut relay, scanners_cable: _a, engineers_cable: _b, scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    copy_during(&call, 64 << 20, || {
        for _ in 0..3 {
            assert!(relay.stop().success());
            relay.launch();
            shell.check();
        }
    });
    assert_eq!(call.output_of("echo more"), "more\n");
    call.end();
}

#[test]
fn a_killed_program_comes_back_without_a_pin() {
    let Parties { relay, scanners_cable: _a, engineers_cable: _b, mut scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    call.output_of("nohup sleep 1000 >/dev/null 2>&1 & echo $! >job");
    let quiet = engineer.connect().args(["quiet", "20m"]).output().expect("it runs");
    assert!(quiet.status.success(), "{quiet:?}");
    let old_keys =
        std::fs::read(engineer.runtime().join(scanner.digits()).join("known_hosts")).expect("there");
    for _ in 0..2 {
        call.holder.signal(Signal::SIGKILL);
        call.holder.wait_for_end();
        let status = engineer.connect().arg("status").output().expect("it runs");
        let status = String::from_utf8_lossy(&status.stdout).into_owned();
        assert!(status.contains("broken off; come back to it with: fieldlink-connect"), "{status}");
        scanner.process.type_line("are you there?");
        scanner.process.wait_for("You: are you there?");
        let mut command = engineer.connect();
        command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
        let mut holder = Running::start("fieldlink-connect", &mut command);
        wait_until_active(&mut holder);
        scanner.process.wait_for("The engineer's program was started again");
        holder.wait_for("are you there?");
        call = Call::of(&engineer, &scanner, holder);
        assert_eq!(call.output_of("kill -0 $(cat job) && echo alive"), "alive\n");
        eventually("it knows of the quiet period again", PATIENCE, || {
            let status = engineer.connect().args(["status", "--json"]).output().expect("it runs");
            String::from_utf8_lossy(&status.stdout).contains("\"quiet_seconds\":1")
        });
    }
    let new_keys =
        std::fs::read(engineer.runtime().join(scanner.digits()).join("known_hosts")).expect("there");
    assert!(old_keys != new_keys, "the host key is a new one");
    call.end();
    assert!(!engineer.runtime().join(scanner.digits()).exists());
    assert_eq!(relay.audit().len(), 1, "it was one session");
}

/// A way back that is blocked for now is not given up, and can be killed again.
#[test]
fn coming_back_waits_for_a_scanner_that_is_away() {
    let Parties { relay, scanners_cable, engineers_cable: _b, mut scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    let kept = engineer.runtime().join(scanner.digits()).join("restart.json");
    eventually("the way back is kept", PATIENCE, || kept.exists());
    call.holder.signal(Signal::SIGKILL);
    call.holder.wait_for_end();
    scanners_cable.cut();
    scanner.process.wait_for("is interrupted");
    let start = || {
        let mut command = engineer.connect();
        command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
        let mut holder = Running::start("fieldlink-connect", &mut command);
        holder.wait_for("\"state\":\"pairing\"");
        holder
    };
    let mut first = start();
    first.signal(Signal::SIGKILL);
    first.wait_for_end();
    let mut stopped = start();
    stopped.signal(Signal::SIGINT);
    stopped.wait_for_end();
    let mut holder = start();
    scanners_cable.mend();
    wait_until_active(&mut holder);
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(call.output_of("echo back"), "back\n");
    call.end();
    let rows = relay.audit();
    assert_eq!((rows.len(), &rows[0]["reason"]), (1, &serde_json::json!("engineer-ended")));
}

#[test]
fn either_side_can_end_an_interrupted_session() {
    for by_client in [true, false] {
        let Parties { relay, scanners_cable: _a, engineers_cable, mut scanner, engineer } = parties();
        let mut call = engineer.call(&scanner);
        engineers_cable.cut();
        scanner.process.wait_for("is interrupted");
        call.holder.wait_for("\"state\":\"interrupted\"");
        if by_client {
            scanner.process.type_line("end");
            assert!(scanner.wait_until_off().contains("client-ended"));
            engineers_cable.mend();
            assert!(call.wait_until_ended().contains("client-ended"));
        } else {
            call.holder.signal(Signal::SIGINT);
            engineers_cable.mend();
            assert!(scanner.wait_until_off().contains("engineer"));
            call.holder.wait_for_end();
        }
        assert_eq!(relay.audit().len(), 1);
    }
}

#[test]
fn the_engineer_reads_that_it_is_the_scanner_who_is_away() {
    let Parties { relay: _relay, scanners_cable, engineers_cable: _b, scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    scanners_cable.cut();
    let line = call.holder.wait_for("\"state\":\"interrupted\"");
    assert!(line.contains("the other side lost its connection"), "{line}");
    call.holder.wait_for("the other side is not connected to the relay");
    scanners_cable.mend();
    wait_until_active(&mut call.holder);
    call.end();
}

#[test]
fn both_sides_see_what_is_being_tried() {
    let Parties { relay: _relay, scanners_cable: _a, engineers_cable, mut scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    engineers_cable.cut();
    let line = call.holder.wait_for("\"state\":\"interrupted\"");
    assert!(line.contains("\"problem\":"), "{line}");
    call.holder.wait_for("\"tries\":2");
    scanner.process.wait_for("is interrupted. Waiting for the engineer's side");
    let status = engineer.connect().args(["status", "--json"]).output().expect("it runs").stdout;
    let status = String::from_utf8(status).expect("text");
    assert!(status.contains("\"state\":\"interrupted\"") && status.contains("\"tries\":"), "{status}");
    let mut patient = call.start("echo patient");
    engineers_cable.mend();
    patient.wait_for("patient");
    wait_until_active(&mut call.holder);
    scanner.process.wait_for("The connection is back.");
    assert_eq!(call.output_of("echo back"), "back\n");
    call.end();
}

#[test]
fn a_shell_that_was_closed_meanwhile_is_not_kept() {
    let Parties { relay: _relay, scanners_cable: _a, engineers_cable, mut scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    let mut shell = call.start("echo in; exec sleep 1000");
    shell.wait_for("in");
    let before = scanner.descendants().len();
    engineers_cable.cut();
    scanner.process.wait_for("is interrupted");
    shell.signal(Signal::SIGKILL);
    shell.wait_for_end();
    call.holder.wait_for("\"state\":\"interrupted\"");
    engineers_cable.mend();
    eventually("the shell is gone", PATIENCE, || scanner.descendants().len() < before);
    call.end();
}

#[test]
fn a_session_apart_for_too_long_ends_everywhere() {
    let Parties { relay: _relay, scanners_cable, engineers_cable: _b, mut scanner, engineer } =
        parties_with("interruption_seconds = 12");
    let mut call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    scanners_cable.cut();
    let begin = Instant::now();
    scanner.process.wait_for("Remote access has ended");
    assert!(begin.elapsed() >= Duration::from_secs(10));
    scanners_cable.mend();
    // The agent was cut off when it ended the session; the engineer's side learns it at the next contact.
    call.wait_until_ended();
    assert!(!shell.process.wait_for_end().success());
}

#[test]
fn a_suspended_computer_takes_up_its_session_again() {
    let Parties { relay: _relay, scanners_cable: _a, engineers_cable: _b, mut scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut shell = Shell::open(&call);
    call.signal_both(Signal::SIGSTOP);
    scanner.process.wait_for("is interrupted");
    call.signal_both(Signal::SIGCONT);
    shell.check();
    scanner.process.wait_for("The connection is back.");
    call.end();
}

#[test]
fn whoever_is_revoked_while_the_relay_is_away_does_not_come_back() {
    let Parties { mut relay, scanners_cable: _a, engineers_cable: _b, mut scanner, engineer } = parties();
    let mut call = engineer.call(&scanner);
    relay.crash();
    relay.operate(&["engineer", "revoke", "Ada"]);
    relay.launch();
    let ended = call.wait_until_ended();
    assert!(ended.contains("\"reason\":\"revoked\""), "{ended}");
    scanner.process.wait_for("Remote access has ended");
}

/// A program with the credential and the ticket, but without the key, gets nowhere and uses no attempt up.
#[test]
fn junk_does_not_use_up_the_way_back() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let credential = relay.add_engineer("Ada", "Scans");
    let engineer = Engineer::new();
    engineer.log_in(&relay.url(), relay.authority(), &credential);
    let mut call = engineer.call(&scanner);
    let kept = engineer.runtime().join(scanner.digits()).join("restart.json");
    eventually("the way back is kept", PATIENCE, || kept.exists());
    call.holder.signal(Signal::SIGKILL);
    call.holder.wait_for_end();
    let kept: serde_json::Value =
        serde_json::from_slice(&std::fs::read(kept).expect("it is left")).expect("JSON");
    let session = serde_json::from_value(kept["session"].clone()).expect("a session");
    let ticket = kept["session_ticket"].as_str().expect("a ticket");
    runtime().block_on(async {
        for _ in 0..4 {
            let mut raw = RawEngineer::connect(&relay, &credential).await.expect("let in");
            let requested = raw.pair_again(session, ticket).await;
            assert!(requested.session == session);
            let _ = raw.finish_wrongly(&requested, &Secret::random()).await;
        }
    });
    let mut command = engineer.connect();
    command.args(["connect", &scanner.support_id, "--no-shell", "--json"]);
    let mut holder = Running::start("fieldlink-connect", &mut command);
    wait_until_active(&mut holder);
    scanner.process.wait_for("The engineer's program was started again");
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(call.output_of("echo back"), "back\n");
    call.end();
}
