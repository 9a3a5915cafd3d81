//! Admitted sessions: their agent and engineer, and the tickets that bring both sides back.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;

use super::agents::Place;
use super::session::{Admitted, Pairing, Presence, Progress, State};
use super::standing::Standing;
use super::{Admission, ConnectionId, Directory, Effect};

impl Directory {
    /// The client said yes. Whatever does not fit gets the end of that session as the answer.
    pub(crate) fn admitted(&mut self, link: ConnectionId, session: SessionId) {
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
            restarting: None,
            closing: None,
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
