//! How fast a peer may send messages: so many in each stretch of time. Knows no clock.

use std::time::{Duration, Instant};

/// Counts messages. The clock is looked at only when a stretch's number is used up.
#[derive(Debug)]
pub struct Pace {
    permitted: u32,
    stretch: Duration,
    left: u32,
    since: Instant,
}

impl Pace {
    /// Permits `permitted` messages in each `stretch`, from `now` on.
    pub fn new(permitted: u32, stretch: Duration, now: Instant) -> Self {
        Self { permitted, stretch, left: permitted, since: now }
    }

    /// Counts a message. If they came too fast: until when no more is to be read.
    pub fn count(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        self.left = self.permitted;
        let (now, next) = (now(), self.since + self.stretch);
        self.since = now.max(next);
        (now < next).then_some(next)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const STRETCH: Duration = Duration::from_millis(100);

    proptest! {
        #[test]
        fn who_waits_as_told_stays_within_twice_the_pace(
            permitted in 1u32..50, gaps in prop::collection::vec(0u64..10, 1..2_000),
        ) {
            let mut now = Instant::now();
            let mut pace = Pace::new(permitted, STRETCH, now);
            let mut times = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                times.push(now);
                if let Some(until) = pace.count(|| now) {
                    prop_assert!(until > now && until - now <= STRETCH);
                    now = until;
                }
            }
            for window in times.windows(2 * permitted as usize + 1) {
                prop_assert!(window[2 * permitted as usize] - window[0] >= STRETCH);
            }
        }

        #[test]
        fn who_keeps_the_pace_is_never_held_back(permitted in 1u32..50, count in 1u32..500) {
            let mut now = Instant::now();
            let mut pace = Pace::new(permitted, STRETCH, now);
            for _ in 0..count {
                now += STRETCH / permitted + Duration::from_nanos(1);
                prop_assert_eq!(pace.count(|| now), None);
            }
        }
    }
}
