//! Fake agents and engineers.

use std::ops::{Deref, DerefMut};

use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{Challenge, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::messages::{Bounded, Features, decode, encode};
use fieldlink_protocol::pipe::closing;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use futures_util::SinkExt;
use serde::{Serialize, de::DeserializeOwned};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

use super::{Refused, Socket, TestRelay, next_message, within};

/// A control connection.
#[derive(Debug)]
pub struct Control(pub Socket);

impl Control {
    pub async fn send(&mut self, message: &impl Serialize) {
        within(self.0.send(Message::text(encode(message)))).await.expect("sent");
    }

    pub async fn receive<M: DeserializeOwned + Bounded>(&mut self) -> M {
        match next_message(&mut self.0).await {
            Some(Message::Text(text)) => decode(text.as_bytes()).expect("a message of this version"),
            other => panic!("expected a message, got {other:?}"),
        }
    }
}

/// An agent that has not registered yet.
pub struct NewAgent {
    pub control: Control,
    pub challenge: Challenge,
}

/// A registered agent.
#[derive(Debug)]
pub struct FakeAgent {
    control: Control,
    pub support_id: SupportId,
    pub lease: String,
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
    pub async fn connect(relay: &TestRelay) -> Self {
        let mut control = Control(relay.connect(endpoint::AGENT, &[]).await.expect("accepted"));
        let ToAgent::Challenge { challenge, .. } = control.receive().await else { panic!("no challenge") };
        Self { control, challenge }
    }

    /// Claims something with a right signature; the lease, or the refusal.
    pub async fn claim(
        &mut self,
        key: &RegistrationKey,
        claim: Claim,
    ) -> Result<String, RegistrationRefusal> {
        let signature = key.sign(&self.challenge, &claim.signed_text());
        let features = Features::ours();
        self.control.send(&FromAgent::Register { claim, key: key.public(), signature, features }).await;
        match self.control.receive().await {
            ToAgent::Registered { lease } => Ok(lease),
            ToAgent::Refused { code } => Err(code),
            other => panic!("neither registered nor refused: {other:?}"),
        }
    }
}

impl FakeAgent {
    /// Registers under a new ID.
    pub async fn start(relay: &TestRelay) -> Self {
        let claimed = Self::register(relay, &RegistrationKey::generate(), SupportId::random(), None).await;
        claimed.expect("nobody else has that ID")
    }

    pub async fn register(
        relay: &TestRelay,
        key: &RegistrationKey,
        support_id: SupportId,
        lease: Option<&str>,
    ) -> Result<Self, RegistrationRefusal> {
        let mut new = NewAgent::connect(relay).await;
        let claim = Claim::SupportId { support_id, lease: lease.map(str::to_owned) };
        let lease = new.claim(key, claim).await?;
        Ok(Self { control: new.control, support_id, lease })
    }

    /// The next request: its session, run, and the agent's ticket for the control pipe.
    pub async fn pair(&mut self) -> Offer {
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
pub struct Offer {
    pub session: SessionId,
    pub run: RunId,
    pub pipe: PipeId,
    pub pipe_ticket: String,
}

/// A connected engineer.
#[derive(Debug)]
pub struct FakeEngineer(Control);

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
    pub async fn connect(relay: &TestRelay, credential: &Credential) -> Result<Self, Refused> {
        let authorization = format!("Bearer {}", *credential.bearer());
        let headers = [("Authorization", authorization.as_str())];
        let mut control = Control(relay.connect(endpoint::ENGINEER, &headers).await?);
        let ToEngineer::Welcome { .. } = control.receive().await else { panic!("no welcome") };
        Ok(Self(control))
    }

    /// Asks for a device; the answer is whatever comes.
    pub async fn ask(&mut self, support_id: SupportId) -> ToEngineer {
        let (ticket, partner, features) = ("T-1".to_owned(), Some("Reseller".to_owned()), Features::ours());
        self.send(&FromEngineer::Request { support_id, ticket, partner, features }).await;
        self.receive().await
    }

    /// Asks for a device that is there.
    pub async fn request(&mut self, support_id: SupportId) -> Offer {
        match self.ask(support_id).await {
            ToEngineer::Requested { session, run, pipe, pipe_ticket } => {
                Offer { session, run, pipe, pipe_ticket }
            }
            other => panic!("expected the device, got {other:?}"),
        }
    }

    /// Asks for a session; the answer is whatever comes.
    pub async fn resume(&mut self, session: SessionId, ticket: &str) -> ToEngineer {
        let (session_ticket, features) = (ticket.to_owned(), Features::ours());
        self.send(&FromEngineer::Resume { session, session_ticket, features }).await;
        self.receive().await
    }

    pub async fn ended(&mut self) -> Reason {
        loop {
            if let ToEngineer::Ended { reason, .. } = self.receive().await {
                return reason;
            }
        }
    }
}

/// Attaches to a pipe.
pub async fn attach(relay: &TestRelay, ticket: &str) -> Result<Socket, Refused> {
    relay.connect(endpoint::PIPE, &[(endpoint::TICKET_HEADER, ticket)]).await
}

/// A session with both sides on its control pipe.
pub struct Call {
    pub agent: FakeAgent,
    pub engineer: FakeEngineer,
    pub session: SessionId,
    pub agent_pipe: Socket,
    pub engineer_pipe: Socket,
    pub agent_offer: Offer,
    pub engineer_offer: Offer,
    /// The agent's.
    pub session_ticket: String,
    pub engineers_ticket: String,
    pub key: RegistrationKey,
}

impl Call {
    /// Pairs a new agent with this engineer; nothing is admitted yet.
    pub async fn pair(relay: &TestRelay, credential: &Credential) -> Self {
        let (key, support_id) = (RegistrationKey::generate(), SupportId::random());
        let mut agent = FakeAgent::register(relay, &key, support_id, None).await.expect("free");
        let mut engineer = FakeEngineer::connect(relay, credential).await.expect("known");
        let engineer_offer = engineer.request(support_id).await;
        let agent_offer = agent.pair().await;
        let mut engineer_pipe = attach(relay, &engineer_offer.pipe_ticket).await.expect("attached");
        let mut agent_pipe = attach(relay, &agent_offer.pipe_ticket).await.expect("attached");
        pass(&mut engineer_pipe, &mut agent_pipe, b"first").await;
        let (session, session_ticket) = (agent_offer.session, String::new());
        let engineers_ticket = String::new();
        Self {
            agent,
            engineer,
            session,
            agent_pipe,
            engineer_pipe,
            agent_offer,
            engineer_offer,
            session_ticket,
            engineers_ticket,
            key,
        }
    }

    /// Pairs and admits.
    pub async fn start(relay: &TestRelay, credential: &Credential) -> Self {
        let mut call = Self::pair(relay, credential).await;
        let session = call.session;
        call.agent.send(&FromAgent::Admitted { session }).await;
        let ToAgent::SessionTicket { session_ticket, .. } = call.agent.receive().await else {
            panic!("the agent got no session ticket")
        };
        let ToEngineer::SessionTicket { session_ticket: engineers_ticket, .. } =
            call.engineer.receive().await
        else {
            panic!("the engineer got no session ticket")
        };
        (call.session_ticket, call.engineers_ticket) = (session_ticket, engineers_ticket);
        call
    }

    /// The agent registers again, for the session.
    pub async fn agent_returns(&mut self, relay: &TestRelay) -> Result<(), RegistrationRefusal> {
        let mut new = NewAgent::connect(relay).await;
        let claim = Claim::Session { session_ticket: self.session_ticket.clone() };
        new.claim(&self.key, claim).await?;
        self.agent.control = new.control;
        Ok(())
    }

    /// The engineer comes back on a new connection.
    pub async fn engineer_returns(&mut self, relay: &TestRelay, credential: &Credential) {
        let mut engineer = FakeEngineer::connect(relay, credential).await.expect("known");
        let answer = engineer.resume(self.session, &self.engineers_ticket).await;
        assert_eq!(answer, ToEngineer::Resumed { session: self.session });
        self.engineer = engineer;
    }

    /// Both sides attach to the control pipe (again).
    pub async fn pipes_return(&mut self, relay: &TestRelay) {
        self.agent_pipe = attach(relay, &self.agent_offer.pipe_ticket).await.expect("attached");
        self.engineer_pipe = attach(relay, &self.engineer_offer.pipe_ticket).await.expect("attached");
        pass(&mut self.engineer_pipe, &mut self.agent_pipe, b"again").await;
    }

    /// Opens a further pipe and attaches both sides: the engineer's and the agent's end.
    pub async fn open(&mut self, relay: &TestRelay) -> (Socket, Socket) {
        let (engineer, agent) = self.open_tickets().await;
        (attach(relay, &engineer).await.expect("attached"), attach(relay, &agent).await.expect("attached"))
    }

    /// Opens a further pipe: the engineer's and the agent's ticket.
    pub async fn open_tickets(&mut self) -> (String, String) {
        self.engineer.send(&FromEngineer::Open { request: 7 }).await;
        let ToEngineer::Opened { request: 7, pipe, pipe_ticket } = self.engineer.receive().await else {
            panic!("it did not open")
        };
        match self.agent.receive().await {
            ToAgent::Open { session, pipe: same, pipe_ticket: agents } => {
                assert_eq!((session, same), (self.session, pipe));
                (pipe_ticket, agents)
            }
            other => panic!("the agent was not told: {other:?}"),
        }
    }
}

/// Closes a connection with these words, and waits until it is closed.
pub async fn close_with(socket: &mut Socket, text: &str) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: text.into() };
    within(socket.close(Some(frame))).await.expect("closed");
    while next_message(socket).await.is_some() {}
}

/// Expects the relay's word that the partner attaches again.
pub async fn prodded(socket: &mut Socket) {
    assert_eq!(next_message(socket).await, Some(Message::text(closing::ATTACH_AGAIN)));
}

/// Sends bytes through and checks that they arrive as they are.
pub async fn pass(from: &mut Socket, to: &mut Socket, bytes: &[u8]) {
    within(from.send(Message::binary(bytes.to_vec()))).await.expect("sent");
    match next_message(to).await {
        Some(Message::Binary(arrived)) => assert!(arrived == bytes, "the bytes differ"),
        other => panic!("expected data, got {other:?}"),
    }
}
