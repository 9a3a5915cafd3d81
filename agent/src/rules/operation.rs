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

    /// Whether one was agreed to, and may start at any moment.
    pub(super) fn is_granted(&self) -> bool {
        self.now.as_ref().is_some_and(|wish| wish.is_granted)
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
    /// When an engineer was told how it ended, who can hear of it and was in reach.
    told: Option<Duration>,
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
        self.told = self.told.filter(|_| before.is_some());
        self.status = Some(status);
        change
    }

    /// It was not started after all.
    pub(super) fn forget(&mut self) -> Option<OperationStatus> {
        self.status.take()
    }

    /// What an engineer who is there is to be told: not twice how it ended.
    pub(super) fn news(&self) -> Option<&OperationStatus> {
        self.status.as_ref().filter(|_| self.told.is_none())
    }

    /// An engineer was told how it stands.
    pub(super) fn handle_told(&mut self, now: Duration) {
        let is_over = |status: &OperationStatus| matches!(status.state, OperationState::Over { .. });
        if self.status.as_ref().is_some_and(is_over) {
            self.told = Some(now);
        }
    }

    /// A session is over; `lost`: when its engineer was heard last, if they were out of reach in the end. What was told
    /// since was told to nobody, and the next one is told again; what was heard need not be shown any longer. Which.
    pub(super) fn handle_session_over(&mut self, lost: Option<Duration>) -> Option<OperationId> {
        self.told = self.told.filter(|told| lost.is_none_or(|heard| *told < heard));
        self.told?;
        self.status.take().map(|status| status.run)
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
