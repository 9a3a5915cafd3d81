//! Where a session stands.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::pairing::Registration;

use super::active::Active;
use super::pair::Pair;
use super::request::Request;
use super::restart::{Carried, Carrying, Restarting};

/// Where a session stands.
pub(crate) enum State {
    /// Remote access is off.
    Off,
    /// Waiting for an engineer.
    Open {
        /// The pair that is shown.
        pair: Pair,
        /// When unused access switches itself off.
        until: Duration,
    },
    /// An engineer knows the PIN and proves the control pipe.
    Greeting {
        /// Still there: a refusal leads back.
        pair: Pair,
        /// The engineer, and the run that verified.
        request: Request,
        /// When we give up.
        until: Duration,
    },
    /// The client is being asked.
    Asking {
        /// Still there: a refusal leads back.
        pair: Pair,
        /// The engineer whom the question names.
        request: Request,
        /// Whether the engineer's program shows lines of chat.
        shows_chat: bool,
        /// An answer must name it.
        question: QuestionId,
        /// When no answer counts as no.
        until: Duration,
    },
    /// The client said yes; what serves the engineer starts, then the relay withdraws the support ID. The pair is gone.
    Admitting {
        /// The engineer who may come in.
        request: Request,
        /// Whether the engineer's program shows lines of chat.
        shows_chat: bool,
        /// Whether what serves the engineer runs.
        has_begun: bool,
        /// The session that goes on, if it went through a restart of the device.
        carried: Option<Box<Carried>>,
        /// When we give up.
        until: Duration,
    },
    /// A session is on, perhaps interrupted.
    Active(Box<Active>),
    /// The device restarts, and the session is to go on afterwards.
    Restarting(Box<Restarting>),
    /// It has, and the session is on its way.
    Carrying(Box<Carrying>),
}

impl State {
    /// The engineer who is greeted, asked about, admitted or at work.
    pub(crate) fn request(&self) -> Option<&Request> {
        match self {
            Self::Off | Self::Open { .. } => None,
            Self::Greeting { request, .. }
            | Self::Asking { request, .. }
            | Self::Admitting { request, .. } => Some(request),
            Self::Active(active) => Some(&active.request),
            Self::Restarting(restarting) => Some(&restarting.request),
            Self::Carrying(carrying) => Some(&carrying.carried().request),
        }
    }

    /// The pair, as long as it may still be used.
    pub(super) fn pair_mut(&mut self) -> Option<&mut Pair> {
        match self {
            Self::Open { pair, .. } | Self::Greeting { pair, .. } | Self::Asking { pair, .. } => Some(pair),
            Self::Off
            | Self::Admitting { .. }
            | Self::Active(_)
            | Self::Restarting(_)
            | Self::Carrying(_) => None,
        }
    }

    /// The pair that has this registration, as long as it may still be used.
    pub(super) fn pair_of(&mut self, registration: &Arc<Registration>) -> Option<&mut Pair> {
        self.pair_mut().filter(|pair| Arc::ptr_eq(&pair.registration, registration))
    }

    /// The session in which the engineer works.
    pub(crate) fn active(&self) -> Option<&Active> {
        match self {
            Self::Active(active) => Some(active),
            _ => None,
        }
    }

    pub(super) fn active_mut(&mut self) -> Option<&mut Active> {
        match self {
            Self::Active(active) => Some(active),
            _ => None,
        }
    }
}
