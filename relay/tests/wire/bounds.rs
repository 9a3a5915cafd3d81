//! Limits of rate, size, time and memory, and what happens at them.

use std::time::{Duration, Instant};

use crate::support::*;
use fieldlink_protocol::limits::{CONTROL_MESSAGE, DATA_MESSAGE};
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use futures_util::{SinkExt, StreamExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// More than all buffers between two peers can hold: the kernel's on two hops, and the relay's.
const MORE_THAN_BUFFERS: usize = 64 * 1024 * 1024;

#[tokio::test]
async fn an_engineer_asks_ten_times_a_minute_over_all_connections() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut first = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let mut second = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let not_available = ToEngineer::Unavailable { code: Unavailable::NotAvailable, retry_after: None };
    for _ in 0..5 {
        assert_eq!(first.ask(SupportId::random()).await, not_available);
        assert_eq!(second.ask(SupportId::random()).await, not_available);
    }
    for engineer in [&mut first, &mut second] {
        match engineer.ask(SupportId::random()).await {
            ToEngineer::Unavailable { code: Unavailable::RateLimited, retry_after: Some(wait) } => {
                assert!((1..=60).contains(&wait), "{wait}");
            }
            other => panic!("expected a limit, got {other:?}"),
        }
    }
    let mut other = FakeEngineer::connect(&relay, &max).await.expect("known");
    assert_eq!(other.ask(SupportId::random()).await, not_available);
}

#[tokio::test]
async fn the_relay_cuts_a_session_that_nobody_ends() {
    // Tickets count whole seconds.
    let limit = Duration::from_secs(2);
    let relay = TestRelay::start_with(|config| {
        (config.max_session, config.session_grace) = (limit, Duration::ZERO);
    })
    .await;
    let zoe = relay.add_engineer("Zoë");
    let began = Instant::now();
    let mut call = Call::start(&relay, &zoe).await;
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    // A hostile agent goes on and on, and so does its engineer.
    let pump = async {
        while agent_end.send(Message::binary(vec![1; 1_000])).await.is_ok() {
            if !matches!(engineer_end.next().await, Some(Ok(Message::Binary(_)))) {
                break;
            }
        }
    };
    within(pump).await;
    assert!(began.elapsed() >= limit && began.elapsed() < limit * 3, "{:?}", began.elapsed());
    assert_eq!(call.engineer.ended().await, Reason::RelayLimit);
    let (session, reason) = (call.session, Reason::RelayLimit);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    for pipe in [&mut call.agent_pipe, &mut call.engineer_pipe, &mut agent_end] {
        assert_eq!(close_reason(pipe).await, "relay-limit");
    }
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert!(["session-over", "ticket-expired"].contains(&refused.code()));
    let again = FromAgent::Admitted { session };
    call.agent.send(&again).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    let audit = relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    assert_eq!(audit[0].reason.as_deref(), Some("relay-limit"));
}

#[tokio::test]
async fn one_byte_too_many_ends_the_pipe_that_carried_it() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    for (message, reason) in
        [(Message::binary(vec![0; DATA_MESSAGE + 1]), "message-too-big"), (Message::text("text"), "not-data")]
    {
        let (mut engineer_end, mut agent_end) = call.open(&relay).await;
        pass(&mut engineer_end, &mut agent_end, &vec![0; DATA_MESSAGE]).await;
        // The relay may close before all of it is sent.
        let _ = within(agent_end.send(message)).await;
        assert_eq!(close_reason(&mut agent_end).await, reason);
        assert_eq!(close_reason(&mut engineer_end).await, "attach-again");
    }
    let mut waiting = attach(&relay, &call.open_tickets().await.0).await.expect("attached");
    within(waiting.send(Message::text("text"))).await.expect("sent");
    assert_eq!(close_reason(&mut waiting).await, "not-data");
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn an_engineers_nonsense_ends_the_connection_with_a_reason() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let long_ticket = format!(
        r#"{{"type":"request","support_id":"{}","ticket":"{}","partner":null,"features":[]}}"#,
        SupportId::random(),
        "x".repeat(65)
    );
    let too_big = format!(r#"{{"type":"open","request":1{}}}"#, " ".repeat(CONTROL_MESSAGE));
    for (message, reason) in [
        (Message::text("{\"type\":\"open\""), "malformed"),
        (Message::text(r#"{"type":"open","request":1,"more":2}"#), "malformed"),
        (Message::text(r#"{"type":"hello"}"#), "malformed"),
        (Message::text(long_ticket), "malformed"),
        (Message::text(too_big), "message-too-big"),
        (Message::binary(br#"{"type":"open","request":1}"#.to_vec()), "malformed"),
    ] {
        let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
        within(engineer.0.send(message)).await.expect("sent");
        assert_eq!(close_reason(&mut engineer.0).await, reason);
    }
}

/// Sends until the relay takes no more; returns how many messages it took.
async fn fill(socket: &mut Socket, size: usize) -> usize {
    let mut taken = 0;
    while taken * size < MORE_THAN_BUFFERS {
        let mut bytes = vec![0; size];
        bytes[..8].copy_from_slice(&(taken as u64).to_be_bytes());
        match timeout(Duration::from_secs(1), socket.send(Message::binary(bytes))).await {
            Ok(sent) => sent.expect("sent"),
            Err(_) => return taken,
        }
        taken += 1;
    }
    taken
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_does_not_read_slows_the_writer_and_nobody_else() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut writer, mut reader) = call.open(&relay).await;
    let (mut other_engineer_end, mut other_agent_end) = call.open(&relay).await;
    let size = 64 * 1024;
    let taken = fill(&mut writer, size).await;
    assert!(taken * size < MORE_THAN_BUFFERS, "the relay takes everything in");
    // The stalled direction does not hold up the other one, nor other pipes.
    pass(&mut reader, &mut writer, b"back").await;
    pass(&mut other_engineer_end, &mut other_agent_end, b"besides").await;
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"control").await;
    // And when it reads on, nothing is missing.
    tokio::spawn(async move { writer.flush().await });
    for number in 0..taken as u64 {
        let Some(Message::Binary(bytes)) = next_message(&mut reader).await else { panic!("data is missing") };
        assert_eq!((bytes.len(), &bytes[..8]), (size, number.to_be_bytes().as_slice()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_takes_nothing_for_too_long_is_dropped() {
    let relay = TestRelay::start_with(|config| config.limits.write = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut writer, _reader) = call.open(&relay).await;
    let (writer_half, mut reader_half) = {
        use futures_util::StreamExt;
        writer.send(Message::binary(vec![0; 8])).await.expect("sent");
        writer.split()
    };
    let filling = tokio::spawn(async move {
        let mut writer = writer_half;
        while writer.send(Message::binary(vec![0; 64 * 1024])).await.is_ok() {}
    });
    let closed = within(async {
        loop {
            match reader_half.next().await {
                Some(Ok(Message::Close(frame))) => break frame.map(|f| f.reason.to_string()),
                Some(Ok(_)) => {}
                Some(Err(_)) | None => break None,
            }
        }
    })
    .await;
    // The close may be overtaken by the reset of a connection that was still being written to.
    assert!(closed.as_deref().is_none_or(|reason| reason == "attach-again"), "{closed:?}");
    within(filling).await.expect("no panic");
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}
