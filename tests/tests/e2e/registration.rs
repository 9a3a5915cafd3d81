//! The agent's side of the relay: new pairs, its ID after a restart, relays it must not trust.

use std::time::Instant;

use fieldlink_tests::{Relay, RelayOptions, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

#[test]
fn every_start_draws_a_new_pair() {
    let relay = Relay::start();
    let first = Scanner::start(&relay);
    let second = Scanner::start(&relay);
    assert_ne!(first.support_id, second.support_id);
    assert!(first.digits().parse::<fieldlink_protocol::support_id::SupportId>().is_ok());
    assert!(fieldlink_protocol::pin::Pin::parse(&first.pin).is_ok());
}

#[test]
fn an_idle_agent_is_back_soon_after_a_relay_restart_with_its_own_id() {
    let mut relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let shown = scanner.support_id.clone();
    let crashed = Instant::now();
    relay.crash();
    // That is said after a while, so the outage is not a short one.
    scanner.process.wait_for("not connected");
    relay.launch();
    let (outage, restarted) = (crashed.elapsed(), Instant::now());
    scanner.wait_until_ready();
    let waited = restarted.elapsed();
    assert!(waited < outage, "no longer than what went before: {waited:?} after {outage:?}");
    assert_eq!(scanner.support_id, shown);
}

#[test]
fn a_stopped_relay_says_so_and_ends_cleanly() {
    let mut relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    assert!(relay.stop().success());
    scanner.process.wait_for("not connected, trying again");
}

#[test]
fn switching_off_and_on_draws_a_new_pair() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let before = scanner.support_id.clone();
    scanner.process.type_line("end");
    assert!(scanner.wait_until_off().contains("client-ended"));
    scanner.start_again();
    assert_ne!(scanner.support_id, before);
}

#[test]
fn signals_end_the_agent_cleanly() {
    let relay = Relay::start();
    for signal in [Signal::SIGINT, Signal::SIGTERM, Signal::SIGHUP] {
        let mut scanner = Scanner::start(&relay);
        scanner.process.signal(signal);
        assert!(scanner.process.wait_for_end().success(), "{signal}");
    }
}

#[test]
fn a_relay_that_is_not_trusted_is_not_talked_to() {
    let expired = RelayOptions { certificate: Some(((2020, 2021), vec!["127.0.0.1"])), ..Default::default() };
    let other_name =
        RelayOptions { certificate: Some(((2026, 2050), vec!["example.com"])), ..Default::default() };
    for (options, problem) in [(expired, "is the clock right?"), (other_name, "another name")] {
        let relay = Relay::start_with(options);
        let mut scanner = Scanner::launch_at(&relay.url(), relay.authority(), ScannerOptions::default());
        scanner.process.wait_for(problem);
    }
    let (relay, stranger) = (Relay::start(), Relay::start());
    let mut scanner = Scanner::launch_at(&relay.url(), stranger.authority(), ScannerOptions::default());
    scanner.process.wait_for("not trusted");
}

#[test]
fn an_unused_pair_goes_away() {
    let relay = Relay::start();
    let options = ScannerOptions { session: "idle_seconds = 1".to_owned(), ..Default::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    assert!(scanner.wait_until_off().contains("Nobody connected"));
}
