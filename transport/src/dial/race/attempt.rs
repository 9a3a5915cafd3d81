//! One way that is tried, and how far it has come.

use std::time::Duration;

use super::super::route::Route;

/// The relay has to look into its store before it answers.
pub(super) const ANSWER_STEP: Duration = Duration::from_secs(3);
/// Where another connection is ready, the answer is waited for so long at least.
const ANSWER_MIN: Duration = Duration::from_secs(1);

/// The number of an attempt, from zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(in super::super) struct AttemptId(pub(in super::super) usize);

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Due {
    /// Begin an attempt.
    Begin(AttemptId, Route),
    /// Send the request on it: it has nothing left to do but that.
    Ask(AttemptId),
    /// Drop it; another one is ready.
    Abandon(AttemptId),
}

/// What an attempt has done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Passed {
    /// The TCP connection stands.
    Tcp,
    /// The proxy has connected to the relay.
    Proxy,
    /// TLS begins, and the request goes with its first flight.
    Ahead,
    /// TLS stands.
    Tls,
}

/// How much of the dialling a failed attempt settles.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in super::super) enum Setback {
    /// This hello at this address.
    Hello,
    /// This address.
    Address,
    /// All of it: an address that answered has a right to.
    Everything,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Stage {
    Tcp,
    Proxy,
    Tls {
        since: Duration,
    },
    /// As TLS, and it is asked already.
    Ahead {
        since: Duration,
    },
    Ready,
    Asked,
    Failed(Setback),
}

#[derive(Debug)]
pub(super) struct Attempt {
    pub(super) route: Route,
    pub(super) stage: Stage,
    /// When the present step began.
    pub(super) since: Duration,
    /// The slowest step so far: about a round trip.
    pub(super) slowest: Duration,
    /// From then on it is overdue.
    pub(super) expected: Duration,
    /// It goes the way that worked the last time.
    pub(super) is_known: bool,
    /// Its request went ahead.
    pub(super) went_ahead: bool,
}

impl Attempt {
    pub(super) fn is_asked(&self) -> bool {
        matches!(self.stage, Stage::Asked | Stage::Ahead { .. })
    }

    pub(super) fn runs(&self) -> bool {
        !matches!(self.stage, Stage::Failed(_))
    }

    /// How much longer than others it may take: what has worked deserves patience.
    pub(super) fn factor(&self) -> u32 {
        if self.is_known { 2 } else { 1 }
    }

    /// Until when it may take the answer, if another connection is ready.
    pub(super) fn answers_until(&self) -> Duration {
        self.since + (5 * self.slowest).clamp(ANSWER_MIN, ANSWER_STEP)
    }
}
