//! How splices end, and what both sides are told.

use fieldlink_protocol::pipe::{Role, closing};
use fieldlink_protocol::reason::Reason;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message};

use crate::fault::Fault;

/// How a splice ended.
#[derive(Debug)]
pub(crate) struct SpliceEnd {
    /// The side whose connection ended it.
    pub by: Role,
    pub(super) first: Role,
    pub(super) cause: Cause,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Cause {
    Closed(Option<CloseFrame>),
    NotData,
    Fault(Fault),
    TooSlow,
}

impl SpliceEnd {
    /// What the side that closed it said, if it closed it and said anything.
    pub(crate) fn close_text(&self) -> Option<&str> {
        match &self.cause {
            Cause::Closed(frame) => {
                let said = frame.as_ref().map(|frame| (frame.code.into(), frame.reason.as_str()));
                said.filter(|_| !closing::is_wordless(said)).map(|(_, text)| text)
            }
            _ => None,
        }
    }

    /// Whether what is under way should still arrive.
    pub(crate) fn is_orderly(&self) -> bool {
        matches!(self.cause, Cause::Closed(_))
    }

    /// The goodbyes, in the order in which the connections came. `other`: what the partner is told, unless
    /// the same as was said, or that the other side is lost.
    pub(crate) fn frames(&self, other: Option<CloseFrame>) -> [CloseFrame; 2] {
        let own = match (&self.cause, &other) {
            // It did nothing wrong: where the pipe goes on, it may come again.
            (Cause::Fault(Fault::Gone) | Cause::TooSlow, Some(again)) => again.clone(),
            _ => self.frame_for_culprit(),
        };
        let other = other.unwrap_or_else(|| self.frame_for_partner());
        if self.by == self.first { [own, other] } else { [other, own] }
    }

    fn frame_for_culprit(&self) -> CloseFrame {
        let (code, reason) = match &self.cause {
            Cause::Fault(fault) if let Some(frame) = fault.frame() => return frame,
            Cause::Closed(_) | Cause::Fault(_) => (CloseCode::Normal, ""),
            Cause::NotData => (CloseCode::Unsupported, "not-data"),
            Cause::TooSlow => (CloseCode::Policy, "too-slow"),
        };
        CloseFrame { code, reason: reason.into() }
    }

    /// A close passes as it is; anything else is the loss of the other side.
    fn frame_for_partner(&self) -> CloseFrame {
        let lost = match self.by {
            Role::Engineer => Reason::EngineerLost,
            Role::Agent => Reason::ConnectionLost,
        };
        match &self.cause {
            Cause::Closed(Some(frame)) => frame.clone(),
            Cause::Closed(None) => CloseFrame { code: CloseCode::Normal, reason: "".into() },
            _ => CloseFrame { code: CloseCode::Away, reason: lost.code().into() },
        }
    }
}

/// A message to pass on, `None` for what concerns this hop alone, or why the splice is over.
pub(super) fn accept(received: Option<Result<Message, Error>>) -> Result<Option<Message>, Cause> {
    match received {
        Some(Ok(message @ Message::Binary(_))) => Ok(Some(message)),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Text(_))) => Err(Cause::NotData),
        Some(Ok(Message::Close(frame))) => Err(Cause::Closed(frame)),
        Some(Err(error)) => Err(Cause::Fault(Fault::from(&error))),
        None => Err(Cause::Fault(Fault::Gone)),
    }
}
