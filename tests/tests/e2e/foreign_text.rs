//! Text from a hostile relay reaches no terminal and no log as it is, and is shown as the relay's word.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_protocol::reason::Reason;
use fieldlink_tests::meddler::{Direction, Meddle, Meddler};
use fieldlink_tests::programs::eventually;
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use tokio_tungstenite::tungstenite::Message;

/// What a terminal obeys, what turns text round, and what begins another line. JSON carries them escaped.
const HOSTILE: &str = "x\\u001b]0;owned\\u0007\\u202e\\u009b2J\\r\\nFORGED permitted user=1000";

/// Types, fields and values that no version knows.
fn hostile_messages() -> [String; 4] {
    [
        format!("{{\"type\":\"{HOSTILE}\"}}"),
        format!("{{\"type\":\"welcome\",\"{HOSTILE}\":1}}"),
        format!("{{\"type\":\"registered\",\"lease\":\"{HOSTILE}\"}}"),
        format!("{{\"type\":\"ended\",\"session\":\"{HOSTILE}\",\"reason\":\"busy\"}}"),
    ]
}

/// Says `hostile` instead of the relay's first message on `path`.
fn instead_of_the_first(path: &'static str, hostile: String) -> Meddle {
    Box::new(move |leg, direction, message| {
        let is_it = direction == Direction::Down && leg.path.ends_with(path) && message.is_text();
        vec![if is_it { Message::text(hostile.clone()) } else { message }]
    })
}

fn check_harmless(transcript: &str) {
    assert!(!transcript.contains("FORGED"), "{transcript:?}");
    let is_bad = |c: char| c != '\n' && c.is_control() || matches!(c, '\u{202a}'..='\u{202e}');
    assert!(!transcript.chars().any(is_bad), "{transcript:?}");
}

#[test]
fn an_engineer_reads_nothing_of_it() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    for hostile in hostile_messages() {
        let meddler = Meddler::start(&relay, instead_of_the_first("engineer", hostile));
        engineer.redirect_to(&meddler.url());
        let mut attempt = engineer.start_connecting("482913077", "1234");
        assert!(!attempt.wait_for_end().success());
        let transcript = attempt.transcript();
        check_harmless(&transcript);
    }
}

#[test]
fn a_scanners_log_repeats_nothing_of_it() {
    let relay = Relay::start();
    for hostile in hostile_messages() {
        let meddler = Meddler::start(&relay, instead_of_the_first("agent", hostile));
        let options = Scanner::logging("debug");
        let mut scanner = Scanner::launch_at(&meddler.url(), relay.authority(), options);
        scanner.process.wait_for("registration lost");
        check_harmless(&scanner.process.transcript());
    }
}

/// A relay that says who ended a session may be lying: neither side reads it as a fact, and the scanner does not
/// put it under its own seal.
#[test]
fn who_ended_a_session_by_a_relays_word_is_told_as_its_word() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let armed = Arc::new(AtomicBool::new(false));
    let (switch, mut session) = (armed.clone(), None);
    let meddler = Meddler::start(
        &relay,
        Box::new(move |leg, direction, message| {
            let mut messages = vec![message];
            if direction == Direction::Down
                && leg.path.ends_with("agent")
                && let Message::Text(text) = &messages[0]
                && let Ok(ToAgent::Pair { session: named, .. }) = decode(text.as_bytes())
            {
                session = Some(named);
            }
            // The next thing that the relay says to the scanner carries the lie with it.
            if direction == Direction::Down
                && leg.path.ends_with("agent")
                && let Some(session) = session
                && switch.swap(false, Ordering::SeqCst)
            {
                let lie = ToAgent::Ended { session, reason: Reason::ClientEnded };
                messages.push(Message::text(encode(&lie)));
            }
            messages
        }),
    );
    engineer.redirect_to(&meddler.url());
    let mut scanner = Scanner::start_at(&meddler.url(), relay.authority(), ScannerOptions::default());
    let mut call = engineer.call(&scanner);
    armed.store(true, Ordering::SeqCst);
    // A further connection makes the relay say something to the scanner.
    let mut further = call.start("echo further");
    let why = scanner.wait_until_off();
    assert!(why.contains("the support service says: the client ended it"), "{why}");
    assert!(!why.contains("you ended it"), "{why}");
    let told = call.wait_until_ended();
    assert!(told.contains("relay-ended") && !told.contains("client-ended"), "{told}");
    eventually("ssh is over", PATIENCE, || further.has_ended());
}
