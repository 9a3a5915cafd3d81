//! How fast lines for the client may follow each other.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

/// The scanner leaves out what exceeds 20 lines in 10 seconds. Half of that, because lines that a network
/// held back, unnoticed, arrive together with those after them.
const LINES: usize = 10;
const PERIOD: Duration = Duration::from_secs(10);

/// When the last lines went out.
#[derive(Debug, Default)]
pub(super) struct Pace(VecDeque<Instant>);

impl Pace {
    /// When the next line may go, unless it may go at once.
    pub(super) fn waits_until(&self) -> Option<Instant> {
        let oldest = self.0.front().filter(|_| self.0.len() == LINES)?;
        Some(*oldest + PERIOD)
    }

    /// A line goes out at `now`.
    pub(super) fn count(&mut self, now: Instant) {
        if self.0.len() == LINES {
            self.0.pop_front();
        }
        self.0.push_back(now);
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// A sender that waits as told is never faster than the pace, and a slow writer never waits.
        #[test]
        fn keeps_the_pace(pauses in prop::collection::vec(0u64..3_000, 1..100)) {
            let (mut pace, mut now, mut sent) = (Pace::default(), Instant::now(), Vec::new());
            for pause in pauses {
                now += Duration::from_millis(pause);
                let recent = sent.iter().filter(|&&at| now < at + PERIOD).count();
                prop_assert_eq!(pace.waits_until().is_some_and(|until| until > now), recent == LINES);
                now = pace.waits_until().map_or(now, |until| until.max(now));
                pace.count(now);
                sent.push(now);
            }
            prop_assert!(sent.windows(LINES + 1).all(|lines| lines[LINES] >= lines[0] + PERIOD));
        }
    }
}
