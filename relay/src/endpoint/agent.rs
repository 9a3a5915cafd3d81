//! `/v1/agent`: an agent registers, and is told of requests for as long as it is here.

use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::Challenge;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::registration::verify;
use tokio::time::timeout;

use crate::control::{Control, End};
use crate::permits::Permit;
use crate::switchboard::Switchboard;

/// Serves one agent until it goes, or has to go. `ticket`: the session ticket that its place was shown for; then it is
/// for that session's agent only. `patience`: how long it may take to register.
///
/// Thousands of them wait, and the future is what each costs: so it takes over what it is given (an `async fn` keeps
/// its arguments beside its variables), and what comes before and after the waiting has memory of its own.
#[expect(clippy::manual_async_fn, reason = "see above")]
pub(crate) fn serve(
    mut control: Control,
    switchboard: Arc<Switchboard>,
    patience: Duration,
    (ticket, permit): (Option<String>, Permit),
) -> impl Future<Output = ()> + use<> {
    async move {
        let registering = timeout(patience, register(&mut control, &switchboard, ticket));
        let end = match Box::pin(registering).await {
            Ok(Ok(())) => listen(&mut control, &switchboard).await,
            Ok(Err(end)) => end,
            Err(_) => End::Unregistered,
        };
        tracing::debug!(%end, "agent's connection is over");
        Box::pin(control.close(end)).await;
        drop(permit);
    }
}

async fn register(
    control: &mut Control,
    switchboard: &Switchboard,
    ticket: Option<String>,
) -> Result<(), End> {
    let challenge = Challenge::random();
    control.send(&ToAgent::Challenge { challenge, features: switchboard.features() }).await?;
    let FromAgent::Register { claim, key, signature, features } = control.next().await? else {
        return Err(End::Unregistered);
    };
    if ticket.is_some_and(|shown| !is_for(&claim, &shown)) {
        return Err(End::Malformed("the place is for the session whose ticket the request has shown".into()));
    }
    let registered = match verify(&key, &challenge, &claim.signed_text(), &signature) {
        true => switchboard.register(control.mailbox(), key, &claim),
        false => Err(RegistrationRefusal::BadSignature),
    };
    switchboard.note_features(control.mailbox(), &features);
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
