//! How a command can fail, and the exit code of each failure.

use fieldlink_protocol::text;
use zbus::DBusError;

/// Longest message, in characters.
const LONGEST: usize = 1000;

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident = $code:literal, $meaning:literal;)*) => {
        /// What kind of failure it is.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $kind,)*
        }

        impl Kind {
            /// The exit code.
            pub const fn code(self) -> u8 {
                match self { $(Self::$kind => $code,)* }
            }
        }

        /// The part of `--help` on exit codes.
        pub fn table() -> String {
            let mut table = "Exit codes:\n   0  done\n".to_owned();
            $(table += &format!("  {:>2}  {}\n", $code, $meaning);)*
            table + "  11 to 24  (network only) the verdict N1 to N14"
        }
    };
}

kinds! {
    /// Anything without a code of its own.
    Failed = 1, "failed; the message says what and why";
    /// Wrong arguments.
    Usage = 2, "used wrongly";
    /// Nobody serves on the bus, or nobody is free to.
    NoService = 3, "the service does not run, or is kept busy";
    /// Not for this user, or not from here.
    NotPermitted = 4, "not permitted: only the person at the device may do this";
    /// The question was answered, or taken back, or never asked.
    Stale = 5, "there is no such question (any more)";
}

/// A failed command: its kind, and a message that says what to do next.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{message}")]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    /// For a person.
    pub message: String,
}

impl Failure {
    /// A failure of `kind`. What others on the bus say is part of some messages, so all are made fit to print.
    pub fn new(kind: Kind, message: impl Into<String>) -> Self {
        Self { kind, message: text::clean(&message.into(), LONGEST) }
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        let (name, message) = match &error {
            zbus::Error::MethodError(name, message, _) => (name.as_str().to_owned(), message.clone()),
            zbus::Error::FDO(standard) => {
                (standard.name().as_str().to_owned(), standard.description().map(str::to_owned))
            }
            _ => return Self::new(Kind::NoService, format!("could not reach the service: {error}")),
        };
        let message = message.unwrap_or_default();
        match name.as_str() {
            "com.navvis.Fieldlink1.Error.NotPermitted" => Self::new(Kind::NotPermitted, message),
            "com.navvis.Fieldlink1.Error.Busy" => Self::new(Kind::NoService, message),
            "com.navvis.Fieldlink1.Error.Stale" => Self::new(Kind::Stale, message),
            "org.freedesktop.DBus.Error.AccessDenied" => {
                Self::new(Kind::NotPermitted, format!("the system bus does not permit this: {message}"))
            }
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.NoReply" => Self::new(
                Kind::NoService,
                "the remote access service does not run; restart this device, and if that does not help, \
                 tell your support engineer (code no-service)",
            ),
            bus if bus.starts_with("org.freedesktop.DBus.Error.") => {
                Self::new(Kind::NoService, format!("the system bus could not pass this on: {message}"))
            }
            _ => Self::new(Kind::Failed, message),
        }
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Kind::Failed, format!("could not print: {error}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The codes are part of the interface: scripts depend on them.
    #[test]
    fn codes_stay_as_they_are() {
        let kinds = [Kind::Failed, Kind::Usage, Kind::NoService, Kind::NotPermitted, Kind::Stale];
        assert_eq!(kinds.map(Kind::code), [1, 2, 3, 4, 5]);
        assert!(table().contains("   4  not permitted"));
    }
}
