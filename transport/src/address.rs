//! Where the relay is.

use std::fmt;
use std::net::Ipv6Addr;

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
#[error("not a relay address: {text:?}: {problem}")]
pub struct ParseRelayAddressError {
    /// What was given, cleaned and cut.
    text: String,
    problem: AddressProblem,
}

/// What is wrong with it, and how to write it instead.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
enum AddressProblem {
    #[error("it says nothing: write wss://relay.example.com")]
    Empty,
    #[error("it must begin with wss://, as in wss://relay.example.com")]
    NoScheme,
    #[error("write wss:// instead of the part before the host: the relay speaks WebSocket over TLS only")]
    Scheme,
    #[error("leave out the user name before the @: credentials do not belong here")]
    User,
    #[error("leave out what follows the host and port: a relay has no path")]
    Path,
    #[error("write an IPv6 address in brackets, as in wss://[2001:db8::1]:443")]
    Brackets,
    #[error("an IPv6 address of one link (with %) cannot be used")]
    Zone,
    #[error("the port must be a number from 1 to 65535")]
    Port,
    #[error("write the name in its ASCII form, which begins with xn-- where letters are not ASCII")]
    International,
    #[error("that is no host name and no IP address: write it as wss://relay.example.com:8443")]
    Host,
}

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
        let url = url.trim();
        parse(url).map_err(|problem| ParseRelayAddressError {
            text: fieldlink_protocol::text::name(&without_user(url)),
            problem,
        })
    }
}

/// A password that stands in front of the host is not repeated.
fn without_user(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").map_or(("", url), |(scheme, rest)| (scheme, rest));
    match rest.rsplit_once('@') {
        Some((_, host)) if scheme.is_empty() => format!("…@{host}"),
        Some((_, host)) => format!("{scheme}://…@{host}"),
        None => url.to_owned(),
    }
}

fn parse(url: &str) -> Result<RelayAddress, AddressProblem> {
    if url.is_empty() {
        return Err(AddressProblem::Empty);
    }
    let (scheme, rest) = url.split_once("://").ok_or(AddressProblem::NoScheme)?;
    if !scheme.eq_ignore_ascii_case("wss") {
        return Err(AddressProblem::Scheme);
    }
    let rest = rest.strip_suffix('/').unwrap_or(rest);
    let authority = rest.find(['/', '?', '#', '\\']).map_or(rest, |end| &rest[..end]);
    if authority.contains('@') {
        return Err(AddressProblem::User);
    }
    if authority.len() < rest.len() {
        return Err(AddressProblem::Path);
    }
    let (host, port) = split_port(authority)?;
    let port = match port {
        // An empty port is the scheme's own (RFC 3986, section 3.2.3).
        None | Some("") => 443,
        Some(digits) if digits.bytes().all(|digit| digit.is_ascii_digit()) => {
            digits.parse().ok().filter(|&port| port != 0).ok_or(AddressProblem::Port)?
        }
        Some(_) => return Err(AddressProblem::Port),
    };
    let host = host.to_ascii_lowercase();
    // The root's dot stands in no certificate.
    let host = host.strip_suffix('.').unwrap_or(&host).to_owned();
    let server_name = ServerName::try_from(host.clone()).map_err(|_| AddressProblem::Host)?;
    Ok(RelayAddress { host, port, server_name })
}

/// Host without brackets, and port if there is one.
fn split_port(authority: &str) -> Result<(&str, Option<&str>), AddressProblem> {
    if !authority.is_ascii() {
        return Err(AddressProblem::International);
    }
    let Some(bracketed) = authority.strip_prefix('[') else {
        return match authority.split_once(':') {
            Some((_, rest)) if rest.contains(':') => Err(AddressProblem::Brackets),
            Some((host, port)) => Ok((host, Some(port))),
            None => Ok((authority, None)),
        };
    };
    let (host, after) = bracketed.split_once(']').ok_or(AddressProblem::Brackets)?;
    if host.contains('%') {
        return Err(AddressProblem::Zone);
    }
    host.parse::<Ipv6Addr>().map_err(|_| AddressProblem::Brackets)?;
    match after.strip_prefix(':') {
        Some(port) => Ok((host, Some(port))),
        None if after.is_empty() => Ok((host, None)),
        None => Err(AddressProblem::Port),
    }
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
    fn takes_secure_urls_in_every_way_of_writing_them() {
        for (url, shown) in [
            ("wss://relay.example.com", "wss://relay.example.com"),
            ("wss://relay.example.com:443/", "wss://relay.example.com"),
            ("WSS://Relay.Example.COM", "wss://relay.example.com"),
            ("Wss://relay.example.com.:8443/", "wss://relay.example.com:8443"),
            (" wss://relay.example.com:\t", "wss://relay.example.com"),
            ("wss://xn--mnchen-3ya.example", "wss://xn--mnchen-3ya.example"),
            ("wss://127.0.0.1:8443", "wss://127.0.0.1:8443"),
            ("wss://[::1]:8443", "wss://[::1]:8443"),
            ("wss://[2001:DB8::1]", "wss://[2001:db8::1]"),
        ] {
            assert_eq!(url.parse::<RelayAddress>().map(|a| a.to_string()), Ok(shown.into()), "{url}");
        }
    }

    #[test]
    fn says_what_is_wrong_and_repeats_no_password() {
        for (url, expected) in [
            ("", AddressProblem::Empty),
            ("  ", AddressProblem::Empty),
            ("relay.example.com", AddressProblem::NoScheme),
            ("relay.example.com:8443", AddressProblem::NoScheme),
            ("wss:relay.example.com", AddressProblem::NoScheme),
            ("https://relay.example.com", AddressProblem::Scheme),
            ("ws://relay.example.com", AddressProblem::Scheme),
            ("wss://ada:hush@relay.example.com", AddressProblem::User),
            ("wss://ada:hush@relay.example.com/x", AddressProblem::User),
            ("wss://a/path", AddressProblem::Path),
            ("wss://a//", AddressProblem::Path),
            ("wss://a?query", AddressProblem::Path),
            ("wss://a#part", AddressProblem::Path),
            ("wss://::1", AddressProblem::Brackets),
            ("wss://2001:db8::1:443", AddressProblem::Brackets),
            ("wss://[::1", AddressProblem::Brackets),
            ("wss://[relay]", AddressProblem::Brackets),
            ("wss://[fe80::1%eth0]", AddressProblem::Zone),
            ("wss://a:0", AddressProblem::Port),
            ("wss://a:x", AddressProblem::Port),
            ("wss://a:+443", AddressProblem::Port),
            ("wss://a:65536", AddressProblem::Port),
            ("wss://[::1]443", AddressProblem::Port),
            ("wss://m\u{fc}nchen.example", AddressProblem::International),
            ("wss://", AddressProblem::Host),
            ("wss://a b", AddressProblem::Host),
            ("wss://-a", AddressProblem::Host),
        ] {
            let error = url.parse::<RelayAddress>().expect_err(url);
            assert_eq!(error.problem, expected, "{url}");
            assert!(!error.to_string().contains("hush"), "{error}");
        }
        assert_eq!(
            "https://relay.example.com".parse::<RelayAddress>().expect_err("a web page").to_string(),
            "not a relay address: \"https://relay.example.com\": write wss:// instead of the part before the \
             host: the relay speaks WebSocket over TLS only"
        );
    }
}
