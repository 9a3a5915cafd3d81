//! `fieldlink health`: the device's health through the agent's service, on a bus of the test's own. UPower is dbusmock's; the
//! probes are sockets of the test's.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixListener;
use std::path::Path;

use fieldlink_tests::network_lab::MockBattery;
use fieldlink_tests::programs::eventually;
use fieldlink_tests::{PATIENCE, Relay, Service};
use serde_json::{Value, json};
use tempfile::TempDir;

/// A probe that says `text` to everybody who connects.
fn probe(directory: &TempDir, name: &str, text: &'static str) -> String {
    let path = directory.path().join(name);
    let listener = UnixListener::bind(&path).expect("a socket");
    fs::set_permissions(&path, Permissions::from_mode(0o600)).expect("ours");
    // Ends with the test program, as the listener does.
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            // Who is cut off hears so.
            let _ = stream.expect("somebody").write_all(text.as_bytes());
        }
    });
    setting(name, &path)
}

fn setting(name: &str, socket: &Path) -> String {
    format!("[[health.probe]]\nname = \"{name}\"\nsocket = \"{}\"\n", socket.display())
}

fn health(service: &Service) -> Value {
    let output = service.client(&["health", "--json"]);
    assert_eq!(output.status.code(), Some(0), "{}", String::from_utf8_lossy(&output.stderr));
    serde_json::from_slice(&output.stdout).expect("one object")
}

#[test]
fn what_the_device_and_its_probes_know_is_shown_to_everybody() {
    let relay = Relay::start();
    let directory = tempfile::tempdir().expect("a directory");
    let lidars = "{\"name\":\"rear\",\"value\":0,\"unit\":\"rpm\",\"state\":\"bad\",\"text\":{\"en\":\"It stands still.\"}}\n";
    let settings = [
        probe(&directory, "lidars", lidars),
        probe(&directory, "liar", "\u{1b}[2JAll is well"),
        setting("gone", &directory.path().join("gone")),
    ];
    let service = Service::start(&relay, &settings.concat());
    let Some(battery) = MockBattery::start_alone("health", &service.bus, 17.6) else { return };
    let known = health(&service);
    let [one] = &known["health"]["batteries"].as_array().expect("a list")[..] else { panic!("{known}") };
    assert_eq!((&one["percent"], &one["state"]), (&json!(17), &json!("discharging")));
    assert!(known["health"]["memory"]["total_bytes"].as_u64() > Some(0), "{known}");
    // No systemd is on this bus, and nothing waits for one.
    let missing = known["health"]["missing"].as_array().expect("a list");
    assert!(missing.contains(&json!("units")) && !missing.contains(&json!("batteries")), "{known}");
    let faults = [("liar", "malformed"), ("gone", "unreachable")];
    for (name, fault) in faults {
        let probes = known["health"]["probes"].as_array().expect("a list");
        assert!(probes.iter().any(|probe| probe["name"] == name && probe["fault"] == fault), "{known}");
    }
    assert_eq!(
        known["concerns"][0]["sentence"], "lidars: rear 0 rpm. It stands still.",
        "the worst is the first"
    );

    battery.add("BAT7", 55.0);
    let mut text = String::new();
    // What was collected just before is good for a moment.
    eventually("the new battery is seen", PATIENCE, || {
        text = String::from_utf8(service.client(&["health"]).stdout).expect("text");
        text.contains("BAT7                   55 %, in use")
    });
    assert!(text.starts_with("! lidars: rear 0 rpm. It stands still.\n"), "{text}");
    assert!(
        text.contains("The probe liar said what cannot be understood.") && !text.contains('\u{1b}'),
        "{text}"
    );
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}

#[test]
fn it_is_watched_until_somebody_has_seen_enough() {
    let relay = Relay::start();
    let service = Service::start(&relay, "");
    let mut watching = service.start_client(&["health", "--watch", "--json"]);
    for _ in 0..2 {
        watching.wait_for("\"health\":");
    }
}
