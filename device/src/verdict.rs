//! The client's own word on a session that is over.

use serde::{Deserialize, Serialize};

/// Whether a session has helped, as the client sees it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// The problem is gone.
    Solved,
    /// Some of it.
    Partly,
    /// Not at all.
    Not,
}

impl Verdict {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Solved, Self::Partly, Self::Not];

    /// The name on D-Bus and on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Solved => "solved",
            Self::Partly => "partly",
            Self::Not => "not",
        }
    }

    /// The verdict of this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }
}
