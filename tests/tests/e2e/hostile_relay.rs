//! A relay that lies, alters, repeats, withholds or listens gets nowhere.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_protocol::pairing::{PairingMessage, Registration};
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::meddler::{Direction, Leg, Meddle, Meddler, honest};
use fieldlink_tests::programs::{Running, eventually, run_with_input};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use tokio_tungstenite::tungstenite::Message;

/// Frame types of `protocol/src/pipe/frame.rs`.
const HELLO: u8 = 1;
const PROOF: u8 = 2;
const DATA: u8 = 3;

struct Parties {
    // Dropped in this order: the programs before the relays they talk to.
    scanner: Scanner,
    engineer: Engineer,
    meddler: Meddler,
    relay: Relay,
}

/// Both sides reach the relay only through a hostile one.
fn parties(meddle: Meddle) -> Parties {
    parties_with(meddle, ScannerOptions::default())
}

fn parties_with(meddle: Meddle, options: ScannerOptions) -> Parties {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let meddler = Meddler::start(&relay, meddle);
    engineer.redirect_to(&meddler.url());
    let scanner = Scanner::start_at(&meddler.url(), relay.authority(), options);
    Parties { scanner, engineer, meddler, relay }
}

fn connecting(parties: &Parties) -> Running {
    parties.engineer.start_connecting(&parties.scanner.support_id, &parties.scanner.pin)
}

fn is_data(message: &Message) -> bool {
    matches!(message, Message::Binary(bytes) if bytes.first() == Some(&DATA))
}

fn is_control_data(leg: &Leg, message: &Message) -> bool {
    leg.kind == Some(PipeKind::Control) && is_data(message)
}

#[test]
fn an_honest_one_in_the_same_place_changes_nothing() {
    let parties = parties(honest());
    let call = parties.engineer.call(&parties.scanner);
    assert_eq!(call.output_of("echo fine"), "fine\n");
}

#[test]
fn presenting_another_engineer_makes_the_pairing_fail() {
    let parties = parties(Box::new(|_, direction, message| {
        if let (Direction::Down, Message::Text(text)) = (direction, &message)
            && let Ok(ToAgent::Pair { session, run, mut engineer, ticket, partner, pipe, pipe_ticket }) =
                decode(text.as_bytes())
        {
            engineer.name = "The Chief Engineer".to_owned();
            let lie = ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket };
            return vec![Message::text(encode(&lie))];
        }
        vec![message]
    }));
    let mut engineer = connecting(&parties);
    assert_eq!(engineer.wait_for_end().code(), Some(214), "{}", engineer.transcript());
}

/// Runs a call in which `meddle` begins to interfere once the session is active, and expects the
/// session to be over soon.
fn session_must_end(mut meddle: impl FnMut(&Leg, Direction, Message) -> Vec<Message> + Send + 'static) {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let parties = parties(Box::new(move |leg, direction, message| {
        // Every message passes twice, up on one leg and down on the other; altering it back would help.
        match switch.load(Ordering::SeqCst) && direction == Direction::Up {
            true => meddle(leg, direction, message),
            false => vec![message],
        }
    }));
    let mut call = parties.engineer.call(&parties.scanner);
    let mut busy = call.start("while :; do echo x; sleep 0.01; done");
    busy.wait_for("x");
    armed.store(true, Ordering::SeqCst);
    let mut scanner = parties.scanner;
    let why = scanner.wait_until_off();
    assert!(!why.contains("engineer-ended"), "{why}");
    call.wait_until_ended();
    busy.wait_for_end();
    scanner.wait_until_alone(Duration::from_secs(2));
}

#[test]
fn one_flipped_bit_in_a_sealed_message_ends_the_session() {
    session_must_end(|leg, _, message| match message {
        Message::Binary(bytes) if leg.kind == Some(PipeKind::Control) && bytes.first() == Some(&DATA) => {
            let mut altered = bytes.to_vec();
            let last = altered.len() - 1;
            altered[last] ^= 1;
            vec![Message::Binary(altered.into())]
        }
        other => vec![other],
    });
}

#[test]
fn a_repeated_sealed_message_ends_the_session() {
    session_must_end(|leg, _, message| match is_control_data(leg, &message) {
        true => vec![message.clone(), renumbered(&message, 0), message],
        false => vec![message],
    });
}

/// The same payload, claimed to stand right behind itself.
fn renumbered(message: &Message, ahead: u64) -> Message {
    let mut frame = message.clone().into_data().to_vec();
    let offset =
        u64::from_be_bytes(frame[1..9].try_into().expect("a data frame")) + (frame.len() as u64 - 9) + ahead;
    frame[1..9].copy_from_slice(&offset.to_be_bytes());
    Message::Binary(frame.into())
}

#[test]
fn a_dropped_sealed_message_ends_the_session() {
    let mut dropped = HashMap::new();
    session_must_end(move |leg, direction, message| {
        if !is_control_data(leg, &message) {
            return vec![message];
        }
        // The next ones move up, so that no gap in the stream gives it away.
        let missing = dropped.entry((leg.clone(), direction)).or_insert(0u64);
        if *missing == 0 {
            *missing = message.len() as u64 - 9;
            return Vec::new();
        }
        let mut frame = message.into_data().to_vec();
        let offset = u64::from_be_bytes(frame[1..9].try_into().expect("a data frame")) - *missing;
        frame[1..9].copy_from_slice(&offset.to_be_bytes());
        vec![Message::Binary(frame.into())]
    });
}

#[test]
fn reordered_sealed_messages_end_the_session() {
    let mut held: HashMap<(Leg, Direction), Message> = HashMap::new();
    session_must_end(move |leg, direction, message| {
        if !is_control_data(leg, &message) {
            return vec![message];
        }
        match held.remove(&(leg.clone(), direction)) {
            None => {
                held.insert((leg.clone(), direction), message);
                Vec::new()
            }
            Some(first) => swapped(&first, &message),
        }
    });
}

/// Two payloads in each other's place.
fn swapped(first: &Message, second: &Message) -> Vec<Message> {
    let (a, b) = (first.clone().into_data(), second.clone().into_data());
    let start = u64::from_be_bytes(a[1..9].try_into().expect("a data frame"));
    let frame = |offset: u64, payload: &[u8]| {
        Message::Binary(Bytes::from([&[DATA], offset.to_be_bytes().as_slice(), payload].concat()))
    };
    vec![frame(start, &b[9..]), frame(start + (b.len() as u64 - 9), &a[9..])]
}

#[test]
fn silencing_the_control_pipe_while_ssh_flows_ends_the_session() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let options = ScannerOptions { session: "interruption_seconds = 11".to_owned(), ..Default::default() };
    let silence: Meddle = Box::new(move |leg, _, message| {
        let withheld = switch.load(Ordering::SeqCst) && leg.kind == Some(PipeKind::Control);
        if withheld { Vec::new() } else { vec![message] }
    });
    let mut parties = parties_with(silence, options);
    let call = parties.engineer.call(&parties.scanner);
    let mut busy = call.start("while :; do echo x; sleep 0.05; done");
    busy.wait_for("x");
    armed.store(true, Ordering::SeqCst);
    parties.scanner.process.wait_for("interrupted");
    let mut refused = call.start("true");
    busy.wait_for("x");
    assert!(parties.scanner.wait_until_off().contains("silence"));
    busy.wait_for_end();
    assert!(!refused.wait_for_end().success(), "no new pipe while interrupted");
}

/// A relay may let one connection of the control pipe after another prove itself, and keep back what is
/// said on them: proofs are no signs of life.
#[test]
fn proofs_without_words_do_not_keep_a_session_alive() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let options = ScannerOptions { session: "interruption_seconds = 11".to_owned(), ..Default::default() };
    let prod: Meddle = Box::new(move |leg, direction, message| {
        let is_controls = switch.load(Ordering::SeqCst) && leg.kind == Some(PipeKind::Control);
        match &message {
            Message::Binary(frame) if is_controls && frame.first() == Some(&0x03) => Vec::new(),
            Message::Binary(_) if is_controls && direction == Direction::Down => {
                vec![message, Message::text("attach-again")]
            }
            _ => vec![message],
        }
    });
    let mut parties = parties_with(prod, options);
    let call = parties.engineer.call(&parties.scanner);
    let mut busy = call.start("while :; do echo x; sleep 0.05; done");
    busy.wait_for("x");
    armed.store(true, Ordering::SeqCst);
    parties.scanner.process.wait_for("interrupted");
    assert!(parties.scanner.wait_until_off().contains("silence"));
    busy.wait_for_end();
}

/// Whatever the relay repeats, the hour that the client granted goes on running down.
#[test]
fn repeated_admissions_do_not_stop_the_clock() {
    let repeat: Meddle = Box::new(|leg, direction, message| {
        let is_ticket = matches!(&message, Message::Text(text) if text.contains("\"session-ticket\""));
        let times =
            if direction == Direction::Down && leg.path.ends_with("agent") && is_ticket { 3 } else { 1 };
        vec![message; times]
    });
    let options = ScannerOptions { session: "length_seconds = 3".to_owned(), ..Default::default() };
    let mut parties = parties_with(repeat, options);
    let mut call = parties.engineer.call(&parties.scanner);
    assert_eq!(call.output_of("echo in").trim(), "in");
    assert!(parties.scanner.wait_until_off().contains("time-up"));
    assert!(call.wait_until_ended().contains("time-up"));
}

/// "That ID is taken" must not give a relay a new pair, and so a new count of attempts.
#[test]
fn a_relay_cannot_make_the_scanner_draw_pair_after_pair() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let mut parties = parties(Box::new(move |leg, direction, message| {
        let is_answer = matches!(&message, Message::Text(text) if text.contains("\"registered\""));
        match switch.load(Ordering::SeqCst) && direction == Direction::Down && leg.path.ends_with("agent") {
            true if is_answer => vec![Message::text(r#"{"type":"refused","code":"id-taken"}"#)],
            _ => vec![message],
        }
    }));
    armed.store(true, Ordering::SeqCst);
    parties.relay.crash();
    parties.relay.launch();
    assert!(parties.scanner.wait_until_off().contains("id-taken"));
}

#[test]
fn a_flipped_bit_in_an_ssh_pipe_ends_only_that_connection() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let parties = parties(Box::new(move |leg, direction, message| match message {
        Message::Binary(bytes)
            if leg.kind == Some(PipeKind::Ssh)
                && leg.side == Some(Role::Agent)
                && direction == Direction::Up
                && bytes.first() == Some(&DATA)
                && switch.swap(false, Ordering::SeqCst) =>
        {
            let mut altered = bytes.to_vec();
            let last = altered.len() - 1;
            altered[last] ^= 1;
            vec![Message::Binary(altered.into())]
        }
        other => vec![other],
    }));
    let call = parties.engineer.call(&parties.scanner);
    let mut victim = call.start("while :; do echo x; sleep 0.01; done");
    victim.wait_for("x");
    armed.store(true, Ordering::SeqCst);
    assert_eq!(victim.wait_for_end().code(), Some(255));
    assert_eq!(call.output_of("echo still here"), "still here\n");
}

#[test]
fn a_relay_that_keeps_what_is_said_early_costs_one_dialling() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let relay = Relay::start();
    let meddle: Meddle = Box::new(move |leg, _, message| {
        let is_cut = leg.kind == Some(PipeKind::Ssh) && switch.swap(false, Ordering::SeqCst);
        vec![if is_cut { Message::Close(None) } else { message }]
    });
    let meddler = Meddler::swallowing(&relay, meddle);
    let scanner = Scanner::start(&relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.redirect_to(&meddler.url());
    let call = engineer.call(&scanner);
    let mut shell = call.start("exec bash");
    for round in ["first", "second"] {
        armed.store(true, Ordering::SeqCst);
        shell.type_line(&format!("echo {round}-$((1))"));
        // The second time nothing is said early any more, or it is tried again: as long as that takes, at most.
        shell.wait_for(&format!("{round}-1"));
    }
    call.end();
}

/// Each side takes a pipe for established when it has the other's proof: a connection that is lost just then must not
/// leave one side waiting for another that has given up.
#[test]
fn a_cut_between_the_two_proofs_costs_nothing() {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let mut is_held = false;
    let options = Scanner::logging("fieldlink_agent=debug,fieldlink_ssh=debug,fieldlink_transport=debug");
    let meddle = Box::new(move |leg: &Leg, direction, message| {
        let first = match &message {
            Message::Binary(bytes) => bytes.first().copied(),
            _ => None,
        };
        let is_engineers = leg.kind == Some(PipeKind::Ssh) && leg.side == Some(Role::Engineer);
        if !is_engineers || direction == Direction::Down || !switch.load(Ordering::SeqCst) {
            return vec![message];
        }
        match first {
            // The engineer's proof does not arrive …
            Some(PROOF) => {
                is_held = true;
                Vec::new()
            }
            // … and the connection is lost once the scanner's has: then the engineer's side begins to talk.
            _ if is_held => {
                switch.store(false, Ordering::SeqCst);
                vec![Message::Close(None)]
            }
            _ => vec![message],
        }
    });
    let mut parties = parties_with(meddle, options);
    let call = parties.engineer.call(&parties.scanner);
    assert_eq!(call.output_of("echo before"), "before\n");
    armed.store(true, Ordering::SeqCst);
    let mut cut = call.start("echo went on");
    let went_on = cut.wait_for_within("went on", PATIENCE);
    assert!(!armed.load(Ordering::SeqCst), "nothing was cut");
    assert!(went_on.is_some(), "{}\n{}", cut.transcript(), parties.scanner.process.transcript());
}

/// Two parties between whom the scanner's next proof of an SSH pipe is replaced, once the switch is set.
fn parties_without_a_proof(instead: Option<Message>) -> (Parties, Arc<AtomicBool>) {
    let armed = Arc::new(AtomicBool::new(false));
    let switch = armed.clone();
    let meddle = Box::new(move |leg: &Leg, direction, message| {
        let is_proof = matches!(&message, Message::Binary(bytes) if bytes.first() == Some(&PROOF));
        let is_to_engineer = leg.kind == Some(PipeKind::Ssh)
            && leg.side == Some(Role::Engineer)
            && direction == Direction::Down;
        match is_to_engineer && is_proof && switch.swap(false, Ordering::SeqCst) {
            true => instead.clone().into_iter().collect(),
            false => vec![message],
        }
    });
    let options = Scanner::logging("fieldlink_agent=debug,fieldlink_ssh=debug,fieldlink_transport=debug");
    (parties_with(meddle, options), armed)
}

/// The other way round: the scanner's side holds a pipe for established that the engineer's side has given up.
#[test]
fn a_pipe_that_only_the_scanner_has_is_given_up() {
    let (mut parties, armed) = parties_without_a_proof(Some(Message::Close(None)));
    let call = parties.engineer.call(&parties.scanner);
    armed.store(true, Ordering::SeqCst);
    assert_eq!(call.output_of("echo went on"), "went on\n");
    assert!(!armed.load(Ordering::SeqCst), "nothing was cut");
    for _both in [1, 2] {
        parties.scanner.process.wait_for("ssh pipe let go");
    }
}

/// The engineer does not wait for it to be established.
#[test]
fn a_pipe_is_given_up_with_the_ssh_that_wanted_it() {
    let (mut parties, armed) = parties_without_a_proof(None);
    let call = parties.engineer.call(&parties.scanner);
    armed.store(true, Ordering::SeqCst);
    let impatient = call.start("echo never");
    eventually("the proof is kept back", PATIENCE, || !armed.load(Ordering::SeqCst));
    drop(impatient);
    parties.scanner.process.wait_for("ssh pipe let go");
}

#[test]
fn a_replayed_hello_and_proof_open_nothing() {
    // Records the engineer's first frames of one SSH pipe and plays them into the next.
    let recorded: Arc<Mutex<Vec<Message>>> = Arc::default();
    let mut first_pipe = None;
    let played: Arc<AtomicBool> = Arc::default();
    let was_played = played.clone();
    let parties = parties(Box::new(move |leg, direction, message| {
        let is_engineers = leg.kind == Some(PipeKind::Ssh)
            && leg.side == Some(Role::Engineer)
            && direction == Direction::Up
            && matches!(&message, Message::Binary(bytes) if matches!(bytes.first(), Some(&(HELLO | 2))));
        if !is_engineers {
            return vec![message];
        }
        let mut recording = recorded.lock().expect("one thread");
        match *first_pipe.get_or_insert(leg.number) == leg.number {
            true => {
                recording.push(message.clone());
                vec![message]
            }
            false => {
                was_played.store(true, Ordering::SeqCst);
                recording.pop().into_iter().collect()
            }
        }
    }));
    let call = parties.engineer.call(&parties.scanner);
    assert_eq!(call.output_of("echo one"), "one\n");
    assert!(!run_with_input(&mut call.ssh("echo two"), b"").status.success());
    assert!(played.load(Ordering::SeqCst));
}

#[test]
fn a_relay_that_plays_the_agent_learns_one_guess_and_no_more() {
    // It answers KE1 itself, with a registration for a PIN it made up.
    let fake =
        Arc::new(Registration::new(&Pin::parse("0000").expect("four digits")).expect("a registration"));
    let pair: Arc<Mutex<Option<fieldlink_protocol::pairing::PairingContext>>> = Arc::default();
    let known = pair.clone();
    let id: Arc<Mutex<Option<fieldlink_protocol::support_id::SupportId>>> = Arc::default();
    let support_id = id.clone();
    let parties = parties(Box::new(move |leg, direction, message| {
        if let (Direction::Down, Message::Text(text)) = (direction, &message)
            && let Ok(ToAgent::Pair { session, run, engineer, ticket, partner, .. }) = decode(text.as_bytes())
        {
            let support_id = support_id.lock().expect("one thread").expect("set before the call");
            *known.lock().expect("one thread") = Some(fieldlink_protocol::pairing::PairingContext {
                session,
                run,
                support_id,
                engineer,
                ticket,
                partner,
                certificate: [0; 32],
            });
        }
        let is_agents_answer = leg.kind == Some(PipeKind::Control)
            && leg.side == Some(Role::Engineer)
            && direction == Direction::Down
            && matches!(&message, Message::Binary(bytes) if bytes.first() == Some(&0x12));
        let is_engineers_start = leg.side == Some(Role::Engineer)
            && direction == Direction::Up
            && matches!(&message, Message::Binary(bytes) if bytes.first() == Some(&0x11));
        static KE1: Mutex<Option<Bytes>> = Mutex::new(None);
        if is_engineers_start {
            *KE1.lock().expect("one thread") = Some(message.clone().into_data());
        }
        if is_agents_answer {
            let context = known.lock().expect("one thread").clone().expect("paired before");
            let ke1 = KE1.lock().expect("one thread").clone().expect("sent before");
            let Ok(PairingMessage::Start { ke1, .. }) = PairingMessage::decode(&ke1) else {
                panic!("no KE1")
            };
            let (_, ke2) = fake.respond(&ke1, &context).expect("a response");
            return vec![Message::Binary(PairingMessage::Response(ke2).encode())];
        }
        vec![message]
    }));
    *id.lock().expect("one thread") = Some(parties.scanner.support_id.parse().expect("a support ID"));
    if parties.scanner.pin == "0000" {
        return; // The one guess in 10,000 was right: that is the bound that SECURITY.md states.
    }
    for expected in [214, 214, 220] {
        let mut engineer = connecting(&parties);
        assert_eq!(engineer.wait_for_end().code(), Some(expected), "{}", engineer.transcript());
    }
}

#[test]
fn a_recording_holds_neither_what_is_typed_nor_the_pin() {
    const MARK: &str = "MARK-7f3a9c51e2d8";
    for _ in 0..3 {
        let parties = parties(honest());
        let mut holder = connecting(&parties);
        wait_until_active(&mut holder);
        let call = Call::of(&parties.engineer, &parties.scanner, holder);
        assert_eq!(call.output_of(&format!("echo {MARK}")).trim(), MARK);
        let output = run_with_input(&mut call.ssh("cat"), MARK.as_bytes());
        assert_eq!(output.stdout, MARK.as_bytes());
        call.end();
        let recording = parties.meddler.recording();
        assert!(recording.len() > 2_000, "it did record");
        let holds = |needle: &[u8]| recording.windows(needle.len()).any(|window| window == needle);
        assert!(holds(b"T-1"), "what the relay may know is there");
        assert!(!holds(MARK.as_bytes()));
        // Four digits occur by chance in ciphertext; as a field of a message they must not.
        assert!(!holds(format!("\"{}\"", parties.scanner.pin).as_bytes()));
        assert!(!holds(format!(":{}", parties.scanner.pin).as_bytes()));
    }
}
