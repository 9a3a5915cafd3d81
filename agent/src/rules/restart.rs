//! A restart of the device with which the session goes on: the client agrees, what is needed to go on is written down,
//! everything ends but the session, and after the restart the client is asked again.
//!
//! `Active → Restarting`, and after the boot `Off → Offering → Rejoining → Admitting → Active`. What is offered was judged
//! by its time before (`carry_on.rs`); it can only have less time than it had.

use std::time::Duration;

use fieldlink_protocol::ids::{QuestionId, SessionId};

use super::request::Request;
use super::returns::Returns;
use super::seat::SeatId;

/// A session that is to go on after the device has restarted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Restarting {
    /// The engineer who works in it.
    pub request: Request,
    /// Whether the power is cut by hand, rather than the device restarted.
    pub is_power: bool,
    /// Until when that is to have happened.
    pub until: Duration,
}

/// What a session is called from its beginning to its end, whoever has it and however often the device restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Continuity {
    /// The session of the engineer with whom it began: its record is under this name.
    pub session: SessionId,
    /// The place of the engineer who has it now.
    pub seat: SeatId,
    /// The last place that was given to anybody.
    pub last_seat: u64,
}

#[cfg(test)]
impl Continuity {
    /// Of a session that nobody else has had.
    pub(crate) fn of(request: &Request) -> Self {
        Self { session: request.session, seat: SeatId::FIRST, last_seat: 0 }
    }
}

/// A session that went through a restart. Times are times since this boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Carried {
    /// The engineer who works in it, and the run before the restart.
    pub request: Request,
    /// What it was called before.
    pub continuity: Continuity,
    /// When the session is over.
    pub deadline: Duration,
    /// The latest that this may be made.
    pub most_deadline: Duration,
    /// Until when the engineer has to be back.
    pub until: Duration,
}

/// How far a session is that went through a restart.
#[derive(Debug)]
pub(crate) enum Carrying {
    /// The client is asked whether it goes on.
    Offered {
        /// What.
        carried: Carried,
        /// An answer must name it.
        question: QuestionId,
    },
    /// They agreed; the engineer's program comes back.
    Rejoining {
        /// What.
        carried: Carried,
        /// The runs that were seen.
        returns: Returns,
    },
}

impl Carrying {
    /// What is carried on.
    pub(crate) fn carried(&self) -> &Carried {
        match self {
            Self::Offered { carried, .. } | Self::Rejoining { carried, .. } => carried,
        }
    }

    /// When it is over if nothing happens: the engineer is not back, or the session's own time is up.
    pub(super) fn until(&self) -> Duration {
        self.carried().until.min(self.carried().deadline)
    }

    pub(super) fn carried_mut(&mut self) -> &mut Carried {
        match self {
            Self::Offered { carried, .. } | Self::Rejoining { carried, .. } => carried,
        }
    }
}

impl Carried {
    /// Less time is left than was thought: the clock has been set since. It never is more.
    pub(super) fn shorten(&mut self, deadline: Duration, until: Duration) {
        let extendable = self.most_deadline.saturating_sub(self.deadline);
        self.deadline = self.deadline.min(deadline);
        self.most_deadline = self.deadline + extendable;
        self.until = self.until.min(until);
    }
}
