//! What a probe of the way to the relay reports, step by step.

use std::net::TcpListener;

use fieldlink_protocol::endpoint;
use fieldlink_tests::raw::{dialer, runtime};
use fieldlink_tests::{Relay, RelayOptions};
use fieldlink_transport::{CertificateDates, DialError, DialStep, StepReport};

fn outline(reports: &[StepReport]) -> Vec<(&'static str, bool)> {
    reports.iter().map(|report| (report.step.name(), report.ok)).collect()
}

#[test]
fn every_step_to_a_relay_that_answers() {
    let relay = Relay::start();
    let (reports, outcome) =
        runtime().block_on(dialer(&relay.url(), relay.authority()).probe(endpoint::AGENT));
    assert!(outcome.is_ok());
    assert_eq!(outline(&reports), [("resolve", true), ("tcp", true), ("tls", true), ("upgrade", true)]);
    let details: Vec<_> = reports.iter().map(|report| report.detail.as_str()).collect();
    assert_eq!(details, ["127.0.0.1", relay.address(), "TLS 1.3", "fieldlink.2"]);
}

#[test]
fn the_step_that_fails_is_the_last() {
    let mut relay = Relay::start();
    let prober = dialer(&relay.url(), relay.authority());
    relay.crash();
    let (reports, outcome) = runtime().block_on(prober.probe(endpoint::AGENT));
    assert!(matches!(outcome, Err(DialError::Unreachable(..))));
    assert_eq!(outline(&reports), [("resolve", true), ("tcp", false)]);
    assert!(reports[1].detail.contains("refused"), "{reports:?}");

    let nowhere = dialer("wss://relay.invalid", relay.authority());
    let (reports, outcome) = runtime().block_on(nowhere.probe(endpoint::AGENT));
    assert!(matches!(outcome, Err(DialError::Resolve(..))));
    assert_eq!(outline(&reports), [("resolve", false)]);
}

#[test]
fn a_certificate_of_another_time_says_what_the_clock_says() {
    let now =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).expect("after 1970").as_secs();
    for (years, is_early) in [((2020, 2021), false), ((2045, 2050), true)] {
        let certificate = Some((years, vec!["127.0.0.1"]));
        let relay = Relay::start_with(RelayOptions { certificate, ..Default::default() });
        let (reports, outcome) =
            runtime().block_on(dialer(&relay.url(), relay.authority()).probe(endpoint::AGENT));
        let Err(DialError::CertificateExpired(_, dates)) = outcome else { panic!("{reports:?}") };
        assert_eq!(matches!(dates, CertificateDates::NotYetValid { .. }), is_early);
        assert!(dates.clock().abs_diff(now) < 60);
        assert_eq!(reports.last().map(|report| report.step), Some(DialStep::Tls));
    }
}

#[test]
fn a_peer_that_says_nothing_is_given_up_in_the_step_it_hangs_in() {
    let relay = Relay::start();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let url = format!("wss://{}", listener.local_addr().expect("an address"));
    let (reports, outcome) = runtime().block_on(dialer(&url, relay.authority()).probe(endpoint::AGENT));
    assert!(matches!(outcome, Err(DialError::Timeout(..))));
    assert_eq!(outline(&reports), [("resolve", true), ("tcp", true), ("tls", false)]);
    assert!(reports[2].took >= fieldlink_protocol::limits::HANDSHAKE.mul_f32(0.9));
}

#[test]
fn all_clones_of_a_dialer_hear_that_the_network_changed() {
    let relay = Relay::start();
    let one = dialer(&relay.url(), relay.authority());
    let other = one.clone();
    let changes = one.changes();
    assert!(!changes.has_changed().expect("it is there"));
    other.network_changed();
    other.network_changed();
    assert!(changes.has_changed().expect("it is there"));
    assert_eq!(*changes.borrow(), 2);
}
