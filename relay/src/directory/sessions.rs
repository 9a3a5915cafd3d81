//! How sessions end. How they begin: [`super::requests`].

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::reason::Reason;

use super::pipe::Pipe;
use super::session::{Session, Side, State};
use super::{CloseCause, Directory, Effect};

impl Directory {
    /// Ends a session for good. `by` knows already and is not told.
    pub(super) fn end_session(&mut self, id: SessionId, reason: Reason, by: Option<Side>) {
        let Some(session) = self.sessions.remove(&id) else { return };
        self.deadlines.remove(&(session.scheduled, id));
        let engineer_link = session.engineer_link();
        if let Some(engineer) = engineer_link.and_then(|link| self.engineers.get_mut(&link)) {
            engineer.session = None;
        }
        let agent = session.agent().filter(|agent| self.leave(*agent, id));
        self.end_anchors(id, &session, agent, reason);
        let (agent_knows, engineer_knows) = session.who_knows();
        if let Some(agent) = agent.filter(|_| agent_knows && by != Some(Side::Agent)) {
            self.tell_agent(agent, ToAgent::Ended { session: id, reason });
        }
        if let Some(link) = engineer_link.filter(|_| engineer_knows && by != Some(Side::Engineer)) {
            self.tell_engineer(link, ToEngineer::Ended { session: id, reason });
        }
        if session.admitted().is_some() {
            let links = agent.into_iter().chain(engineer_link);
            self.effects.extend(links.map(|link| Effect::Watch(link, false)));
        }
        let seats = session.pipes.values().flat_map(Pipe::seats);
        self.effects.extend(seats.map(|id| Effect::Part(id, CloseCause::Reason(reason))));
        // Of one that stayed it was written down before.
        if session.closing().is_none() {
            self.effects.push(Effect::SessionEnded(id, session.end_reason(reason)));
        }
    }

    /// Closes everything because the relay stops. What is admitted goes on with the next one.
    pub(crate) fn stop(&mut self) {
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for id in sessions {
            match self.sessions.get(&id) {
                Some(Session { state: State::Pairing(_), .. }) => {
                    self.end_session(id, Reason::RelayStopping, None);
                }
                Some(session) => {
                    let seats = session.pipes.values().flat_map(Pipe::seats);
                    let parting = CloseCause::Reason(Reason::RelayStopping);
                    self.effects.extend(seats.map(|id| Effect::Part(id, parting)));
                }
                None => {}
            }
        }
    }
}
