//! One OPAQUE run, as the agent's side of it: attach, answer, verify.
//!
//! The run asks the rules at every step that counts. A charge that is not settled by a verified
//! third message stands, however the run ends.

use std::sync::Arc;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{PipeId, RunId, SessionId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::pairing::{PairingContext, PairingMessage, Registration};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::transport::{Attached, Dialer};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::rules::Request;

/// What the relay offered.
pub struct Offer {
    /// Who asks, as the relay says.
    pub request: Request,
    /// Our support ID.
    pub support_id: SupportId,
    /// The control pipe.
    pub pipe: PipeId,
    /// Attaches us to it.
    pub pipe_ticket: String,
}

/// Asks the rules for leave to send the second message.
pub struct ChargeRequest {
    /// The pair that is tried.
    pub registration: Arc<Registration>,
    /// The rules' answer.
    pub reply: oneshot::Sender<Result<Charge, Reason>>,
}

/// How a run ended.
pub struct Run {
    /// Who asked.
    pub request: Request,
    /// The pair that was tried.
    pub registration: Arc<Registration>,
    /// What came of it.
    pub outcome: Outcome,
}

/// What came of a run.
pub enum Outcome {
    /// The third message verified.
    Verified(Box<Verified>, Charge),
    /// The second message left, and no valid third one came.
    Failed(Reason, Charge),
    /// Nothing was charged.
    Uncharged(Reason),
}

/// A control pipe whose peer knows the PIN.
pub struct Verified {
    /// The connection, before its HELLO.
    pub attached: Attached,
    /// The control pipe.
    pub pipe: PipeId,
    /// What both sides now share.
    pub keys: SessionKeys,
}

/// Runs one pairing to its end, within [`limits::PAIRING`] after the engineer's first message.
pub async fn run(
    dialer: Dialer,
    offer: Offer,
    registration: Arc<Registration>,
    charges: mpsc::Sender<ChargeRequest>,
) -> Run {
    let request = offer.request.clone();
    let outcome = match Attached::attach(&dialer, &offer.pipe_ticket).await {
        Ok(attached) => Exchange { attached, offer, registration: registration.clone(), charges }.run().await,
        Err(error) => {
            tracing::info!(%error, "could not attach to a control pipe");
            Outcome::Uncharged(Reason::PartnerMissing)
        }
    };
    Run { request, registration, outcome }
}

struct Exchange {
    attached: Attached,
    offer: Offer,
    registration: Arc<Registration>,
    charges: mpsc::Sender<ChargeRequest>,
}

impl Exchange {
    async fn run(mut self) -> Outcome {
        let Ok(Some(ke1)) = timeout(limits::PAIRING, self.receive_start()).await else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return Outcome::Uncharged(Reason::PairingAborted);
        };
        let context = self.context();
        let Ok((login, ke2)) = self.registration.respond(&ke1, &context) else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return Outcome::Uncharged(Reason::PairingAborted);
        };
        let charge = match self.charge().await {
            Ok(charge) => charge,
            Err(reason) => return self.refuse(reason).await,
        };
        let ke3 = match timeout(limits::PAIRING, self.exchange(PairingMessage::Response(ke2))).await {
            Ok(Some(ke3)) => ke3,
            Ok(None) => return Outcome::Failed(Reason::PairingAborted, charge),
            Err(_) => return Outcome::Failed(Reason::PairingTimeout, charge),
        };
        match login.finish(&ke3) {
            Ok(keys) => Outcome::Verified(
                Box::new(Verified { attached: self.attached, pipe: self.offer.pipe, keys }),
                charge,
            ),
            Err(_) => {
                let _ = self.attached.send(PairingMessage::Refused(Reason::WrongPin).encode()).await;
                Outcome::Failed(Reason::WrongPin, charge)
            }
        }
    }

    async fn receive_start(&mut self) -> Option<bytes::Bytes> {
        match PairingMessage::decode(&self.attached.receive().await.ok()?) {
            Ok(PairingMessage::Start(ke1)) => Some(ke1),
            _ => None,
        }
    }

    async fn exchange(&mut self, response: PairingMessage) -> Option<bytes::Bytes> {
        self.attached.send(response.encode()).await.ok()?;
        match PairingMessage::decode(&self.attached.receive().await.ok()?) {
            Ok(PairingMessage::Finish(ke3)) => Some(ke3),
            _ => None,
        }
    }

    async fn charge(&self) -> Result<Charge, Reason> {
        let (reply, answer) = oneshot::channel();
        let request = ChargeRequest { registration: self.registration.clone(), reply };
        self.charges.send(request).await.map_err(|_| Reason::AgentStopped)?;
        answer.await.unwrap_or(Err(Reason::AgentStopped))
    }

    async fn refuse(mut self, reason: Reason) -> Outcome {
        let _ = self.attached.send(PairingMessage::Refused(reason).encode()).await;
        self.attached.close(reason.code()).await;
        Outcome::Uncharged(reason)
    }

    fn context(&self) -> PairingContext {
        let Request { session, run, engineer, ticket, partner }: Request = self.offer.request.clone();
        let (session, run, engineer): (SessionId, RunId, EngineerIdentity) = (session, run, engineer);
        PairingContext { session, run, support_id: self.offer.support_id, engineer, ticket, partner }
    }
}

/// Tells an engineer who knows the PIN that it leads nowhere now. Takes a second at most.
pub async fn refuse(mut verified: Verified, reason: Reason) {
    let refusal = verified.attached.send(PairingMessage::Refused(reason).encode());
    let _ = timeout(limits::CLOSE, refusal).await;
    verified.attached.close(reason.code()).await;
}
