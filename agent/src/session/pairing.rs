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
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_transport::{Attached, AttachedError, Dialer};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::rules::Request;

/// What the relay offered.
pub(crate) struct Offer {
    /// The engineer's request, as the relay says.
    pub request: Request,
    /// Our support ID, which the run's keys are bound to.
    pub support_id: SupportId,
    /// The control pipe that carries the run.
    pub pipe: PipeId,
    /// Attaches us to it.
    pub pipe_ticket: Signed<PipeTicket>,
}

/// Asks the rules for leave to send the second message.
pub(crate) struct ChargeRequest {
    /// The pair that is tried.
    pub registration: Arc<Registration>,
    /// The rules' answer: a charge, or why the run ends here.
    pub reply: oneshot::Sender<Result<Charge, Reason>>,
}

/// How a run ended.
pub(crate) struct Run<C = Charge> {
    /// The request that the run was for.
    pub request: Request,
    /// The pair that was tried.
    pub registration: Arc<Registration>,
    /// What came of it.
    pub outcome: Outcome<C>,
}

/// What came of a run.
pub(crate) enum Outcome<C> {
    /// The third message verified. With what was charged for the second one.
    Verified(Box<Verified>, C),
    /// The second message left, and no valid third one came.
    Failed(Reason, C),
    /// The run ended before anything was charged.
    Uncharged(Reason),
}

/// A control pipe whose peer knows the PIN.
pub(crate) struct Verified {
    /// The connection, before its HELLO.
    pub attached: Attached,
    /// The control pipe's ID, from which its key is derived.
    pub pipe: PipeId,
    /// What both sides now share.
    pub keys: SessionKeys,
}

/// Gives leave to send the second message, after which a guess at the password is known to be right or
/// wrong.
pub(crate) trait Leave: Send + Sync {
    /// What the leave costs, to be settled after the run.
    type Charge: Send;

    /// Asks for leave. An error is why the run ends here.
    fn charge(
        &self,
        registration: &Arc<Registration>,
    ) -> impl Future<Output = Result<Self::Charge, Reason>> + Send;
}

/// A PIN is short: the rules count.
pub(crate) struct AskTheRules(pub mpsc::Sender<ChargeRequest>);

/// A key cannot be guessed.
pub(crate) struct Freely;

impl Leave for AskTheRules {
    type Charge = Charge;

    async fn charge(&self, registration: &Arc<Registration>) -> Result<Charge, Reason> {
        let (reply, answer) = oneshot::channel();
        let request = ChargeRequest { registration: registration.clone(), reply };
        self.0.send(request).await.map_err(|_| Reason::AgentStopped)?;
        answer.await.unwrap_or(Err(Reason::AgentStopped))
    }
}

impl Leave for Freely {
    type Charge = ();

    async fn charge(&self, _: &Arc<Registration>) -> Result<(), Reason> {
        Ok(())
    }
}

/// Runs one pairing to its end, within [`limits::PAIRING`] after the engineer's first message.
pub(crate) async fn run<L: Leave>(
    dialer: Dialer,
    offer: Offer,
    registration: Arc<Registration>,
    leave: L,
) -> Run<L::Charge> {
    let request = offer.request.clone();
    let outcome = match Attached::attach(&dialer, &offer.pipe_ticket).await {
        Ok(attached) => Exchange { attached, offer, registration: registration.clone(), leave }.run().await,
        Err(error) => {
            tracing::info!(%error, "could not attach to a control pipe");
            Outcome::Uncharged(Reason::PartnerMissing)
        }
    };
    Run { request, registration, outcome }
}

struct Exchange<L> {
    attached: Attached,
    offer: Offer,
    registration: Arc<Registration>,
    leave: L,
}

impl<L: Leave> Exchange<L> {
    async fn run(mut self) -> Outcome<L::Charge> {
        let Ok(Some(ke1)) = timeout(limits::PAIRING, self.receive_start()).await else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return Outcome::Uncharged(Reason::PairingAborted);
        };
        let context = self.context();
        let Ok((login, ke2)) = self.registration.respond(&ke1, &context) else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return Outcome::Uncharged(Reason::PairingAborted);
        };
        let charge = match self.leave.charge(&self.registration).await {
            Ok(charge) => charge,
            Err(reason) => return self.refuse(reason).await,
        };
        let ke3 = match timeout(limits::PAIRING, self.exchange(PairingMessage::Response(ke2))).await {
            Ok(Ok(ke3)) => ke3,
            Ok(Err(reason)) => return Outcome::Failed(reason, charge),
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

    /// The third message, or why there is none: an honest program whose PIN did not fit says so, and one that just
    /// goes has broken off.
    async fn exchange(&mut self, response: PairingMessage) -> Result<bytes::Bytes, Reason> {
        self.attached.send(response.encode()).await.map_err(|_| Reason::PairingAborted)?;
        let said = match self.attached.receive().await {
            Ok(message) => match PairingMessage::decode(&message) {
                Ok(PairingMessage::Finish(ke3)) => return Ok(ke3),
                Ok(PairingMessage::Refused(reason)) => Some(reason),
                _ => None,
            },
            Err(AttachedError::Closed(code)) => Reason::from_code(&code),
            Err(_) => None,
        };
        Err(said.filter(|reason| *reason == Reason::WrongPin).unwrap_or(Reason::PairingAborted))
    }

    async fn refuse(mut self, reason: Reason) -> Outcome<L::Charge> {
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
pub(crate) async fn refuse(mut verified: Verified, reason: Reason) {
    let refusal = verified.attached.send(PairingMessage::Refused(reason).encode());
    let _ = timeout(limits::CLOSE, refusal).await;
    verified.attached.close(reason.code()).await;
}
