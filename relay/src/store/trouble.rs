//! A kind of write that fails: said once, again after a while, and when it is over.

use std::time::{Duration, Instant};

use super::StoreError;

/// A disk that takes nothing is spoken of again after this long.
const REMINDER: Duration = Duration::from_secs(600);

/// Whether writes of one kind fail.
pub(super) struct Trouble {
    /// What that means.
    effect: &'static str,
    /// What it means that they do not any more.
    relief: &'static str,
    failing: Option<Failing>,
}

struct Failing {
    since: Instant,
    said: Instant,
}

impl Trouble {
    /// None so far.
    pub(super) fn new(effect: &'static str, relief: &'static str) -> Self {
        Self { effect, relief, failing: None }
    }

    /// Whether the last write of this kind failed.
    pub(super) fn is_there(&self) -> bool {
        self.failing.is_some()
    }

    /// Takes in how a write of this kind went.
    pub(super) fn note<T>(&mut self, written: &Result<T, StoreError>) {
        let (now, effect) = (Instant::now(), self.effect);
        match (written, &mut self.failing) {
            (Ok(_), None) => {}
            (Ok(_), Some(failing)) => {
                let seconds = failing.since.elapsed().as_secs();
                tracing::info!(seconds, "{}", self.relief);
                self.failing = None;
            }
            (Err(error), None) => {
                tracing::error!(%error, "could not write to the store: {effect}");
                self.failing = Some(Failing { since: now, said: now });
            }
            (Err(error), Some(failing)) if failing.said.elapsed() >= REMINDER => {
                failing.said = now;
                tracing::error!(%error, "still could not write to the store: {effect}");
            }
            (Err(_), Some(_)) => {}
        }
    }
}
