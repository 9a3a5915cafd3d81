//! What this relay signs, and what it accepts of what it signed.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{PoisonError, RwLock};
use std::time::Duration;

use fieldlink_protocol::code::Code;
use fieldlink_protocol::ids::{AgentKey, EngineerId, ObserverId, PipeId, RunId, SessionId};
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{
    Claims, Lease, ObserverTicket, PipeTicket, SessionTicket, Signed, Tenure, TicketError, TicketKeys,
};

use crate::directory::{Admission, Rank, Shared, Standing};
use crate::store::{KeyPolicy, UnixTime};

/// How long a lease is worth something: longer than a support ID waits for an engineer, who comes within
/// half an hour, and for the relay to be started again meanwhile.
const LEASE: Duration = Duration::from_secs(45 * 60);
/// A key older than this signs nothing more.
const ROTATION: Duration = Duration::from_secs(24 * 3_600);

/// Signs and verifies with the current keys, in the name of this node.
pub(crate) struct TicketSigner {
    node: String,
    keys: RwLock<TicketKeys>,
    boot: RwLock<Boot>,
    sequence: AtomicU64,
}

/// The number of the present boot of the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Boot {
    /// Higher than that of every boot before it. 0 if these are not known: then no lease is worth anything.
    pub number: u64,
    /// Whether the next boot will know of this one. Until then no leases are issued.
    pub is_written: bool,
}

/// A pipe, as both sides' tickets name it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct PipeName<'a> {
    /// The session it belongs to.
    pub session: SessionId,
    /// The run in which it was opened.
    pub run: RunId,
    /// The pipe.
    pub pipe: PipeId,
    /// What it carries.
    pub kind: Code<PipeKind>,
    /// The engineer whose session it is.
    pub engineer: EngineerId,
    /// The support case.
    pub reference: &'a str,
    /// From when and until when, in Unix seconds.
    pub validity: (UnixTime, UnixTime),
}

impl TicketSigner {
    /// An office of `node` with these keys.
    pub(crate) fn new(node: String, keys: TicketKeys, boot: Boot) -> Self {
        Self { node, keys: RwLock::new(keys), boot: RwLock::new(boot), sequence: AtomicU64::new(0) }
    }

    /// The number of this boot was written down only now. No lease was issued before.
    pub(crate) fn boot_was_written(&self, number: u64) {
        *self.boot.write().unwrap_or_else(PoisonError::into_inner) = Boot { number, is_written: true };
    }

    /// The present boot. Leases may be issued once its number is written.
    pub(crate) fn boot(&self) -> Boot {
        *self.boot.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// How keys are rotated where sessions last up to `session`.
    pub(crate) fn key_policy(session: Duration) -> KeyPolicy {
        KeyPolicy { rotate_after: ROTATION, keep_for: session.max(LEASE) }
    }

    /// Takes new keys into use.
    pub(crate) fn renew(&self, keys: TicketKeys) {
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
    }

    /// Lets `side` attach to a pipe.
    pub(crate) fn pipe_ticket(&self, name: &PipeName<'_>, side: Role) -> Signed<PipeTicket> {
        self.sign(&PipeTicket {
            node: self.node.clone(),
            session: name.session,
            run: name.run,
            pipe: name.pipe,
            kind: name.kind,
            side: side.into(),
            subject: name.engineer,
            reference: name.reference.to_owned(),
            not_before: name.validity.0,
            expires: name.validity.1,
        })
    }

    /// Lets `side` return to an admitted session.
    pub(crate) fn session_ticket(&self, admission: &Admission, side: Role) -> Signed<SessionTicket> {
        let standing = &admission.standing;
        self.sign(&SessionTicket {
            node: self.node.clone(),
            session: admission.session,
            side: side.into(),
            subject: admission.engineer,
            agent_key: standing.agent_key,
            run: standing.run,
            control: standing.control,
            pairing: standing.pairing,
            not_before: standing.not_before,
            expires: standing.expires,
        })
    }

    /// The relay's half of a link to watch a session with.
    pub(crate) fn observer_ticket(
        &self,
        session: SessionId,
        observer: ObserverId,
        shared: &Shared,
    ) -> Signed<ObserverTicket> {
        let (node, subject, (not_before, expires)) = (self.node.clone(), shared.engineer, shared.validity);
        self.sign(&ObserverTicket { node, session, observer, subject, not_before, expires })
    }

    /// What an observer ticket of this relay says, if it is valid now.
    pub(crate) fn verify_observer(
        &self,
        token: &Signed<ObserverTicket>,
        now: UnixTime,
    ) -> Result<ObserverTicket, TicketError> {
        let ticket: ObserverTicket = self.read(|keys| keys.verify(token, now))?;
        if ticket.node == self.node { Ok(ticket) } else { Err(TicketError::UnknownKey) }
    }

    /// The tenure of an agent that registers now. Later ones are later registrations if they are drawn one by one.
    pub(crate) fn next_tenure(&self) -> Tenure {
        let sequence = self.sequence.fetch_add(1, Ordering::Relaxed);
        Tenure { boot: self.boot().number, sequence }
    }

    /// Proves in a later boot that `support_id` was this agent's now, which holds it with `rank` since `tenure`
    /// began.
    pub(crate) fn lease(
        &self,
        support_id: SupportId,
        agent_key: AgentKey,
        (rank, tenure): (Rank, Tenure),
        now: UnixTime,
    ) -> Signed<Lease> {
        let (node, earlier, expires) = (self.node.clone(), rank.carried(), now + LEASE.as_secs());
        self.sign(&Lease { node, support_id, agent_key, tenure, earlier, expires })
    }

    /// Reads a pipe ticket of this node.
    pub(crate) fn verify_pipe(
        &self,
        token: &Signed<PipeTicket>,
        now: UnixTime,
    ) -> Result<PipeTicket, TicketError> {
        let ticket: PipeTicket = self.read(|keys| keys.verify(token, now))?;
        if ticket.node == self.node { Ok(ticket) } else { Err(TicketError::UnknownKey) }
    }

    /// What an agent's session ticket of this node says, if it is this key's.
    pub(crate) fn verify_agents_session(
        &self,
        token: &Signed<SessionTicket>,
        key: &AgentKey,
        now: UnixTime,
    ) -> Option<SessionTicket> {
        self.verify_any_agents_session(token, now).filter(|ticket| ticket.agent_key == *key)
    }

    /// The same of an agent whose key is not known yet.
    pub(crate) fn verify_any_agents_session(
        &self,
        token: &Signed<SessionTicket>,
        now: UnixTime,
    ) -> Option<SessionTicket> {
        self.verify_session(token, now).ok().filter(|ticket| ticket.side == Role::Agent)
    }

    /// What an engineer's session ticket of this node says, if it is this engineer's and session's.
    pub(crate) fn verify_engineers_session(
        &self,
        token: &Signed<SessionTicket>,
        session: SessionId,
        engineer: EngineerId,
        now: UnixTime,
    ) -> Result<SessionTicket, TicketError> {
        let ticket = self.verify_session(token, now)?;
        let fits = ticket.side == Role::Engineer && ticket.subject == engineer && ticket.session == session;
        if fits { Ok(ticket) } else { Err(TicketError::Forged) }
    }

    /// The rank of an agent that shows `token`, if that is a lease of this node for this ID and key.
    pub(crate) fn rank(
        &self,
        token: &Signed<Lease>,
        support_id: SupportId,
        key: &AgentKey,
        now: UnixTime,
    ) -> Option<Rank> {
        let lease: Result<Lease, _> = self.read(|keys| keys.verify(token, now));
        let fits = |lease: &Lease| {
            lease.node == self.node && lease.support_id == support_id && lease.agent_key == *key
        };
        lease.ok().filter(fits).map(|lease| Rank::of(&lease, self.boot().number))
    }

    fn verify_session(
        &self,
        token: &Signed<SessionTicket>,
        now: UnixTime,
    ) -> Result<SessionTicket, TicketError> {
        let ticket: SessionTicket = self.read(|keys| keys.verify(token, now))?;
        if ticket.node == self.node { Ok(ticket) } else { Err(TicketError::UnknownKey) }
    }

    fn sign<C: Claims>(&self, claims: &C) -> Signed<C> {
        self.read(|keys| keys.sign(claims))
    }

    fn read<T>(&self, with: impl FnOnce(&TicketKeys) -> T) -> T {
        with(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }
}

impl From<&SessionTicket> for Standing {
    fn from(ticket: &SessionTicket) -> Self {
        let SessionTicket { run, control, agent_key, pairing, not_before, expires, .. } = *ticket;
        Self { run, control, agent_key, pairing, not_before, expires }
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::secret::Secret;
    use fieldlink_protocol::ticket::TicketKey;

    use super::*;

    #[test]
    fn a_lease_counts_for_its_node_id_and_key_only() {
        let keys = TicketKeys::new(TicketKey { kid: "k".into(), master: Secret::random() }, vec![]);
        let office = |node: &str, number| {
            TicketSigner::new(node.into(), keys.clone(), Boot { number, is_written: true })
        };
        let (id, key) = (SupportId::random(), AgentKey::random());
        let (first, next) = (office("a", 1), office("a", 2));
        let issue = || first.lease(id, key, (Rank::NONE, first.next_tenure()), 1_000);
        let lease = issue();
        let is_worth_something = |office: &TicketSigner, id, key, now| {
            office.rank(&lease, id, &key, now).is_some_and(|rank| rank.outranks(Rank::NONE))
        };
        assert!(is_worth_something(&next, id, key, 1_001));
        assert!(!is_worth_something(&first, id, key, 1_001), "not in its own boot");
        assert!(!is_worth_something(&office("a", 0), id, key, 1_001), "nor where boots are not known");
        assert!(!is_worth_something(&next, id, AgentKey::random(), 1_001));
        assert!(!is_worth_something(&next, id, key, 1_000 + LEASE.as_secs()));
        let other = std::iter::repeat_with(SupportId::random).find(|other| *other != id).expect("endless");
        assert!(!is_worth_something(&next, other, key, 1_001));
        assert!(!is_worth_something(&office("b", 2), id, key, 1_001));
        // Of one boot the later one counts.
        let rank = |lease: &Signed<Lease>| next.rank(lease, id, &key, 1_001).expect("a lease");
        assert!(rank(&issue()).outranks(rank(&lease)));
    }
}
