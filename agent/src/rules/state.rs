//! Where a session stands.

use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;

use super::active::Active;
use super::pair::Pair;
use super::request::Request;

/// Where a session stands.
pub enum State {
    /// Remote access is off.
    Off,
    /// Waiting for an engineer.
    Open {
        /// The pair that is shown.
        pair: Pair,
        /// Whether the relay knows the support ID.
        registered: bool,
        /// When unused access switches itself off.
        until: Duration,
    },
    /// An engineer knows the PIN and proves the control pipe.
    Greeting {
        /// Still there: a refusal leads back.
        pair: Pair,
        /// Who.
        request: Request,
        /// When we give up.
        until: Duration,
    },
    /// The client is being asked.
    Asking {
        /// Still there: a refusal leads back.
        pair: Pair,
        /// Who.
        request: Request,
        /// An answer must name it.
        question: QuestionId,
        /// When no answer counts as no.
        until: Duration,
    },
    /// The client said yes; the relay withdraws the support ID. The pair is gone.
    Admitting {
        /// Who.
        request: Request,
        /// When we give up.
        until: Duration,
    },
    /// The engineer works.
    Active(Box<Active>),
}
