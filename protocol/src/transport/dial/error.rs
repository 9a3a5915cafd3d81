//! What can go wrong on the way to the relay, told apart.

use rustls::pki_types::UnixTime;
use rustls::{CertificateError, Error as RustlsError};

use crate::transport::{ProxyError, RelayAddress};
use crate::{SUBPROTOCOL, SUBPROTOCOL_PREFIX, text, timestamp};

/// Why there is no connection to the relay.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name does not resolve.
    #[error("could not find the relay {0}: its name does not resolve (is the network up?)")]
    Resolve(RelayAddress),
    /// No TCP connection.
    #[error("could not reach the relay {0}: {1}")]
    Unreachable(RelayAddress, String),
    /// Something took longer than [`limits::HANDSHAKE`](crate::limits::HANDSHAKE).
    #[error("could not reach the relay {0}: no answer within {1} s")]
    Timeout(RelayAddress, u64),
    /// The certificate is out of date, or the clock is.
    #[error("could not trust the relay {0}: {1} (is the clock right?)")]
    CertificateExpired(RelayAddress, CertificateDates),
    /// The certificate is someone else's.
    #[error("could not trust the relay {0}: {1}")]
    CertificateUntrusted(RelayAddress, String),
    /// TLS failed in another way.
    #[error("could not secure the connection to the relay {0}: {1}")]
    Tls(RelayAddress, String),
    /// The relay does not speak our version.
    #[error("the relay {relay} speaks {theirs}, this program speaks {SUBPROTOCOL}: {}", upgrade_hint(.theirs))]
    Version {
        /// The relay.
        relay: RelayAddress,
        /// The versions it lists.
        theirs: String,
    },
    /// The relay refused, with a code.
    #[error("the relay {relay} refused: {code}")]
    Refused {
        /// The relay.
        relay: RelayAddress,
        /// The code from its answer; for 401 on the engineer's endpoint, `credential`; for a session that
        /// is known to have ended, its reason.
        code: String,
    },
    /// There is a proxy in between, and no way through it.
    #[error(transparent)]
    Proxy(#[from] ProxyError),
    /// What answers is no Fieldlink relay.
    #[error("{0} answers, but not as a fieldlink relay: {1}")]
    NotARelay(RelayAddress, String),
}

/// A certificate's dates against this computer's clock, in seconds since 1970. One of the two is wrong;
/// which one, only somebody who knows today's date can tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateDates {
    /// It begins to be valid later.
    NotYetValid {
        /// What the clock says.
        clock: u64,
        /// When the certificate begins to be valid.
        from: u64,
    },
    /// It was valid until earlier.
    Expired {
        /// What the clock says.
        clock: u64,
        /// Until when the certificate was valid.
        until: u64,
    },
}

impl CertificateDates {
    /// What the clock says.
    pub const fn clock(self) -> u64 {
        match self {
            Self::NotYetValid { clock, .. } | Self::Expired { clock, .. } => clock,
        }
    }
}

impl std::fmt::Display for CertificateDates {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (words, bound) = match *self {
            Self::NotYetValid { from, .. } => ("is not valid before", from),
            Self::Expired { until, .. } => ("has expired on", until),
        };
        let (bound, clock) = (timestamp::utc(bound), timestamp::utc(self.clock()));
        write!(f, "its certificate {words} {bound}, and the clock here says {clock}")
    }
}

fn upgrade_hint(theirs: &str) -> &'static str {
    let newest = theirs
        .split(',')
        .filter_map(|version| version.trim().strip_prefix(SUBPROTOCOL_PREFIX)?.parse::<u32>().ok())
        .max();
    match newest {
        Some(version) if version > 1 => "upgrade this program",
        _ => "ask the relay's operator to upgrade it",
    }
}

impl DialError {
    /// Whether the relay had no room, which passes.
    pub fn is_for_want_of_room(&self) -> bool {
        matches!(self, Self::Refused { code, .. } if code == "full")
    }

    /// What a failed TLS handshake means.
    pub(super) fn from_tls(relay: RelayAddress, error: &std::io::Error) -> Self {
        match error.get_ref().and_then(|inner| inner.downcast_ref::<RustlsError>()) {
            Some(RustlsError::InvalidCertificate(problem)) => Self::from_certificate(relay, problem),
            Some(other) => Self::Tls(relay, text::sentence(&other.to_string())),
            None => Self::Tls(relay, text::sentence(&error.to_string())),
        }
    }

    fn from_certificate(relay: RelayAddress, problem: &CertificateError) -> Self {
        if let Some(dates) = dates(problem) {
            return Self::CertificateExpired(relay, dates);
        }
        let problem = match problem {
            // An authority of the same name with another key shows as a bad signature.
            CertificateError::UnknownIssuer | CertificateError::BadSignature => {
                "its certificate is from an authority not trusted here".into()
            }
            CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                "its certificate is for another name".into()
            }
            other => text::sentence(&other.to_string()),
        };
        Self::CertificateUntrusted(relay, problem)
    }
}

/// Whether what answered is not even TLS.
pub(super) fn is_no_tls(error: &std::io::Error) -> bool {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    matches!(inner, Some(RustlsError::InvalidMessage(_)))
}

/// The dates, if `problem` is about them. Without a context (a certificate whose own dates contradict
/// each other) there are none.
fn dates(problem: &CertificateError) -> Option<CertificateDates> {
    let seconds = |time: &UnixTime| time.as_secs();
    match problem {
        CertificateError::ExpiredContext { time, not_after } => {
            Some(CertificateDates::Expired { clock: seconds(time), until: seconds(not_after) })
        }
        CertificateError::NotValidYetContext { time, not_before } => {
            Some(CertificateDates::NotYetValid { clock: seconds(time), from: seconds(not_before) })
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn explain(problem: CertificateError) -> DialError {
        let relay = "wss://relay.example.com".parse().expect("an address");
        let error = std::io::Error::other(RustlsError::InvalidCertificate(problem));
        DialError::from_tls(relay, &error)
    }

    fn at(seconds: u64) -> UnixTime {
        UnixTime::since_unix_epoch(Duration::from_secs(seconds))
    }

    #[test]
    fn says_what_the_clock_says() {
        let early = explain(CertificateError::NotValidYetContext { time: at(0), not_before: at(86_400) });
        assert_eq!(
            early.to_string(),
            "could not trust the relay wss://relay.example.com: its certificate is not valid before \
             1970-01-02T00:00:00Z, and the clock here says 1970-01-01T00:00:00Z (is the clock right?)"
        );
        let late = explain(CertificateError::ExpiredContext { time: at(90_000), not_after: at(86_400) });
        let DialError::CertificateExpired(_, dates) = late else { panic!("{late}") };
        assert_eq!(dates, CertificateDates::Expired { clock: 90_000, until: 86_400 });
        assert_eq!(dates.clock(), 90_000);
    }

    #[test]
    fn tells_whose_certificate_from_what_else_is_wrong() {
        for problem in [CertificateError::UnknownIssuer, CertificateError::NotValidForName] {
            assert!(matches!(explain(problem), DialError::CertificateUntrusted(..)));
        }
        let relay = "wss://relay.example.com".parse().expect("an address");
        let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert!(matches!(DialError::from_tls(relay, &cut), DialError::Tls(..)));
    }
}
