//! A hostile relay between engineers with certificates and a scanner that asks for them.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use fieldlink_protocol::ids::AgentKey;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_protocol::pairing::PairingMessage;
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_tests::meddler::{Direction, Leg, Meddle, Meddler};
use fieldlink_tests::{Authority, Engineer, Relay, Scanner};
use tokio_tungstenite::tungstenite::Message;

use super::certificates::{CERTIFICATE_REFUSED, nothing_was_charged, options, refused};

/// Both sides reach the relay through a hostile one, which changes the engineer's first message by `change`.
fn with_changed_start(
    change: impl Fn(Bytes, Bytes) -> PairingMessage + Send + 'static,
) -> (Relay, Authority, Scanner, (i32, String)) {
    let (relay, authority) = (Relay::start(), Authority::new());
    let meddle: Meddle = Box::new(move |leg: &Leg, direction, message| {
        let is_start = leg.kind == Some(PipeKind::Control)
            && leg.side == Some(Role::Engineer)
            && direction == Direction::Up;
        match (is_start, PairingMessage::decode(&message.clone().into_data())) {
            (true, Ok(PairingMessage::Start { ke1, proof })) => {
                vec![Message::Binary(change(ke1, proof).encode())]
            }
            _ => vec![message],
        }
    });
    let meddler = Meddler::start(&relay, meddle);
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    engineer.redirect_to(&meddler.url());
    let scanner = Scanner::start_with(&relay, options(authority.section(), false));
    let refused = refused(&engineer, &scanner);
    (relay, authority, scanner, refused)
}

#[test]
fn a_relay_cannot_take_the_proof_away_or_put_its_own_message_beside_it() {
    let (relay, authority, mut scanner, (code, said)) =
        with_changed_start(|ke1, _| PairingMessage::Start { ke1, proof: Bytes::new() });
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("none arrived") && said.contains("the relay took it away"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "no proof of the engineer's name arrived");

    // A KE1 of the relay's own, made for its own guess at the PIN.
    let (relay, authority, mut scanner, (code, said)) = with_changed_start(|_, proof| {
        let pin = fieldlink_protocol::pin::Pin::parse("0000").expect("four digits");
        let (_, ke1) = fieldlink_protocol::pairing::EngineerLogin::start(&pin).expect("a login");
        PairingMessage::Start { ke1, proof }
    });
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("altered on its way"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "was altered on its way here");

    let (relay, authority, mut scanner, (code, said)) = with_changed_start(|ke1, proof| {
        let mut proof = proof.to_vec();
        *proof.last_mut().expect("some") ^= 1;
        PairingMessage::Start { ke1, proof: proof.into() }
    });
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "the proof of the engineer's name is not right");
}

#[test]
fn a_signature_for_something_else_is_worth_nothing() {
    let (relay, authority, mut scanner, (code, said)) = with_changed_start(|ke1, proof| {
        let (ours, theirs) = (b"fieldlink-engage@v1", b"fieldlink-engage@v2");
        let mut proof = proof.to_vec();
        // The statement, which is signed, names it too; the signature's own is the last.
        let at = proof.windows(ours.len()).rposition(|bytes| bytes == ours).expect("the namespace");
        proof[at..at + theirs.len()].copy_from_slice(theirs);
        PairingMessage::Start { ke1, proof: proof.into() }
    });
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("was made for something else"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "was made for something else");
}

#[test]
fn a_relay_cannot_play_a_request_again() {
    let seen: Arc<Mutex<Option<(Bytes, Bytes)>>> = Arc::default();
    let (first, later) = (seen.clone(), seen.clone());
    // The first request is withheld; what it said is put into the next engineer's.
    let (relay, authority, mut scanner, (code, said)) = with_changed_start(move |ke1, proof| {
        *first.lock().expect("one thread") = Some((ke1.clone(), proof));
        PairingMessage::Start { ke1, proof: Bytes::new() }
    });
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    let meddle: Meddle = Box::new(move |leg, direction, message| {
        let is_start = leg.side == Some(Role::Engineer) && direction == Direction::Up;
        match (is_start, PairingMessage::decode(&message.clone().into_data())) {
            (true, Ok(PairingMessage::Start { .. })) => {
                let (ke1, proof) = later.lock().expect("one thread").clone().expect("seen before");
                vec![Message::Binary(PairingMessage::Start { ke1, proof }.encode())]
            }
            _ => vec![message],
        }
    });
    let meddler = Meddler::start(&relay, meddle);
    let engineer = Engineer::enrolled(&relay, "Eve");
    engineer.redirect_to(&meddler.url());
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("belongs to another try"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "the request belongs to an earlier try");
}

/// A hostile relay between both sides that does not tell the truth about one thing.
fn lying(
    meddle: Meddle,
    section: impl FnOnce(&Authority) -> String,
) -> (Relay, Meddler, Authority, Engineer, Scanner) {
    let (relay, authority) = (Relay::start(), Authority::new());
    let meddler = Meddler::start(&relay, meddle);
    let engineer = Engineer::enrolled(&relay, "Ada");
    authority.certify(&engineer, &[]);
    engineer.redirect_to(&meddler.url());
    let options = options(section(&authority), false);
    let scanner = Scanner::start_at(&meddler.url(), relay.authority(), options);
    (relay, meddler, authority, engineer, scanner)
}

#[test]
fn a_signature_for_another_agent_is_worth_nothing() {
    let meddle: Meddle = Box::new(|_, direction, message| {
        if let (Direction::Down, Message::Text(text)) = (direction, &message)
            && let Ok(ToEngineer::Requested { session, run, pipe, pipe_ticket, .. }) = decode(text.as_bytes())
        {
            let agent = AgentKey::random();
            let lie = ToEngineer::Requested { session, run, agent, pipe, pipe_ticket };
            return vec![Message::text(encode(&lie))];
        }
        vec![message]
    });
    let (relay, _meddler, authority, engineer, mut scanner) = lying(meddle, Authority::section);
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("made for another scanner"), "{said}");
    nothing_was_charged(&relay, &mut scanner, &authority, "made for another device");
}

/// Also where the scanner asks for none, the certificate is part of what both sides have to agree on.
#[test]
fn a_proof_that_is_taken_away_is_missed_where_nobody_asks_for_it() {
    let meddle: Meddle = Box::new(|leg, direction, message| {
        let is_start = leg.side == Some(Role::Engineer) && direction == Direction::Up;
        match (is_start, PairingMessage::decode(&message.clone().into_data())) {
            (true, Ok(PairingMessage::Start { ke1, .. })) => {
                vec![Message::Binary(PairingMessage::Start { ke1, proof: Bytes::new() }.encode())]
            }
            _ => vec![message],
        }
    });
    let (_relay, _meddler, _authority, engineer, scanner) = lying(meddle, |_| String::new());
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, 214, "{said}");
}

/// What a relay can cost: one charge for each genuine request, by keeping back what proves that the PIN was right.
#[test]
fn withholding_the_third_message_costs_one_charge_each() {
    let meddle: Meddle = Box::new(|leg, direction, message| {
        let is_third = leg.side == Some(Role::Engineer)
            && direction == Direction::Up
            && matches!(PairingMessage::decode(&message.clone().into_data()), Ok(PairingMessage::Finish(_)));
        if is_third { vec![Message::Close(None)] } else { vec![message] }
    });
    let (_relay, _meddler, _authority, engineer, mut scanner) = lying(meddle, Authority::section);
    for _ in 0..3 {
        let mut connect = engineer.start_connecting(&scanner.support_id, &scanner.pin);
        assert_ne!(connect.wait_for_end().code(), Some(0));
    }
    let why = scanner.wait_until_off();
    assert!(why.contains("Three wrong PINs were tried"), "{why}");
}

/// The same request twice: the relay gives the second one the names of the first, and plays what was said in that.
#[test]
fn a_request_that_is_made_twice_is_charged_once() {
    let (mut names, mut start) = (None, None);
    let meddle: Meddle = Box::new(move |leg, direction, message| {
        if let (Direction::Down, Message::Text(text)) = (direction, &message)
            && let Ok(ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket }) =
                decode(text.as_bytes())
        {
            let (session, run) = *names.get_or_insert((session, run));
            let pair = ToAgent::Pair { session, run, engineer, ticket, partner, pipe, pipe_ticket };
            return vec![Message::text(encode(&pair))];
        }
        let is_start = leg.side == Some(Role::Engineer)
            && direction == Direction::Up
            && matches!(
                PairingMessage::decode(&message.clone().into_data()),
                Ok(PairingMessage::Start { .. })
            );
        vec![if is_start { start.get_or_insert(message).clone() } else { message }]
    });
    let (_relay, _meddler, _authority, engineer, mut scanner) = lying(meddle, Authority::section);
    let mut first = engineer.start_connecting(&scanner.support_id, &scanner.wrong_pin());
    assert_eq!(first.wait_for_end().code(), Some(214), "{}", first.transcript());
    let (code, said) = refused(&engineer, &scanner);
    assert_eq!(code, CERTIFICATE_REFUSED, "{said}");
    assert!(said.contains("belongs to another try"), "{said}");
    scanner.process.wait_for("the request belongs to an earlier try");
}
