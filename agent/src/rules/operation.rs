//! Named operations: one at a time, each after the client's yes. One that runs is no part of the session any more: neither
//! its end nor anything else here ends it.

use std::time::Duration;

use fieldlink_protocol::ids::{OperationId, SessionId};
use fieldlink_protocol::messages::operation::{OperationRefusal, OperationState};

use super::policy::UseId;
use crate::config::Titles;

/// An operation that the engineer wants to start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct WantedOperation {
    /// Names the wish.
    pub id: UseId,
    /// Its name.
    pub name: String,
    /// What the client reads.
    pub titles: Titles,
}

/// An operation that was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OperationStatus {
    /// Names this run.
    pub run: OperationId,
    /// The session in which it was started.
    pub session: SessionId,
    /// Its name.
    pub name: String,
    /// What the client reads.
    pub titles: Titles,
    /// How it stands.
    pub state: OperationState,
    /// The last line that it printed, cleaned; may be empty.
    pub line: String,
}

/// A wish on its way to the client's yes.
#[derive(Debug)]
pub(super) struct Wish {
    wanted: WantedOperation,
    is_granted: bool,
}

/// What becomes of a wish in this session.
#[derive(Debug, Default)]
pub(super) struct Wishes {
    now: Option<Wish>,
    /// When the client said no last.
    refused: Option<Duration>,
}

impl Wishes {
    /// The engineer wants one, and the client is to be asked, unless `is_allowed`. An error if it cannot be.
    pub(super) fn handle_wanted(
        &mut self,
        wanted: WantedOperation,
        is_allowed: bool,
    ) -> Result<(), OperationRefusal> {
        if self.now.is_some() {
            return Err(OperationRefusal::Busy);
        }
        self.now = Some(Wish { wanted, is_granted: is_allowed });
        Ok(())
    }

    /// Whether the client said no only just now.
    pub(super) fn is_refused(&self, now: Duration) -> bool {
        self.refused.is_some_and(|at| now < at + super::policy::NO_STANDS)
    }

    /// What the client is to be asked, or is.
    pub(super) fn waiting(&self) -> Option<&WantedOperation> {
        self.now.as_ref().filter(|wish| !wish.is_granted).map(|wish| &wish.wanted)
    }

    /// The client's word, or none in time. What was wanted.
    pub(super) fn settle(
        &mut self,
        verdict: Result<(), OperationRefusal>,
        now: Duration,
    ) -> Option<WantedOperation> {
        let wish = self.now.take_if(|wish| !wish.is_granted)?;
        match verdict {
            Ok(()) => self.now = Some(Wish { wanted: wish.wanted.clone(), is_granted: true }),
            Err(OperationRefusal::Refused) => self.refused = Some(now),
            Err(_) => {}
        }
        Some(wish.wanted)
    }

    /// Nobody wants it any more. Whether it was wanted.
    pub(super) fn handle_dropped(&mut self, id: UseId) -> bool {
        self.now.take_if(|wish| wish.wanted.id == id).is_some()
    }

    /// Takes what was agreed to.
    pub(super) fn take_granted(&mut self, id: UseId) -> Option<WantedOperation> {
        self.now.take_if(|wish| wish.wanted.id == id && wish.is_granted).map(|wish| wish.wanted)
    }
}

/// The operation that runs, or ran last.
#[derive(Debug, Default)]
pub(super) struct Operated {
    status: Option<OperationStatus>,
    /// Whether an engineer has heard how it ended.
    was_told: bool,
}

impl Operated {
    pub(super) fn status(&self) -> Option<&OperationStatus> {
        self.status.as_ref()
    }

    /// Whether no other may be started.
    pub(super) fn is_busy(&self) -> bool {
        let state = self.status.as_ref().map(|status| status.state);
        state.is_some_and(|state| state.is_under_way() || state == OperationState::Starting {})
    }

    /// Whether one must not be interrupted. What waits for a restart is not.
    pub(super) fn is_running(&self) -> bool {
        let is_waiting = |state| matches!(state, OperationState::AfterRestart {});
        self.is_busy() && !self.status.as_ref().is_some_and(|status| is_waiting(status.state))
    }

    /// It stands so now.
    pub(super) fn set(&mut self, status: OperationStatus) -> Change {
        let before = self.status.as_ref().filter(|before| before.run == status.run);
        let change = match before {
            None => Change::Turn,
            Some(before) if is_turn(before.state, status.state) => Change::Turn,
            Some(before) if before.state != status.state => Change::Further,
            Some(before) if before.line != status.line => Change::Line,
            Some(_) => Change::None,
        };
        self.was_told &= before.is_some();
        self.status = Some(status);
        change
    }

    /// It was not started after all.
    pub(super) fn forget(&mut self) -> Option<OperationStatus> {
        self.status.take()
    }

    /// An engineer hears how it ended, if one is there and it has. Whether that is news to them.
    pub(super) fn tell(&mut self) -> Option<&OperationStatus> {
        let status = self.status.as_ref()?;
        let is_over = matches!(status.state, OperationState::Over { .. });
        let is_news = !self.was_told;
        self.was_told |= is_over;
        is_news.then_some(status)
    }

    /// A session is over: what is over as well and was told need not be shown any longer.
    pub(super) fn handle_session_over(&mut self) {
        if self.was_told && !self.is_busy() {
            self.status = None;
        }
    }

    /// An agent before this one has told an engineer.
    pub(super) fn set_told(&mut self) {
        self.was_told = true;
    }
}

/// What is new of an operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Change {
    /// Nothing.
    None,
    /// It has printed something.
    Line,
    /// It is further.
    Further,
    /// It was started, waits for a restart, or is over.
    Turn,
}

fn is_turn(before: OperationState, now: OperationState) -> bool {
    std::mem::discriminant(&before) != std::mem::discriminant(&now)
}
