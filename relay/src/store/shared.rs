//! What the store's thread shares with its callers, which read it without waiting for the disk.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use fieldlink_protocol::ids::EngineerId;
use tokio::sync::watch;

use super::pending::Pending;
use super::{Roster, UnixTime};

/// What waits to be written, and the roster as it counts.
pub(super) struct Shared {
    pending: Mutex<Pending>,
    publish: watch::Sender<Arc<Roster>>,
}

impl Shared {
    /// Nothing waits, and this is what is stored.
    pub(super) fn new(stored: Roster) -> (Self, watch::Receiver<Arc<Roster>>) {
        let (publish, roster) = watch::channel(Arc::new(stored));
        (Self { pending: Mutex::default(), publish }, roster)
    }

    /// The changes that wait to be written.
    pub(super) fn pending(&self) -> MutexGuard<'_, Pending> {
        self.pending.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Publishes the roster, if it changed: the engineers of `stored` who were not revoked since.
    pub(super) fn publish(&self, stored: Roster) {
        // Held until it is published: a revocation in between must not be taken back.
        let pending = self.pending();
        let roster = stored.without(pending.revoked().map(|(engineer, _)| engineer));
        self.publish.send_if_modified(|known| {
            let changed = **known != roster;
            *known = Arc::new(roster);
            changed
        });
    }

    /// Takes an engineer off the roster, and keeps it that way until it is written down.
    pub(super) fn revoke(&self, engineer: EngineerId, at: UnixTime) {
        // Both under one lock: the thread may write it down, and forget it, before the roster is changed otherwise.
        let mut pending = self.pending();
        pending.revoke(engineer, at);
        self.publish.send_if_modified(|known| {
            let changed = known.contains(engineer);
            if changed {
                *known = Arc::new(Roster::clone(known).without(std::iter::once(engineer)));
            }
            changed
        });
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;

    use fieldlink_protocol::credential::EngineerIdentity;

    use super::*;

    #[test]
    fn who_is_revoked_stays_off_the_roster_however_soon_it_is_written() {
        let identity =
            || EngineerIdentity { id: EngineerId::random(), name: "Z".into(), company: "C".into() };
        // So many that changing the roster takes its time.
        let others: Vec<_> = (0..2_000).map(|_| (identity(), [0; 32])).collect();
        for _ in 0..20 {
            let (zoe, max, ready) = (identity(), identity(), Barrier::new(2));
            let known = [(zoe.clone(), [1; 32]), (max.clone(), [2; 32])];
            let (shared, roster) = Shared::new(Roster::new(others.iter().cloned().chain(known)));
            std::thread::scope(|scope| {
                // As the store's thread does once it is written.
                scope.spawn(|| {
                    ready.wait();
                    while shared.pending().revoked().next().is_none() {
                        std::hint::spin_loop();
                    }
                    let mut pending = shared.pending();
                    let written = pending.clone();
                    pending.forget(&written);
                });
                ready.wait();
                shared.revoke(zoe.id, 1);
            });
            assert!(shared.pending().is_empty());
            assert!(!roster.borrow().contains(zoe.id) && roster.borrow().contains(max.id));
        }
    }
}
