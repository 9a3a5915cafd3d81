//! The words of a verdict.

use std::fmt::Write;

use fieldlink_device::network_notice::{NetworkKind, NetworkNotice};
use fieldlink_protocol::text;
use fieldlink_protocol::timestamp;
use fieldlink_transport::{Measurement, MeasurementEnd};

use super::super::clock::Clock;
use super::super::reach::Reach;
use super::super::state::{Kind, Network, NetworkState};
use super::Code;

/// Several addresses may each have a problem, in characters.
const DETAIL: usize = 1_000;

/// What the client reads. From N1 on it ends with what to do next.
pub(super) fn for_client(code: Code, state: &NetworkState, reach: &Reach, clock: Clock) -> NetworkNotice {
    let network = state.known();
    match code {
        Code::N0 => good(network, reach),
        Code::N1 => NetworkNotice::N1,
        Code::N2 => NetworkNotice::N2,
        Code::N3 => NetworkNotice::N3,
        Code::N4 => NetworkNotice::N4,
        Code::N5 => NetworkNotice::N5,
        Code::N6 => NetworkNotice::N6,
        Code::N7 => NetworkNotice::N7 { clock: minute(clock.now) },
        Code::N8 => NetworkNotice::N8,
        Code::N9 => NetworkNotice::N9 { percent: rounded_strength(network).into() },
        Code::N10 => slow(network, reach),
        Code::N11 => NetworkNotice::N11,
        Code::N12 => NetworkNotice::N12,
        Code::N13 => NetworkNotice::N13,
        Code::N14 => NetworkNotice::N14,
    }
}

fn good(network: Option<&Network>, reach: &Reach) -> NetworkNotice {
    let (kind, name, metered) = match network.and_then(|network| Some((network, network.primary.as_ref()?))) {
        Some((network, primary)) => {
            let (kind, name) = match (&primary.kind, network.metered) {
                (Kind::Cable, _) => (NetworkKind::Cable, None),
                (Kind::Wifi { ssid, .. }, false) => (NetworkKind::Wifi, ssid.clone()),
                (Kind::Wifi { ssid, .. }, true) => (NetworkKind::Hotspot, ssid.clone()),
                (Kind::Mobile, _) => (NetworkKind::Mobile, None),
                (Kind::Bluetooth, _) => (NetworkKind::Bluetooth, None),
                (Kind::Other(_), _) => (NetworkKind::Other, None),
            };
            (kind, name.map(|name| text::name(&name)), network.metered)
        }
        None if matches!(reach, Reach::Unasked) => return NetworkNotice::Unchecked,
        None => (NetworkKind::Other, None, false),
    };
    match reach {
        Reach::Unasked => NetworkNotice::NotAsked { kind, name, metered },
        Reach::Failed(_) | Reach::Answers(_) => NetworkNotice::N0 { kind, name, metered },
    }
}

fn slow(network: Option<&Network>, reach: &Reach) -> NetworkNotice {
    let measurement = match reach {
        Reach::Answers(Some(measurement)) => Some(measurement),
        _ => None,
    };
    let median = measurement.and_then(Measurement::median);
    NetworkNotice::N10 {
        milliseconds: median.map(|median| u64::try_from(median.as_millis()).unwrap_or(u64::MAX)),
        rate: measurement.and_then(Measurement::slowest).map(|rate| format!("{rate:.1}")),
        below: measurement.is_some_and(|measurement| measurement.up.is_none()),
        measured: measurement.is_some(),
        hotspot: is_hotspot(network),
    }
}

fn quoted(ssid: Option<&str>) -> String {
    ssid.map_or_else(String::new, |ssid| format!(" “{ssid}”"))
}

fn is_hotspot(network: Option<&Network>) -> bool {
    network.is_some_and(|network| network.metered)
}

/// To ten percent: what is shown should not change with every breath.
fn rounded_strength(network: Option<&Network>) -> u8 {
    let strength = network.and_then(|network| network.primary.as_ref()?.strength()).unwrap_or(0);
    strength.saturating_add(5) / 10 * 10
}

/// As `2026-11-22 18:37 UTC`, which reads the same in every language.
fn minute(unix: u64) -> String {
    let stamp = timestamp::utc(unix);
    match (stamp.split_once('T'), stamp.rfind(':')) {
        (Some((date, _)), Some(end)) => format!("{date} {} UTC", &stamp[date.len() + 1..end]),
        _ => stamp,
    }
}

/// What the engineer reads: everything that the verdict was concluded from.
pub(super) fn for_engineer(state: &NetworkState, reach: &Reach, clock: Clock) -> String {
    let mut line = format!("networkmanager: {}; relay: ", manager(state));
    // Writing to a string does not fail.
    let _ = match reach {
        Reach::Unasked => write!(line, "not asked"),
        Reach::Failed(failure) => write!(line, "{}", text::clean(&failure.detail, DETAIL)),
        Reach::Answers(None) => write!(line, "answers, not measured"),
        Reach::Answers(Some(measurement)) => write!(line, "answers, {}", measured(measurement)),
    };
    let source =
        if clock.synchronised { "set by a time server" } else { "not known to be set by a time server" };
    let doubt = if clock.is_plausible() { "" } else { ", which cannot be" };
    let _ = write!(line, "; clock: {}{doubt}, {source}", timestamp::utc(clock.now));
    line
}

/// NetworkManager's picture in one line.
pub(in crate::network) fn manager(state: &NetworkState) -> String {
    let network = match state {
        NetworkState::Unasked => return "not asked, so the kind of network is unknown".into(),
        NetworkState::NoBus(problem) => {
            return format!("unknown, no system bus ({})", text::sentence(problem));
        }
        NetworkState::NotRunning => return "not running, so the kind of network is unknown".into(),
        NetworkState::Silent(problem) => return format!("unknown, no answer ({})", text::sentence(problem)),
        NetworkState::Known(network) => network,
    };
    let mut line = format!("{:?}, connectivity {:?}", network.state, network.connectivity).to_lowercase();
    match &network.primary {
        Some(primary) => {
            let kind = match &primary.kind {
                Kind::Wifi { ssid, strength } => {
                    let strength = strength.map_or_else(String::new, |percent| format!(" {percent} %"));
                    format!("Wi-Fi{}{strength}", quoted(ssid.as_deref()))
                }
                Kind::Cable => "cable".into(),
                Kind::Mobile => "mobile".into(),
                Kind::Bluetooth => "bluetooth".into(),
                Kind::Other(kind) => kind.clone(),
            };
            let addresses: Vec<_> = primary.addresses.iter().map(ToString::to_string).collect();
            let _ = write!(line, ", {} ({kind}; {})", primary.interface, addresses.join(" "));
        }
        None => line.push_str(", no primary connection"),
    }
    if network.metered {
        line.push_str(", metered");
    }
    if let Some(interface) = &network.without_address {
        let _ = write!(line, ", {interface} has no address");
    }
    if !network.manages {
        line.push_str(", no interface managed");
    }
    line
}

/// A measurement in one line.
pub(in crate::network) fn measured(measurement: &Measurement) -> String {
    let milliseconds = |time: Option<std::time::Duration>| {
        time.map_or_else(|| "?".into(), |time| format!("{:.1} ms", time.as_secs_f64() * 1e3))
    };
    let rate = |rate: Option<f64>| rate.map_or_else(|| "?".into(), |rate| format!("{rate:.1} Mbit/s"));
    let end = match &measurement.end {
        MeasurementEnd::Complete => String::new(),
        MeasurementEnd::OutOfTime => {
            format!(", out of time after {} bytes down", measurement.received)
        }
        MeasurementEnd::Cut(problem) => format!(", cut off: {}", text::sentence(problem)),
    };
    format!(
        "{} round trips, median {}, jitter {}, up {}, down {}{end}",
        measurement.round_trips.len(),
        milliseconds(measurement.median()),
        milliseconds(measurement.jitter()),
        rate(measurement.up),
        rate(measurement.down)
    )
}
