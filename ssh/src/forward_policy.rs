//! Where the engineer's port forwards may lead.

use std::fmt;

use fieldlink_session::wire::ConnectTarget;
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
    /// Where an engineer's forward may lead: to its target if that is allowed, and to the scanner itself under
    /// that name otherwise. Whether the name is the scanner's is found out where it is connected to, because only
    /// the address that is connected to counts.
    pub fn narrow(&self, target: ConnectTarget) -> ConnectTarget {
        match target {
            ConnectTarget::Tcp { host, port } if !self.permits(&host, port) => {
                ConnectTarget::Own { host, port }
            }
            target => target,
        }
    }

    /// Where forwards may lead beside the scanner, as it was written.
    pub fn destinations(&self) -> impl Iterator<Item = String> {
        self.allow.iter().map(ToString::to_string)
    }

    /// Whether another host may be reached.
    pub fn permits(&self, host: &str, port: u16) -> bool {
        self.allow.iter().any(|destination| destination.covers(host, port))
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

impl fmt::Display for Destination {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        match (host.contains(':'), port) {
            (false, Some(port)) => write!(f, "{host}:{port}"),
            (false, None) => write!(f, "{host}:*"),
            (true, Some(port)) => write!(f, "[{host}]:{port}"),
            (true, None) => write!(f, "[{host}]:*"),
        }
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

#[cfg(test)]
mod tests {
    use super::*;

    fn policy(allow: &[&str]) -> ForwardPolicy {
        ForwardPolicy { allow: allow.iter().map(|text| Destination::parse(text).expect("valid")).collect() }
    }

    #[test]
    fn only_the_scanner_itself_unless_more_is_allowed() {
        let tcp = |host: &str, port| ConnectTarget::Tcp { host: host.into(), port };
        let own = |host: &str, port| ConnectTarget::Own { host: host.into(), port };
        let default = policy(&[]);
        for host in ["localhost", "10.0.0.1", "0.0.0.0", "example.com", ""] {
            assert_eq!(default.narrow(tcp(host, 22)), own(host, 22));
        }
        let wider = policy(&["lidar.local:80", "10.0.0.7:*", "[fd00::1]:443"]);
        for allowed in [tcp("lidar.local", 80), tcp("10.0.0.7", 9), tcp("fd00::1", 443)] {
            assert_eq!(wider.narrow(allowed.clone()), allowed);
        }
        for (host, port) in [("lidar.local", 81), ("10.0.0.8", 9)] {
            assert_eq!(wider.narrow(tcp(host, port)), own(host, port));
        }
    }

    #[test]
    fn refuses_what_it_cannot_mean() {
        for text in ["", "host", "host:", "host:0", "host:70000", ":80", "*:80", "10.0.0.0/8:80"] {
            assert_eq!(Destination::parse(text), None, "{text}");
        }
    }
}
