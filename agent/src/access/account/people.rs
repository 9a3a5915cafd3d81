//! What is told of further people: to the client at once, and to the audit log.

use fieldlink_daemon::AUDIT;
use fieldlink_device::warning::Warning;
use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::people::Attendance;
use fieldlink_protocol::reason::Reason;

use super::audit_engagement;
use crate::rules::{GuestEvent, ObserverEvent, Request};
use crate::view::{self, person_of};

pub(super) fn warning_of_guest(event: &GuestEvent) -> Option<Warning> {
    Some(match event {
        GuestEvent::CodeDrawn { .. } => Warning::Invited,
        GuestEvent::TryFailed { request, .. } => Warning::WrongCode { who: person_of(request) },
        GuestEvent::Admitted { request, observes, .. } => {
            let who = person_of(request);
            Warning::GuestHere { engineer: who.engineer, company: who.company, watches: *observes }
        }
        GuestEvent::Over { request: Some(request), left: true, .. } => {
            Warning::GuestGone { engineer: person_of(request).engineer }
        }
        _ => return None,
    })
}

pub(super) fn warning_of_observer(name: &str, event: &ObserverEvent) -> Option<Warning> {
    let name = name.to_owned();
    match event {
        ObserverEvent::Is(Attendance::Here) => Some(Warning::WatcherHere { name }),
        ObserverEvent::Is(Attendance::Away) | ObserverEvent::Over(Reason::Removed) => {
            Some(Warning::WatcherGone { name })
        }
        _ => None,
    }
}

pub(super) fn handed_over(request: &Request) -> Warning {
    let who = person_of(request);
    Warning::HandedOver { engineer: who.engineer, company: who.company }
}

pub(super) fn audit_guest(event: &GuestEvent) {
    match event {
        GuestEvent::CodeDrawn { code, .. } => {
            tracing::info!(target: AUDIT, address = %code.address, "a join code is drawn");
        }
        GuestEvent::TryFailed { request, reason, is_last } => {
            let (engineer, who, reason) = (&request.engineer.id, view::describe(request), reason.code());
            tracing::info!(target: AUDIT, %engineer, who, reason, is_last, "a join code was not proven");
        }
        GuestEvent::Allowed { request, observes } => {
            let (session, who) = (&request.session, view::describe(request));
            tracing::info!(target: AUDIT, %session, who, observes, "a further engineer may come in");
            audit_engagement(request);
        }
        GuestEvent::Admitted { request, observes, .. } => {
            let (session, who) = (&request.session, view::describe(request));
            tracing::info!(target: AUDIT, %session, who, observes, "a further engineer is in the session");
        }
        GuestEvent::Over { request, reason, .. } => {
            let session = request.as_ref().map(|request| request.session.to_string());
            tracing::info!(target: AUDIT, session, reason = reason.code(), "a further engineer's place is free");
        }
        GuestEvent::Declined { .. }
        | GuestEvent::Verified { .. }
        | GuestEvent::WaitsForClient { .. }
        | GuestEvent::Returned { .. } => {}
    }
}

pub(super) fn audit_observer(observer: &ObserverId, name: &str, event: &ObserverEvent) {
    match event {
        ObserverEvent::Allowed { .. } => {
            tracing::info!(target: AUDIT, %observer, name, "somebody may watch");
        }
        ObserverEvent::Is(attendance) => {
            tracing::info!(target: AUDIT, %observer, name, attendance = attendance.name(), "somebody who may watch");
        }
        ObserverEvent::Over(reason) => {
            tracing::info!(target: AUDIT, %observer, name, reason = reason.code(), "somebody may not watch any more");
        }
    }
}
