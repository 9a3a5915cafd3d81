//! Engineers who come back to their session on a new connection, and those who may not.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer, Unavailable};
use fieldlink_protocol::pipe::{PipeKind, Role};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_protocol::ticket::{SessionTicket, Signed, TicketKeys};
use fieldlink_relay::store::{KeyPolicy, SqliteStore, Store, unix_now};

#[tokio::test]
async fn a_session_outlives_its_engineers_connection() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    // The old one has not noticed yet.
    let resumed = ToEngineer::Resumed { session: call.session };
    assert_eq!(engineer.resume(call.session, &call.engineers_ticket).await, resumed);
    assert_eq!(close_reason(&mut call.engineer.0).await, "replaced");
    call.engineer = engineer;
    call.open_tickets().await;
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"not touched").await;
    // And this one is lost altogether.
    let lost =
        std::mem::replace(&mut call.engineer, FakeEngineer::connect(&relay, &zoe).await.expect("known"));
    drop(lost);
    assert_eq!(call.engineer.resume(call.session, &call.engineers_ticket).await, resumed);
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    pass(&mut engineer_end, &mut agent_end, b"goes on").await;
    // The end reaches the engineer's present connection.
    call.agent.send(&FromAgent::Ended { session: call.session, reason: Reason::ClientEnded }).await;
    assert_eq!(call.engineer.ended().await, Reason::ClientEnded);
}

#[tokio::test]
async fn an_engineer_who_does_not_come_back_is_lost() {
    let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    drop(call.engineer);
    let (session, reason) = (call.session, Reason::EngineerLost);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    assert_eq!(close_reason(&mut call.agent_pipe).await, "engineer-lost");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let over = ToEngineer::Ended { session, reason };
    assert_eq!(engineer.resume(session, &call.engineers_ticket).await, over, "and is told so later");
    assert_eq!(close_reason(&mut engineer.0).await, "engineer-lost");
}

#[tokio::test]
async fn a_connection_is_for_one_thing() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let agent = FakeAgent::start(&relay).await;
    let mut asking = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    asking.request(agent.support_id).await;
    let (session, session_ticket) = (call.session, call.engineers_ticket.clone());
    let features = fieldlink_protocol::messages::Features::ours();
    asking.send(&FromEngineer::Resume { session, session_ticket, features }).await;
    assert_eq!(close_reason(&mut asking.0).await, "malformed");
    call.open_tickets().await;
    call.engineer_returns(&relay, &zoe).await;
    let (support_id, ticket, partner) = (SupportId::random(), "T-1".to_owned(), None);
    let features = fieldlink_protocol::messages::Features::ours();
    call.engineer.send(&FromEngineer::Request { support_id, ticket, partner, features }).await;
    assert_eq!(close_reason(&mut call.engineer.0).await, "malformed");
    call.engineer_returns(&relay, &zoe).await;
    call.open_tickets().await;
}

/// The keys with which this relay signs.
async fn keys(relay: &TestRelay) -> TicketKeys {
    let store = SqliteStore::open(&relay.config.state_directory).expect("opened");
    let policy = KeyPolicy { rotate_after: Duration::from_secs(1_000), keep_for: Duration::from_secs(1_000) };
    let keys = store.ticket_keys(unix_now(), policy).await.expect("its keys");
    store.close().await;
    keys
}

#[tokio::test]
async fn only_the_engineers_own_ticket_brings_a_session_back() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    let keys = keys(&relay).await;
    let good: SessionTicket = keys.verify(&call.engineers_ticket, unix_now()).expect("its own");
    let resign = |change: &dyn Fn(&mut SessionTicket)| {
        let mut ticket = good.clone();
        change(&mut ticket);
        keys.sign(&ticket)
    };
    // Long enough ago for clocks that are not at the same second.
    let expired = resign(&|ticket| ticket.expires = unix_now() - 5);
    for (credential, session, ticket, reason) in [
        (&zoe, call.session, call.session_ticket.clone(), Reason::Unknown),
        (&max, call.session, call.engineers_ticket.clone(), Reason::Unknown),
        (&max, call.session, other.engineers_ticket.clone(), Reason::Unknown),
        (&zoe, other.session, call.engineers_ticket.clone(), Reason::Unknown),
        (&zoe, call.session, resign(&|ticket| ticket.node = "other".into()), Reason::Unknown),
        (&zoe, call.session, resign(&|ticket| ticket.side = Role::Agent.into()), Reason::Unknown),
        (
            &zoe,
            call.session,
            Signed::from_text(format!("{}x", call.engineers_ticket.as_str())),
            Reason::Unknown,
        ),
        (&zoe, call.session, Signed::from_text(call.engineer_offer.pipe_ticket.as_str()), Reason::Unknown),
        (&zoe, SessionId::random(), expired.clone(), Reason::RelayLimit),
    ] {
        let mut engineer = FakeEngineer::connect(&relay, credential).await.expect("known");
        assert_eq!(engineer.resume(session, &ticket).await, ToEngineer::Ended { session, reason });
        // And nothing else.
        engineer.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
        assert_eq!(close_reason(&mut engineer.0).await, reason.code());
    }
    // None of them displaced the engineer's connection.
    call.open_tickets().await;
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert_eq!(close_reason(&mut call.engineer_pipe).await, "engineer-ended");
    relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let (session, reason) = (call.session, Reason::EngineerEnded);
    assert_eq!(engineer.resume(session, &call.engineers_ticket).await, ToEngineer::Ended { session, reason });
}

#[tokio::test]
async fn coming_back_is_limited_too() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, mut other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    for _ in 0..60 {
        call.engineer_returns(&relay, &zoe).await;
    }
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    match engineer.resume(call.session, &call.engineers_ticket).await {
        ToEngineer::Unavailable { code: Unavailable::RateLimited, retry_after: Some(1..=60) } => {}
        limited => panic!("expected a limit, got {limited:?}"),
    }
    engineer.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
    let refused = ToEngineer::NotOpened { request: 1, code: OpenRefusal::NoSession };
    assert_eq!(engineer.receive::<ToEngineer>().await, refused);
    other.engineer_returns(&relay, &max).await;
    call.open_tickets().await;
}

#[tokio::test]
async fn who_has_a_session_and_falls_silent_is_noticed_soon() {
    let (silence, interruption) = (Duration::from_secs(1), Duration::from_secs(3));
    let relay = TestRelay::start_with(|config| {
        (config.limits.session_silence, config.limits.interruption) = (silence, interruption);
    })
    .await;
    let zoe = relay.add_engineer("Zoë");
    let idle = FakeAgent::start(&relay).await;
    let mut call = Call::start(&relay, &zoe).await;
    // The test does not read the agent's connection, so that no ping is answered; the engineer's lives.
    let away = ToEngineer::NotOpened { request: 1, code: OpenRefusal::AgentAway };
    let noticed = async {
        loop {
            call.engineer.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
            if call.engineer.receive::<ToEngineer>().await == away {
                break;
            }
        }
    };
    within(noticed).await;
    call.agent_returns(&relay).await.expect("its session");
    // And now it does not read the engineer's.
    let (session, reason) = (call.session, Reason::EngineerLost);
    let ended = ToAgent::Ended { session, reason };
    within(async { while call.agent.receive::<ToAgent>().await != ended {} }).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    engineer.request(idle.support_id).await;
}
