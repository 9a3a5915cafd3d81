//! How a command can fail, and the exit code of each failure.

use fieldlink_protocol::text;
use zbus::DBusError;

use crate::bus::{ErrorClass, ErrorCode};
use crate::words::Words;

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
    /// The bus or the agent does not run, or is too busy to answer.
    NoService = 3, "the service does not run, or is kept busy";
    /// Not for this user, or not from here.
    NotPermitted = 4, "not permitted: only the person at the device may do this";
    /// The question was answered, or taken back, or never asked.
    Stale = 5, "there is no such question (any more)";
}

/// A failed command: its kind, and what is said of it, which is put into words where it is printed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Decides the exit code.
    pub kind: Kind,
    message: &'static str,
    arguments: Vec<(&'static str, String)>,
}

impl Failure {
    /// A failure of `kind`, of which the words say `message`.
    pub fn new(kind: Kind, message: &'static str) -> Self {
        Self { kind, message, arguments: Vec::new() }
    }

    /// The same, with an argument. Some contain text of other processes on the bus, so all are made fit to print.
    pub fn with(mut self, name: &'static str, text: impl AsRef<str>) -> Self {
        self.arguments.push((name, text::clean(text.as_ref(), LONGEST)));
        self
    }

    /// What failed, and what to do next.
    pub fn text(&self, words: &Words) -> String {
        let arguments: Vec<_> = self.arguments.iter().map(|(name, text)| (*name, text.into())).collect();
        words.say_with(self.message, &arguments)
    }
}

impl From<zbus::Error> for Failure {
    fn from(error: zbus::Error) -> Self {
        let (name, detail) = match &error {
            zbus::Error::MethodError(name, message, _) => (name.as_str().to_owned(), message.clone()),
            zbus::Error::FDO(standard) => {
                (standard.name().as_str().to_owned(), standard.description().map(str::to_owned))
            }
            _ => return Self::new(Kind::NoService, "failed-unreachable").with("detail", error.to_string()),
        };
        let detail = detail.unwrap_or_default();
        if let Some(code) = ErrorCode::from_name(&name) {
            return code.into();
        }
        match name.as_str() {
            "org.freedesktop.DBus.Error.AccessDenied" => {
                Self::new(Kind::NotPermitted, "failed-bus-forbids").with("detail", detail)
            }
            "org.freedesktop.DBus.Error.ServiceUnknown"
            | "org.freedesktop.DBus.Error.NameHasNoOwner"
            | "org.freedesktop.DBus.Error.NoReply" => Self::new(Kind::NoService, "failed-no-service"),
            bus if bus.starts_with("org.freedesktop.DBus.Error.") => {
                Self::new(Kind::NoService, "failed-bus").with("detail", detail)
            }
            _ => Self::new(Kind::Failed, "failed-otherwise").with("detail", detail),
        }
    }
}

impl From<ErrorCode> for Failure {
    fn from(code: ErrorCode) -> Self {
        let kind = match code.class() {
            ErrorClass::NotPermitted => Kind::NotPermitted,
            ErrorClass::Busy => Kind::NoService,
            ErrorClass::Stale => Kind::Stale,
            ErrorClass::NotNow | ErrorClass::InvalidArgument => Kind::Failed,
        };
        Self::new(kind, code.message())
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::new(Kind::Failed, "failed-print").with("detail", error.to_string())
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
