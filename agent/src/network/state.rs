//! What NetworkManager says about the network. Pure: it is read by [`watcher`](super::watcher).

use std::collections::BTreeSet;
use std::net::IpAddr;

use fieldlink_transport::Interfaces;
use serde::Serialize;

/// What is known of the network, and if nothing, why.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum NetworkState {
    /// Not asked yet.
    Unasked,
    /// There is no system bus, or it is gone.
    NoBus(String),
    /// NetworkManager is not on the bus.
    NotRunning,
    /// NetworkManager is there but does not answer.
    Silent(String),
    /// What NetworkManager says.
    Known(Network),
}

/// NetworkManager's picture of the network.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Network {
    /// Overall.
    pub state: ManagerState,
    /// How far it leads.
    pub connectivity: Connectivity,
    /// Whether traffic costs money, as far as NetworkManager knows or guesses. Phones say so.
    pub metered: bool,
    /// The connection with the default route.
    pub primary: Option<Primary>,
    /// Another interface that leads out by itself, if there is one beside the primary connection's.
    pub second: Option<String>,
    /// The interface that waits for an address, or was not given one.
    pub without_address: Option<String>,
    /// Whether NetworkManager looks after any interface at all.
    pub manages: bool,
}

/// NetworkManager's `State`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum ManagerState {
    /// It does not know, or says what we do not know.
    Unknown,
    /// Networking is switched off.
    Asleep,
    /// No connection.
    Disconnected,
    /// The last connection is going down.
    Disconnecting,
    /// A first connection is coming up.
    Connecting,
    /// Connected, without a default route.
    Local,
    /// Connected, perhaps not to the internet.
    Site,
    /// Connected to the internet.
    Global,
}

/// NetworkManager's `Connectivity`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Connectivity {
    /// Not checked.
    Unknown,
    /// Nothing is connected.
    None,
    /// The network wants the user to sign in first.
    Portal,
    /// Connected, but not to the internet.
    Limited,
    /// The internet answers.
    Full,
}

/// The connection with the default route.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Primary {
    /// The interface's name, cleaned; empty if it is unknown.
    pub interface: String,
    /// What kind of network it is.
    pub kind: Kind,
    /// The interface's IPv4 and IPv6 addresses.
    pub addresses: BTreeSet<IpAddr>,
}

/// What carries a connection, as NetworkManager tells it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// Ethernet.
    Cable,
    /// Wi-Fi.
    Wifi {
        /// The network's name, made fit to show; `None` if it is hidden or unknown.
        ssid: Option<String>,
        /// From 0 to 100.
        strength: Option<u8>,
    },
    /// A modem of its own.
    Mobile,
    /// A phone over Bluetooth.
    Bluetooth,
    /// Something else, in NetworkManager's words.
    Other(String),
}

impl ManagerState {
    /// From the number on the bus.
    pub fn from_number(number: u32) -> Self {
        match number {
            10 => Self::Asleep,
            20 => Self::Disconnected,
            30 => Self::Disconnecting,
            40 => Self::Connecting,
            50 => Self::Local,
            60 => Self::Site,
            70 => Self::Global,
            _ => Self::Unknown,
        }
    }
}

impl Connectivity {
    /// From the number on the bus.
    pub fn from_number(number: u32) -> Self {
        match number {
            1 => Self::None,
            2 => Self::Portal,
            3 => Self::Limited,
            4 => Self::Full,
            _ => Self::Unknown,
        }
    }
}

impl NetworkState {
    /// What connections have to know of it, if NetworkManager says something.
    pub fn interfaces(&self) -> Option<Interfaces> {
        let network = self.known()?;
        let named = |name: &str| (!name.is_empty()).then(|| name.into());
        let primary = network.primary.as_ref().and_then(|primary| named(&primary.interface));
        Some(Interfaces { primary, second: network.second.as_deref().and_then(named) })
    }

    /// What NetworkManager says, if it says something.
    pub fn known(&self) -> Option<&Network> {
        match self {
            Self::Known(network) => Some(network),
            _ => None,
        }
    }
}

impl Primary {
    /// The Wi-Fi's signal, if it is one and the signal is known.
    pub fn strength(&self) -> Option<u8> {
        match self.kind {
            Kind::Wifi { strength, .. } => strength,
            _ => None,
        }
    }

    /// Whether bytes would take the same way as over `other`: what a signal's strength is does not
    /// count, and neither does a further address.
    fn is_same_way_as(&self, other: &Self) -> bool {
        let same_network = match (&self.kind, &other.kind) {
            (Kind::Wifi { ssid: a, .. }, Kind::Wifi { ssid: b, .. }) => a == b,
            (a, b) => a == b,
        };
        same_network && self.interface == other.interface && other.addresses.is_subset(&self.addresses)
    }
}

/// Notices when connections have to be made anew because the way to the relay is another one.
///
/// That is so when the primary connection is another one, when an address of it is gone, and when there
/// is one again after there was none. NetworkManager's own absence says nothing: the kernel's routes
/// outlive it.
#[derive(Debug, Default)]
pub struct Whereabouts {
    last: Option<Primary>,
    was_away: bool,
}

impl Whereabouts {
    /// True if `state` is another way than the one before. The first state is compared with nothing.
    pub fn has_moved(&mut self, state: &NetworkState) -> bool {
        let Some(network) = state.known() else { return false };
        let Some(primary) = &network.primary else {
            self.was_away = true;
            return false;
        };
        let was_away = std::mem::take(&mut self.was_away);
        let before = self.last.replace(primary.clone());
        was_away || before.is_some_and(|before| !primary.is_same_way_as(&before))
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    pub(in super::super) fn primary(interface: &str, kind: Kind, addresses: &[&str]) -> Primary {
        let addresses = addresses.iter().map(|text| text.parse().expect("an address")).collect();
        Primary { interface: interface.into(), kind, addresses }
    }

    pub(in super::super) fn network(primary: Option<Primary>) -> Network {
        let (state, connectivity) = match &primary {
            Some(_) => (ManagerState::Global, Connectivity::Full),
            None => (ManagerState::Disconnected, Connectivity::None),
        };
        Network {
            state,
            connectivity,
            metered: false,
            primary,
            second: None,
            without_address: None,
            manages: true,
        }
    }

    fn with(primary: Option<Primary>) -> NetworkState {
        NetworkState::Known(network(primary))
    }

    #[test]
    fn another_way_is_another_network_interface_or_a_lost_address() {
        let cable = |addresses: &[&str]| with(Some(primary("eth0", Kind::Cable, addresses)));
        let wifi = |ssid: &str, strength| {
            let kind = Kind::Wifi { ssid: Some(ssid.into()), strength: Some(strength) };
            with(Some(primary("wlan0", kind, &["192.0.2.7"])))
        };
        let mut whereabouts = Whereabouts::default();
        for (state, moved) in [
            (NetworkState::Unasked, false),
            (cable(&["192.0.2.1"]), false),
            (cable(&["192.0.2.1", "2001:db8::1"]), false),
            (cable(&["192.0.2.2", "2001:db8::1"]), true),
            (wifi("a", 80), true),
            (wifi("a", 20), false),
            (wifi("b", 20), true),
            (with(None), false),
            (NetworkState::NotRunning, false),
            (wifi("b", 20), true),
            (NetworkState::NotRunning, false),
            (wifi("b", 30), false),
            (NetworkState::NoBus("gone".into()), false),
            (cable(&["192.0.2.2"]), true),
        ] {
            assert_eq!(whereabouts.has_moved(&state), moved, "{state:?}");
        }
    }

    #[test]
    fn numbers_of_a_later_version_are_unknown() {
        assert_eq!(ManagerState::from_number(71), ManagerState::Unknown);
        assert_eq!(Connectivity::from_number(5), Connectivity::Unknown);
        assert_eq!(ManagerState::from_number(70), ManagerState::Global);
        assert_eq!(Connectivity::from_number(2), Connectivity::Portal);
    }
}
