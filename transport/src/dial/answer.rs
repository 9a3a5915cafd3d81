//! What an HTTP answer in the relay's place means. TLS stands: the host that answers has the relay's certificate.

use fieldlink_protocol::text;

/// An answer that is neither the relay's yes nor a refusal in its own words.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    /// 502, 503, 504: what stands in front of the relay cannot reach it.
    RelayDown(u16),
    /// 429: the host counts requests.
    TooMany,
    /// Redirects, which are never followed.
    Moved(u16),
    /// 401, 403, 407: a host in front of the relay wants a sign-in, or refuses us.
    Forbidden(u16),
    /// 404, 410: no relay at this address.
    NotFound(u16),
    /// The relay's own word that the request reached it without what makes it a WebSocket's.
    NoWebSocket,
    /// Any other status.
    Other(u16),
}

impl Answer {
    /// What an HTTP status other than 101 means.
    pub const fn of(status: u16) -> Self {
        match status {
            502..=504 => Self::RelayDown(status),
            429 => Self::TooMany,
            300..=399 => Self::Moved(status),
            401 | 403 | 407 => Self::Forbidden(status),
            404 | 410 => Self::NotFound(status),
            _ => Self::Other(status),
        }
    }

    /// Whether another address of the relay may answer better.
    pub(super) const fn is_anothers_chance(self) -> bool {
        !matches!(self, Self::TooMany | Self::NoWebSocket)
    }

    /// Whether it is likely to be another one soon, without a change of settings.
    pub const fn may_pass(self) -> bool {
        matches!(self, Self::RelayDown(_) | Self::TooMany)
    }
}

impl std::fmt::Display for Answer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::RelayDown(status) => {
                write!(f, "the relay behind it is down (HTTP status {status}); ask its operator")
            }
            Self::TooMany => {
                f.write_str("it takes no more requests for now (HTTP status 429); try again later")
            }
            Self::Moved(status) => write!(
                f,
                "it sends us elsewhere (HTTP status {status}), where we do not follow; check the relay's address"
            ),
            Self::Forbidden(status) => write!(
                f,
                "what stands in front of the relay does not let us through (HTTP status {status}); ask its operator"
            ),
            Self::NotFound(status) => {
                write!(
                    f,
                    "there is no relay at this address (HTTP status {status}); check the relay's address"
                )
            }
            Self::NoWebSocket => {
                f.write_str("what stands in front of the relay does not pass WebSockets on; ask its operator")
            }
            Self::Other(status) => write!(
                f,
                "not as a fieldlink relay (HTTP status {status}); check the relay's address, and whether what \
                 stands in front of it passes WebSockets on"
            ),
        }
    }
}

/// What is no HTTP answer at all, as a sentence part.
pub(super) fn garbled(problem: &str) -> String {
    format!("not as a fieldlink relay ({}); check the relay's address", text::sentence(problem))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_status_has_a_kind() {
        for (status, words, may_pass) in [
            (502, "relay behind it is down (HTTP status 502)", true),
            (503, "relay behind it is down", true),
            (504, "relay behind it is down", true),
            (429, "no more requests", true),
            (301, "elsewhere (HTTP status 301)", false),
            (401, "does not let us through", false),
            (403, "does not let us through (HTTP status 403)", false),
            (404, "no relay at this address", false),
            (200, "not as a fieldlink relay (HTTP status 200)", false),
            (500, "not as a fieldlink relay", false),
        ] {
            let answer = Answer::of(status);
            assert!(answer.to_string().contains(words), "{status}: {answer}");
            assert_eq!(answer.may_pass(), may_pass, "{status}");
        }
    }
}
