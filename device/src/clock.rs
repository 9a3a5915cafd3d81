//! Time since boot, counting sleep: a session of one hour is over after one hour, also when the scanner slept
//! through half of it.

use std::time::Duration;

use nix::time;

/// Time since boot on `CLOCK_BOOTTIME`.
pub fn now() -> Duration {
    let read = time::clock_gettime(time::ClockId::CLOCK_BOOTTIME);
    Duration::from(read.expect("every kernel since 2.6.39 has CLOCK_BOOTTIME"))
}
