//! When the engineer is told how much of the session is left. The scanner says it every few seconds.

use std::time::Duration;

/// In minutes before the end, as the client is told.
const TOLD: [u64; 3] = [1, 5, 10];

/// What was heard last.
#[derive(Debug, Default)]
pub(super) struct Countdown {
    left: Option<Duration>,
}

impl Countdown {
    /// So much is left now. Returns the minutes that the engineer is to be told, if it has just come to that. After an
    /// interruption that is the last of what was missed.
    pub(super) fn handle_left(&mut self, left: Duration) -> Option<u64> {
        let before = self.left.replace(left)?;
        let is_reached = |minutes: &u64| {
            let moment = Duration::from_secs(60 * minutes);
            left <= moment && before > moment
        };
        TOLD.into_iter().find(is_reached)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(countdown: &mut Countdown, seconds: impl Iterator<Item = u64>) -> Vec<u64> {
        seconds.filter_map(|left| countdown.handle_left(Duration::from_secs(left))).collect()
    }

    #[test]
    fn each_moment_is_told_once_and_again_after_more_time() {
        let mut countdown = Countdown::default();
        assert_eq!(told(&mut countdown, (0..=3_600).rev().step_by(5)), [10, 5, 1]);
        assert_eq!(told(&mut countdown, (0..=1_000).rev().step_by(5)), [10, 5, 1]);
        assert_eq!(told(&mut countdown, [900, 650, 30, 25].into_iter()), [1], "it was interrupted");
    }

    #[test]
    fn a_session_that_begins_short_is_not_told_what_lies_before_it() {
        assert_eq!(told(&mut Countdown::default(), [240, 120, 61, 60].into_iter()), [1]);
    }
}
