//! Where the engineer's port forwards may lead.

use serde::{Deserialize, Deserializer};

/// By default the scanner itself; other hosts only where `agent.toml` allows them.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ForwardPolicy {
    allow: Vec<Destination>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Destination {
    host: String,
    /// `None`: every port.
    port: Option<u16>,
}

impl ForwardPolicy {
    /// Whether a TCP forward to `host` and `port` is permitted.
    pub fn permits(&self, host: &str, port: u16) -> bool {
        is_this_scanner(host) || self.allow.iter().any(|destination| destination.covers(host, port))
    }
}

impl Destination {
    fn covers(&self, host: &str, port: u16) -> bool {
        self.host.eq_ignore_ascii_case(host) && self.port.is_none_or(|only| only == port)
    }

    fn parse(text: &str) -> Option<Self> {
        let (host, port) = text.rsplit_once(':')?;
        let host = host.strip_prefix('[').and_then(|h| h.strip_suffix(']')).unwrap_or(host);
        let port = if port == "*" { None } else { Some(port.parse().ok().filter(|&port| port != 0)?) };
        (!host.is_empty() && !host.contains(['*', '/', ' '])).then(|| Self { host: host.to_owned(), port })
    }
}

impl<'de> Deserialize<'de> for Destination {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        Self::parse(&text).ok_or_else(|| {
            serde::de::Error::custom(format!(
                "not a destination: {text:?} (write \"host:port\" or \"host:*\")"
            ))
        })
    }
}

/// Names and literals that cannot mean another machine.
fn is_this_scanner(host: &str) -> bool {
    host.eq_ignore_ascii_case("localhost")
        || host.parse().is_ok_and(|address: std::net::IpAddr| address.to_canonical().is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> ForwardPolicy {
        ForwardPolicy { allow: allow.iter().map(|text| Destination::parse(text).expect("valid")).collect() }
    }

    #[test]
    fn only_the_scanner_itself_unless_more_is_allowed() {
        let default = policy(&[]);
        for host in ["localhost", "127.0.0.1", "127.8.9.1", "::1", "::ffff:127.0.0.1", "LOCALHOST"] {
            assert!(default.permits(host, 22), "{host}");
        }
        for host in
            ["10.0.0.1", "0.0.0.0", "example.com", "localhost.example.com", "127.0.0.1.example.com", ""]
        {
            assert!(!default.permits(host, 22), "{host}");
        }
        let wider = policy(&["lidar.local:80", "10.0.0.7:*", "[fd00::1]:443"]);
        assert!(
            wider.permits("lidar.local", 80) && wider.permits("10.0.0.7", 9) && wider.permits("fd00::1", 443)
        );
        assert!(!wider.permits("lidar.local", 81) && !wider.permits("10.0.0.8", 9));
    }

    #[test]
    fn refuses_what_it_cannot_mean() {
        for text in ["", "host", "host:", "host:0", "host:70000", ":80", "*:80", "10.0.0.0/8:80"] {
            assert_eq!(Destination::parse(text), None, "{text}");
        }
    }
}
