//! Fake agents and engineers.

use std::ops::{Deref, DerefMut};

use bytes::Bytes;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{Challenge, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::messages::{Bounded, Features, decode, encode};
use fieldlink_protocol::pipe::{Handshake, PipeKind, Role, closing};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::secret::{Secret, random_bytes};
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use futures_util::SinkExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Refused, Socket, TestRelay, next_message, within};

/// A control connection.
#[derive(Debug)]
pub(crate) struct Control(pub(crate) Socket);

impl Control {
    pub(crate) async fn send(&mut self, message: &impl Serialize) {
        within(self.0.send(Message::text(encode(message)))).await.expect("sent");
    }

    pub(crate) async fn receive<M: DeserializeOwned + Bounded>(&mut self) -> M {
        match next_message(&mut self.0).await {
            Some(Message::Text(text)) => decode(text.as_bytes()).expect("a message of this version"),
            other => panic!("expected a message, got {other:?}"),
        }
    }
}

/// An agent that has not registered yet.
pub(crate) struct NewAgent {
    pub(crate) control: Control,
    pub(crate) challenge: Challenge,
}

/// A registered agent.
#[derive(Debug)]
pub(crate) struct FakeAgent {
    pub(crate) control: Control,
    pub(crate) support_id: SupportId,
    pub(crate) lease: String,
}

impl Deref for FakeAgent {
    type Target = Control;
    fn deref(&self) -> &Control {
        &self.control
    }
}

impl DerefMut for FakeAgent {
    fn deref_mut(&mut self) -> &mut Control {
        &mut self.control
    }
}

impl NewAgent {
    pub(crate) async fn connect(relay: &TestRelay) -> Self {
        Self::greeted(Control(relay.connect(endpoint::AGENT, &[]).await.expect("accepted"))).await
    }

    /// Takes the challenge of a connection.
    pub(crate) async fn greeted(mut control: Control) -> Self {
        let ToAgent::Challenge { challenge, .. } = control.receive().await else { panic!("no challenge") };
        Self { control, challenge }
    }

    /// Claims something with a right signature.
    pub(crate) async fn register(&mut self, key: &RegistrationKey, claim: Claim) {
        let signature = key.sign(&self.challenge, &claim.signed_text());
        let features = Features::ours();
        self.control.send(&FromAgent::Register { claim, key: key.public(), signature, features }).await;
    }

    /// The same; the lease, or the refusal.
    pub(crate) async fn claim(
        &mut self,
        key: &RegistrationKey,
        claim: Claim,
    ) -> Result<String, RegistrationRefusal> {
        self.register(key, claim).await;
        match self.control.receive().await {
            ToAgent::Registered { lease } => {
                Ok(lease.map(|lease| lease.as_str().to_owned()).unwrap_or_default())
            }
            ToAgent::Refused { code, .. } => Err(code),
            other => panic!("neither registered nor refused: {other:?}"),
        }
    }
}

impl FakeAgent {
    /// Registers under a new ID.
    pub(crate) async fn start(relay: &TestRelay) -> Self {
        let claimed = Self::register(relay, &RegistrationKey::generate(), SupportId::random(), None).await;
        claimed.expect("nobody else has that ID")
    }

    pub(crate) async fn register(
        relay: &TestRelay,
        key: &RegistrationKey,
        support_id: SupportId,
        lease: Option<&str>,
    ) -> Result<Self, RegistrationRefusal> {
        let mut new = NewAgent::connect(relay).await;
        let claim = Claim::SupportId { support_id, lease: lease.map(Signed::from_text), joins: None };
        let lease = new.claim(key, claim).await?;
        Ok(Self { control: new.control, support_id, lease })
    }

    /// The next request: its session, run, and the agent's ticket for the control pipe.
    pub(crate) async fn pair(&mut self) -> Offer {
        match self.receive().await {
            ToAgent::Pair { session, run, pipe, pipe_ticket, .. } => {
                Offer { session, run, pipe, pipe_ticket }
            }
            other => panic!("expected a request, got {other:?}"),
        }
    }
}

/// A run, as one side is told of it.
#[derive(Debug, Clone)]
pub(crate) struct Offer {
    pub(crate) session: SessionId,
    pub(crate) run: RunId,
    pub(crate) pipe: PipeId,
    pub(crate) pipe_ticket: Signed<PipeTicket>,
}

/// A connected engineer.
#[derive(Debug)]
pub(crate) struct FakeEngineer(Control);

impl Deref for FakeEngineer {
    type Target = Control;
    fn deref(&self) -> &Control {
        &self.0
    }
}

impl DerefMut for FakeEngineer {
    fn deref_mut(&mut self) -> &mut Control {
        &mut self.0
    }
}

impl FakeEngineer {
    pub(crate) async fn connect(relay: &TestRelay, credential: &Credential) -> Result<Self, Refused> {
        let authorization = format!("Bearer {}", *credential.bearer());
        let headers = [("Authorization", authorization.as_str())];
        let mut control = Control(relay.connect(endpoint::ENGINEER, &headers).await?);
        let ToEngineer::Welcome { .. } = control.receive().await else { panic!("no welcome") };
        Ok(Self(control))
    }

    /// Asks for a device; the answer is whatever comes.
    pub(crate) async fn ask(&mut self, support_id: SupportId) -> ToEngineer {
        let (ticket, partner, features) = ("T-1".to_owned(), Some("Reseller".to_owned()), Features::ours());
        self.send(&FromEngineer::Request { support_id, ticket, partner, features }).await;
        self.receive().await
    }

    /// Asks for a device that is there.
    pub(crate) async fn request(&mut self, support_id: SupportId) -> Offer {
        match self.ask(support_id).await {
            ToEngineer::Requested { session, run, pipe, pipe_ticket, .. } => {
                Offer { session, run, pipe, pipe_ticket }
            }
            other => panic!("expected the device, got {other:?}"),
        }
    }

    /// Asks for a session; the answer is whatever comes.
    pub(crate) async fn resume(&mut self, session: SessionId, ticket: impl AsRef<str>) -> ToEngineer {
        let (session_ticket, features) = (Signed::from_text(ticket.as_ref()), Features::ours());
        self.send(&FromEngineer::Resume { session, session_ticket, features }).await;
        self.receive().await
    }

    pub(crate) async fn ended(&mut self) -> Reason {
        loop {
            if let ToEngineer::Ended { reason, .. } = self.receive().await {
                return reason;
            }
        }
    }
}

/// Attaches to a pipe.
pub(crate) async fn attach(relay: &TestRelay, ticket: impl AsRef<str>) -> Result<Socket, Refused> {
    relay.connect(endpoint::PIPE, &[(endpoint::TICKET_HEADER, ticket.as_ref())]).await
}

/// Closes a connection with these words, and waits until it is closed.
pub(crate) async fn close_with(socket: &mut Socket, text: &str) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: text.into() };
    within(socket.close(Some(frame))).await.expect("closed");
    while next_message(socket).await.is_some() {}
}

/// Expects the relay's word that the partner attaches again.
pub(crate) async fn prodded(socket: &mut Socket) {
    assert_eq!(next_message(socket).await, Some(Message::text(closing::ATTACH_AGAIN)));
}

/// Sends bytes through and checks that they arrive as they are.
pub(crate) async fn pass(from: &mut Socket, to: &mut Socket, bytes: &[u8]) {
    within(from.send(Message::binary(bytes.to_vec()))).await.expect("sent");
    match next_message(to).await {
        Some(Message::Binary(arrived)) => assert!(arrived == bytes, "the bytes differ"),
        other => panic!("expected data, got {other:?}"),
    }
}

/// Some HELLO of a side.
pub(crate) fn hello(role: Role) -> Bytes {
    let which = (PipeId::random(), PipeKind::Ssh);
    Handshake::new(role, which, Secret::random(), random_bytes(), 1, (0, 1 << 20)).hello()
}
