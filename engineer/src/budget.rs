//! How much of what the other side can cause is told: so many lines at once, and so many a minute. A hostile
//! scanner can send chat as fast as the line is, and a relay can cut connections as fast.

use std::time::{Duration, Instant};

/// Lines that may come at once.
const BURST: u32 = 40;
/// One more for each of these.
const REFILL: Duration = Duration::from_millis(500);

/// What may still be told.
#[derive(Debug)]
pub(crate) struct Budget {
    left: u32,
    left_out: u64,
    /// Up to when the refill is counted.
    counted: Option<Instant>,
}

/// What becomes of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// It is told, and before it that so many were left out.
    Tell {
        /// How many.
        left_out: u64,
    },
    /// It is left out.
    LeaveOut,
}

impl Default for Budget {
    fn default() -> Self {
        Self { left: BURST, left_out: 0, counted: None }
    }
}

impl Budget {
    /// A line comes at `now`.
    pub(crate) fn spend(&mut self, now: Instant) -> Verdict {
        self.refill(now);
        if self.left == 0 {
            self.left_out += 1;
            return Verdict::LeaveOut;
        }
        self.left -= 1;
        Verdict::Tell { left_out: std::mem::take(&mut self.left_out) }
    }

    fn refill(&mut self, now: Instant) {
        let counted = *self.counted.get_or_insert(now);
        let periods = now.saturating_duration_since(counted).as_millis() / REFILL.as_millis();
        let room = BURST - self.left;
        let more = u32::try_from(periods).unwrap_or(u32::MAX).min(room);
        self.left += more;
        // A full budget does not save anything up.
        self.counted = Some(if self.left == BURST { now } else { counted + REFILL * more });
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// Never more than the burst and what time has added; and every line is told or counted.
        #[test]
        fn tells_no_more_than_it_may(pauses in prop::collection::vec(0u64..2_000, 1..400)) {
            let (mut budget, begin) = (Budget::default(), Instant::now());
            let (mut now, mut told, mut counted, mut lines) = (begin, 0u64, 0u64, 0u64);
            for pause in pauses {
                now += Duration::from_millis(pause);
                lines += 1;
                if let Verdict::Tell { left_out } = budget.spend(now) {
                    told += 1;
                    counted += left_out;
                }
                let allowed = u64::from(BURST) + (now - begin).as_millis() as u64 / 500;
                prop_assert!(told <= allowed, "{told} of {allowed}");
                prop_assert_eq!(told + counted + budget.left_out, lines);
            }
        }

        #[test]
        fn a_talkative_client_is_always_heard(pauses in prop::collection::vec(500u64..5_000, 1..200)) {
            let (mut budget, mut now) = (Budget::default(), Instant::now());
            for pause in pauses {
                now += Duration::from_millis(pause);
                prop_assert_eq!(budget.spend(now), Verdict::Tell { left_out: 0 });
            }
        }
    }
}
