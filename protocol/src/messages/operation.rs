//! Named operations of the scanner's, such as a system update: over the SSH subsystem `operation@fieldlink`, one line of
//! JSON a message, and as news on the control channel.
//!
//! The engineer's side says one [`ToOperations`]. The agent answers in [`FromOperations`] until the channel ends. After
//! [`FromOperations::Send`] the engineer's side sends the file's bytes, as many as it has announced.

use serde::{Deserialize, Serialize};

use super::{Bounded, all};
use crate::limits;

/// The name of the SSH subsystem (RFC 4254 section 6.5; the form of names that are not registered, RFC 4251 section 6).
pub const SUBSYSTEM: &str = "operation@fieldlink";
/// The longest line of the engineer's side, in bytes.
pub const REQUEST_LINE: usize = 1024;
/// The longest line of the agent's, in bytes: a line of output as JSON, six times as long.
pub const REPLY_LINE: usize = 16 * 1024;
/// The longest name of an operation, in bytes.
const NAME: usize = 64;
/// The longest line of output that is passed on, in characters.
pub const OUTPUT_LINE: usize = 400;

/// What the engineer's side wants.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToOperations {
    /// Which operations there are. Answered by one [`FromOperations::Listed`] each.
    List {},
    /// To start one.
    Start {
        /// Its name.
        operation: String,
        /// The size of the file that goes with it, in bytes.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<u64>,
    },
    /// To follow the one that runs, or hear how the last one ended.
    Follow {},
}

/// What the agent answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromOperations {
    /// There is this operation.
    Listed {
        /// Its name.
        operation: String,
        /// What it is, in English.
        title: String,
        /// The largest file that it takes, in megabytes (10^6 bytes); 0: none.
        file_megabytes: u32,
    },
    /// The client is being asked.
    Asking {},
    /// The client has agreed, or need not: the file may come.
    Send {},
    /// It runs. From here on nothing but its own end ends it.
    Started {
        /// Its name.
        operation: String,
    },
    /// How far it is.
    Progress {
        /// Percent that are done.
        percent: u8,
    },
    /// A line of its output, cleaned.
    Output {
        /// The line.
        line: String,
    },
    /// Lines were left out: there were too many.
    Skipped {},
    /// It goes on by itself once the device has restarted.
    AfterRestart {},
    /// It is over. The last message.
    Over {
        /// Its name.
        operation: String,
        /// How it ended.
        end: OperationEnd,
        /// Whether the device is to be restarted for it.
        restart: bool,
    },
    /// It is not started, or there is none. The last message.
    Refused {
        /// Why.
        why: OperationRefusal,
        /// What exactly, cleaned; may be empty.
        detail: String,
    },
}

/// How an operation ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "end", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OperationEnd {
    /// As it should.
    Succeeded {},
    /// With an exit code.
    Failed {
        /// Not 0.
        code: u8,
    },
    /// By a signal.
    Killed {
        /// Its number.
        signal: u8,
    },
    /// Nobody knows: the device was switched off meanwhile, or what ran it was killed.
    Lost {},
}

/// Why an operation is not started.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationRefusal {
    /// No operation has this name.
    Unknown,
    /// The scanner's owner never permits operations.
    Never,
    /// The client said no.
    Refused,
    /// The client did not answer in time.
    Unanswered,
    /// The client was asked too often lately.
    TooOften,
    /// Another operation runs, or is about to.
    Busy,
    /// The session is over, or about to be.
    Over,
    /// It takes no file.
    NoFile,
    /// The file is larger than it takes, or than the scanner has room for.
    TooLarge,
    /// The file did not come in full.
    Incomplete,
    /// The unit that is to do it could not be reached, or said no.
    NotStarted,
    /// None runs, and none has.
    None,
    /// The message was not understood.
    Malformed,
}

/// What becomes of an operation, as the control channel tells it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case", deny_unknown_fields)]
pub enum OperationState {
    /// Its file is on its way, or it is being started.
    Starting {},
    /// It runs.
    Running {
        /// Percent that are done, where it says so.
        percent: Option<u8>,
    },
    /// It goes on by itself once the device has restarted.
    AfterRestart {},
    /// It is over.
    Over {
        /// How it ended.
        result: OperationEnd,
        /// Whether the device is to be restarted for it.
        restart: bool,
    },
}

impl OperationState {
    /// Whether it must not be interrupted.
    pub fn is_under_way(self) -> bool {
        matches!(self, Self::Running { .. } | Self::AfterRestart {})
    }

    pub(super) fn check(self) -> Result<(), &'static str> {
        match self {
            Self::Running { percent: Some(percent) } => all(&[(percent <= 100, "more than all is done")]),
            _ => Ok(()),
        }
    }
}

/// Whether `name` is fit to name an operation: it stands on command lines and in paths.
pub fn is_operation_name(name: &str) -> bool {
    let is_fit = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-' || c == '_' || c == '.';
    (1..=NAME).contains(&name.len())
        && name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(is_fit)
}

impl Bounded for ToOperations {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            // What names no operation is refused as unknown, with the names of those that there are.
            Self::Start { operation, .. } => {
                all(&[(operation.len() <= NAME, "the operation's name is too long")])
            }
            Self::List {} | Self::Follow {} => Ok(()),
        }
    }
}

impl Bounded for FromOperations {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Listed { operation, title, .. } => all(&[
                (is_operation_name(operation), "that is no name of an operation"),
                (title.len() <= limits::NAME, "the title is too long"),
            ]),
            Self::Started { operation } | Self::Over { operation, .. } => {
                all(&[(is_operation_name(operation), "that is no name of an operation")])
            }
            Self::Progress { percent } => all(&[(*percent <= 100, "more than all is done")]),
            Self::Output { line } | Self::Refused { detail: line, .. } => {
                all(&[(line.len() <= 4 * (OUTPUT_LINE + 1), "the line is too long")])
            }
            Self::Asking {} | Self::Send {} | Self::Skipped {} | Self::AfterRestart {} => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{decode, encode};
    use super::*;

    #[test]
    fn the_wire_is_as_agreed() {
        let start = ToOperations::Start { operation: "update".into(), file: Some(7) };
        assert_eq!(encode(&start), r#"{"type":"start","operation":"update","file":7}"#);
        let over = FromOperations::Over {
            operation: "update".into(),
            end: OperationEnd::Failed { code: 3 },
            restart: false,
        };
        let text = r#"{"type":"over","operation":"update","end":{"end":"failed","code":3},"restart":false}"#;
        assert_eq!(encode(&over), text);
        assert_eq!(decode::<FromOperations>(text.as_bytes()).expect("ours"), over);
        assert!(decode::<ToOperations>(br#"{"type":"start","operation":"update","more":1}"#).is_err());
    }

    #[test]
    fn names_are_fit_for_paths_and_command_lines() {
        for name in ["update", "system-update", "a.b_c-1"] {
            assert!(is_operation_name(name), "{name}");
        }
        let long = "x".repeat(NAME + 1);
        for name in ["", "-x", ".x", "../x", "a/b", "Update", "a b", "ä", "1x", long.as_str()] {
            assert!(!is_operation_name(name), "{name}");
        }
    }

    #[test]
    fn what_is_beyond_its_bounds_is_refused() {
        let over =
            |percent| decode::<FromOperations>(encode(&FromOperations::Progress { percent }).as_bytes());
        assert!(over(100).is_ok() && over(101).is_err());
        let long = FromOperations::Output { line: "x".repeat(4 * OUTPUT_LINE + 5) };
        assert!(decode::<FromOperations>(encode(&long).as_bytes()).is_err());
    }
}
