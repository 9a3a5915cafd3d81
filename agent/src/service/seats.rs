//! Which user is active at a seat of the device, by logind's files (`/run/systemd/seats`, one per seat, as
//! `sd_seat_get_active(3)` reads them): for decisions without bus and polkit.

use std::path::Path;

/// logind's directory of seats.
pub(super) const PLACE: &str = "/run/systemd/seats";

/// Whether an account's session is the one in front at some seat.
pub(super) fn is_in_front(seats: &Path, user: u32) -> bool {
    let Ok(seats) = std::fs::read_dir(seats) else { return false };
    let files = seats.flatten().filter_map(|seat| std::fs::read_to_string(seat.path()).ok());
    files.into_iter().any(|file| active_user(&file) == Some(user))
}

fn active_user(seat: &str) -> Option<u32> {
    seat.lines().find_map(|line| line.strip_prefix("ACTIVE_UID="))?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_active_session_of_a_seat_counts() {
        let seats = tempfile::tempdir().expect("a directory");
        assert!(!is_in_front(seats.path(), 1000));
        let seat = "IS_SEAT0=1\nACTIVE=c2\nACTIVE_UID=1000\nSESSIONS=c2 c3\nUIDS=1000 1001\n";
        std::fs::write(seats.path().join("seat0"), seat).expect("writable");
        std::fs::write(seats.path().join("seat1"), "SESSIONS=c4\n").expect("writable");
        assert!(is_in_front(seats.path(), 1000));
        for other in [1001, 0, 100, 10_000] {
            assert!(!is_in_front(seats.path(), other), "{other}");
        }
        assert!(!is_in_front(Path::new("/nonexistent"), 1000));
    }
}
