//! How a session ended, who ended it, and how far that can be believed.

use fieldlink_protocol::reason::{Party, Reason};
use fieldlink_protocol::text;

use crate::words::{self, say};

/// Where we know the end from. Later ones outrank earlier ones: what is unsealed comes from the
/// relay, whichever side it names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Told {
    /// A connection was gone.
    Lost,
    /// The relay gave a reason.
    Relay,
    /// The scanner said so under the seal.
    Scanner,
    /// We found out, or decided, ourselves.
    Here,
}

/// The end of a session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct End {
    /// Why.
    pub reason: Reason,
    /// Where we know it from.
    pub told: Told,
    /// What exactly was seen, if a reason alone says too little.
    pub detail: Option<String>,
    /// Whether the relay says that the scanner stays for its report, which has not been heard of on the control pipe.
    pub stays: bool,
}

impl End {
    /// An end without a detail.
    pub(crate) fn new(reason: Reason, told: Told) -> Self {
        Self { reason, told, detail: None, stays: false }
    }

    /// A lost connection.
    pub(crate) fn lost(detail: impl Into<String>) -> Self {
        Self { detail: Some(detail.into()), ..Self::new(Reason::ConnectionLost, Told::Lost) }
    }

    /// An end for which the relay, or the side that closed a connection, gave a text: a reason's code, or
    /// something to be shown as it is.
    pub(crate) fn closed(text: &str) -> Self {
        match Reason::from_code(text) {
            Some(reason) => Self::new(reason, Told::Relay),
            None => Self::lost(say!("relay-closed", text = text::sentence(text))),
        }
    }

    /// Whether nothing can outrank it.
    pub(crate) fn is_final(&self) -> bool {
        self.told >= Told::Scanner
    }

    /// Whether a side that must know says that the session is over, rather than that it cannot be
    /// reached now.
    pub(crate) fn is_known(&self) -> bool {
        let is_passing = matches!(
            self.reason,
            Reason::PartnerMissing
                | Reason::Busy
                | Reason::ScannerFailed
                | Reason::PairingTimeout
                | Reason::PairingAborted
                | Reason::RelayStopping
        );
        match self.told {
            Told::Lost => false,
            Told::Relay | Told::Scanner => !is_passing,
            Told::Here => matches!(self.reason, Reason::Tampered | Reason::Incompatible),
        }
    }

    /// Who is behind it.
    pub(crate) fn by(&self) -> &'static str {
        match self.reason.party() {
            Party::Client => "client",
            Party::Engineer => "engineer",
            Party::Scanner => "scanner",
            Party::Relay => "relay",
        }
    }

    /// One sentence without a full stop.
    pub(crate) fn sentence(&self) -> String {
        say!("session-over", cause = self.cause())
    }

    /// Why, and how we know.
    pub(crate) fn cause(&self) -> String {
        let hearsay = self.told == Told::Relay && self.reason.party() != Party::Relay;
        let cause = words::reason(self.reason);
        let cause = if hearsay { say!("relay-says", cause = cause) } else { cause };
        match &self.detail {
            Some(detail) => say!("cause-with-detail", cause = cause, detail = detail),
            None => cause,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hearsay_is_shown_as_such() {
        let sentence = |reason, told| End::new(reason, told).sentence();
        assert_eq!(sentence(Reason::ClientEnded, Told::Scanner), "the session is over: the client ended it");
        assert_eq!(
            sentence(Reason::ClientEnded, Told::Relay),
            "the session is over: the relay says: the client ended it"
        );
        assert_eq!(
            sentence(Reason::RelayStopping, Told::Relay),
            "the session is over: the support service is restarting"
        );
    }

    #[test]
    fn a_closing_text_is_a_code_or_is_shown() {
        assert_eq!(End::closed("revoked"), End::new(Reason::Revoked, Told::Relay));
        let lost = End::closed("code 1006");
        assert_eq!(
            lost.sentence(),
            "the session is over: the connection was lost (the relay closed it: code 1006)"
        );
        assert!(!lost.is_final() && End::new(Reason::Silence, Told::Here).is_final());
    }

    #[test]
    fn the_scanner_outranks_the_relay() {
        assert!(Told::Scanner > Told::Relay && Told::Relay > Told::Lost);
    }
}
