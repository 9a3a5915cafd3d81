//! What happens with those who take part besides the engineer whose session it is.

use std::time::Duration;

use fieldlink_protocol::join_code::JoinCode;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;

use super::request::Request;
use super::seat::RequestId;

/// What happens with a further engineer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum GuestEvent {
    /// A join code was drawn: register its address, then tell who asked.
    CodeDrawn {
        /// Who asked.
        request: RequestId,
        /// The code.
        code: JoinCode,
    },
    /// A try is over before it counted.
    Declined {
        /// Whose.
        request: Request,
        /// Why.
        reason: Reason,
    },
    /// A try has failed.
    TryFailed {
        /// Whose.
        request: Request,
        /// Why.
        reason: Reason,
        /// It was the last.
        is_last: bool,
    },
    /// The code is proven: greet.
    Verified {
        /// Whose try it was.
        request: Request,
    },
    /// The client is asked about them.
    WaitsForClient {
        /// For how long.
        patience: Duration,
    },
    /// The client said yes: have the relay admit them.
    Allowed {
        /// Who.
        request: Request,
        /// Whether they only watch.
        observes: bool,
    },
    /// They are in.
    Admitted {
        /// Who.
        request: Request,
        /// Whether they only watch.
        observes: bool,
        /// When the session ends.
        deadline: Duration,
    },
    /// Their program was started again, and is back.
    Returned {
        /// Who.
        request: Request,
        /// When the session ends.
        deadline: Duration,
    },
    /// The place is free again.
    Over {
        /// Who had it; none: nobody came.
        request: Option<Request>,
        /// Why.
        reason: Reason,
        /// Whether they were in the session, and it goes on without them.
        left: bool,
    },
}

/// What happens with somebody who only watches.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ObserverEvent {
    /// The client said yes: make the link, then tell who asked.
    Allowed {
        /// Who asked.
        request: RequestId,
        /// Whether they get the report, too, when the session is over.
        report: bool,
    },
    /// They are there, or no longer.
    Is(Attendance),
    /// The link opens nothing any more.
    Over(Reason),
}
