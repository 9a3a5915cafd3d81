//! `fieldlink-agent check-network` from end to end.

use fieldlink_tests::network_lab::{Lab, Mode};
use fieldlink_tests::programs::{path_of, run_with_input};
use fieldlink_tests::{Relay, certificates};

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
    let directory = tempfile::tempdir().expect("a temporary directory");
    let config = directory.path().join("agent.toml");
    let text = format!("relay = \"{}\"\nca_file = \"{}\"\n", relay.url(), relay.authority().display());
    std::fs::write(&config, text).expect("writable");
    let mut command = std::process::Command::new(path_of("fieldlink-agent"));
    command
        .args(["check-network", "--config"])
        .arg(&config)
        .env("DBUS_SYSTEM_BUS_ADDRESS", format!("unix:path={}", directory.path().join("none").display()));
    let output = run_with_input(&mut command, b"");
    let text = String::from_utf8(output.stdout).expect("text");
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.starts_with("N0  Connected: good for a session.\n"), "{text}");
    assert!(text.contains("networkmanager  unknown") && text.contains("no system bus"), "{text}");
    assert!(text.contains("  measurement     ok ") && text.contains("10 round trips"), "{text}");
}
