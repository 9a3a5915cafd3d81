//! Who may have the account of a session signed and its record stamped, how often, and who is told of it.
//!
//! That is the agent which serves the session, from the admission on; on the same connection also after the end, for the
//! last lines. An agent of a session that joins the first one may, too: it has shown the first one's ticket, so it is the
//! same device, and the account goes on with it when the session is handed over. How far the account is, and that it goes
//! forward, is for the store to say, which outlives the relay.

use std::time::Instant;

use fieldlink_protocol::ids::{ObserverId, SessionId};
use fieldlink_protocol::limits;
use fieldlink_protocol::reason::Reason;

use super::agents::Place;
use super::allowance::Served;
use super::session::Session;
use super::{ConnectionId, Directory, Effect, Farewell};

/// Connections on which one session's anchors are told to those who watch.
const ONLOOKERS: usize = 2 * limits::OBSERVERS;

/// Why nothing is signed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum NotAnchored {
    /// It is not this agent's session, not admitted, or long over.
    NotTheirs,
    /// Too often.
    TooOften,
}

/// An account that an agent writes: of a session that it serves, or that is over.
enum Account<'a> {
    Growing(&'a mut Session),
    Ending(&'a mut Served),
}

/// Somebody who watches and takes anchors on the connection on which they asked for their pipe.
#[derive(Debug, Clone, Copy)]
pub(super) struct Onlooker {
    session: SessionId,
    observer: ObserverId,
}

impl Directory {
    /// An agent wants the account of session `id` signed. After the end the answer is the engineer whose session it was.
    pub(crate) fn anchor(
        &mut self,
        link: ConnectionId,
        id: SessionId,
        now: Instant,
    ) -> Result<Option<ConnectionId>, NotAnchored> {
        let (is_free, late) = match self.account(link, id).ok_or(NotAnchored::NotTheirs)? {
            Account::Growing(session) => (session.allowance.take(now), None),
            Account::Ending(served) => (served.take(), served.engineer),
        };
        is_free.then_some(late).ok_or(NotAnchored::TooOften)
    }

    /// An agent wants a time stamp for the record of session `id`, for which the same agents may ask.
    pub(crate) fn time_stamp(&mut self, link: ConnectionId, id: SessionId) -> Result<(), NotAnchored> {
        let is_free = match self.account(link, id).ok_or(NotAnchored::NotTheirs)? {
            Account::Growing(session) => session.stamps.take(),
            Account::Ending(served) => served.stamps.take(),
        };
        is_free.then_some(()).ok_or(NotAnchored::TooOften)
    }

    /// The account of session `id`, if this agent writes it.
    fn account(&mut self, link: ConnectionId, id: SessionId) -> Option<Account<'_>> {
        let agent = self.agents.get_mut(&link)?;
        match (agent.place, &mut agent.served) {
            (Place::Serving(serving), _) => {
                let session = self.sessions.get_mut(&serving)?;
                (serving == id || session.joins == Some(id)).then_some(Account::Growing(session))
            }
            (Place::Unlisted, Some(served)) if served.session == id || served.joins == Some(id) => {
                Some(Account::Ending(served))
            }
            _ => None,
        }
    }

    /// Who is told of an anchor of session `id`, besides its agent: its engineer, or the one who was (`late`), those who have
    /// joined it, and those who watch.
    pub(crate) fn audience(&self, id: SessionId, late: Option<ConnectionId>) -> Vec<ConnectionId> {
        let sessions = self.sessions.iter().filter(|(own, session)| is_of(**own, session, id));
        let engineers = sessions.filter_map(|(_, session)| session.admitted()?.engineer_link());
        let late = late.filter(|link| self.engineers.contains_key(link));
        let watching = |onlooker: &Onlooker| {
            let joined = || self.sessions.get(&onlooker.session).and_then(|session| session.joins);
            onlooker.session == id || joined() == Some(id)
        };
        let onlookers = self.onlookers.iter().filter(|(_, onlooker)| watching(onlooker));
        engineers.chain(late).chain(onlookers.map(|(link, _)| *link)).collect()
    }

    /// Somebody who got a pipe to watch on takes anchors on the connection `link`, in the place of an earlier one of
    /// theirs. False: the session is over meanwhile, or there are too many.
    pub(crate) fn look_on(&mut self, link: ConnectionId, session: SessionId, observer: ObserverId) -> bool {
        let is_shown = |shown: &Session| shown.admitted().is_some() && !shown.withdrawn.contains(&observer);
        if !self.sessions.get(&session).is_some_and(is_shown) {
            return false;
        }
        self.dismiss(session, |onlooker| onlooker.observer == observer, Farewell::Replaced);
        let there = self.onlookers.values().filter(|onlooker| onlooker.session == session).count();
        if there < ONLOOKERS {
            self.onlookers.insert(link, Onlooker { session, observer });
        }
        there < ONLOOKERS
    }

    /// Whether that is the connection of somebody who watches.
    pub(crate) fn is_onlooker(&self, link: ConnectionId) -> bool {
        self.onlookers.contains_key(&link)
    }

    /// A connection of somebody who watches is gone.
    pub(crate) fn onlooker_gone(&mut self, link: ConnectionId) {
        self.onlookers.remove(&link);
    }

    /// A link was withdrawn.
    pub(super) fn dismiss_observer(&mut self, session: SessionId, observer: ObserverId) {
        let farewell = Farewell::Ended(Reason::Removed);
        self.dismiss(session, |onlooker| onlooker.observer == observer, farewell);
    }

    /// A session is over. As long as the agent that served it is there, its last lines may still be signed.
    pub(super) fn end_anchors(
        &mut self,
        id: SessionId,
        session: &Session,
        agent: Option<ConnectionId>,
        reason: Reason,
    ) {
        let (is_admitted, engineer) = (session.admitted().is_some(), session.engineer_link());
        match agent.filter(|_| is_admitted).and_then(|link| self.agents.get_mut(&link)) {
            Some(agent) => {
                agent.served = Some(Served::new((id, session.joins), engineer, reason, session.stamps));
            }
            None => self.dismiss(id, |_| true, Farewell::Ended(reason)),
        }
    }

    /// The agent that served a session which is over is gone, too.
    pub(super) fn forget_served(&mut self, served: Option<Served>) {
        if let Some(Served { session, reason, .. }) = served {
            self.dismiss(session, |_| true, Farewell::Ended(reason));
        }
    }

    fn dismiss(&mut self, session: SessionId, which: impl Fn(&Onlooker) -> bool, farewell: Farewell) {
        let gone = self.onlookers.extract_if(|_, onlooker| onlooker.session == session && which(onlooker));
        self.effects.extend(gone.map(|(link, _)| Effect::Close(link, farewell)));
    }
}

/// Whether what happens in session `id` is told to those of `own`.
fn is_of(own: SessionId, session: &Session, id: SessionId) -> bool {
    own == id || session.joins == Some(id)
}
