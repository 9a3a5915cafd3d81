//! Peers that send more messages than an honest one has reason to.

use std::time::{Duration, Instant};

use crate::support::*;
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer};
use fieldlink_protocol::pipe::PipeKind;
use futures_util::{SinkExt, StreamExt};
use tokio_tungstenite::tungstenite::Message;

/// More than anything here permits.
const MANY: usize = 20_000;

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_who_pings_and_pings_is_cut() {
    let relay = TestRelay::start().await;
    for registered in [false, true] {
        let socket = match registered {
            true => FakeAgent::start(&relay).await.control.0,
            false => NewAgent::connect(&relay).await.control.0,
        };
        let closed = async {
            let (mut sink, mut source) = socket.split();
            let pinging = async {
                while sink.send(Message::Ping(Default::default())).await.is_ok() {}
                std::future::pending::<()>().await;
            };
            let closing = async {
                loop {
                    match source.next().await {
                        Some(Ok(Message::Close(frame))) => break frame.map(|frame| frame.reason.to_string()),
                        Some(Ok(_)) => {}
                        Some(Err(_)) | None => break None,
                    }
                }
            };
            tokio::select! { closed = closing => closed, () = pinging => None }
        };
        let reason = within(closed).await;
        assert_eq!(reason.as_deref(), Some("too-much"), "registered: {registered}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stranger_whose_bytes_never_become_a_message_is_cut() {
    use tokio_tungstenite::tungstenite::protocol::frame::Frame;
    use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
    let relay = TestRelay::start().await;
    let mut agent = FakeAgent::start(&relay).await;
    let piece = |opcode| Message::Frame(Frame::message(Vec::new(), OpCode::Data(opcode), false));
    within(agent.0.feed(piece(Data::Text))).await.expect("sent");
    within(async {
        for _ in 0..200_000 {
            if agent.0.feed(piece(Data::Continue)).await.is_err() {
                return;
            }
        }
        let _ = agent.0.flush().await;
    })
    .await;
    // The goodbye may be overtaken by the reset of a connection that was still being written to.
    assert!(["too-much", "lost"].contains(&close_reason(&mut agent.0).await.as_str()));
    let zoe = relay.add_engineer("Zoë");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let answer = engineer.ask(agent.support_id).await;
    assert!(matches!(answer, ToEngineer::Unavailable { .. }), "{answer:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_engineer_in_a_hurry_is_slowed_and_gets_every_answer() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let began = Instant::now();
    // Three times what a second permits; the mailbox is not used for the answers.
    for request in 0..600 {
        engineer.send(&FromEngineer::Open { request, kind: PipeKind::Ssh.into() }).await;
        let refused = ToEngineer::NotOpened { request, code: OpenRefusal::NoSession };
        assert_eq!(engineer.receive::<ToEngineer>().await, refused);
    }
    assert!(began.elapsed() >= Duration::from_millis(1_500), "{:?}", began.elapsed());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_pipe_that_carries_too_many_messages_is_slowed_and_loses_none() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut writer, mut reader) = call.open(&relay).await;
    pass(&mut writer, &mut reader, b"spliced").await;
    let began = Instant::now();
    let pouring = tokio::spawn(async move {
        for number in 0..MANY as u32 {
            writer.feed(Message::binary(number.to_be_bytes().to_vec())).await.expect("sent");
        }
        writer.flush().await.expect("sent");
        writer
    });
    for number in 0..MANY as u32 {
        let Some(Message::Binary(bytes)) = next_message(&mut reader).await else { panic!("data is missing") };
        assert_eq!(bytes[..], number.to_be_bytes());
    }
    // 3000 in a tenth of a second.
    assert!(began.elapsed() >= Duration::from_millis(500), "{:?}", began.elapsed());
    let mut writer = within(pouring).await.expect("no panic");
    pass(&mut writer, &mut reader, b"still here").await;
    pass(&mut reader, &mut writer, b"and back").await;
}
