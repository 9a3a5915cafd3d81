//! Where the relay is.

use std::fmt;

use rustls::pki_types::ServerName;
use serde::{Deserialize, Deserializer};

/// A relay's host and port, read from a `wss://` URL.
#[derive(Clone, PartialEq, Eq)]
pub struct RelayAddress {
    host: String,
    port: u16,
    server_name: ServerName<'static>,
}

/// Why a text is not a relay's address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("not a relay address: {0:?} (write it as wss://relay.example.com or wss://relay.example.com:8443)")]
pub struct ParseRelayAddressError(String);

impl RelayAddress {
    /// Host name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// Port; 443 unless the URL names another.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// What the certificate must be for.
    pub fn server_name(&self) -> ServerName<'static> {
        self.server_name.clone()
    }

    /// `host:port` as it stands in the HTTP `Host` header.
    pub fn authority(&self) -> String {
        let host = if self.host.contains(':') { format!("[{}]", self.host) } else { self.host.clone() };
        if self.port == 443 { host } else { format!("{host}:{}", self.port) }
    }
}

impl std::str::FromStr for RelayAddress {
    type Err = ParseRelayAddressError;

    fn from_str(url: &str) -> Result<Self, ParseRelayAddressError> {
        parse(url.trim()).ok_or_else(|| ParseRelayAddressError(crate::text::name(url)))
    }
}

fn parse(url: &str) -> Option<RelayAddress> {
    let rest = url.strip_prefix("wss://")?;
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let (host, port) = match rest.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']')?;
            (host, if after.is_empty() { None } else { Some(after.strip_prefix(':')?) })
        }
        None => rest.split_once(':').map_or((rest, None), |(host, port)| (host, Some(port))),
    };
    let port = port.map_or(Some(443), |port| port.parse().ok().filter(|&port| port != 0))?;
    let server_name = ServerName::try_from(host.to_owned()).ok()?;
    Some(RelayAddress { host: host.to_owned(), port, server_name })
}

impl fmt::Display for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "wss://{}", self.authority())
    }
}

impl fmt::Debug for RelayAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

impl<'de> Deserialize<'de> for RelayAddress {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer)?.parse().map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_secure_urls_without_a_path_only() {
        for (url, shown) in [
            ("wss://relay.example.com", "wss://relay.example.com"),
            ("wss://relay.example.com:443/", "wss://relay.example.com"),
            ("wss://127.0.0.1:8443", "wss://127.0.0.1:8443"),
            ("wss://[::1]:8443", "wss://[::1]:8443"),
        ] {
            assert_eq!(url.parse::<RelayAddress>().map(|a| a.to_string()), Ok(shown.into()));
        }
        for url in
            ["ws://a", "https://a", "wss://", "wss://a:0", "wss://a:x", "wss://a/path", "wss://u@a", "a"]
        {
            assert!(url.parse::<RelayAddress>().is_err(), "{url}");
        }
    }
}
