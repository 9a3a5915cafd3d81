//! An operation of the device's, such as a system update, as its client sees it.

use std::collections::BTreeMap;

use fieldlink_protocol::messages::operation::{OperationEnd, OperationState};
use serde::Serialize;

use crate::words::Language;

/// How an operation stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum OperationPhase {
    /// What goes with it is on its way.
    Starting,
    /// It runs, and must not be interrupted.
    Running,
    /// It goes on by itself once the device has restarted.
    AfterRestart,
    /// It is over, and all is well.
    Succeeded,
    /// It is over, and something went wrong.
    Failed,
    /// It is over, and nobody knows how.
    Lost,
}

impl OperationPhase {
    /// All of them.
    const ALL: [Self; 6] =
        [Self::Starting, Self::Running, Self::AfterRestart, Self::Succeeded, Self::Failed, Self::Lost];

    /// The name on D-Bus, in JSON and in the names of messages.
    pub fn name(self) -> &'static str {
        match self {
            Self::Starting => "starting",
            Self::Running => "running",
            Self::AfterRestart => "after-restart",
            Self::Succeeded => "succeeded",
            Self::Failed => "failed",
            Self::Lost => "lost",
        }
    }

    /// What has this name, if this version knows it.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|phase| phase.name() == name)
    }
}

/// An operation that runs, or ran last.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Operation {
    /// What it is called, by the code of the language.
    pub titles: BTreeMap<String, String>,
    /// How it stands.
    pub phase: OperationPhase,
    /// Percent that are done, where it says so.
    pub percent: Option<u8>,
    /// The last line that it printed, cleaned; may be empty.
    pub line: String,
    /// Whether the device is to be restarted for it.
    pub restart: bool,
}

impl Operation {
    /// One that stands so.
    pub fn new(titles: BTreeMap<String, String>, state: OperationState, line: String) -> Self {
        let (phase, percent, restart) = match state {
            OperationState::Starting {} => (OperationPhase::Starting, None, false),
            OperationState::Running { percent } => (OperationPhase::Running, percent, false),
            OperationState::AfterRestart {} => (OperationPhase::AfterRestart, None, true),
            OperationState::Over { result, restart } => {
                let phase = match result {
                    OperationEnd::Succeeded {} => OperationPhase::Succeeded,
                    OperationEnd::Failed { .. } | OperationEnd::Killed { .. } => OperationPhase::Failed,
                    OperationEnd::Lost {} => OperationPhase::Lost,
                };
                (phase, None, restart)
            }
        };
        Self { titles, phase, percent, line, restart }
    }
}

/// What an operation is called in `language`, or else in English.
pub fn title(titles: &BTreeMap<String, String>, language: Language) -> &str {
    let english = titles.get(Language::English.code());
    titles.get(language.code()).or(english).map_or("?", String::as_str)
}
