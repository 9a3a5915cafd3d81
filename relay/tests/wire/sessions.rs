//! From a request through pairing and admission to the end, and what the audit log says of it.

use crate::support::*;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer, Unavailable};
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

const NOT_AVAILABLE: ToEngineer =
    ToEngineer::Unavailable { code: Unavailable::NotAvailable, retry_after: None };

#[tokio::test]
async fn a_whole_call() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    let largest: Vec<u8> = (0..limits::DATA_MESSAGE).map(|n| (n % 251) as u8).collect();
    pass(&mut engineer_end, &mut agent_end, &largest).await;
    pass(&mut agent_end, &mut engineer_end, &largest).await;
    pass(&mut agent_end, &mut engineer_end, b"").await;
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"sealed").await;

    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    let (session, reason) = (call.session, Reason::EngineerEnded);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    for pipe in [&mut call.agent_pipe, &mut call.engineer_pipe, &mut agent_end, &mut engineer_end] {
        assert_eq!(close_reason(pipe).await, "engineer-ended");
    }
    let audit = relay.audit_when(|rows| rows.iter().all(|row| row.ended_at.is_some())).await;
    let [row] = audit.as_slice() else { panic!("one session: {audit:?}") };
    assert_eq!(row.session, call.session.to_string());
    assert_eq!((row.engineer_name.as_str(), row.engineer_company.as_str()), ("Zoë", "Scans & Söhne"));
    assert_eq!((row.ticket.as_str(), row.partner.as_deref()), ("T-1", Some("Reseller")));
    assert_eq!(row.support_id, call.agent.support_id.to_string());
    assert_eq!((row.device_address.as_str(), row.reason.as_deref()), ("127.0.0.1", Some("engineer-ended")));
    assert!(row.admitted_at.is_some_and(|at| at >= row.started_at));
    let length = largest.len() as u64;
    assert_eq!((row.bytes_to_agent, row.bytes_to_engineer), (length + 5, length + 6));
}

#[tokio::test]
async fn the_agent_is_told_who_asks_as_the_store_has_it() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut agent = FakeAgent::start(&relay).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    engineer.request(agent.support_id).await;
    let ToAgent::Pair { engineer, ticket, partner, .. } = agent.receive().await else { panic!("no request") };
    assert_eq!(engineer, zoe.engineer);
    assert_eq!((ticket.as_str(), partner.as_deref()), ("T-1", Some("Reseller")));
}

#[tokio::test]
async fn a_retry_is_a_new_run_of_the_same_session() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::pair(&relay, &zoe).await;
    let (session, run) = (call.session, call.agent_offer.run);
    call.agent.send(&FromAgent::Declined { session, run, reason: Reason::WrongPin }).await;
    assert_eq!(
        call.engineer.receive::<ToEngineer>().await,
        ToEngineer::Declined { run, reason: Reason::WrongPin }
    );
    assert_eq!(close_reason(&mut call.engineer_pipe).await, "wrong-pin");
    let retry = call.engineer.request(call.agent.support_id).await;
    assert_eq!(retry.session, session);
    assert!(retry.run != run && retry.pipe != call.engineer_offer.pipe);
    assert_eq!(call.agent.pair().await.run, retry.run);
    drop(call.engineer);
    let audit = relay.audit_when(|rows| rows.iter().all(|row| row.ended_at.is_some())).await;
    assert_eq!(audit.len(), 1);
    assert_eq!((audit[0].reason.as_deref(), audit[0].admitted_at), (Some("wrong-pin"), None));
}

#[tokio::test]
async fn the_pair_serves_one_session() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut call = Call::pair(&relay, &zoe).await;
    let id = call.agent.support_id;
    let mut other = FakeEngineer::connect(&relay, &max).await.expect("known");
    let lost = other.request(id).await;
    assert_eq!(call.agent.pair().await.session, lost.session);
    call.agent.send(&FromAgent::Admitted { session: call.session }).await;
    assert_eq!(other.ended().await, Reason::Busy);
    assert_eq!(other.ask(id).await, NOT_AVAILABLE);
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert_eq!(close_reason(&mut call.engineer_pipe).await, "engineer-ended");
    assert_eq!(other.ask(id).await, NOT_AVAILABLE, "nor after it");
}

#[tokio::test]
async fn nothing_opens_before_admission_or_after_the_end() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::pair(&relay, &zoe).await;
    let no_session = |request| ToEngineer::NotOpened { request, code: OpenRefusal::NoSession };
    call.engineer.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
    assert_eq!(call.engineer.receive::<ToEngineer>().await, no_session(1));
    let session = call.session;
    call.agent.send(&FromAgent::Admitted { session }).await;
    assert!(matches!(call.engineer.receive().await, ToEngineer::SessionTicket { .. }));
    call.agent.send(&FromAgent::Ended { session, reason: Reason::TimeUp }).await;
    assert_eq!(call.engineer.ended().await, Reason::TimeUp);
    call.engineer.send(&FromEngineer::Open { request: 2, kind: PipeKind::Ssh.into() }).await;
    assert_eq!(call.engineer.receive::<ToEngineer>().await, no_session(2));
}

#[tokio::test]
async fn the_loss_of_the_engineer_ends_pairing() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::pair(&relay, &zoe).await;
    drop(call.engineer);
    let (session, reason) = (call.session, Reason::EngineerLost);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    assert_eq!(close_reason(&mut call.agent_pipe).await, "engineer-lost");
}

#[tokio::test]
async fn the_loss_of_the_agent_ends_pairing_but_not_a_session() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut pairing = Call::pair(&relay, &zoe).await;
    drop(pairing.agent);
    assert_eq!(pairing.engineer.ended().await, Reason::ConnectionLost);

    let mut call = Call::start(&relay, &zoe).await;
    within(call.agent.0.close(None)).await.expect("closed");
    while next_message(&mut call.agent.0).await.is_some() {}
    call.engineer.send(&FromEngineer::Open { request: 1, kind: PipeKind::Ssh.into() }).await;
    let away = ToEngineer::NotOpened { request: 1, code: OpenRefusal::AgentAway };
    assert_eq!(call.engineer.receive::<ToEngineer>().await, away);
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn a_goodbye_on_the_control_pipe_is_the_sessions_reason() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: "client-ended".into() };
    within(call.agent_pipe.close(Some(frame.clone()))).await.expect("closed");
    assert_eq!(call.engineer.ended().await, Reason::ClientEnded);
    match next_message(&mut call.engineer_pipe).await {
        Some(Message::Close(passed)) => assert_eq!(passed, Some(frame)),
        other => panic!("expected the close, got {other:?}"),
    }
}

#[tokio::test]
async fn a_close_that_says_nothing_ends_no_pipe() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    // As something in between closes that is being restarted.
    for frame in [None, Some(CloseFrame { code: CloseCode::Away, reason: "".into() })] {
        let (engineer, agent) = call.open_tickets().await;
        let mut engineer_end = attach(&relay, &engineer).await.expect("attached");
        let mut agent_end = attach(&relay, &agent).await.expect("attached");
        pass(&mut engineer_end, &mut agent_end, b"x").await;
        within(engineer_end.close(frame.clone())).await.expect("closed");
        assert_eq!(close_reason(&mut agent_end).await, "attach-again", "{frame:?}");
        let mut engineer_end = attach(&relay, &engineer).await.expect("attached again");
        let mut agent_end = attach(&relay, &agent).await.expect("attached again");
        pass(&mut engineer_end, &mut agent_end, b"still here").await;
    }
}

#[tokio::test]
async fn the_end_of_an_ssh_pipe_ends_only_that_pipe() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (mut engineer_end, mut agent_end) = call.open(&relay).await;
    let (other_engineer_end, mut other_agent_end) = call.open(&relay).await;
    within(engineer_end.send(Message::binary(b"last words".to_vec()))).await.expect("sent");
    let frame = CloseFrame { code: CloseCode::Library(4_001), reason: "own words".into() };
    within(engineer_end.close(Some(frame.clone()))).await.expect("closed");
    assert_eq!(next_message(&mut agent_end).await, Some(Message::binary(b"last words".to_vec())));
    assert_eq!(next_message(&mut agent_end).await, Some(Message::Close(Some(frame))));
    drop(other_engineer_end);
    assert_eq!(close_reason(&mut other_agent_end).await, "attach-again");
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn data_may_come_before_the_partner() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    let mut engineer_end = attach(&relay, &engineer).await.expect("attached");
    for n in 0..200u8 {
        within(engineer_end.send(Message::binary(vec![n; 100]))).await.expect("sent");
    }
    let mut agent_end = attach(&relay, &agent).await.expect("attached");
    for n in 0..200u8 {
        assert_eq!(next_message(&mut agent_end).await, Some(Message::binary(vec![n; 100])));
    }
}
