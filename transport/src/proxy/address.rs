//! A proxy's address, and the user name and password for it.

use std::fmt;
use std::str::FromStr;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use fieldlink_protocol::secret::SecretText;
use rustls::pki_types::ServerName;
use zeroize::Zeroizing;

/// A proxy's host and port. Shows no credentials, because it has none.
#[derive(Clone, PartialEq, Eq)]
pub struct ProxyAddress {
    host: String,
    port: u16,
}

impl ProxyAddress {
    /// Host name or IP address, without brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port.
    pub fn port(&self) -> u16 {
        self.port
    }
}

impl fmt::Display for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "http://{}", host_and_port(&self.host, self.port))
    }
}

impl fmt::Debug for ProxyAddress {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{self}")
    }
}

/// `host:port`, with brackets around an IPv6 address.
pub(super) fn host_and_port(host: &str, port: u16) -> String {
    if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") }
}

/// An HTTP proxy, read from `http://[user:password@]host:port`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proxy {
    address: ProxyAddress,
    credentials: Option<Credentials>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Credentials {
    user: String,
    password: SecretText,
}

/// Why a text is not a proxy's address. Repeats nothing of the text, which may hold a password.
#[derive(Debug, Clone, Copy, thiserror::Error, PartialEq, Eq)]
pub enum ParseProxyError {
    /// TLS to the proxy, SOCKS, or something else.
    #[error("only proxies that begin with http:// can be used")]
    Scheme,
    /// No port.
    #[error("it names no port: write it as http://host:port")]
    Port,
    /// The rest.
    #[error("it is not a proxy's address: write it as http://host:port or http://user:password@host:port")]
    Address,
    /// Characters that basic authentication cannot carry.
    #[error(
        "its user name or password cannot be used: no colon in the name, no control characters, and in an address write special characters as %XX"
    )]
    Credentials,
}

impl Proxy {
    /// Where it is.
    pub fn address(&self) -> &ProxyAddress {
        &self.address
    }

    /// Whether a user name and a password are sent to it.
    pub fn has_credentials(&self) -> bool {
        self.credentials.is_some()
    }

    /// The same proxy, used as `user`.
    pub fn with_credentials(self, user: &str, password: SecretText) -> Result<Self, ParseProxyError> {
        let is_fit = |text: &str| !text.chars().any(char::is_control);
        if user.is_empty() || user.contains(':') || !is_fit(user) || !is_fit(password.expose()) {
            return Err(ParseProxyError::Credentials);
        }
        Ok(Self { credentials: Some(Credentials { user: user.to_owned(), password }), ..self })
    }

    /// The value of `Proxy-Authorization` (RFC 7617).
    pub(super) fn authorization(&self) -> Option<Zeroizing<String>> {
        let Credentials { user, password } = self.credentials.as_ref()?;
        let pair = Zeroizing::new([user.as_bytes(), b":", password.expose().as_bytes()].concat());
        let encoded = Zeroizing::new(STANDARD.encode(pair));
        Some(Zeroizing::new(["Basic ", &encoded].concat()))
    }
}

impl FromStr for Proxy {
    type Err = ParseProxyError;

    fn from_str(url: &str) -> Result<Self, ParseProxyError> {
        let rest = match url.trim().split_once("://") {
            Some((scheme, rest)) if scheme.eq_ignore_ascii_case("http") => rest,
            Some(_) => return Err(ParseProxyError::Scheme),
            // As it often stands in the environment.
            None => url.trim(),
        };
        let rest = rest.strip_suffix('/').unwrap_or(rest);
        // A password may hold an unescaped @; a host cannot.
        let (credentials, host) = match rest.rsplit_once('@') {
            Some((credentials, host)) => (Some(credentials), host),
            None => (None, rest),
        };
        let proxy = Self { address: parse_address(host)?, credentials: None };
        let Some(credentials) = credentials else { return Ok(proxy) };
        let (user, password) = credentials.split_once(':').unwrap_or((credentials, ""));
        let decoded = (percent_decode(user), percent_decode(password));
        let (Some(user), Some(password)) = decoded else { return Err(ParseProxyError::Credentials) };
        proxy.with_credentials(&user, SecretText::new(password))
    }
}

fn parse_address(text: &str) -> Result<ProxyAddress, ParseProxyError> {
    let (host, port) = match text.strip_prefix('[') {
        Some(bracketed) => {
            let (host, after) = bracketed.split_once(']').ok_or(ParseProxyError::Address)?;
            (host, after.strip_prefix(':'))
        }
        None => text.split_once(':').map_or((text, None), |(host, port)| (host, Some(port))),
    };
    // What may be named in a certificate is what may be looked up.
    ServerName::try_from(host).map_err(|_| ParseProxyError::Address)?;
    let port = port.ok_or(ParseProxyError::Port)?;
    let port = port.parse().ok().filter(|&port| port != 0).ok_or(ParseProxyError::Address)?;
    Ok(ProxyAddress { host: host.to_owned(), port })
}

/// Undoes `%XX`; `None` if one is incomplete or the result is not UTF-8.
fn percent_decode(text: &str) -> Option<String> {
    let mut decoded = Zeroizing::new(Vec::with_capacity(text.len()));
    let mut rest = text.as_bytes();
    while let Some((&byte, after)) = rest.split_first() {
        if byte == b'%' {
            let digits = after.get(..2).and_then(|digits| std::str::from_utf8(digits).ok())?;
            // from_str_radix takes a sign.
            let is_hex = digits.bytes().all(|digit| digit.is_ascii_hexdigit());
            decoded.push(u8::from_str_radix(digits, 16).ok().filter(|_| is_hex)?);
            rest = &after[2..];
        } else {
            decoded.push(byte);
            rest = after;
        }
    }
    std::str::from_utf8(&decoded).ok().map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(url: &str) -> Result<Proxy, ParseProxyError> {
        url.parse()
    }

    #[test]
    fn takes_http_proxies_with_a_port() {
        for (url, shown) in [
            ("http://proxy.example.com:3128", "http://proxy.example.com:3128"),
            (" HTTP://proxy:8080/ ", "http://proxy:8080"),
            ("proxy:8080", "http://proxy:8080"),
            ("http://[::1]:8080", "http://[::1]:8080"),
            ("http://u:p@10.0.0.1:1", "http://10.0.0.1:1"),
        ] {
            assert_eq!(parse(url).map(|proxy| proxy.address().to_string()), Ok(shown.into()), "{url}");
        }
    }

    #[test]
    fn says_what_it_cannot_use_and_repeats_no_password() {
        for (url, expected) in [
            ("https://u:hush@a:1", ParseProxyError::Scheme),
            ("socks5://u:hush@a:1", ParseProxyError::Scheme),
            ("http://u:hush@a", ParseProxyError::Port),
            ("http://a", ParseProxyError::Port),
            ("http://u:hush@a:0", ParseProxyError::Address),
            ("http://u:hush@a:port", ParseProxyError::Address),
            ("http://u:hush@a b:1", ParseProxyError::Address),
            ("http://u:hush@a:1/path", ParseProxyError::Address),
            ("http://[::1", ParseProxyError::Address),
            ("", ParseProxyError::Address),
            ("http://u:hush%@a:1", ParseProxyError::Credentials),
            ("http://u:hush%0a@a:1", ParseProxyError::Credentials),
            ("http://u:hush%+1@a:1", ParseProxyError::Credentials),
            ("http://u:hush%ff@a:1", ParseProxyError::Credentials),
            ("http://u%3a:hush@a:1", ParseProxyError::Credentials),
            ("http://:hush@a:1", ParseProxyError::Credentials),
        ] {
            let error = parse(url).expect_err(url);
            assert_eq!(error, expected, "{url}");
            assert!(!error.to_string().contains("hush"));
        }
    }

    #[test]
    fn credentials_are_decoded_and_masked() {
        let value = |url| parse(url).expect(url).authorization().map(|value| value.to_string());
        // From RFC 7617, section 2.
        let example = Some("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==".to_owned());
        assert_eq!(value("http://Aladdin:open%20sesame@a:1"), example);
        assert_eq!(value("http://a:1"), None);
        let odd = parse("http://u:p@ss%3A%25@a:1").expect("it parses");
        assert_eq!(odd.credentials.as_ref().map(|c| c.password.expose()), Some("p@ss:%"));
        assert!(parse("http://u@a:1").expect("it parses").has_credentials());
        assert!(!format!("{odd:?} {}", odd.address()).contains("p@ss"));
    }
}
