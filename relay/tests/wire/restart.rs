//! Sessions that outlive the relay's process.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::messages::agent::{RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::reason::Reason;
use fieldlink_relay::store::unix_now;

/// The things that come back, in whatever order.
#[derive(Clone, Copy)]
enum Part {
    Agent,
    Engineer,
    Control,
    Pipe,
}

#[tokio::test]
async fn a_session_goes_on_whatever_comes_back_first() {
    use Part::{Agent, Control, Engineer, Pipe};
    let orders = [
        ([Agent, Engineer, Control, Pipe], false),
        ([Pipe, Control, Engineer, Agent], true),
        ([Control, Agent, Pipe, Engineer], false),
        ([Engineer, Pipe, Agent, Control], true),
    ];
    let mut relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let tickets = call.open_tickets().await;
    for (order, killed) in orders {
        relay = if killed { relay.kill_and_restart().await } else { relay.restart().await };
        for part in order {
            match part {
                Agent => call.agent_returns(&relay).await.expect("its session"),
                Engineer => call.engineer_returns(&relay, &zoe).await,
                Control => call.pipes_return(&relay).await,
                Pipe => {
                    let mut engineer = attach(&relay, &tickets.0).await.expect("attached");
                    let mut agent = attach(&relay, &tickets.1).await.expect("attached");
                    pass(&mut agent, &mut engineer, b"as before").await;
                }
            }
        }
        call.open_tickets().await;
    }
    assert_eq!(relay.store().audit().expect("readable")[0].ended_at, None);
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    let (session, reason) = (call.session, Reason::EngineerEnded);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    let audit = relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    assert_eq!((audit.len(), audit[0].reason.as_deref()), (1, Some("engineer-ended")));
    // A kill loses what was not written down yet: nothing less than the last clean stop.
    let bytes = (audit[0].bytes_to_agent, audit[0].bytes_to_engineer);
    assert_eq!(bytes, (5 + 5 + 5, 9 + 9), "what passed before the two stops, and since the last kill");
}

#[tokio::test]
async fn what_nobody_comes_back_to_lapses() {
    let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let pairing = Call::pair(&relay, &zoe).await;
    let relay = relay.kill_and_restart().await;
    let audit = relay.audit_when(|rows| rows.iter().all(|row| row.ended_at.is_some())).await;
    for row in &audit {
        assert_eq!(row.reason.as_deref(), Some("relay-restarted"));
    }
    assert_eq!((audit[0].admitted_at.is_some(), audit[1].admitted_at), (true, None));
    assert_eq!(call.agent_returns(&relay).await, Err(RegistrationRefusal::SessionOver));
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let over = ToEngineer::Ended { session: call.session, reason: Reason::RelayRestarted };
    assert_eq!(engineer.resume(call.session, &call.engineers_ticket).await, over);
    for ticket in [&call.agent_offer.pipe_ticket, &pairing.agent_offer.pipe_ticket] {
        let refused = attach(&relay, ticket).await.expect_err("refused");
        assert_eq!(refused.code(), "session-over");
        assert!(refused.body.contains("restarted"), "{}", refused.body);
    }
}

#[tokio::test]
async fn a_session_that_only_one_side_comes_back_to_ends() {
    let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let relay = relay.kill_and_restart().await;
    call.agent_returns(&relay).await.expect("its session");
    let (session, reason) = (call.session, Reason::EngineerLost);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
}

#[tokio::test]
async fn a_limit_that_passed_meanwhile_has_passed() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let mut other = Call::start(&relay, &zoe).await;
    let past = |store: &rusqlite::Connection| {
        let (query, session) =
            ("UPDATE sessions SET expires = 5 WHERE session = ?", call.session.to_string());
        assert_eq!(store.execute(query, [session]).expect("written"), 1);
    };
    let relay = relay.kill_and_restart_with(past).await;
    let audit = relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    assert_eq!((audit[0].reason.as_deref(), audit[1].ended_at), (Some("relay-restarted"), None));
    assert_eq!(call.agent_returns(&relay).await, Err(RegistrationRefusal::SessionOver));
    other.agent_returns(&relay).await.expect("its session");
}

#[tokio::test]
async fn a_restored_session_keeps_its_deadline() {
    let relay = TestRelay::start_with(|config| {
        (config.max_session, config.session_grace) = (Duration::from_secs(3), Duration::ZERO);
    })
    .await;
    let zoe = relay.add_engineer("Zoë");
    let earliest = unix_now();
    let mut call = Call::start(&relay, &zoe).await;
    let latest = unix_now();
    let relay = relay.kill_and_restart().await;
    call.agent_returns(&relay).await.expect("its session");
    call.engineer_returns(&relay, &zoe).await;
    call.pipes_return(&relay).await;
    assert_eq!(call.engineer.ended().await, Reason::RelayLimit);
    assert!((earliest + 2..=latest + 5).contains(&unix_now()), "{}", unix_now() - earliest);
}

/// As if the relay had been killed before it wrote that the session is admitted.
fn forget_admission(store: &rusqlite::Connection) {
    let nothing = "admitted_at = NULL, run = NULL, control = NULL, agent_key = NULL, pairing = NULL,
                   not_before = NULL, expires = NULL";
    assert_eq!(store.execute(&format!("UPDATE sessions SET {nothing}"), []).expect("written"), 1);
}

#[tokio::test]
async fn a_session_ticket_says_what_was_not_written_down() {
    for by_agent in [true, false] {
        let relay = TestRelay::start().await;
        let zoe = relay.add_engineer("Zoë");
        let mut call = Call::start(&relay, &zoe).await;
        let tickets = call.open_tickets().await;
        let relay = relay.kill_and_restart_with(forget_admission).await;
        for ticket in [&tickets.0, &call.agent_offer.pipe_ticket] {
            let refused = attach(&relay, ticket).await.expect_err("not yet");
            assert_eq!((refused.status.as_u16(), refused.code()), (503, "session-pending"));
        }
        if by_agent {
            call.agent_returns(&relay).await.expect("its session");
            call.pipes_return(&relay).await;
            call.engineer_returns(&relay, &zoe).await;
        } else {
            call.engineer_returns(&relay, &zoe).await;
            call.pipes_return(&relay).await;
            call.agent_returns(&relay).await.expect("its session");
        }
        attach(&relay, &tickets.0).await.expect("attached");
        relay.audit_when(|rows| rows[0].admitted_at.is_some()).await;
    }
}

#[tokio::test]
async fn what_was_never_admitted_is_not_restored() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let call = Call::pair(&relay, &zoe).await;
    let relay = relay.kill_and_restart().await;
    // It may have been, for all that the relay knows; neither side has a session ticket that says so.
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "session-pending");
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let unknown = ToEngineer::Ended { session: call.session, reason: Reason::Unknown };
    assert_eq!(engineer.resume(call.session, &call.agent_offer.pipe_ticket).await, unknown);
}

#[tokio::test]
async fn who_was_revoked_meanwhile_has_no_session_any_more() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let tickets = call.open_tickets().await;
    let revoke = |store: &rusqlite::Connection| {
        store.execute("UPDATE engineers SET revoked_at = 5", []).expect("written");
    };
    let relay = relay.kill_and_restart_with(revoke).await;
    let audit = relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    assert_eq!(audit[0].reason.as_deref(), Some("revoked"));
    assert_eq!(call.agent_returns(&relay).await, Err(RegistrationRefusal::SessionOver));
    assert_eq!(attach(&relay, &tickets.1).await.expect_err("refused").code(), "revoked");
}

#[tokio::test]
async fn a_pipe_that_was_closed_since_stays_closed() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let tickets = call.open_tickets().await;
    let relay = relay.kill_and_restart().await;
    let mut engineer = attach(&relay, &tickets.0).await.expect("attached");
    let mut agent = attach(&relay, &tickets.1).await.expect("attached");
    close_with(&mut engineer, "done").await;
    assert_eq!(close_reason(&mut agent).await, "done");
    assert_eq!(attach(&relay, &tickets.0).await.expect_err("refused").code(), "ticket-used");
    // And nothing opens here that was opened elsewhere or for another run.
    call.pipes_return(&relay).await;
}
