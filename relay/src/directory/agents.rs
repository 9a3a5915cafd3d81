//! Agents: which of them holds which support ID, and what they say about sessions.

use fieldlink_protocol::ids::{AgentKey, RunId, SessionId};
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::allowance::Served;
use super::session::{self, Progress, Session, Side, State};
use super::{ConnectionId, Directory, Effect, Farewell, Rank};

/// A registered agent's connection.
pub(super) struct Agent {
    pub(super) key: AgentKey,
    pub(super) place: Place,
    /// Sessions whose latest run is on this connection.
    pub(super) pairings: Vec<SessionId>,
    /// What it is listed under is a join code, which leads into that session.
    pub(super) joins: Option<SessionId>,
    /// The session that it has served, and that is over.
    pub(super) served: Option<Served>,
}

/// What a connection stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    /// It is found by its support ID, which it holds with `rank`.
    Listed { support_id: SupportId, rank: Rank },
    /// Another agent holds this support ID, and this one was not told so yet.
    Hidden { support_id: SupportId },
    /// It serves an admitted session; its support ID is withdrawn.
    Serving(SessionId),
    /// Its session is over. It may stay, and is not found.
    Unlisted,
}

/// What a registration has led to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Registered {
    /// The agent is found by its support ID, which it holds with this rank.
    Listed(Rank),
    /// It serves its session.
    Serving,
}

impl Agent {
    fn new(key: AgentKey, place: Place) -> Self {
        Self { key, place, pairings: Vec::new(), joins: None, served: None }
    }
}

impl Directory {
    /// Registers an agent under `support_id`. `rank`: what the lease proves that it showed.
    pub(crate) fn register(
        &mut self,
        link: ConnectionId,
        key: AgentKey,
        support_id: SupportId,
        rank: Rank,
    ) -> Result<Registered, RegistrationRefusal> {
        if let Some(session) = self.served_session(support_id, key) {
            // It was admitted while the agent's connection broke: the ID is already withdrawn.
            self.register_for_session(link, key, session)?;
            self.give_ticket(session, Role::Agent);
            return Ok(Registered::Serving);
        }
        let rank = match self.holder(support_id) {
            None => rank,
            Some((holder, their_key, theirs)) if their_key == key => {
                let joined = rank.joined(theirs);
                self.place(link, key, support_id, joined);
                self.hand_over(holder, link);
                return Ok(Registered::Listed(joined));
            }
            Some((holder, _, theirs)) if rank.outranks(theirs) => {
                self.effects.push(Effect::Close(holder, Farewell::IdTaken));
                self.agent_gone(holder);
                rank
            }
            Some(_) => return Err(RegistrationRefusal::IdTaken),
        };
        self.place(link, key, support_id, rank);
        Ok(Registered::Listed(rank))
    }

    /// Lets an agent whose support ID is taken believe that it is registered. It is not found. To the agent
    /// that looks as if it was: an earlier connection with the same claim is closed.
    pub(crate) fn hide(&mut self, link: ConnectionId, key: AgentKey, support_id: SupportId) {
        if let Some(old) = self.hidden.insert((support_id, key), link) {
            self.agents.remove(&old);
            self.effects.push(Effect::Close(old, Farewell::Replaced));
        }
        self.agents.insert(link, Agent::new(key, Place::Hidden { support_id }));
    }

    /// The agents that are hidden.
    pub(crate) fn hidden(&self) -> Vec<ConnectionId> {
        self.hidden.values().copied().collect()
    }

    /// Tells a hidden agent that its support ID is taken. If it is not any more, the agent gets it.
    pub(crate) fn reveal(&mut self, link: ConnectionId) {
        let Some(Agent { key, place: Place::Hidden { support_id }, .. }) = self.agents.get(&link) else {
            return;
        };
        let (key, support_id) = (*key, *support_id);
        self.agent_gone(link);
        match self.holder(support_id) {
            None => self.place(link, key, support_id, Rank::NONE),
            Some(_) => self.effects.push(Effect::Close(link, Farewell::IdTaken)),
        }
    }

    /// Whether `session` goes on and an agent with this key and a ticket for it could serve it.
    pub(crate) fn may_return(&self, session: SessionId, key: AgentKey) -> bool {
        match self.sessions.get(&session).map(|session| &session.state) {
            Some(State::Admitted(admitted)) => admitted.standing.agent_key == key,
            Some(State::Doubtful { .. }) => true,
            Some(State::Pairing(_)) | None => false,
        }
    }

    /// Registers an agent, whose session ticket was verified, as the one that serves `session`.
    pub(crate) fn register_for_session(
        &mut self,
        link: ConnectionId,
        key: AgentKey,
        session: SessionId,
    ) -> Result<(), RegistrationRefusal> {
        let admitted = self.sessions.get_mut(&session).and_then(Session::admitted_mut);
        let Some(admitted) = admitted.filter(|admitted| admitted.standing.agent_key == key) else {
            return Err(RegistrationRefusal::SessionOver);
        };
        if let Some(old) = admitted.agent.replace(link) {
            self.agents.remove(&old);
            self.effects.push(Effect::Close(old, Farewell::Replaced));
        }
        self.agents.insert(link, Agent::new(key, Place::Serving(session)));
        self.effects.push(Effect::Watch(link, true));
        self.touch(session);
        Ok(())
    }

    /// An agent's connection is gone. A session that it serves lives on by its control pipe.
    pub(crate) fn agent_gone(&mut self, link: ConnectionId) {
        let Some(agent) = self.agents.remove(&link) else { return };
        match agent.place {
            Place::Listed { support_id, .. } => {
                self.listed.remove(&support_id);
            }
            Place::Hidden { support_id } => {
                self.hidden.remove(&(support_id, agent.key));
            }
            Place::Serving(session) => {
                if let Some(admitted) = self.sessions.get_mut(&session).and_then(Session::admitted_mut) {
                    admitted.agent = None;
                }
            }
            Place::Unlisted => self.forget_served(agent.served),
        }
        for session in agent.pairings {
            if self.sessions.get(&session).is_some_and(|session| session.is_pairing_on(link)) {
                self.end_session(session, Reason::ConnectionLost, Some(Side::Agent));
            }
        }
    }

    /// The agent declines a run. The session stays for another try.
    pub(crate) fn declined(&mut self, link: ConnectionId, session: SessionId, run: RunId, reason: Reason) {
        let reason = session::claimed(reason);
        let Some(found) = self.sessions.get_mut(&session) else { return };
        let State::Pairing(pairing) = &mut found.state else {
            return self.declined_again(link, session, run, reason);
        };
        if pairing.agent != link || pairing.run != run {
            return;
        }
        let was_over = std::mem::replace(&mut pairing.progress, Progress::Over) == Progress::Over;
        let (control, engineer) = (pairing.control, pairing.engineer);
        // Of a run whose pipe was closed the agent may know no more than that.
        if !was_over || found.last_refusal.is_none() || reason != Reason::PairingAborted {
            found.last_refusal = Some(reason);
        }
        self.cut_pipe(session, control, reason);
        self.tell_engineer(engineer, ToEngineer::Declined { run, reason });
    }

    /// The agent says that the session is over.
    pub(crate) fn end_by_agent(&mut self, link: ConnectionId, session: SessionId, reason: Reason) {
        if self.sessions.get(&session).is_some_and(|session| session.agent() == Some(link)) {
            self.end_session(session, session::claimed(reason), Some(Side::Agent));
        }
    }

    /// The agent that a request for this support ID finds now, with its key and rank.
    pub(super) fn holder(&self, support_id: SupportId) -> Option<(ConnectionId, AgentKey, Rank)> {
        let link = *self.listed.get(&support_id)?;
        let agent = self.agents.get(&link)?;
        match agent.place {
            Place::Listed { rank, .. } => Some((link, agent.key, rank)),
            _ => None,
        }
    }

    pub(super) fn tell_agent(&mut self, link: ConnectionId, message: ToAgent) {
        self.effects.push(Effect::TellAgent(link, message));
    }

    /// The admitted session that this agent began under `support_id`.
    fn served_session(&self, support_id: SupportId, key: AgentKey) -> Option<SessionId> {
        let serves =
            |session: &Session| session.admitted().is_some_and(|admitted| admitted.standing.agent_key == key);
        let mut sessions = self.sessions.iter();
        sessions.find(|(_, session)| session.support_id == support_id && serves(session)).map(|(id, _)| *id)
    }

    fn place(&mut self, link: ConnectionId, key: AgentKey, support_id: SupportId, rank: Rank) {
        self.agents.insert(link, Agent::new(key, Place::Listed { support_id, rank }));
        self.listed.insert(support_id, link);
        if let Some(hidden) = self.hidden.remove(&(support_id, key)) {
            self.agents.remove(&hidden);
            self.effects.push(Effect::Close(hidden, Farewell::Replaced));
        }
    }

    /// The same agent's new connection takes over what the old one was in the middle of.
    fn hand_over(&mut self, old: ConnectionId, new: ConnectionId) {
        let pairings = self.agents.remove(&old).map(|agent| agent.pairings).unwrap_or_default();
        for session in &pairings {
            if let Some(State::Pairing(pairing)) =
                self.sessions.get_mut(session).map(|session| &mut session.state)
            {
                pairing.agent = new;
            }
        }
        if let Some(agent) = self.agents.get_mut(&new) {
            agent.pairings = pairings;
        }
        self.effects.push(Effect::Close(old, Farewell::Replaced));
    }
}
