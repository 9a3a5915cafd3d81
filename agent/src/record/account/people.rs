//! What the record tells of those who take part besides the owner.

use fieldlink_evidence::{Event, Use};
use fieldlink_protocol::ids::{ObserverId, QuestionId};

use super::{Told, certified, person};
use crate::rules::{GuestEvent, ObserverEvent, Request, SeatId};

pub(super) fn guest_asked(id: QuestionId, (seat, request, observes): (SeatId, &Request, bool)) -> Told {
    let (certified, files) = certified(request, seat.0);
    let leave = Use::Guest { seat: seat.0, person: person(request), observes, certified };
    Told { event: Event::LeaveAsked { id, leave }, files }
}

/// Whom the client was asked about is told by the question; the writer leaves out that they were let in.
fn guest_let_in(SeatId(seat): SeatId, request: &Request, observes: bool) -> Told {
    let (certified, files) = certified(request, seat);
    Told { event: Event::GuestLetIn { person: person(request), seat, observes, certified }, files }
}

pub(super) fn guest(SeatId(seat): SeatId, event: &GuestEvent) -> Option<Told> {
    Some(Told::from(match event {
        GuestEvent::Allowed { request, observes } => {
            return Some(guest_let_in(SeatId(seat), request, *observes));
        }
        GuestEvent::CodeDrawn { request, .. } => Event::JoinCodeDrawn { seat: request.seat.0 },
        GuestEvent::Declined { request, reason } | GuestEvent::TryFailed { request, reason, .. } => {
            Event::JoinFailed { person: person(request), reason: *reason }
        }
        GuestEvent::Admitted { observes, .. } => Event::EngineerJoined { seat, observes: *observes },
        GuestEvent::Returned { .. } => Event::EngineerReturned { seat },
        GuestEvent::Over { request: Some(_), reason, .. } => Event::EngineerLeft { seat, reason: *reason },
        // The questions and their answers tell it.
        GuestEvent::Verified { .. }
        | GuestEvent::WaitsForClient { .. }
        | GuestEvent::Over { request: None, .. } => return None,
    }))
}

pub(super) fn observer(id: ObserverId, name: &str, event: &ObserverEvent) -> Event {
    match event {
        ObserverEvent::Allowed { .. } => Event::ObserverInvited { id, name: name.to_owned() },
        ObserverEvent::Is(attendance) => Event::ObserverIs { id, attendance: *attendance },
        ObserverEvent::Over(reason) => Event::ObserverOver { id, reason: *reason },
    }
}
