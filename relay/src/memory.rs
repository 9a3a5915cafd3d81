//! How much memory the limits allow peers to take, if all of them do their worst at the same time.
//!
//! What one connection can hold follows from the sizes of messages and buffers: see
//! [`socket`](crate::socket). A peer does its worst by not finishing what it sends, or by not reading.
//! `relay/tests/wire/memory.rs` does both to a real process and compares. `fieldlink-relay.service` allows as much
//! as the default limits may take; a test here compares them, too.

use crate::arrivals;
use crate::config::Limits;

const KIB: u64 = 1_024;
const MIB: u64 = 1_024 * KIB;

/// The process with its store and the TLS sessions that may be resumed, without connections.
const PROCESS: u64 = 64 * MIB;
/// A connection that has not said what it is for: a TLS handshake message, or the head of a request.
const ARRIVAL: u64 = 96 * KIB;
/// A connection without a credential or ticket: the TLS session, a TLS record and a message, both unfinished. A time stamp on
/// its way to an agent, which has had a session, is in what that session's places are counted with.
pub const STRANGER: u64 = 48 * KIB;
/// A connection of a pipe: a message that the partner does not take, the next one unfinished, one being
/// written, and TLS records of each. What an engineer's control connection holds is less.
pub const SESSION: u64 = 384 * KIB;

impl Limits {
    /// The most memory that the relay takes within these limits, in bytes. The kernel's buffers, which it
    /// shrinks when memory is short, are not in it.
    pub fn memory(&self) -> u64 {
        let (strangers, sessions) = (self.connections as u64, self.session_connections as u64);
        PROCESS + arrivals::MOST as u64 * ARRIVAL + strangers * STRANGER + sessions * SESSION
    }

    /// The most connections that there are at the same time.
    pub fn all_connections(&self) -> u64 {
        (self.connections + self.session_connections + arrivals::MOST) as u64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNIT: &str = include_str!("../../systemd/fieldlink-relay.service");

    fn setting(name: &str) -> u64 {
        let value = UNIT.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix('='));
        let value = value.unwrap_or_else(|| panic!("{name} is set"));
        let (number, unit) = value.split_at(value.trim_end_matches(char::is_alphabetic).len());
        let unit = match unit {
            "" => 1,
            "M" => MIB,
            "G" => 1_024 * MIB,
            other => panic!("{other} is not known here"),
        };
        number.parse::<u64>().expect("a number") * unit
    }

    #[test]
    fn the_default_limits_fit_into_what_the_unit_allows() {
        let (most, high) = (setting("MemoryMax"), setting("MemoryHigh"));
        let memory = Limits::default().memory();
        assert!(memory <= high && high < most, "{} MiB do not fit", memory / MIB);
        assert!(Limits::default().all_connections() + 64 <= setting("LimitNOFILE"));
    }
}
