//! Further people at an admitted session: engineers whom its agent lists under a join code, and those who only watch.
//!
//! An engineer who joins has a session of their own here, with an agent that registers beside the first: tickets, pipes,
//! revocation and the audit log are the same for everybody. Such a session cannot last longer than the one it joins.
//! Somebody who watches has a pipe in the session, and a ticket that the agent asked for after the client's yes.

use std::time::Instant;

use fieldlink_protocol::ids::{EngineerId, ObserverId, PipeId, RunId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::ObserverTicket;

use super::pipe::Pipe;
use super::{ConnectionId, Directory};

/// Links of one session that are remembered as withdrawn. With more, no further one is made.
const WITHDRAWN: usize = limits::LINKS;
/// Pipes of one session that are watched on: each observer may be on the way from one to the next.
const PIPES: usize = 2 * limits::OBSERVERS;

/// What an observer ticket says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Shared {
    /// The engineer whose session it is.
    pub engineer: EngineerId,
    /// From when and until when it is valid, in Unix seconds.
    pub validity: (u64, u64),
}

/// A pipe for somebody who watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Watched {
    /// The session, which may have got another owner since the ticket was signed.
    pub session: SessionId,
    /// The run that the session stands on.
    pub run: RunId,
    /// The agent's connection.
    pub agent: ConnectionId,
    /// The engineer whose session it is.
    pub engineer: EngineerId,
    /// From when and until when its tickets are valid, in Unix seconds.
    pub validity: (u64, u64),
}

/// Why nobody watches.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotWatched {
    /// The session is over, or the link was withdrawn.
    Over(Option<Reason>),
    /// The agent is away, or there are too many: later, perhaps.
    NotNow,
}

impl Directory {
    /// The agent of an admitted session asks for a ticket to watch it with.
    pub(crate) fn share(
        &mut self,
        link: ConnectionId,
        id: SessionId,
        observer: ObserverId,
    ) -> Option<Shared> {
        let session = self.sessions.get_mut(&id).filter(|session| session.agent() == Some(link))?;
        let admitted = session.going_on()?;
        let validity = (admitted.standing.not_before, admitted.standing.expires);
        let has_room = session.shared.contains(&observer) || session.shared.len() < WITHDRAWN;
        let is_free =
            has_room && session.withdrawn.len() < WITHDRAWN && !session.withdrawn.contains(&observer);
        if is_free {
            session.shared.insert(observer);
        }
        is_free.then_some(Shared { engineer: session.engineer, validity })
    }

    /// The agent says that a link opens nothing any more.
    pub(crate) fn unshare(&mut self, link: ConnectionId, id: SessionId, observer: ObserverId) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.agent() == Some(link)) else {
            return;
        };
        if session.withdrawn.len() < WITHDRAWN {
            session.withdrawn.insert(observer);
            session.shared.remove(&observer);
        }
        self.cut_observer(id, observer, |_| true, Reason::Removed);
        self.dismiss_observer(id, observer);
    }

    /// Somebody with an observer ticket, whose signature was verified, is there: a pipe for them.
    pub(crate) fn watch(
        &mut self,
        ticket: &ObserverTicket,
        pipe: PipeId,
        now: Instant,
    ) -> Result<Watched, NotWatched> {
        let ObserverTicket { session: told, observer, subject, .. } = *ticket;
        let (id, subject) = self.shared_now(told, observer).unwrap_or((told, subject));
        let session = self.sessions.get_mut(&id).ok_or(NotWatched::Over(None))?;
        if let Some(closing) = session.closing() {
            return Err(NotWatched::Over(Some(closing.reason)));
        }
        if session.withdrawn.contains(&observer) || session.engineer != subject {
            return Err(NotWatched::Over(Some(Reason::Removed)));
        }
        // Of an earlier try that led to nothing.
        self.cut_observer(id, observer, |pipe| !pipe.is_joined(), Reason::PartnerMissing);
        let session = self.sessions.get_mut(&id).ok_or(NotWatched::Over(None))?;
        let admitted = session.admitted().ok_or(NotWatched::NotNow)?;
        let (standing, agent) = (admitted.standing, admitted.agent.ok_or(NotWatched::NotNow)?);
        let watched = session.pipes.values().filter(|pipe| pipe.observer.is_some()).count();
        if watched >= PIPES || session.pipes.len() >= limits::PIPES_PER_SESSION {
            return Err(NotWatched::NotNow);
        }
        let until = now + self.times.partner * 2;
        let engineer = session.engineer;
        let mut expected = Pipe::expected(PipeKind::Observer, standing.run, until);
        expected.observer = Some(observer);
        session.pipes.insert(pipe, expected);
        self.reschedule(id);
        let validity = (standing.not_before, standing.expires);
        Ok(Watched { session: id, run: standing.run, agent, engineer, validity })
    }

    /// Where a link leads whose session was handed over, and is over for the engineer who had it: its agent has shared it
    /// again. Nobody else knows the link's number, which is drawn at random.
    fn shared_now(&self, told: SessionId, observer: ObserverId) -> Option<(SessionId, EngineerId)> {
        if self.sessions.contains_key(&told) {
            return None;
        }
        let mut sessions = self.sessions.iter();
        let (id, session) = sessions.find(|(_, session)| session.shared.contains(&observer))?;
        Some((*id, session.engineer))
    }

    /// The session that an agent's join code leads into.
    pub(super) fn joined_by(&self, agent: ConnectionId) -> Option<SessionId> {
        self.agents.get(&agent)?.joins
    }

    /// The session with which it all began: it may have changed hands since.
    pub(super) fn first_of(&self, joined: SessionId) -> SessionId {
        self.sessions.get(&joined).and_then(|session| session.joins).unwrap_or(joined)
    }

    /// Until when a session may last that an agent's join code leads into: the one that it joins, if that still runs.
    pub(super) fn limit_of_joined(&self, joined: SessionId) -> Option<(Instant, u64)> {
        let session = self.sessions.get(&joined)?;
        Some((session.deadline, session.going_on()?.standing.expires))
    }

    /// Says that what `link` is listed under is a join code.
    pub(crate) fn set_joins(&mut self, link: ConnectionId, joined: Option<SessionId>) {
        if let Some(agent) = self.agents.get_mut(&link) {
            agent.joins = joined;
        }
    }

    fn cut_observer(
        &mut self,
        id: SessionId,
        observer: ObserverId,
        which: impl Fn(&Pipe) -> bool,
        reason: Reason,
    ) {
        let Some(session) = self.sessions.get(&id) else { return };
        let theirs = session.pipes.iter().filter(|(_, pipe)| pipe.observer == Some(observer) && which(pipe));
        for pipe in theirs.map(|(pipe, _)| *pipe).collect::<Vec<_>>() {
            self.cut_pipe(id, pipe, reason);
        }
    }
}
