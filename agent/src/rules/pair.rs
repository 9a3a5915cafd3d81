//! One support ID with its PIN: made when remote access starts, gone when a session is admitted.

use std::collections::HashSet;
use std::sync::Arc;

use fieldlink_protocol::ids::RunId;
use fieldlink_protocol::pairing::attempts::{Attempts, Charge};
use fieldlink_protocol::pairing::{LoginError, Password, Registration};
use fieldlink_protocol::{pin::Pin, reason::Reason, support_id::SupportId};

/// Charged runs that one pair takes part in before it counts as used up. Far above what engineers
/// need, low enough that remembering them costs nothing.
const MOST_RUNS: usize = 4096;

/// Support ID, PIN, and how often it was tried.
pub(crate) struct Pair<S = Pin> {
    /// What the engineer asks the relay for.
    pub support_id: SupportId,
    /// What the client reads out.
    pub pin: S,
    /// The PIN, registered with ourselves.
    pub registration: Arc<Registration>,
    pub(super) attempts: Attempts,
    was_registered: bool,
    was_asked_for: bool,
    charged_runs: HashSet<RunId>,
}

/// What a pairing run needs of the pair.
pub(crate) struct Trial {
    /// The pair's ID, which the run's keys are bound to.
    pub support_id: SupportId,
    /// The PIN, registered with ourselves.
    pub registration: Arc<Registration>,
}

impl<S> Pair<S> {
    /// What a run of the pairing needs.
    pub(super) fn trial(&self) -> Trial {
        Trial { support_id: self.support_id, registration: self.registration.clone() }
    }
}

impl Pair {
    /// Draws both, and registers the PIN under a new OPAQUE server setup.
    pub(crate) fn draw() -> Result<Self, LoginError> {
        Self::of(Pin::random())
    }
}

impl<S> Pair<S> {
    /// Draws an address for `pin`, and registers the PIN under a new OPAQUE server setup.
    pub(super) fn of(pin: S) -> Result<Self, LoginError>
    where
        for<'a> Password: From<&'a S>,
    {
        let registration = Arc::new(Registration::new(Password::from(&pin))?);
        Ok(Self {
            support_id: SupportId::random(),
            pin,
            registration,
            attempts: Attempts::default(),
            was_registered: false,
            was_asked_for: false,
            charged_runs: HashSet::new(),
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
        !self.was_registered && !self.was_asked_for
    }

    pub(super) fn set_asked_for(&mut self) {
        self.was_asked_for = true;
    }

    /// Charges `run`, unless that was done before, so that no recorded run is ever played again. Only runs whose
    /// engineer has proven who they are get here, where that is asked for: whatever else arrives uses up no memory.
    pub(super) fn charge(&mut self, run: RunId) -> Result<Charge, Reason> {
        if self.charged_runs.len() >= MOST_RUNS || self.charged_runs.contains(&run) {
            return Err(Reason::ProofReplayed);
        }
        let charge = self.attempts.charge().ok_or(Reason::Burnt)?;
        self.charged_runs.insert(run);
        Ok(charge)
    }
}
