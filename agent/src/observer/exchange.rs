//! The OPAQUE run with which an observer's pipe begins: the link's key is the password, the agent the server.

use std::sync::Arc;

use fieldlink_protocol::ids::{ObserverId, RunId, SessionId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::{PairingContext, PairingMessage, Registration};
use fieldlink_protocol::reason::Reason;
use fieldlink_transport::Attached;
use tokio::time::timeout;

/// The keys, if the other side knows the link's key. There is no bound to tries: nobody guesses 32 random bytes.
pub(super) async fn exchange(
    attached: &mut Attached,
    registration: &Arc<Registration>,
    who: (SessionId, RunId, ObserverId),
) -> Result<SessionKeys, Reason> {
    let exchanged = timeout(limits::PAIRING, try_exchange(attached, registration, who));
    exchanged.await.unwrap_or(Err(Reason::PairingTimeout))
}

async fn try_exchange(
    attached: &mut Attached,
    registration: &Arc<Registration>,
    (session, run, observer): (SessionId, RunId, ObserverId),
) -> Result<SessionKeys, Reason> {
    let context = PairingContext::of_observer(session, run, observer);
    let start = attached.receive().await.map_err(|_| Reason::PairingAborted)?;
    let Ok(PairingMessage::Start { ke1, .. }) = PairingMessage::decode(&start) else {
        return Err(Reason::PairingAborted);
    };
    let (login, ke2) = registration.respond(&ke1, &context).map_err(|_| Reason::PairingAborted)?;
    let sent = attached.send(PairingMessage::Response(ke2).encode()).await;
    sent.map_err(|_| Reason::PairingAborted)?;
    let finish = attached.receive().await.map_err(|_| Reason::PairingAborted)?;
    match PairingMessage::decode(&finish) {
        Ok(PairingMessage::Finish(ke3)) => login.finish(&ke3).map_err(|_| Reason::WrongPin),
        _ => Err(Reason::PairingAborted),
    }
}
