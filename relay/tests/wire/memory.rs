//! What peers can make a real relay hold, against what its limits say.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::limits::{DATA_MESSAGE, RELAY_MESSAGE};
use fieldlink_relay::memory::{SESSION, STRANGER};
use futures_util::SinkExt;
use futures_util::future::join_all;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::io::AsyncWriteExt;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

/// What a process may have grown by without any of these peers: first uses of code and of caches.
const WARM: u64 = 16 * 1_024 * 1_024;

/// The most that a record of TLS 1.3 holds, encrypted.
const RECORD: u16 = 16 * 1_024 + 256;

/// Sends full messages until nothing more is taken.
async fn stuff(mut socket: Socket) -> Socket {
    let stuffing = async { while socket.send(Message::binary(vec![7; DATA_MESSAGE])).await.is_ok() {} };
    // That it does not end is the point.
    let _ = timeout(Duration::from_secs(4), stuffing).await;
    socket
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn one_credential_with_its_own_agents_and_nobody_reading_stays_within_its_budget() {
    let (relay, process) =
        TestRelay::start_process("write_seconds = 120\nsession_silence_seconds = 600").await;
    let zoe = relay.add_engineer("Zoë");
    let before = process.resident();
    let (mut calls, mut ends) = (Vec::new(), Vec::new());
    for _ in 0..2 {
        let mut call = Call::start(&relay, &zoe).await;
        for _ in 0..60 {
            let (engineer, agent) = call.open_tickets().await;
            for ticket in [engineer, agent] {
                let header = [("fieldlink-ticket", ticket.as_str())];
                ends.push(relay.connect_narrowly(endpoint::PIPE, &header).await.expect("within the budget"));
            }
        }
        calls.push(call);
    }
    let connections = ends.len() as u64;
    let _held = join_all(ends.into_iter().map(|end| tokio::spawn(stuff(end)))).await;
    let grown = process.resident().saturating_sub(before);
    let per_connection = grown / connections / 1_024;
    println!("{connections} connections: {per_connection} KiB each");
    assert!(grown <= connections * SESSION + WARM, "{per_connection} KiB per connection");
    assert!(grown >= connections * DATA_MESSAGE as u64, "{per_connection} KiB: nothing was held at all");
}

/// Connects strangers until there are so many, each of which sends a text as long as it may be, and then a record of
/// TLS as long as that may be, both without their last byte.
async fn crowd(relay: &TestRelay, held: &mut Vec<Socket>, strangers: u64) {
    let mut frame = vec![0x81, 0x80 | 126];
    frame.extend((RELAY_MESSAGE as u16).to_be_bytes());
    frame.extend([0; 4]);
    frame.resize(frame.len() + RELAY_MESSAGE - 1, b' ');
    let mut record = vec![0x17, 3, 3];
    record.extend(RECORD.to_be_bytes());
    record.resize(record.len() + usize::from(RECORD) - 1, 7);
    while (held.len() as u64) < strangers {
        let mut stranger = relay.connect_narrowly(endpoint::AGENT, &[]).await.expect("accepted");
        let raw = stranger.get_mut();
        within(raw.write_all(&frame)).await.expect("sent");
        within(raw.flush()).await.expect("sent");
        within(raw.get_mut().0.write_all(&record)).await.expect("sent");
        held.push(stranger);
    }
    // The last one's has arrived when one that comes after it is answered.
    FakeAgent::start(relay).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn strangers_with_unfinished_messages_stay_within_theirs() {
    // What the first ones make the process grow by is its own: first uses of code and of caches.
    const FIRST: u64 = 400;
    const ALL: u64 = 2_000;
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("raised");
    let (relay, process) = TestRelay::start_process("handshake_seconds = 120").await;
    let mut held = Vec::new();
    crowd(&relay, &mut held, FIRST).await;
    let before = process.resident();
    crowd(&relay, &mut held, ALL).await;
    let each = process.resident().saturating_sub(before) / (ALL - FIRST);
    println!("{ALL} strangers: {} KiB each", each / 1_024);
    assert!(each <= STRANGER, "{} KiB per stranger", each / 1_024);
    let sent = RELAY_MESSAGE as u64 + u64::from(RECORD);
    assert!(each >= sent, "{} KiB: not all of it was held", each / 1_024);
}
