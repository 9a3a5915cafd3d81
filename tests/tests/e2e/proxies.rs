//! Calls through real HTTP proxies, with real TLS inside, and what is said where one refuses.

use fieldlink_tests::ProxyKind::{Squid, Tinyproxy};
use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::proxy::PASSWORD;
use fieldlink_tests::{Engineer, ProxyKind, ProxyServer, Relay, Scanner, ScannerOptions};

fn port_of(relay: &Relay) -> u16 {
    relay.address().rsplit(':').next().and_then(|port| port.parse().ok()).expect("a port")
}

fn options(proxy: String) -> ScannerOptions {
    ScannerOptions { proxy, ..ScannerOptions::default() }
}

/// An engineer who logs in, and is to stay, behind a proxy.
fn engineer_behind(relay: &Relay, settings: &str, credential: &str) -> Engineer {
    let engineer = Engineer::new();
    engineer.set_proxy(settings);
    engineer.log_in(&relay.url(), relay.authority(), credential);
    engineer
}

fn whole_call(relay: &Relay, credential: &str, mut proxy: ProxyServer, settings: &str) {
    let scanner = Scanner::start_with(relay, options(settings.to_owned()));
    let engineer = engineer_behind(relay, settings, credential);
    let call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo through").trim(), "through");
    let (near, far) = (engineer.home().join("data"), scanner.directory().join("data"));
    fieldlink_tests::engineer::random_file(&near, 3_000_000);
    call.sftp(&format!("put {} {}\n", near.display(), far.display()));
    assert!(std::fs::read(&near).expect("written") == std::fs::read(&far).expect("copied"));
    call.end();
    assert!(proxy.has_seen(relay.address()), "nobody asked the proxy");
}

fn calls_go_through(kind: ProxyKind) {
    let relay = Relay::start();
    let credential = relay.add_engineer("Ada", "Scans");
    let open = ProxyServer::start(kind, port_of(&relay), false);
    let settings = open.settings();
    whole_call(&relay, &credential, open, &settings);
    let guarded = ProxyServer::start(kind, port_of(&relay), true);
    let settings = guarded.settings_with(PASSWORD);
    whole_call(&relay, &credential, guarded, &settings);
}

#[test]
fn calls_go_through_tinyproxy() {
    calls_go_through(Tinyproxy);
}

#[test]
fn calls_go_through_squid() {
    calls_go_through(Squid);
}

/// Both sides read `expected`, and neither shows the password.
fn both_are_told(relay: &Relay, credential: &str, settings: &str, expected: &str) {
    let engineer = Engineer::new();
    engineer.set_proxy(settings);
    let output = engineer.try_to_log_in(&relay.url(), relay.authority(), credential);
    let message = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(210), "{message}");
    assert!(message.contains(expected), "{message}");

    let url = relay.url();
    let mut scanner = Scanner::launch_at(&url, relay.authority(), options(settings.to_owned()));
    let state = scanner.process.wait_for("not connected, trying again");
    assert!(state.contains(expected), "{state}");
    for text in [message, scanner.process.transcript()] {
        assert!(!text.contains("guess") && !text.contains("sesame"), "{text}");
    }
}

fn refusals_are_told_apart(kind: ProxyKind) {
    let mut relay = Relay::start();
    let (port, credential) = (port_of(&relay), relay.add_engineer("Ada", "Scans"));
    let guarded = ProxyServer::start(kind, port, true);
    let told = |relay: &Relay, settings: String, expected: &str| {
        both_are_told(relay, &credential, &settings, expected);
    };
    told(&relay, guarded.settings(), "wants a user name and a password");
    told(&relay, guarded.settings_with("a guess"), "does not accept this user name and password");
    let strict = ProxyServer::start(kind, 443, false);
    told(&relay, strict.settings(), &format!("does not allow connections to 127.0.0.1:{port}"));
    relay.crash();
    let open = ProxyServer::start(kind, port, false);
    told(&relay, open.settings(), &format!("cannot reach 127.0.0.1:{port}"));
}

#[test]
fn tinyproxys_refusals_are_told_apart() {
    refusals_are_told_apart(Tinyproxy);
}

#[test]
fn squids_refusals_are_told_apart() {
    refusals_are_told_apart(Squid);
}

#[test]
fn the_environments_proxy_is_used_unless_told_otherwise() {
    let relay = Relay::start();
    let mut proxy = ProxyServer::start(Tinyproxy, port_of(&relay), false);
    let credential = relay.add_engineer("Ada", "Scans");
    let log_in = |variables: &[(&str, &str)], settings: &str| {
        let engineer = Engineer::new();
        engineer.set_proxy(settings);
        let mut command = engineer.connect();
        command.args(["login", "--relay", &relay.url(), "--ca-file"]).arg(relay.authority());
        command.envs(variables.iter().copied());
        let output = run_with_input(&mut command, format!("{credential}\n").as_bytes());
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    };
    let url = proxy.url();
    log_in(&[("HTTPS_PROXY", &url), ("no_proxy", "example.com,127.0.0.0/8")], "");
    log_in(&[("https_proxy", &url)], "url = \"none\"");
    assert!(!proxy.has_seen(relay.address()));
    log_in(&[("https_proxy", &url)], "");
    assert!(proxy.has_seen(relay.address()));
}
