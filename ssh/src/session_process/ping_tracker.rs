//! Whether the session process still answers: pings and pongs, without socket or clock.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

// More are never under way; at the default limits the session is lost after four.
const MAX_UNANSWERED: usize = 16;

/// Numbers pings, matches pongs, and knows when the silence has lasted too long.
#[derive(Debug)]
pub(super) struct PingTracker {
    silence: Duration,
    next: u64,
    unanswered: VecDeque<(u64, Instant)>,
}

impl PingTracker {
    /// Silence longer than this is too long.
    pub(super) fn new(silence: Duration) -> Self {
        Self { silence, next: 0, unanswered: VecDeque::new() }
    }

    /// Whether the oldest ping has waited too long.
    pub(super) fn is_silent(&self, now: Instant) -> bool {
        let oldest = self.unanswered.front();
        oldest.is_some_and(|(_, sent)| now.duration_since(*sent) > self.silence)
    }

    /// The number of the ping to send now, if another one makes sense.
    pub(super) fn ping(&mut self, now: Instant) -> Option<u64> {
        if self.unanswered.len() >= MAX_UNANSWERED {
            return None;
        }
        let sequence = self.next;
        self.next += 1;
        self.unanswered.push_back((sequence, now));
        Some(sequence)
    }

    /// Takes a pong; false if it answers nothing. Pongs come in the order of the pings.
    pub(super) fn pong(&mut self, sequence: u64) -> bool {
        let expected = self.unanswered.front().is_some_and(|(n, _)| *n == sequence);
        if expected {
            self.unanswered.pop_front();
        }
        expected
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn silence_counts_from_the_oldest_unanswered_ping() {
        let start = Instant::now();
        let mut ping_tracker = PingTracker::new(SECOND);
        assert!(!ping_tracker.is_silent(start + 10 * SECOND));
        let first = ping_tracker.ping(start).expect("first");
        let second = ping_tracker.ping(start + SECOND).expect("second");
        assert!(ping_tracker.is_silent(start + SECOND + SECOND / 2));
        assert!(ping_tracker.pong(first));
        assert!(!ping_tracker.is_silent(start + SECOND + SECOND / 2));
        assert!(ping_tracker.pong(second));
    }

    #[test]
    fn a_pong_nobody_waits_for_is_noticed() {
        let mut ping_tracker = PingTracker::new(SECOND);
        assert!(!ping_tracker.pong(0));
        let sequence = ping_tracker.ping(Instant::now()).expect("ping");
        assert!(!ping_tracker.pong(sequence + 1));
        assert!(ping_tracker.pong(sequence));
        assert!(!ping_tracker.pong(sequence));
    }

    #[test]
    fn pings_do_not_pile_up() {
        let mut ping_tracker = PingTracker::new(SECOND);
        let sent = std::iter::from_fn(|| ping_tracker.ping(Instant::now())).count();
        assert_eq!(sent, MAX_UNANSWERED);
    }
}
