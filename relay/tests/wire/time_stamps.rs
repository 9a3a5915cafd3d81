//! Time stamps for the records of sessions, from an authority that the relay asks.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use fieldlink_evidence::Digest;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::feature;
use fieldlink_protocol::ids::{AccountHead, SessionId, SumsDigest};
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::FromEngineer;
use fieldlink_protocol::reason::Reason;
use fieldlink_relay::config::Config;

use crate::support::*;

const SUMS: &[u8] = b"0000  events.jsonl\n";

fn asking(session: SessionId, sums: &[u8]) -> FromAgent {
    FromAgent::TimeStamp { session, digest: SumsDigest::from_bytes(*Digest::of(sums).as_bytes()) }
}

/// The next message of the agent's, which is a time stamp.
async fn stamped(call: &mut Call) -> Vec<u8> {
    match call.agent.receive().await {
        ToAgent::TimeStamped { session, response } if session == call.session => {
            BASE64.decode(response).expect("base64")
        }
        other => panic!("expected a time stamp, got {other:?}"),
    }
}

/// The session goes on: its pipe, and what else its agent asks for. `number`: another one each time.
async fn goes_on(call: &mut Call, number: u64) {
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"goes on").await;
    let head = AccountHead::from_bytes([1; 32]);
    call.agent.send(&FromAgent::Anchor { session: call.session, seq: number, head }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Anchored { .. }));
}

fn asks(authority: &TestAuthority) -> impl FnOnce(&mut Config) {
    let url = authority.url.clone().try_into().expect("an address");
    |config| config.records.anchor_tsa = Some(url)
}

/// What the relay lists to an agent.
async fn lists_it(relay: &TestRelay) -> bool {
    let mut control = Control(relay.connect(endpoint::AGENT, &[]).await.expect("accepted"));
    match control.receive().await {
        ToAgent::Challenge { features, .. } => features.has(feature::TIME_STAMPS) && features.has("ssh"),
        other => panic!("no challenge: {other:?}"),
    }
}

#[tokio::test]
async fn the_end_of_a_record_is_stamped_and_openssl_verifies_it() {
    let mut authority = TestAuthority::start([]);
    let settings = format!("[records]\nanchor_tsa = \"{}\"", authority.url);
    let (relay, process) = TestRelay::start_process(&settings).await;
    assert!(lists_it(&relay).await);
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    call.agent.send(&asking(call.session, SUMS)).await;
    let stamp = stamped(&mut call).await;
    assert!(authority.verifies(SUMS, &stamp) && !authority.verifies(b"other", &stamp));
    assert!(stamp.len() > 15_000, "a long one");
    let head = authority.asked().await;
    assert!(head.starts_with("post /stamp http/1.1\r\nhost: localhost:"), "{head}");
    assert!(head.contains("\r\ncontent-type: application/timestamp-query\r\n"), "{head}");
    assert!(process.log_with("time stamp").await.contains(&call.session.to_string()));
}

#[tokio::test]
async fn without_an_authority_nothing_is_listed_and_nothing_happens() {
    let relay = TestRelay::start().await;
    assert!(!lists_it(&relay).await);
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.agent.send(&asking(call.session, SUMS)).await;
    goes_on(&mut call, 1).await;
}

#[tokio::test]
async fn what_does_not_count_is_not_given_and_the_next_question_is_answered() {
    for manner in [Manner::Rubbish, Manner::OTHER_DIGEST, Manner::OTHER_NONCE, Manner::Redirect, Manner::Huge]
    {
        let mut authority = TestAuthority::start([manner]);
        let relay = TestRelay::start_with(asks(&authority)).await;
        let zoe = relay.add_engineer("Zoë");
        let mut call = Call::start(&relay, &zoe).await;
        call.agent.send(&asking(call.session, b"first")).await;
        goes_on(&mut call, 1).await;
        call.agent.send(&asking(call.session, SUMS)).await;
        let stamp = stamped(&mut call).await;
        assert!(authority.verifies(SUMS, &stamp), "the second one is of the second question");
        for _ in 0..2 {
            authority.asked().await;
        }
        assert!(authority.is_idle(), "each was asked once");
        goes_on(&mut call, 2).await;
    }
}

#[tokio::test]
async fn a_silent_authority_holds_nothing_up_and_is_asked_one_question_at_a_time() {
    let (release, held) = std::sync::mpsc::channel();
    let mut authority = TestAuthority::start([Manner::Held(held)]);
    let relay = TestRelay::start_with(asks(&authority)).await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, mut other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    call.agent.send(&asking(call.session, b"first")).await;
    authority.asked().await;
    other.agent.send(&asking(other.session, SUMS)).await;
    goes_on(&mut call, 1).await;
    goes_on(&mut other, 1).await;
    assert!(authority.is_idle(), "one at a time");
    drop(release);
    let stamp = stamped(&mut other).await;
    assert!(authority.verifies(SUMS, &stamp));
    goes_on(&mut call, 2).await;
}

#[tokio::test]
async fn a_relay_stops_also_while_it_asks() {
    let (release, held) = std::sync::mpsc::channel();
    let mut authority = TestAuthority::start([Manner::Held(held)]);
    let relay = TestRelay::start_with(asks(&authority)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.agent.send(&asking(call.session, SUMS)).await;
    authority.asked().await;
    let begun = std::time::Instant::now();
    relay.stop().await;
    assert!(begun.elapsed() < std::time::Duration::from_secs(9), "it does not wait for the authority");
    drop(release);
}

#[tokio::test]
async fn of_an_authority_that_is_down_the_log_says_so() {
    let (relay, process) = TestRelay::start_process("[records]\nanchor_tsa = \"http://127.0.0.1:9/\"").await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.agent.send(&asking(call.session, SUMS)).await;
    let log = process.log_with("could not get a time stamp").await;
    assert!(log.contains("it cannot be reached") && log.contains("http://127.0.0.1:9/"), "{log}");
    goes_on(&mut call, 1).await;
}

#[tokio::test]
async fn only_the_sessions_agent_and_twice() {
    let authority = TestAuthority::start([]);
    let relay = TestRelay::start_with(asks(&authority)).await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, mut other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    other.agent.send(&asking(call.session, SUMS)).await;
    goes_on(&mut other, 1).await;
    for _ in 0..2 {
        call.agent.send(&asking(call.session, SUMS)).await;
        stamped(&mut call).await;
    }
    call.agent.send(&asking(call.session, SUMS)).await;
    other.agent.send(&asking(other.session, SUMS)).await;
    stamped(&mut other).await;
    goes_on(&mut call, 1).await;
}

#[tokio::test]
async fn over_tls_it_is_the_authority_that_the_operator_vouches_for() {
    let (directory, strangers) = (tempfile::tempdir().expect("one"), tempfile::tempdir().expect("one"));
    let (known, unknown) = (test_config(directory.path()), test_config(strangers.path()));
    let authority = TestAuthority::start_secure(&known.certificate, &known.private_key);
    let settings = |ca: &std::path::Path| {
        format!("[records]\nanchor_tsa = \"{}\"\nanchor_tsa_ca = {ca:?}", authority.url)
    };
    let (relay, _process) = TestRelay::start_process(&settings(&known.certificate)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.agent.send(&asking(call.session, SUMS)).await;
    let stamp = stamped(&mut call).await;
    assert!(authority.verifies(SUMS, &stamp));
    let (relay, process) = TestRelay::start_process(&settings(&unknown.certificate)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    call.agent.send(&asking(call.session, SUMS)).await;
    process.log_with("its certificate is").await;
    goes_on(&mut call, 1).await;
}
