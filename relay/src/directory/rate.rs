//! How often an engineer or a network may do something: a sliding window of one minute.

use std::collections::{HashMap, VecDeque};
use std::hash::Hash;
use std::time::{Duration, Instant};

const WINDOW: Duration = Duration::from_secs(60);
/// With more keys than this, those with nothing in the window are forgotten.
const MANY: usize = 1_024;

/// Counts events per key: per engineer over all of their connections, or per network.
pub(crate) struct RateLimit<K> {
    permitted: usize,
    recent: HashMap<K, VecDeque<Instant>>,
    /// Keys at which it is time to forget.
    forget_at: usize,
}

impl<K: Eq + Hash + Copy> RateLimit<K> {
    /// Permits that many events in any minute.
    pub(crate) fn new(permitted: usize) -> Self {
        Self { permitted, recent: HashMap::new(), forget_at: MANY }
    }

    /// Counts an event, or says how long to wait. A refused event does not count.
    pub(crate) fn admit(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        self.check(key, now)?;
        if self.recent.len() >= self.forget_at {
            self.recent.retain(|_, times| times.back().is_some_and(|&at| is_recent(at, now)));
            self.forget_at = MANY.max(2 * self.recent.len());
        }
        self.recent.entry(key).or_default().push_back(now);
        Ok(())
    }

    /// Whether an event would be admitted, or how long to wait.
    pub(crate) fn check(&mut self, key: K, now: Instant) -> Result<(), Duration> {
        let Some(times) = self.recent.get_mut(&key) else { return Ok(()) };
        while times.front().is_some_and(|&at| !is_recent(at, now)) {
            times.pop_front();
        }
        match times.front() {
            Some(&oldest) if times.len() >= self.permitted => {
                Err(WINDOW.saturating_sub(now.saturating_duration_since(oldest)))
            }
            _ => Ok(()),
        }
    }
}

fn is_recent(at: Instant, now: Instant) -> bool {
    now.saturating_duration_since(at) < WINDOW
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::EngineerId;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn one_engineer_does_not_use_up_another_ones_requests() {
        let (mut limit, now) = (RateLimit::new(2), Instant::now());
        let (zoe, max) = (EngineerId::random(), EngineerId::random());
        assert_eq!(limit.admit(zoe, now), Ok(()));
        assert_eq!(limit.admit(zoe, now + Duration::from_secs(10)), Ok(()));
        assert_eq!(limit.admit(zoe, now + Duration::from_secs(20)), Err(Duration::from_secs(40)));
        assert_eq!(limit.admit(max, now + Duration::from_secs(20)), Ok(()));
        assert_eq!(limit.admit(zoe, now + Duration::from_secs(60)), Ok(()));
    }

    #[test]
    fn strangers_do_not_pile_up() {
        let (mut limit, now) = (RateLimit::new(2), Instant::now());
        for key in 0..MANY {
            assert_eq!(limit.admit(key, now), Ok(()));
        }
        assert_eq!(limit.admit(MANY, now + WINDOW), Ok(()));
        assert_eq!(limit.recent.len(), 1);
    }

    proptest! {
        #[test]
        fn no_minute_has_more_than_permitted(
            permitted in 1usize..12, steps in prop::collection::vec(0u64..20_000, 1..200),
        ) {
            let (mut limit, mut now) = (RateLimit::new(permitted), Instant::now());
            let engineer = EngineerId::random();
            let mut admitted = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                match limit.admit(engineer, now) {
                    Ok(()) => admitted.push(now),
                    // Waiting as long as it says helps, and nothing shorter would.
                    Err(wait) => prop_assert!(wait > Duration::ZERO && wait <= WINDOW),
                }
            }
            for window in admitted.windows(permitted + 1) {
                prop_assert!(window[permitted] - window[0] >= WINDOW);
            }
        }
    }
}
