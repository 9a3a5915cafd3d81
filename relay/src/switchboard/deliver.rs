//! Carrying out what the directory wants done.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use serde::Serialize;

use super::{Outgoing, State, Switchboard};
use crate::directory::{Admission, ConnectionId, Farewell, Standing};
use crate::store::{SessionChange, unix_now};

impl Switchboard {
    pub(super) fn give_ticket(&self, state: &State, side: Role, link: ConnectionId, admission: &Admission) {
        let session = admission.session;
        let session_ticket = self.tickets().session_ticket(admission, side);
        match side {
            Role::Agent => state.send(link, &ToAgent::SessionTicket { session, session_ticket }),
            Role::Engineer => state.send(link, &ToEngineer::SessionTicket { session, session_ticket }),
        }
    }

    pub(super) fn write_admission(&self, session: SessionId, standing: Standing) {
        tracing::info!(%session, run = %standing.run, "session admitted");
        self.write(SessionChange::Admitted { session, at: unix_now(), standing });
    }

    pub(super) fn write_end(&self, state: &mut State, session: SessionId, reason: Reason) {
        // Without one it was refused, and there is no row of it.
        let Some(ledger) = state.ledgers.remove(&session) else { return };
        let (bytes_to_agent, bytes_to_engineer) = ledger.traffic.read();
        tracing::info!(%session, reason = reason.code(), bytes_to_agent, bytes_to_engineer, "session ended");
        let at = unix_now();
        self.write(SessionChange::Ended { session, at, reason, bytes_to_agent, bytes_to_engineer });
    }

    pub(super) fn write(&self, change: SessionChange) {
        self.store().record(change);
    }
}

impl State {
    pub(super) fn send(&self, link: ConnectionId, message: &impl Serialize) {
        if let Some(mailbox) = self.mailboxes.get(&link) {
            mailbox.put(Outgoing::Text(encode(message)));
        }
    }

    pub(super) fn watch(&self, link: ConnectionId, watch: bool) {
        if let Some(mailbox) = self.mailboxes.get(&link) {
            mailbox.put(Outgoing::Watch(watch));
        }
    }

    pub(super) fn close(&self, link: ConnectionId, farewell: Farewell) {
        if farewell == Farewell::IdTaken {
            self.send(link, &ToAgent::Refused { code: RegistrationRefusal::IdTaken, reason: None });
        }
        if let Some(mailbox) = self.mailboxes.get(&link) {
            mailbox.put(Outgoing::Close(farewell));
        }
    }
}
