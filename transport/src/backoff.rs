//! How long to wait before the next try.

use std::time::Duration;

use rand::RngExt;

/// Jittered exponential backoff: at once, then 100 ms, doubled up to a limit, each drawn from the
/// upper half so that thousands of agents do not come back in step.
#[derive(Debug, Clone)]
pub struct Backoff {
    next: Duration,
    limit: Duration,
    first: bool,
}

const START: Duration = Duration::from_millis(100);

impl Backoff {
    /// A backoff that never waits longer than `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { next: START, limit, first: true }
    }

    /// The wait before the next try.
    pub fn next_delay(&mut self) -> Duration {
        if std::mem::take(&mut self.first) {
            return Duration::ZERO;
        }
        let ceiling = self.next.min(self.limit);
        self.next = (self.next * 2).min(self.limit);
        ceiling.mul_f64(rand::rng().random_range(0.5..=1.0))
    }

    /// The next wait is about `pause`, and later ones are longer.
    pub fn skip(&mut self, pause: Duration) {
        (self.first, self.next) = (false, self.next.max(pause).min(self.limit));
    }

    /// A try succeeded: the next failure is retried at once.
    pub fn reset(&mut self) {
        *self = Self::new(self.limit);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn begins_at_once_doubles_and_stays_within_its_limit() {
        let mut backoff = Backoff::new(Duration::from_secs(5));
        assert_eq!(backoff.next_delay(), Duration::ZERO);
        for expected in [100, 200, 400, 800, 1600, 3200, 5000, 5000] {
            let delay = backoff.next_delay().as_millis();
            assert!((expected / 2..=expected).contains(&delay), "{delay} of {expected}");
        }
        backoff.reset();
        assert_eq!(backoff.next_delay(), Duration::ZERO);
    }
}
