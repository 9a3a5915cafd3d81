//! A session: what it is, when it has to be looked at, and why it is over.

use std::collections::{HashMap, HashSet};
use std::time::Instant;

use fieldlink_protocol::ids::{EngineerId, ObserverId, PipeId, RunId, SessionId};
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::ConnectionId;
use super::allowance::{Allowance, StampAllowance};
use super::pipe::Pipe;
use super::standing::Standing;

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
    /// Links to watch it with.
    pub(super) shared: HashSet<ObserverId>,
    /// Links to watch it with that were withdrawn.
    pub(super) withdrawn: HashSet<ObserverId>,
    /// The session that its engineer has joined, if one.
    pub(super) joins: Option<SessionId>,
    /// How often its account may be signed.
    pub(super) allowance: Allowance,
    /// How many time stamps its record may have still.
    pub(super) stamps: StampAllowance,
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
        /// Until then a side may show one; after that the session is over.
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
    /// It is being written down; neither side was told yet.
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

/// A session to which the client has said yes.
pub(super) struct Admitted {
    pub(super) standing: Standing,
    pub(super) agent: Option<ConnectionId>,
    pub(super) engineer: Presence,
    /// The engineer's program was started again, and the two pair once more.
    pub(super) again: Option<Try>,
    /// It began before this relay did.
    pub(super) recall: Option<Recall>,
    /// The device restarts, and is back by then, or the session is over.
    pub(super) restarting: Option<Instant>,
    /// It is over, and stays for its report to be fetched.
    pub(super) closing: Option<Closing>,
}

/// Why a session is over, and how long it stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Closing {
    pub(super) reason: Reason,
    pub(super) until: Instant,
}

/// Whether an engineer is with the session.
#[derive(Clone, Copy)]
pub(super) enum Presence {
    Here(ConnectionId),
    /// And comes back by then, or the session is over.
    Away {
        until: Instant,
    },
}

/// A run of an admitted session that has not succeeded yet. The session stands on the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Try {
    pub(super) run: RunId,
    pub(super) control: PipeId,
}

/// What a session that began before this relay did still has coming.
pub(super) struct Recall {
    /// Until then tickets of its SSH pipes open them again: a pipe that is apart for longer is over.
    pub(super) until: Instant,
    /// Whether a side has come back.
    pub(super) touched: bool,
    /// The pipes that were closed since: their tickets open nothing.
    pub(super) closed: HashSet<PipeId>,
}

impl Session {
    /// If it is over and stays.
    pub(super) fn closing(&self) -> Option<Closing> {
        self.admitted()?.closing
    }

    /// If it is admitted, and not over: what may still be begun in it.
    pub(super) fn going_on(&self) -> Option<&Admitted> {
        self.admitted().filter(|admitted| admitted.closing.is_none())
    }

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
            _ if self.deadline <= now => {
                Some(self.closing().map_or(Reason::RelayLimit, |closing| closing.reason))
            }
            State::Pairing(_) => None,
            State::Admitted(admitted) => admitted.verdict(self.pipes.get(&admitted.standing.control), now),
            State::Doubtful { until } => (*until <= now).then_some(Reason::RelayRestarted),
        }
    }

    /// Whether the agent, and the engineer, know that it is there.
    pub(super) fn who_knows(&self) -> (bool, bool) {
        match &self.state {
            State::Pairing(pairing) => {
                (pairing.progress == Progress::Announced, pairing.progress != Progress::Asked)
            }
            State::Admitted(_) => (true, true),
            State::Doubtful { .. } => (false, false),
        }
    }

    /// A failed pairing ended when the agent refused it, not when the engineer left afterwards.
    pub(super) fn end_reason(&self, reason: Reason) -> Reason {
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

impl Admitted {
    pub(super) fn engineer_link(&self) -> Option<ConnectionId> {
        match self.engineer {
            Presence::Here(link) => Some(link),
            Presence::Away { .. } => None,
        }
    }

    /// When it has to be looked at, its pipes apart.
    pub(super) fn due(&self) -> Option<Instant> {
        if let Some(closing) = self.closing {
            return Some(closing.until);
        }
        let away = self.restarting.or(self.away_until());
        away.into_iter().chain(self.recall.as_ref().map(|recall| recall.until)).min()
    }

    /// Why it is over by `now`, if it is: without an engineer, or without its control pipe.
    pub(super) fn verdict(&self, control: Option<&Pipe>, now: Instant) -> Option<Reason> {
        let is_past = |until: Instant| until <= now;
        if let Some(closing) = self.closing {
            return is_past(closing.until).then_some(closing.reason);
        }
        if let Some(until) = self.restarting {
            return is_past(until).then_some(Reason::NotBack);
        }
        let deserted = self.away_until().is_some_and(is_past);
        let apart = control.and_then(Pipe::lapses_at).is_some_and(is_past);
        if !deserted && !apart {
            return None;
        }
        let waits = control.and_then(Pipe::waiter).map(|waiter| waiter.side);
        Some(match (&self.recall, waits) {
            (Some(recall), _) if !recall.touched => Reason::RelayRestarted,
            _ if deserted => Reason::EngineerLost,
            (_, Some(Role::Agent)) => Reason::EngineerLost,
            (_, Some(Role::Engineer)) => Reason::ConnectionLost,
            (_, None) if self.engineer_link().is_none() => Reason::EngineerLost,
            (_, None) => Reason::ConnectionLost,
        })
    }

    fn away_until(&self) -> Option<Instant> {
        match self.engineer {
            Presence::Here(_) => None,
            Presence::Away { until } => Some(until),
        }
    }
}

impl Recall {
    pub(super) fn new(until: Instant) -> Self {
        Self { until, touched: false, closed: HashSet::new() }
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
