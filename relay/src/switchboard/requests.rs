//! Engineers' requests: for a device, and for further pipes.

use std::net::IpAddr;
use std::time::{Duration, Instant};

use fieldlink_protocol::code::Code;
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::{OpenRefusal, ToEngineer, Unavailable};
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::text;
use fieldlink_protocol::ticket::{PipeTicket, Signed};

use super::mailbox::MailboxEntry;
use super::{Ledger, Mailbox, State, Switchboard};
use crate::directory::{Asked, Fresh, Question};
use crate::store::{OpenedSession, unix_now};
use crate::tickets::PipeName;

/// What an engineer asks for.
#[derive(Debug, Clone)]
pub(crate) struct Request {
    /// The device.
    pub support_id: SupportId,
    /// The support case.
    pub reference: String,
    /// The reseller, if any.
    pub partner: Option<String>,
}

impl Switchboard {
    /// Asks for a device. Both sides are told when the audit row is written; `Err` is the answer
    /// to an engineer whose request leads nowhere.
    pub(crate) async fn request(
        &self,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
        request: Request,
    ) -> Result<(), ToEngineer> {
        let (asked, address) = self.find_device(mailbox, engineer, &request)?;
        if asked.is_new {
            self.write_request(engineer, &request, &asked, address).await?;
        }
        self.with(|state| {
            // The agent may have gone while the row was written.
            if !state.directory.announce(&asked) {
                return Err(unavailable(Unavailable::NotAvailable, None));
            }
            self.announce(state, mailbox, engineer, &request, &asked);
            Ok(())
        })
    }

    /// Opens a further pipe and tells both sides, or says why not.
    pub(crate) fn open_pipe(
        &self,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
        kind: Code<PipeKind>,
    ) -> Result<(PipeId, Signed<PipeTicket>), OpenRefusal> {
        self.with(|state| {
            let opened = state.directory.open_pipe(mailbox.id, (PipeId::random(), kind), Instant::now())?;
            let name = PipeName {
                session: opened.session,
                run: opened.run,
                pipe: opened.pipe,
                kind,
                engineer: engineer.id,
                reference: state.reference(opened.session),
                validity: (opened.not_before, opened.expires),
            };
            let pipe_ticket = self.tickets().pipe_ticket(&name, Role::Agent);
            state.send(
                opened.agent,
                &ToAgent::Open { session: opened.session, pipe: opened.pipe, kind, pipe_ticket },
            );
            Ok((opened.pipe, self.tickets().pipe_ticket(&name, Role::Engineer)))
        })
    }

    fn find_device(
        &self,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
        request: &Request,
    ) -> Result<(Asked, IpAddr), ToEngineer> {
        let now = Instant::now();
        let question =
            Question { link: mailbox.id, support_id: request.support_id, now, unix_now: self.unix() };
        let fresh = Fresh { session: SessionId::random(), run: RunId::random(), pipe: PipeId::random() };
        self.with(|state| {
            state.requests.admit(engineer.id, now).map_err(rate_limited)?;
            let asked = if state.stopping { None } else { state.directory.request(question, fresh) };
            let asked = asked.ok_or_else(|| unavailable(Unavailable::NotAvailable, None))?;
            if asked.is_new {
                state.ledgers.insert(asked.session, Ledger::new(request.reference.clone()));
            }
            let address = state.mailboxes.get(&asked.agent).map(MailboxEntry::address);
            Ok((asked, address.unwrap_or(IpAddr::from([0, 0, 0, 0]))))
        })
    }

    async fn write_request(
        &self,
        engineer: &EngineerIdentity,
        request: &Request,
        asked: &Asked,
        device_address: IpAddr,
    ) -> Result<(), ToEngineer> {
        let opened = OpenedSession {
            session: asked.session,
            engineer: engineer.clone(),
            reference: request.reference.clone(),
            partner: request.partner.clone(),
            support_id: request.support_id,
            device_address,
            at: unix_now(),
            not_before: asked.not_before,
            joins: asked.joins,
        };
        self.store().open_session(opened).await.map_err(|error| {
            tracing::warn!(%error, "refused a session that could not be written down");
            self.with(|state| {
                state.ledgers.remove(&asked.session);
                state.directory.abandon(asked.session);
            });
            unavailable(Unavailable::StoreDown, None)
        })
    }

    fn announce(
        &self,
        state: &mut State,
        mailbox: &Mailbox,
        engineer: &EngineerIdentity,
        request: &Request,
        asked: &Asked,
    ) {
        let Asked { session, run, pipe, .. } = *asked;
        let name = PipeName {
            session,
            run,
            pipe,
            kind: PipeKind::Control.into(),
            engineer: engineer.id,
            reference: &request.reference,
            validity: (asked.not_before, asked.expires),
        };
        let (who, ticket) = (text::name(&engineer.name), text::name(&request.reference));
        tracing::info!(%session, %run, engineer = %engineer.id, who, ticket, "pairing begins");
        let pair = ToAgent::Pair {
            session,
            run,
            engineer: engineer.clone(),
            ticket: request.reference.clone(),
            partner: request.partner.clone(),
            pipe,
            pipe_ticket: self.tickets().pipe_ticket(&name, Role::Agent),
        };
        state.send(asked.agent, &pair);
        let pipe_ticket = self.tickets().pipe_ticket(&name, Role::Engineer);
        let agent = asked.agent_key;
        state.send(mailbox.id, &ToEngineer::Requested { session, run, agent, pipe, pipe_ticket });
    }
}

impl State {
    /// The support case of a session.
    pub(super) fn reference(&self, session: SessionId) -> &str {
        self.ledgers.get(&session).map_or("", |ledger| &ledger.reference)
    }
}

pub(super) fn rate_limited(wait: Duration) -> ToEngineer {
    unavailable(Unavailable::RateLimited, Some(wait.as_secs_f64().ceil() as u32))
}

pub(super) fn unavailable(code: Unavailable, retry_after: Option<u32>) -> ToEngineer {
    ToEngineer::Unavailable { code, retry_after }
}
