//! Whether somebody is beside the device, and what the engineer announces: with the real programs and short times.

use std::fs;
use std::io::{Read, Write};
use std::process::{Command, Stdio};

use fieldlink_tests::engineer::random_file;
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner};

fn scanner_with(relay: &Relay, presence: &str, seconds: u32) -> Scanner {
    let session = format!("presence_seconds = {seconds}\npresence_patience_seconds = 1");
    let presence = format!("presence = \"{presence}\"\n");
    Scanner::start_with(relay, ScannerOptions { session, settings: presence, ..ScannerOptions::default() })
}

fn connect(engineer: &Engineer, arguments: &[&str]) -> Command {
    let mut command = engineer.connect();
    command.args(arguments);
    command
}

/// What the command prints; it must succeed.
fn said(engineer: &Engineer, arguments: &[&str]) -> String {
    let output = run_with_input(&mut connect(engineer, arguments), b"");
    assert!(output.status.success(), "{arguments:?}: {output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

fn status(engineer: &Engineer) -> String {
    said(engineer, &["status", "--json"])
}

fn wait_for_presence(engineer: &Engineer, presence: &str) {
    let wanted = format!("\"presence\":\"{presence}\"");
    eventually(&format!("the engineer reads {presence}"), PATIENCE, || status(engineer).contains(&wanted));
}

/// A command that gives every byte back, which the engineer keeps using.
struct Echo {
    child: std::process::Child,
}

impl Echo {
    fn start(call: &Call<'_>) -> Self {
        let mut command = call.ssh("cat");
        Self { child: command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("it starts") }
    }

    fn send(&mut self, bytes: &[u8]) {
        self.child.stdin.as_mut().expect("piped").write_all(bytes).expect("taken");
    }

    fn receive(&mut self, count: usize) -> Vec<u8> {
        let mut bytes = vec![0; count];
        self.child.stdout.as_mut().expect("piped").read_exact(&mut bytes).expect("given back");
        bytes
    }
}

impl Drop for Echo {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn what_the_engineer_sends_waits_for_the_client_and_nothing_of_it_is_lost() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_with(&relay, "required", 5);
    let call = engineer.call(&scanner);
    let mut echo = Echo::start(&call);
    echo.send(b"before");
    assert_eq!(echo.receive(6), b"before");
    scanner.process.wait_for("Are you still there?");
    scanner.process.wait_for("the engineer has to wait");
    wait_for_presence(&engineer, "held");

    // Uploads and what is typed are held.
    let (near, far) = (engineer.home().join("data"), scanner.directory().join("data"));
    random_file(&near, 3_000_000);
    let remote = format!("{}:{}", call.alias, far.display());
    let mut upload = call.tool("scp").arg("-q").arg(&near).arg(&remote).spawn().expect("it starts");
    echo.send(b"during");
    // Neither does anything new begin.
    let mut command = Running::start("ssh", &mut call.ssh("echo new-$((1+1))"));
    command.wait_for("waiting for the client to be back");
    assert!(!command.transcript().contains("new-2"));
    assert!(upload.try_wait().expect("known").is_none(), "the upload waits");
    assert!(fs::read(&far).is_ok_and(|read| read.is_empty()) || !far.exists(), "and nothing of it is there");

    scanner.process.type_line("");
    scanner.process.wait_for("The engineer goes on");
    assert_eq!(echo.receive(6), b"during");
    command.wait_for("new-2");
    assert!(upload.wait().expect("it ends").success());
    assert_eq!(fs::read(&near).expect("readable"), fs::read(&far).expect("readable"));
}

#[test]
fn a_reminder_holds_nothing_up() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = scanner_with(&relay, "remind", 1);
    let call = engineer.call(&scanner);
    let mut echo = Echo::start(&call);
    scanner.process.wait_for("Nobody said that they are there. The engineer was told.");
    wait_for_presence(&engineer, "away");
    echo.send(b"goes on");
    assert_eq!(echo.receive(7), b"goes on");
    // A line of chat shows that somebody is there, as well as Enter does.
    scanner.process.type_line("here I am");
    wait_for_presence(&engineer, "here");
}

#[test]
fn nobody_is_asked_in_a_quiet_period_and_the_client_sees_until_when() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let session = "presence_seconds = 900".to_owned();
    let settings = "presence = \"required\"\n".to_owned();
    let mut scanner =
        Scanner::start_with(&relay, ScannerOptions { session, settings, ..ScannerOptions::default() });
    let _call = engineer.call(&scanner);
    assert!(said(&engineer, &["quiet", "20m", "testing", "the", "lidar"]).contains("for 20 minutes"));
    let shown = scanner.process.wait_for("Please stay reachable");
    assert!(shown.contains("20 minutes (testing the lidar)"), "{shown}");
    assert!(status(&engineer).contains("\"quiet_seconds\":1"));
    let table = said(&engineer, &["status"]);
    assert!(table.starts_with("ID           SCANNER"), "{table}");
    assert!(table.contains("you work alone for 20 more minutes"), "{table}");
    // The check that was put off comes at once.
    said(&engineer, &["quiet", "--over"]);
    scanner.process.wait_for("Are you still there?");
    for wrong in [&["quiet"][..], &["quiet", "0"], &["quiet", "61m"], &["quiet", "2h"], &["quiet", "soon"]] {
        let output = run_with_input(&mut connect(&engineer, wrong), b"");
        assert_eq!(output.status.code(), Some(2), "{wrong:?}: {output:?}");
    }
}

#[test]
fn calls_notes_and_outcomes_reach_the_client() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    said(&engineer, &["call"]);
    scanner.process.wait_for("The engineer needs you here");
    said(&engineer, &["note", "the cable", "is loose"]);
    scanner.process.wait_for("The engineer noted: the cable is loose");
    said(&engineer, &["note", "--by", "client", "it fell down"]);
    scanner.process.wait_for("noted what you said: it fell down");
    let without = run_with_input(&mut connect(&engineer, &["end", "--outcome", "second-session"]), b"");
    assert_eq!(without.status.code(), Some(2), "what is to be prepared is asked for: {without:?}");
    let end = ["end", "--outcome", "second-session", "--summary", "a broken cable", "--prepare", "a new one"];
    said(&engineer, &end);
    let told = scanner.process.wait_for("another session is needed");
    assert!(told.contains("a broken cable") && told.contains("Please prepare: a new one"), "{told}");
    assert!(scanner.wait_until_off().contains("the engineer ended it"));
    drop(call);
}

#[test]
fn the_client_has_a_verdict_of_their_own_once_it_is_over() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let _call = engineer.call(&scanner);
    said(&engineer, &["end", "--outcome", "resolved"]);
    scanner.process.wait_for("The engineer says: the problem is solved.");
    scanner.process.wait_for("Type solved, partly or not");
    scanner.process.type_line("I do not know");
    scanner.process.wait_for("Type solved, partly or not. Enter alone");
    scanner.process.type_line("partly, it beeps still");
    scanner.process.wait_for("You said: the problem is partly solved (it beeps still).");
    // It is given once; then Enter alone is what is left.
    scanner.process.type_line("solved");
    scanner.process.wait_for("Press Enter alone to start remote access again.");
}
