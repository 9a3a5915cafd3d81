//! When something happened, by two clocks: the wall clock, which can be set, and the time since boot, which cannot.

use std::time::{Duration, SystemTime};

use chrono::{DateTime, SecondsFormat, Utc};
use serde::{Deserialize, Serialize};

/// A time. Where the two clocks do not agree, the wall clock was set meanwhile.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stamp {
    /// By the device's clock, RFC 3339, in UTC, to the millisecond.
    pub time: String,
    /// Milliseconds since the device was switched on; sleep counts.
    pub boot_ms: u64,
}

impl Stamp {
    /// `clock`, and the time since boot.
    pub fn new(clock: SystemTime, boot: Duration) -> Self {
        let time = DateTime::<Utc>::from(clock).to_rfc3339_opts(SecondsFormat::Millis, true);
        Self { time, boot_ms: u64::try_from(boot.as_millis()).unwrap_or(u64::MAX) }
    }
}

/// A time to the second, as RFC 3339 in UTC.
pub fn rfc3339(clock: SystemTime) -> String {
    DateTime::<Utc>::from(clock).to_rfc3339_opts(SecondsFormat::Secs, true)
}
