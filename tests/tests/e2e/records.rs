//! What the client does with the record of a session: the service on a bus with a polkit that permits it.

use std::path::Path;
use std::process::Output;

use fieldlink_evidence::Receipt;
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::eventually;
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Engineer, PATIENCE, Polkit, Relay, Service};
use serde_json::{Value, json};

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{output:?}");
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A service that keeps its records in `directory`.
fn service(relay: &Relay, directory: &Path, settings: &str) -> Service {
    Service::start(relay, &format!("{settings}\n[record]\ndirectory = \"{}\"", directory.display()))
}

fn listed(service: &Service) -> Value {
    serde_json::from_str(&stdout(&service.client(&["records", "--json"]))).expect("JSON")
}

/// Support ID and PIN, as `fieldlink start` shows them: the last word of a line, or several.
fn credentials(shown: &str) -> (String, String) {
    let digits = |label: &str| {
        let line = shown.lines().find(|line| line.trim_start().starts_with(label)).expect("it is shown");
        line.chars().filter(char::is_ascii_digit).collect()
    };
    (digits("Support ID"), digits("PIN"))
}

#[test]
fn the_client_reads_checks_and_deletes_what_was_recorded() {
    let (relay, directory) = (Relay::start(), tempfile::tempdir().expect("a directory"));
    let service = service(&relay, &directory.path().join("state"), "");
    let _polkit = Polkit::permitting(&service.bus);
    let engineer = Engineer::enrolled(&relay, "Ada");
    assert_eq!(stdout(&service.client(&["records"])), "There is no record of a session on this device.\n");
    let (support_id, pin) = credentials(&stdout(&service.client(&["start", "--no-wait"])));
    let mut holder = engineer.start_connecting(&support_id, &pin);
    eventually("the client is asked", PATIENCE, || service.client(&["allow"]).status.success());
    wait_until_active(&mut holder);
    let session = service.status()["session"].as_str().expect("a session").to_owned();
    assert_eq!(listed(&service)[0]["closed"], false);
    for refused in [&["delete-record", &session[..8], "--yes"][..], &["forget", "--all", "--yes"]] {
        assert_eq!(service.client(refused).status.code(), Some(1), "{refused:?}");
    }
    stdout(&service.client(&["chat", "the light is green"]));
    stdout(&service.client(&["end"]));

    eventually("the record is closed", PATIENCE, || listed(&service)[0]["closed"] == true);
    let table = stdout(&service.client(&["records"]));
    assert!(table.contains(&session[..12]) && table.contains("Ada"), "{table}");
    let report = stdout(&service.client(&["report"]));
    assert!(report.contains("the light is green") && report.contains("Ada"), "{report}");
    let page = directory.path().join("report.html");
    stdout(&service.client(&["report", &session, "-o", &page.to_string_lossy(), "--language", "de"]));
    assert!(std::fs::read_to_string(&page).expect("written").contains("the light is green"));
    let receipt = stdout(&service.client(&["receipt"]));
    let is_words = |line: &str| line.chars().all(|c| c == ' ' || c.is_ascii_lowercase());
    let lines = receipt.lines().filter(|line| line.starts_with("  ") && is_words(line));
    let twelve = lines.map(str::trim).collect::<Vec<_>>().join(" ");
    twelve.parse::<Receipt>().expect("twelve words");

    let (exported, key) = (directory.path().join("exported"), directory.path().join("device.pub"));
    std::fs::write(&key, stdout(&service.client(&["device-key"]))).expect("written");
    stdout(&service.client(&["record", &session[..6], "-o", &exported.to_string_lossy()]));
    let (exported_name, key) = (exported.to_string_lossy(), key.to_string_lossy());
    let verify = ["verify", &exported_name, "--receipt", &twelve, "--device-key", &key];
    let findings = stdout(&service.client(&verify));
    assert!(findings.contains(&session) && findings.contains("The receipt is right"), "{findings}");
    let events = exported.join("events.jsonl");
    let changed = std::fs::read_to_string(&events).expect("text").replace("green", "red");
    std::fs::write(&events, changed).expect("written");
    let wrong = service.client(&verify);
    assert_eq!(wrong.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&wrong.stderr).contains("events.jsonl was changed."), "{wrong:?}");

    assert_eq!(service.client(&["delete-record", &session]).status.code(), Some(2), "nobody can be asked");
    for (answer, said) in [("no", "Nothing was deleted."), ("yes", "The record is deleted.")] {
        let mut terminal = Terminal::run(&service.client_command(&["delete-record", &session]));
        terminal.wait_for("Type yes or no, and press Enter: ");
        assert_eq!(listed(&service)[0]["session"], *session, "nobody has said yes");
        terminal.type_keys(&format!("{answer}\r"));
        terminal.wait_for(said);
    }
    assert_eq!(listed(&service), json!([]));
    assert_eq!(service.client(&["report", &session]).status.code(), Some(1));

    // What an earlier customer has left.
    let records = directory.path().join("state/records");
    std::fs::rename(&exported, records.join("ff".repeat(16))).expect("moved");
    assert_eq!(service.status()["notice"]["code"], "client-ended");
    stdout(&service.client(&["forget", "--all", "--yes"]));
    assert_eq!((listed(&service), &service.status()["notice"]), (json!([]), &Value::Null));
    let noted = std::fs::read_to_string(records.join("deleted.jsonl")).expect("noted");
    let noted: Vec<Value> =
        noted.lines().map(|line| serde_json::from_str(line).expect("an object")).collect();
    assert_eq!((&noted[0]["session"], &noted[0]["why"]), (&json!(session), &json!("client")));
    assert_eq!((&noted[1]["session"], &noted[1]["why"]), (&json!("ff".repeat(16)), &json!("forgotten")));
}

#[test]
fn the_account_that_engineers_work_as_gets_nothing_of_it() {
    let (relay, directory) = (Relay::start(), tempfile::tempdir().expect("a directory"));
    let own = nix::unistd::User::from_uid(nix::unistd::getuid()).expect("known").expect("an account");
    let service = service(&relay, directory.path(), &format!("support_user = \"{}\"", own.name));
    let polkit = Polkit::permitting(&service.bus);
    for arguments in [&["records"][..], &["report"], &["receipt"], &["forget", "--all", "--yes"]] {
        let output = service.client(arguments);
        assert_eq!(output.status.code(), Some(4), "{arguments:?}: {output:?}");
        assert!(output.stdout.is_empty(), "{output:?}");
    }
    assert_eq!(polkit.asked(), Vec::<String>::new());
}
