//! How many lines of one kind are written. Pure: callers pass `now`.

use std::collections::HashMap;
use std::hash::Hash;
use std::time::Duration;

/// Budgets are counted within this time, from the first line of a kind.
pub const WINDOW: Duration = Duration::from_secs(60);

/// What lines are for, and so how many of them are written within [`WINDOW`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// For reading afterwards: which engineers came, which callers were refused what, when it ended. Each kind and
    /// subject has a budget of its own, and there is no common one that others could use up.
    Audit,
    /// What happened, at level info or above.
    Ordinary,
    /// What was asked for by setting a more verbose level.
    Detail,
}

impl Class {
    /// Lines of one kind.
    pub const fn lines(self) -> u32 {
        match self {
            Self::Audit | Self::Ordinary => 20,
            Self::Detail => 600,
        }
    }

    /// Lines of all kinds of this class together.
    const fn lines_together(self) -> u32 {
        match self {
            Self::Audit => u32::MAX,
            Self::Ordinary => 300,
            Self::Detail => 6_000,
        }
    }
}

/// Counts lines by their kind, so that a flood of one kind leaves the others readable. How many kinds there can
/// be is for the caller to bound; what is over is forgotten by [`Self::recovered`] and [`Self::forget_quiet`].
#[derive(Debug)]
pub struct LogThrottle<K> {
    kinds: HashMap<K, Count>,
    ordinary: Count,
    detail: Count,
}

#[derive(Debug, Default)]
struct Count {
    began: Duration,
    written: u32,
    left_out: u64,
}

impl Count {
    fn starting(now: Duration) -> Self {
        Self { began: now, ..Self::default() }
    }

    fn is_over(&self, now: Duration) -> bool {
        now.saturating_sub(self.began) >= WINDOW
    }

    fn has_room(&mut self, now: Duration, lines: u32) -> bool {
        if self.is_over(now) {
            (self.began, self.written) = (now, 0);
        }
        self.written < lines
    }
}

impl<K> Default for LogThrottle<K> {
    fn default() -> Self {
        Self { kinds: HashMap::new(), ordinary: Count::default(), detail: Count::default() }
    }
}

impl<K: Hash + Eq + Clone> LogThrottle<K> {
    /// Whether a line of `kind` is written. One that is not is counted.
    pub fn admit(&mut self, kind: &K, class: Class, now: Duration) -> bool {
        let count = self.kinds.entry(kind.clone()).or_insert_with(|| Count::starting(now));
        let together = match class {
            Class::Audit => None,
            Class::Ordinary => Some(&mut self.ordinary),
            Class::Detail => Some(&mut self.detail),
        };
        let has_room = count.has_room(now, class.lines());
        let together = together.filter(|_| has_room);
        let is_written = match together {
            Some(together) => {
                let has_room = together.has_room(now, class.lines_together());
                together.written += u32::from(has_room);
                has_room
            }
            None => has_room,
        };
        count.written += u32::from(is_written);
        count.left_out += u64::from(!is_written);
        is_written
    }

    /// How many kinds are counted.
    pub fn kinds(&self) -> usize {
        self.kinds.len()
    }

    /// Whether lines of `kind` are being counted.
    pub fn counts(&self, kind: &K) -> bool {
        self.kinds.contains_key(kind)
    }

    /// Whether lines were left out that have not been told.
    pub fn has_left_out(&self) -> bool {
        self.kinds.values().any(|count| count.left_out > 0)
    }

    /// Forgets the kinds whose window is over and of which every line was written.
    pub fn forget_quiet(&mut self, now: Duration) {
        self.kinds.retain(|_, count| !count.is_over(now) || count.left_out > 0);
    }

    /// The kinds whose window is over and of which lines were left out, with how many. Each is told once.
    pub fn recovered(&mut self, now: Duration) -> Vec<(K, u64)> {
        self.take(|count| count.is_over(now))
    }

    /// All kinds of which lines were left out, whether their window is over or not.
    pub fn drain(&mut self) -> Vec<(K, u64)> {
        self.take(|_| true)
    }

    fn take(&mut self, is_due: impl Fn(&Count) -> bool) -> Vec<(K, u64)> {
        let due = self.kinds.extract_if(|_, count| is_due(count));
        due.filter(|(_, count)| count.left_out > 0).map(|(kind, count)| (kind, count.left_out)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn a_flood_is_counted_and_told_once_when_it_is_over() {
        let mut throttle = LogThrottle::default();
        let written = (0..1_000).filter(|_| throttle.admit(&"chat", Class::Ordinary, NOW)).count();
        assert_eq!(written, 20);
        assert!(throttle.admit(&"end", Class::Ordinary, NOW), "another kind has its own budget");
        assert!(throttle.recovered(NOW + WINDOW / 2).is_empty());
        throttle.forget_quiet(NOW + WINDOW);
        assert!(throttle.has_left_out() && throttle.kinds() == 1, "one was quiet");
        assert_eq!(throttle.recovered(NOW + WINDOW), [("chat", 980)]);
        assert!(!throttle.has_left_out());
        assert!(throttle.recovered(NOW + 2 * WINDOW).is_empty());
        assert_eq!(throttle.kinds(), 0);
        assert!(throttle.admit(&"chat", Class::Ordinary, NOW + WINDOW));
    }

    #[test]
    fn many_kinds_together_cannot_use_up_what_audit_lines_need() {
        let mut throttle = LogThrottle::default();
        let written = (0..100_000).filter(|n| throttle.admit(&(n % 900), Class::Ordinary, NOW)).count();
        assert_eq!(written, 300);
        for user in 1_000..1_010 {
            assert!(throttle.admit(&user, Class::Audit, NOW), "{user}");
        }
    }

    #[test]
    fn what_is_left_is_told_at_the_end() {
        let mut throttle = LogThrottle::default();
        for _ in 0..25 {
            throttle.admit(&1, Class::Audit, NOW);
        }
        assert_eq!(throttle.drain(), [(1, 5)]);
    }

    proptest! {
        /// Nothing is lost: every line is either written or in a count that is told.
        #[test]
        fn every_line_is_written_or_counted(steps in prop::collection::vec((0u8..5, 0u64..30), 0..400)) {
            let mut throttle = LogThrottle::default();
            let (mut now, mut written, mut told) = (NOW, 0, 0);
            for (kind, pause) in &steps {
                now += Duration::from_secs(*pause) / 10;
                written += u64::from(throttle.admit(kind, Class::Ordinary, now));
                told += throttle.recovered(now).iter().map(|(_, count)| count).sum::<u64>();
            }
            told += throttle.drain().iter().map(|(_, count)| count).sum::<u64>();
            prop_assert_eq!(written + told, steps.len() as u64);
        }
    }
}
