//! Engineers who come back to a session, and sessions that outlive the relay.

use std::time::Instant;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::{ToEngineer, Unavailable};
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{SessionTicket, Signed, TicketError};

use super::requests::{rate_limited, unavailable};
use super::{Ledger, Mailbox, Switchboard};
use crate::directory::{AskedAgain, NotAgain};
use crate::store::{RunningSession, SessionChange};
use crate::tickets::PipeName;

/// The answer to an engineer who wants a session back.
pub(crate) enum Resumption {
    /// The session is on the engineer's new connection.
    Resumed,
    /// Nothing yet: too many tries.
    NotYet(ToEngineer),
    /// Nothing: it is over, for this reason.
    Over(Reason),
}

impl Switchboard {
    /// An engineer wants the session of this ticket for a new connection.
    pub(crate) async fn resume(
        &self,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
        session: SessionId,
        session_ticket: &Signed<SessionTicket>,
    ) -> Resumption {
        if let Err(wait) = self.with(|state| state.resumptions.admit(engineer.id, Instant::now())) {
            return Resumption::NotYet(rate_limited(wait));
        }
        let ticket = self.tickets.verify_engineers_session(session_ticket, session, engineer.id, self.unix());
        let unless_known = match ticket {
            Ok(ticket) => {
                let resumed = self.with(|state| {
                    state.directory.recall(session, (&ticket).into(), self.clock());
                    state.directory.resume(mailbox.id, session)
                });
                if resumed {
                    tracing::info!(%session, engineer = %engineer.id, "session resumed");
                    return self.resumed(mailbox, session);
                }
                Reason::Unknown
            }
            Err(TicketError::Expired) => Reason::RelayLimit,
            // An engineer without a ticket for the session learns nothing about it.
            Err(_) => return Resumption::Over(Reason::Unknown),
        };
        let known = self.store().session_end(session).await.ok().flatten();
        Resumption::Over(known.unwrap_or(unless_known))
    }

    /// The session may be over meanwhile, and stay.
    fn resumed(&self, mailbox: &Mailbox, session: SessionId) -> Resumption {
        self.with(|state| {
            let Some(reason) = state.directory.closing_reason(session) else { return Resumption::Resumed };
            if state.mailboxes.get(&mailbox.id).is_none_or(|entry| !entry.takes_reports) {
                state.directory.end_by_engineer(mailbox.id, reason);
                return Resumption::Over(reason);
            }
            // It is sent after the answer.
            state.send(mailbox.id, &ToEngineer::Closing { session, reason });
            Resumption::Resumed
        })
    }

    /// The engineer of an admitted session wants to pair again. Both sides are told; `Err` is the answer if that
    /// leads nowhere.
    pub(crate) fn pair_again(
        &self,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
    ) -> Result<(), ToEngineer> {
        let (now, run, pipe) = (Instant::now(), RunId::random(), PipeId::random());
        self.with(|state| {
            state.requests.check(engineer.id, now).map_err(rate_limited)?;
            let asked =
                state.directory.pair_again(mailbox.id, (run, pipe), now).map_err(|why| match why {
                    NotAgain::NoSession => unavailable(Unavailable::NotAvailable, None),
                    NotAgain::AgentAway => unavailable(Unavailable::NotAvailable, Some(1)),
                })?;
            // It was checked.
            let _ = state.requests.admit(engineer.id, now);
            let AskedAgain { session, agent, agent_key, validity } = asked;
            tracing::info!(%session, %run, engineer = %engineer.id, "pairing again");
            let reference = state.reference(session);
            let (kind, engineer) = (PipeKind::Control.into(), engineer.id);
            let name = PipeName { session, run, pipe, kind, engineer, reference, validity };
            let (agents, engineers) = (
                self.tickets.pipe_ticket(&name, Role::Agent),
                self.tickets.pipe_ticket(&name, Role::Engineer),
            );
            state.send(agent, &ToAgent::PairAgain { session, run, pipe, pipe_ticket: agents });
            let requested =
                ToEngineer::Requested { session, run, agent: agent_key, pipe, pipe_ticket: engineers };
            state.send(mailbox.id, &requested);
            Ok(())
        })
    }

    /// Takes in what an earlier relay left running.
    pub(crate) fn restore(&self, sessions: Vec<RunningSession>) {
        let found = sessions.len();
        self.with(|state| {
            for running in sessions {
                let ledger = Ledger::new(running.reference);
                ledger.traffic.count(Role::Agent, running.bytes_to_agent);
                ledger.traffic.count(Role::Engineer, running.bytes_to_engineer);
                state.ledgers.insert(running.remembered.session, ledger);
                state.directory.restore(&running.remembered, self.clock());
            }
        });
        if found > 0 {
            tracing::info!(sessions = found, "an earlier relay left sessions running");
        }
        self.enforce_roster();
    }

    /// Writes down how much has passed so far.
    pub(crate) fn record_traffic(&self) {
        let changed: Vec<_> = self.with(|state| {
            let ledgers = state.ledgers.iter_mut();
            ledgers.filter_map(|(session, ledger)| Some((*session, ledger.take_changed()?))).collect()
        });
        for (session, (bytes_to_agent, bytes_to_engineer)) in changed {
            self.write(SessionChange::Traffic { session, bytes_to_agent, bytes_to_engineer });
        }
        self.store().note_clock(self.clock.reading());
    }
}
