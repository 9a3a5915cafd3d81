//! What can go wrong on the way to the relay, told apart.

use fieldlink_protocol::{SUBPROTOCOL, SUBPROTOCOL_PREFIX, text, timestamp};
use rustls::pki_types::UnixTime;
use rustls::{AlertDescription, CertificateError, Error as RustlsError, PeerIncompatible};

use super::answer::Answer;
use super::destination::Destination;
use crate::tls::{CertificateOwner, CertificateProblem};
use crate::{ProxyError, RelayAddress};

/// Why there is no connection to the relay. Where several addresses were tried, each is named with its problem.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name does not resolve.
    #[error("could not find the relay {0}: its name does not resolve (is the network up?)")]
    Resolve(RelayAddress),
    /// No TCP connection, or it broke.
    #[error("could not reach the relay {0}: {1}{tried}", tried = .0.tried())]
    Unreachable(Destination, String),
    /// Something took longer than [`limits::HANDSHAKE`](fieldlink_protocol::limits::HANDSHAKE).
    #[error("could not reach the relay {0}: no answer within {1} s{tried}", tried = .0.tried())]
    Timeout(Destination, u64),
    /// The certificate is the relay's, but out of date, or the clock is.
    #[error("could not trust the relay {0}: {1} (is the clock right?){tried}", tried = .0.tried())]
    CertificateExpired(Destination, CertificateDates),
    /// The certificate is not accepted for another reason.
    #[error("could not trust the relay {0}: {1}{tried}", tried = .0.tried())]
    CertificateUntrusted(Destination, CertificateProblem),
    /// What answers speaks TLS 1.2 or older; whose it is, by the certificate that it shows then.
    #[error(
        "could not secure the connection to the relay {0}: {whose} speaks TLS 1.2 or older only, and TLS 1.3 is \
         needed{tried}", whose = who_is_outdated(*.1), tried = .0.tried()
    )]
    OutdatedTls(Destination, CertificateOwner),
    /// TLS failed in another way.
    #[error("could not secure the connection to the relay {0}: {1}{tried}", tried = .0.tried())]
    Tls(Destination, String),
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
    /// An HTTP answer that is not the relay's.
    #[error("{0} answers, but {1}{tried}", tried = .0.tried())]
    Answered(Destination, Answer),
    /// What answers is no Fieldlink relay, and no other web server.
    #[error("{0} answers, but {1}{tried}", tried = .0.tried())]
    NotARelay(Destination, String),
}

/// A certificate's dates against this computer's clock, in seconds since 1970. One of the two is wrong;
/// which one, only a person who knows today's date can tell.
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

fn who_is_outdated(owner: CertificateOwner) -> &'static str {
    match owner {
        CertificateOwner::Relay => "what stands in front of the relay (its operator must switch TLS 1.3 on)",
        CertificateOwner::Stranger => "something on this network that reads along",
        CertificateOwner::Unknown => {
            "what answers (something on this network, or what stands in front of the relay)"
        }
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
            Some(
                RustlsError::AlertReceived(AlertDescription::ProtocolVersion)
                | RustlsError::PeerIncompatible(
                    PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
                    | PeerIncompatible::ServerDoesNotSupportTls12Or13,
                ),
            ) => Self::OutdatedTls(relay.into(), CertificateOwner::Unknown),
            Some(RustlsError::InvalidMessage(_)) => {
                Self::Tls(relay.into(), "what answers does not speak TLS".into())
            }
            Some(other) => Self::Tls(relay.into(), text::sentence(&other.to_string())),
            None => Self::Tls(relay.into(), text::sentence(&error.to_string())),
        }
    }

    fn from_certificate(relay: RelayAddress, problem: &CertificateError) -> Self {
        if let Some(dates) = dates(problem) {
            return Self::CertificateExpired(relay.into(), dates);
        }
        let judged = match problem {
            CertificateError::Other(other) => other.0.downcast_ref::<CertificateProblem>().cloned(),
            _ => None,
        };
        let unjudged = || CertificateProblem::new(CertificateOwner::Unknown, problem.to_string());
        Self::CertificateUntrusted(relay.into(), judged.unwrap_or_else(unjudged))
    }

    /// Names the addresses that were tried, where that is not known from the error's kind alone.
    pub(super) fn naming(mut self, tried: &Destination) -> Self {
        match &mut self {
            Self::Unreachable(to, _)
            | Self::Timeout(to, _)
            | Self::CertificateExpired(to, _)
            | Self::CertificateUntrusted(to, _)
            | Self::OutdatedTls(to, _)
            | Self::Tls(to, _)
            | Self::Answered(to, _)
            | Self::NotARelay(to, _) => to.clone_from(tried),
            Self::Proxy(error) => tried.several().into_iter().for_each(|tried| error.name(&tried)),
            Self::Resolve(_) | Self::Version { .. } | Self::Refused { .. } => {}
        }
        self
    }

    /// What is said of an address that had this error, beside others.
    pub(super) fn at_address(&self) -> String {
        match self {
            Self::Unreachable(_, problem) | Self::Tls(_, problem) => problem.clone(),
            Self::CertificateExpired(_, dates) => dates.to_string(),
            Self::CertificateUntrusted(_, problem) => problem.to_string(),
            Self::OutdatedTls(..) => "no TLS 1.3".into(),
            Self::Answered(_, answer) => answer.to_string(),
            other => other.to_string(),
        }
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
        let old = RustlsError::AlertReceived(AlertDescription::ProtocolVersion);
        let relay = "wss://relay.example.com".parse().expect("an address");
        let old = DialError::from_tls(relay, &std::io::Error::other(old));
        assert!(old.to_string().contains("TLS 1.3 is needed"), "{old}");
        let relay = "wss://relay.example.com".parse().expect("an address");
        let cut = std::io::Error::from(std::io::ErrorKind::UnexpectedEof);
        assert!(matches!(DialError::from_tls(relay, &cut), DialError::Tls(..)));
    }
}
