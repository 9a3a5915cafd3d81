//! Memory: what a session may need, and giving it back.
//!
//! Pipes keep what the other side does not take, up to a window each way. The allocator keeps what they free for
//! itself, because it lies in between what lives on, and so an agent would stay as large as its busiest minute.

use fieldlink_protocol::limits;

/// The part of the service's memory that pipes may fill. The rest is for SSH, and for everything else.
const FOR_PIPES: u64 = 3;
const OF: u64 = 4;

/// Gives what is free back to the system. It takes milliseconds, so it is for the end of a session and of a
/// connection, not for every message.
pub(crate) fn give_back() {
    fieldlink_session::sys::trim_heap();
}

/// What all pipes of a session may keep together with this window, in bytes: every pipe one each way.
pub(crate) fn needed(window: u32) -> u64 {
    2 * limits::PIPES_PER_SESSION as u64 * u64::from(window)
}

/// The largest window whose pipes fit into `memory` bytes.
pub(crate) fn largest_window(memory: u64) -> u32 {
    let window = memory / OF * FOR_PIPES / (2 * limits::PIPES_PER_SESSION as u64);
    u32::try_from(window).unwrap_or(u32::MAX)
}

/// What this process's control group may use (`MemoryMax=`), in bytes; nothing if that is unlimited, or unknown.
pub(crate) fn limit() -> Option<u64> {
    let groups = std::fs::read_to_string("/proc/self/cgroup").ok()?;
    let own = groups.lines().find_map(|line| line.strip_prefix("0::/"))?;
    let text = std::fs::read_to_string(format!("/sys/fs/cgroup/{own}/memory.max")).ok()?;
    text.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;

    #[test]
    fn the_usual_window_fits_into_the_shipped_units_limit() {
        let unit = include_str!("../../systemd/fieldlink-agent.service");
        assert!(unit.contains("\nMemoryMax=1G\n"));
        assert_eq!(largest_window(GIB), 6 << 20);
        assert!(limits::PIPE_WINDOW <= largest_window(GIB));
        assert_eq!(needed(limits::PIPE_WINDOW), GIB / 2);
        assert_eq!(needed(limits::PIPE_WINDOW_MAX), 8 * GIB);
    }

    #[test]
    fn what_fits_is_never_more_than_there_is() {
        for memory in [0, 1, 1 << 20, GIB, 64 * GIB, u64::MAX] {
            assert!(needed(largest_window(memory)) <= memory, "{memory}");
        }
    }
}
