//! Connections in reserve: nobody is told of them until they are used.

use crate::support::*;
use bytes::Bytes;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::messages::engineer::FromEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::pipe::closing::{ATTACH_AGAIN, DONE, REPLACED};
use fieldlink_protocol::reason::Reason;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

async fn spare(relay: &TestRelay, ticket: impl AsRef<str>, kind: &str) -> Result<Socket, Refused> {
    let headers = [(endpoint::TICKET_HEADER, ticket.as_ref()), (endpoint::ATTACH_HEADER, kind)];
    relay.connect(endpoint::PIPE, &headers).await
}

struct Kept {
    relay: TestRelay,
    call: Call,
    spare: Socket,
}

impl Kept {
    async fn start() -> Self {
        let relay = TestRelay::start().await;
        let zoe = relay.add_engineer("Zoë");
        let call = Call::start(&relay, &zoe).await;
        let spare = Self::agents(&relay, &call).await;
        Self { relay, call, spare }
    }

    /// One of the agent's, which has its place: it is pinged, and its answer comes from there.
    async fn agents(relay: &TestRelay, call: &Call) -> Socket {
        let mut kept = spare(relay, &call.agent_offer.pipe_ticket, endpoint::SPARE).await.expect("kept");
        within(kept.send(Message::Ping(Bytes::from_static(b"?")))).await.expect("sent");
        within(async {
            use futures_util::StreamExt;
            while !matches!(kept.next().await, Some(Ok(Message::Pong(_)))) {}
        })
        .await;
        kept
    }

    async fn pass(&mut self) {
        pass(&mut self.call.agent_pipe, &mut self.call.engineer_pipe, b"there").await;
        pass(&mut self.call.engineer_pipe, &mut self.call.agent_pipe, b"and back").await;
    }
}

#[tokio::test]
async fn nobody_hears_of_a_connection_in_reserve_nor_of_its_end() {
    let mut kept = Kept::start().await;
    kept.pass().await;
    close_with(&mut kept.spare, DONE).await;
    kept.pass().await;
    for nonsense in
        [Message::text("text"), Message::binary(vec![1; 60_000]), Message::binary(b"no hello".to_vec())]
    {
        kept.spare = Kept::agents(&kept.relay, &kept.call).await;
        within(kept.spare.send(nonsense)).await.expect("sent");
        assert_eq!(close_reason(&mut kept.spare).await, ATTACH_AGAIN);
        kept.pass().await;
    }
    kept.spare = Kept::agents(&kept.relay, &kept.call).await;
    let tcp = kept.spare.get_ref().get_ref().0;
    tcp.set_zero_linger().expect("set");
    let newer = Kept::agents(&kept.relay, &kept.call).await;
    drop(std::mem::replace(&mut kept.spare, newer));
    kept.pass().await;
    // A later one takes its place.
    let mut earlier = std::mem::replace(&mut kept.spare, Kept::agents(&kept.relay, &kept.call).await);
    assert_eq!(close_reason(&mut earlier).await, REPLACED);
    kept.pass().await;
}

#[tokio::test]
async fn it_becomes_an_attachment_with_its_first_message() {
    let mut kept = Kept::start().await;
    // Beside the splice that runs.
    let said = hello(Role::Agent);
    within(kept.spare.send(Message::Binary(said.clone()))).await.expect("sent");
    prodded(&mut kept.call.engineer_pipe).await;
    kept.pass().await;
    let mut engineer = attach(&kept.relay, &kept.call.engineer_offer.pipe_ticket).await.expect("attached");
    assert_eq!(next_message(&mut engineer).await, Some(Message::Binary(said)));
    pass(&mut kept.spare, &mut engineer, b"over the other interface").await;
    // After it was lost, and the next one is kept already.
    let mut next = Kept::agents(&kept.relay, &kept.call).await;
    drop(kept.call.agent_pipe);
    assert_eq!(close_reason(&mut kept.call.engineer_pipe).await, ATTACH_AGAIN);
    drop(kept.spare);
    assert_eq!(close_reason(&mut engineer).await, ATTACH_AGAIN);
    let mut engineer = attach(&kept.relay, &kept.call.engineer_offer.pipe_ticket).await.expect("attached");
    let said = hello(Role::Agent);
    within(next.send(Message::Binary(said.clone()))).await.expect("sent");
    assert_eq!(next_message(&mut engineer).await, Some(Message::Binary(said)));
    pass(&mut engineer, &mut next, b"both ways").await;
}

#[tokio::test]
async fn it_is_closed_with_its_session() {
    // By word of the engineer's control connection, and by the relay's own end.
    let mut kept = Kept::start().await;
    kept.call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert_eq!(close_reason(&mut kept.spare).await, Reason::EngineerEnded.code());
    let mut kept = Kept::start().await;
    kept.relay.begin_stop();
    assert_eq!(close_reason(&mut kept.spare).await, Reason::RelayStopping.code());
    // By the close of the pipe that it is for.
    let mut kept = Kept::start().await;
    close_with(&mut kept.call.agent_pipe, Reason::ClientEnded.code()).await;
    assert_eq!(close_reason(&mut kept.spare).await, Reason::ClientEnded.code());
    let refused = spare(&kept.relay, &kept.call.agent_offer.pipe_ticket, endpoint::SPARE).await;
    assert_eq!(
        refused.expect_err("over").code(),
        Reason::ClientEnded.code().replace("client-ended", "session-over")
    );
}

#[tokio::test]
async fn only_the_control_pipe_of_a_session_keeps_one() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let pairing = Call::pair(&relay, &zoe).await;
    let early = spare(&relay, &pairing.agent_offer.pipe_ticket, endpoint::SPARE).await;
    assert!(early.is_err(), "nobody was let in yet");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    for ticket in [&engineer, &agent] {
        let refused = spare(&relay, ticket, endpoint::SPARE).await.expect_err("another pipe");
        assert_eq!((refused.status.as_u16(), refused.code()), (409, "no-spare"));
    }
    let refused = spare(&relay, &call.agent_offer.pipe_ticket, "another kind").await.expect_err("unknown");
    assert_eq!((refused.status.as_u16(), refused.code()), (409, "no-spare"));
    let refused = relay
        .connect(
            endpoint::PIPE,
            &[
                (endpoint::TICKET_HEADER, call.agent_offer.pipe_ticket.as_ref()),
                (endpoint::ATTACH_HEADER, endpoint::SPARE),
                (endpoint::HELLO_HEADER, "%%"),
            ],
        )
        .await
        .expect_err("it says that later");
    assert_eq!(refused.status.as_u16(), 400);
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"undisturbed").await;
}
