//! Admitted sessions: who is with them, and the tickets that bring both sides back.

use std::time::Instant;

use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;

use super::again::Try;
use super::agents::Place;
use super::pipe::Pipe;
use super::restart::Recall;
use super::sessions::{Pairing, Progress, State};
use super::{Admission, ConnectionId, Directory, Effect};

/// What both sides of an admitted session hold on to, and so does the relay over its own restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The latest run that succeeded.
    pub run: RunId,
    /// Its control pipe.
    pub control: PipeId,
    /// The key of the agent.
    pub agent_key: AgentKey,
    /// How often the two have paired: what has the higher number is the later.
    pub pairing: u32,
    /// Unix seconds: from when its tickets are valid.
    pub not_before: u64,
    /// Unix seconds: until when the session may last.
    pub expires: u64,
}

/// A session to which the client has said yes.
pub(super) struct Admitted {
    pub(super) standing: Standing,
    pub(super) agent: Option<ConnectionId>,
    pub(super) engineer: Presence,
    /// The engineer's program was started again, and the two pair once more.
    pub(super) again: Option<Try>,
    /// It began before this relay did.
    pub(super) recall: Option<Recall>,
}

/// Whether an engineer is with the session.
#[derive(Clone, Copy)]
pub(super) enum Presence {
    Here(ConnectionId),
    /// And comes back by then, or the session is over.
    Away {
        until: Instant,
    },
}

impl Admitted {
    pub(super) fn engineer_link(&self) -> Option<ConnectionId> {
        match self.engineer {
            Presence::Here(link) => Some(link),
            Presence::Away { .. } => None,
        }
    }

    /// When it has to be looked at, its pipes apart.
    pub(super) fn due(&self) -> Option<Instant> {
        self.away_until().into_iter().chain(self.recall.as_ref().map(|recall| recall.until)).min()
    }

    /// Why it is over by `now`, if it is: without an engineer, or without its control pipe.
    pub(super) fn verdict(&self, control: Option<&Pipe>, now: Instant) -> Option<Reason> {
        let is_past = |until: Instant| until <= now;
        let deserted = self.away_until().is_some_and(is_past);
        let apart = control.and_then(Pipe::lapses_at).is_some_and(is_past);
        if !deserted && !apart {
            return None;
        }
        let waits = control.and_then(Pipe::waiter).map(|waiter| waiter.side);
        Some(match (&self.recall, waits) {
            (Some(recall), _) if !recall.touched => Reason::RelayRestarted,
            _ if deserted => Reason::EngineerLost,
            (_, Some(Role::Agent)) => Reason::EngineerLost,
            (_, Some(Role::Engineer)) => Reason::ConnectionLost,
            (_, None) if self.engineer_link().is_none() => Reason::EngineerLost,
            (_, None) => Reason::ConnectionLost,
        })
    }

    fn away_until(&self) -> Option<Instant> {
        match self.engineer {
            Presence::Here(_) => None,
            Presence::Away { until } => Some(until),
        }
    }
}

impl Directory {
    /// The client said yes. Whatever does not fit gets the end of that session as the answer.
    pub fn admitted(&mut self, link: ConnectionId, session: SessionId) {
        match self.sessions.get(&session).map(|session| &session.state) {
            Some(State::Admitted(admitted)) if admitted.agent == Some(link) => {}
            Some(State::Pairing(pairing))
                if pairing.agent == link
                    && pairing.progress == Progress::Announced
                    && self.is_joined(session, pairing.control) =>
            {
                self.admit(link, session);
            }
            _ => self.tell_agent(link, ToAgent::Ended { session, reason: Reason::ConnectionLost }),
        }
    }

    fn admit(&mut self, link: ConnectionId, id: SessionId) {
        let Some(agent) = self.agents.get_mut(&link) else { return };
        if let Place::Listed { support_id, .. } = agent.place {
            self.listed.remove(&support_id);
        }
        agent.place = Place::Serving(id);
        let agent_key = agent.key;
        let others = std::mem::take(&mut agent.pairings);
        for other in others.into_iter().filter(|other| *other != id) {
            self.end_session(other, Reason::Busy, None);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Pairing(Pairing { engineer, run, control, validity, .. }) = session.state else { return };
        let (not_before, expires) = validity;
        session.state = State::Admitted(Admitted {
            standing: Standing { run, control, agent_key, pairing: 1, not_before, expires },
            agent: Some(link),
            engineer: Presence::Here(engineer),
            again: None,
            recall: None,
        });
        self.stand(id);
        self.effects.extend([Effect::Watch(link, true), Effect::Watch(engineer, true)]);
    }

    /// A run has succeeded: its control pipe goes on from now on, and both sides get their tickets.
    pub(super) fn stand(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let State::Admitted(Admitted { standing, .. }) = session.state else { return };
        if let Some(control) = session.pipes.get_mut(&standing.control) {
            control.goes_on = true;
        }
        self.effects.push(Effect::SessionAdmitted(id, standing));
        self.give_ticket(id, Role::Agent);
        self.give_ticket(id, Role::Engineer);
    }

    /// Gives one side of an admitted session its ticket.
    pub(super) fn give_ticket(&mut self, id: SessionId, side: Role) {
        let Some(session) = self.sessions.get(&id) else { return };
        let Some(admitted) = session.admitted() else { return };
        let link = match side {
            Role::Agent => admitted.agent,
            Role::Engineer => admitted.engineer_link(),
        };
        let Some(link) = link else { return };
        let admission = Admission { session: id, engineer: session.engineer, standing: admitted.standing };
        self.effects.push(Effect::GiveTicket(side, link, admission));
    }

    /// Takes a session from its agent; false if the agent is gone.
    pub(super) fn leave(&mut self, link: ConnectionId, id: SessionId) -> bool {
        let Some(agent) = self.agents.get_mut(&link) else { return false };
        agent.pairings.retain(|session| *session != id);
        if agent.place == Place::Serving(id) {
            agent.place = Place::Unlisted;
        }
        true
    }
}
