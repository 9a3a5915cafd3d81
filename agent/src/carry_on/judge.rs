//! Whether a session may go on after a restart, by the clocks. Pure.
//!
//! Over a restart only the wall clock counts on, and it may be wrong: a device whose battery was out begins in the past
//! until something sets its clock. So a time before the one that was written down is waited for, not judged; and how long
//! this boot has been looked on counts as well. Whatever the clock says, the session has never more time than it had.

use std::time::Duration;

use fieldlink_protocol::limits;

/// What becomes of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Judgement {
    /// The clock is not set yet.
    Wait,
    /// It may go on, with so much time left, if the engineer is back within so long.
    Go {
        /// Of the session.
        left: Duration,
        /// Of the restart.
        within: Duration,
    },
    /// It may not.
    No(NotCarriedOn),
}

/// Why a session does not go on after a restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NotCarriedOn {
    /// The restart took too long.
    #[error("the device was away for more than a quarter of an hour")]
    Late,
    /// The session's time is up.
    #[error("the session's time is up")]
    TimeUp,
    /// Nothing has set the clock: it is still before the restart.
    #[error("the clock shows a time before the restart, and nothing has set it")]
    ClockBehind,
    /// The file is not as we left it: another's, readable by others, or no file.
    #[error("the file is not this account's alone")]
    Exposed,
    /// It cannot be understood.
    #[error("the file cannot be understood")]
    Malformed,
    /// It could not be removed, so it could be used twice.
    #[error("the file could not be removed")]
    NotRemoved,
    /// It is another computer's.
    #[error("the file is another computer's")]
    OtherMachine,
}

/// `stored`: when, in Unix seconds, and how many seconds the session had left. `now` is in Unix seconds, too; `looked_on`
/// is for how long this boot has been looked on.
pub(super) fn judge((wall, remaining): (u64, u64), now: u64, looked_on: Duration) -> Judgement {
    let patience = limits::RESTART.as_secs();
    let Some(by_clock) = now.checked_sub(wall) else {
        return match looked_on < limits::RESTART {
            true => Judgement::Wait,
            false => Judgement::No(NotCarriedOn::ClockBehind),
        };
    };
    let away = by_clock.max(looked_on.as_secs());
    if away >= patience {
        return Judgement::No(NotCarriedOn::Late);
    }
    match remaining.saturating_sub(away) {
        0 => Judgement::No(NotCarriedOn::TimeUp),
        left => {
            Judgement::Go { left: Duration::from_secs(left), within: Duration::from_secs(patience - away) }
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const WALL: u64 = 1_700_000_000;

    fn after(seconds: i64, remaining: u64) -> Judgement {
        judge((WALL, remaining), WALL.saturating_add_signed(seconds), Duration::ZERO)
    }

    #[test]
    fn time_counts_on_over_the_restart() {
        let go = |left, within| Judgement::Go {
            left: Duration::from_secs(left),
            within: Duration::from_secs(within),
        };
        assert_eq!(after(90, 2280), go(2190, 810));
        assert_eq!(after(0, 1), go(1, 900));
        assert_eq!(after(899, 3600), go(2701, 1));
        assert_eq!(after(900, 3600), Judgement::No(NotCarriedOn::Late));
        assert_eq!(after(60, 60), Judgement::No(NotCarriedOn::TimeUp));
    }

    #[test]
    fn a_clock_that_is_not_set_is_waited_for_and_not_for_ever() {
        assert_eq!(after(-1, 3600), Judgement::Wait);
        assert_eq!(judge((WALL, 3600), 0, Duration::from_secs(899)), Judgement::Wait);
        let behind = judge((WALL, 3600), 0, Duration::from_secs(900));
        assert_eq!(behind, Judgement::No(NotCarriedOn::ClockBehind));
        // Once it is set, what passed meanwhile counts.
        let set = judge((WALL, 3600), WALL + 5, Duration::from_secs(100));
        assert_eq!(set, Judgement::Go { left: Duration::from_secs(3500), within: Duration::from_secs(800) });
    }

    proptest! {
        /// However the clock is stepped, nothing is won.
        #[test]
        fn there_is_never_more_time_than_there_was(
            remaining in 0u64..7_200, steps in prop::collection::vec((-4_000i64..4_000, 0u64..600), 1..20),
        ) {
            let (mut looked_on, mut clock) = (0, WALL as i64);
            for (step, passes) in steps {
                looked_on += passes;
                clock += step + passes as i64;
                let judged = judge((WALL, remaining), clock.max(0) as u64, Duration::from_secs(looked_on));
                if let Judgement::Go { left, within } = judged {
                    prop_assert!(left.as_secs() + looked_on <= remaining);
                    prop_assert!(within.as_secs() + looked_on <= 900);
                }
            }
        }
    }
}
