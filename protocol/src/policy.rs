//! What an engineer may do on a scanner: functions, and what its owner permits of each.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Something that an engineer can use, as `[policy]` of `agent.toml` names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Function {
    /// A login shell.
    Shell,
    /// A single command.
    Exec,
    /// Writing files, and everything else that changes them, by SFTP.
    Upload,
    /// Reading files by SFTP.
    Download,
    /// Connections to ports and sockets.
    Forward,
    /// Named operations, such as a system update.
    Operations,
    /// Restarting the device.
    Restart,
    /// Letting further people in: engineers who join, and those who only watch.
    Guests,
    /// Fetching a diagnosis: excerpts of logs, and the device's health.
    Diagnostics,
}

impl Function {
    /// All of them.
    pub const ALL: [Self; 9] = [
        Self::Shell,
        Self::Exec,
        Self::Upload,
        Self::Download,
        Self::Forward,
        Self::Operations,
        Self::Restart,
        Self::Guests,
        Self::Diagnostics,
    ];

    /// The name in configurations, on D-Bus and on the wire.
    pub fn name(self) -> &'static str {
        match self {
            Self::Shell => "shell",
            Self::Exec => "exec",
            Self::Upload => "upload",
            Self::Download => "download",
            Self::Forward => "forward",
            Self::Operations => "operations",
            Self::Restart => "restart",
            Self::Guests => "guests",
            Self::Diagnostics => "diagnostics",
        }
    }

    /// The function that has this name.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|function| function.name() == name)
    }
}

impl fmt::Display for Function {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// Whether a function may be used. The stricter one is the smaller one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Permission {
    /// Not in any session.
    Never,
    /// Once the client has agreed, in each session.
    Ask,
    /// As soon as the engineer is let in.
    Allowed,
}

impl Permission {
    /// The value in configurations.
    pub fn name(self) -> &'static str {
        match self {
            Self::Never => "never",
            Self::Ask => "ask",
            Self::Allowed => "allowed",
        }
    }
}

/// Why a function is not permitted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Denied {
    /// Its owner never permits it.
    #[error("not allowed by this scanner: policy.{0} = \"never\" in agent.toml")]
    Never(Function),
    /// The client was asked and said no.
    #[error("the client did not allow it (policy.{0} = \"ask\" in agent.toml)")]
    Refused(Function),
    /// The client was asked and did not answer in time.
    #[error("the client did not answer (policy.{0} = \"ask\" in agent.toml): try again")]
    Unanswered(Function),
    /// It was wanted and given up so often lately that the client is not asked again yet.
    #[error(
        "the client was asked too often just now (policy.{0} = \"ask\" in agent.toml): try again in ten seconds"
    )]
    TooOften(Function),
    /// The session is over.
    #[error("the session is over")]
    Over,
}

impl Denied {
    /// The function that is not permitted, unless nothing is.
    pub fn function(self) -> Option<Function> {
        match self {
            Self::Never(function)
            | Self::Refused(function)
            | Self::Unanswered(function)
            | Self::TooOften(function) => Some(function),
            Self::Over => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_those_of_the_configuration() {
        for function in Function::ALL {
            assert_eq!(Function::from_name(function.name()), Some(function));
            let json = serde_json::to_string(&function).expect("a name");
            assert_eq!(json, format!("{:?}", function.name()));
        }
        for permission in [Permission::Never, Permission::Ask, Permission::Allowed] {
            let json = serde_json::to_string(&permission).expect("a name");
            assert_eq!(json, format!("{:?}", permission.name()));
        }
        assert!(Permission::Never < Permission::Ask && Permission::Ask < Permission::Allowed);
    }
}
