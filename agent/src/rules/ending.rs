//! Why remote access went off, and which side said so.

use fieldlink_protocol::reason::Reason;

use super::request::Request;

/// Which side said that a session is over, and why.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Teller {
    /// Our own side, or the engineer's under the seal.
    Party,
    /// The relay, which may say anything.
    Relay,
}

impl Teller {
    /// Whether `reason` is not for the teller to know: the relay may have made it up.
    pub(crate) fn is_hearsay(self, reason: Reason) -> bool {
        self == Self::Relay && !reason.is_relays_own()
    }
}

/// Why remote access went off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A reason that the side which said it can know.
    Reason(Reason),
    /// The relay says so, and names another side as the cause, which it may have made up.
    Hearsay(Reason),
    /// The PIN was tried wrongly too often, by this engineer last.
    WrongPins(Request),
    /// No engineer used it within the idle time.
    Idle,
}

impl Ending {
    /// An end by `teller`'s word.
    pub(super) fn told(reason: Reason, teller: Teller) -> Self {
        if teller.is_hearsay(reason) { Self::Hearsay(reason) } else { Self::Reason(reason) }
    }

    /// What the other sides are told. Hearsay is not passed on under our own seal.
    pub(crate) fn reason(&self) -> Reason {
        match self {
            Self::Reason(reason) => *reason,
            Self::Hearsay(_) => Reason::RelayEnded,
            Self::WrongPins(_) => Reason::Burnt,
            Self::Idle => Reason::AgentStopped,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_only_the_relay_says_is_not_passed_on_as_ours() {
        let ending = Ending::told(Reason::ClientEnded, Teller::Relay);
        assert_eq!(
            (ending.clone(), ending.reason()),
            (Ending::Hearsay(Reason::ClientEnded), Reason::RelayEnded)
        );
        let own = Ending::told(Reason::Revoked, Teller::Relay);
        assert_eq!(own, Ending::Reason(Reason::Revoked), "that is the relay's to say");
        assert_eq!(Ending::told(Reason::ClientEnded, Teller::Party), Ending::Reason(Reason::ClientEnded));
    }
}
