//! How many calls are judged at the same time. Every process on the device may make any number of them, and
//! each is kept while bus and polkit are asked about its sender.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Of all accounts together, and of one.
const ALL: usize = 64;
const PER_USER: usize = 8;

/// Counts the calls that are being judged, of each account and of all.
#[derive(Debug, Clone, Default)]
pub(super) struct InFlightLimit(Arc<Mutex<Counts>>);

#[derive(Debug, Default)]
struct Counts {
    all: usize,
    by_user: HashMap<u32, usize>,
}

/// The place of one call. Dropping it gives it back.
#[derive(Debug)]
pub(super) struct InFlightPermit {
    counts: Arc<Mutex<Counts>>,
    user: Option<u32>,
}

impl InFlightLimit {
    /// A place, if there is one.
    pub(super) fn take(&self) -> Option<InFlightPermit> {
        let mut counts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let has_room = counts.all < ALL;
        counts.all += usize::from(has_room);
        has_room.then(|| InFlightPermit { counts: self.0.clone(), user: None })
    }
}

impl InFlightPermit {
    /// The account is known now. False if it has its share already.
    pub(super) fn is_for(&mut self, user: u32) -> bool {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let own = counts.by_user.entry(user).or_default();
        if *own >= PER_USER {
            return false;
        }
        *own += 1;
        drop(counts);
        self.user = Some(user);
        true
    }
}

impl Drop for InFlightPermit {
    fn drop(&mut self) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.all -= 1;
        let Some(user) = self.user else { return };
        if let Some(own) = counts.by_user.get_mut(&user) {
            *own -= 1;
            if *own == 0 {
                counts.by_user.remove(&user);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nobody_takes_more_than_their_share_and_all_is_given_back() {
        let in_flight = InFlightLimit::default();
        let mut of_one: Vec<InFlightPermit> = (0..20).map(|_| in_flight.take().expect("room")).collect();
        assert_eq!(of_one.iter_mut().filter_map(|turn| turn.is_for(1).then_some(())).count(), PER_USER);
        assert!(in_flight.take().expect("room").is_for(2), "others have theirs");
        let more: Vec<InFlightPermit> = std::iter::from_fn(|| in_flight.take()).collect();
        assert_eq!(of_one.len() + more.len(), ALL);
        drop((of_one, more));
        assert!(in_flight.take().expect("room again").is_for(1));
        assert!(in_flight.0.lock().expect("sound").by_user.is_empty());
    }
}
