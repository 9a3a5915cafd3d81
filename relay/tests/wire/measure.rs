//! Measurements: what a well-behaved peer gets, and that no other peer gets more.

use std::time::{Duration, Instant};

use crate::support::*;
use fieldlink_protocol::{endpoint, limits};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

async fn started(relay: &TestRelay) -> Socket {
    relay.connect(endpoint::MEASURE, &[]).await.expect("accepted")
}

async fn send(socket: &mut Socket, size: usize) {
    within(socket.send(Message::binary(vec![0; size]))).await.expect("sent");
}

/// Sends what a relay may have stopped reading already.
async fn push(socket: &mut Socket, message: Message) {
    let _ = within(socket.send(message)).await;
}

#[tokio::test]
async fn echoes_takes_and_gives_as_much_and_says_goodbye() {
    let relay = TestRelay::start().await;
    let mut socket = started(&relay).await;
    for round in 0..limits::MEASURE_ROUND_TRIPS {
        let message = Message::text(round.to_string());
        within(socket.send(message.clone())).await.expect("sent");
        assert_eq!(next_message(&mut socket).await, Some(message));
    }
    for _ in 0..limits::MEASURE_BYTES / limits::MEASURE_CHUNK {
        send(&mut socket, limits::MEASURE_CHUNK).await;
    }
    assert_eq!(next_message(&mut socket).await, Some(Message::text("taken")));
    let mut received = 0;
    let reason = loop {
        match next_message(&mut socket).await.expect("a message") {
            Message::Close(frame) => break frame.expect("a frame").reason,
            message => received += message.len(),
        }
    };
    assert_eq!((received, reason.as_str()), (limits::MEASURE_BYTES, "measured"));
}

#[tokio::test]
async fn nobody_gets_more_out_of_it() {
    let relay = TestRelay::start_with(|config| config.limits.measurements_per_minute = 100).await;
    let chunk = || Message::binary(vec![0; limits::MEASURE_CHUNK]);
    let echo = || Message::text("x");
    let endless_echoes: Vec<_> = (0..50).map(|_| echo()).collect();
    let too_large = vec![Message::binary(vec![0; limits::MEASURE_CHUNK + 1])];
    let huge = vec![Message::binary(vec![0; 4 * limits::CONTROL_MESSAGE])];
    let echo_in_between = vec![chunk(), echo()];
    let one_too_many: Vec<_> =
        (0..15).map(|_| chunk()).chain([Message::binary(vec![0; 100]), chunk()]).collect();
    let tiny_pieces: Vec<_> = (0..1_000).map(|_| Message::binary(vec![0; 65])).collect();
    let pings: Vec<_> = (0..1_000).map(|_| Message::Ping(Default::default())).collect();
    for messages in [endless_echoes, too_large, huge, echo_in_between, one_too_many, tiny_pieces, pings] {
        let mut socket = started(&relay).await;
        for message in messages {
            push(&mut socket, message).await;
        }
        let mut received = 0;
        let reason = loop {
            match next_message(&mut socket).await {
                Some(Message::Close(frame)) => break frame.map(|f| f.reason.to_string()).unwrap_or_default(),
                Some(message) => received += message.len(),
                None => break "lost".into(),
            }
        };
        assert!(["malformed", "message-too-big", "lost"].contains(&reason.as_str()), "{reason}");
        assert!(received <= 16 * limits::MEASURE_ECHO, "{received} bytes came back");
    }
}

#[tokio::test]
async fn a_slow_peer_is_cut_off_in_time() {
    let relay = TestRelay::start().await;
    let (mut silent, mut deaf) = (started(&relay).await, started(&relay).await);
    for _ in 0..limits::MEASURE_BYTES / limits::MEASURE_CHUNK {
        send(&mut deaf, limits::MEASURE_CHUNK).await;
    }
    let began = Instant::now();
    assert_eq!(close_reason(&mut silent).await, "too-slow");
    assert!(began.elapsed() < limits::MEASURE + Duration::from_secs(4), "{:?}", began.elapsed());
    // The peer that reads nothing holds nothing up either.
    let (cut, _directory) = relay.stop().await;
    assert_eq!(cut, 0);
}

#[tokio::test]
async fn a_network_measures_seldom_and_only_whole_requests_count() {
    let relay = TestRelay::start_with(|config| config.limits.measurements_per_minute = 2).await;
    for _ in 0..5 {
        let refused = relay.connect_as("fieldlink.9", endpoint::MEASURE, &[]).await.expect_err("refused");
        assert_eq!((refused.status.as_u16(), refused.code()), (426, "version"));
    }
    drop((started(&relay).await, started(&relay).await));
    let refused = relay.connect(endpoint::MEASURE, &[]).await.expect_err("refused");
    assert_eq!((refused.status.as_u16(), refused.code()), (429, "too-often"));
    assert!(refused.body.contains("in a minute"), "{}", refused.body);
    // Agents come in all the same.
    FakeAgent::start(&relay).await;
}

#[tokio::test]
async fn a_relay_that_stops_does_not_wait_for_it() {
    let relay = TestRelay::start().await;
    let mut socket = started(&relay).await;
    relay.begin_stop();
    assert_eq!(close_reason(&mut socket).await, "relay-restarted");
    assert_eq!(relay.stop().await.0, 0);
}
