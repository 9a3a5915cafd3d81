use std::collections::BTreeSet;

use fieldlink_device::words::{Language, Words};
use proptest::prelude::*;

use super::super::state::{Kind, Primary};
use super::*;

const NOW: Clock = Clock { now: 1_795_372_620, synchronised: true };
const YEAR: u64 = 365 * 86_400;

fn sentence(verdict: &Verdict) -> String {
    Words::new(Language::English).network(&verdict.notice)
}

fn cable() -> Network {
    wired(Connectivity::Full)
}

fn wired(connectivity: Connectivity) -> Network {
    let primary = Primary { interface: "eth0".into(), kind: Kind::Cable, addresses: BTreeSet::new() };
    Network {
        state: if connectivity == Connectivity::Full { ManagerState::Global } else { ManagerState::Site },
        connectivity,
        metered: false,
        primary: Some(primary),
        second: None,
        without_address: None,
        manages: true,
    }
}

fn wifi(strength: u8) -> Network {
    let mut network = cable();
    let kind = Kind::Wifi { ssid: Some("Hall 3".into()), strength: Some(strength) };
    network.primary = Some(Primary { interface: "wlan0".into(), kind, addresses: BTreeSet::new() });
    network
}

fn hotspot() -> Network {
    Network { metered: true, ..wifi(80) }
}

fn unplugged() -> Network {
    Network { state: ManagerState::Disconnected, connectivity: Connectivity::None, primary: None, ..cable() }
}

fn failed(kind: FailureKind) -> Reach {
    Reach::Failed(Failure { kind, detail: "could not".into() })
}

fn expired(clock: Clock, ago: u64) -> Reach {
    failed(FailureKind::Dates(CertificateDates::Expired { clock: clock.now, until: clock.now - ago }))
}

fn early(clock: Clock) -> Reach {
    failed(FailureKind::Dates(CertificateDates::NotYetValid { clock: clock.now, from: clock.now + 1 }))
}

fn measured(milliseconds: u64, rate: f64) -> Measurement {
    let round_trips = vec![Duration::from_millis(milliseconds); 10];
    let end = MeasurementEnd::Complete;
    Measurement { round_trips, up: Some(rate), down: Some(2.0 * rate), received: 262_144, end }
}

fn answers(milliseconds: u64, rate: f64) -> Reach {
    Reach::Answers(Some(measured(milliseconds, rate)))
}

fn unfinished() -> Reach {
    let end = MeasurementEnd::OutOfTime;
    Reach::Answers(Some(Measurement { up: None, down: None, received: 0, end, ..measured(90, 1.0) }))
}

fn verdict(network: &Network, reach: &Reach) -> Verdict {
    Verdict::of(&NetworkState::Known(network.clone()), reach, NOW)
}

#[test]
fn the_code_for_what_is_known() {
    use FailureKind::{
        Changed, Down, Elsewhere, Misconfigured, Proxy, ProxySilence, Refused, Silence, Unclear,
    };
    let portal = wired(Connectivity::Portal);
    let limited = wired(Connectivity::Limited);
    let no_address = Network { without_address: Some("eth0".into()), ..unplugged() };
    let connecting = Network { state: ManagerState::Connecting, ..unplugged() };
    let unmanaged = Network { manages: false, ..unplugged() };
    let local = Network { state: ManagerState::Local, ..unplugged() };
    let weak_and_limited = Network { connectivity: Connectivity::Limited, ..wifi(10) };
    for (number, network, reach) in [
        // The relay answers.
        (0, cable(), answers(20, 50.0)),
        (0, cable(), answers(500, 1.0)),
        (0, cable(), Reach::Answers(None)),
        (0, unplugged(), answers(20, 50.0)),
        (0, portal.clone(), answers(20, 50.0)),
        (0, limited.clone(), Reach::Answers(None)),
        (0, wifi(5), answers(20, 50.0)),
        (10, cable(), answers(501, 50.0)),
        (10, cable(), answers(20, 0.9)),
        (10, wifi(80), unfinished()),
        (9, wifi(30), unfinished()),
        (9, wifi(20), answers(20, 0.5)),
        (10, unplugged(), unfinished()),
        // Something answers in its place.
        (3, portal.clone(), failed(Changed)),
        (3, portal.clone(), failed(Refused)),
        (5, cable(), failed(Proxy)),
        (5, unplugged(), failed(Proxy)),
        (5, cable(), failed(ProxySilence)),
        (1, unplugged(), failed(ProxySilence)),
        (6, limited.clone(), failed(Refused)),
        (8, cable(), failed(Changed)),
        (8, limited.clone(), failed(Changed)),
        (11, cable(), failed(Misconfigured)),
        (12, limited.clone(), failed(Unclear)),
        (13, cable(), failed(Down)),
        (14, cable(), failed(Elsewhere)),
        (3, portal.clone(), failed(Elsewhere)),
        (3, portal.clone(), failed(Unclear)),
        // Nothing answers, or the relay was not asked.
        (1, unplugged(), failed(Silence)),
        (1, unplugged(), Reach::Unasked),
        (1, connecting, Reach::Unasked),
        (2, no_address.clone(), failed(Silence)),
        (2, no_address, Reach::Unasked),
        (3, portal.clone(), failed(Silence)),
        (3, portal, Reach::Unasked),
        (4, limited.clone(), failed(Silence)),
        (4, limited, Reach::Unasked),
        (4, local, failed(Silence)),
        (6, cable(), failed(Silence)),
        (6, unmanaged.clone(), failed(Silence)),
        (0, unmanaged, Reach::Unasked),
        (0, cable(), Reach::Unasked),
        (0, wifi(31), Reach::Unasked),
        (9, wifi(30), Reach::Unasked),
        (9, wifi(30), failed(Silence)),
        (9, weak_and_limited, failed(Silence)),
        (6, hotspot(), failed(Silence)),
    ] {
        let verdict = verdict(&network, &reach);
        assert_eq!(verdict.code.number(), number, "{network:?} {reach:?}: {verdict}");
    }
}

#[test]
fn a_clock_is_wrong_only_if_the_certificate_is_not() {
    let unset = Clock { synchronised: false, ..NOW };
    let dead_battery = Clock { now: 1_000, synchronised: false };
    let ahead = Clock { now: NOW.now + 30 * YEAR, synchronised: true };
    for (number, clock, reach) in [
        (7, dead_battery, early(dead_battery)),
        (7, NOW, early(NOW)),
        (7, ahead, expired(ahead, 5 * YEAR)),
        (7, unset, expired(unset, YEAR + 1)),
        (11, unset, expired(unset, YEAR)),
        (11, NOW, expired(NOW, 5 * YEAR)),
    ] {
        for state in [NetworkState::Known(cable()), NetworkState::NotRunning] {
            let verdict = Verdict::of(&state, &reach, clock);
            assert_eq!(verdict.code.number(), number, "{clock:?} {reach:?}: {verdict}");
        }
    }
    let verdict = Verdict::of(&NetworkState::NotRunning, &early(dead_battery), dead_battery);
    assert!(sentence(&verdict).contains("it says 1970-01-01 00:16 UTC"), "{verdict}");
    assert!(verdict.engineer.contains("which cannot be"), "{}", verdict.engineer);
}

#[test]
fn without_networkmanager_the_relay_alone_decides() {
    for state in [
        NetworkState::Unasked,
        NetworkState::NoBus("no such file".into()),
        NetworkState::NotRunning,
        NetworkState::Silent("timed out".into()),
    ] {
        for (number, reach) in [
            (0, Reach::Unasked),
            (0, answers(20, 50.0)),
            (10, unfinished()),
            (6, failed(FailureKind::Silence)),
            (8, failed(FailureKind::Changed)),
        ] {
            let verdict = Verdict::of(&state, &reach, NOW);
            assert_eq!(verdict.code.number(), number, "{state:?} {reach:?}: {verdict}");
            assert!(verdict.engineer.contains("unknown"), "{}", verdict.engineer);
        }
    }
}

#[test]
fn the_client_reads_what_it_is_connected_to() {
    for (network, expected) in [
        (cable(), "Connected by cable: good for a session."),
        (wifi(70), "Connected by Wi-Fi “Hall 3”: good for a session."),
        (hotspot(), "Connected by a phone's hotspot “Hall 3” (metered): good for a session."),
        (unplugged(), "Connected: good for a session."),
    ] {
        assert_eq!(sentence(&verdict(&network, &answers(20, 50.0))), expected);
    }
    let asked_nobody = sentence(&verdict(&cable(), &Reach::Unasked));
    assert_eq!(asked_nobody, "Connected by cable; the support service has not been asked yet.");
    let weak = sentence(&verdict(&wifi(17), &unfinished()));
    assert!(weak.starts_with("The Wi-Fi signal is too weak (20 %)."), "{weak}");
    let slow = sentence(&verdict(&hotspot(), &answers(700, 0.25)));
    assert!(slow.contains("(700 ms, 0.2 Mbit/s)") && slow.contains("another phone's hotspot"), "{slow}");
    let slower = sentence(&verdict(&cable(), &unfinished()));
    assert!(slower.contains("(90 ms, less than 0.4 Mbit/s)"), "{slower}");
}

fn any_network() -> impl Strategy<Value = Network> {
    let kind = prop_oneof![
        Just(Kind::Cable),
        Just(Kind::Mobile),
        Just(Kind::Bluetooth),
        ".{0,8}".prop_map(Kind::Other),
        (prop::option::of(".{0,8}"), prop::option::of(any::<u8>()))
            .prop_map(|(ssid, strength)| Kind::Wifi { ssid, strength }),
    ];
    let primary = kind.prop_map(|kind| Primary { interface: "x".into(), kind, addresses: BTreeSet::new() });
    let numbers = (0u32..80, 0u32..6);
    let flags = (any::<bool>(), any::<bool>(), any::<bool>());
    (numbers, prop::option::of(primary), flags).prop_map(|((state, connectivity), primary, flags)| Network {
        state: ManagerState::from_number(state / 10 * 10),
        connectivity: Connectivity::from_number(connectivity),
        metered: flags.0,
        primary,
        second: flags.0.then(|| "y".into()),
        without_address: flags.1.then(|| "x".into()),
        manages: flags.2,
    })
}

fn any_state() -> impl Strategy<Value = NetworkState> {
    prop_oneof![
        Just(NetworkState::Unasked),
        Just(NetworkState::NotRunning),
        ".{0,8}".prop_map(NetworkState::Silent),
        ".{0,8}".prop_map(NetworkState::NoBus),
        any_network().prop_map(NetworkState::Known),
    ]
}

fn any_measurement() -> impl Strategy<Value = Measurement> {
    let rate = || prop::option::of(prop_oneof![0.0..100.0, any::<f64>()]);
    let end = prop_oneof![
        Just(MeasurementEnd::Complete),
        Just(MeasurementEnd::OutOfTime),
        ".{0,8}".prop_map(MeasurementEnd::Cut)
    ];
    (prop::collection::vec(0u64..100_000, 0..12), rate(), rate(), any::<usize>(), end).prop_map(
        |(times, up, down, received, end)| {
            let round_trips = times.into_iter().map(Duration::from_millis).collect();
            Measurement { round_trips, up, down, received, end }
        },
    )
}

fn any_reach() -> impl Strategy<Value = Reach> {
    let dates = (any::<bool>(), any::<u64>(), any::<u64>()).prop_map(|(late, clock, bound)| match late {
        true => CertificateDates::Expired { clock, until: bound },
        false => CertificateDates::NotYetValid { clock, from: bound },
    });
    let kind = prop_oneof![
        Just(FailureKind::Silence),
        Just(FailureKind::Proxy),
        Just(FailureKind::ProxySilence),
        Just(FailureKind::Changed),
        Just(FailureKind::Refused),
        Just(FailureKind::Unclear),
        Just(FailureKind::Misconfigured),
        Just(FailureKind::Down),
        Just(FailureKind::Elsewhere),
        dates.prop_map(FailureKind::Dates),
    ];
    prop_oneof![
        Just(Reach::Unasked),
        (kind, ".{0,8}").prop_map(|(kind, detail)| Reach::Failed(Failure { kind, detail })),
        prop::option::of(any_measurement()).prop_map(Reach::Answers),
    ]
}

proptest! {
    #[test]
    fn there_is_always_a_verdict_with_a_next_step(
        state in any_state(), reach in any_reach(), now in 0u64..10_000_000_000, synchronised: bool,
    ) {
        let verdict = Verdict::of(&state, &reach, Clock { now, synchronised });
        let number = verdict.code.number();
        prop_assert!(Code::ALL.contains(&verdict.code));
        prop_assert!(!verdict.engineer.is_empty());
        if (11..=13).contains(&number) {
            prop_assert!(sentence(&verdict).ends_with("tell your support contact.") || sentence(&verdict).ends_with("Tell your support contact."), "{}", verdict);
        } else if number >= 4 {
            prop_assert!(sentence(&verdict).ends_with("phone's hotspot."), "{}", verdict);
            prop_assert!(sentence(&verdict).contains("try a"), "{}", verdict);
        } else if number >= 1 {
            let next = ["Settings.", "sign in."];
            prop_assert!(next.iter().any(|end| sentence(&verdict).ends_with(end)), "{}", verdict);
        }
    }

    #[test]
    fn a_relay_that_answers_is_believed(state in any_state(), measurement in prop::option::of(any_measurement())) {
        let is_well = measurement.as_ref().is_none_or(is_good);
        let code = Verdict::of(&state, &Reach::Answers(measurement), NOW).code;
        match is_well {
            true => prop_assert_eq!(code, Code::N0),
            false => prop_assert!(matches!(code, Code::N9 | Code::N10)),
        }
    }
}
