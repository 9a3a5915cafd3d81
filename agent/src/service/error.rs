//! What the object on the bus answers when it does not do what it is asked.

use fieldlink_device::bus::ErrorCode;
use zbus::message::Header;
use zbus::names::ErrorName;
use zbus::{DBusError, Message};

use super::action::Denied;
use crate::live::NoView;
use crate::rules::{Refusal, StaleAnswer};

/// An error as it stands on the bus.
#[derive(Debug)]
pub enum Error {
    /// Ours: its name says what it is.
    Code(ErrorCode, String),
    /// Something went wrong on the bus itself.
    Bus(zbus::Error),
}

impl Error {
    /// With what exactly cannot be used, for programmers.
    pub(super) fn invalid(detail: impl Into<String>) -> Self {
        Self::Code(ErrorCode::InvalidArgument, detail.into())
    }
}

impl From<ErrorCode> for Error {
    fn from(code: ErrorCode) -> Self {
        Self::Code(code, code.text().to_owned())
    }
}

impl From<zbus::Error> for Error {
    fn from(error: zbus::Error) -> Self {
        Self::Bus(error)
    }
}

impl DBusError for Error {
    fn create_reply(&self, call: &Header<'_>) -> zbus::Result<Message> {
        match self {
            Self::Code(code, text) => Message::error(call, code.name()).build(&text),
            Self::Bus(error) => {
                Message::error(call, "org.freedesktop.DBus.Error.Failed").build(&error.to_string())
            }
        }
    }

    fn name(&self) -> ErrorName<'_> {
        match self {
            Self::Code(code, _) => ErrorName::from_static_str_unchecked(code.name()),
            Self::Bus(_) => ErrorName::from_static_str_unchecked("org.freedesktop.DBus.Error.Failed"),
        }
    }

    fn description(&self) -> Option<&str> {
        match self {
            Self::Code(_, text) => Some(text),
            Self::Bus(_) => None,
        }
    }
}

impl From<Denied> for Error {
    fn from(denied: Denied) -> Self {
        let code = match denied {
            Denied::Engineer => ErrorCode::SupportEngineer,
            Denied::NotActive => ErrorCode::NotActive,
            Denied::Busy => ErrorCode::TooManyCalls,
            Denied::Unanswerable => ErrorCode::Unanswerable,
            Denied::Unknown(_) => ErrorCode::UnknownSender,
        };
        code.into()
    }
}

/// The name on the bus of an order that was not carried out.
pub(super) fn code_of(refusal: Refusal) -> ErrorCode {
    match refusal {
        Refusal::AlreadyOn => ErrorCode::AlreadyOn,
        Refusal::AlreadyOff => ErrorCode::AlreadyOff,
        Refusal::Stale(StaleAnswer::NotOpen) => ErrorCode::QuestionNotOpen,
        Refusal::Stale(StaleAnswer::DoesNotFit) => ErrorCode::AnswerDoesNotFit,
        Refusal::Grant(_) => ErrorCode::LongestReached,
        Refusal::NoSession => ErrorCode::NoSession,
        Refusal::NotTaken => ErrorCode::TooMuchWaits,
        Refusal::NoChat => ErrorCode::NoChat,
        Refusal::Nobody => ErrorCode::Nobody,
        Refusal::NoVerdict => ErrorCode::NoVerdict,
        Refusal::NoRecord => ErrorCode::NoRecord,
        Refusal::RecordOpen => ErrorCode::RecordOpen,
        Refusal::NotOff => ErrorCode::NotOff,
        Refusal::RecordsUnusable => ErrorCode::RecordsUnusable,
        Refusal::Stopping => ErrorCode::Stopping,
    }
}

impl From<NoView> for Error {
    fn from(why: NoView) -> Self {
        match why {
            NoView::NoSession => ErrorCode::NoSession.into(),
            NoView::TooMany => ErrorCode::TooManyWatch.into(),
            NoView::Socket(error) => Self::Bus(error.into()),
        }
    }
}

impl From<Refusal> for Error {
    fn from(refusal: Refusal) -> Self {
        code_of(refusal).into()
    }
}
