//! Attachments to pipes: who waits, who joins, how a pipe is cut.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use fieldlink_protocol::ids::{PipeId, SessionId};
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::PipeTicket;
use tokio::sync::oneshot;
use tokio_util::sync::CancellationToken;

use super::{State, Switchboard};
use crate::directory::{Attach, AttachRefusal, AttachmentId, PipeEnd};
use crate::socket::PipeSocket;

/// Cuts a pipe's connections, once, with a reason.
#[derive(Clone, Default)]
pub struct Cut(Arc<(CancellationToken, OnceLock<Reason>)>);

/// Payload bytes that a session has moved.
#[derive(Default)]
pub struct Traffic {
    to_agent: AtomicU64,
    to_engineer: AtomicU64,
}

/// What attaching led to.
pub enum Seated {
    /// The first: wait for the partner's connection, then splice.
    First(Seat, oneshot::Receiver<Box<PipeSocket>>),
    /// The second: hand the connection over.
    Second(Handover),
}

/// The first side's place at a pipe. Dropping it gives the place up.
pub struct Seat {
    /// Fires when the pipe is cut.
    pub cut: Cut,
    /// Counts what passes.
    pub traffic: Arc<Traffic>,
    switchboard: Arc<Switchboard>,
    session: SessionId,
    pipe: PipeId,
    attachment: AttachmentId,
}

/// The way to the partner who waits.
pub struct Handover {
    partner: oneshot::Sender<Box<PipeSocket>>,
    switchboard: Arc<Switchboard>,
    session: SessionId,
    pipe: PipeId,
}

impl Switchboard {
    /// Whether this ticket, whose signature was verified, opens anything now.
    pub fn may_attach(&self, ticket: &PipeTicket) -> Result<(), AttachRefusal> {
        self.with(|state| state.directory.may_attach(ticket, Instant::now()))
    }

    /// Attaches a connection to the pipe that `ticket` names.
    pub fn attach(self: &Arc<Self>, ticket: &PipeTicket) -> Result<Seated, AttachRefusal> {
        let attachment = AttachmentId(self.draw_id());
        let PipeTicket { session, pipe, .. } = *ticket;
        self.with(|state| match state.directory.attach(ticket, attachment, Instant::now())? {
            Attach::Join(partner) => {
                let partner = state.waiting.remove(&partner).ok_or(AttachRefusal::TicketUsed)?;
                Ok(Seated::Second(Handover { partner, switchboard: self.clone(), session, pipe }))
            }
            Attach::Wait => Ok(self.seat(state, ticket, attachment)),
            Attach::Replace(earlier) => {
                // Dropping its sender tells the earlier one.
                state.waiting.remove(&earlier);
                Ok(self.seat(state, ticket, attachment))
            }
        })
    }

    fn seat(self: &Arc<Self>, state: &mut State, ticket: &PipeTicket, attachment: AttachmentId) -> Seated {
        let (sender, partner) = oneshot::channel();
        state.waiting.insert(attachment, sender);
        let seat = Seat {
            cut: state.cuts.entry(ticket.pipe).or_default().clone(),
            traffic: state.traffic.entry(ticket.session).or_default().clone(),
            switchboard: self.clone(),
            session: ticket.session,
            pipe: ticket.pipe,
            attachment,
        };
        Seated::First(seat, partner)
    }
}

impl Seat {
    /// The pipe is over: the partner did not come, or the splice has ended.
    pub fn finish(&self, end: PipeEnd) {
        self.switchboard.with(|state| {
            if state.directory.finished(self.session, self.pipe, self.attachment, end) {
                state.cuts.remove(&self.pipe);
            }
        });
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.switchboard.with(|state| {
            state.waiting.remove(&self.attachment);
            if state.directory.left(self.session, self.pipe, self.attachment, Instant::now()) {
                state.cuts.remove(&self.pipe);
            }
        });
    }
}

impl Handover {
    /// Hands the connection to the partner, or gives it back if the partner has just gone.
    pub fn hand_over(self, socket: Box<PipeSocket>) -> Result<(), Box<PipeSocket>> {
        self.partner.send(socket).inspect_err(|_| {
            self.switchboard.with(|state| {
                state.directory.pipe_closed(self.session, self.pipe, PipeEnd::default());
                state.cuts.remove(&self.pipe);
            });
        })
    }
}

impl State {
    pub(super) fn cut(&mut self, pipe: PipeId, reason: Reason) {
        if let Some(cut) = self.cuts.remove(&pipe) {
            cut.fire(reason);
        }
    }
}

impl Cut {
    /// Cuts.
    pub fn fire(&self, reason: Reason) {
        // The first reason stands.
        let _ = self.0.1.set(reason);
        self.0.0.cancel();
    }

    /// Waits for the cut.
    pub async fn fired(&self) -> Reason {
        self.0.0.cancelled().await;
        self.0.1.get().copied().unwrap_or(Reason::Unknown)
    }
}

impl Traffic {
    /// Counts what went to one side.
    pub fn count(&self, to: Role, bytes: usize) {
        let counter = match to {
            Role::Agent => &self.to_agent,
            Role::Engineer => &self.to_engineer,
        };
        counter.fetch_add(bytes as u64, Ordering::Relaxed);
    }

    /// To the agent, and to the engineer.
    pub fn read(&self) -> (u64, u64) {
        (self.to_agent.load(Ordering::Relaxed), self.to_engineer.load(Ordering::Relaxed))
    }
}
