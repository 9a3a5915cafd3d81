//! How much of what is refused is worth a line of the log.

use std::time::Duration;

/// Lines within [`WINDOW`].
const LINES: u32 = 20;
const WINDOW: Duration = Duration::from_secs(60);

/// What was refused lately.
#[derive(Debug, Default)]
pub(super) struct Refusals {
    began: Duration,
    logged: u32,
    unlogged: u32,
}

/// What one refusal is worth.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Worth {
    /// It is counted.
    Nothing,
    /// A line, which says how many were not worth one since the last.
    Line {
        /// How many.
        unlogged: u32,
    },
}

impl Refusals {
    /// One more, `now`, in time since boot.
    pub(super) fn note(&mut self, now: Duration) -> Worth {
        if now.saturating_sub(self.began) >= WINDOW {
            (self.began, self.logged) = (now, 0);
        }
        if self.logged >= LINES {
            self.unlogged = self.unlogged.saturating_add(1);
            return Worth::Nothing;
        }
        self.logged += 1;
        Worth::Line { unlogged: std::mem::take(&mut self.unlogged) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_is_counted_and_told_later() {
        let mut refusals = Refusals::default();
        let second = Duration::from_secs;
        for n in 0..1_000 {
            let expected = if n < 20 { Worth::Line { unlogged: 0 } } else { Worth::Nothing };
            assert_eq!(refusals.note(second(100)), expected, "{n}");
        }
        assert_eq!(refusals.note(second(159)), Worth::Nothing);
        assert_eq!(refusals.note(second(160)), Worth::Line { unlogged: 981 });
        assert_eq!(refusals.note(second(160)), Worth::Line { unlogged: 0 });
    }
}
