//! One picture of NetworkManager: every property is asked for, everything it says is bounded.

use std::collections::{BTreeSet, HashMap, HashSet};
use std::net::IpAddr;

use fieldlink_protocol::text;
use zbus::proxy::CacheProperties;
use zbus::{Connection, OwnedObjectPath, OwnedVariant};

use super::proxies::{
    AccessPointProxy, ActiveConnectionProxy, DeviceProxy, Ip4ConfigProxy, Ip6ConfigProxy,
    NetworkManagerProxy, ROOT,
};
use crate::network::state::{Connectivity, Kind, ManagerState, Network, Primary};

/// Interfaces that are looked at; a scanner has two or three.
const DEVICES: usize = 16;
/// Addresses of one family that are kept.
const ADDRESSES: usize = 16;
/// Longest name of an interface or of a kind of connection.
const NAME_LENGTH: usize = 32;
/// An SSID has 32 bytes at most.
const SSID_LENGTH: usize = 32;

/// What was said, and the objects that it came from: a signal of one of them makes it out of date.
#[derive(Debug)]
pub(in super::super) struct Picture {
    pub(in super::super) network: Network,
    pub(in super::super) objects: HashSet<OwnedObjectPath>,
}

/// Takes a picture. Each question is bounded by the connection's time-out. A property that is not there
/// counts as unknown, an object that goes away meanwhile too: its signal is on the way.
pub(in super::super) async fn take(connection: &Connection) -> zbus::Result<Picture> {
    let mut camera = Camera { connection, objects: HashSet::new() };
    let network = camera.network().await?;
    Ok(Picture { network, objects: camera.objects })
}

struct Camera<'c> {
    connection: &'c Connection,
    objects: HashSet<OwnedObjectPath>,
}

/// Builds a proxy for an object and remembers the object.
macro_rules! proxy {
    ($camera:expr, $proxy:ident, $path:expr) => {{
        $camera.objects.insert($path.clone());
        $proxy::builder($camera.connection).cache_properties(CacheProperties::No).path($path.clone()).build()
    }};
}

impl Camera<'_> {
    async fn network(&mut self) -> zbus::Result<Network> {
        let root = OwnedObjectPath::try_from(ROOT)?;
        let manager: NetworkManagerProxy<'_> = proxy!(self, NetworkManagerProxy, root).await?;
        let state = known(manager.state().await)?.map_or(ManagerState::Unknown, ManagerState::from_number);
        let connectivity = known(manager.connectivity().await)?;
        let path = known(manager.primary_connection().await)?.filter(|path| path.as_str() != "/");
        let kind = known(manager.primary_connection_type().await)?.unwrap_or_default();
        // NM_METERED_YES, and GUESS_YES: what a phone says about itself.
        let metered = matches!(known(manager.metered().await)?, Some(1 | 3));
        let devices = known(manager.devices().await)?.unwrap_or_default();
        let (without_address, manages) = self.devices(&devices).await?;
        let primary = match &path {
            Some(path) => Some(self.primary(path, &kind).await?),
            None => None,
        };
        let others = known(manager.active_connections().await)?.unwrap_or_default();
        let second = match &primary {
            Some(primary) => self.second(&others, &primary.interface).await?,
            None => None,
        };
        Ok(Network {
            state,
            connectivity: connectivity.map_or(Connectivity::Unknown, Connectivity::from_number),
            metered,
            primary,
            second,
            without_address,
            manages,
        })
    }

    /// The first interface without an address, and whether any is managed.
    async fn devices(&mut self, paths: &[OwnedObjectPath]) -> zbus::Result<(Option<String>, bool)> {
        let (mut without_address, mut manages) = (None, false);
        for path in paths.iter().take(DEVICES) {
            let device: DeviceProxy<'_> = proxy!(self, DeviceProxy, path).await?;
            if !known(device.device_type().await)?.is_some_and(leads_outside) {
                self.objects.remove(path);
                continue;
            }
            let state = known(device.state().await)?.unwrap_or(0);
            let (_, reason) = known(device.state_reason().await)?.unwrap_or((0, 0));
            manages |= state > UNMANAGED;
            if without_address.is_none() && lacks_address(state, reason) {
                let interface = known(device.interface().await)?.unwrap_or_default();
                without_address = Some(text::clean(&interface, NAME_LENGTH));
            }
        }
        Ok((without_address, manages))
    }

    /// The first interface of `active` connections that leads out by itself, beside the `primary` one: that of a lidar
    /// has no gateway. None while there is a tunnel: a connection that goes past it is not what its owner wants.
    async fn second(&mut self, active: &[OwnedObjectPath], primary: &str) -> zbus::Result<Option<String>> {
        let mut second = None;
        for path in active.iter().take(DEVICES) {
            let active: ActiveConnectionProxy<'_> = proxy!(self, ActiveConnectionProxy, path).await?;
            let kind = known(active.kind().await)?.unwrap_or_default();
            if known(active.vpn().await)? == Some(true) || is_tunnel(&kind) {
                return Ok(None);
            }
            let Some(device) = known(active.devices().await)?.unwrap_or_default().into_iter().next() else {
                continue;
            };
            let device: DeviceProxy<'_> = proxy!(self, DeviceProxy, device).await?;
            let interface = known(device.interface().await)?.unwrap_or_default();
            if second.is_none()
                && interface != primary
                && known(active.state().await)? == Some(ACTIVATED)
                && known(device.device_type().await)?.is_some_and(leads_outside)
                && self.has_gateway(&active).await?
            {
                second = Some(text::clean(&interface, NAME_LENGTH));
            }
        }
        Ok(second)
    }

    async fn has_gateway(&mut self, active: &ActiveConnectionProxy<'_>) -> zbus::Result<bool> {
        if let Some(path) = known(active.ip4_config().await)?.filter(|path| path.as_str() != "/") {
            let config: Ip4ConfigProxy<'_> = proxy!(self, Ip4ConfigProxy, path).await?;
            if known(config.gateway().await)?.is_some_and(|gateway| !gateway.is_empty()) {
                return Ok(true);
            }
        }
        if let Some(path) = known(active.ip6_config().await)?.filter(|path| path.as_str() != "/") {
            let config: Ip6ConfigProxy<'_> = proxy!(self, Ip6ConfigProxy, path).await?;
            return Ok(known(config.gateway().await)?.is_some_and(|gateway| !gateway.is_empty()));
        }
        Ok(false)
    }

    async fn primary(&mut self, path: &OwnedObjectPath, kind: &str) -> zbus::Result<Primary> {
        let active: ActiveConnectionProxy<'_> = proxy!(self, ActiveConnectionProxy, path).await?;
        let device = known(active.devices().await)?.unwrap_or_default().into_iter().next();
        let interface = match &device {
            Some(path) => {
                let device: DeviceProxy<'_> = proxy!(self, DeviceProxy, path).await?;
                known(device.interface().await)?.unwrap_or_default()
            }
            None => String::new(),
        };
        let kind = match kind {
            "802-3-ethernet" => Kind::Cable,
            "802-11-wireless" => self.wifi(known(active.specific_object().await)?).await?,
            "gsm" | "cdma" => Kind::Mobile,
            "bluetooth" => Kind::Bluetooth,
            other => Kind::Other(text::clean(other, NAME_LENGTH)),
        };
        let mut addresses = BTreeSet::new();
        if let Some(path) = known(active.ip4_config().await)?.filter(|path| path.as_str() != "/") {
            let config: Ip4ConfigProxy<'_> = proxy!(self, Ip4ConfigProxy, path).await?;
            addresses.extend(read_addresses(known(config.address_data().await)?));
        }
        if let Some(path) = known(active.ip6_config().await)?.filter(|path| path.as_str() != "/") {
            let config: Ip6ConfigProxy<'_> = proxy!(self, Ip6ConfigProxy, path).await?;
            addresses.extend(read_addresses(known(config.address_data().await)?));
        }
        Ok(Primary { interface: text::clean(&interface, NAME_LENGTH), kind, addresses })
    }

    async fn wifi(&mut self, access_point: Option<OwnedObjectPath>) -> zbus::Result<Kind> {
        let Some(path) = access_point.filter(|path| path.as_str() != "/") else {
            return Ok(Kind::Wifi { ssid: None, strength: None });
        };
        let access_point: AccessPointProxy<'_> = proxy!(self, AccessPointProxy, path).await?;
        let ssid = known(access_point.ssid().await)?.and_then(|bytes| readable_ssid(&bytes));
        let strength = known(access_point.strength().await)?.map(|percent| percent.min(100));
        Ok(Kind::Wifi { ssid, strength })
    }
}

/// `NM_DEVICE_STATE_UNMANAGED`.
const UNMANAGED: u32 = 10;
/// `NM_ACTIVE_CONNECTION_STATE_ACTIVATED`.
const ACTIVATED: u32 = 2;

/// `None` for what NetworkManager does not have; only silence and a lost bus are errors.
fn known<T>(answer: zbus::Result<T>) -> zbus::Result<Option<T>> {
    match answer {
        Ok(value) => Ok(Some(value)),
        Err(error @ zbus::Error::InputOutput(_)) => Err(error),
        Err(error) => {
            tracing::trace!(%error, "NetworkManager does not say");
            Ok(None)
        }
    }
}

/// Ethernet, Wi-Fi, Bluetooth, modem, bond, VLAN, team, veth: not loopback, bridges of containers, tunnels.
fn leads_outside(device_type: u32) -> bool {
    matches!(device_type, 1 | 2 | 5 | 8 | 10 | 11 | 15 | 20)
}

/// What a connection is that goes through another one, in NetworkManager's words.
fn is_tunnel(kind: &str) -> bool {
    matches!(kind, "vpn" | "wireguard" | "tun" | "ip-tunnel" | "macsec" | "vxlan")
}

/// `state` and `reason` in NetworkManager's numbers: an address is being asked for, or none was given.
fn lacks_address(state: u32, reason: u32) -> bool {
    match state {
        // IP_CONFIG, IP_CHECK
        70 | 80 => true,
        // DISCONNECTED, FAILED, because of IP_CONFIG_UNAVAILABLE, _EXPIRED, DHCP_START_FAILED, _ERROR, _FAILED
        30 | 120 => matches!(reason, 5 | 6 | 15..=17),
        _ => false,
    }
}

/// An SSID is up to 32 bytes, which any access point nearby may choose, also a hostile one.
fn readable_ssid(bytes: &[u8]) -> Option<String> {
    let bytes = &bytes[..bytes.len().min(SSID_LENGTH)];
    let name = text::clean(&String::from_utf8_lossy(bytes), SSID_LENGTH);
    (!name.trim().is_empty()).then_some(name)
}

fn read_addresses(data: Option<Vec<HashMap<String, OwnedVariant>>>) -> Vec<IpAddr> {
    let address = |entry: HashMap<String, OwnedVariant>| {
        let text: &str = entry.get("address")?.downcast_ref().ok()?;
        text.parse().ok()
    };
    data.unwrap_or_default().into_iter().filter_map(address).take(ADDRESSES).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_ssid_is_shown_without_what_could_harm() {
        assert_eq!(readable_ssid("Café".as_bytes()).as_deref(), Some("Café"));
        assert_eq!(readable_ssid(b"a\x1b[2J\xff\n").as_deref(), Some("a\u{fffd}[2J\u{fffd}\u{fffd}"));
        assert_eq!(readable_ssid(b""), None);
        assert_eq!(readable_ssid(&[b'x'; 1_000]).map(|name| name.len()), Some(32));
    }

    #[test]
    fn only_interfaces_that_ask_in_vain_lack_an_address() {
        for (state, reason, lacks) in
            [(100, 0, false), (70, 0, true), (120, 17, true), (30, 5, true), (30, 40, false), (20, 0, false)]
        {
            assert_eq!(lacks_address(state, reason), lacks, "{state} {reason}");
        }
    }
}
