//! The relay is there and the scanner is not yet: requests, the PIN, the pairing.

use std::time::Duration;

use fieldlink_identity::{Proof, Statement};
use fieldlink_protocol::ids::AgentKey;
use fieldlink_protocol::join_code::JoinDigits;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::{NO_CERTIFICATE, PairingContext, Password};
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::reason::Reason;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep, timeout};

use super::events::{SETTLE, end_of};
use super::opening_error::{self, OpeningError};
use crate::call::Call;
use crate::certificate::OwnCertificate;
use crate::context::CallContext;
use crate::end::{End, Told};
use crate::exit::{Failure, Kind};
use crate::front_link::FrontLink;
use crate::moment::Moment;
use crate::pairing::{self, Answered, Paired, PairingError};
use crate::progress::{Console, Progress};
use crate::relay_session::{self, Offer, RelayEvent, RelayHandle};
use crate::restart::Restart;
use crate::words::say;

/// How long the scanner may take to reach the relay when we come back to a session.
const RETURN: Duration = limits::INTERRUPTION;
/// Between two tries meanwhile.
const RETURN_PAUSE: Duration = Duration::from_secs(1);

/// The same, while the scanner restarts: what its client waits for is this pause.
const RESTART_PAUSE: Duration = Duration::from_millis(400);

/// A call on its way to the scanner.
pub(super) struct Contact<'a> {
    pub(super) context: &'a CallContext,
    pub(super) call: &'a Call,
    /// What proves to the scanner who we are.
    pub(super) certificate: Option<OwnCertificate>,
    pub(super) console: &'a Console,
    pub(super) relay: RelayHandle,
    pub(super) events: mpsc::Receiver<RelayEvent>,
}

impl Contact<'_> {
    /// Asks for the PIN until it is right; on a terminal it can be typed again.
    pub(super) async fn pair(&mut self, front: &mut FrontLink) -> Result<(Offer, Paired), OpeningError> {
        loop {
            self.console.tell(&Progress::WaitingForPin);
            self.console.clear();
            let digits = tokio::select! {
                biased;
                opening_error = relay_fails(&mut self.events) => return Err(opening_error),
                digits = front.pin() => digits?,
            };
            let password = self.password(&digits)?;
            let (offer, answered) = self.ask(password, front).await?;
            // What follows tells whoever has answered whether they know the PIN; nothing before has.
            let attempt = self.context.guesses.begin(self.call.id)?;
            match answered.finish(&self.context(&offer), attempt).await {
                Ok(paired) => return Ok((offer, paired)),
                Err(PairingError::Rejected { left }) if left > 0 && front.asks_again() => {
                    self.console.say(&opening_error::rejected(left, self.call.joining.is_some()));
                }
                Err(PairingError::Rejected { left }) => {
                    let message = opening_error::rejected(left, self.call.joining.is_some());
                    return Err(OpeningError::Failure(Failure::new(Kind::WrongPin, message)));
                }
                Err(error) => return Err(error.into()),
            }
        }
    }

    /// Comes back to the session with the key that was kept. The scanner may be on its way to the relay.
    pub(super) async fn pair_again(
        &mut self,
        restart: &Restart,
        front: &mut FrontLink,
    ) -> Result<(Offer, Paired), OpeningError> {
        self.console.tell(&Progress::Pairing);
        let offer = match restart.restarting {
            true => self.wait_for_restart(restart).await?,
            false => self.wait_for_return().await?,
        };
        let key = &restart.key;
        let context = self.context(&offer);
        let asked = tokio::select! {
            biased;
            asked = pairing::ask(
                &self.context.dialer,
                &offer.pipe_ticket,
                key,
                prove((self.certificate.as_ref(), self.console), &context, offer.agent, front),
            ) => asked,
            reason = declined(&mut self.events, &offer) => Err(PairingError::Refused(reason)),
        };
        let paired = asked?.finish_again(&context).await?;
        Ok((offer, paired))
    }

    /// Until the scanner is at the relay again, for as long as an interruption may last.
    async fn wait_for_return(&mut self) -> Result<Offer, OpeningError> {
        let until = Instant::now() + RETURN;
        loop {
            self.relay.pair_again().await;
            match self.offered().await {
                Err(OpeningError::Failure(failure))
                    if failure.kind == Kind::NotAvailable && Instant::now() < until =>
                {
                    sleep(RETURN_PAUSE).await;
                }
                offered => return offered,
            }
        }
    }

    /// Until the scanner has restarted and its client agreed. A relay that is away meanwhile comes back, too.
    async fn wait_for_restart(&mut self, restart: &Restart) -> Result<Offer, OpeningError> {
        let (begun, before) = (Instant::now(), restart.alive.age(&Moment::now()));
        let mut told = None;
        loop {
            let away = before.saturating_add(begun.elapsed());
            let minutes = away.as_secs() / 60;
            if told.replace(minutes) != Some(minutes) {
                self.console.tell(&Progress::Restarting { minutes });
            }
            self.relay.pair_again().await;
            match self.offered().await {
                Err(OpeningError::Failure(failure)) if failure.kind == Kind::NotAvailable => {
                    sleep(RESTART_PAUSE).await;
                }
                // It says nothing while it is being dialled again. Given up, it is dialled by whoever called us.
                Err(OpeningError::Over(end)) if end.told == Told::Lost && !self.events.is_closed() => {
                    sleep(RETURN_PAUSE).await;
                }
                offered => return offered,
            }
            if away >= limits::RESTART {
                return Err(OpeningError::Over(End::new(Reason::NotBack, Told::Here)));
            }
        }
    }

    /// Requests the scanner and gets its answer, from which the relay has learnt nothing of the PIN yet.
    async fn ask(
        &mut self,
        password: Password,
        front: &mut FrontLink,
    ) -> Result<(Offer, Answered), OpeningError> {
        let offer = self.request().await?;
        self.console.tell(&Progress::Pairing);
        let context = self.context(&offer);
        let asked = tokio::select! {
            biased;
            asked = pairing::ask(
                &self.context.dialer,
                &offer.pipe_ticket,
                password,
                prove((self.certificate.as_ref(), self.console), &context, offer.agent, front),
            ) => asked,
            reason = declined(&mut self.events, &offer) => Err(PairingError::Refused(reason)),
        };
        match asked {
            Ok(answered) => Ok((offer, answered)),
            // The relay's word on the run is on its way on another connection.
            Err(error @ PairingError::Pipe(_)) => {
                match timeout(SETTLE, declined(&mut self.events, &offer)).await {
                    Ok(reason) => Err(OpeningError::Over(End::new(reason, Told::Relay))),
                    Err(_) => Err(error.into()),
                }
            }
            Err(error) => Err(error.into()),
        }
    }

    async fn request(&mut self) -> Result<Offer, OpeningError> {
        let Call { id, ticket, partner, .. } = self.call;
        self.relay.request(*id, ticket, partner.as_deref()).await;
        self.offered().await
    }

    async fn offered(&mut self) -> Result<Offer, OpeningError> {
        let (id, joins) = (self.call.id, self.call.joining.is_some());
        let answered = timeout(limits::HANDSHAKE, async {
            loop {
                match self.events.recv().await {
                    Some(RelayEvent::Offered(offer)) => return Ok(offer),
                    Some(RelayEvent::Unavailable { code, retry_after }) => {
                        return Err(relay_session::unavailable((id, joins), code, retry_after).into());
                    }
                    // A late word on the run before, or on what is told once the session is there.
                    Some(RelayEvent::Declined { .. } | RelayEvent::NotAnchored(_)) => {}
                    other => return Err(relay_failure(other)),
                }
            }
        });
        answered.await.unwrap_or_else(|_| Err(OpeningError::Over(End::lost(say!("relay-did-not-answer")))))
    }

    /// What the digits prove: that the client is on the phone, or that an engineer in the session passed a code on.
    fn password(&self, digits: &str) -> Result<Password, Failure> {
        let unfit = |error: String| Failure::usage(error);
        match self.call.joining {
            None => Pin::parse(digits).map(|pin| (&pin).into()).map_err(|error| unfit(error.to_string())),
            Some(_) => JoinDigits::parse(digits)
                .map(|digits| (&digits).into())
                .map_err(|error| unfit(error.to_string())),
        }
    }

    fn context(&self, offer: &Offer) -> PairingContext {
        PairingContext {
            session: offer.session,
            run: offer.run,
            support_id: self.call.id,
            engineer: self.context.credential.engineer.clone(),
            ticket: self.call.ticket.clone(),
            partner: self.call.partner.clone(),
            certificate: self.certificate_hash(),
        }
    }

    fn certificate_hash(&self) -> [u8; 32] {
        self.certificate.as_ref().map_or(NO_CERTIFICATE, |own| own.certificate().hash())
    }
}

/// Has the engineer's key say who they are, to `agent` alone and in the run of `pairing` alone: nothing else is ever
/// signed. Without a certificate there is nothing to prove.
fn prove<'a>(
    (own, console): (Option<&'a OwnCertificate>, &'a Console),
    pairing: &'a PairingContext,
    agent: AgentKey,
    front: &'a mut FrontLink,
) -> impl AsyncFnOnce(&[u8]) -> Result<Option<Proof>, Failure> + 'a {
    async move |ke1: &[u8]| {
        let Some(own) = own else { return Ok(None) };
        let statement = Statement::new(pairing, &agent, ke1);
        // What ssh-keygen asks stands on a line of its own.
        console.tell(&Progress::Signing);
        console.clear();
        let signature = timeout(limits::SIGNING, front.sign(own.signing(statement.as_bytes())?)).await;
        let signature = signature.map_err(|_| Failure::new(Kind::Failed, say!("not-signed")))??;
        let proof = Proof::new(own.certificate().clone(), statement, &signature);
        proof.map(Some).map_err(|error| {
            Failure::new(Kind::Failed, say!("signature-unusable", error = error.to_string()))
        })
    }
}

/// Waits until the relay's connection is over; what else it says has no meaning yet.
async fn relay_fails(events: &mut mpsc::Receiver<RelayEvent>) -> OpeningError {
    loop {
        match events.recv().await {
            Some(
                RelayEvent::Declined { .. }
                | RelayEvent::Offered(_)
                | RelayEvent::Unavailable { .. }
                | RelayEvent::NotAnchored(_),
            ) => {}
            other => return relay_failure(other),
        }
    }
}

fn relay_failure(event: Option<RelayEvent>) -> OpeningError {
    OpeningError::Over(match event {
        Some(RelayEvent::Ended(reason) | RelayEvent::Closing(reason)) => End::new(reason, Told::Relay),
        Some(RelayEvent::Lost(error)) => end_of(&error),
        _ => End::lost(say!("relay-gone")),
    })
}

/// Waits until the agent declines the run of `offer`, or the relay ends the session.
async fn declined(events: &mut mpsc::Receiver<RelayEvent>, offer: &Offer) -> Reason {
    loop {
        match events.recv().await {
            Some(RelayEvent::Declined { run, reason }) if run == offer.run => return reason,
            Some(RelayEvent::Ended(reason) | RelayEvent::Closing(reason)) => return reason,
            Some(RelayEvent::Lost(error)) => return end_of(&error).reason,
            None => return Reason::ConnectionLost,
            Some(_) => {}
        }
    }
}
