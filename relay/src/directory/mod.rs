//! The relay's state and its rules: which agents and engineers are connected, and which have a session.
//!
//! [`Directory`] knows no sockets, no clock and no secrets. It is told what happened and when, and
//! leaves [`Effect`]s for the [`Switchboard`](crate::switchboard::Switchboard) to carry out.
//!
//! ```text
//! agent:    Listed(support ID) ── admitted ─▶ Serving(session) ── its end ─▶ Unlisted
//!           Hidden(support ID of another agent) ── told ─▶ gone
//! session:  Pairing(run) ⇄ the run is over    Pairing ── admitted ─▶ Admitted ── end ─▶ gone
//!           Admitted ── over, and to be fetched ─▶ Closing ── fetched, or too long ─▶ gone
//!           after a restart: Admitted, or Doubtful ── session ticket ─▶ Admitted
//! engineer: Here ⇄ Away ─ too long ─▶ the session ends
//! pipe:     New ⇄ New(waiting) ─▶ Joined ─▶ closed
//!                                 Joined ⇄ Joined(waiting | joined beside it)
//!                                 Joined ⇄ Apart ⇄ Apart(waiting) ─ too long ─▶ closed
//! ```
//!
//! A pipe of an admitted session outlives its connections: a side that loses one attaches again, beside the old
//! splice or after it. Only a close that says so, or the time apart, ends it. With the control pipe ends the session.

mod admission;
mod again;
mod agents;
mod allowance;
mod anchors;
mod closing;
mod effects;
mod people;
mod pipe;
mod pipes;
mod rank;
mod rate;
mod requests;
mod restart;
mod session;
mod sessions;
mod standing;
#[cfg(test)]
mod tests;

use std::collections::{BTreeSet, HashMap, HashSet};
use std::time::{Duration, Instant};

use fieldlink_protocol::ids::{AgentKey, EngineerId, SessionId};
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

pub(crate) use again::{AskedAgain, NotAgain};
pub(crate) use agents::Registered;
#[cfg(test)]
pub(crate) use anchors::NotAnchored;
pub(crate) use effects::{Admission, AttachmentId, CloseCause, ConnectionId, Effect, Farewell};
pub(crate) use people::{NotWatched, Shared, Watched};
pub(crate) use pipe::Attach;
pub(crate) use pipes::{Aftermath, AttachRefusal, PipeEnd, Place};
pub(crate) use rank::Rank;
pub(crate) use rate::RateLimit;
pub(crate) use requests::{Asked, Fresh, Question};
pub(crate) use restart::{Clock, Remembered};
pub(crate) use standing::Standing;

use agents::Agent;
use anchors::Onlooker;
use session::{Presence, Session, Side};

/// The times that the directory's rules need.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    /// From the request to the relay's cut.
    pub session: Duration,
    /// How long a new pipe waits for each of its sides.
    pub partner: Duration,
    /// How long an admitted session, or a pipe of it, may be without one of its sides.
    pub apart: Duration,
    /// How long an admitted session may wait for its device to restart.
    pub restart: Duration,
    /// How long a session that is over may stay for its report to be fetched.
    pub closing: Duration,
}

/// Agents, engineers, sessions and pipes.
pub(crate) struct Directory {
    times: Times,
    agents: HashMap<ConnectionId, Agent>,
    listed: HashMap<SupportId, ConnectionId>,
    hidden: HashMap<(SupportId, AgentKey), ConnectionId>,
    engineers: HashMap<ConnectionId, Engineer>,
    onlookers: HashMap<ConnectionId, Onlooker>,
    sessions: HashMap<SessionId, Session>,
    deadlines: BTreeSet<(Instant, SessionId)>,
    effects: Vec<Effect>,
}

/// One connection of an engineer: at most one session.
struct Engineer {
    engineer: EngineerId,
    session: Option<SessionId>,
}

impl Directory {
    /// A directory without agents, engineers and sessions.
    pub(crate) fn new(times: Times) -> Self {
        Self {
            times,
            agents: HashMap::new(),
            listed: HashMap::new(),
            hidden: HashMap::new(),
            engineers: HashMap::new(),
            onlookers: HashMap::new(),
            sessions: HashMap::new(),
            deadlines: BTreeSet::new(),
            effects: Vec::new(),
        }
    }

    /// What is to be done because of the calls since the last time, in order.
    pub(crate) fn take_effects(&mut self) -> Vec<Effect> {
        std::mem::take(&mut self.effects)
    }

    /// An engineer is connected.
    pub(crate) fn engineer_connected(&mut self, link: ConnectionId, engineer: EngineerId) {
        self.engineers.insert(link, Engineer { engineer, session: None });
    }

    /// An engineer's connection is gone. An admitted session waits for the engineer to come back.
    pub(crate) fn engineer_gone(&mut self, link: ConnectionId, now: Instant) {
        let Some(engineer) = self.engineers.get(&link) else { return };
        if let Some(id) = engineer.session {
            match self.sessions.get_mut(&id).and_then(Session::admitted_mut) {
                Some(admitted) => {
                    admitted.engineer = Presence::Away { until: now + self.times.apart };
                    self.reschedule(id);
                }
                None => self.end_session(id, Reason::EngineerLost, Some(Side::Engineer)),
            }
        }
        self.engineers.remove(&link);
    }

    /// An engineer, whose session ticket was verified, comes back to an admitted session. The connection
    /// that it had is closed. False: it is over, or not this engineer's.
    pub(crate) fn resume(&mut self, link: ConnectionId, id: SessionId) -> bool {
        let Some(engineer) = self.engineers.get_mut(&link).filter(|engineer| engineer.session.is_none())
        else {
            return false;
        };
        let found = self.sessions.get_mut(&id).filter(|session| session.engineer == engineer.engineer);
        let Some(admitted) = found.and_then(Session::admitted_mut) else { return false };
        engineer.session = Some(id);
        if let Presence::Here(old) = std::mem::replace(&mut admitted.engineer, Presence::Here(link)) {
            if let Some(engineer) = self.engineers.get_mut(&old) {
                engineer.session = None;
            }
            self.effects.push(Effect::Close(old, Farewell::Replaced));
        }
        self.effects.push(Effect::Watch(link, true));
        self.touch(id);
        self.reschedule(id);
        true
    }

    /// The engineer ends the session of this connection.
    pub(crate) fn end_by_engineer(&mut self, link: ConnectionId, reason: Reason) {
        if let Some(session) = self.engineers.get(&link).and_then(|engineer| engineer.session)
            && !self.leave_closing(link, session)
        {
            self.end_session(session, session::claimed(reason), Some(Side::Engineer));
        }
    }

    /// Every engineer who is connected, or has a session.
    pub(crate) fn known_engineers(&self) -> HashSet<EngineerId> {
        let connected = self.engineers.values().map(|connected| connected.engineer);
        connected.chain(self.sessions.values().map(|session| session.engineer)).collect()
    }

    /// Ends what a revoked engineer is doing, and the connections it is done over.
    pub(crate) fn revoke(&mut self, engineer: EngineerId) {
        let sessions = self.sessions.iter().filter(|(_, session)| session.engineer == engineer);
        for id in sessions.map(|(id, _)| *id).collect::<Vec<_>>() {
            self.end_session(id, Reason::Revoked, None);
        }
        let links = self.engineers.iter().filter(|(_, link)| link.engineer == engineer);
        self.effects.extend(links.map(|(link, _)| Effect::Close(*link, Farewell::Ended(Reason::Revoked))));
    }

    /// When [`Directory::expire`] next has something to do.
    pub(crate) fn next_deadline(&self) -> Option<Instant> {
        self.deadlines.first().map(|(deadline, _)| *deadline)
    }

    /// Ends the sessions whose time is up, and drops the pipes that no side came back to in time.
    pub(crate) fn expire(&mut self, now: Instant) {
        while let Some(&(due, session)) = self.deadlines.first() {
            if due > now {
                return;
            }
            match self.sessions.get(&session).and_then(|session| session.verdict(now)) {
                Some(reason) => self.end_session(session, reason, None),
                None => {
                    self.lapse_pipes(session, now);
                    self.end_recall(session, now);
                }
            }
            self.reschedule(session);
        }
    }

    /// After anything that may have changed when the session has something to lose.
    fn reschedule(&mut self, id: SessionId) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let due = session.due();
        let before = std::mem::replace(&mut session.scheduled, due);
        self.deadlines.remove(&(before, id));
        self.deadlines.insert((due, id));
    }

    fn tell_engineer(&mut self, link: ConnectionId, message: ToEngineer) {
        self.effects.push(Effect::TellEngineer(link, message));
    }
}
