//! Requests: an engineer asks for a device, and asks again.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::allowance::{Allowance, StampAllowance};
use super::pipe::Pipe;
use super::session::{Pairing, Progress, Session, Side, State};
use super::{ConnectionId, Directory};

/// An engineer's request.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Question {
    /// The connection on which it came.
    pub link: ConnectionId,
    /// The device they ask for.
    pub support_id: SupportId,
    /// When, on the monotonic clock.
    pub now: Instant,
    /// When, in Unix seconds.
    pub unix_now: u64,
}

/// Names drawn for a request, in case it needs them.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Fresh {
    /// For the session, if the request begins one.
    pub session: SessionId,
    /// For the run.
    pub run: RunId,
    /// For the control pipe.
    pub pipe: PipeId,
}

/// A request that found its device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// The session.
    pub session: SessionId,
    /// Whether this request began it.
    pub is_new: bool,
    /// The run, new with every request.
    pub run: RunId,
    /// The control pipe.
    pub pipe: PipeId,
    /// The agent's connection.
    pub agent: ConnectionId,
    /// The key of its registration.
    pub agent_key: AgentKey,
    /// The session that it joins, if the support ID is a join code's address.
    pub joins: Option<SessionId>,
    /// Unix seconds: from when its tickets are valid.
    pub not_before: u64,
    /// Unix seconds: until when.
    pub expires: u64,
}

impl Directory {
    /// Looks for a device and begins a run with it. `None`: it is unknown, offline or busy, and the engineer is not
    /// told which; or this connection has an admitted session.
    pub(crate) fn request(&mut self, question: Question, fresh: Fresh) -> Option<Asked> {
        let current = self.engineers.get(&question.link)?.session;
        let kept = match current.and_then(|id| Some((id, self.sessions.get(&id)?))) {
            Some((_, session)) if session.admitted().is_some() => return None,
            Some((id, session)) if session.support_id == question.support_id => Some(id),
            Some((id, _)) => {
                self.end_session(id, Reason::PairingAborted, Some(Side::Engineer));
                None
            }
            None => None,
        };
        let (agent, agent_key, _) = self.holder(question.support_id)?;
        if let Some(joined) = self.joined_by(agent) {
            // A join code is worth nothing without the session that it leads into.
            self.limit_of_joined(joined)?;
        }
        let session = kept.unwrap_or(fresh.session);
        if kept.is_some() {
            self.give_up_run(session);
        }
        let (not_before, expires) = self.begin_run(session, agent, question, fresh)?;
        let Fresh { run, pipe, .. } = fresh;
        let (is_new, joins) = (kept.is_none(), self.joined_by(agent).map(|joined| self.first_of(joined)));
        Some(Asked { session, is_new, run, pipe, agent, agent_key, joins, not_before, expires })
    }

    /// Whether this run is still wanted, now that the two sides are to be told of it.
    pub(crate) fn announce(&mut self, asked: &Asked) -> bool {
        match self.sessions.get_mut(&asked.session).map(|session| &mut session.state) {
            Some(State::Pairing(pairing))
                if pairing.run == asked.run && pairing.progress == Progress::Asked =>
            {
                pairing.progress = Progress::Announced;
                true
            }
            _ => false,
        }
    }

    /// Drops a session that could not be written down.
    pub(crate) fn abandon(&mut self, session: SessionId) {
        self.end_session(session, Reason::Unknown, None);
    }

    /// A further request for the same device begins the session's time anew: what counts is the
    /// request that is admitted.
    fn begin_run(
        &mut self,
        id: SessionId,
        agent: ConnectionId,
        question: Question,
        fresh: Fresh,
    ) -> Option<(u64, u64)> {
        let joined = self.joined_by(agent);
        let joins = joined.map(|joined| self.first_of(joined));
        let (deadline, expires) = match joined {
            Some(joined) => self.limit_of_joined(joined)?,
            None => (question.now + self.times.session, question.unix_now + self.times.session.as_secs()),
        };
        let engineer = self.engineers.get_mut(&question.link)?;
        engineer.session = Some(id);
        let validity = (question.unix_now, expires);
        let (Fresh { run, pipe, .. }, engineer_link) = (fresh, question.link);
        let progress = Progress::Asked;
        let pairing = Pairing { engineer: engineer_link, agent, run, control: pipe, progress, validity };
        let control = Pipe::expected(PipeKind::Control, run, question.now + self.times.partner * 2);
        let earlier = self.sessions.remove(&id);
        if let Some(earlier) = &earlier {
            self.deadlines.remove(&(earlier.scheduled, id));
        }
        let session = Session {
            engineer: engineer.engineer,
            support_id: question.support_id,
            state: State::Pairing(pairing),
            pipes: HashMap::from([(pipe, control)]),
            last_refusal: earlier.and_then(|session| session.last_refusal),
            deadline,
            shared: HashSet::new(),
            withdrawn: HashSet::new(),
            joins,
            allowance: Allowance::default(),
            stamps: StampAllowance::default(),
            scheduled: deadline,
        };
        self.sessions.insert(id, session);
        self.reschedule(id);
        if let Some(agent) = self.agents.get_mut(&agent) {
            agent.pairings.push(id);
        }
        Some(validity)
    }

    /// The engineer asks again: the run before leads nowhere any more.
    fn give_up_run(&mut self, id: SessionId) {
        let Some(State::Pairing(pairing)) = self.sessions.get(&id).map(|session| &session.state) else {
            return;
        };
        let (agent, control) = (pairing.agent, pairing.control);
        self.leave(agent, id);
        self.cut_pipe(id, control, Reason::PairingAborted);
    }
}
