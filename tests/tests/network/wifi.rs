//! Wi-Fi, a phone's hotspot, a weak signal: NetworkManager played by dbusmock.

use std::process::Command;
use std::time::Instant;

use fieldlink_tests::network_lab::MockWifi;
use fieldlink_tests::programs::{path_of, run_with_input, without_proxies};
use fieldlink_tests::{Relay, RelayOptions};
use tempfile::TempDir;

use crate::shown::Agent;

fn start_relay() -> Relay {
    Relay::start_with(RelayOptions { limits: "measurements_per_minute = 100".into(), ..Default::default() })
}

/// The agent's program on the mock's bus.
fn agent(wifi: &MockWifi, relay: &Relay, directory: &TempDir, arguments: &[&str]) -> Command {
    let config = directory.path().join("agent.toml");
    let text = format!("relay = \"{}\"\nca_file = \"{}\"\n", relay.url(), relay.authority().display());
    std::fs::write(&config, text).expect("writable");
    let mut command = Command::new(path_of("fieldlink-agent"));
    without_proxies(wifi.bus().address_for(&mut command)).args(arguments).arg("--config").arg(config);
    command
}

fn check(wifi: &MockWifi, relay: &Relay) -> (Option<i32>, serde_json::Value) {
    let directory = tempfile::tempdir().expect("a temporary directory");
    let output = run_with_input(&mut agent(wifi, relay, &directory, &["check-network", "--json"]), b"");
    (output.status.code(), serde_json::from_slice(&output.stdout).expect("JSON"))
}

#[test]
fn a_name_a_price_and_a_weak_signal() {
    // What a stranger calls a network must not reach the terminal.
    let Some(wifi) = MockWifi::start("Wi-Fi", "Hall\u{1b}[2J 3", 72) else { return };
    let mut relay = start_relay();
    let (code, report) = check(&wifi, &relay);
    assert_eq!(code, Some(0), "{report:#}");
    assert_eq!(report["sentence"], "Connected by Wi-Fi “Hall\u{fffd}[2J 3”: good for a session.");
    wifi.set_metered(true);
    let (_, report) = check(&wifi, &relay);
    let hotspot = "Connected by a phone's hotspot “Hall\u{fffd}[2J 3” (metered): good for a session.";
    assert_eq!(report["sentence"], hotspot);
    // Bytes that arrive in time count for more than a signal.
    wifi.set_strength(12);
    assert_eq!(check(&wifi, &relay).0, Some(0));
    relay.crash();
    let (code, report) = check(&wifi, &relay);
    assert_eq!((code, report["code"].as_str()), (Some(19), Some("N9")), "{report:#}");
    let sentence = report["sentence"].as_str().expect("a sentence");
    assert!(sentence.contains("(10 %)") && sentence.ends_with("try a phone's hotspot."), "{sentence}");
}

#[test]
fn a_cable_takes_over_from_wifi() {
    let Some(wifi) = MockWifi::start("a cable beside Wi-Fi", "Hall 3", 72) else { return };
    let (relay, directory) = (start_relay(), tempfile::tempdir().expect("a temporary directory"));
    let mut agent = Agent::start(&mut agent(&wifi, &relay, &directory, &["foreground"]));
    // What it has not seen cannot change for it.
    agent.reads("Connected by Wi-Fi “Hall 3”", Instant::now());
    wifi.set_strength(40);
    wifi.plug_in_cable();
    agent.reads("Connected by cable", Instant::now());
    agent.dials_anew();
}

#[test]
fn the_bus_goes_away_and_comes_back() {
    let Some(wifi) = MockWifi::start("a bus that goes away", "Hall 3", 72) else { return };
    let (relay, directory) = (start_relay(), tempfile::tempdir().expect("a temporary directory"));
    let mut agent = Agent::start(&mut agent(&wifi, &relay, &directory, &["foreground"]));
    let crashed = Instant::now();
    let wifi = wifi.crash();
    agent.reads("Connected: good for a session. (N0)", crashed);
    let wifi = wifi.start_again("Hall 4", 72);
    agent.reads("Connected by Wi-Fi “Hall 4”", Instant::now());
    wifi.set_metered(true);
    agent.reads("a phone's hotspot “Hall 4” (metered)", Instant::now());
}

#[test]
fn a_networkmanager_that_answers_nothing_holds_nothing_up() {
    let Some(wifi) = MockWifi::start("a NetworkManager that hangs", "Hall 3", 72) else { return };
    let relay = start_relay();
    wifi.freeze();
    let (code, report) = check(&wifi, &relay);
    assert_eq!((code, report["sentence"].as_str()), (Some(0), Some("Connected: good for a session.")));
    let step = &report["steps"][0];
    assert!(step["outcome"] == "unknown" && step["milliseconds"].as_f64() < Some(5_000.0), "{step:#}");
    assert!(step["detail"].as_str().expect("a detail").contains("no answer"), "{step:#}");
}
