//! The scanner's health in a session: the engineer reads it, both sides are warned, and the record compares before and after.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::process::Stdio;
use std::sync::{Arc, Mutex};

use fieldlink_evidence::report::{Account, Language, text};
use fieldlink_evidence::{Directory, Event};
use fieldlink_protocol::messages::health::ProbeFault;
use fieldlink_tests::programs::{Running, run_with_input};
use fieldlink_tests::record::{closed_in, events_of};
use fieldlink_tests::scanner::ScannerOptions;
use fieldlink_tests::{Engineer, Relay, Scanner};
use serde_json::Value;
use tempfile::TempDir;

/// A probe of the maker's that says what it is told to.
struct Probe {
    _directory: TempDir,
    settings: String,
    says: Arc<Mutex<String>>,
}

impl Probe {
    fn start(state: &str, value: u32) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let path = directory.path().join("lidars");
        let listener = UnixListener::bind(&path).expect("a socket");
        fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
        let settings = format!("[[health.probe]]\nname = \"lidars\"\nsocket = \"{}\"\n", path.display());
        let probe = Self { _directory: directory, settings, says: Arc::default() };
        probe.set(state, value);
        let says = probe.says.clone();
        // Ends with the test program, as the listener does.
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let text = says.lock().expect("no panic").clone();
                let _ = stream.expect("somebody").write_all(text.as_bytes());
            }
        });
        probe
    }

    fn set(&self, state: &str, value: u32) {
        let line = format!(
            "{{\"name\":\"rear\",\"value\":{value},\"unit\":\"rpm\",\"state\":\"{state}\",\"text\":{{\"en\":\"It stands still.\"}}}}\n"
        );
        *self.says.lock().expect("no panic") = line;
    }
}

fn health(engineer: &Engineer, arguments: &[&str]) -> (Option<i32>, String) {
    let mut command = engineer.connect();
    let output = run_with_input(command.arg("health").args(arguments), b"");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

#[test]
fn both_sides_are_warned_and_the_record_has_before_and_after() {
    let probe = Probe::start("bad", 0);
    let relay = Relay::start();
    let settings = probe.settings.clone();
    let mut scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut call = engineer.call(&scanner);
    let warned = call.holder.wait_for("\"state\":\"health\"");
    assert!(warned.contains("lidars: rear 0 rpm. It stands still."), "{warned}");
    scanner.process.wait_for("lidars: rear 0 rpm. It stands still.");

    let (code, table) = health(&engineer, &[]);
    assert_eq!(code, Some(0), "{table}");
    assert!(table.starts_with("! ") && table.contains("lidars          rear"), "{table}");
    assert!(table.contains("\nMemory  ") && table.lines().all(|line| line.chars().count() <= 80), "{table}");
    let (code, json) = health(&engineer, &["--json"]);
    let known: Value = serde_json::from_str(&json).expect("one object");
    assert_eq!(code, Some(0));
    assert_eq!(known["health"]["probes"][0]["readings"][0]["name"], "rear");

    let (code, warnings) = health(&engineer, &["--check"]);
    assert!(
        code == Some(4) && warnings.starts_with("lidars: rear 0 rpm. It stands still."),
        "{code:?}: {warnings}"
    );
    let (code, said) = look_with_a_runbook(&engineer);
    assert!(code == Some(0) && said.contains("lidars: rear 0 rpm"), "{code:?}: {said}");

    // The stock client reads it as well, and is not kept waiting.
    let mut ssh = call.tool("ssh");
    ssh.args([&call.alias, "-s", "health@fieldlink"]);
    let output = run_with_input(&mut ssh, b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout).lines().count(), 1, "{output:?}");

    let mut watching = Running::start(
        "health",
        engineer.connect().args(["health", "--watch", "--json"]).stdin(Stdio::null()),
    );
    watching.wait_for("\"value\":\"0\"");
    probe.set("ok", 1_200);
    watching.wait_for("\"value\":\"1200\"");
    call.end();
    let code = watching.wait_for_end().code();
    assert!(code.is_some_and(|code| code != 0), "{code:?}");
    judge(&scanner);
}

/// A step that passes where something is to be mended.
fn look_with_a_runbook(engineer: &Engineer) -> (Option<i32>, String) {
    let path = engineer.home().join("look.toml");
    let step = "[[step]]\nid = \"health\"\ntitle = \"Health\"\nhealth = true\nexpect.exit = 4\n";
    fs::write(&path, format!("name = \"look\"\ntitle = \"A look\"\n{step}")).expect("writable");
    let output = run_with_input(engineer.connect().arg("runbook").arg(path), b"");
    (output.status.code(), String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned())
}

fn judge(scanner: &Scanner) {
    let account = Account::read(&Directory::new(closed_in(&scanner.records()))).expect("a record");
    let value = |health: &Option<fieldlink_protocol::messages::health::Health>| {
        let health = health.as_ref().expect("it was read");
        health.probes[0].readings[0].value.clone()
    };
    assert_eq!((value(&account.health.start), value(&account.health.end)), ("0".into(), "1200".into()));
    let report = text(&account, Language::English);
    assert!(report.contains("lidars: rear: 0 rpm (bad) → 1200 rpm"), "{report}");
    assert!(report.contains("Both sides were warned: lidars: rear 0 rpm. It stands still."), "{report}");
    assert!(report.contains("Ada read the device's health."), "{report}");
}

/// A probe that never says anything.
fn hanging() -> (TempDir, String) {
    let directory = tempfile::tempdir().expect("a directory");
    let path = directory.path().join("stuck");
    let listener = UnixListener::bind(&path).expect("a socket");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
    std::thread::spawn(move || listener.incoming().flatten().collect::<Vec<_>>());
    let settings = format!("[[health.probe]]\nname = \"stuck\"\nsocket = \"{}\"\n", path.display());
    (directory, settings)
}

/// One part that takes its time costs that part, and not the whole of it.
#[test]
fn a_probe_that_hangs_leaves_the_record_its_before_and_after() {
    let (_directory, settings) = hanging();
    let relay = Relay::start();
    let scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    assert_eq!(health(&engineer, &[]).0, Some(0), "so the beginning was read");
    call.end();
    let account = Account::read(&Directory::new(closed_in(&scanner.records()))).expect("a record");
    for health in [account.health.start, account.health.end] {
        let health = health.expect("it was read");
        assert!(!health.disks.is_empty() && health.memory.is_some(), "{health:?}");
        assert_eq!(health.probes[0].fault, Some(ProbeFault::Slow));
    }
}

/// Whoever stops the agent while the device is looked at for the last time gets a record that is closed in order.
#[test]
fn a_last_look_holds_up_no_end_of_the_agent() {
    let (_directory, settings) = hanging();
    let relay = Relay::start();
    let mut scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    // Whoever waits for no report is gone before the device is looked at.
    engineer.configure("fetch_reports = false");
    let call = engineer.call(&scanner);
    assert_eq!(health(&engineer, &[]).0, Some(0), "so the beginning was read");
    call.end();
    scanner.wait_until_off();
    scanner.stop();
    let events = events_of(&closed_in(&scanner.records()));
    assert!(matches!(events.last(), Some(Event::RecordClosed { late: false, .. })), "{events:?}");
    assert!(!events.iter().any(|event| matches!(event, Event::RecordResumed { .. })), "{events:?}");
}

#[test]
fn without_a_session_it_says_so() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let (code, said) = health(&engineer, &[]);
    assert!(code != Some(0) && said.contains("no session"), "{code:?}: {said}");
}
