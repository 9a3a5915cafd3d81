//! Sessions: what they are, what is over, and how they end. How they begin: [`super::requests`].

use std::collections::HashMap;
use std::time::Instant;

use fieldlink_protocol::ids::{EngineerId, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::admission::Admitted;
use super::pipe::Pipe;
use super::{ConnectionId, Directory, Effect, Parting};

/// A session that has not ended.
pub(super) struct Session {
    pub(super) engineer: EngineerId,
    pub(super) support_id: SupportId,
    pub(super) state: State,
    pub(super) pipes: HashMap<PipeId, Pipe>,
    /// Why the last run that failed did: what the agent said when it declined, or a side that closed the
    /// control pipe because of the PIN.
    pub(super) last_refusal: Option<Reason>,
    pub(super) deadline: Instant,
    /// The instant by which it is among the directory's deadlines.
    pub(super) scheduled: Instant,
}

/// How far a session is.
pub(super) enum State {
    /// The engineer has asked; the two sides pair, or have failed to.
    Pairing(Pairing),
    /// The client said yes.
    Admitted(Admitted),
    /// It ran when an earlier relay ended, and may or may not have been admitted: a session ticket
    /// tells.
    Doubtful {
        /// Until then someone may show one.
        until: Instant,
    },
}

/// The latest run of a session.
pub(super) struct Pairing {
    pub(super) engineer: ConnectionId,
    pub(super) agent: ConnectionId,
    pub(super) run: RunId,
    pub(super) control: PipeId,
    pub(super) progress: Progress,
    /// From when and until when its tickets are valid, in Unix seconds.
    pub(super) validity: (u64, u64),
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
            State::Admitted(admitted) => admitted.agent,
            State::Doubtful { .. } => None,
        }
    }

    /// The connection of its engineer.
    pub(super) fn engineer_link(&self) -> Option<ConnectionId> {
        match &self.state {
            State::Pairing(pairing) => Some(pairing.engineer),
            State::Admitted(admitted) => admitted.engineer_link(),
            State::Doubtful { .. } => None,
        }
    }

    pub(super) fn admitted(&self) -> Option<&Admitted> {
        match &self.state {
            State::Admitted(admitted) => Some(admitted),
            _ => None,
        }
    }

    pub(super) fn admitted_mut(&mut self) -> Option<&mut Admitted> {
        match &mut self.state {
            State::Admitted(admitted) => Some(admitted),
            _ => None,
        }
    }

    /// The control pipe, once the session is admitted.
    pub(super) fn admitted_control(&self) -> Option<PipeId> {
        self.admitted().map(|admitted| admitted.standing.control)
    }

    pub(super) fn is_pairing_on(&self, link: ConnectionId) -> bool {
        matches!(&self.state, State::Pairing(pairing) if pairing.agent == link && pairing.progress != Progress::Over)
    }

    /// When it has to be looked at.
    pub(super) fn due(&self) -> Instant {
        let state = match &self.state {
            State::Pairing(_) => None,
            State::Admitted(admitted) => admitted.due(),
            State::Doubtful { until } => Some(*until),
        };
        self.pipes.values().filter_map(Pipe::lapses_at).chain(state).fold(self.deadline, Instant::min)
    }

    /// Why it is over by `now`, if it is.
    pub(super) fn verdict(&self, now: Instant) -> Option<Reason> {
        match &self.state {
            _ if self.deadline <= now => Some(Reason::RelayLimit),
            State::Pairing(_) => None,
            State::Admitted(admitted) => admitted.verdict(self.pipes.get(&admitted.standing.control), now),
            State::Doubtful { until } => (*until <= now).then_some(Reason::RelayRestarted),
        }
    }

    /// Whether the agent, and the engineer, know that it is there.
    fn who_knows(&self) -> (bool, bool) {
        match &self.state {
            State::Pairing(pairing) => {
                (pairing.progress == Progress::Announced, pairing.progress != Progress::Asked)
            }
            State::Admitted(_) => (true, true),
            State::Doubtful { .. } => (false, false),
        }
    }

    /// A failed pairing ended when the agent refused it, not when the engineer left afterwards.
    fn end_reason(&self, reason: Reason) -> Reason {
        let left = matches!(
            reason,
            Reason::EngineerEnded
                | Reason::EngineerStopped
                | Reason::EngineerLost
                | Reason::PairingAborted
                | Reason::WrongPin
        );
        match self.state {
            State::Pairing(_) if left => self.last_refusal.unwrap_or(reason),
            _ => reason,
        }
    }
}

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
        let attachments = session.pipes.values().flat_map(Pipe::attachments);
        self.effects.extend(attachments.map(|id| Effect::Part(id, Parting::Reason(reason))));
        self.effects.push(Effect::SessionEnded(id, session.end_reason(reason)));
    }

    /// Closes everything because the relay stops. What is admitted goes on with the next one.
    pub fn stop(&mut self) {
        let sessions: Vec<_> = self.sessions.keys().copied().collect();
        for id in sessions {
            match self.sessions.get(&id) {
                Some(Session { state: State::Pairing(_), .. }) => {
                    self.end_session(id, Reason::RelayStopping, None);
                }
                Some(session) => {
                    let attachments = session.pipes.values().flat_map(Pipe::attachments);
                    let parting = Parting::Reason(Reason::RelayStopping);
                    self.effects.extend(attachments.map(|id| Effect::Part(id, parting)));
                }
                None => {}
            }
        }
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
