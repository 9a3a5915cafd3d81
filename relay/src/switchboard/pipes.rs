//! Attachments to pipes.

use std::sync::Arc;
use std::time::Instant;

use fieldlink_protocol::ticket::PipeTicket;
use tokio_tungstenite::tungstenite::Message;

use super::{Seated, SpareSeat, Switchboard};
use crate::directory::{Attach, AttachRefusal, AttachmentId, Place};

impl Switchboard {
    /// Whether this ticket, whose signature was verified, opens anything now.
    pub(crate) fn may_attach(&self, ticket: &PipeTicket) -> Result<(), AttachRefusal> {
        self.with(|state| state.directory.may_attach(ticket, Instant::now()))
    }

    /// Whether the side that `ticket` is for comes back to a pipe that goes on.
    pub(crate) fn was_spliced(&self, ticket: &PipeTicket) -> bool {
        self.with(|state| state.directory.was_spliced(ticket, Instant::now()))
    }

    /// The partner that waits at the pipe, and the HELLO that it said with its request.
    pub(crate) fn waiting_partner(&self, ticket: &PipeTicket) -> Option<(AttachmentId, Message)> {
        self.with(|state| {
            let partner = state.directory.waiting_partner(ticket)?;
            Some((partner, state.hello(partner)?))
        })
    }

    /// Whether a spare connection of the side that `ticket` is for has a place.
    pub(crate) fn may_keep_spare(&self, ticket: &PipeTicket) -> Result<(), AttachRefusal> {
        self.with(|state| state.directory.may_keep_spare(ticket, Instant::now()))
    }

    /// Gives a spare connection its place.
    pub(crate) fn keep_spare(self: &Arc<Self>, ticket: &PipeTicket) -> Result<SpareSeat, AttachRefusal> {
        let attachment = AttachmentId(self.draw_id());
        let place = Place { session: ticket.session, pipe: ticket.pipe, attachment };
        self.with(|state| {
            if state.stopping {
                return Err(AttachRefusal::Pending);
            }
            state.directory.keep_spare(ticket, attachment, Instant::now())?;
            Ok(self.spare_seat(state, place))
        })
    }

    /// Attaches a connection to the pipe that `ticket` names. `said` is its HELLO, `heard` the partner whose HELLO it
    /// was told: it can be joined with no other.
    pub(crate) fn attach(
        self: &Arc<Self>,
        ticket: &PipeTicket,
        said: Option<&Message>,
        heard: Option<AttachmentId>,
    ) -> Result<Seated, AttachRefusal> {
        let attachment = AttachmentId(self.draw_id());
        let place = Place { session: ticket.session, pipe: ticket.pipe, attachment };
        self.with(|state| {
            if state.stopping {
                return Err(AttachRefusal::Pending);
            }
            if heard.is_some() && heard != state.directory.waiting_partner(ticket) {
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
            Ok(self.seat(state, place, wait, said.cloned()))
        })
    }
}
