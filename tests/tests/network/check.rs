//! `fieldlink-agent check-network` from end to end.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::process::{Command, Output};

use fieldlink_tests::network_lab::{Lab, Mode};
use fieldlink_tests::programs::{path_of, run_with_input, without_proxies};
use fieldlink_tests::{Relay, RelayOptions, certificates};

#[track_caller]
fn expect((code, report): (i32, serde_json::Value), wanted: &str) -> serde_json::Value {
    let number: i32 = wanted[1..].parse().expect("a number");
    assert_eq!(report["code"].as_str(), Some(wanted), "{report:#}");
    assert_eq!(code, if number == 0 { 0 } else { 10 + number }, "{report:#}");
    report
}

fn names(report: &serde_json::Value) -> Vec<&str> {
    let steps = report["steps"].as_array().expect("steps");
    steps.iter().map(|step| step["step"].as_str().expect("a name")).collect()
}

#[test]
fn good_slow_foreign_signed_out_gone_and_unplugged() {
    let Some(mut lab) = Lab::start("check-network in all its answers") else { return };
    let listener = lab.listen();

    let good = expect(lab.check_network(None), "N0");
    assert_eq!(names(&good), ["networkmanager", "resolve", "tcp", "tls", "upgrade", "measurement"]);
    assert_eq!(good["sentence"], "Connected by cable: good for a session.");
    assert_eq!(good["measurement"]["round_trips"], 10);
    assert_eq!(good["network"]["known"]["primary"]["interface"], "eth0");

    let elsewhere = tempfile::tempdir().expect("a temporary directory");
    let foreign = certificates::create(elsewhere.path());
    expect(lab.check_network(Some(&foreign.authority)), "N8");

    lab.throttle("300kbit");
    let slow = expect(lab.check_network(None), "N10");
    assert_eq!(slow["measurement"]["end"], "out-of-time", "{slow:#}");

    lab.internet().set(Mode::Portal);
    lab.crash_relay();
    lab.check_connectivity();
    listener.wait_for("Connectivity", 2);
    expect(lab.check_network(None), "N3");

    lab.internet().set(Mode::Open);
    lab.check_connectivity();
    listener.wait_for("Connectivity", 4);
    let gone = expect(lab.check_network(None), "N6");
    assert_eq!(names(&gone), ["networkmanager", "resolve", "tcp"]);

    lab.unplug();
    listener.wait_for("State", 20);
    expect(lab.check_network(None), "N1");
}

#[test]
fn without_a_bus_the_relay_is_enough() {
    let relay = Relay::start();
    let output = check_without_bus(&relay, "", &[]);
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("N0  Connected: good for a session.\n"), "{text}");
    assert!(text.contains("networkmanager  unknown") && text.contains("no system bus"), "{text}");
    assert!(text.contains("  measurement     ok ") && text.contains("10 round trips"), "{text}");
}

#[test]
fn a_certificate_from_the_future_is_the_clocks_fault() {
    let certificate = Some(((2049, 2050), vec!["127.0.0.1"]));
    let relay = Relay::start_with(RelayOptions { certificate, ..Default::default() });
    let output = check_without_bus(&relay, "", &["--json"]);
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).expect("JSON");
    expect((output.status.code().expect("it exited"), report.clone()), "N7");
    let sentence = report["sentence"].as_str().expect("a sentence");
    let today = fieldlink_protocol::timestamp::utc(report["clock"]["now"].as_u64().expect("a time"));
    assert!(sentence.contains(&format!("(it says {} ", &today[..10])), "{sentence}");
    assert!(report["engineer"].as_str().expect("a line").contains("2049-01-01"), "{report:#}");
}

#[test]
fn a_proxy_that_says_no() {
    let relay = Relay::start();
    let proxy = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("[proxy]\nurl = \"http://{}\"\n", proxy.local_addr().expect("an address"));
    let saying_no = std::thread::spawn(move || {
        let (mut client, _) = proxy.accept().expect("a client");
        // All of the request: closing with unread bytes would take the answer back.
        let mut head = BufReader::new(client.try_clone().expect("a descriptor")).lines();
        while head.next().is_some_and(|line| line.is_ok_and(|line| !line.is_empty())) {}
        let _ = client.write_all(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    });
    let output = check_without_bus(&relay, &url, &["--json"]);
    saying_no.join().expect("no panic");
    let report = serde_json::from_slice(&output.stdout).expect("JSON");
    let report = expect((output.status.code().expect("it exited"), report), "N5");
    assert_eq!(names(&report), ["networkmanager", "resolve", "tcp", "proxy"]);
}

/// Runs `check-network` against `relay` on a device without a system bus.
fn check_without_bus(relay: &Relay, settings: &str, arguments: &[&str]) -> Output {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("agent.toml");
    let (url, authority) = (relay.url(), relay.authority().display());
    std::fs::write(&config, format!("relay = \"{url}\"\nca_file = \"{authority}\"\n{settings}"))
        .expect("writable");
    let mut command = Command::new(path_of("fieldlink-agent"));
    let bus = format!("unix:path={}", directory.path().join("none").display());
    without_proxies(&mut command).env("DBUS_SYSTEM_BUS_ADDRESS", bus);
    command.args(["check-network", "--config"]).arg(&config).args(arguments);
    run_with_input(&mut command, b"")
}
