//! Sessions that an earlier relay left running: they go on when their sides come back.
//!
//! # Over the relay's own restart
//!
//! Over its own restart (`directory/restart.rs`) the relay keeps, per admitted session, what it stands on: run,
//! control pipe, agent's key, validity, and how often the two have paired. It is in the sessions table and in both
//! session tickets. At the start open rows become sessions without a connection of either side; a row that does not
//! say it was admitted is *doubtful* until a session ticket says so (the write may have been lost in a kill), and a
//! ticket that knows of a later pairing is believed too. SSH pipes are recalled by their tickets, for as long as they
//! could have been apart. On SIGTERM only sessions that still pair end; everything else is closed with code 1012 and
//! `relay-stopping`, and rows stay open.

use std::collections::{HashMap, HashSet};
use std::time::{Duration, Instant};

use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::PipeTicket;

use super::allowance::{Allowance, StampAllowance};
use super::pipe::Pipe;
use super::session::{Admitted, Presence, Recall, Session, State};
use super::{AttachRefusal, Directory, Effect, Standing};

/// Closed pipes that are remembered per session. With more, no further pipe is recalled.
const CLOSED: usize = 4_096;

/// The time on both clocks.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Clock {
    /// On the monotonic one.
    pub now: Instant,
    /// In Unix seconds.
    pub unix: u64,
}

/// A session as the store has it.
#[derive(Debug, Clone, Copy)]
pub struct Remembered {
    /// The session.
    pub session: SessionId,
    /// The engineer whose session it is.
    pub engineer: EngineerId,
    /// The device's support ID at that time.
    pub support_id: SupportId,
    /// When it was requested first, in Unix seconds.
    pub began: u64,
    /// If it was admitted.
    pub standing: Option<Standing>,
    /// The session that the engineer joined, if one.
    pub joins: Option<SessionId>,
}

impl Directory {
    /// Takes in what an earlier relay left running. A session that no side comes back to lapses.
    pub(crate) fn restore(&mut self, remembered: &Remembered, clock: Clock) {
        let Remembered { session, engineer, support_id, began, standing, joins } = *remembered;
        let expires = standing.map_or(began + self.times.session.as_secs(), |standing| standing.expires);
        if expires <= clock.unix {
            self.effects.push(Effect::SessionEnded(session, Reason::RelayRestarted));
            return;
        }
        let until = clock.now + self.times.apart;
        let deadline = clock.now + Duration::from_secs(expires - clock.unix);
        let mut restored = Session {
            engineer,
            support_id,
            state: State::Doubtful { until },
            pipes: HashMap::new(),
            last_refusal: None,
            deadline,
            shared: HashSet::new(),
            withdrawn: HashSet::new(),
            joins,
            allowance: Allowance::default(),
            stamps: StampAllowance::default(),
            scheduled: deadline,
        };
        if let Some(standing) = standing {
            restored.revive(standing, until);
        }
        self.sessions.insert(session, restored);
        self.reschedule(session);
    }

    /// What a session ticket of this relay says, whose signature was verified. It may know more than
    /// was written down when the relay was killed.
    pub(crate) fn recall(&mut self, id: SessionId, standing: Standing, clock: Clock) {
        let until = clock.now + self.times.apart;
        let Some(session) = self.sessions.get_mut(&id) else { return };
        match &session.state {
            State::Doubtful { .. } => session.revive(standing, until),
            State::Admitted(Admitted { standing: known, recall: Some(_), .. })
                if known.pairing < standing.pairing =>
            {
                self.pair_anew(id, standing, until);
            }
            _ => return,
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.deadline = clock.now + Duration::from_secs(standing.expires.saturating_sub(clock.unix));
        self.effects.push(Effect::SessionAdmitted(id, standing));
        self.reschedule(id);
    }

    /// A later run than the known one had succeeded: what belongs to that one is over.
    fn pair_anew(&mut self, id: SessionId, standing: Standing, until: Instant) {
        let pipes = self.sessions.get(&id).map(|session| session.pipes.keys().copied().collect::<Vec<_>>());
        for pipe in pipes.into_iter().flatten() {
            self.cut_pipe(id, pipe, Reason::EngineerLost);
        }
        let Some(session) = self.sessions.get_mut(&id) else { return };
        session.pipes.insert(standing.control, Pipe::apart(PipeKind::Control, standing.run, until));
        if let Some(admitted) = session.admitted_mut() {
            (admitted.standing, admitted.again) = (standing, None);
        }
    }

    /// A side of the session has come back, or comes again.
    pub(super) fn touch(&mut self, id: SessionId) {
        let session = self.sessions.get_mut(&id);
        if let Some(recall) = session.and_then(Session::admitted_mut).and_then(|a| a.recall.as_mut()) {
            recall.touched = true;
        }
    }

    /// Once everything has lapsed that could, nothing needs recalling any more.
    pub(super) fn end_recall(&mut self, id: SessionId, now: Instant) {
        if let Some(admitted) = self.sessions.get_mut(&id).and_then(Session::admitted_mut) {
            admitted.recall.take_if(|recall| recall.until <= now);
        }
    }
}

impl Session {
    /// Whether a ticket opens a pipe that was spliced by an earlier relay.
    pub(super) fn may_recall(&self, ticket: &PipeTicket, now: Instant) -> Result<(), AttachRefusal> {
        let admitted = match &self.state {
            State::Pairing(_) => return Err(AttachRefusal::TicketUsed),
            State::Doubtful { .. } => return Err(AttachRefusal::Pending),
            // Nothing is begun in it any more.
            State::Admitted(admitted) if admitted.closing.is_some() => {
                return Err(AttachRefusal::SessionOver);
            }
            State::Admitted(admitted) => admitted,
        };
        let recall = admitted.recall.as_ref().filter(|recall| now < recall.until);
        let recall = recall.ok_or(AttachRefusal::TicketUsed)?;
        let fits = ticket.kind != PipeKind::Control && ticket.subject == self.engineer;
        let room = self.pipes.len() < limits::PIPES_PER_SESSION && recall.closed.len() < CLOSED;
        if recall.closed.contains(&ticket.pipe) {
            Err(AttachRefusal::TicketUsed)
        } else if ticket.run != admitted.standing.run {
            // It may be of a later run, which a session ticket will tell of.
            Err(AttachRefusal::Pending)
        } else if fits && room {
            Ok(())
        } else {
            Err(AttachRefusal::TicketUsed)
        }
    }

    /// The pipe that [`Session::may_recall`] allows.
    pub(super) fn recall_pipe(&mut self, ticket: &PipeTicket) {
        let until = self.admitted().and_then(|admitted| admitted.recall.as_ref()).map(|recall| recall.until);
        if let Some(until) = until {
            self.pipes.entry(ticket.pipe).or_insert_with(|| Pipe::apart(ticket.kind, ticket.run, until));
        }
    }

    /// Takes a pipe out, for good.
    pub(super) fn drop_pipe(&mut self, pipe: PipeId) -> Option<Pipe> {
        if let Some(admitted) = self.admitted_mut()
            && let Some(recall) = &mut admitted.recall
            && recall.closed.len() < CLOSED
        {
            recall.closed.insert(pipe);
        }
        self.pipes.remove(&pipe)
    }

    /// Makes it an admitted session without a connection of either side, whose control pipe is apart.
    fn revive(&mut self, standing: Standing, until: Instant) {
        let control = Pipe::apart(PipeKind::Control, standing.run, until);
        self.pipes = HashMap::from([(standing.control, control)]);
        self.state = State::Admitted(Admitted {
            standing,
            agent: None,
            engineer: Presence::Away { until },
            again: None,
            recall: Some(Recall::new(until)),
            restarting: None,
            closing: None,
        });
    }
}
