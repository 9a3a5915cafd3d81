//! The protocol without the programs: an engineer's side and an agent's side that can stop, lie or
//! repeat themselves at any step.

use std::path::Path;

use bytes::Bytes;
use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{AgentKey, PipeId, RunId, SessionId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::pairing::{
    EngineerLogin, LoginError, NO_CERTIFICATE, PairingContext, PairingMessage,
};
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{Lease, PipeTicket, Signed};
use fieldlink_transport::{Attached, AttachedError, ControlConnection, DialError, Dialer, client_config};

use crate::{PATIENCE, Relay};

/// An engineer's connection to the relay.
pub struct RawEngineer {
    dialer: Dialer,
    identity: EngineerIdentity,
    /// The control connection.
    pub relay: ControlConnection<FromEngineer, ToEngineer>,
}

/// What the relay hands out for one pairing run.
#[derive(Debug, Clone)]
pub struct Requested {
    /// The session.
    pub session: SessionId,
    /// The run.
    pub run: RunId,
    /// The agent's key.
    pub agent: AgentKey,
    /// The control pipe.
    pub pipe: PipeId,
    /// The ticket for it.
    pub pipe_ticket: Signed<PipeTicket>,
}

/// How a run went.
#[derive(Debug)]
pub enum PairingEnd {
    /// The PIN was right.
    Paired(Box<SessionKeys>),
    /// The PIN was wrong.
    WrongPin,
    /// The agent would not answer.
    Refused(Reason),
    /// The pipe was closed.
    Closed,
}

/// A dialer for `url` that trusts `authority`.
pub fn dialer(url: &str, authority: &Path) -> Dialer {
    let address = url.parse().expect("a relay address");
    Dialer::new(address, client_config(Some(authority)).expect("roots"))
}

impl RawEngineer {
    /// Connects with `credential`.
    pub async fn connect(relay: &Relay, credential: &str) -> Result<Self, DialError> {
        Self::connect_to(dialer(&relay.url(), relay.authority()), credential).await
    }

    /// Connects through `dialer`.
    pub async fn connect_to(dialer: Dialer, credential: &str) -> Result<Self, DialError> {
        let credential = Credential::parse(credential).expect("a credential");
        let header = format!("Bearer {}", *credential.bearer());
        let header = Some(("authorization", header.as_str()));
        let mut relay = ControlConnection::dial(&dialer, endpoint::ENGINEER, header).await?;
        assert!(matches!(within(relay.next()).await, Ok(ToEngineer::Welcome { .. })));
        Ok(Self { dialer, identity: credential.engineer, relay })
    }

    /// Asks for `support_id`.
    pub async fn request(&mut self, support_id: SupportId) -> Result<Requested, ToEngineer> {
        let (ticket, partner) = ("T-1".to_owned(), None);
        let request = FromEngineer::Request { support_id, ticket, partner, features: Features::ours() };
        self.relay.send(&request).await.expect("the relay takes it");
        loop {
            match within(self.relay.next()).await.expect("the relay answers") {
                ToEngineer::Requested { session, run, agent, pipe, pipe_ticket } => {
                    return Ok(Requested { session, run, agent, pipe, pipe_ticket });
                }
                other @ ToEngineer::Unavailable { .. } => return Err(other),
                // What became of an earlier run.
                _ => {}
            }
        }
    }

    /// Comes back to `session` and asks for a run with the key that was kept.
    pub async fn pair_again(&mut self, session: SessionId, session_ticket: &str) -> Requested {
        let session_ticket = Signed::from_text(session_ticket);
        let resume = FromEngineer::Resume { session, session_ticket, features: Features::ours() };
        self.relay.send(&resume).await.expect("the relay takes it");
        assert!(matches!(within(self.relay.next()).await, Ok(ToEngineer::Resumed { .. })));
        self.relay.send(&FromEngineer::PairAgain {}).await.expect("the relay takes it");
        match within(self.relay.next()).await.expect("the relay answers") {
            ToEngineer::Requested { session, run, agent, pipe, pipe_ticket } => {
                Requested { session, run, agent, pipe, pipe_ticket }
            }
            other => panic!("{other:?}"),
        }
    }

    /// Answers KE2 for a password that is not the right one: with nothing that verifies.
    pub async fn finish_wrongly(&self, requested: &Requested, key: &Secret<32>) -> Result<(), AttachedError> {
        let mut attached = self.attach(&requested.pipe_ticket).await.expect("attached");
        let (_, ke1) = EngineerLogin::start(key).expect("a login");
        attached.send(PairingMessage::Start { ke1, proof: Bytes::new() }.encode()).await?;
        assert!(matches!(
            PairingMessage::decode(&within(attached.receive()).await?),
            Ok(PairingMessage::Response(_))
        ));
        attached.send(PairingMessage::Finish(vec![7; 64].into()).encode()).await?;
        within(attached.receive()).await.map(drop)
    }

    /// The context of a run, as this engineer sees it.
    pub fn context(&self, support_id: SupportId, requested: &Requested) -> PairingContext {
        PairingContext {
            session: requested.session,
            run: requested.run,
            support_id,
            engineer: self.identity.clone(),
            ticket: "T-1".to_owned(),
            partner: None,
            certificate: NO_CERTIFICATE,
        }
    }

    /// Attaches to a pipe.
    pub async fn attach(&self, ticket: &Signed<PipeTicket>) -> Result<Attached, DialError> {
        Attached::attach(&self.dialer, ticket).await
    }

    /// Runs OPAQUE up to the second message. `None` after it means that the guess was wrong; the
    /// third message is not sent.
    pub async fn guess(
        &mut self,
        support_id: SupportId,
        pin: &str,
        finish: bool,
    ) -> (PairingEnd, Option<Attached>) {
        let requested = match self.request(support_id).await {
            Ok(requested) => requested,
            Err(_) => return (PairingEnd::Closed, None),
        };
        let Ok(mut attached) = self.attach(&requested.pipe_ticket).await else {
            return (PairingEnd::Closed, None);
        };
        let (login, ke1) = EngineerLogin::start(&Pin::parse(pin).expect("four digits")).expect("a login");
        if attached.send(PairingMessage::Start { ke1, proof: Bytes::new() }.encode()).await.is_err() {
            return (PairingEnd::Closed, None);
        }
        let Ok(Ok(frame)) = tokio::time::timeout(PATIENCE, attached.receive()).await else {
            return (PairingEnd::Closed, None);
        };
        let ke2 = match PairingMessage::decode(&frame) {
            Ok(PairingMessage::Response(ke2)) => ke2,
            Ok(PairingMessage::Refused(reason)) => return (PairingEnd::Refused(reason), None),
            other => panic!("unexpected {other:?}"),
        };
        match login.finish(&ke2, &self.context(support_id, &requested)) {
            Ok((keys, ke3)) => {
                if finish {
                    attached.send(PairingMessage::Finish(ke3).encode()).await.expect("the relay takes it");
                }
                (PairingEnd::Paired(Box::new(keys)), Some(attached))
            }
            Err(LoginError::Rejected) => (PairingEnd::WrongPin, None),
            Err(error) => panic!("{error}"),
        }
    }
}

/// An agent's connection to the relay.
pub struct RawAgent {
    /// Opens further connections to the relay.
    pub dialer: Dialer,
    /// The key of this start.
    pub key: RegistrationKey,
    /// The control connection.
    pub relay: ControlConnection<FromAgent, ToAgent>,
}

impl RawAgent {
    /// Registers for `support_id` with `key`.
    pub async fn register(
        relay: &Relay,
        support_id: SupportId,
        key: RegistrationKey,
        lease: Option<Signed<Lease>>,
    ) -> (Self, ToAgent) {
        register_at(&dialer(&relay.url(), relay.authority()), support_id, key, lease).await
    }

    /// Waits for the next message.
    pub async fn next(&mut self) -> ToAgent {
        within(self.relay.next()).await.expect("a message")
    }
}

/// Registers for `support_id` with `key`, and returns the relay's answer too.
pub async fn register_at(
    dialer: &Dialer,
    support_id: SupportId,
    key: RegistrationKey,
    lease: Option<Signed<Lease>>,
) -> (RawAgent, ToAgent) {
    let mut relay: ControlConnection<FromAgent, ToAgent> =
        ControlConnection::dial(dialer, endpoint::AGENT, None).await.expect("the relay is there");
    let ToAgent::Challenge { challenge, .. } = within(relay.next()).await.expect("a challenge") else {
        panic!("no challenge");
    };
    let claim = Claim::SupportId { support_id, lease, joins: None };
    let signature = key.sign(&challenge, &claim.signed_text());
    let register = FromAgent::Register { claim, key: key.public(), signature, features: Features::ours() };
    relay.send(&register).await.expect("the relay takes it");
    let answer = within(relay.next()).await.expect("an answer");
    (RawAgent { dialer: dialer.clone(), key, relay }, answer)
}

/// Fails the test if `future` takes too long.
pub async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(PATIENCE, future).await.expect("it took too long")
}

/// A runtime for the protocol's side of a test.
pub fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build().expect("a runtime")
}
