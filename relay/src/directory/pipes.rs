//! Pipes of sessions: opened, attached to, parted from, closed.

use std::time::Instant;

use fieldlink_protocol::code::Code;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::engineer::OpenRefusal;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::PipeTicket;

use super::pipe::{Attach, Pipe, Post, Waiter};
use super::session::{self, Progress, State};
use super::{AttachmentId, CloseCause, ConnectionId, Directory, Effect, Standing};

/// A pipe that an engineer opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Opened {
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

/// Why a valid ticket opens nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum AttachRefusal {
    /// There is no such session (any more).
    SessionOver,
    /// The pipe was closed, cannot be attached to again, or lapsed because no side came in time.
    TicketUsed,
    /// It may open something once a session ticket was shown, or another connection was made.
    Pending,
    /// It is for a side that this version does not know.
    UnknownSide,
    /// Its pipe takes no spare connections.
    NoSpare,
}

/// The place of an attachment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Place {
    /// The session.
    pub session: SessionId,
    /// The pipe.
    pub pipe: PipeId,
    /// The attachment.
    pub attachment: AttachmentId,
}

/// How an attachment's wait, or the splice it made, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum PipeEnd {
    /// The partner did not come in time.
    NobodyCame,
    /// A connection is gone, without a close that ends the pipe.
    Lost,
    /// A side has closed its connection because it has a newer one.
    Moved,
    /// A side has closed the pipe.
    Closed {
        /// The side that closed it.
        by: Role,
        /// The reason that it gave, if it is one.
        reason: Option<Reason>,
    },
}

/// What becomes of a pipe when one of its splices, or a wait, ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aftermath {
    /// It is closed for good.
    Closed,
    /// It goes on when its sides have attached again.
    GoesOn,
    /// It goes on with a newer splice.
    Moved,
}

impl Directory {
    /// Opens a further pipe in the session of an engineer's connection.
    pub(crate) fn open_pipe(
        &mut self,
        link: ConnectionId,
        (pipe, kind): (PipeId, Code<PipeKind>),
        now: Instant,
    ) -> Result<Opened, OpenRefusal> {
        // What else it carries is for the two sides. Who watches asks for themselves.
        if kind == PipeKind::Control || kind == PipeKind::Observer {
            return Err(OpenRefusal::WrongKind);
        }
        let until = now + self.times.partner * 2;
        let id =
            self.engineers.get(&link).and_then(|engineer| engineer.session).ok_or(OpenRefusal::NoSession)?;
        self.lapse_pipes(id, now);
        let session = self.sessions.get_mut(&id).ok_or(OpenRefusal::NoSession)?;
        let admitted = session.going_on().ok_or(OpenRefusal::NoSession)?;
        let agent = admitted.agent.ok_or(OpenRefusal::AgentAway)?;
        let Standing { run, not_before, expires, .. } = admitted.standing;
        if session.pipes.len() >= limits::PIPES_PER_SESSION {
            return Err(OpenRefusal::TooMany);
        }
        session.pipes.insert(pipe, Pipe::expected(kind, run, until));
        self.reschedule(id);
        Ok(Opened { session: id, run, pipe, agent, not_before, expires })
    }

    /// Whether [`Directory::attach`] would succeed, so that a refusal can come before the upgrade.
    pub(crate) fn may_attach(&self, ticket: &PipeTicket, now: Instant) -> Result<(), AttachRefusal> {
        ticket.side.known().ok_or(AttachRefusal::UnknownSide)?;
        let session = self.sessions.get(&ticket.session).ok_or(AttachRefusal::SessionOver)?;
        let Some(pipe) = session.pipes.get(&ticket.pipe) else { return session.may_recall(ticket, now) };
        // Signed by this relay, so these cannot differ; if they do, something is very wrong.
        let fits = session.engineer == ticket.subject && pipe.run == ticket.run && pipe.kind == ticket.kind;
        let free = (pipe.goes_on || !pipe.is_joined()) && pipe.lapses_at().is_none_or(|at| now < at);
        if fits && free { Ok(()) } else { Err(AttachRefusal::TicketUsed) }
    }

    /// Whether the side that a ticket is for comes back to its pipe, rather than for the first time.
    pub(crate) fn was_spliced(&self, ticket: &PipeTicket, now: Instant) -> bool {
        match (self.pipe(ticket), self.sessions.get(&ticket.session)) {
            (Some(pipe), _) => pipe.was_spliced(),
            // Before the relay was started again.
            (None, Some(session)) => session.may_recall(ticket, now).is_ok(),
            (None, None) => false,
        }
    }

    /// The other side's attachment, if it waits at the pipe.
    pub(crate) fn waiting_partner(&self, ticket: &PipeTicket) -> Option<AttachmentId> {
        let waiter = self.pipe(ticket)?.waiter()?;
        (waiter.side.peer() == ticket.side.known()?).then_some(waiter.id)
    }

    fn pipe(&self, ticket: &PipeTicket) -> Option<&Pipe> {
        self.sessions.get(&ticket.session)?.pipes.get(&ticket.pipe)
    }

    /// Attaches one side to a pipe. A splice that runs takes in no other connection: a side that comes again waits
    /// beside it until the other side comes again too.
    pub(crate) fn attach(
        &mut self,
        ticket: &PipeTicket,
        attachment: AttachmentId,
        now: Instant,
    ) -> Result<Attach, AttachRefusal> {
        self.may_attach(ticket, now)?;
        let side = ticket.side.known().ok_or(AttachRefusal::UnknownSide)?;
        let session = self.sessions.get_mut(&ticket.session).ok_or(AttachRefusal::SessionOver)?;
        session.recall_pipe(ticket);
        let pipe = session.pipes.get_mut(&ticket.pipe).ok_or(AttachRefusal::TicketUsed)?;
        let waiter = Waiter { side, id: attachment };
        let attach = pipe.attach(waiter, now, &self.times, &mut self.effects);
        self.touch(ticket.session);
        self.reschedule(ticket.session);
        Ok(attach)
    }

    /// Takes in a spare connection of one side, at the control pipe of a session that goes on.
    pub(crate) fn keep_spare(
        &mut self,
        ticket: &PipeTicket,
        spare: AttachmentId,
        now: Instant,
    ) -> Result<(), AttachRefusal> {
        self.may_keep_spare(ticket, now)?;
        let side = ticket.side.known().ok_or(AttachRefusal::UnknownSide)?;
        let session = self.sessions.get_mut(&ticket.session).ok_or(AttachRefusal::SessionOver)?;
        let pipe = session.pipes.get_mut(&ticket.pipe).ok_or(AttachRefusal::TicketUsed)?;
        pipe.keep_spare(Waiter { side, id: spare }, &mut self.effects);
        Ok(())
    }

    /// Whether [`Directory::keep_spare`] would succeed.
    pub(crate) fn may_keep_spare(&self, ticket: &PipeTicket, now: Instant) -> Result<(), AttachRefusal> {
        self.may_attach(ticket, now)?;
        match ticket.kind == PipeKind::Control && self.was_spliced(ticket, now) {
            true => Ok(()),
            false => Err(AttachRefusal::NoSpare),
        }
    }

    /// A spare connection is gone, or becomes an attachment.
    pub(crate) fn release_spare(&mut self, place: Place) {
        let session = self.sessions.get_mut(&place.session);
        if let Some(pipe) = session.and_then(|session| session.pipes.get_mut(&place.pipe)) {
            pipe.release_spare(place.attachment);
        }
    }

    /// An attachment has ended its wait, or its splice. `None`: it was told to, and nothing happened.
    pub(crate) fn parted(&mut self, place: Place, end: PipeEnd, now: Instant) -> Option<Aftermath> {
        let Place { session, pipe, attachment } = place;
        let found = self.sessions.get_mut(&session)?.pipes.get_mut(&pipe)?;
        let over = match (end, found.post(attachment)?) {
            (PipeEnd::Closed { .. }, post) => post != Post::WaitsAtNew,
            (PipeEnd::NobodyCame, post) => post == Post::WaitsAtNew,
            (PipeEnd::Lost | PipeEnd::Moved, post) => post == Post::Splices && !found.goes_on,
        };
        if over {
            self.close_pipe(place, end, now);
            return Some(Aftermath::Closed);
        }
        let moved = end == PipeEnd::Moved && found.has_newer_splice(attachment);
        found.release(attachment, now, &self.times);
        self.reschedule(session);
        Some(if moved { Aftermath::Moved } else { Aftermath::GoesOn })
    }

    pub(super) fn is_joined(&self, session: SessionId, pipe: PipeId) -> bool {
        let pipe = self.sessions.get(&session).and_then(|session| session.pipes.get(&pipe));
        pipe.is_some_and(Pipe::is_joined)
    }

    /// Drops a pipe and closes its connections.
    pub(super) fn cut_pipe(&mut self, session: SessionId, pipe: PipeId, reason: Reason) {
        let found = self.sessions.get_mut(&session).and_then(|session| session.drop_pipe(pipe));
        let attachments = found.iter().flat_map(Pipe::seats);
        self.effects.extend(attachments.map(|id| Effect::Part(id, CloseCause::Reason(reason))));
    }

    /// Drops the pipes that no side came (back) to in time. The control pipe of an admitted session is the session's
    /// own matter, unless it is over.
    pub(super) fn lapse_pipes(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let control = session.going_on().map(|admitted| admitted.standing.control);
        let lapsed: Vec<_> = session
            .pipes
            .iter()
            .filter(|(pipe, found)| {
                Some(**pipe) != control && found.lapses_at().is_some_and(|until| until <= now)
            })
            .map(|(pipe, _)| *pipe)
            .collect();
        for pipe in lapsed {
            self.forget_try(id, pipe);
            self.cut_pipe(id, pipe, Reason::ConnectionLost);
        }
    }

    /// A pipe is closed for good, by what happened at `place`. A session does not outlive its control
    /// pipe.
    fn close_pipe(&mut self, place: Place, end: PipeEnd, now: Instant) {
        let Place { session: id, pipe, attachment } = place;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let is_control = session.going_on().is_some_and(|admitted| admitted.standing.control == pipe);
        let Some(closed) = session.drop_pipe(pipe) else { return };
        let parting = match end {
            PipeEnd::Closed { reason: Some(reason), .. } => CloseCause::Reason(session::claimed(reason)),
            _ => CloseCause::Done,
        };
        let others = closed.seats().filter(|other| *other != attachment);
        self.effects.extend(others.map(|other| Effect::Part(other, parting)));
        if let PipeEnd::Closed { reason: Some(Reason::WrongPin), .. } = end {
            self.note_wrong_pin(id, pipe);
        }
        self.forget_try(id, pipe);
        if is_control && matches!(end, PipeEnd::Closed { reason: Some(Reason::Restarting), .. }) {
            self.await_restart(id, now);
        } else if is_control {
            self.end_session(id, end_reason(end), None);
        } else {
            self.reschedule(id);
        }
    }

    /// One of the two says on the control pipe of a pairing that the PIN did not fit: that is why it failed,
    /// whatever is said of the closed pipe afterwards.
    fn note_wrong_pin(&mut self, session: SessionId, pipe: PipeId) {
        if let Some(session) = self.sessions.get_mut(&session)
            && matches!(&session.state, State::Pairing(pairing) if pairing.control == pipe)
        {
            session.last_refusal = Some(Reason::WrongPin);
        }
    }

    /// A pairing, or a try to pair again, does not outlive its control pipe.
    fn forget_try(&mut self, session: SessionId, pipe: PipeId) {
        match self.sessions.get_mut(&session).map(|session| &mut session.state) {
            Some(State::Pairing(pairing)) if pairing.control == pipe => pairing.progress = Progress::Over,
            Some(State::Admitted(admitted)) => {
                admitted.again.take_if(|again| again.control == pipe);
            }
            _ => {}
        }
    }
}

/// A side that says goodbye on the control pipe ends the session with that reason: it may arrive before
/// the same words on the other connection.
fn end_reason(end: PipeEnd) -> Reason {
    match end {
        PipeEnd::Closed { reason: Some(reason), .. } => session::claimed(reason),
        PipeEnd::Closed { by: Role::Engineer, .. } => Reason::EngineerLost,
        _ => Reason::ConnectionLost,
    }
}
