//! Carrying out what the directory wants done.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use serde::Serialize;

use super::{LineEnd, Outgoing, State, Switchboard};
use crate::directory::{Admission, ConnectionId, Farewell};
use crate::store::{SessionChange, unix_now};

impl Switchboard {
    pub(super) fn give_ticket(&self, state: &mut State, side: Role, admission: &Admission) {
        let session = admission.session;
        let session_ticket = self.tickets().session_ticket(admission, side);
        match side {
            Role::Agent => {
                state.send(admission.agent_link, &ToAgent::SessionTicket { session, session_ticket });
            }
            Role::Engineer => {
                state.send(admission.engineer_link, &ToEngineer::SessionTicket { session, session_ticket });
            }
        }
    }

    pub(super) fn write_admission(&self, session: SessionId) {
        tracing::info!(%session, "session admitted");
        self.write(SessionChange::Admitted { session, at: unix_now() });
    }

    pub(super) fn write_end(&self, state: &mut State, session: SessionId, reason: Reason) {
        let traffic = state.traffic.remove(&session).unwrap_or_default();
        let (bytes_to_agent, bytes_to_engineer) = traffic.read();
        tracing::info!(%session, reason = reason.code(), bytes_to_agent, bytes_to_engineer, "session ended");
        let at = unix_now();
        self.write(SessionChange::Ended { session, at, reason, bytes_to_agent, bytes_to_engineer });
    }

    fn write(&self, change: SessionChange) {
        if let Err(error) = self.store().record(change) {
            tracing::error!(%error, ?change, "could not write to the audit log");
        }
    }
}

impl State {
    pub(super) fn send(&self, link: ConnectionId, message: &impl Serialize) {
        if let Some(line) = self.lines.get(&link) {
            line.put(Outgoing::Text(encode(message)));
        }
    }

    pub(super) fn close(&self, link: ConnectionId, farewell: Farewell) {
        if farewell == Farewell::IdTaken {
            self.send(link, &ToAgent::Refused { code: RegistrationRefusal::IdTaken });
        }
        if let Some(line) = self.lines.get(&link) {
            line.put(Outgoing::Close(farewell));
        }
    }
}

impl LineEnd {
    pub(super) fn put(&self, outgoing: Outgoing) {
        if let Err(tokio::sync::mpsc::error::TrySendError::Full(_)) =
            self.mailbox.try_send(Box::new(outgoing))
        {
            self.overflow.cancel();
        }
    }
}
