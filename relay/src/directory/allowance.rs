//! How often the account of a session may be signed: while it goes on, and after its end.

use std::time::{Duration, Instant};

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::reason::Reason;

use super::ConnectionId;

/// Anchors that a session may have at once …
const BURST: u32 = 30;
/// … and then one in so long.
const EVERY: Duration = Duration::from_secs(1);
/// Anchors after the session's end.
const AFTERWARDS: u32 = 8;

/// How often a session's account may be signed still.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Allowance {
    /// When all of it would be there again, counted in steps of [`EVERY`].
    whole: Option<Instant>,
}

/// How many time stamps a session's record may have still, before and after the end together.
#[derive(Debug, Clone, Copy)]
pub(super) struct StampAllowance {
    left: usize,
}

/// The session that an agent's connection has served.
#[derive(Debug, Clone, Copy)]
pub(super) struct Served {
    /// Which.
    pub(super) session: SessionId,
    /// The session that it had joined: the account may be that one's.
    pub(super) joins: Option<SessionId>,
    /// The engineer's connection.
    pub(super) engineer: Option<ConnectionId>,
    /// Why it is over.
    pub(super) reason: Reason,
    /// Time stamps for its record.
    pub(super) stamps: StampAllowance,
    left: u32,
}

impl Allowance {
    /// Takes one, if there is one.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let whole = self.whole.map_or(now, |whole| whole.max(now)) + EVERY;
        let is_free = whole.saturating_duration_since(now) <= EVERY * BURST;
        if is_free {
            self.whole = Some(whole);
        }
        is_free
    }
}

impl Default for StampAllowance {
    fn default() -> Self {
        Self { left: limits::TIME_STAMPS }
    }
}

impl StampAllowance {
    /// Takes one, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let is_free = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_free
    }
}

impl Served {
    /// After the end of `session`.
    pub(super) fn new(
        (session, joins): (SessionId, Option<SessionId>),
        engineer: Option<ConnectionId>,
        reason: Reason,
        stamps: StampAllowance,
    ) -> Self {
        Self { session, joins, engineer, reason, stamps, left: AFTERWARDS }
    }

    /// Takes one, if there is one.
    pub(super) fn take(&mut self) -> bool {
        let is_free = self.left > 0;
        self.left = self.left.saturating_sub(1);
        is_free
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_stretch_has_more_than_the_burst_and_one_a_second(steps in prop::collection::vec(0u64..3_000, 1..200)) {
            let (mut allowance, mut now) = (Allowance::default(), Instant::now());
            let mut taken = Vec::new();
            for step in steps {
                now += Duration::from_millis(step);
                if allowance.take(now) {
                    taken.push(now);
                }
            }
            for (at, first) in taken.iter().enumerate() {
                for (further, last) in taken[at..].iter().enumerate() {
                    let seconds = last.duration_since(*first).as_secs_f64();
                    prop_assert!(further as f64 + 1.0 <= f64::from(BURST) + seconds + 1e-6);
                }
            }
        }

        #[test]
        fn who_keeps_to_one_a_second_is_never_refused(count in 1usize..200) {
            let (mut allowance, begun) = (Allowance::default(), Instant::now());
            for step in 0..count {
                prop_assert!(allowance.take(begun + EVERY * step as u32));
            }
        }
    }
}
