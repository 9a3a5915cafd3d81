//! Hosts that are reached without the proxy, as `no_proxy` names them.

use std::net::IpAddr;

/// A list as curl and others read it from `no_proxy`: separated by commas or spaces, each entry a name
/// (for itself and everything below it; a leading dot changes nothing), an address, a range such as
/// `10.0.0.0/8`, or `*` for everything; with `:port`, for that port only. What cannot be understood
/// matches nothing.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct NoProxy(Vec<Entry>);

#[derive(Debug, Clone, PartialEq, Eq)]
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Hosts {
    All,
    /// In lower case, without dots around it.
    Below(String),
    /// An address, and how many of its bits count.
    Range(IpAddr, u8),
}

impl NoProxy {
    /// Reads a list.
    pub fn parse(list: &str) -> Self {
        let entries = list.split([',', ' ', '\t', '\n']).map(str::trim).filter(|entry| !entry.is_empty());
        Self(entries.filter_map(Entry::parse).collect())
    }

    /// Whether `host` is to be reached directly. Names are not looked up: a range matches addresses only.
    pub fn matches(&self, host: &str, port: u16) -> bool {
        let host = host.trim_end_matches('.').to_ascii_lowercase();
        let address = host.parse().ok();
        self.0.iter().any(|entry| {
            entry.port.is_none_or(|wanted| wanted == port) && entry.hosts.contain(&host, address)
        })
    }
}

impl Entry {
    fn parse(text: &str) -> Option<Self> {
        if let Some(hosts) = Hosts::parse(text) {
            return Some(Self { hosts, port: None });
        }
        let (host, port) = text.rsplit_once(':')?;
        Some(Self { hosts: Hosts::parse(host)?, port: Some(port.parse().ok()?) })
    }
}

impl Hosts {
    fn parse(text: &str) -> Option<Self> {
        if text == "*" {
            return Some(Self::All);
        }
        let plain = text.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')).unwrap_or(text);
        if let Ok(address) = plain.parse::<IpAddr>() {
            return Some(Self::Range(address, bits(address)));
        }
        if let Some((address, length)) = plain.split_once('/') {
            let (address, length) = (address.parse().ok()?, length.parse().ok()?);
            return (length <= bits(address)).then_some(Self::Range(address, length));
        }
        let name = text.strip_prefix('*').unwrap_or(text).trim_matches('.').to_ascii_lowercase();
        let is_name = !name.is_empty() && !name.contains([':', '*', '[', ']']);
        is_name.then_some(Self::Below(name))
    }

    fn contain(&self, host: &str, address: Option<IpAddr>) -> bool {
        match (self, address) {
            (Self::All, _) => true,
            (Self::Below(name), None) => host
                .strip_suffix(name.as_str())
                .is_some_and(|before| before.is_empty() || before.ends_with('.')),
            (Self::Range(range, length), Some(address)) => share_prefix(*range, address, *length),
            _ => false,
        }
    }
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

fn share_prefix(one: IpAddr, other: IpAddr, length: u8) -> bool {
    // As 128 bits from the left, whichever family: a shift by all of them leaves nothing to compare.
    let left_aligned = |address: IpAddr| match address {
        IpAddr::V4(v4) => u128::from(v4.to_bits()) << 96,
        IpAddr::V6(v6) => v6.to_bits(),
    };
    let differing = left_aligned(one) ^ left_aligned(other);
    one.is_ipv4() == other.is_ipv4() && differing.checked_shr(128 - u32::from(length)).unwrap_or(0) == 0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn reads_lists_as_other_programs_do() {
        for (list, host, expected) in [
            ("", "relay.example.com", false),
            ("*", "relay.example.com", true),
            ("example.com", "relay.example.com", true),
            ("example.com", "example.com", true),
            ("example.com", "badexample.com", false),
            (".example.com", "relay.example.com", true),
            (".Example.com", "RELAY.example.COM.", true),
            ("*.example.com", "relay.example.com", true),
            ("relay.example.com", "example.com", false),
            ("a, b\texample.com", "example.com", true),
            ("10.0.0.0/8", "10.200.1.2", true),
            ("10.0.0.0/8", "11.0.0.1", false),
            ("10.0.0.0/8", "10.example.com", false),
            ("0.0.0.0/0", "11.0.0.1", true),
            ("0.0.0.0/0", "::1", false),
            ("10.0.0.0/33", "10.0.0.1", false),
            ("127.0.0.1", "127.0.0.1", true),
            ("0.0.1", "127.0.0.1", false),
            ("fd00::/8", "fd12::1", true),
            ("::1", "::1", true),
            ("[::1]", "::1", true),
            ("[::1]:443", "::1", true),
            ("[::1]:444", "::1", false),
            ("example.com:443", "relay.example.com", true),
            ("example.com:8443", "relay.example.com", false),
            ("127.0.0.1:443", "127.0.0.1", true),
            ("::/x,:,.,*x*,example.com", "example.com", true),
        ] {
            assert_eq!(NoProxy::parse(list).matches(host, 443), expected, "{list:?} {host}");
        }
    }

    proptest! {
        #[test]
        fn no_list_panics_and_a_named_host_matches(list in ".*", host in "[a-z]{1,9}(\\.[a-z]{1,9}){0,3}") {
            let _ = NoProxy::parse(&list).matches(&host, 443);
            let extended = format!("{list},{host}");
            prop_assert!(NoProxy::parse(&extended).matches(&host, 443));
            let below = format!("relay.{host}");
            prop_assert!(NoProxy::parse(&extended).matches(&below, 443));
        }

        #[test]
        fn a_range_holds_what_shares_its_prefix(address: [u8; 4], other: [u8; 4], length in 0u8..=32) {
            let mask = u32::MAX.checked_shl(32 - u32::from(length)).unwrap_or(0);
            let same = u32::from_be_bytes(address) & mask == u32::from_be_bytes(other) & mask;
            let list = format!("{}/{length}", IpAddr::from(address));
            prop_assert_eq!(NoProxy::parse(&list).matches(&IpAddr::from(other).to_string(), 443), same);
        }
    }
}
