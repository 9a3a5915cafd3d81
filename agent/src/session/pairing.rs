//! One OPAQUE run, as the agent's side of it: attach, answer, verify.
//!
//! Who the engineer is comes first, then the charge, then the second message. The run asks the rules at every step
//! that counts. A charge that is not settled by a verified third message stands, however the run ends.

use std::sync::Arc;

use bytes::Bytes;
use fieldlink_identity::{Proof, Refusal, Statement};
use fieldlink_protocol::ids::{AgentKey, PipeId, RunId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::attempts::Charge;
use fieldlink_protocol::pairing::{NO_CERTIFICATE, PairingContext, PairingMessage, Registration};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_transport::{Attached, AttachedError, Dialer};
use tokio::sync::{mpsc, oneshot};
use tokio::time::timeout;

use crate::engineers::{Engagement, Engineers};
use crate::rules::Request;

/// What the relay offered.
pub(crate) struct Offer {
    /// The engineer's request, as the relay says.
    pub request: Request,
    /// Our support ID, which the run's keys are bound to.
    pub support_id: SupportId,
    /// The key of our registration: an engineer's proof is for it alone.
    pub agent: AgentKey,
    /// The control pipe that carries the run.
    pub pipe: PipeId,
    /// Attaches us to it.
    pub pipe_ticket: Signed<PipeTicket>,
}

/// Asks the rules for leave to send the second message.
pub(crate) struct ChargeRequest {
    /// The pair that is tried.
    pub registration: Arc<Registration>,
    /// The run that tries it.
    pub run: RunId,
    /// The rules' answer: a charge, or why the run ends here.
    pub reply: oneshot::Sender<Result<Charge, Reason>>,
}

/// How a run ended.
pub(crate) struct Run<C = Charge> {
    /// The request that the run was for, with what the engineer has proven.
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
    /// So it did, because the engineer has not proven who they are.
    NotBelieved(Reason),
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

    /// Judges who the engineer is, by what came with the first message and the statement that has to be signed.
    fn believe(
        &self,
        proof: Option<Proof>,
        expected: &Statement,
    ) -> impl Future<Output = Result<Option<Engagement>, Refusal>> + Send;

    /// Asks for leave. An error is why the run ends here.
    fn charge(
        &self,
        registration: &Arc<Registration>,
        run: RunId,
    ) -> impl Future<Output = Result<Self::Charge, Reason>> + Send;
}

/// For a new session: a PIN is short, and the rules count.
pub(crate) struct ByPin {
    /// Asks the rules.
    pub charges: mpsc::Sender<ChargeRequest>,
    /// Whose word counts for who the engineer is.
    pub engineers: Engineers,
}

/// For an engineer's program that comes back: a key cannot be guessed, but it can be stolen, so the engineer proves
/// once more who they are.
pub(crate) struct ByRestartKey {
    /// Whose word counts for who the engineer is.
    pub engineers: Engineers,
    /// What was proven when the session began.
    pub before: Option<Arc<Engagement>>,
}

impl Leave for ByPin {
    type Charge = Charge;

    async fn believe(
        &self,
        proof: Option<Proof>,
        expected: &Statement,
    ) -> Result<Option<Engagement>, Refusal> {
        self.engineers.judge(proof, expected).await
    }

    async fn charge(&self, registration: &Arc<Registration>, run: RunId) -> Result<Charge, Reason> {
        let (reply, answer) = oneshot::channel();
        let request = ChargeRequest { registration: registration.clone(), run, reply };
        self.charges.send(request).await.map_err(|_| Reason::AgentStopped)?;
        answer.await.unwrap_or(Err(Reason::AgentStopped))
    }
}

impl Leave for ByRestartKey {
    type Charge = ();

    async fn believe(
        &self,
        proof: Option<Proof>,
        expected: &Statement,
    ) -> Result<Option<Engagement>, Refusal> {
        self.engineers.judge_return(proof, expected, self.before.as_deref()).await?;
        Ok(None)
    }

    async fn charge(&self, _: &Arc<Registration>, _: RunId) -> Result<(), Reason> {
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
    let (request, outcome) = match Attached::attach(&dialer, &offer.pipe_ticket).await {
        Ok(attached) => {
            let exchange = Exchange { attached, offer, registration: registration.clone(), leave };
            exchange.run().await
        }
        Err(error) => {
            tracing::info!(%error, "could not attach to a control pipe");
            (offer.request, Outcome::Uncharged(Reason::PartnerMissing))
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

/// The engineer's first message.
struct Start {
    ke1: Bytes,
    proof: Bytes,
}

impl<L: Leave> Exchange<L> {
    async fn run(mut self) -> (Request, Outcome<L::Charge>) {
        let Ok(Some(start)) = timeout(limits::PAIRING_START, self.receive_start()).await else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return (self.offer.request, Outcome::Uncharged(Reason::PairingAborted));
        };
        let context = match self.believe(&start).await {
            Ok(context) => context,
            Err(refusal) => {
                let (session, engineer) = (self.offer.request.session, self.offer.request.engineer.id);
                tracing::warn!(%session, %engineer, %refusal, "an engineer is not believed");
                let reason = refusal.reason();
                let request = self.refuse(reason).await;
                return (request, Outcome::NotBelieved(reason));
            }
        };
        let request = self.offer.request.clone();
        (request, self.try_password(&start.ke1, &context).await)
    }

    /// Whether the engineer is who they say, before a try is charged. Gives what the password's keys are bound to.
    async fn believe(&mut self, start: &Start) -> Result<PairingContext, Refusal> {
        let proof = (!start.proof.is_empty()).then(|| Proof::read(&start.proof)).transpose()?;
        let certificate = proof.as_ref().map_or(NO_CERTIFICATE, |proof| proof.certificate().hash());
        let context = self.context(certificate);
        let expected = Statement::new(&context, &self.offer.agent, &start.ke1);
        let engagement = self.leave.believe(proof, &expected).await?;
        if let Some(engagement) = engagement {
            self.offer.request.engagement = Some(Arc::new(engagement));
        }
        Ok(context)
    }

    async fn try_password(mut self, ke1: &[u8], context: &PairingContext) -> Outcome<L::Charge> {
        let Ok((login, ke2)) = self.registration.respond(ke1, context) else {
            self.attached.close(Reason::PairingAborted.code()).await;
            return Outcome::Uncharged(Reason::PairingAborted);
        };
        let charge = match self.leave.charge(&self.registration, self.offer.request.run).await {
            Ok(charge) => charge,
            Err(reason) => {
                self.refuse(reason).await;
                return match reason {
                    Reason::ProofReplayed => Outcome::NotBelieved(reason),
                    reason => Outcome::Uncharged(reason),
                };
            }
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

    async fn receive_start(&mut self) -> Option<Start> {
        match PairingMessage::decode(&self.attached.receive().await.ok()?) {
            Ok(PairingMessage::Start { ke1, proof }) => Some(Start { ke1, proof }),
            _ => None,
        }
    }

    /// The third message, or why there is none: an honest program whose PIN did not fit says so, and one that just
    /// goes has broken off.
    async fn exchange(&mut self, response: PairingMessage) -> Result<Bytes, Reason> {
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

    async fn refuse(mut self, reason: Reason) -> Request {
        let _ = self.attached.send(PairingMessage::Refused(reason).encode()).await;
        self.attached.close(reason.code()).await;
        self.offer.request
    }

    fn context(&self, certificate: [u8; 32]) -> PairingContext {
        let Request { session, run, engineer, ticket, partner, engagement: _ } = self.offer.request.clone();
        PairingContext {
            session,
            run,
            support_id: self.offer.support_id,
            engineer,
            ticket,
            partner,
            certificate,
        }
    }
}

/// Tells an engineer who knows the PIN that it leads nowhere now. Takes a second at most.
pub(crate) async fn refuse(mut verified: Verified, reason: Reason) {
    let refusal = verified.attached.send(PairingMessage::Refused(reason).encode());
    let _ = timeout(limits::CLOSE, refusal).await;
    verified.attached.close(reason.code()).await;
}
