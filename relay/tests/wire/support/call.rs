//! A session, as both of its sides see it.

use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{PipeTicket, SessionTicket, Signed};

use super::{FakeAgent, FakeEngineer, NewAgent, Offer, Socket, TestRelay, attach, pass};

/// A session with both sides on its control pipe.
pub(crate) struct Call {
    pub(crate) agent: FakeAgent,
    pub(crate) engineer: FakeEngineer,
    pub(crate) session: SessionId,
    pub(crate) agent_pipe: Socket,
    pub(crate) engineer_pipe: Socket,
    pub(crate) agent_offer: Offer,
    pub(crate) engineer_offer: Offer,
    /// The agent's.
    pub(crate) session_ticket: Signed<SessionTicket>,
    pub(crate) engineers_ticket: Signed<SessionTicket>,
    pub(crate) key: RegistrationKey,
}

impl Call {
    /// Pairs a new agent with this engineer; nothing is admitted yet.
    pub(crate) async fn pair(relay: &TestRelay, credential: &Credential) -> Self {
        let (key, support_id) = (RegistrationKey::generate(), SupportId::random());
        let mut agent = FakeAgent::register(relay, &key, support_id, None).await.expect("free");
        let mut engineer = FakeEngineer::connect(relay, credential).await.expect("known");
        let engineer_offer = engineer.request(support_id).await;
        let agent_offer = agent.pair().await;
        let mut engineer_pipe = attach(relay, &engineer_offer.pipe_ticket).await.expect("attached");
        let mut agent_pipe = attach(relay, &agent_offer.pipe_ticket).await.expect("attached");
        pass(&mut engineer_pipe, &mut agent_pipe, b"first").await;
        let (session, session_ticket) = (agent_offer.session, Signed::from_text(""));
        let engineers_ticket = Signed::from_text("");
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
    pub(crate) async fn start(relay: &TestRelay, credential: &Credential) -> Self {
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
    pub(crate) async fn agent_returns(&mut self, relay: &TestRelay) -> Result<(), RegistrationRefusal> {
        let mut new = NewAgent::connect(relay).await;
        let claim = Claim::Session { session_ticket: self.session_ticket.clone() };
        new.claim(&self.key, claim).await?;
        self.agent.control = new.control;
        Ok(())
    }

    /// The engineer comes back on a new connection.
    pub(crate) async fn engineer_returns(&mut self, relay: &TestRelay, credential: &Credential) {
        let mut engineer = FakeEngineer::connect(relay, credential).await.expect("known");
        let answer = engineer.resume(self.session, &self.engineers_ticket).await;
        assert_eq!(answer, ToEngineer::Resumed { session: self.session });
        self.engineer = engineer;
    }

    /// Both sides attach to the control pipe (again).
    pub(crate) async fn pipes_return(&mut self, relay: &TestRelay) {
        self.agent_pipe = attach(relay, &self.agent_offer.pipe_ticket).await.expect("attached");
        self.engineer_pipe = attach(relay, &self.engineer_offer.pipe_ticket).await.expect("attached");
        pass(&mut self.engineer_pipe, &mut self.agent_pipe, b"again").await;
    }

    /// Opens a further pipe and attaches both sides: the engineer's and the agent's end.
    pub(crate) async fn open(&mut self, relay: &TestRelay) -> (Socket, Socket) {
        let (engineer, agent) = self.open_tickets().await;
        (attach(relay, &engineer).await.expect("attached"), attach(relay, &agent).await.expect("attached"))
    }

    /// Opens a further pipe: the engineer's and the agent's ticket.
    pub(crate) async fn open_tickets(&mut self) -> (Signed<PipeTicket>, Signed<PipeTicket>) {
        self.engineer.send(&FromEngineer::Open { request: 7, kind: PipeKind::Ssh.into() }).await;
        let ToEngineer::Opened { request: 7, pipe, pipe_ticket } = self.engineer.receive().await else {
            panic!("it did not open")
        };
        match self.agent.receive().await {
            ToAgent::Open { session, pipe: same, kind, pipe_ticket: agents } => {
                assert_eq!((session, same, kind.known()), (self.session, pipe, Some(PipeKind::Ssh)));
                (pipe_ticket, agents)
            }
            other => panic!("the agent was not told: {other:?}"),
        }
    }
}
