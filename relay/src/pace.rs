//! How fast a peer may send messages: so many in each stretch of time. Knows no clock.

use std::time::{Duration, Instant};

/// Counts messages. The clock is looked at only when a stretch's number is used up.
#[derive(Debug)]
pub(crate) struct Pace {
    permitted: u32,
    stretch: Duration,
    /// How much unused time is remembered.
    saved: Duration,
    left: u32,
    /// When the stretch began; an unused stretch before it may be remembered by putting it back.
    since: Instant,
}

impl Pace {
    /// Permits `permitted` messages in each `stretch`, from `now` on.
    pub(crate) fn new(permitted: u32, stretch: Duration, now: Instant) -> Self {
        Self { permitted, stretch, saved: Duration::ZERO, left: permitted, since: now }
    }

    /// Lets a peer catch up with what it did not send in up to `stretches` stretches before: what piled up while the
    /// relay had no time to read is not haste.
    pub(crate) fn saving(self, stretches: u32) -> Self {
        Self { saved: self.stretch * stretches, ..self }
    }

    /// Counts a message. If they came too fast: until when no more is to be read.
    pub(crate) fn count(&mut self, now: impl FnOnce() -> Instant) -> Option<Instant> {
        self.left -= 1;
        if self.left > 0 {
            return None;
        }
        self.left = self.permitted;
        let (now, next) = (now(), self.since + self.stretch);
        self.since = now.checked_sub(self.saved).map_or(next, |earliest| earliest.max(next));
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
        fn who_waits_as_told_stays_within_twice_the_pace_and_the_savings(
            permitted in 1u32..50, saving in 0u32..4, gaps in prop::collection::vec(0u64..10, 1..2_000),
        ) {
            let mut now = Instant::now();
            let mut pace = Pace::new(permitted, STRETCH, now).saving(saving);
            let mut times = Vec::new();
            for gap in gaps {
                now += Duration::from_millis(gap);
                times.push(now);
                if let Some(until) = pace.count(|| now) {
                    prop_assert!(until > now && until - now <= STRETCH);
                    now = until;
                }
            }
            let most = (saving as usize + 2) * permitted as usize;
            for window in times.windows(most + 1) {
                prop_assert!(window[most] - window[0] >= STRETCH);
            }
        }

        #[test]
        fn what_piled_up_is_not_haste(permitted in 1u32..50, saving in 1u32..10) {
            let begin = Instant::now();
            let mut pace = Pace::new(permitted, STRETCH, begin).saving(saving);
            let now = begin + STRETCH * saving;
            for _ in 0..permitted * saving {
                prop_assert_eq!(pace.count(|| now), None);
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
