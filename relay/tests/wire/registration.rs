//! Agents register: which get a support ID, which keep it, which do not.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::ids::{AgentKey, Signature};
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{Claim, FromAgent, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;

const NOT_AVAILABLE: ToEngineer =
    ToEngineer::Unavailable { code: Unavailable::NotAvailable, retry_after: None };

#[tokio::test]
async fn a_second_agent_does_not_get_a_living_id() {
    let relay = TestRelay::start().await;
    let first = FakeAgent::start(&relay).await;
    let second = FakeAgent::register(&relay, &RegistrationKey::generate(), first.support_id, None).await;
    assert_eq!(second.err(), Some(RegistrationRefusal::IdTaken));
    // The first one's lease is of no use to an agent with another key.
    let thief = RegistrationKey::generate();
    let second = FakeAgent::register(&relay, &thief, first.support_id, Some(&first.lease)).await;
    assert_eq!(second.err(), Some(RegistrationRefusal::IdTaken));
}

#[tokio::test]
async fn the_same_agent_takes_its_id_back_at_once() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let (key, id) = (RegistrationKey::generate(), SupportId::random());
    let mut old = FakeAgent::register(&relay, &key, id, None).await.expect("free");
    let mut new = FakeAgent::register(&relay, &key, id, None).await.expect("its own");
    assert_eq!(close_reason(&mut old.0).await, "replaced");
    let offer = FakeEngineer::connect(&relay, &zoe).await.expect("known").request(id).await;
    assert_eq!(new.pair().await.session, offer.session);
}

#[tokio::test]
async fn a_wrong_signature_or_none_registers_nothing() {
    let relay = TestRelay::start_with(|config| config.limits.handshake = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let (key, id) = (RegistrationKey::generate(), SupportId::random());
    let mut agent = NewAgent::connect(&relay).await;
    let claim = Claim::SupportId { support_id: id, lease: None, joins: None };
    let signature = Signature::from_bytes([0; 64]);
    let register = FromAgent::Register {
        claim: claim.clone(),
        key: key.public(),
        signature,
        features: Features::ours(),
    };
    agent.control.send(&register).await;
    let refused = ToAgent::Refused { code: RegistrationRefusal::BadSignature, reason: None };
    assert_eq!(agent.control.receive::<ToAgent>().await, refused);
    assert_eq!(close_reason(&mut agent.control.0).await, "not-registered");
    // A signature over another connection's challenge is just as wrong.
    let (other, mut agent) = (NewAgent::connect(&relay).await, NewAgent::connect(&relay).await);
    agent.challenge = other.challenge;
    assert_eq!(agent.claim(&key, claim).await, Err(RegistrationRefusal::BadSignature));
    // And an agent that says nothing is dropped.
    let mut silent = NewAgent::connect(&relay).await;
    assert_eq!(close_reason(&mut silent.control.0).await, "not-registered");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    assert_eq!(engineer.ask(id).await, NOT_AVAILABLE);
}

#[tokio::test]
async fn an_agent_that_falls_silent_or_goes_is_not_found() {
    let relay = TestRelay::start_with(|config| config.limits.silence = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let (mut silent, mut leaving) = (FakeAgent::start(&relay).await, FakeAgent::start(&relay).await);
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    within(leaving.0.close(None)).await.expect("closed");
    while next_message(&mut leaving.0).await.is_some() {}
    assert_eq!(engineer.ask(leaving.support_id).await, NOT_AVAILABLE);
    assert_eq!(close_reason(&mut silent.0).await, "silent");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    assert_eq!(engineer.ask(silent.support_id).await, NOT_AVAILABLE);
}

#[tokio::test]
async fn a_ping_keeps_an_agent() {
    let relay = TestRelay::start_with(|config| config.limits.silence = Duration::from_secs(2)).await;
    let mut agent = FakeAgent::start(&relay).await;
    let mut other = FakeAgent::start(&relay).await;
    // The other one's end is the clock: by then this one would have been dropped as well.
    let mut pings = tokio::time::interval(Duration::from_millis(500));
    let reason = close_reason(&mut other.0);
    tokio::pin!(reason);
    loop {
        tokio::select! {
            reason = &mut reason => break assert_eq!(reason, "silent"),
            _ = pings.tick() => within(agent.0.send(Message::Ping(Default::default()))).await.expect("sent"),
        }
    }
    let zoe = relay.add_engineer("Zoë");
    FakeEngineer::connect(&relay, &zoe).await.expect("known").request(agent.support_id).await;
}

#[tokio::test]
async fn a_session_ticket_registers_its_agent_alone() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let claim = Claim::Session { session_ticket: call.session_ticket.clone() };
    let thief = RegistrationKey::generate();
    let stolen = NewAgent::connect(&relay).await.claim(&thief, claim.clone()).await;
    assert_eq!(stolen, Err(RegistrationRefusal::SessionOver));
    let mut back = NewAgent::connect(&relay).await;
    assert_eq!(back.claim(&call.key, claim.clone()).await, Ok(String::new()));
    assert_eq!(close_reason(&mut call.agent.0).await, "replaced");
    back.control.send(&FromAgent::Ended { session: call.session, reason: Reason::ClientEnded }).await;
    assert_eq!(call.engineer.ended().await, Reason::ClientEnded);
    let over = NewAgent::connect(&relay).await.claim(&call.key, claim).await;
    assert_eq!(over, Err(RegistrationRefusal::SessionOver));
}

#[tokio::test]
async fn nonsense_is_answered_with_a_reason() {
    let relay = TestRelay::start().await;
    let id = SupportId::random();
    let unknown_field = format!(r#"{{"type":"ended","session":"{}","reason":"busy","x":1}}"#, "0".repeat(32));
    let key = AgentKey::random();
    let no_signature = format!(
        r#"{{"type":"register","claim":{{"for":"support-id","support_id":"{id}","lease":null}},"key":"{key}"}}"#
    );
    for (message, reason) in [
        (Message::text("{"), "malformed"),
        (Message::text("[]"), "malformed"),
        (Message::text(unknown_field), "malformed"),
        (Message::text(no_signature), "malformed"),
        (Message::binary(b"\xff\xfe".to_vec()), "malformed"),
        (Message::text(format!("\"{}\"", "x".repeat(64 * 1024))), "message-too-big"),
    ] {
        let mut agent = NewAgent::connect(&relay).await;
        within(agent.control.0.send(message)).await.expect("sent");
        assert_eq!(close_reason(&mut agent.control.0).await, reason);
    }
    let mut twice = FakeAgent::start(&relay).await;
    let (claim, key) = (Claim::SupportId { support_id: id, lease: None, joins: None }, AgentKey::random());
    let (signature, features) = (Signature::from_bytes([0; 64]), Features::ours());
    twice.send(&FromAgent::Register { claim, key, signature, features }).await;
    assert_eq!(close_reason(&mut twice.0).await, "malformed");
}
