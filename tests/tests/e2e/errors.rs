//! Every error that a user will meet has a message of its own, with what to do next, and a code.

use std::net::TcpListener;

use fieldlink_protocol::endpoint;
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Engineer, Relay, RelayOptions, Scanner, ScannerOptions};
use tokio_tungstenite::tungstenite::http;

fn attempt(engineer: &Engineer, id: &str, pin: &str) -> (Option<i32>, String) {
    let mut command = engineer.connect();
    command.args(["connect", id, "--ticket", "T-1", "--no-shell"]);
    let output = run_with_input(&mut command, format!("{pin}\n").as_bytes());
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn an_unreachable_relay() {
    let mut relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    relay.crash();
    let (code, message) = attempt(&engineer, &valid_id(), "1234");
    assert_eq!(code, Some(210), "{message}");
    assert!(message.contains("could not reach the relay"), "{message}");
}

fn valid_id() -> String {
    fieldlink_protocol::support_id::SupportId::random().to_string()
}

#[test]
fn an_expired_or_foreign_certificate() {
    let expired = RelayOptions { certificate: Some(((2020, 2021), vec!["127.0.0.1"])), ..Default::default() };
    let (good, bad) = (Relay::start(), Relay::start_with(expired));
    let engineer = Engineer::new();
    let credential = good.add_engineer("Ada", "Scans");
    let output = engineer.try_to_log_in(&bad.url(), bad.authority(), &credential);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(211), "{message}");
    assert!(message.contains("clock"), "{message}");
    let output = engineer.try_to_log_in(&good.url(), bad.authority(), &credential);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(211), "{message}");
    assert!(message.contains("not trusted"), "{message}");
    assert!(!message.contains(&credential), "no secret in an error");
}

#[test]
fn a_refused_credential() {
    let (relay, other) = (Relay::start(), Relay::start());
    let foreign = other.add_engineer("Ada", "Scans");
    let engineer = Engineer::new();
    let output = engineer.try_to_log_in(&relay.url(), relay.authority(), &foreign);
    assert_eq!(output.status.code(), Some(212), "{}", String::from_utf8_lossy(&output.stderr));
    let damaged = &foreign[..foreign.len() - 3];
    let output = engineer.try_to_log_in(&relay.url(), relay.authority(), damaged);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(!output.status.success() && message.contains("damaged or incomplete"), "{message}");
    assert!(!message.contains(damaged), "no secret in an error");
}

#[test]
fn an_id_that_is_not_available_or_mistyped() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let (code, message) = attempt(&engineer, &valid_id(), "1234");
    assert_eq!(code, Some(213), "{message}");
    let id = valid_id();
    let last = (id.as_bytes()[8] - b'0' + 1) % 10;
    let (code, message) = attempt(&engineer, &format!("{}{last}", &id[..8]), "1234");
    assert_eq!(code, Some(219), "{message}");
    assert!(message.contains("that ID has a typo"), "{message}");
    let (code, _) = attempt(&engineer, "12345", "1234");
    assert!(matches!(code, Some(2 | 219)), "{code:?}");
    let (code, message) = attempt(&engineer, &valid_id(), "12x4");
    assert!(code != Some(0) && message.contains("four digits"), "{message}");
}

#[test]
fn a_wrong_pin_is_remembered_across_runs() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = Scanner::start(&relay);
    for _ in 0..2 {
        let (code, message) = attempt(&engineer, &scanner.support_id, &scanner.wrong_pin());
        assert_eq!(code, Some(214), "{message}");
    }
    // Also with the right one, and although the scanner would still listen.
    let (code, message) = attempt(&engineer, &scanner.support_id, &scanner.pin);
    assert_eq!(code, Some(220), "{message}");
    assert!(message.contains("two wrong PINs"), "{message}");
    // Another engineer's computer knows nothing of it.
    let other = Engineer::enrolled(&relay, "Grace");
    let call = other.call(&scanner);
    assert_eq!(call.output_of("echo in").trim(), "in");
}

#[test]
fn a_relay_of_another_version() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let future = future_relay(&relay);
    engineer.redirect_to(&format!("wss://{future}"));
    let (code, message) = attempt(&engineer, &valid_id(), "1234");
    assert_eq!(code, Some(218), "{message}");
    assert!(message.contains("fieldlink.3") && message.contains("upgrade this program"), "{message}");
    // And on the scanner's screen.
    let url = format!("wss://{future}");
    let mut scanner = Scanner::launch_at(&url, relay.authority(), ScannerOptions::default());
    let line = scanner.process.wait_for("upgrade this program");
    assert!(line.contains("fieldlink.3") && line.contains("fieldlink.2"), "{line}");
}

/// Answers every connection as a relay that speaks later versions only.
fn future_relay(relay: &Relay) -> String {
    use std::io::{Read, Write};
    let config = relay.certificates().server_config();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    std::thread::spawn(move || {
        while let Ok((tcp, _)) = listener.accept() {
            let connection = rustls::ServerConnection::new(config.clone()).expect("TLS");
            let mut tls = rustls::StreamOwned::new(connection, tcp);
            let _ = tls.read(&mut [0; 4096]);
            let status = http::StatusCode::UPGRADE_REQUIRED;
            let name = endpoint::VERSIONS_HEADER;
            let versions = "fieldlink.3, fieldlink.4";
            let _ = write!(tls, "HTTP/1.1 {status}\r\n{name}: {versions}\r\nContent-Length: 0\r\n\r\n");
            let _ = tls.flush();
        }
    });
    address
}

#[test]
fn run_takes_its_pin_from_a_descriptor_and_gives_the_commands_code() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let pin = engineer.home().join("pin");
    std::fs::write(&pin, format!("{}\n", scanner.pin)).expect("writable");
    let connect = fieldlink_tests::programs::path_of("fieldlink-connect");
    let script = format!(
        "exec 3<{}; exec {} run {} --ticket T-1 --pin-fd 3 -- 'cat; exit 9'",
        pin.display(),
        connect.display(),
        scanner.digits()
    );
    let mut command = engineer.program("sh");
    command.args(["-c", &script]);
    let output = run_with_input(&mut command, b"belongs to the command");
    assert_eq!(output.status.code(), Some(9), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.stdout, b"belongs to the command");
    assert!(scanner.wait_until_off().contains("engineer-ended"));
    scanner.start_again();
    // With a session open, no PIN is needed.
    let call = engineer.call(&scanner);
    let mut command = engineer.connect();
    command.args(["run", &scanner.digits(), "--", "exit", "33"]);
    assert_eq!(run_with_input(&mut command, b"").status.code(), Some(33));
    let mut status = engineer.connect();
    status.arg("status");
    let listed = String::from_utf8_lossy(&run_with_input(&mut status, b"").stdout).into_owned();
    assert!(listed.contains(&scanner.support_id) || listed.contains(&scanner.digits()), "{listed}");
    call.end();
}

#[test]
fn secrets_are_in_no_argument_list_environment_or_open_file() {
    use std::os::unix::fs::PermissionsExt;
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = Scanner::start(&relay);
    let call = engineer.call(&scanner);
    let pids = [scanner.process.pid(), call.holder.pid(), call.session_holder()];
    for pid in pids {
        for file in ["cmdline", "environ"] {
            let bytes = std::fs::read(format!("/proc/{pid}/{file}")).unwrap_or_default();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            assert!(!text.split('\0').any(|part| part == scanner.pin), "{file}: {text}");
        }
    }
    let mut directories = vec![
        engineer.runtime(),
        engineer.home().with_file_name("config"),
        engineer.home().with_file_name("state"),
    ];
    while let Some(directory) = directories.pop() {
        assert_eq!(
            std::fs::metadata(&directory).expect("there").permissions().mode() & 0o77,
            0,
            "{}",
            directory.display()
        );
        for entry in std::fs::read_dir(&directory).expect("readable").flatten() {
            if entry.path().is_dir() {
                directories.push(entry.path());
            } else if entry.file_type().is_ok_and(|kind| kind.is_file()) {
                let text =
                    String::from_utf8_lossy(&std::fs::read(entry.path()).expect("readable")).into_owned();
                assert!(!text.contains(&format!("\"{}\"", scanner.pin)), "{}", entry.path().display());
            }
        }
    }
    let cores = std::fs::read_to_string(format!("/proc/{}/limits", scanner.process.pid())).expect("it runs");
    let limit = cores.lines().find(|line| line.starts_with("Max core file size")).expect("a line");
    assert_eq!(limit.split_whitespace().nth(4), Some("0"), "{limit}");
}

#[test]
fn names_tickets_and_errors_come_out_harmless_on_both_sides() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let scanner = Scanner::start_asking(&relay);
    for ticket in ["T\u{1b}[2J", "T\u{202e}1", "T\n1", "", "  "] {
        let mut command = engineer.connect();
        command.args(["connect", &scanner.support_id, "--ticket", ticket, "--no-shell"]);
        let output = run_with_input(&mut command, format!("{}\n", scanner.pin).as_bytes());
        assert!(!output.status.success(), "{ticket:?}");
        assert!(!output.stderr.contains(&0x1b), "{ticket:?}");
    }
    let output = std::process::Command::new(fieldlink_tests::programs::path_of("fieldlink-connect"))
        .args(["connect", "1\u{1b}[2J\u{202e}", "--ticket", "T-1"])
        .output()
        .expect("it runs");
    assert!(!output.status.success());
    assert!(!String::from_utf8_lossy(&output.stderr).contains(['\u{1b}', '\u{202e}']));
}
