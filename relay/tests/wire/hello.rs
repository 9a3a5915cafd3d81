//! HELLO that is said with the request: it is the side's first message, whoever of the two comes first.

use crate::support::*;
use bytes::Bytes;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::pipe::{Hello, Role};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

async fn attach_saying(
    relay: &TestRelay,
    ticket: impl AsRef<str>,
    hellos: &[&str],
) -> Result<Socket, Refused> {
    let ticket = (endpoint::TICKET_HEADER, ticket.as_ref());
    let hellos = hellos.iter().map(|&hello| (endpoint::HELLO_HEADER, hello));
    relay.connect(endpoint::PIPE, &std::iter::once(ticket).chain(hellos).collect::<Vec<_>>()).await
}

async fn first(socket: &mut Socket) -> Bytes {
    match next_message(socket).await {
        Some(Message::Binary(bytes)) => bytes,
        other => panic!("expected data, got {other:?}"),
    }
}

#[tokio::test]
async fn each_side_reads_the_others_first() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    for agent_first in [false, true] {
        let (engineers, agents) = call.open_tickets().await;
        let (ours, theirs) = (hello(Role::Engineer), hello(Role::Agent));
        let (ours_text, theirs_text) = (Hello::to_header(&ours), Hello::to_header(&theirs));
        let engineer = async || attach_saying(&relay, &engineers, &[&ours_text]).await.expect("attached");
        let agent = async || attach_saying(&relay, &agents, &[&theirs_text]).await.expect("attached");
        let (mut engineer, mut agent) = if agent_first {
            let agent = agent().await;
            (engineer().await, agent)
        } else {
            (engineer().await, agent().await)
        };
        // What is said afterwards comes afterwards.
        engineer.send(Message::Binary(Bytes::from_static(b"and more"))).await.expect("sent");
        assert_eq!(first(&mut agent).await, ours);
        assert_eq!(first(&mut agent).await, Bytes::from_static(b"and more"));
        assert_eq!(first(&mut engineer).await, theirs);
    }
}

#[tokio::test]
async fn one_side_may_say_it_so_and_the_other_in_a_message() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineers, agents) = call.open_tickets().await;
    let (ours, theirs) = (hello(Role::Engineer), hello(Role::Agent));
    let mut engineer =
        attach_saying(&relay, &engineers, &[&Hello::to_header(&ours)]).await.expect("attached");
    let mut agent = attach(&relay, &agents).await.expect("attached");
    agent.send(Message::Binary(theirs.clone())).await.expect("sent");
    assert_eq!(first(&mut agent).await, ours);
    assert_eq!(first(&mut engineer).await, theirs);
}

#[tokio::test]
async fn what_is_no_hello_is_refused_and_nothing_is_attached() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineers, agents) = call.open_tickets().await;
    let good = Hello::to_header(&hello(Role::Engineer));
    let data = Hello::to_header(b"\x03\0\0\0\0\0\0\0\0x");
    let long = Hello::to_header(&[1; 200]);
    for hellos in [&[""][..], &["%%"], &[&good[1..]], &[&data], &[&long], &[&good, &good]] {
        let refused = attach_saying(&relay, &engineers, hellos).await.expect_err("refused");
        assert_eq!((refused.status.as_u16(), refused.code()), (400, "hello-malformed"), "{hellos:?}");
    }
    // The ticket opens its pipe as before.
    let mut engineer = attach(&relay, &engineers).await.expect("attached");
    let mut agent = attach(&relay, &agents).await.expect("attached");
    pass(&mut engineer, &mut agent, b"there").await;
    // Elsewhere the header means nothing.
    let refused = relay.connect(endpoint::AGENT, &[(endpoint::HELLO_HEADER, "%%")]).await;
    assert!(refused.is_ok());
}
