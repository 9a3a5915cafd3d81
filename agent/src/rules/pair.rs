//! One support ID with its PIN: made when remote access starts, gone when a session is admitted.

use std::collections::HashSet;
use std::sync::Arc;

use fieldlink_protocol::ids::RunId;
use fieldlink_protocol::pairing::{LoginError, Registration, attempts::Attempts};
use fieldlink_protocol::{pin::Pin, support_id::SupportId};

/// Pairing runs that one pair takes part in before it counts as used up. Far above what engineers
/// need, low enough that remembering them costs nothing.
const MOST_RUNS: usize = 4096;

/// Support ID, PIN, and how often it was tried.
pub(crate) struct Pair {
    /// What the engineer asks the relay for.
    pub support_id: SupportId,
    /// What the client reads out.
    pub pin: Pin,
    /// The PIN, registered with ourselves.
    pub registration: Arc<Registration>,
    pub(super) attempts: Attempts,
    was_registered: bool,
    seen_runs: HashSet<RunId>,
}

impl Pair {
    /// Draws both, and registers the PIN under a new OPAQUE server setup.
    pub(crate) fn draw() -> Result<Self, LoginError> {
        let pin = Pin::random();
        let registration = Arc::new(Registration::new(&pin)?);
        Ok(Self {
            support_id: SupportId::random(),
            pin,
            registration,
            attempts: Attempts::default(),
            was_registered: false,
            seen_runs: HashSet::new(),
        })
    }

    /// Wrong tries so far.
    pub(crate) fn failures(&self) -> u8 {
        self.attempts.failures()
    }

    /// Whether the relay has ever known it.
    pub(crate) fn was_registered(&self) -> bool {
        self.was_registered
    }

    pub(super) fn set_registered(&mut self) {
        self.was_registered = true;
    }

    /// Whether no engineer can have begun to pair.
    pub(super) fn is_untouched(&self) -> bool {
        !self.was_registered && self.seen_runs.is_empty()
    }

    /// Notes `run`; false if it was seen before, so that no recorded run is ever played again.
    pub(super) fn is_new(&mut self, run: RunId) -> bool {
        self.seen_runs.len() < MOST_RUNS && self.seen_runs.insert(run)
    }
}
