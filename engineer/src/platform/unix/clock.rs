//! A clock that no user sets: what is measured by it can neither be cut short nor drawn out by another time
//! of day.

use std::time::Duration;

use nix::time::{ClockId, clock_gettime};

/// Which boot of this computer it is; the same text until it is started again.
pub(crate) fn boot_id() -> String {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let id = std::fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap_or_default();
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let id = String::new();
    id.trim().to_owned()
}

/// The time since then, sleep included where the system counts it.
pub(crate) fn since_boot() -> Duration {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let clock = ClockId::CLOCK_BOOTTIME;
    #[cfg(not(any(target_os = "linux", target_os = "android")))]
    let clock = ClockId::CLOCK_MONOTONIC;
    clock_gettime(clock).map(Duration::from).unwrap_or_default()
}
