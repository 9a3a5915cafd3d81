//! The owner's policy where it says "ask": uses of functions that wait for the client, and what the client said.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use fieldlink_protocol::policy::{Denied, Function};

/// How long a no stands for further uses: a program that tries again by itself must not ask the client each time.
pub(super) const NO_STANDS: Duration = Duration::from_secs(60);
/// Uses that may wait for an answer.
const MOST_WAITING: usize = 256;

/// Names one use of a function, in one run of the agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct UseId(pub(crate) u64);

/// What the client has agreed to in this session, and what waits.
#[derive(Debug, Default)]
pub(super) struct Leaves {
    granted: BTreeSet<Function>,
    refused: BTreeMap<Function, Duration>,
    waiting: Vec<(UseId, Function)>,
}

impl Leaves {
    /// Whether another use would be the first that the client is asked for.
    pub(super) fn needs_asking(&self, function: Function, now: Duration) -> bool {
        !self.granted.contains(&function) && !self.waits_for(function) && !self.is_refused(function, now)
    }

    fn is_refused(&self, function: Function, now: Duration) -> bool {
        self.refused.get(&function).is_some_and(|at| now < *at + NO_STANDS)
    }

    /// A use that is asked for. None: it waits.
    pub(super) fn handle_use(
        &mut self,
        id: UseId,
        function: Function,
        now: Duration,
    ) -> Option<Result<(), Denied>> {
        if self.granted.contains(&function) {
            return Some(Ok(()));
        }
        if self.is_refused(function, now) || self.waiting.len() >= MOST_WAITING {
            return Some(Err(Denied::Refused(function)));
        }
        self.waiting.push((id, function));
        None
    }

    /// Nobody waits for the use any more.
    pub(super) fn handle_dropped(&mut self, id: UseId) {
        self.waiting.retain(|(waiting, _)| *waiting != id);
    }

    /// What the client is to be asked next: the function that has waited longest.
    pub(super) fn next(&self) -> Option<Function> {
        self.waiting.first().map(|(_, function)| *function)
    }

    /// Whether something waits for an answer about `function`.
    pub(super) fn waits_for(&self, function: Function) -> bool {
        self.waiting.iter().any(|(_, waiting)| *waiting == function)
    }

    /// The client's answer about `function`. Returns the uses that waited for it.
    pub(super) fn settle(
        &mut self,
        function: Function,
        verdict: Result<(), Denied>,
        now: Duration,
    ) -> Vec<UseId> {
        match verdict {
            Ok(()) => drop(self.granted.insert(function)),
            Err(Denied::Refused(_)) => drop(self.refused.insert(function, now)),
            Err(_) => {}
        }
        let waited = self.waiting.extract_if(.., |(_, waiting)| *waiting == function);
        waited.map(|(id, _)| id).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Duration = Duration::from_secs(100);

    #[test]
    fn an_answer_settles_all_that_waited_and_a_yes_all_that_comes() {
        let mut leaves = Leaves::default();
        for id in 0..3 {
            assert_eq!(leaves.handle_use(UseId(id), Function::Upload, NOW), None);
        }
        assert_eq!(leaves.handle_use(UseId(3), Function::Exec, NOW), None);
        leaves.handle_dropped(UseId(1));
        assert_eq!(leaves.next(), Some(Function::Upload));
        assert_eq!(leaves.settle(Function::Upload, Ok(()), NOW), [UseId(0), UseId(2)]);
        assert_eq!(leaves.next(), Some(Function::Exec));
        assert_eq!(leaves.handle_use(UseId(4), Function::Upload, NOW), Some(Ok(())));
    }

    #[test]
    fn a_no_stands_for_a_while_and_no_answer_does_not() {
        let mut leaves = Leaves::default();
        let refused = Denied::Refused(Function::Shell);
        leaves.handle_use(UseId(0), Function::Shell, NOW);
        assert_eq!(leaves.settle(Function::Shell, Err(refused), NOW), [UseId(0)]);
        assert_eq!(leaves.handle_use(UseId(1), Function::Shell, NOW), Some(Err(refused)));
        assert_eq!(leaves.handle_use(UseId(2), Function::Shell, NOW + NO_STANDS), None);
        leaves.settle(Function::Shell, Err(Denied::Unanswered(Function::Shell)), NOW + NO_STANDS);
        assert_eq!(leaves.handle_use(UseId(3), Function::Shell, NOW + NO_STANDS), None);
    }

    #[test]
    fn so_many_wait_and_no_more() {
        let mut leaves = Leaves::default();
        for id in 0..1_000 {
            let verdict = leaves.handle_use(UseId(id), Function::Exec, NOW);
            assert_eq!(verdict.is_none(), id < MOST_WAITING as u64);
        }
    }
}
