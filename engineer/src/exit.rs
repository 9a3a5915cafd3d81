//! How a command can fail, and the exit code each failure has.

use fieldlink_transport::{Answer, CertificateOwner, DialError};

use crate::words::say;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $name:literal, $meaning:literal;)*) => {
        /// What kind of failure it is. Every kind has an exit code of its own.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub(crate) enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// Every kind, in the order of the codes.
            pub(crate) const ALL: &'static [Self] = &[$(Self::$kind,)*];

            /// The exit code.
            pub(crate) const fn code(self) -> u8 {
                match self { $(Self::$kind => $code,)* }
            }

            /// The name in `--json`.
            pub(crate) const fn name(self) -> &'static str {
                match self { $(Self::$kind => $name,)* }
            }

            const fn meaning(self) -> &'static str {
                match self { $(Self::$kind => $meaning,)* }
            }
        }
    };
}

kinds! {
    /// Anything without a code of its own.
    Failed = 1, "failed", "failed; the message says what and why";
    /// Wrong arguments, or no login yet.
    Usage = 2, "usage", "used wrongly";
    /// No connection to the relay.
    RelayUnreachable = 210, "relay-unreachable", "the relay cannot be reached";
    /// The relay's certificate.
    Certificate = 211, "certificate", "the relay's certificate is not trusted, or expired";
    /// The relay does not know the credential (any more).
    CredentialRefused = 212, "credential-refused", "the relay refused the credential";
    /// Unknown, offline, or in a session.
    NotAvailable = 213, "not-available", "no scanner is available under this ID";
    /// The PIN.
    WrongPin = 214, "wrong-pin", "the PIN was not accepted";
    /// The client said no.
    ClientRefused = 215, "client-refused", "the client did not allow it";
    /// The client said nothing.
    NoAnswer = 216, "no-answer", "the client did not answer";
    /// The session ended, and not by this program.
    SessionOver = 217, "session-over", "the session is over";
    /// The two sides speak different versions.
    Version = 218, "version", "relay or scanner speaks another version";
    /// The check digit does not fit.
    IdTypo = 219, "id-typo", "the ID has a typo";
    /// This program stops guessing.
    TooManyWrongPins = 220, "too-many-wrong-pins", "two wrong PINs for this ID within the hour";
    /// Another engineer, or too much at once.
    Busy = 221, "busy", "the scanner or the relay is busy";
    /// The scanner does not believe who the engineer is.
    CertificateRefused = 222, "certificate-refused", "the scanner refused the engineer's certificate, or asks for one";
    /// The engineer's certificate is over, which is seen here: the authority has to issue another one.
    CertificateExpired = 223, "certificate-expired", "the engineer's own certificate is not valid now";
    /// A runbook was gone through, and something is wrong.
    RunbookFailed = 224, "runbook-failed", "a step of the runbook has not passed";
}

/// ssh's code for a broken connection.
pub(crate) const SSH_FAILED: u8 = 255;

impl Kind {
    /// The kind with this exit code; one without a code of its own, if there is none.
    pub(crate) fn of_code(code: u8) -> Self {
        Self::ALL.iter().copied().find(|kind| kind.code() == code).unwrap_or(Self::Failed)
    }
}

/// The part of `--help` on exit codes.
pub(crate) fn table() -> String {
    let rows = Kind::ALL.iter().map(|kind| format!("  {:>3}  {}\n", kind.code(), kind.meaning()));
    format!(
        "Exit codes:\n    0  done\n{}\nA shell or command that ran to its end passes on its own code.",
        rows.collect::<String>()
    )
}

/// A failed command: its kind, and a message that says what to do next.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub(crate) struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// For a person.
    pub message: String,
}

impl Failure {
    /// A failure of `kind`.
    pub(crate) fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: message.into() }
    }

    /// Something that is used wrongly.
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::new(Kind::Usage, message)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::new(Kind::Failed, format!("{error:#}"))
    }
}

impl From<DialError> for Failure {
    fn from(error: DialError) -> Self {
        let message = match &error {
            DialError::Refused { relay, code } if code == "credential" => {
                say!("credential-refused", relay = relay.to_string())
            }
            DialError::CertificateUntrusted(_, problem) if problem.owner != CertificateOwner::Stranger => {
                say!("certificate-unknown", error = error.to_string())
            }
            DialError::CertificateUntrusted(..) => say!("certificate-foreign", error = error.to_string()),
            DialError::Tls(..) => say!("tls-blocked", error = error.to_string()),
            DialError::Unreachable(..) | DialError::Timeout(..) => {
                say!("relay-unreachable", error = error.to_string())
            }
            _ => error.to_string(),
        };
        Self::new(dial_kind(&error), message)
    }
}

fn dial_kind(error: &DialError) -> Kind {
    match error {
        DialError::CertificateExpired(..) | DialError::CertificateUntrusted(..) => Kind::Certificate,
        DialError::Version { .. } => Kind::Version,
        DialError::Refused { code, .. } if code == "credential" => Kind::CredentialRefused,
        DialError::Refused { .. } | DialError::Answered(_, Answer::TooMany) => Kind::Busy,
        DialError::Resolve(_)
        | DialError::Unreachable(..)
        | DialError::Timeout(..)
        | DialError::Tls(..)
        | DialError::OutdatedTls(..)
        | DialError::Proxy(_)
        | DialError::Answered(..)
        | DialError::NotARelay(..) => Kind::RelayUnreachable,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes are part of the interface: scripts depend on them.
    #[test]
    fn codes_and_names_stay_as_they_are() {
        let codes: Vec<_> = Kind::ALL.iter().map(|kind| (kind.code(), kind.name())).collect();
        assert_eq!(
            codes,
            [
                (1, "failed"),
                (2, "usage"),
                (210, "relay-unreachable"),
                (211, "certificate"),
                (212, "credential-refused"),
                (213, "not-available"),
                (214, "wrong-pin"),
                (215, "client-refused"),
                (216, "no-answer"),
                (217, "session-over"),
                (218, "version"),
                (219, "id-typo"),
                (220, "too-many-wrong-pins"),
                (221, "busy"),
                (222, "certificate-refused"),
                (223, "certificate-expired"),
                (224, "runbook-failed"),
            ]
        );
        assert!(table().contains("  219  the ID has a typo\n"));
    }

    #[test]
    fn a_refused_credential_is_told_from_other_refusals() {
        let refused = |code: &str| {
            let relay = "wss://relay.example.com".parse().expect("an address");
            Failure::from(DialError::Refused { relay, code: code.into() })
        };
        assert_eq!(refused("credential").kind, Kind::CredentialRefused);
        assert_eq!(refused("full").kind, Kind::Busy);
    }
}
