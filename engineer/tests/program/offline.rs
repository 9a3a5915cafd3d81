//! What the commands do without a relay: each failure with its own code and message.

use std::net::TcpListener;

use crate::engineer::{Engineer, credential_text, set_mode};
use serde_json::Value;

/// Valid, and no scanner's.
const ID: &str = "572 400 000";

/// An address where nobody listens.
fn nowhere() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    format!("wss://{}", listener.local_addr().expect("its address"))
}

#[test]
fn a_typo_is_caught_before_anything_else() {
    let engineer = Engineer::new();
    let said = engineer.fails(&["572400001"], "", 219);
    assert!(said.starts_with("fieldlink-connect: that ID has a typo ("), "{said}");
    for arguments in [&["run", "572-400-001", "--", "true"][..], &["connect", "572", "400", "001"]] {
        engineer.fails(arguments, "", 219);
    }
    assert!(engineer.fails(&["57240000"], "", 2).contains("nine digits"));
    assert!(engineer.fails(&["stauts"], "", 2).contains("neither a support ID nor a command"));
    assert!(!engineer.runtime().exists() && !engineer.state().exists());
}

#[test]
fn wrong_use_has_the_code_2() {
    let engineer = Engineer::logged_in_to(&nowhere());
    assert!(engineer.fails(&[ID], "1234\n", 2).contains("--ticket"));
    assert!(engineer.fails(&[ID, "--ticket", "T\u{1b}[2J"], "1234\n", 2).contains("control"));
    engineer.fails(&[ID, "--ticket", "T", "--pin", "1234"], "", 2);
    engineer.fails(&["login", "--relay", "ws://relay.example.com"], "", 2);
    assert!(engineer.fails(&[ID, "--ticket", "T", "--pin-fd", "77"], "", 2).contains("77"));
    assert!(Engineer::new().fails(&[ID, "--ticket", "T"], "", 2).contains("fieldlink-connect login"));
    let help = engineer.run(&["--help"], "");
    assert!(String::from_utf8_lossy(&help.stdout).contains("  220  two wrong PINs"));
}

#[test]
fn an_unreachable_relay_is_told_to_people_and_scripts() {
    let engineer = Engineer::logged_in_to(&nowhere());
    let said = engineer.fails(&[ID, "--ticket", "T"], "1234\n", 210);
    assert!(said.starts_with("connecting to wss://127.0.0.1:"), "{said}");
    assert!(said.contains("could not reach the relay"), "{said}");

    let output = engineer.run(&[ID, "--ticket", "T", "--json"], "1234\n");
    let lines = String::from_utf8(output.stdout).expect("text");
    let last: Value = serde_json::from_str(lines.lines().last().expect("a line")).expect("JSON");
    assert_eq!(output.status.code(), Some(210));
    assert_eq!((&last["state"], &last["code"]), (&"failed".into(), &210.into()));
    assert_eq!(std::fs::read_dir(engineer.runtime()).expect("listed").count(), 1, "the lock alone is left");
}

#[test]
fn login_stores_nothing_unless_the_relay_agrees() {
    let engineer = Engineer::new();
    let relay = nowhere();
    let login = ["login", "--relay", &relay];
    assert!(engineer.fails(&login, "hello\n", 2).contains("not a Fieldlink credential"));
    assert!(engineer.fails(&login, "", 2).contains("no credential"));
    let damaged = credential_text().replace('.', "");
    engineer.fails(&login, &damaged, 2);
    engineer.fails(&login, &credential_text(), 210);
    let said =
        engineer.fails(&["login", "--relay", &relay, "--ca-file", "/nowhere.pem"], &credential_text(), 1);
    assert!(said.contains("/nowhere.pem"), "{said}");
    assert!(!engineer.config().exists());
}

#[test]
fn mistakes_in_files_name_the_file() {
    let engineer = Engineer::logged_in_to(&nowhere());
    let call = [ID, "--ticket", "T"];
    set_mode(&engineer.config().join("credential"), 0o644);
    assert!(engineer.fails(&call, "", 1).contains("chmod 600"));
    set_mode(&engineer.config().join("credential"), 0o600);
    std::fs::write(engineer.config().join("connect.toml"), "relay = \"wss://a\"\nrely = 1\n")
        .expect("written");
    let said = engineer.fails(&call, "", 1);
    assert!(said.contains("rely") && said.contains("connect.toml"), "{said}");
}

#[test]
fn a_runtime_directory_that_others_can_enter_is_refused() {
    let engineer = Engineer::logged_in_to(&nowhere());
    std::fs::create_dir(engineer.runtime()).expect("made");
    set_mode(&engineer.runtime(), 0o755);
    for arguments in [&[ID, "--ticket", "T"][..], &["status"], &["end"], &["ssh-config"]] {
        assert!(engineer.fails(arguments, "", 1).contains("chmod 700"), "{arguments:?}");
    }
}

#[test]
fn after_two_wrong_pins_nothing_is_dialled() {
    let engineer = Engineer::logged_in_to(&nowhere());
    std::fs::create_dir(engineer.state()).expect("made");
    let now = serde_json::to_string(&fieldlink_connect::moment::Moment::now()).expect("JSON");
    let tried = |name| format!(r#"{{"id":"572400000","at":{now},"name":{name}}}"#);
    let memory = format!(r#"{{"version":2,"tries":[{},{}]}}"#, tried(1), tried(2));
    std::fs::write(engineer.state().join("guesses"), memory).expect("written");
    let said = engineer.fails(&[ID, "--ticket", "T"], "1234\n", 220);
    assert!(said.contains("stops here for an hour") && !said.contains("connecting"), "{said}");
    engineer.fails(&["000000000", "--ticket", "T"], "1234\n", 210);
    std::fs::write(engineer.state().join("guesses"), "{").expect("written");
    assert!(engineer.fails(&[ID, "--ticket", "T"], "1234\n", 1).contains("guesses"));
}

#[test]
fn without_a_session_there_is_nothing_to_use_or_end() {
    let engineer = Engineer::new();
    let status = engineer.run(&["status"], "");
    assert_eq!(String::from_utf8_lossy(&status.stdout), "no session is open\n");
    let status = engineer.run(&["status", "--json"], "");
    assert_eq!(String::from_utf8_lossy(&status.stdout), "{\"broken_off\":[],\"sessions\":[]}\n");
    for arguments in [&["end"][..], &["end", ID], &["forward", "8080:localhost:80"]] {
        assert!(engineer.fails(arguments, "", 217).contains("no session"), "{arguments:?}");
    }
    engineer.fails(&["forward", "8080:localhost"], "", 2);
    let said = engineer.fails(&["proxy", ID], "", 255);
    assert_eq!(said, "fieldlink-connect: no session is open: run fieldlink-connect ID first\n");
    engineer.fails(&["ssh-port"], "", 217);
}

#[test]
fn what_the_client_shall_read_is_checked_before_anything_else() {
    let engineer = Engineer::new();
    for (arguments, why) in [
        (&["ask", "Is it\u{1b}[2J green?"][..], "control or invisible"),
        (&["ask", ""], "must not be empty"),
        (&["ask", "Which?", "--choice", "a", "--choice", "a"], "twice"),
        (&["chat", " "], "must not be empty"),
        (&["chat", &"x".repeat(1001)], "at most 1000 bytes"),
    ] {
        assert!(engineer.fails(arguments, "", 2).contains(why), "{arguments:?}");
    }
    engineer.fails(&["extend", "61", "one more test"], "", 2);
    assert!(engineer.fails(&["extend", "30"], "", 2).contains("REASON"));
    assert!(!engineer.runtime().exists());
}

#[test]
fn without_a_session_nobody_is_asked() {
    let engineer = Engineer::new();
    for arguments in [
        &["extend", "30", "one more test"][..],
        &["ask", "Is it green?"],
        &["chat", "hello"],
        &["chat"],
        &["chat", "--id", ID],
    ] {
        assert!(engineer.fails(arguments, "", 217).contains("no session"), "{arguments:?}");
    }
    engineer.fails(&["extend", "30", "one more test", "--id", "572400001"], "", 219);
}

#[test]
fn the_include_line_is_shown() {
    let engineer = Engineer::new();
    let output = engineer.run(&["ssh-config"], "");
    let file = engineer.config().join("ssh_config");
    let line = format!("Include \"{}\"\n", file.display());
    assert!(String::from_utf8_lossy(&output.stdout).ends_with(&line), "{output:?}");
    let text = std::fs::read_to_string(file).expect("written");
    assert!(text.contains(&format!("Include \"{}/ssh_config\"\n", engineer.runtime().display())), "{text}");
}

#[test]
fn a_path_that_is_too_long_for_a_socket_is_named() {
    let mut engineer = Engineer::logged_in_to(&nowhere());
    let long = tempfile::Builder::new().prefix(&"d".repeat(100)).tempdir().expect("a directory");
    let config = engineer.config();
    std::fs::rename(config, long.path().join("config")).expect("moved");
    engineer.home = long;
    let said = engineer.fails(&[ID, "--ticket", "T"], "1234\n", 1);
    assert!(said.contains("FIELDLINK_RUNTIME_DIR"), "{said}");
}
