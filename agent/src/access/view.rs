//! What the client is to see of remote access.

use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use crate::network::{Code, Verdict};
use crate::rules::{Request, State};

/// A picture of the state, without anything that could change it.
#[derive(Debug, Clone)]
pub enum View {
    /// Remote access is off.
    Off {
        /// Why, if it was on.
        notice: Option<Notice>,
    },
    /// Waiting for the relay, or for an engineer.
    Open {
        /// To be read out.
        support_id: SupportId,
        /// To be read out.
        pin: Pin,
        /// Whether an engineer could connect now.
        is_ready: bool,
        /// Why not, if a try failed.
        problem: Option<String>,
        /// Wrong PINs so far.
        wrong_tries: u8,
        /// How good the network is, with its code.
        network: String,
    },
    /// The client is asked.
    Asking {
        /// An answer must name it.
        question: QuestionId,
        /// Who asks.
        request: Request,
    },
    /// Being let in.
    Admitting {
        /// Who.
        request: Request,
    },
    /// The engineer works.
    Active {
        /// Who.
        request: Request,
        /// When it is over, in time since boot.
        deadline: Duration,
        /// Who is away, if the connection is interrupted.
        interrupted: Option<Away>,
        /// How often the engineer's program was started again and came back.
        returns: u32,
    },
}

/// Who is out of reach while a session is interrupted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Away {
    /// This device cannot reach the relay.
    Us,
    /// The engineer's side, as far as we can tell.
    Them,
}

/// Why remote access went off.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// A session ended, or access was switched off.
    Ended(Reason),
    /// The PIN was tried wrongly too often; the last to try it was this one.
    Burnt(Box<Request>),
    /// Nobody used it.
    Idle,
}

impl Notice {
    pub(super) fn reason(&self) -> Reason {
        match self {
            Self::Ended(reason) => *reason,
            Self::Burnt(_) => Reason::Burnt,
            Self::Idle => Reason::AgentStopped,
        }
    }
}

impl View {
    /// `None` while the state is off: why it is off is known only to who switched it off.
    pub(super) fn of(state: &State, problem: Option<&str>, network: &Verdict) -> Option<Self> {
        Some(match state {
            State::Off => return None,
            State::Open { pair, registered, .. } => Self::Open {
                support_id: pair.support_id,
                pin: pair.pin.clone(),
                is_ready: *registered,
                problem: problem.map(str::to_owned),
                wrong_tries: pair.failures(),
                // Before the relay has answered, nobody is to read "N0" over the phone.
                network: match network.code {
                    Code::N0 if !registered => network.sentence.clone(),
                    _ => network.to_string(),
                },
            },
            // The client reads nothing of an engineer who has not proven the pipe yet.
            State::Greeting { pair, .. } => Self::Open {
                support_id: pair.support_id,
                pin: pair.pin.clone(),
                is_ready: true,
                problem: None,
                wrong_tries: pair.failures(),
                network: network.to_string(),
            },
            State::Asking { question, request, .. } => {
                Self::Asking { question: *question, request: request.clone() }
            }
            State::Admitting { request, .. } => Self::Admitting { request: request.clone() },
            State::Active { request, deadline, interrupted, returns, .. } => Self::Active {
                request: request.clone(),
                deadline: *deadline,
                interrupted: interrupted.as_ref().map(|_| match problem {
                    Some(_) => Away::Us,
                    None => Away::Them,
                }),
                returns: returns.count,
            },
        })
    }
}

impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Off { notice: a }, Self::Off { notice: b }) => a == b,
            (
                Self::Open { support_id: a, is_ready: b, problem: c, wrong_tries: d, network: e, .. },
                Self::Open { support_id: f, is_ready: g, problem: h, wrong_tries: i, network: j, .. },
            ) => (a, b, c, d, e) == (f, g, h, i, j),
            (Self::Asking { question: a, .. }, Self::Asking { question: b, .. }) => a == b,
            (Self::Admitting { request: a }, Self::Admitting { request: b }) => a == b,
            (
                Self::Active { request: a, interrupted: b, returns: c, .. },
                Self::Active { request: d, interrupted: e, returns: f, .. },
            ) => (a, b, c) == (d, e, f),
            _ => false,
        }
    }
}
