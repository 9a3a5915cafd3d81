//! The words of a verdict.

use std::fmt::Write;

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
pub(super) fn for_client(code: Code, state: &NetworkState, reach: &Reach, clock: Clock) -> String {
    let network = state.known();
    match code {
        Code::N0 => good(network, reach),
        Code::N1 => "No network. Plug in a network cable (best) or choose a Wi-Fi in Settings.".into(),
        Code::N2 => "The network gives this device no address. Wait half a minute; if nothing changes, \
                     unplug the cable and plug it in again, or choose another Wi-Fi in Settings."
            .into(),
        Code::N3 => {
            "This network wants you to sign in first. Open the browser on this device and sign in.".into()
        }
        Code::N4 => "Connected to the network, but not to the internet. Ask whoever looks after the \
                     network, or try a phone's hotspot."
            .into(),
        Code::N5 => "The proxy of this network refuses the connection or does not answer. Ask whoever looks after the \
                     network, or try a phone's hotspot."
            .into(),
        Code::N6 => "The support service cannot be reached. Tell your support contact, or try a phone's \
                     hotspot."
            .into(),
        Code::N7 => format!(
            "This device's clock is wrong (it says {}), so the secure connection fails. Set the date and \
             time in Settings, or try a phone's hotspot.",
            minute(clock.now)
        ),
        Code::N8 => "This network does not let the secure connection through unchanged. Use another \
                     network, or try a phone's hotspot."
            .into(),
        Code::N9 => format!(
            "The Wi-Fi signal is too weak ({} %). Move closer to the Wi-Fi, plug in a network cable, or \
             try a phone's hotspot.",
            rounded_strength(network)
        ),
        Code::N10 => format!(
            "Connected, but slow or unstable ({}). Use a network cable, or try {} phone's hotspot.",
            figures(reach),
            if is_hotspot(network) { "another" } else { "a" }
        ),
        Code::N11 => "The support service cannot prove who it is: something is not set up well there, not at your \
                      end. Another network will not help. Tell your support contact."
            .into(),
        Code::N12 => "It cannot be checked whether the connection is safe. Try a phone's hotspot: if it works there, \
                      the network here interferes. If it does not, tell your support contact."
            .into(),
        Code::N13 => "The support service is not running at the moment. Try again in a few minutes. If nothing \
                      changes, tell your support contact."
            .into(),
        Code::N14 => "Something else answers in place of the support service. Tell your support contact, or try a \
                      phone's hotspot."
            .into(),
    }
}

fn good(network: Option<&Network>, reach: &Reach) -> String {
    let how = match network.and_then(|network| Some((network, network.primary.as_ref()?))) {
        Some((network, primary)) => {
            let metered = if network.metered { " (metered)" } else { "" };
            match (&primary.kind, network.metered) {
                (Kind::Cable, _) => format!("Connected by cable{metered}"),
                (Kind::Wifi { ssid, .. }, false) => format!("Connected by Wi-Fi{}", quoted(ssid.as_deref())),
                (Kind::Wifi { ssid, .. }, true) => {
                    format!("Connected by a phone's hotspot{}{metered}", quoted(ssid.as_deref()))
                }
                (Kind::Mobile, _) => format!("Connected by mobile network{metered}"),
                (Kind::Bluetooth, _) => format!("Connected by a phone over Bluetooth{metered}"),
                (Kind::Other(_), _) => format!("Connected{metered}"),
            }
        }
        None if matches!(reach, Reach::Unasked) => {
            return "Not checked yet.".into();
        }
        None => "Connected".into(),
    };
    match reach {
        Reach::Unasked => format!("{how}; the support service has not been asked yet."),
        Reach::Failed(_) | Reach::Answers(_) => format!("{how}: good for a session."),
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

/// As `22 November 2026, 18:37 UTC` would be, in an order that everyone reads.
fn minute(unix: u64) -> String {
    let stamp = timestamp::utc(unix);
    match (stamp.split_once('T'), stamp.rfind(':')) {
        (Some((date, _)), Some(end)) => format!("{date} {} UTC", &stamp[date.len() + 1..end]),
        _ => stamp,
    }
}

fn figures(reach: &Reach) -> String {
    let Reach::Answers(Some(measurement)) = reach else { return "not measured".into() };
    let median = measurement.median().map(|median| format!("{} ms", median.as_millis()));
    let bound = if measurement.up.is_none() { "less than " } else { "" };
    let rate = measurement.slowest().map(|rate| format!("{bound}{rate:.1} Mbit/s"));
    match (median, rate) {
        (Some(median), Some(rate)) => format!("{median}, {rate}"),
        (Some(median), None) => format!("{median}, then it was cut off"),
        (None, _) => "no answer in time".into(),
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
