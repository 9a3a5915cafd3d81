//! A further engineer in a session, from the proven join code on.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::people::{Attendance, Part};
use fieldlink_protocol::reason::Reason;

use super::conversation::Rates;
use super::request::BEGINNING;
use super::seat::SeatId;
use super::{Request, Returns};

/// How far a further engineer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum GuestStage {
    /// The join code was proven; the control pipe is not yet.
    Greeting { until: Duration },
    /// The client is asked.
    Asking,
    /// The client said yes; the relay has not admitted them yet.
    Admitting { until: Duration },
    /// In the session.
    Here,
}

/// A further engineer.
#[derive(Debug)]
pub(crate) struct Guest {
    /// Their place.
    pub seat: SeatId,
    /// Who it is, and their session at the relay.
    pub request: Request,
    /// What the others call them, if somebody else had their name when they came in.
    pub(super) name: Option<String>,
    /// Whether they only watch.
    pub observes: bool,
    /// Whether their program shows lines of chat.
    pub(super) shows_chat: bool,
    /// How much they may say.
    pub(super) rates: Rates,
    pub(super) stage: GuestStage,
    /// When their program was last heard.
    pub(super) heard: Duration,
    /// Why they are out of reach, if they are.
    pub interrupted: Option<String>,
    /// How often their program came back.
    pub returns: Returns,
}

impl Guest {
    /// One who has proven the join code.
    pub(super) fn new(seat: SeatId, request: Request, now: Duration) -> Self {
        Self {
            seat,
            returns: Returns::since(request.run),
            request,
            name: None,
            observes: false,
            shows_chat: false,
            rates: Rates::default(),
            stage: GuestStage::Greeting { until: now + limits::HANDSHAKE },
            heard: now,
            interrupted: None,
        }
    }

    /// Whether they are in the session.
    pub(crate) fn is_in(&self) -> bool {
        self.stage == GuestStage::Here
    }

    /// Whether the session can be theirs: they work in it, and are in reach.
    pub(super) fn can_own(&self) -> bool {
        self.is_in() && !self.observes && self.interrupted.is_none()
    }

    /// The client said yes.
    pub(super) fn allow(&mut self, now: Duration) {
        self.stage = GuestStage::Admitting { until: now + BEGINNING };
    }

    /// What the others are told of them, once they are in.
    pub(super) fn standing(&self) -> Option<(Part, Attendance)> {
        let part = if self.observes { Part::Observing } else { Part::Working };
        let attendance = if self.interrupted.is_some() { Attendance::Away } else { Attendance::Here };
        self.is_in().then_some((part, attendance))
    }

    /// When something happens by itself. `patience`: for how long they may be out of reach.
    pub(super) fn poll_timeout(&self, patience: Duration) -> Option<Duration> {
        match (self.stage, &self.interrupted) {
            (GuestStage::Greeting { until } | GuestStage::Admitting { until }, _) => Some(until),
            (GuestStage::Asking, _) => None,
            (GuestStage::Here, Some(_)) => Some(self.heard + patience),
            (GuestStage::Here, None) => Some(self.heard + limits::HEARTBEAT_LOST),
        }
    }

    /// Why it is over for them by `now`; `None`: they were only not heard.
    pub(super) fn handle_timeout(&mut self) -> Option<Reason> {
        match (self.stage, &self.interrupted) {
            (GuestStage::Greeting { .. }, _) => Some(Reason::PairingTimeout),
            (GuestStage::Admitting { .. }, _) => Some(Reason::ConnectionLost),
            (GuestStage::Here, Some(_)) => Some(Reason::Silence),
            (GuestStage::Here | GuestStage::Asking, _) => {
                self.interrupted = Some("nothing comes through any more".to_owned());
                None
            }
        }
    }
}
