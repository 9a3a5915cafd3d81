//! What is known of the way to the relay.

use fieldlink_transport::{Answer, CertificateDates, CertificateOwner, DialError, Measurement, ProxyError};

/// Whether the relay answers.
#[derive(Debug, Clone, PartialEq)]
pub enum Reach {
    /// The relay has not been asked.
    Unasked,
    /// It could not be reached.
    Failed(Failure),
    /// It answers; how well, if that was measured.
    Answers(Option<Measurement>),
}

/// Why the relay could not be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// What kind of thing went wrong.
    pub kind: FailureKind,
    /// For the engineer: the error in words.
    pub detail: String,
}

/// What kind of thing went wrong on the way to the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FailureKind {
    /// Nothing answered: no address, no connection, or no answer in time.
    Silence,
    /// The proxy did not let us through.
    Proxy,
    /// The proxy did not answer.
    ProxySilence,
    /// The certificate does not fit the clock.
    Dates(CertificateDates),
    /// The certificate is not the relay's, or what answered does not speak TLS.
    Changed,
    /// The certificate may be another server's, or the relay's own, not set up well: the agent cannot tell.
    Unclear,
    /// The relay, what stands in front of it, or what is trusted here, is not set up well.
    Misconfigured,
    /// What stands in front of the relay says that the relay is down, or takes nothing more for now.
    Down,
    /// Another server than the relay answers, securely.
    Elsewhere,
    /// The relay refuses, or the proxy lets us through and cannot reach it.
    Refused,
}

impl From<&DialError> for Failure {
    fn from(error: &DialError) -> Self {
        let kind = match error {
            DialError::Resolve(_) | DialError::Unreachable(..) | DialError::Timeout(..) => {
                FailureKind::Silence
            }
            DialError::CertificateExpired(_, dates) => FailureKind::Dates(*dates),
            DialError::Proxy(error) => of_proxy(error),
            DialError::CertificateUntrusted(_, problem) => of_owner(problem.owner),
            DialError::OutdatedTls(_, owner) => of_owner(*owner),
            // A handshake that breaks off is what networks do that look into it; the relay does not.
            DialError::Tls(..) => FailureKind::Changed,
            DialError::Answered(_, answer) => of_answer(*answer),
            DialError::NotARelay(..) => FailureKind::Elsewhere,
            DialError::Version { .. } | DialError::Refused { .. } => FailureKind::Refused,
        };
        Self { kind, detail: error.to_string() }
    }
}

fn of_owner(owner: CertificateOwner) -> FailureKind {
    match owner {
        CertificateOwner::Relay => FailureKind::Misconfigured,
        CertificateOwner::Stranger => FailureKind::Changed,
        CertificateOwner::Unknown => FailureKind::Unclear,
    }
}

fn of_answer(answer: Answer) -> FailureKind {
    match answer {
        answer if answer.may_pass() => FailureKind::Down,
        Answer::NoWebSocket => FailureKind::Misconfigured,
        _ => FailureKind::Elsewhere,
    }
}

fn of_proxy(error: &ProxyError) -> FailureKind {
    match error {
        ProxyError::Resolve(_) | ProxyError::Unreachable(..) | ProxyError::Timeout { .. } => {
            FailureKind::ProxySilence
        }
        ProxyError::CredentialsWanted(_)
        | ProxyError::SignInUnsupported(_)
        | ProxyError::CredentialsRefused(_)
        | ProxyError::Forbidden { .. }
        | ProxyError::NotAProxy(..)
        | ProxyError::Refused { .. } => FailureKind::Proxy,
        // It would have let us through.
        ProxyError::CannotReach { .. } => FailureKind::Refused,
    }
}

impl Reach {
    /// What an attempt to measure says about the way: a relay that only finds it too early for another
    /// one answers all the same.
    pub fn of_refusal(error: &DialError) -> Self {
        match error {
            DialError::Refused { code, .. } if code == "too-often" => Self::Answers(None),
            other => Self::Failed(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_transport::{Proxy, RelayAddress};

    use super::*;

    #[test]
    fn a_proxy_that_cannot_go_on_does_not_refuse() {
        let proxy: Proxy = "http://proxy:3128".parse().expect("a proxy");
        let proxy = proxy.address().clone();
        let target = || "relay.example.com:443".to_owned();
        let forbidden = ProxyError::Forbidden { proxy: proxy.clone(), target: target() };
        let cannot = ProxyError::CannotReach { proxy: proxy.clone(), target: target(), status: 502 };
        for (error, kind) in [
            (forbidden, FailureKind::Proxy),
            (cannot, FailureKind::Refused),
            (ProxyError::Resolve(proxy), FailureKind::ProxySilence),
        ] {
            assert_eq!(Failure::from(&DialError::Proxy(error)).kind, kind);
        }
    }

    #[test]
    fn a_relay_that_has_measured_often_enough_answers() {
        let relay = || "wss://relay.example.com".parse::<RelayAddress>().expect("an address");
        let refused = |code: &str| DialError::Refused { relay: relay(), code: code.into() };
        assert_eq!(Reach::of_refusal(&refused("too-often")), Reach::Answers(None));
        assert!(matches!(Reach::of_refusal(&refused("full")), Reach::Failed(_)));
        // Any other web server has no such endpoint either.
        let missing = DialError::Answered(relay().into(), Answer::of(404));
        assert!(matches!(Reach::of_refusal(&missing), Reach::Failed(_)));
    }

    #[test]
    fn what_answers_in_the_relays_place_is_told_apart() {
        let relay = || "wss://relay.example.com".parse::<RelayAddress>().expect("an address").into();
        for (answer, kind) in [
            (Answer::of(502), FailureKind::Down),
            (Answer::of(503), FailureKind::Down),
            (Answer::of(429), FailureKind::Down),
            (Answer::of(403), FailureKind::Elsewhere),
            (Answer::of(302), FailureKind::Elsewhere),
            (Answer::NoWebSocket, FailureKind::Misconfigured),
        ] {
            assert_eq!(Failure::from(&DialError::Answered(relay(), answer)).kind, kind, "{answer}");
        }
        for (owner, kind) in [
            (CertificateOwner::Relay, FailureKind::Misconfigured),
            (CertificateOwner::Stranger, FailureKind::Changed),
            (CertificateOwner::Unknown, FailureKind::Unclear),
        ] {
            assert_eq!(Failure::from(&DialError::OutdatedTls(relay(), owner)).kind, kind, "{owner:?}");
        }
    }
}
