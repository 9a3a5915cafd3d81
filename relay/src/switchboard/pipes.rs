//! Attachments to pipes, and what passes them.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Instant;

use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::ticket::PipeTicket;

use super::{Seated, Switchboard};
use crate::directory::{Attach, AttachRefusal, AttachmentId, Place};

/// What is kept of a session besides the rules.
pub struct Ledger {
    /// The support case.
    pub reference: String,
    /// What it has moved.
    pub traffic: Arc<Traffic>,
    /// What was last written down of that.
    written: (u64, u64),
}

/// Payload bytes that a session has moved.
#[derive(Default)]
pub struct Traffic {
    to_agent: AtomicU64,
    to_engineer: AtomicU64,
}

impl Switchboard {
    /// Whether this ticket, whose signature was verified, opens anything now.
    pub fn may_attach(&self, ticket: &PipeTicket) -> Result<(), AttachRefusal> {
        self.with(|state| state.directory.may_attach(ticket, Instant::now()))
    }

    /// Attaches a connection to the pipe that `ticket` names.
    pub fn attach(self: &Arc<Self>, ticket: &PipeTicket) -> Result<Seated, AttachRefusal> {
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

impl Ledger {
    /// One with nothing in it yet.
    pub fn new(reference: String) -> Self {
        Self { reference, traffic: Arc::default(), written: (0, 0) }
    }

    /// What it has moved, if that is not what was written down.
    pub fn take_changed(&mut self) -> Option<(u64, u64)> {
        let moved = self.traffic.read();
        (std::mem::replace(&mut self.written, moved) != moved).then_some(moved)
    }
}

impl Traffic {
    /// Counts what went to one side.
    pub fn count(&self, to: Role, bytes: u64) {
        let counter = match to {
            Role::Agent => &self.to_agent,
            Role::Engineer => &self.to_engineer,
        };
        counter.fetch_add(bytes, Ordering::Relaxed);
    }

    /// To the agent, and to the engineer.
    pub fn read(&self) -> (u64, u64) {
        (self.to_agent.load(Ordering::Relaxed), self.to_engineer.load(Ordering::Relaxed))
    }
}
