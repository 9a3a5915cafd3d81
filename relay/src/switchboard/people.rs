//! Further people at a session: join codes, and those who only watch.

use std::time::Instant;

use fieldlink_protocol::ids::{AgentKey, ObserverId, PipeId, SessionId};
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::observer::ToObserver;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{ObserverTicket, SessionTicket, Signed};

use super::{Mailbox, State, Switchboard};
use crate::directory::{NotWatched, Watched};
use crate::tickets::PipeName;

impl Switchboard {
    /// The session that a join code leads into, for the agent that has its ticket.
    pub(super) fn joined(
        &self,
        joins: Option<&Signed<SessionTicket>>,
    ) -> Result<Option<SessionId>, RegistrationRefusal> {
        let Some(joins) = joins else { return Ok(None) };
        let ticket = self.tickets.verify_any_agents_session(joins, self.unix());
        let ticket = ticket.ok_or(RegistrationRefusal::SessionOver)?;
        let runs = |key: &AgentKey| self.with(|state| state.directory.may_return(ticket.session, *key));
        match runs(&ticket.agent_key) {
            true => Ok(Some(ticket.session)),
            false => Err(RegistrationRefusal::SessionOver),
        }
    }

    /// Gives an agent the ticket of a link, if it may have one.
    pub(super) fn share(
        &self,
        state: &mut State,
        mailbox: &Mailbox,
        session: SessionId,
        observer: ObserverId,
    ) {
        let Some(shared) = state.directory.share(mailbox.id, session, observer) else { return };
        tracing::info!(%session, %observer, "the client lets somebody watch");
        let observer_ticket = self.tickets.observer_ticket(session, observer, &shared);
        state.send(mailbox.id, &ToAgent::Shared { session, observer, observer_ticket });
    }

    /// A pipe for somebody who watches. The agent is told.
    pub(crate) async fn watch(&self, ticket: &ObserverTicket) -> ToObserver {
        let (now, pipe) = (Instant::now(), PipeId::random());
        let watched = self.with(|state| {
            if state.stopping || state.watches.admit(ticket.observer, now).is_err() {
                return Err(NotWatched::NotNow);
            }
            let watched = state.directory.watch(ticket, pipe, now)?;
            Ok(self.open_watched(state, ticket, pipe, &watched))
        });
        match watched {
            Ok(opened) => opened,
            Err(NotWatched::NotNow) => ToObserver::Unavailable {},
            Err(NotWatched::Over(Some(reason))) => ToObserver::Ended { reason },
            Err(NotWatched::Over(None)) => {
                let known = self.store().session_end(ticket.session).await.ok().flatten();
                ToObserver::Ended { reason: known.unwrap_or(Reason::Unknown) }
            }
        }
    }

    fn open_watched(
        &self,
        state: &State,
        ticket: &ObserverTicket,
        pipe: PipeId,
        watched: &Watched,
    ) -> ToObserver {
        let observer = ticket.observer;
        let Watched { session, run, agent, engineer, validity } = *watched;
        let (kind, reference) = (PipeKind::Observer.into(), state.reference(session));
        let name = PipeName { session, run, pipe, kind, engineer, reference, validity };
        let pipe_ticket = self.tickets.pipe_ticket(&name, Role::Agent);
        state.send(agent, &ToAgent::Watch { session, observer, run, pipe, pipe_ticket });
        let pipe_ticket = self.tickets.pipe_ticket(&name, Role::Engineer);
        ToObserver::Opened { session, observer, run, pipe, pipe_ticket }
    }
}
