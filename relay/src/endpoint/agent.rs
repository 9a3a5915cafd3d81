//! `/v1/agent`: an agent registers, and is told of requests for as long as it is here.

use std::sync::Arc;

use fieldlink_protocol::ids::Challenge;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::registration::verify;
use tokio::time::timeout;

use crate::config::Limits;
use crate::control::{Control, End, Haste};
use crate::permits::Permit;
use crate::socket::WebSocket;
use crate::switchboard::{Mailbox, Switchboard};

/// The place that an agent's connection takes.
pub(crate) struct Place {
    /// The session ticket that it was shown for: then it is for that session's agent only.
    pub ticket: Option<String>,
    /// The place.
    pub permit: Permit,
}

/// Serves one agent until it goes, or has to go.
pub(crate) async fn serve(
    socket: WebSocket,
    mailbox: Mailbox,
    switchboard: Arc<Switchboard>,
    limits: Limits,
    place: Place,
) {
    let Place { ticket, permit: _permit } = place;
    let mut control = Control::new(socket, mailbox, &limits, false, Haste::Cut);
    let end = match timeout(limits.handshake, register(&mut control, &switchboard, ticket.as_deref())).await {
        Ok(Ok(())) => listen(&mut control, &switchboard).await,
        Ok(Err(end)) => end,
        Err(_) => End::Unregistered,
    };
    tracing::debug!(%end, "agent's connection is over");
    control.close(end).await;
}

async fn register(control: &mut Control, switchboard: &Switchboard, ticket: Option<&str>) -> Result<(), End> {
    let challenge = Challenge::random();
    control.send(&ToAgent::Challenge { challenge, features: Features::ours() }).await?;
    let FromAgent::Register { claim, key, signature, .. } = control.next().await? else {
        return Err(End::Unregistered);
    };
    if ticket.is_some_and(|shown| !is_for(&claim, shown)) {
        return Err(End::Malformed("the place is for the session whose ticket the request has shown".into()));
    }
    let registered = match verify(&key, &challenge, &claim.signed_text(), &signature) {
        true => switchboard.register(control.mailbox(), key, &claim),
        false => Err(RegistrationRefusal::BadSignature),
    };
    match registered {
        Ok(lease) => control.send(&ToAgent::Registered { lease }).await,
        Err(code) => {
            let reason = switchboard.end_of_claimed(&key, &claim).await;
            control.send(&ToAgent::Refused { code, reason }).await?;
            Err(End::Unregistered)
        }
    }
}

/// Whether the claim is made with the ticket that was `shown`.
fn is_for(claim: &Claim, shown: &str) -> bool {
    matches!(claim, Claim::Session { session_ticket } if session_ticket.as_str() == shown)
}

/// The relay does not ping an agent without a session: it pings, so that an idle one costs nothing.
async fn listen(control: &mut Control, switchboard: &Switchboard) -> End {
    loop {
        match control.next().await {
            Ok(message) => {
                if !switchboard.agent_says(control.mailbox(), message) {
                    return End::Malformed("an agent registers once".into());
                }
            }
            Err(end) => return end,
        }
    }
}
