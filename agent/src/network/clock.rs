//! What this device's clock says, and whether that can be.

use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use fieldlink_identity::RELEASED;
use serde::Serialize;

/// How long this version may be in use after that, in seconds: a later time is wrong, too.
const LIFETIME: u64 = 20 * 365 * 86_400;
/// systemd-timesyncd leaves this file once it has set the clock since the start of the system.
const SYNCHRONISED: &str = "/run/systemd/timesync/synchronized";

/// A reading of the clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Clock {
    /// Seconds since 1970.
    pub now: u64,
    /// Whether a time server is known to have set it since the device started. False means unknown.
    pub synchronised: bool,
}

impl Clock {
    /// Reads the system's clock. A time before 1970 counts as 1970.
    pub fn read() -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs());
        Self { now, synchronised: Path::new(SYNCHRONISED).exists() }
    }

    /// Whether this could be the time.
    pub fn is_plausible(self) -> bool {
        (RELEASED..RELEASED + LIFETIME).contains(&self.now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_empty_battery_is_not_plausible() {
        for (now, plausible) in [(0, false), (1_577_836_800, false), (RELEASED, true), (u64::MAX, false)] {
            assert_eq!(Clock { now, synchronised: false }.is_plausible(), plausible, "{now}");
        }
    }
}
