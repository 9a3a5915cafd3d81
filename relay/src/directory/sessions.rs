//! Sessions: admission and the end. How they begin: [`super::requests`].

use std::collections::HashMap;
use std::time::Instant;

use fieldlink_protocol::ids::{AgentKey, EngineerId, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::agents::Place;
use super::pipe::Pipe;
use super::{Admission, ConnectionId, Directory, Effect, Parting};

/// A session that has not ended.
pub(super) struct Session {
    pub(super) engineer: EngineerId,
    pub(super) engineer_link: ConnectionId,
    pub(super) support_id: SupportId,
    pub(super) state: State,
    pub(super) pipes: HashMap<PipeId, Pipe>,
    /// What the agent said to the last run that it declined.
    pub(super) last_refusal: Option<Reason>,
    pub(super) not_before: u64,
    pub(super) expires: u64,
    pub(super) deadline: Instant,
    /// The instant by which it is among the directory's deadlines.
    pub(super) scheduled: Instant,
}

/// How far a session is.
pub(super) enum State {
    /// The engineer has asked; the two sides pair, or have failed to.
    Pairing(Pairing),
    /// The client said yes.
    Admitted { agent: Option<ConnectionId>, agent_key: AgentKey, run: RunId, control: PipeId },
}

/// The latest run of a session.
pub(super) struct Pairing {
    pub(super) agent: ConnectionId,
    pub(super) run: RunId,
    pub(super) control: PipeId,
    pub(super) progress: Progress,
}

/// How far a run is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Progress {
    /// It is being written down; nobody was told yet.
    Asked,
    /// Both sides were told.
    Announced,
    /// Declined, or its control pipe is gone: it leads nowhere, the engineer may ask again.
    Over,
}

/// One of a session's two ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Side {
    Agent,
    Engineer,
}

impl Session {
    /// The connection of the agent that it is about.
    pub(super) fn agent(&self) -> Option<ConnectionId> {
        match &self.state {
            State::Pairing(pairing) => Some(pairing.agent),
            State::Admitted { agent, .. } => *agent,
        }
    }

    pub(super) fn is_pairing_on(&self, link: ConnectionId) -> bool {
        matches!(&self.state, State::Pairing(pairing) if pairing.agent == link && pairing.progress != Progress::Over)
    }

    /// The control pipe, once the session is admitted.
    pub(super) fn admitted_control(&self) -> Option<PipeId> {
        match &self.state {
            State::Pairing(_) => None,
            State::Admitted { control, .. } => Some(*control),
        }
    }

    /// When it has to be looked at.
    pub(super) fn due(&self) -> Instant {
        self.pipes.values().filter_map(Pipe::lapses_at).fold(self.deadline, Instant::min)
    }

    /// Why it is over by `now`, if it is.
    pub(super) fn verdict(&self, now: Instant) -> Option<Reason> {
        if self.deadline <= now {
            return Some(Reason::RelayLimit);
        }
        let control = self.pipes.get(&self.admitted_control()?)?;
        let apart = control.lapses_at().is_some_and(|until| until <= now);
        apart.then(|| match control.waiter().map(|waiter| waiter.side) {
            Some(Role::Agent) => Reason::EngineerLost,
            Some(Role::Engineer) | None => Reason::ConnectionLost,
        })
    }

    /// Whether the agent, and the engineer, know that it is there.
    fn who_knows(&self) -> (bool, bool) {
        match &self.state {
            State::Pairing(pairing) => {
                (pairing.progress == Progress::Announced, pairing.progress != Progress::Asked)
            }
            State::Admitted { .. } => (true, true),
        }
    }

    /// From when and until when its tickets are valid.
    pub(super) fn validity(&self) -> (u64, u64) {
        (self.not_before, self.expires)
    }

    /// A failed pairing ended when the agent refused it, not when the engineer left afterwards.
    fn end_reason(&self, reason: Reason) -> Reason {
        let left = matches!(
            reason,
            Reason::EngineerEnded | Reason::EngineerStopped | Reason::EngineerLost | Reason::PairingAborted
        );
        match self.state {
            State::Pairing(_) if left => self.last_refusal.unwrap_or(reason),
            _ => reason,
        }
    }
}

impl Directory {
    /// The client said yes. Whatever does not fit gets the end of that session as the answer.
    pub fn admitted(&mut self, link: ConnectionId, session: SessionId) {
        match self.sessions.get(&session).map(|session| &session.state) {
            Some(State::Admitted { agent: Some(agent), .. }) if *agent == link => {}
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

    /// Ends a session for good. `by` knows already and is not told.
    pub(super) fn end_session(&mut self, id: SessionId, reason: Reason, by: Option<Side>) {
        let Some(session) = self.sessions.remove(&id) else { return };
        self.deadlines.remove(&(session.scheduled, id));
        if let Some(engineer) = self.engineers.get_mut(&session.engineer_link) {
            engineer.session = None;
        }
        let agent = session.agent().filter(|agent| self.leave(*agent, id));
        let (agent_knows, engineer_knows) = session.who_knows();
        if let Some(agent) = agent.filter(|_| agent_knows && by != Some(Side::Agent)) {
            self.tell_agent(agent, ToAgent::Ended { session: id, reason });
        }
        if engineer_knows && by != Some(Side::Engineer) {
            self.tell_engineer(session.engineer_link, ToEngineer::Ended { session: id, reason });
        }
        let attachments = session.pipes.values().flat_map(Pipe::attachments);
        self.effects.extend(attachments.map(|id| Effect::Part(id, Parting::Reason(reason))));
        self.effects.push(Effect::SessionEnded(id, session.end_reason(reason)));
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
        let State::Pairing(Pairing { run, control, .. }) = session.state else { return };
        session.state = State::Admitted { agent: Some(link), agent_key, run, control };
        if let Some(control) = session.pipes.get_mut(&control) {
            control.goes_on = true;
        }
        self.effects.push(Effect::SessionAdmitted(id));
        self.give_ticket(id, Role::Agent);
        self.give_ticket(id, Role::Engineer);
    }

    /// Gives one side of an admitted session its ticket.
    pub(super) fn give_ticket(&mut self, id: SessionId, side: Role) {
        let Some(session) = self.sessions.get(&id) else { return };
        let State::Admitted { agent: Some(agent_link), agent_key, .. } = session.state else { return };
        let admission = Admission {
            session: id,
            engineer_link: session.engineer_link,
            agent_link,
            engineer: session.engineer,
            agent_key,
            not_before: session.not_before,
            expires: session.expires,
        };
        self.effects.push(Effect::GiveTicket(side, admission));
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

/// What a side may say about an end: the relay speaks for itself.
pub(super) fn claimed(reason: Reason) -> Reason {
    match reason {
        Reason::RelayLimit | Reason::Revoked | Reason::RelayStopping | Reason::RelayRestarted => {
            Reason::Unknown
        }
        other => other,
    }
}
