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
    reference: String,
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
    let mut desk = Desk { control, engineer, switchboard, reference: String::new() };
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
                FromEngineer::Open { request } => self.open(request).await?,
                FromEngineer::End { reason } => self.switchboard.engineer_ends(self.control.line(), reason),
            }
        }
    }

    async fn request(&mut self, request: Request) -> Result<(), End> {
        self.reference.clone_from(&request.reference);
        match self.switchboard.request(self.control.line(), &self.engineer, request).await {
            Ok(()) => Ok(()),
            Err(answer) => self.control.send(&answer).await,
        }
    }

    async fn open(&mut self, request: u32) -> Result<(), End> {
        let opened = self.switchboard.open_pipe(self.control.line(), &self.engineer, &self.reference);
        let answer = match opened {
            Ok((pipe, pipe_ticket)) => ToEngineer::Opened { request, pipe, pipe_ticket },
            Err(code) => ToEngineer::NotOpened { request, code },
        };
        self.control.send(&answer).await
    }
}
