//! Pairing again: the engineer's program was started again, and the two prove the key they kept.

use std::time::Instant;

use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;

use super::pipe::Pipe;
use super::session::{Session, Try};
use super::{ConnectionId, Directory};

/// A further run that both sides are to be told of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct AskedAgain {
    /// The session.
    pub session: SessionId,
    /// The agent's connection.
    pub agent: ConnectionId,
    /// The key of its registration.
    pub agent_key: AgentKey,
    /// Unix seconds: from when its tickets are valid, and until when.
    pub validity: (u64, u64),
}

/// Why there is no further run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAgain {
    /// The connection has no admitted session.
    NoSession,
    /// The agent's registration is interrupted.
    AgentAway,
}

impl Directory {
    /// The engineer of an admitted session wants to pair again. An earlier try that came to nothing is
    /// given up; the session's pipes are left alone.
    pub(crate) fn pair_again(
        &mut self,
        link: ConnectionId,
        (run, control): (RunId, PipeId),
        now: Instant,
    ) -> Result<AskedAgain, NotAgain> {
        let id = self.engineers.get(&link).and_then(|engineer| engineer.session);
        let id = id.ok_or(NotAgain::NoSession)?;
        let admitted = self.sessions.get_mut(&id).and_then(Session::admitted_mut);
        let admitted = admitted.filter(|admitted| admitted.closing.is_none()).ok_or(NotAgain::NoSession)?;
        let agent = admitted.agent.ok_or(NotAgain::AgentAway)?;
        let validity = (admitted.standing.not_before, admitted.standing.expires);
        let agent_key = admitted.standing.agent_key;
        if let Some(earlier) = admitted.again.replace(Try { run, control }) {
            self.cut_pipe(id, earlier.control, Reason::PairingAborted);
        }
        if let Some(session) = self.sessions.get_mut(&id) {
            let until = now + self.times.partner * 2;
            session.pipes.insert(control, Pipe::expected(PipeKind::Control, run, until));
        }
        self.reschedule(id);
        Ok(AskedAgain { session: id, agent, agent_key, validity })
    }

    /// The agent says that the engineer proved the key. What stood on the run before is over.
    pub(crate) fn paired_again(&mut self, link: ConnectionId, id: SessionId, run: RunId) {
        let Some(again) = self.current_try(link, id, run) else { return };
        if !self.is_joined(id, again.control) {
            return;
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        // Those who watch have keys of their own.
        let others =
            session.pipes.iter().filter(|(id, pipe)| **id != again.control && pipe.observer.is_none());
        let others: Vec<_> = others.map(|(id, _)| *id).collect();
        if let Some(admitted) = session.admitted_mut() {
            admitted.again = None;
            let Try { run, control } = again;
            let standing = &mut admitted.standing;
            (standing.run, standing.control, standing.pairing) = (run, control, standing.pairing + 1);
            admitted.restarting = None;
        }
        for pipe in others {
            self.cut_pipe(id, pipe, Reason::EngineerLost);
        }
        self.stand(id);
        self.reschedule(id);
    }

    /// The agent says that its device restarts: the session waits for both sides to pair again.
    pub(crate) fn restarting(&mut self, link: ConnectionId, id: SessionId, now: Instant) {
        if self.sessions.get(&id).is_some_and(|session| session.agent() == Some(link)) {
            self.await_restart(id, now);
        }
    }

    /// What the session was carried by is over, the session is not.
    pub(super) fn await_restart(&mut self, id: SessionId, now: Instant) {
        let Some(session) = self.sessions.get_mut(&id) else { return };
        let Some(admitted) = session.admitted_mut().filter(|admitted| admitted.closing.is_none()) else {
            return;
        };
        // Said once: the wait is no longer for being said again.
        admitted.restarting.get_or_insert(now + self.times.restart);
        admitted.again = None;
        let pipes: Vec<_> = session.pipes.keys().copied().collect();
        for pipe in pipes {
            self.cut_pipe(id, pipe, Reason::Restarting);
        }
        self.reschedule(id);
    }

    /// The agent declines to pair again. The session stays as it is.
    pub(super) fn declined_again(&mut self, link: ConnectionId, id: SessionId, run: RunId, reason: Reason) {
        let Some(again) = self.current_try(link, id, run) else { return };
        let Some(admitted) = self.sessions.get_mut(&id).and_then(Session::admitted_mut) else { return };
        admitted.again = None;
        let engineer = admitted.engineer_link();
        self.cut_pipe(id, again.control, reason);
        if let Some(engineer) = engineer {
            self.tell_engineer(engineer, ToEngineer::Declined { run, reason });
        }
    }

    /// The latest try, if `run` is it and the session's agent speaks.
    fn current_try(&self, link: ConnectionId, id: SessionId, run: RunId) -> Option<Try> {
        let admitted = self.sessions.get(&id)?.admitted()?;
        admitted.again.filter(|again| again.run == run && admitted.agent == Some(link))
    }
}
