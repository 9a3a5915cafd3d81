//! What agents claim and say.

use std::time::Instant;

use fieldlink_evidence::{Digest, Head};
use fieldlink_protocol::ids::{AgentKey, SessionId};
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{Lease, SessionTicket, Signed};

use super::{Mailbox, State, Switchboard};
use crate::directory::{ConnectionId, Rank, Registered};
use crate::permits::network;

impl Switchboard {
    /// Registers an agent whose signature was verified. The answer is its lease, if there is one.
    pub(crate) fn register(
        &self,
        mailbox: &Mailbox,
        key: AgentKey,
        claim: &Claim,
    ) -> Result<Option<Signed<Lease>>, RegistrationRefusal> {
        let now = self.unix();
        match claim {
            Claim::SupportId { support_id, lease, joins } => {
                let joins = self.joined(joins.as_ref())?;
                let lease = lease.as_ref();
                let shown = lease.and_then(|lease| self.tickets.rank(lease, *support_id, &key, now));
                let may_issue = self.tickets.boot().is_written;
                let registered = self.with(|state| {
                    let registered = state.register(mailbox, key, *support_id, shown, may_issue)?;
                    state.directory.set_joins(mailbox.id, joins);
                    // Drawn before another agent can register: of two leases for one ID the later has to win.
                    Ok(registered.map(|rank| (rank, self.tickets.next_tenure())))
                })?;
                let lease = registered.map(|held| self.tickets.lease(*support_id, key, held, now));
                Ok(lease)
            }
            Claim::Session { session_ticket } => {
                let ticket = self.tickets.verify_agents_session(session_ticket, &key, now);
                let ticket = ticket.ok_or(RegistrationRefusal::SessionOver)?;
                self.with(|state| {
                    state.directory.recall(ticket.session, (&ticket).into(), self.clock());
                    state.directory.register_for_session(mailbox.id, key, ticket.session)
                })?;
                Ok(None)
            }
        }
    }

    /// What an agent's session ticket says, if its session goes on.
    pub(crate) fn returning_agent(&self, token: &str) -> Option<SessionTicket> {
        let token = Signed::from_text(token);
        let ticket = self.tickets.verify_any_agents_session(&token, self.unix())?;
        self.with(|state| state.directory.may_return(ticket.session, ticket.agent_key)).then_some(ticket)
    }

    /// Why the session that this agent claims has ended, if it has.
    pub(crate) async fn end_of_claimed(&self, key: &AgentKey, claim: &Claim) -> Option<Reason> {
        let Claim::Session { session_ticket } = claim else { return None };
        let ticket = self.tickets.verify_agents_session(session_ticket, key, self.unix())?;
        self.store.session_end(ticket.session).await.ok().flatten()
    }

    /// Tells agents that seem to be registered that their IDs are taken, as many as their networks may hear of.
    pub(crate) fn reveal_taken_ids(&self) {
        let now = Instant::now();
        self.with(|state| {
            for link in state.directory.hidden() {
                let address = state.mailboxes.get(&link).map(|mailbox| network(mailbox.address()));
                if address.is_some_and(|network| state.taken_ids.admit(network, now).is_ok()) {
                    state.directory.reveal(link);
                }
            }
        });
    }

    /// Takes in what a registered agent says. False: it may not say that (again).
    pub(crate) fn agent_says(&self, mailbox: &Mailbox, message: FromAgent) -> bool {
        let link = mailbox.id;
        self.with(|state| {
            match message {
                FromAgent::Register { .. } => return false,
                FromAgent::Declined { session, run, reason } => {
                    state.directory.declined(link, session, run, reason);
                }
                FromAgent::Admitted { session } => state.directory.admitted(link, session),
                FromAgent::PairedAgain { session, run } => state.directory.paired_again(link, session, run),
                FromAgent::Restarting { session } => {
                    state.directory.restarting(link, session, Instant::now());
                }
                FromAgent::Share { session, observer } => self.share(state, mailbox, session, observer),
                FromAgent::Unshare { session, observer } => {
                    state.directory.unshare(link, session, observer);
                }
                FromAgent::Anchor { session, seq, head } => {
                    let digest = Digest::from_bytes(*head.as_bytes());
                    self.anchor(state, link, session, Head { seq, digest });
                }
                FromAgent::TimeStamp { session, digest } => self.time_stamp(state, link, (session, digest)),
                FromAgent::Closing { session, reason } => state.close_session(link, session, reason),
                FromAgent::Ended { session, reason } => state.directory.end_by_agent(link, session, reason),
            }
            true
        })
    }
}

impl State {
    /// A session is over, and stays for its report to be fetched, if its engineer's program knows of that.
    fn close_session(&mut self, agent: ConnectionId, session: SessionId, reason: Reason) {
        let engineer = self.directory.engineer_of(session).and_then(|link| self.mailboxes.get(&link));
        let is_understood = engineer.is_none_or(|entry| entry.takes_reports);
        self.directory.close_by_agent(agent, session, reason, (is_understood, Instant::now()));
    }

    /// Registers an agent, which has `shown` a lease of that rank. The answer is the rank that a lease is to carry on,
    /// if one is to be issued. One in the place of what was shown is none of those that its network gets.
    ///
    /// A network that came upon too many living IDs is told of no more: what it claims seems to succeed, with
    /// or without the ID being taken. So it learns nothing, and its scanners are not refused.
    fn register(
        &mut self,
        mailbox: &Mailbox,
        key: AgentKey,
        support_id: SupportId,
        shown: Option<Rank>,
        may_issue: bool,
    ) -> Result<Option<Rank>, RegistrationRefusal> {
        let (network, now) = (network(mailbox.address()), Instant::now());
        match self.directory.register(mailbox.id, key, support_id, shown.unwrap_or(Rank::NONE)) {
            Ok(Registered::Serving) => Ok(None),
            Ok(Registered::Listed(rank)) => {
                let is_free = may_issue && self.taken_ids.check(network, now).is_ok();
                let is_due = is_free && (shown.is_some() || self.leases.admit(network, now).is_ok());
                Ok(is_due.then_some(rank))
            }
            Err(RegistrationRefusal::IdTaken) if self.taken_ids.admit(network, now).is_err() => {
                self.directory.hide(mailbox.id, key, support_id);
                Ok(None)
            }
            Err(refusal) => Err(refusal),
        }
    }
}
