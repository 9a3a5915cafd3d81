//! An engineer's program that sends as much as it can leaves the scanner's log readable.

use std::sync::mpsc::{Sender, channel};

use fieldlink_protocol::code::Code;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::encode;
use fieldlink_protocol::messages::engineer::{self, ToEngineer};
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_tests::let_in::LetIn;
use fieldlink_tests::raw::{RawEngineer, runtime, within};
use fieldlink_tests::{PATIENCE, Relay, Scanner};
use fieldlink_transport::AttachedError;
use tokio::io::AsyncWriteExt;

/// Messages of a flood, of each kind.
const FLOOD: usize = 3_000;

async fn mallory(relay: &Relay, support_id: SupportId, pin: &str) -> LetIn {
    let credential = relay.add_engineer("Mallory", "Demo Company");
    let engineer = RawEngineer::connect(relay, &credential).await.expect("known");
    LetIn::pair(engineer, support_id, pin).await
}

/// Floods with sealed chat and questions; says so, then waits to be thrown out.
async fn flood(relay: &Relay, support_id: SupportId, pin: &str, sent: Sender<()>) {
    let LetIn { engineer: _engineer, mut sealer, mut writer, reading, driving } =
        mallory(relay, support_id, pin).await;
    let mut messages = Vec::new();
    for request in 0..FLOOD as u32 {
        let question = Question::Text { text: "Secret question?".into(), choices: Vec::new() };
        messages.push(FromEngineer::Chat { text: "SECRET CHAT \n forged".into() });
        messages.push(FromEngineer::Ask { request, question });
        messages.push(FromEngineer::Withdraw { request });
    }
    for message in messages {
        let sealed = sealer.seal(encode(&message).as_bytes()).expect("fits");
        if writer.write_all(&sealed).await.is_err() {
            break;
        }
    }
    sent.send(()).expect("somebody waits for it");
    within(reading).await.expect("no panic");
    driving.abort();
}

/// The wire is open for what comes later: this version's scanner says no, and the session goes on.
#[test]
fn a_pipe_of_a_kind_that_the_scanner_does_not_know_is_refused_at_once() {
    let relay = Relay::start();
    let scanner = Scanner::start(&relay);
    let support_id: SupportId = scanner.digits().parse().expect("an ID");
    let pin = scanner.pin.clone();
    runtime().block_on(async {
        let mut let_in = mallory(&relay, support_id, &pin).await;
        for (request, kind) in [(1, Code::from_number(77)), (2, Code::from_number(0))] {
            let relay = &mut let_in.engineer.relay;
            relay.send(&engineer::FromEngineer::Open { request, kind }).await.expect("sent");
            let pipe_ticket = loop {
                match within(relay.next()).await.expect("an answer") {
                    ToEngineer::Opened { pipe_ticket, .. } => break pipe_ticket,
                    ToEngineer::Anchored { .. } => {}
                    other => panic!("the relay passes it on: {other:?}"),
                }
            };
            let mut pipe = let_in.engineer.attach(&pipe_ticket).await.expect("attached");
            pipe.send("a first frame".into()).await.expect("sent");
            match within(pipe.receive()).await {
                Err(AttachedError::Closed(reason)) => assert_eq!(reason, Reason::Incompatible.code()),
                other => panic!("{other:?}"),
            }
        }
        assert!(!let_in.reading.is_finished(), "the session goes on");
        let_in.driving.abort();
    });
}

#[test]
fn a_flood_from_inside_the_session_leaves_the_end_in_the_log() {
    let relay = Relay::start();
    let options = Scanner::logging("info");
    let mut scanner = Scanner::start_with(&relay, options);
    let support_id: SupportId = scanner.digits().parse().expect("an ID");
    let pin = scanner.pin.clone();
    let (sent, is_sent) = channel();
    std::thread::scope(|scope| {
        let flooding = scope.spawn(|| runtime().block_on(flood(&relay, support_id, &pin, sent)));
        scanner.process.wait_for("an engineer is connected");
        // As many lines as its place has; what comes then is left out.
        for _ in 0..20 {
            scanner.process.wait_for("a line of chat was dropped");
        }
        // All but what fits on the way has arrived.
        is_sent.recv_timeout(PATIENCE).expect("the scanner takes everything");
        scanner.process.type_line("end");
        scanner.process.wait_for("Remote access is off");
        flooding.join().expect("no panic");
    });
    scanner.stop();
    let log = scanner.process.transcript();
    let count = |text: &str| log.lines().filter(|line| line.contains(text)).count();
    let dropped = count("a line of chat was dropped");
    assert!((1..=20).contains(&dropped), "{dropped} lines about dropped chat");
    assert_eq!(count("remote access goes off"), 1, "{log}");
    // Control messages that found no room may have had too many lines as well.
    let told = log.lines().filter(|line| line.contains("there were more such lines"));
    let told = told.filter(|line| line.contains("fieldlink_agent::access::joining")).count();
    assert_eq!(told, 1, "what was left out is told at the end: {log}");
    let logged: String = log.lines().filter(|line| line.contains("fieldlink_")).collect();
    assert!(!logged.contains("SECRET CHAT") && !logged.contains("Secret question"), "{logged}");
    assert!(log.len() < 64 * 1024, "{} bytes", log.len());
}
