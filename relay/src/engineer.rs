//! `/v1/engineer`: an engineer, whose credential was checked, asks for a device and for pipes.

use std::sync::Arc;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};

use crate::config::Limits;
use crate::control::{Control, End};
use crate::permits::Permit;
use crate::socket::WebSocket;
use crate::switchboard::{Line, Request, Switchboard};

struct Desk {
    control: Control,
    engineer: EngineerIdentity,
    switchboard: Arc<Switchboard>,
    /// The support case of the latest request.
    /// Ticket and partner, from the first request on.
    case: Option<(String, Option<String>)>,
}

/// Serves one engineer's connection until it ends.
pub async fn serve(
    socket: WebSocket,
    line: Line,
    engineer: EngineerIdentity,
    switchboard: Arc<Switchboard>,
    limits: Limits,
    _permit: Permit,
) {
    let control = Control::new(socket, line, &limits, true);
    let mut desk = Desk { control, engineer, switchboard, case: None };
    let end = desk.work().await;
    tracing::debug!(%end, "engineer's connection is over");
    desk.control.close(end).await;
}

impl Desk {
    async fn work(&mut self) -> End {
        match self.try_work().await {
            Ok(never) => never,
            Err(end) => end,
        }
    }

    async fn try_work(&mut self) -> Result<End, End> {
        // Revoked between the check and the line: nobody else would notice.
        self.switchboard.enforce_roster();
        self.control.send(&ToEngineer::Welcome { features: Features::ours() }).await?;
        loop {
            match self.control.next().await? {
                FromEngineer::Request { support_id, ticket, partner, .. } => {
                    self.request(Request { support_id, reference: ticket, partner }).await?;
                }
                FromEngineer::Resume { .. } | FromEngineer::PairAgain {} => {
                    return Err(End::Malformed("this relay does not resume sessions".into()));
                }
                FromEngineer::Open { request } => self.open(request).await?,
                FromEngineer::End { reason } => self.switchboard.engineer_ends(self.control.line(), reason),
            }
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), End> {
        let case = (request.reference.clone(), request.partner.clone());
        if *self.case.get_or_insert_with(|| case.clone()) != case {
            // One audit row per session: what the client agrees to must be what stands there.
            return Err(End::Malformed("a connection is for one support case".into()));
        }
        match self.switchboard.request(self.control.line(), &self.engineer, request).await {
            Ok(()) => Ok(()),
            Err(answer) => self.control.send(&answer).await,
        }
    }

    async fn open(&mut self, request: u32) -> Result<(), End> {
        let reference = self.case.as_ref().map_or("", |(reference, _)| reference);
        let opened = self.switchboard.open_pipe(self.control.line(), &self.engineer, reference);
        let answer = match opened {
            Ok((pipe, pipe_ticket)) => ToEngineer::Opened { request, pipe, pipe_ticket },
            Err(code) => ToEngineer::NotOpened { request, code },
        };
        self.control.send(&answer).await
    }
}
