//! The time by which a certificate is judged.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When this release was made, in seconds since 1970: a clock that shows an earlier time was never set. To be moved with
/// every release; a test says when it has become old.
pub const RELEASED: u64 = 1_788_220_800;

/// How far the device's clock may be behind the authority's.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A time, and whether the device's own clock can have said it. A clock that was set back, to a time after the release,
/// makes an expired certificate valid again.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    seconds: u64,
    is_clock_set: bool,
}

impl Moment {
    /// The later of the device's clock and the release. A clock that is before the release was never set.
    pub fn of(clock: SystemTime) -> Self {
        let seconds = clock.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        Self { seconds: seconds.max(RELEASED), is_clock_set: seconds >= RELEASED }
    }

    /// Seconds since 1970.
    pub fn seconds(self) -> u64 {
        self.seconds
    }

    /// Whether the device's clock has been set since it was without power.
    pub fn is_clock_set(self) -> bool {
        self.is_clock_set
    }

    /// Whether something that is valid from `after` is so by now. The tolerance is in its favour.
    pub(crate) fn is_past(self, after: u64) -> bool {
        after <= self.seconds.saturating_add(TOLERANCE.as_secs())
    }

    /// Whether something that is valid before `before` still is.
    pub(crate) fn is_before(self, before: u64) -> bool {
        self.seconds < before
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> Moment {
        Moment::of(UNIX_EPOCH + Duration::from_secs(seconds))
    }

    #[test]
    fn a_clock_before_the_release_was_never_set() {
        let unset = at(3);
        assert_eq!((unset.seconds(), unset.is_clock_set()), (RELEASED, false));
        let set = at(RELEASED + 1);
        assert_eq!((set.seconds(), set.is_clock_set()), (RELEASED + 1, true));
        assert_eq!(Moment::of(UNIX_EPOCH - Duration::from_secs(1)), unset);
    }

    /// What is committed long after the release's date is another release.
    #[test]
    fn the_release_is_not_an_old_one() {
        const MOST: u64 = 180 * 86_400;
        let log = std::process::Command::new("git").args(["log", "-1", "--format=%ct"]).output();
        let log = log.map(|output| String::from_utf8_lossy(&output.stdout).trim().parse::<u64>());
        // Sources that were taken out of their repository have no date.
        let Ok(Ok(committed)) = log else { return };
        assert!(committed < RELEASED + MOST, "move RELEASED");
        assert!(RELEASED < committed + 2 * 86_400, "RELEASED lies in the future");
    }

    #[test]
    fn the_tolerance_is_for_the_beginning_only() {
        let now = at(RELEASED + 1000);
        assert!(now.is_past(RELEASED + 1300) && !now.is_past(RELEASED + 1301));
        assert!(now.is_before(RELEASED + 1001) && !now.is_before(RELEASED + 1000));
        assert!(at(u64::MAX >> 2).is_past(u64::MAX >> 2));
    }
}
