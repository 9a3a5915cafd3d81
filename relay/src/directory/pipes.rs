//! Pipes: expected, waiting for the partner, joined.

use std::time::Instant;

use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::engineer::OpenRefusal;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::PipeTicket;

use super::sessions::{self, Progress, State};
use super::{AttachmentId, ConnectionId, Directory, Effect};

/// A pipe that was not closed yet.
pub(super) struct Pipe {
    kind: PipeKind,
    run: RunId,
    slot: Slot,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Slot {
    /// Nobody is attached. From `until` on nobody will be.
    Expected { until: Instant },
    /// One side is there.
    Waiting(Role, AttachmentId),
    /// Both sides were there: the one that came first splices them.
    Joined(AttachmentId),
}

/// A pipe that an engineer opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Opened {
    /// Its session.
    pub session: SessionId,
    /// The session's run.
    pub run: RunId,
    /// The pipe.
    pub pipe: PipeId,
    /// The agent's connection.
    pub agent: ConnectionId,
    /// Unix seconds: from when its tickets are valid.
    pub not_before: u64,
    /// Unix seconds: until when.
    pub expires: u64,
}

/// What attaching leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attach {
    /// Wait for the partner.
    Wait,
    /// Wait for the partner in the place of this earlier attachment of the same side.
    Replace(AttachmentId),
    /// The partner waits: join it.
    Join(AttachmentId),
}

/// Why a valid ticket opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AttachRefusal {
    /// There is no such session (any more).
    SessionOver,
    /// The pipe was closed, is in use, or nobody came in time.
    TicketUsed,
}

/// How a pipe ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct PipeEnd {
    /// Whose connection ended it; `None` for the relay, or when nobody came.
    pub by: Option<Role>,
    /// The reason that this side gave, if it is one.
    pub reason: Option<Reason>,
}

impl Pipe {
    pub(super) fn expected(kind: PipeKind, run: RunId, until: Instant) -> Self {
        Self { kind, run, slot: Slot::Expected { until } }
    }

    fn has_lapsed(&self, now: Instant) -> bool {
        matches!(self.slot, Slot::Expected { until } if until <= now)
    }
}

impl Directory {
    /// Opens a further pipe in the session of an engineer's connection.
    pub fn open_pipe(
        &mut self,
        link: ConnectionId,
        pipe: PipeId,
        now: Instant,
    ) -> Result<Opened, OpenRefusal> {
        let until = now + self.times.partner * 2;
        let id =
            self.engineers.get(&link).and_then(|engineer| engineer.session).ok_or(OpenRefusal::NoSession)?;
        let session = self.sessions.get_mut(&id).ok_or(OpenRefusal::NoSession)?;
        let State::Admitted { agent, run, .. } = session.state else { return Err(OpenRefusal::NoSession) };
        let agent = agent.ok_or(OpenRefusal::AgentAway)?;
        session.pipes.retain(|_, pipe| !pipe.has_lapsed(now));
        if session.pipes.len() >= limits::PIPES_PER_SESSION {
            return Err(OpenRefusal::TooMany);
        }
        session.pipes.insert(pipe, Pipe::expected(PipeKind::Ssh, run, until));
        let (not_before, expires) = session.validity();
        Ok(Opened { session: id, run, pipe, agent, not_before, expires })
    }

    /// Whether [`Directory::attach`] would succeed, so that a refusal can come before the upgrade.
    pub fn may_attach(&self, ticket: &PipeTicket, now: Instant) -> Result<(), AttachRefusal> {
        let session = self.sessions.get(&ticket.session).ok_or(AttachRefusal::SessionOver)?;
        let pipe = session.pipes.get(&ticket.pipe).ok_or(AttachRefusal::TicketUsed)?;
        // Signed by this relay, so these cannot differ; if they do, something is very wrong.
        let fits = session.engineer == ticket.subject && pipe.run == ticket.run && pipe.kind == ticket.kind;
        let free = !pipe.is_joined() && !pipe.has_lapsed(now);
        if fits && free { Ok(()) } else { Err(AttachRefusal::TicketUsed) }
    }

    /// Attaches one side to a pipe.
    pub fn attach(
        &mut self,
        ticket: &PipeTicket,
        attachment: AttachmentId,
        now: Instant,
    ) -> Result<Attach, AttachRefusal> {
        self.may_attach(ticket, now)?;
        let pipe = self.pipe_mut(ticket.session, ticket.pipe).ok_or(AttachRefusal::TicketUsed)?;
        let (slot, attach) = match pipe.slot {
            Slot::Expected { .. } => (Slot::Waiting(ticket.side, attachment), Attach::Wait),
            Slot::Waiting(side, earlier) if side == ticket.side => {
                (Slot::Waiting(side, attachment), Attach::Replace(earlier))
            }
            Slot::Waiting(_, partner) => (Slot::Joined(partner), Attach::Join(partner)),
            Slot::Joined(_) => return Err(AttachRefusal::TicketUsed),
        };
        pipe.slot = slot;
        Ok(attach)
    }

    /// The side that came first is gone. If it waited it may attach again; if it spliced, the pipe is
    /// closed for good. False: it had been replaced, and nothing happened.
    pub fn left(&mut self, session: SessionId, pipe: PipeId, attachment: AttachmentId, now: Instant) -> bool {
        let until = now + self.times.partner;
        let Some(found) = self.pipe_mut(session, pipe) else { return false };
        match found.slot {
            Slot::Waiting(_, holder) if holder == attachment => found.slot = Slot::Expected { until },
            Slot::Joined(holder) if holder == attachment => {
                self.pipe_closed(session, pipe, PipeEnd::default())
            }
            _ => return false,
        }
        true
    }

    /// The side that came first is done: its partner did not come, or the splice is over. The pipe is
    /// closed for good. False: it had been replaced, and nothing happened.
    pub fn finished(
        &mut self,
        session: SessionId,
        pipe: PipeId,
        attachment: AttachmentId,
        end: PipeEnd,
    ) -> bool {
        let held = self.pipe_mut(session, pipe).is_some_and(|pipe| pipe.is_held_by(attachment));
        if held {
            self.pipe_closed(session, pipe, end);
        }
        held
    }

    /// A pipe is closed for good. A session does not outlive its control pipe.
    pub fn pipe_closed(&mut self, session: SessionId, pipe: PipeId, end: PipeEnd) {
        let Some(found) = self.sessions.get_mut(&session) else { return };
        if found.pipes.remove(&pipe).is_none() {
            return;
        }
        match &mut found.state {
            State::Pairing(pairing) if pairing.control == pipe => pairing.progress = Progress::Over,
            State::Admitted { control, .. } if *control == pipe => {
                self.end_session(session, end_reason(end), None);
            }
            _ => {}
        }
    }

    pub(super) fn is_joined(&self, session: SessionId, pipe: PipeId) -> bool {
        let pipe = self.sessions.get(&session).and_then(|session| session.pipes.get(&pipe));
        pipe.is_some_and(Pipe::is_joined)
    }

    pub(super) fn cut_pipe(&mut self, session: SessionId, pipe: PipeId, reason: Reason) {
        let found = self.sessions.get_mut(&session).and_then(|session| session.pipes.remove(&pipe));
        if found.is_some() {
            self.effects.push(Effect::CutPipe(pipe, reason));
        }
    }

    fn pipe_mut(&mut self, session: SessionId, pipe: PipeId) -> Option<&mut Pipe> {
        self.sessions.get_mut(&session)?.pipes.get_mut(&pipe)
    }
}

impl Pipe {
    fn is_held_by(&self, attachment: AttachmentId) -> bool {
        matches!(self.slot, Slot::Waiting(_, holder) | Slot::Joined(holder) if holder == attachment)
    }

    fn is_joined(&self) -> bool {
        matches!(self.slot, Slot::Joined(_))
    }
}

/// Whoever says goodbye on the control pipe ends the session with that reason: it may arrive before
/// the same words on the other connection.
fn end_reason(end: PipeEnd) -> Reason {
    match (end.reason, end.by) {
        (Some(reason), Some(_)) => sessions::claimed(reason),
        (_, Some(Role::Engineer)) => Reason::EngineerLost,
        _ => Reason::ConnectionLost,
    }
}
