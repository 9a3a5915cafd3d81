//! What is kept of a session besides the rules: its case, and the bytes that it has moved.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use fieldlink_protocol::pipe::Role;

/// What is kept of a session besides the rules.
pub(crate) struct Ledger {
    /// The support case.
    pub reference: String,
    /// What it has moved.
    pub traffic: Arc<Traffic>,
    /// What was last written down of that.
    written: (u64, u64),
}

/// Payload bytes that a session has moved.
#[derive(Default)]
pub(crate) struct Traffic {
    to_agent: AtomicU64,
    to_engineer: AtomicU64,
}

impl Ledger {
    /// One with nothing in it yet.
    pub(crate) fn new(reference: String) -> Self {
        Self { reference, traffic: Arc::default(), written: (0, 0) }
    }

    /// What it has moved, if that is not what was written down.
    pub(crate) fn take_changed(&mut self) -> Option<(u64, u64)> {
        let moved = self.traffic.read();
        (std::mem::replace(&mut self.written, moved) != moved).then_some(moved)
    }
}

impl Traffic {
    /// Counts what went to one side.
    pub(crate) fn count(&self, to: Role, bytes: u64) {
        let counter = match to {
            Role::Agent => &self.to_agent,
            Role::Engineer => &self.to_engineer,
        };
        counter.fetch_add(bytes, Ordering::Relaxed);
    }

    /// To the agent, and to the engineer.
    pub(crate) fn read(&self) -> (u64, u64) {
        (self.to_agent.load(Ordering::Relaxed), self.to_engineer.load(Ordering::Relaxed))
    }
}
