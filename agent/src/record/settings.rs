//! `[record]` of `agent.toml`.

use std::path::{Path, PathBuf};

use anyhow::ensure;
use fieldlink_identity::TrustedKey;
use serde::Deserialize;

/// Days that a record may be kept at most.
const MOST_DAYS: u32 = 3650;
/// Megabytes that all records may take at most.
const MOST_MEGABYTES: u32 = 100_000;
/// Keys of the relay's that may count: this one and the next, and two of a relay that is being moved to.
const MOST_KEYS: usize = 4;

/// How sessions are recorded.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RecordSettings {
    /// Days that a record is kept.
    pub retention_days: u32,
    /// Megabytes (10^6 bytes) of what terminals show that are recorded of one session.
    pub session_megabytes: u32,
    /// Megabytes that all records may take: the oldest go first.
    pub total_megabytes: u32,
    /// Public keys of the relay whose anchors count, as `fieldlink-relay anchor-key` prints them.
    pub anchor_keys: Vec<String>,
    /// For development: where records are. A service keeps them in its state directory.
    pub directory: Option<PathBuf>,
}

impl Default for RecordSettings {
    fn default() -> Self {
        Self {
            retention_days: 90,
            session_megabytes: 100,
            total_megabytes: 1000,
            anchor_keys: Vec::new(),
            directory: None,
        }
    }
}

impl RecordSettings {
    pub(crate) fn check(&self) -> anyhow::Result<()> {
        let within = |name: &str, value: u32, least: u32, most: u32| {
            ensure!(
                (least..=most).contains(&value),
                "record.{name} must be from {least} to {most}, not {value}"
            );
            Ok(())
        };
        within("retention_days", self.retention_days, 1, MOST_DAYS)?;
        within("total_megabytes", self.total_megabytes, 1, MOST_MEGABYTES)?;
        within("session_megabytes", self.session_megabytes, 0, self.total_megabytes)?;
        let keys = &self.anchor_keys;
        ensure!(keys.len() <= MOST_KEYS, "record.anchor_keys has more than {MOST_KEYS} keys");
        for key in keys {
            TrustedKey::from_line(key).map_err(|error| anyhow::anyhow!("record.anchor_keys: {error}"))?;
        }
        Ok(())
    }

    pub(crate) fn stand_in(&mut self, directory: &Path) {
        self.directory = self.directory.take().map(|path| directory.join(path));
    }

    /// Bytes of what terminals show that are recorded of one session.
    pub(super) fn session_bytes(&self) -> u64 {
        u64::from(self.session_megabytes) * 1_000_000
    }

    /// Bytes that all records may take.
    pub(super) fn total_bytes(&self) -> u64 {
        u64::from(self.total_megabytes) * 1_000_000
    }
}
