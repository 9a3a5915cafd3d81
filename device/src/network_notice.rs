//! How good the network is, for the person beside the device. It travels as messages do ([`notice`](crate::notice)).

use serde::{Deserialize, Serialize};

/// By what this device is connected.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkKind {
    /// A cable.
    Cable,
    /// A Wi-Fi.
    Wifi,
    /// A phone's hotspot.
    Hotspot,
    /// A mobile network.
    Mobile,
    /// A phone over Bluetooth.
    Bluetooth,
    /// Another kind, or one that the agent does not know.
    Other,
}

/// How good the network is: N0 to N14, or nothing yet.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "code")]
pub enum NetworkNotice {
    /// The agent has not checked the network yet.
    #[default]
    #[serde(rename = "")]
    Unchecked,
    /// Connected; the relay has not been asked yet, so the client must not read out "N0" yet.
    #[serde(rename = "connected")]
    NotAsked {
        /// The kind of connection.
        kind: NetworkKind,
        /// The name of the Wi-Fi (SSID), cleaned.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether NetworkManager takes data for metered.
        metered: bool,
    },
    /// Good.
    N0 {
        /// The kind of connection.
        kind: NetworkKind,
        /// The name of the Wi-Fi (SSID), cleaned.
        #[serde(skip_serializing_if = "Option::is_none")]
        name: Option<String>,
        /// Whether NetworkManager takes data for metered.
        metered: bool,
    },
    /// Not connected to a network.
    N1,
    /// Connected, but the network gives no address.
    N2,
    /// A captive portal wants a sign-in first.
    N3,
    /// The network does not lead to the internet.
    N4,
    /// The proxy refuses the connection, or does not answer.
    N5,
    /// The relay cannot be reached.
    N6,
    /// The clock is wrong.
    N7 {
        /// Date, hour and minute that the clock shows, in UTC.
        clock: String,
    },
    /// The secure connection is changed on its way.
    N8,
    /// The Wi-Fi is too weak.
    N9 {
        /// Strength of its signal, rounded to ten percent.
        percent: u64,
    },
    /// Slow or unstable.
    N10 {
        /// The median round trip; none if nothing answered, or nothing was measured.
        #[serde(skip_serializing_if = "Option::is_none")]
        milliseconds: Option<u64>,
        /// The slower direction, in Mbit/s with one decimal; none if it was cut off before.
        #[serde(skip_serializing_if = "Option::is_none")]
        rate: Option<String>,
        /// Whether the real rate is less than `rate`.
        below: bool,
        /// Whether there was a measurement.
        measured: bool,
        /// Whether it is a hotspot already.
        hotspot: bool,
    },
    /// The relay's certificate is not in order: expired, say.
    N11,
    /// It cannot be told whether something reads along, or the relay is not set up well.
    N12,
    /// What stands before the relay answers, but the relay does not run.
    N13,
    /// Another service answers at the relay's address.
    N14,
    /// A code that this version does not know.
    #[serde(other, rename = "unknown")]
    Unknown,
}

impl NetworkNotice {
    /// The code that is read out over the phone; empty if there is none (yet).
    pub fn code(&self) -> &'static str {
        match self {
            Self::Unchecked | Self::NotAsked { .. } | Self::Unknown => "",
            Self::N0 { .. } => "N0",
            Self::N1 => "N1",
            Self::N2 => "N2",
            Self::N3 => "N3",
            Self::N4 => "N4",
            Self::N5 => "N5",
            Self::N6 => "N6",
            Self::N7 { .. } => "N7",
            Self::N8 => "N8",
            Self::N9 { .. } => "N9",
            Self::N10 { .. } => "N10",
            Self::N11 => "N11",
            Self::N12 => "N12",
            Self::N13 => "N13",
            Self::N14 => "N14",
        }
    }
}
