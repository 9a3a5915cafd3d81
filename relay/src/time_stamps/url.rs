//! Where the authority is, as it stands in `relay.toml`.

use std::fmt;

use hyper::Uri;
use hyper::http::uri::Scheme;
use rustls::pki_types::ServerName;
use serde::Deserialize;

/// The address of an authority, `http` or `https`, with everything that dialling it takes.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct AuthorityUrl {
    uri: Uri,
    port: u16,
    /// Whose certificate it has to show: with `https`.
    server_name: Option<ServerName<'static>>,
}

/// Why a text is no such address.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("must be an address as in \"https://tsa.example.com/stamp\": {0}")]
pub struct BadUrl(&'static str);

impl AuthorityUrl {
    /// Whether it is asked over TLS.
    pub fn is_secure(&self) -> bool {
        self.server_name.is_some()
    }

    /// Whose certificate it has to show, if it is asked over TLS.
    pub(super) fn server_name(&self) -> Option<&ServerName<'static>> {
        self.server_name.as_ref()
    }

    /// The name, or the IP address without brackets.
    pub(super) fn host(&self) -> &str {
        host(&self.uri)
    }

    pub(super) fn port(&self) -> u16 {
        self.port
    }

    /// For the header `Host`: the port is in it if it stands in the address.
    pub(super) fn authority(&self) -> &str {
        self.uri.authority().map_or("", |authority| authority.as_str())
    }

    /// What is asked for there.
    pub(super) fn target(&self) -> &str {
        self.uri.path_and_query().map_or("/", |target| target.as_str())
    }
}

impl TryFrom<String> for AuthorityUrl {
    type Error = BadUrl;

    fn try_from(text: String) -> Result<Self, BadUrl> {
        let uri: Uri = text.parse().map_err(|_| BadUrl("it cannot be read"))?;
        let is_secure = uri.scheme() == Some(&Scheme::HTTPS);
        if !is_secure && uri.scheme() != Some(&Scheme::HTTP) {
            return Err(BadUrl("it begins with neither https:// nor http://"));
        }
        if text.contains('#') {
            return Err(BadUrl("it has a fragment (#), which no server is told"));
        }
        let port = port(&uri, if is_secure { 443 } else { 80 })?;
        let name = is_secure.then(|| ServerName::try_from(host(&uri).to_owned())).transpose();
        let server_name = name.map_err(|_| BadUrl("its host is no name that a certificate can be for"))?;
        Ok(Self { uri, port, server_name })
    }
}

/// The name, or the IP address without brackets.
fn host(uri: &Uri) -> &str {
    uri.host().unwrap_or_default().trim_start_matches('[').trim_end_matches(']')
}

fn port(uri: &Uri, default: u16) -> Result<u16, BadUrl> {
    let authority = uri.authority().map_or("", |authority| authority.as_str());
    if authority.contains('@') {
        return Err(BadUrl("user names and passwords are not sent"));
    }
    if host(uri).is_empty() {
        return Err(BadUrl("it names no host"));
    }
    let named = authority.strip_prefix(uri.host().unwrap_or_default());
    match named.and_then(|rest| rest.strip_prefix(':')).map(str::parse) {
        None => Ok(default),
        Some(Ok(port @ 1..)) => Ok(port),
        Some(_) => Err(BadUrl("its port is none from 1 to 65535")),
    }
}

impl fmt::Display for AuthorityUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.uri.fmt(f)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn read(text: &str) -> Result<AuthorityUrl, BadUrl> {
        text.to_owned().try_into()
    }

    #[test]
    fn addresses_are_taken_apart() {
        for (text, is_secure, host, port, target) in [
            ("https://tsa.example.com", true, "tsa.example.com", 443, "/"),
            ("http://tsa.example.com/tsr?policy=1", false, "tsa.example.com", 80, "/tsr?policy=1"),
            ("https://192.0.2.1:8443/", true, "192.0.2.1", 8_443, "/"),
            ("http://[2001:db8::1]:3161/tsr", false, "2001:db8::1", 3_161, "/tsr"),
            ("https://[2001:db8::1]/tsr", true, "2001:db8::1", 443, "/tsr"),
        ] {
            let url = read(text).expect(text);
            assert_eq!(
                (url.is_secure(), url.host(), url.port(), url.target()),
                (is_secure, host, port, target)
            );
        }
    }

    #[test]
    fn what_is_no_address_is_refused_with_the_reason() {
        for (text, why) in [
            ("", "cannot be read"),
            ("https://", "cannot be read"),
            ("tsa.example.com", "neither https:// nor http://"),
            ("tsa.example.com/tsr", "cannot be read"),
            ("/tsr", "neither https:// nor http://"),
            ("ftp://tsa.example.com/", "neither https:// nor http://"),
            ("wss://tsa.example.com/", "neither https:// nor http://"),
            ("https://tsa.example.com/#a", "fragment"),
            ("https://ada:secret@tsa.example.com/", "passwords are not sent"),
            ("https://:443/", "no host"),
            ("https://tsa..example.com/", "no name that a certificate"),
            ("https://tsa.example.com:0/", "1 to 65535"),
            ("https://tsa.example.com:65536/", "1 to 65535"),
            ("https://tsa.example.com:/", "1 to 65535"),
        ] {
            let error = read(text).map(|url| url.to_string()).expect_err(text).to_string();
            assert!(error.contains(why), "{text}: {error}");
        }
    }

    proptest! {
        #[test]
        fn whatever_stands_there_it_is_an_address_or_an_error(text in "(https?://)?[-a-z0-9.:/@#?\\[\\] é%]{0,20}") {
            if let Ok(url) = read(&text) {
                prop_assert!(!url.host().is_empty() && url.port() > 0 && url.target().starts_with(['/', '?']));
            }
        }
    }
}
