//! The time by which a certificate is judged.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

/// When this release was made, in seconds since 1970: no certificate is judged by an earlier time. To be moved with
/// every release.
const RELEASED: u64 = 1_795_910_400;

/// How far the device's clock may be behind the authority's.
const TOLERANCE: Duration = Duration::from_secs(5 * 60);

/// A time, and whether the device's own clock can have said it.
///
/// A clock that was set back to a time after the release makes an expired certificate valid again; one that was set
/// back further does so for certificates that were valid at the release.
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

    #[test]
    fn the_tolerance_is_for_the_beginning_only() {
        let now = at(RELEASED + 1000);
        assert!(now.is_past(RELEASED + 1300) && !now.is_past(RELEASED + 1301));
        assert!(now.is_before(RELEASED + 1001) && !now.is_before(RELEASED + 1000));
        assert!(at(u64::MAX >> 2).is_past(u64::MAX >> 2));
    }
}
