//! The session becomes another engineer's: what is of the engineer whose session it is changes places with what is of a
//! further one. The programs, the terminals and the deadline stay.

use super::Access;
use crate::clock;
use crate::network::reach::{Failure, FailureKind};
use crate::rules::SeatId;
use crate::state_files::SessionMark;

/// Their registration was lost before it became that of the session's owner.
fn being_tried() -> Failure {
    Failure { kind: FailureKind::Silence, detail: "the connection is being tried again".into() }
}

impl Access {
    pub(super) fn hand_over(&mut self, from: SeatId, to: SeatId) {
        let Some(mut seat) = self.seats.take(to) else { return };
        let (Some(owners), Some(theirs)) = (&mut self.session, &mut seat.live) else { return };
        if !owners.trade_places(theirs) {
            tracing::error!("the session could not be handed over");
        }
        std::mem::swap(owners, theirs);
        if let Some(tunnel) = &mut self.tunnel {
            std::mem::swap(tunnel, &mut seat.tunnel);
        }
        let was_registered = self.rules.relay().is_registered();
        match (was_registered, std::mem::replace(&mut seat.is_registered, was_registered)) {
            (false, true) => self.rules.handle_registered(),
            (true, false) => self.rules.handle_relay_lost(being_tried(), clock::now()),
            _ => {}
        }
        std::mem::swap(&mut self.key, &mut seat.key);
        std::mem::swap(&mut self.session_ticket, &mut seat.session_ticket);
        std::mem::swap(&mut self.returning, &mut seat.returning);
        let address = self.support_id.replace(seat.address);
        seat.address = address.unwrap_or(seat.address);
        seat.id = from;
        self.seats.add(seat);
        self.keep_engagement();
        self.mark_sessions();
        self.share_again();
        self.say_standing();
    }

    /// Notes which sessions the relay is to be told of, should this agent fail.
    pub(super) fn mark_sessions(&self) {
        let Some(active) = self.rules.state().active() else { return };
        let owners =
            self.session_ticket.clone().map(|ticket| (active.request.session, ticket, self.key.seed()));
        let guests = self.seats.iter().filter_map(|seat| {
            let session = active.guests.find(seat.id)?.request.session;
            Some((session, seat.session_ticket.clone()?, seat.key.seed()))
        });
        let marks: Vec<_> = owners
            .into_iter()
            .chain(guests)
            .map(|(session, ticket, key)| SessionMark { session, ticket, key })
            .collect();
        self.state_files.set_sessions(&marks);
    }
}
