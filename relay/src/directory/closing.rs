//! Sessions that are over and stay for a while: their account is still to be closed, signed and fetched.
//!
//! The relay writes down at once that such a session is over, and cuts its SSH pipes. Its control pipe, the pipes of those
//! who watch and its agent's registration go on until the agent says that nothing is to be fetched any more, or until the
//! time for that is up. Nothing is begun in it: no pipe, no run, no link, no restart. A relay that is started again knows
//! it as ended.

use std::time::Instant;

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;

use super::session::{self, Closing, Presence, Side};
use super::{ConnectionId, Directory, Effect};

impl Directory {
    /// The agent says that the session is over and stays to be fetched. `is_understood`: its engineer's program, if it is
    /// here, listed that it knows of that. Otherwise it ends as ever.
    pub(crate) fn close_by_agent(
        &mut self,
        link: ConnectionId,
        id: SessionId,
        reason: Reason,
        (is_understood, now): (bool, Instant),
    ) {
        let Some(session) = self.sessions.get_mut(&id).filter(|session| session.agent() == Some(link)) else {
            return;
        };
        let (reason, until) = (session::claimed(reason), now + self.times.closing);
        let Some(admitted) = session.admitted_mut().filter(|_| is_understood) else {
            return self.end_session(id, reason, Some(Side::Agent));
        };
        if admitted.closing.is_some() {
            return;
        }
        let restarts = admitted.restarting.take().is_some();
        admitted.closing = Some(Closing { reason, until });
        let (again, engineer) = (admitted.again.take(), admitted.engineer_link());
        let is_fetched_over = |kind, is_try: bool| match kind {
            PipeKind::Control => !is_try && !restarts,
            kind => kind == PipeKind::Observer,
        };
        let others = session.pipes.iter().filter(|(pipe, found)| {
            let is_try = again.is_some_and(|again| again.control == **pipe);
            !found.kind.known().is_some_and(|kind| is_fetched_over(kind, is_try))
        });
        for pipe in others.map(|(pipe, _)| *pipe).collect::<Vec<_>>() {
            self.cut_pipe(id, pipe, reason);
        }
        if let Some(engineer) = engineer {
            self.tell_engineer(engineer, ToEngineer::Closing { session: id, reason });
        }
        self.effects.push(Effect::SessionEnded(id, reason));
        self.reschedule(id);
    }

    /// The connection of a session's engineer.
    pub(crate) fn engineer_of(&self, id: SessionId) -> Option<ConnectionId> {
        self.sessions.get(&id)?.engineer_link()
    }

    /// Why a session is over that stays.
    pub(crate) fn closing_reason(&self, id: SessionId) -> Option<Reason> {
        Some(self.sessions.get(&id)?.closing()?.reason)
    }

    /// The engineer of a session that is over has what there is, or does not want it. False: it is not over.
    pub(super) fn leave_closing(&mut self, link: ConnectionId, id: SessionId) -> bool {
        let Some(session) = self.sessions.get_mut(&id) else { return false };
        let Some(Closing { reason, until }) = session.closing() else { return false };
        if let Some(admitted) = session.admitted_mut() {
            admitted.engineer = Presence::Away { until };
            let control = admitted.standing.control;
            self.cut_pipe(id, control, reason);
        }
        if let Some(engineer) = self.engineers.get_mut(&link) {
            engineer.session = None;
        }
        self.effects.push(Effect::Watch(link, false));
        self.reschedule(id);
        true
    }
}
