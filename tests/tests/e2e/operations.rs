//! Named operations: what must not be cut in half. The maker's program is a shell script, its socket that of
//! `systemd-socket-activate`; with systemd and dpkg they are in the system tests.

use std::fs;
use std::process::{Command, Output, Stdio};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Engineer, Maker, PATIENCE, Relay, Scanner};
use nix::sys::signal::Signal;

fn scanner_of(maker: &Maker, relay: &Relay, names: &[&str], policy: &str) -> Scanner {
    let (settings, policy) = (maker.settings(names), policy.to_owned());
    Scanner::start_with(relay, ScannerOptions { settings, policy, ..ScannerOptions::default() })
}

fn operation(engineer: &Engineer, arguments: &[&str]) -> Command {
    let mut command = engineer.connect();
    command.arg("operation").args(arguments);
    command
}

fn start(engineer: &Engineer, arguments: &[&str]) -> Running {
    Running::start("fieldlink-connect operation", &mut operation(engineer, arguments))
}

fn run(engineer: &Engineer, arguments: &[&str]) -> (Option<i32>, String) {
    let output: Output = run_with_input(&mut operation(engineer, arguments), b"");
    let said = [output.stdout, output.stderr].concat();
    (output.status.code(), String::from_utf8_lossy(&said).into_owned())
}

fn status(engineer: &Engineer) -> String {
    let output = run_with_input(engineer.connect().args(["status", "--json"]), b"");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

#[test]
fn an_operation_runs_after_the_clients_yes_and_both_sides_see_how_far_it_is() {
    let maker = Maker::waiting("echo finished; exit 3");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_of(&maker, &relay, &["update", "other"], "");
    let mut call = engineer.call(&scanner);
    let (code, listed) = run(&engineer, &[]);
    assert_eq!(code, Some(0));
    assert!(listed.contains("update  System update (takes a file of up to 20 MB)"), "{listed}");
    let (code, said) = run(&engineer, &["unknown"]);
    assert!(code == Some(2) && said.contains("update, other"), "{said}");

    let file = engineer.home().join("update.bin");
    random_file(&file, 3_000_000);
    let path = file.to_str().expect("a path");
    let mut refused = start(&engineer, &["update", path]);
    let question = scanner.process.wait_for("wants to start: System update");
    assert!(question.contains("do not switch off"), "{question}");
    scanner.process.type_line("no");
    assert_eq!(refused.wait_for_end().code(), Some(215));
    assert!(!maker.path("file").exists() && !maker.path("record.json").exists());
    // A no stands for a minute, so another session begins here.
    call.end();
    scanner.wait_until_off();
    scanner.start_again();
    call = engineer.call(&scanner);

    let mut running = start(&engineer, &["update", path]);
    scanner.process.wait_for("wants to start: System update");
    scanner.process.type_line("yes");
    running.wait_for("update runs");
    running.wait_for("begun");
    scanner.process.wait_for("System update is running, 42 % are done. Do not switch off. [begun]");
    call.holder.wait_for("\"state\":\"operation\"");
    eventually("status has it", PATIENCE, || status(&engineer).contains("\"percent\":42"));
    assert_eq!(fs::read(maker.path("file")).expect("it came"), fs::read(&file).expect("ours"));
    // One at a time, whichever.
    for name in ["update", "other"] {
        let (code, said) = run(&engineer, &[name]);
        assert!(code == Some(221) && said.contains("another operation"), "{name}: {said}");
    }
    // Who follows is no part of it.
    running.signal(Signal::SIGINT);
    running.wait_for("goes on by itself");
    let mut follower = start(&engineer, &["--follow"]);
    maker.let_go();
    follower.wait_for("failed with exit code 3");
    assert_eq!(follower.wait_for_end().code(), Some(3));
    assert!(follower.transcript().contains("finished"), "{}", follower.transcript());
    scanner.process.wait_for("System update has failed");
    eventually("status has its end", PATIENCE, || status(&engineer).contains("\"code\":3"));
    let (code, said) = run(&engineer, &["--follow"]);
    assert!(code == Some(3) && said.contains("exit code 3"), "{said}");
    call.end();
}

#[test]
fn the_end_of_a_session_does_not_end_it_and_the_next_engineer_hears_of_it() {
    let maker = Maker::waiting("echo '::fieldlink restart'");
    let relay = Relay::start();
    let (engineer, next) = (Engineer::enrolled(&relay, "Ada"), Engineer::enrolled(&relay, "Bo"));
    let mut scanner = scanner_of(&maker, &relay, &["update"], "operations = \"allowed\"");
    let call = engineer.call(&scanner);
    let mut running = start(&engineer, &["update"]);
    running.wait_for("begun");
    scanner.process.type_line("end");
    scanner.process.wait_for("you ended it");
    scanner.process.wait_for("System update is finishing, 42 % are done. Do not switch off.");
    running.wait_for("goes on by itself");
    assert_eq!(running.wait_for_end().code(), Some(217));
    drop(call);
    maker.let_go();
    scanner.process.wait_for("System update has finished. The device needs a restart.");
    scanner.start_again();
    let mut call = next.call(&scanner);
    let told = call.holder.wait_for("\"state\":\"operation\"");
    assert!(
        told.contains("\"result\":{\"end\":\"succeeded\"}") && told.contains("\"restart\":true"),
        "{told}"
    );
    call.end();
    // It was told.
    scanner.wait_until_off();
    scanner.start_again();
    let call = engineer.call(&scanner);
    assert!(!status(&engineer).contains("succeeded"), "{}", status(&engineer));
    call.end();
}

#[test]
fn an_agent_that_is_killed_does_not_end_it_and_the_next_one_knows() {
    let maker = Maker::waiting("echo finished");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_of(&maker, &relay, &["update"], "operations = \"allowed\"");
    let _call = engineer.call(&scanner);
    let mut running = start(&engineer, &["update"]);
    running.wait_for("begun");
    scanner.process.signal(Signal::SIGKILL);
    scanner.process.wait_for_end();
    let mut scanner = scanner_of(&maker, &relay, &["update"], "");
    let shown = "System update is finishing, 42 % are done. Do not switch off.";
    eventually("the client reads it", PATIENCE, || scanner.process.transcript().contains(shown));
    let next = Engineer::enrolled(&relay, "Bo");
    let mut call = next.call(&scanner);
    call.holder.wait_for("\"state\":\"operation\"");
    let (code, said) = run(&next, &["update"]);
    assert!(code == Some(221), "{said}");
    maker.let_go();
    scanner.process.wait_for("System update has finished");
    call.holder.wait_for("succeeded");
    call.end();
}

#[test]
fn what_is_not_as_it_should_be_starts_nothing_and_says_why() {
    let mut maker = Maker::of("touch \"$0/ran\"");
    maker.listen("other", "touch \"$0/ran\"");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let names = ["update", "other", "gone"];
    let scanner = scanner_of(&maker, &relay, &names, "operations = \"allowed\"");
    let call = engineer.call(&scanner);
    let said = |arguments: &[&str], code: i32, why: &str| {
        let (found, said) = run(&engineer, arguments);
        assert!(found == Some(code) && said.contains(why), "{arguments:?}: {found:?} {said}");
    };
    maker.permit("other", 0o660);
    said(&["other"], 1, "is no socket of fieldlink's alone");
    said(&["gone"], 1, "could not reach the operation's unit");
    let large = engineer.home().join("large");
    fs::File::create(&large).expect("writable").set_len(20_000_001).expect("sparse");
    said(&["update", large.to_str().expect("a path")], 1, "too large for this operation: 20 MB at most");
    said(&["update", engineer.home().to_str().expect("a path")], 2, "is no ordinary file");
    said(&["update", "/nonexistent"], 2, "could not read /nonexistent");
    said(&["--follow"], 1, "none has");
    // Cut off in the middle of the file.
    let mut half = call.tool("ssh");
    half.args([&call.alias, "-s", "operation@fieldlink"]).stdout(Stdio::piped());
    let output = run_with_input(&mut half, b"{\"type\":\"start\",\"operation\":\"update\",\"file\":9}\nhalf");
    let answer = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(answer.contains("\"incomplete\"") && answer.contains("4 of 9 bytes"), "{answer}");
    for nonsense in ["\n", "{}\n", "{\"type\":\"start\"}\n", &"x".repeat(5_000)] {
        let mut ssh = call.tool("ssh");
        ssh.args([&call.alias, "-s", "operation@fieldlink"]).stdout(Stdio::piped());
        let output = run_with_input(&mut ssh, nonsense.as_bytes());
        assert_eq!(output.status.code(), Some(126), "{nonsense:?}");
        assert!(String::from_utf8_lossy(&output.stdout).contains("malformed"), "{nonsense:?}");
    }
    assert!(!maker.path("ran").exists() && !maker.path("record.json").exists());
    // And then one that is.
    said(&["update"], 0, "update has finished");
    assert!(maker.path("ran").exists());
    call.end();
}

#[test]
fn what_it_prints_is_foreign_text() {
    let maker = Maker::of("printf '\\033[2J\\033]0;title\\007gone\\n'; printf '\\342\\200\\256evil\\n'");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_of(&maker, &relay, &["update"], "operations = \"allowed\"");
    let call = engineer.call(&scanner);
    let (code, said) = run(&engineer, &["update"]);
    assert!(code == Some(0) && said.contains("gone") && said.contains("evil"), "{said}");
    assert!(!said.contains(['\u{1b}', '\u{7}', '\u{202e}']), "{said:?}");
    let (_, json) = run(&engineer, &["--follow", "--json"]);
    assert!(json.contains("\"type\":\"over\"") && !json.contains('\u{1b}'), "{json}");
    scanner.process.wait_for("System update has finished. [");
    assert!(!scanner.process.transcript().contains(['\u{1b}', '\u{202e}']));
    call.end();
}

#[test]
fn an_owner_who_never_permits_operations_is_not_asked() {
    let maker = Maker::of("touch \"$0/ran\"");
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = scanner_of(&maker, &relay, &["update"], "operations = \"never\"");
    let call = engineer.call(&scanner);
    let (code, said) = run(&engineer, &["update"]);
    assert!(code == Some(1) && said.contains("policy.operations"), "{said}");
    assert!(!maker.path("ran").exists());
    call.end();
}
