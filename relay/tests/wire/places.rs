//! Which connections get a place at a relay that is full.

use crate::support::*;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::messages::agent::{Claim, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::FromEngineer;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_relay::arrivals;
use nix::sys::resource::{Resource, getrlimit, setrlimit};
use tokio::net::TcpStream;

/// Takes every place that there is for strangers.
async fn strangers(relay: &TestRelay) -> Vec<Socket> {
    let mut held = Vec::new();
    loop {
        match relay.connect(endpoint::AGENT, &[]).await {
            Ok(socket) => held.push(socket),
            Err(refused) => {
                assert_eq!(refused.code(), "full");
                return held;
            }
        }
    }
}

#[tokio::test]
async fn strangers_in_all_of_their_places_do_not_keep_a_session_from_going_on() {
    let relay = TestRelay::start_with(|config| {
        config.limits.connections = 5;
        config.limits.handshake = PATIENCE;
    })
    .await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let held = strangers(&relay).await;
    assert_eq!(held.len(), 4);
    // A new SSH connection; the engineer, the pipes and the agent again, after a lost network.
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    pass(&mut engineer_end, &mut agent_end, b"a new one").await;
    call.engineer_returns(&relay, &zoe).await;
    call.pipes_return(&relay).await;
    let nonsense = relay.connect(endpoint::AGENT, &[("fieldlink-ticket", "k.e30.AAAA")]).await;
    assert_eq!(nonsense.expect_err("no ticket").code(), "full");
    let header = [("fieldlink-ticket", call.session_ticket.as_str())];
    let control = Control(relay.connect(endpoint::AGENT, &header).await.expect("it has a ticket"));
    let mut back = NewAgent::greeted(control).await;
    let claim = Claim::Session { session_ticket: call.session_ticket.clone() };
    assert_eq!(back.claim(&call.key, claim).await, Ok(String::new()));
    drop(held);
    within(async { while relay.connect(endpoint::AGENT, &[]).await.is_err() {} }).await;
}

#[tokio::test]
async fn a_ticket_in_the_request_registers_nobody() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let call = Call::start(&relay, &zoe).await;
    let header = [("fieldlink-ticket", call.session_ticket.as_str())];
    let control = Control(relay.connect(endpoint::AGENT, &header).await.expect("accepted"));
    let mut thief = NewAgent::greeted(control).await;
    let claim = Claim::Session { session_ticket: call.session_ticket.clone() };
    let key = fieldlink_protocol::registration::RegistrationKey::generate();
    assert_eq!(thief.claim(&key, claim).await, Err(RegistrationRefusal::SessionOver));
}

#[tokio::test]
async fn a_place_of_a_session_is_for_that_sessions_agent_only() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let (call, other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &zoe).await);
    let header = [("fieldlink-ticket", call.session_ticket.as_str())];
    let id = Claim::SupportId { support_id: SupportId::random(), lease: None, joins: None };
    for (key, claim) in
        [(&call.key, id), (&other.key, Claim::Session { session_ticket: other.session_ticket.clone() })]
    {
        let control = Control(relay.connect(endpoint::AGENT, &header).await.expect("it has a ticket"));
        let mut agent = NewAgent::greeted(control).await;
        agent.register(key, claim).await;
        assert_eq!(close_reason(&mut agent.control.0).await, "malformed");
    }
}

#[tokio::test]
async fn one_ticket_takes_a_few_places_while_its_session_lasts_and_none_afterwards() {
    let relay = TestRelay::start_with(|config| {
        config.limits.connections = 2;
        config.limits.session_connections_per_engineer = 13;
        config.limits.handshake = PATIENCE;
    })
    .await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let ticket = call.session_ticket.clone();
    let header = [("fieldlink-ticket", ticket.as_str())];
    let mut held = Vec::new();
    let refused = loop {
        match relay.connect(endpoint::AGENT, &header).await {
            Ok(socket) => held.push(socket),
            Err(refused) => break refused,
        }
    };
    assert_eq!((refused.code(), held.len()), ("full", 8 + 1), "the session's, and a stranger's");
    // Of the engineer's there are left: the control pipe and the connection have three.
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    pass(&mut engineer_end, &mut agent_end, b"a new one").await;
    drop((held, engineer_end, agent_end));
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    let stranger = within(async {
        loop {
            if let Ok(stranger) = relay.connect(endpoint::AGENT, &[]).await {
                break stranger;
            }
        }
    })
    .await;
    let refused = relay.connect(endpoint::AGENT, &header).await.expect_err("its session is over");
    assert_eq!(refused.code(), "full");
    drop(stranger);
}

#[tokio::test]
async fn one_engineer_does_not_take_the_places_of_another() {
    let relay = TestRelay::start_with(|config| {
        config.limits.session_connections = 12;
        config.limits.session_connections_per_engineer = 6;
    })
    .await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut call = Call::start(&relay, &zoe).await;
    let mut held = Vec::new();
    let refused = loop {
        let (engineer, agent) = call.open_tickets().await;
        match attach(&relay, &engineer).await {
            Ok(socket) => held.push(socket),
            Err(refused) => break refused,
        }
        match attach(&relay, &agent).await {
            Ok(socket) => held.push(socket),
            Err(refused) => break refused,
        }
    };
    assert_eq!(
        (refused.code(), held.len()),
        ("full", 3),
        "one connection, two of the control pipe, and these"
    );
    let mut call = Call::start(&relay, &max).await;
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    pass(&mut engineer_end, &mut agent_end, b"his own").await;
}

#[tokio::test]
async fn connections_that_say_nothing_make_way() {
    let (_, hard) = getrlimit(Resource::RLIMIT_NOFILE).expect("a limit");
    setrlimit(Resource::RLIMIT_NOFILE, hard, hard).expect("raised");
    let relay = TestRelay::start_with(|config| config.limits.handshake = PATIENCE * 3).await;
    let mut silent = Vec::new();
    within(async {
        while silent.len() < arrivals::MOST {
            silent.push(TcpStream::connect(relay.address).await.expect("connected"));
        }
        // One that comes now is sent away, until the first one has been silent for long enough to be dropped for it.
        loop {
            let next = TcpStream::connect(relay.address).await.expect("connected");
            tokio::select! {
                _ = silent[0].readable() => break silent.push(next),
                _ = next.readable() => {}
            }
        }
    })
    .await;
    // The next one may have to try again: the second of them may have come too much later than the first.
    within(async { while relay.try_dial().await.is_err() {} }).await;
}
