//! Attachments to pipes.

use std::sync::Arc;
use std::time::Instant;

use fieldlink_protocol::ticket::PipeTicket;

use super::{Seated, Switchboard};
use crate::directory::{Attach, AttachRefusal, AttachmentId, Place};

impl Switchboard {
    /// Whether this ticket, whose signature was verified, opens anything now.
    pub(crate) fn may_attach(&self, ticket: &PipeTicket) -> Result<(), AttachRefusal> {
        self.with(|state| state.directory.may_attach(ticket, Instant::now()))
    }

    /// Attaches a connection to the pipe that `ticket` names.
    pub(crate) fn attach(self: &Arc<Self>, ticket: &PipeTicket) -> Result<Seated, AttachRefusal> {
        let attachment = AttachmentId(self.draw_id());
        let place = Place { session: ticket.session, pipe: ticket.pipe, attachment };
        self.with(|state| {
            if state.stopping {
                return Err(AttachRefusal::Pending);
            }
            let wait = match state.directory.attach(ticket, attachment, Instant::now())? {
                Attach::Join(partner) => {
                    let handover = state.handover(partner).ok_or(AttachRefusal::TicketUsed)?;
                    return Ok(Seated::Second(handover));
                }
                Attach::Wait { until } => (until, false),
                Attach::WaitAgain { until } => (until, true),
            };
            Ok(self.seat(state, place, wait))
        })
    }
}
