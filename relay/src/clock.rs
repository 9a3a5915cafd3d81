//! The relay's own time, which does not step: what it admitted stays valid when the system's clock is set.
//!
//! It counts Unix seconds as tickets and leases do, but takes the wall clock's word only once, at the start;
//! from then on it counts `CLOCK_BOOTTIME`. A relay that is started again goes on from the last
//! [`Reading`] of the one before: exactly, within one boot of the computer; after a boot it believes the
//! wall clock, unless that is behind. So a wrong clock can shorten what was admitted, and only over a boot,
//! and can never lengthen it.
//!
//! What people read (the audit log, when an engineer was added) is the wall clock's time.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Names this boot of the computer; set by the service's unit, whose process cannot see `/proc/sys`.
const BOOT_VARIABLE: &str = "FIELDLINK_BOOT_ID";
const BOOT_FILE: &str = "/proc/sys/kernel/random/boot_id";

/// What one relay leaves for the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reading {
    /// The boot of the computer, if its name is known.
    pub boot: Option<String>,
    /// Seconds since that boot.
    pub uptime: u64,
    /// What this clock showed then.
    pub unix: u64,
}

/// A clock that only goes forward, one second in a second.
#[derive(Debug, Clone)]
pub struct SteadyClock {
    boot: Option<String>,
    started: Duration,
    unix_at_start: u64,
}

impl SteadyClock {
    /// Goes on from `last`; `at_least`: the newest time that anything which was written down shows.
    pub fn resume(last: Option<&Reading>, at_least: u64, wall: u64) -> Self {
        let (boot, uptime) = (this_boot(), uptime());
        let unix_at_start = resumed(last, at_least, wall, (boot.as_deref(), uptime.as_secs()));
        Self { boot, started: uptime, unix_at_start }
    }

    /// Now, in seconds that compare with those in this relay's tickets.
    pub fn unix(&self) -> u64 {
        self.unix_at_start + uptime().saturating_sub(self.started).as_secs()
    }

    /// For the next relay.
    pub fn reading(&self) -> Reading {
        Reading { boot: self.boot.clone(), uptime: uptime().as_secs(), unix: self.unix() }
    }
}

/// What the clock shows at the start.
fn resumed(last: Option<&Reading>, at_least: u64, wall: u64, (boot, uptime): (Option<&str>, u64)) -> u64 {
    let Some(last) = last else { return wall.max(at_least) };
    match uptime.checked_sub(last.uptime) {
        Some(since) if boot.is_some() && boot == last.boot.as_deref() => last.unix + since,
        _ => wall.max(last.unix),
    }
    .max(at_least)
}

fn this_boot() -> Option<String> {
    let named = std::env::var(BOOT_VARIABLE).ok().or_else(|| std::fs::read_to_string(BOOT_FILE).ok());
    // With and without dashes it is the same boot: systemd writes it without.
    let plain: String = named?.trim().chars().filter(|c| *c != '-').take(64).collect();
    (!plain.is_empty()).then_some(plain)
}

fn uptime() -> Duration {
    Duration::from(
        clock_gettime(ClockId::CLOCK_BOOTTIME).expect("every kernel since 2.6.39 has CLOCK_BOOTTIME"),
    )
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const YEAR: u64 = 365 * 86_400;

    fn reading(boot: &str, uptime: u64, unix: u64) -> Reading {
        Reading { boot: Some(boot.into()), uptime, unix }
    }

    #[test]
    fn within_a_boot_the_wall_clock_has_no_say() {
        let (then, last) = (1_700_000_000, reading("a", 100, 1_700_000_000));
        for wall in [0, then - YEAR, then - 3_600, then + 3_600, then + YEAR] {
            assert_eq!(resumed(Some(&last), 0, wall, (Some("a"), 160)), then + 60, "{wall}");
        }
    }

    #[test]
    fn after_a_boot_it_can_only_shorten() {
        let (then, last) = (1_700_000_000, reading("a", 100, 1_700_000_000));
        for (wall, expected) in [(0, then), (then - YEAR, then), (then + 3_600, then + 3_600)] {
            assert_eq!(resumed(Some(&last), 0, wall, (Some("b"), 160)), expected);
            assert_eq!(resumed(Some(&last), 0, wall, (None, 160)), expected, "nothing names the boot");
            assert_eq!(resumed(Some(&last), 0, wall, (Some("a"), 99)), expected, "that was another boot");
        }
    }

    #[test]
    fn without_a_reading_what_was_written_counts() {
        assert_eq!(resumed(None, 50, 10, (Some("a"), 1)), 50);
        assert_eq!(resumed(None, 50, 60, (Some("a"), 1)), 60);
    }

    #[test]
    fn it_goes_on_where_it_was() {
        let clock = SteadyClock::resume(None, 0, 1_000);
        assert!((1_000..1_010).contains(&clock.unix()));
        let next = SteadyClock::resume(Some(&clock.reading()), 0, 1_000_000);
        assert!((1_000..1_010).contains(&next.unix()) || this_boot().is_none());
    }

    proptest! {
        #[test]
        fn it_never_goes_back(wall: u32, unix: u32, at_least: u32, uptime: u32, now: u32, same: bool) {
            let last = reading("a", uptime.into(), unix.into());
            let boot = if same { "a" } else { "b" };
            let shown = resumed(Some(&last), at_least.into(), wall.into(), (Some(boot), now.into()));
            prop_assert!(shown >= u64::from(unix) && shown >= u64::from(at_least));
        }
    }
}
