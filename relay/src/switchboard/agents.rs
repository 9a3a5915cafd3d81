//! What agents claim and say.

use std::time::Instant;

use fieldlink_protocol::ids::AgentKey;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;

use super::{Line, State, Switchboard, clock};
use crate::permits::network;
use crate::store::unix_now;

impl Switchboard {
    /// Registers an agent whose signature was verified. The answer is its lease.
    pub fn register(&self, line: &Line, key: AgentKey, claim: &Claim) -> Result<String, RegistrationRefusal> {
        let now = unix_now();
        match claim {
            Claim::SupportId { support_id, lease } => {
                let lease = lease.as_deref();
                let leased = lease.is_some_and(|l| self.tickets.verify_lease(l, *support_id, &key, now));
                self.with(|state| state.register(line, key, *support_id, leased))?;
                Ok(self.tickets.lease(*support_id, key, now))
            }
            Claim::Session { session_ticket } => {
                let ticket = self.tickets.verify_agents_session(session_ticket, &key, now);
                let ticket = ticket.ok_or(RegistrationRefusal::SessionOver)?;
                self.with(|state| {
                    state.directory.recall(ticket.session, (&ticket).into(), clock());
                    state.directory.register_for_session(line.id, key, ticket.session)
                })?;
                Ok(String::new())
            }
        }
    }

    /// Why the session that this agent claims has ended, if it has.
    pub async fn end_of_claimed(&self, key: &AgentKey, claim: &Claim) -> Option<Reason> {
        let Claim::Session { session_ticket } = claim else { return None };
        let ticket = self.tickets.verify_agents_session(session_ticket, key, unix_now())?;
        self.store.session_end(ticket.session).await.ok().flatten()
    }

    /// Takes in what a registered agent says. False: it may not say that (again).
    pub fn agent_says(&self, line: &Line, message: FromAgent) -> bool {
        self.with(|state| {
            let directory = &mut state.directory;
            match message {
                FromAgent::Register { .. } => return false,
                FromAgent::Declined { session, run, reason } => {
                    directory.declined(line.id, session, run, reason);
                }
                FromAgent::Admitted { session } => directory.admitted(line.id, session),
                FromAgent::PairedAgain { session, run } => directory.paired_again(line.id, session, run),
                FromAgent::Ended { session, reason } => directory.end_by_agent(line.id, session, reason),
            }
            true
        })
    }
}

impl State {
    fn register(
        &mut self,
        line: &Line,
        key: AgentKey,
        support_id: SupportId,
        leased: bool,
    ) -> Result<(), RegistrationRefusal> {
        let (network, now) = (network(line.address), Instant::now());
        if !leased && self.taken_ids.check(network, now).is_err() {
            return Err(RegistrationRefusal::Full);
        }
        self.directory.register(line.id, key, support_id, leased).inspect_err(|_| {
            // Beyond the limit there is nothing left to count.
            let _ = self.taken_ids.admit(network, now);
        })
    }
}
