//! How often the engineer's program came back into a session.

use std::collections::HashSet;

use fieldlink_protocol::ids::RunId;

/// Runs that one session takes part in. Only a hostile relay needs more.
const MOST_RUNS: usize = 256;

/// Runs that were seen, and those that succeeded.
#[derive(Debug)]
pub(crate) struct Returns {
    /// How often the program came back.
    pub count: u32,
    seen: HashSet<RunId>,
}

impl Returns {
    /// Nobody has come back yet; the session began in `run`.
    pub(super) fn since(run: RunId) -> Self {
        Self { count: 0, seen: HashSet::from([run]) }
    }

    /// Notes `run`; false if it was seen before.
    pub(super) fn is_new(&mut self, run: RunId) -> bool {
        self.seen.len() < MOST_RUNS && self.seen.insert(run)
    }
}
