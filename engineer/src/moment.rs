//! Moments that are remembered across runs, and how long ago they were at least: by the clock that runs from
//! the computer's start, because the time of day can be set.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::platform;

/// A moment of one boot of this computer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Moment {
    boot: String,
    /// Seconds since that boot.
    seconds: u64,
}

impl Moment {
    /// This very moment.
    pub fn now() -> Self {
        Self { boot: platform::boot_id(), seconds: platform::since_boot().as_secs() }
    }

    /// A moment of which nothing is known but that it was before this boot.
    pub fn before_this_boot() -> Self {
        Self { boot: "another".into(), seconds: 0 }
    }

    /// How long before `now` it was. Of a moment before the last boot it is only known that the computer has
    /// run since: so long at least.
    pub fn age(&self, now: &Self) -> Duration {
        let since = if self.boot == now.boot { self.seconds } else { 0 };
        Duration::from_secs(now.seconds.saturating_sub(since))
    }

    /// The same, later.
    #[cfg(test)]
    pub(crate) fn later(&self, by: Duration) -> Self {
        Self { boot: self.boot.clone(), seconds: self.seconds + by.as_secs() }
    }

    #[cfg(test)]
    pub(crate) fn of(boot: &str, seconds: u64) -> Self {
        Self { boot: boot.into(), seconds }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_count_from_the_moment_or_from_the_last_boot() {
        let now = Moment::of("b", 500);
        let age = |boot, seconds| Moment::of(boot, seconds).age(&now).as_secs();
        assert_eq!((age("b", 100), age("b", 500), age("a", 100)), (400, 0, 500));
        assert_eq!(age("b", 900), 0, "a moment that is still to come is none that passed");
        assert_eq!(Moment::before_this_boot().age(&now).as_secs(), 500);
        assert!(Moment::now().age(&Moment::now()) < Duration::from_secs(60));
    }
}
