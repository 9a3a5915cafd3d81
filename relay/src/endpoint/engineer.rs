//! `/v1/engineer`: an engineer, whose credential was checked, asks for a device and for pipes.

use std::sync::Arc;

use fieldlink_protocol::code::Code;
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::ticket::{SessionTicket, Signed};

use crate::config::Limits;
use crate::control::{Control, End, Haste};
use crate::directory::Farewell;
use crate::permits::Permit;
use crate::socket::WebSocket;
use crate::switchboard::{Mailbox, Request, Resumption, Switchboard};

struct EngineerConnection {
    control: Control,
    engineer: EngineerIdentity,
    switchboard: Arc<Switchboard>,
    purpose: Purpose,
}

/// What a connection is for. One thing only.
enum Purpose {
    /// The engineer has yet to say.
    Unknown,
    /// Asking for a device, for one support case: ticket and partner.
    Case(String, Option<String>),
    /// A session that began on another connection.
    Resumed,
}

/// Serves one engineer's connection until it ends.
pub(crate) async fn serve(
    socket: WebSocket,
    mailbox: Mailbox,
    engineer: EngineerIdentity,
    switchboard: Arc<Switchboard>,
    limits: Arc<Limits>,
    _permit: Permit,
) {
    let control = Control::new(socket, mailbox, limits, true, Haste::Slowed);
    let mut connection = EngineerConnection { control, engineer, switchboard, purpose: Purpose::Unknown };
    let end = connection.work().await;
    tracing::debug!(%end, "engineer's connection is over");
    connection.control.close(end).await;
}

impl EngineerConnection {
    async fn work(&mut self) -> End {
        match self.try_work().await {
            Ok(never) => never,
            Err(end) => end,
        }
    }

    async fn try_work(&mut self) -> Result<End, End> {
        // If the engineer was revoked after the check and before the mailbox was made, the task that enforces
        // revocations has missed this connection.
        self.switchboard.enforce_roster();
        self.control.send(&ToEngineer::Welcome { features: self.switchboard.features() }).await?;
        loop {
            match self.control.next().await? {
                FromEngineer::Request { support_id, ticket, partner, features } => {
                    self.switchboard.note_features(self.control.mailbox(), &features);
                    self.request(Request { support_id, reference: ticket, partner }).await?;
                }
                FromEngineer::Resume { session, session_ticket, features } => {
                    self.switchboard.note_features(self.control.mailbox(), &features);
                    self.resume(session, &session_ticket).await?;
                }
                FromEngineer::PairAgain {} => self.pair_again().await?,
                FromEngineer::Open { request, kind } => self.open(request, kind).await?,
                FromEngineer::End { reason } => {
                    self.switchboard.engineer_ends(self.control.mailbox(), reason)
                }
            }
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), End> {
        match &self.purpose {
            Purpose::Unknown => {
                self.purpose = Purpose::Case(request.reference.clone(), request.partner.clone());
            }
            Purpose::Case(reference, partner)
                if (reference, partner) == (&request.reference, &request.partner) => {}
            // One audit row per session: what the client agrees to must be what stands there.
            Purpose::Case(..) => return Err(malformed("a connection is for one support case")),
            Purpose::Resumed => return Err(malformed("this connection has a session")),
        }
        match self.switchboard.request(self.control.mailbox(), &self.engineer, request).await {
            Ok(()) => Ok(()),
            Err(answer) => self.control.send(&answer).await,
        }
    }

    async fn resume(
        &mut self,
        session: SessionId,
        session_ticket: &Signed<SessionTicket>,
    ) -> Result<(), End> {
        if !matches!(self.purpose, Purpose::Unknown) {
            return Err(malformed("a session is resumed first or not at all"));
        }
        let mailbox = self.control.mailbox();
        match self.switchboard.resume(mailbox, &self.engineer, session, session_ticket).await {
            Resumption::Resumed => {
                self.purpose = Purpose::Resumed;
                self.control.send(&ToEngineer::Resumed { session }).await
            }
            Resumption::NotYet(answer) => self.control.send(&answer).await,
            Resumption::Over(reason) => {
                self.control.send(&ToEngineer::Ended { session, reason }).await?;
                Err(End::Farewell(Farewell::Ended(reason)))
            }
        }
    }

    async fn pair_again(&mut self) -> Result<(), End> {
        match self.switchboard.pair_again(self.control.mailbox(), &self.engineer) {
            Ok(()) => Ok(()),
            Err(answer) => self.control.send(&answer).await,
        }
    }

    async fn open(&mut self, request: u32, kind: Code<PipeKind>) -> Result<(), End> {
        let opened = self.switchboard.open_pipe(self.control.mailbox(), &self.engineer, kind);
        let answer = match opened {
            Ok((pipe, pipe_ticket)) => ToEngineer::Opened { request, pipe, pipe_ticket },
            Err(code) => ToEngineer::NotOpened { request, code },
        };
        self.control.send(&answer).await
    }
}

fn malformed(what: &str) -> End {
    End::Malformed(what.into())
}
