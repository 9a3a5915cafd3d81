//! An engineer's program that was started again pairs again with the key both sides kept.

use crate::support::*;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;

fn unavailable(code: Unavailable, retry_after: Option<u32>) -> ToEngineer {
    ToEngineer::Unavailable { code, retry_after }
}

/// The engineer asks to pair again; both offers.
async fn again(call: &mut Call) -> (Offer, Offer) {
    call.engineer.send(&FromEngineer::PairAgain {}).await;
    let ToEngineer::Requested { session, run, pipe, pipe_ticket, .. } = call.engineer.receive().await else {
        panic!("not requested")
    };
    let engineers = Offer { session, run, pipe, pipe_ticket };
    let ToAgent::PairAgain { session, run, pipe, pipe_ticket } = call.agent.receive().await else {
        panic!("the agent was not told")
    };
    let agents = Offer { session, run, pipe, pipe_ticket };
    assert_eq!((agents.run, agents.pipe), (engineers.run, engineers.pipe));
    assert_eq!(agents.session, call.session);
    (engineers, agents)
}

async fn join(relay: &TestRelay, (engineers, agents): &(Offer, Offer)) -> (Socket, Socket) {
    let mut engineer = attach(relay, &engineers.pipe_ticket).await.expect("attached");
    let mut agent = attach(relay, &agents.pipe_ticket).await.expect("attached");
    pass(&mut engineer, &mut agent, b"opaque").await;
    (engineer, agent)
}

#[tokio::test]
async fn a_program_that_was_started_again_takes_the_session_over() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    call.engineer_returns(&relay, &zoe).await;
    let offers = again(&mut call).await;
    let (engineer, agent) = join(&relay, &offers).await;
    // Until it is proven, all goes on as before.
    pass(&mut engineer_end, &mut agent_end, b"untouched").await;
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"untouched").await;
    let (session, run) = (call.session, offers.0.run);
    call.agent.send(&FromAgent::PairedAgain { session, run }).await;
    let ToAgent::SessionTicket { session_ticket, .. } = call.agent.receive().await else {
        panic!("no ticket")
    };
    let ToEngineer::SessionTicket { session_ticket: engineers_ticket, .. } = call.engineer.receive().await
    else {
        panic!("no ticket")
    };
    let old = [&mut engineer_end, &mut agent_end, &mut call.engineer_pipe, &mut call.agent_pipe];
    for end in old {
        assert_eq!(close_reason(end).await, "engineer-lost");
    }
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
    (call.engineer_pipe, call.agent_pipe) = (engineer, agent);
    call.open(&relay).await;
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"sealed anew").await;
    // From now on it is resumed, and restored, like any other.
    (call.engineer_offer, call.agent_offer) = offers;
    (call.session_ticket, call.engineers_ticket) = (session_ticket, engineers_ticket);
    let relay = relay.kill_and_restart().await;
    call.pipes_return(&relay).await;
    call.agent_returns(&relay).await.expect("its session");
    call.engineer_returns(&relay, &zoe).await;
    close_with(&mut call.agent_pipe, "client-ended").await;
    assert_eq!(call.engineer.ended().await, Reason::ClientEnded);
    assert_eq!(relay.audit_when(|rows| rows[0].ended_at.is_some()).await.len(), 1);
}

#[tokio::test]
async fn a_later_run_is_known_from_its_tickets() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let offers = again(&mut call).await;
    let _ends = join(&relay, &offers).await;
    let before = relay.store().audit().expect("readable");
    let (session, run) = (call.session, offers.0.run);
    call.agent.send(&FromAgent::PairedAgain { session, run }).await;
    let ToAgent::SessionTicket { session_ticket, .. } = call.agent.receive().await else {
        panic!("no ticket")
    };
    // As if it had been killed before it wrote that down.
    let (old_run, old_control) = (call.agent_offer.run.to_string(), call.agent_offer.pipe.to_string());
    let forget = |store: &rusqlite::Connection| {
        let query = "UPDATE sessions SET run = ?, control = ?, pairing = 1";
        assert_eq!(store.execute(query, [old_run, old_control]).expect("written"), 1);
    };
    let relay = relay.kill_and_restart_with(forget).await;
    let refused = attach(&relay, &offers.0.pipe_ticket).await.expect_err("not yet");
    assert_eq!(refused.code(), "session-pending");
    call.session_ticket = session_ticket;
    call.agent_returns(&relay).await.expect("its session");
    join(&relay, &offers).await;
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
    assert_eq!(relay.store().audit().expect("readable")[0].admitted_at, before[0].admitted_at);
}

#[tokio::test]
async fn a_try_is_replaced_by_the_next_and_declined_alone() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let first = again(&mut call).await;
    let (mut engineer, mut agent) = join(&relay, &first).await;
    let second = again(&mut call).await;
    assert_ne!(first.0.run, second.0.run);
    for end in [&mut engineer, &mut agent] {
        assert_eq!(close_reason(end).await, "pairing-aborted");
    }
    let (mut engineer, _agent) = join(&relay, &second).await;
    // What the agent says of the first one, or another agent of the second, changes nothing.
    let session = call.session;
    let mut stranger = FakeAgent::start(&relay).await;
    call.agent.send(&FromAgent::PairedAgain { session, run: first.0.run }).await;
    stranger.send(&FromAgent::PairedAgain { session, run: second.0.run }).await;
    let (run, reason) = (second.0.run, Reason::WrongPin);
    call.agent.send(&FromAgent::Declined { session, run, reason }).await;
    assert_eq!(call.engineer.receive::<ToEngineer>().await, ToEngineer::Declined { run, reason });
    assert_eq!(close_reason(&mut engineer).await, "wrong-pin");
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"untouched").await;
    call.open_tickets().await;
}

#[tokio::test]
async fn pairing_again_needs_a_session_and_its_agent_and_patience() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut idle = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    idle.send(&FromEngineer::PairAgain {}).await;
    let not_available = unavailable(Unavailable::NotAvailable, None);
    assert_eq!(idle.receive::<ToEngineer>().await, not_available);
    let mut pairing = Call::pair(&relay, &zoe).await;
    pairing.engineer.send(&FromEngineer::PairAgain {}).await;
    assert_eq!(pairing.engineer.receive::<ToEngineer>().await, not_available);
    pass(&mut pairing.engineer_pipe, &mut pairing.agent_pipe, b"still pairing").await;

    let mut call = Call::start(&relay, &zoe).await;
    // Two requests were made so far.
    for _ in 2..10 {
        again(&mut call).await;
    }
    call.engineer.send(&FromEngineer::PairAgain {}).await;
    match call.engineer.receive().await {
        ToEngineer::Unavailable { code: Unavailable::RateLimited, retry_after: Some(1..=60) } => {}
        other => panic!("expected a limit, got {other:?}"),
    }
    let max = relay.add_engineer("Max");
    let mut call = Call::start(&relay, &max).await;
    within(call.agent.0.close(None)).await.expect("closed");
    while next_message(&mut call.agent.0).await.is_some() {}
    for _ in 0..20 {
        call.engineer.send(&FromEngineer::PairAgain {}).await;
        let soon = unavailable(Unavailable::NotAvailable, Some(1));
        assert_eq!(call.engineer.receive::<ToEngineer>().await, soon);
    }
    call.agent_returns(&relay).await.expect("its session");
    again(&mut call).await;
}
