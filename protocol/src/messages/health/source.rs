//! The sources of a health, to name those that did not answer.

use serde::{Deserialize, Serialize};

/// Where what is known comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Source {
    /// The kernel: processors, memory, temperatures.
    System,
    /// File systems: not all of them could be looked at.
    Disks,
    /// Fans, as the kernel shows them.
    Fans,
    /// Model and operating system.
    Host,
    /// UPower.
    Batteries,
    /// systemd's units.
    Units,
    /// The clock.
    Clock,
    /// What disks say of themselves.
    Smart,
    /// Updates that wait.
    Updates,
}

impl Source {
    /// Every one.
    pub const ALL: [Self; 9] = [
        Self::System,
        Self::Fans,
        Self::Disks,
        Self::Host,
        Self::Batteries,
        Self::Units,
        Self::Clock,
        Self::Smart,
        Self::Updates,
    ];

    /// How it is named.
    pub fn name(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Fans => "fans",
            Self::Disks => "disks",
            Self::Host => "host",
            Self::Batteries => "batteries",
            Self::Units => "units",
            Self::Clock => "clock",
            Self::Smart => "smart",
            Self::Updates => "updates",
        }
    }
}
