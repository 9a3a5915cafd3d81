//! Pipe tickets: what opens a pipe, and everything that does not.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::code::Code;
use fieldlink_protocol::ids::{EngineerId, PipeId, RunId, SessionId};
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, OpenRefusal, ToEngineer};
use fieldlink_protocol::pipe::{PipeKind, Role, closing};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::secret::Secret;
use fieldlink_protocol::ticket::{PipeTicket, TicketKey, TicketKeys};
use fieldlink_relay::store::{KeyPolicy, SqliteStore, Store, unix_now};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// Attaching with this ticket must be refused; returns the code.
async fn refusal(relay: &TestRelay, ticket: impl AsRef<str>) -> String {
    let refused = attach(relay, ticket).await.expect_err("refused");
    assert_eq!(refused.status, 401);
    refused.code().to_owned()
}

fn ticket(subject: EngineerId) -> PipeTicket {
    PipeTicket {
        node: "test".into(),
        session: SessionId::random(),
        run: RunId::random(),
        pipe: PipeId::random(),
        kind: PipeKind::Ssh.into(),
        side: Role::Agent.into(),
        subject,
        reference: "T-1".into(),
        not_before: unix_now(),
        expires: unix_now() + 100,
    }
}

#[tokio::test]
async fn only_what_this_relay_signed_and_still_stands_for_is_a_ticket() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    // From then on the relay knows her, and nothing but the tickets is wrong.
    FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let store = SqliteStore::open(&relay.config.state_directory).expect("opened");
    let policy = KeyPolicy { rotate_after: Duration::from_secs(1_000), keep_for: Duration::from_secs(1_000) };
    let keys = store.ticket_keys(unix_now(), policy).await.expect("its keys");
    let good = ticket(zoe.engineer.id);

    let token = keys.sign(&good);
    assert_eq!(refusal(&relay, &token).await, "session-over", "right, but there is no such session");
    assert_eq!(
        refusal(&relay, &keys.sign(&PipeTicket { expires: unix_now() - 5, ..good.clone() })).await,
        "ticket-expired"
    );
    let early = PipeTicket { not_before: unix_now() + 600, expires: u64::MAX, ..good.clone() };
    assert_eq!(refusal(&relay, &keys.sign(&early)).await, "ticket-early");
    let elsewhere = PipeTicket { node: "other".into(), ..good.clone() };
    assert_eq!(refusal(&relay, &keys.sign(&elsewhere)).await, "ticket-unknown");
    assert_eq!(refusal(&relay, &keys.sign(&ticket(EngineerId::random()))).await, "revoked");
    // A side that this version does not know is read, and refused where it would have to be seated.
    let observer = PipeTicket { side: Code::from_number(9), ..good.clone() };
    assert_eq!(refusal(&relay, &keys.sign(&observer)).await, "side-unknown");

    let kid = token.as_str().split('.').next().expect("a kid").to_owned();
    let forger = |kid: &str| TicketKeys::new(TicketKey { kid: kid.into(), master: Secret::random() }, vec![]);
    assert_eq!(refusal(&relay, &forger(&kid).sign(&good)).await, "ticket-forged");
    assert_eq!(refusal(&relay, &forger("k").sign(&good)).await, "ticket-unknown");
    let (unsigned, tag) = token.as_str().rsplit_once('.').expect("a tag");
    assert_eq!(refusal(&relay, &format!("{unsigned}x.{tag}")).await, "ticket-forged");
    assert_eq!(refusal(&relay, "x").await, "ticket-malformed");
    assert_eq!(refusal(&relay, &"x.".repeat(1_500)).await, "ticket-malformed");
    let none = relay.connect("/v1/pipe", &[]).await.expect_err("refused");
    assert_eq!((none.status.as_u16(), none.code()), (401, "ticket-missing"));
    store.close().await;
}

#[tokio::test]
async fn a_ticket_opens_its_side_of_its_pipe_and_nothing_else() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    // The agent's ticket twice is the agent's side twice: the later one waits in the earlier one's place.
    let mut first = attach(&relay, &agent).await.expect("attached");
    let mut second = attach(&relay, &agent).await.expect("attached");
    assert_eq!(close_reason(&mut first).await, "replaced");
    // Another pipe's other side is no partner either.
    let (_, other_agent) = call.open_tickets().await;
    let _other = attach(&relay, &other_agent).await.expect("attached");
    let mut engineer_end = attach(&relay, &engineer).await.expect("attached");
    pass(&mut engineer_end, &mut second, b"mine").await;
    pass(&mut second, &mut engineer_end, b"yours").await;
}

#[tokio::test]
async fn a_used_ticket_is_used() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    let mut engineer_end = attach(&relay, &engineer).await.expect("attached");
    let mut agent_end = attach(&relay, &agent).await.expect("attached");
    pass(&mut engineer_end, &mut agent_end, b"x").await;
    let done = CloseFrame { code: CloseCode::Normal, reason: closing::DONE.into() };
    within(engineer_end.close(Some(done))).await.expect("closed");
    close_reason(&mut agent_end).await;
    for ticket in [&engineer, &agent] {
        assert_eq!(refusal(&relay, ticket).await, "ticket-used", "after the final close");
    }
    // The pipe that was never attached to, when its session is over.
    let (unused, _) = call.open_tickets().await;
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    close_reason(&mut call.engineer_pipe).await;
    for ticket in [&unused, &engineer, &call.engineer_offer.pipe_ticket] {
        assert_eq!(refusal(&relay, ticket).await, "session-over");
    }
    let refused = attach(&relay, &unused).await.expect_err("refused");
    relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
    assert!(refused.body.contains("over") || refused.body.contains("engineer ended"), "{}", refused.body);
}

#[tokio::test]
async fn an_earlier_runs_ticket_is_used_up_by_the_retry() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut agent = FakeAgent::start(&relay).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let first = engineer.request(agent.support_id).await;
    let mut waiting = attach(&relay, &first.pipe_ticket).await.expect("attached");
    engineer.request(agent.support_id).await;
    assert_eq!(close_reason(&mut waiting).await, "pairing-aborted");
    assert_eq!(refusal(&relay, &agent.pair().await.pipe_ticket).await, "ticket-used");
    // A claim of admission for that run's session comes too early for the second run.
    agent.send(&FromAgent::Admitted { session: first.session }).await;
    let second = agent.pair().await;
    attach(&relay, &second.pipe_ticket).await.expect("the second run stands");
}

#[tokio::test]
async fn who_waits_in_vain_is_told_so() {
    let relay = TestRelay::start_with(|config| config.limits.handshake = Duration::from_secs(1)).await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    let mut waiting = attach(&relay, &engineer).await.expect("attached");
    assert_eq!(close_reason(&mut waiting).await, "partner-missing");
    assert_eq!(refusal(&relay, &agent).await, "ticket-used");
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn who_lost_the_connection_while_waiting_may_come_again() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (engineer, agent) = call.open_tickets().await;
    let mut waiting = attach(&relay, &engineer).await.expect("attached");
    within(waiting.close(None)).await.expect("closed");
    close_reason(&mut waiting).await;
    let mut engineer_end = attach(&relay, &engineer).await.expect("attached again");
    let mut agent_end = attach(&relay, &agent).await.expect("attached");
    pass(&mut engineer_end, &mut agent_end, b"x").await;
}

#[tokio::test]
async fn what_a_further_pipe_carries_is_for_its_two_sides_to_know() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let of_tomorrow = Code::from_number(77);
    call.engineer.send(&FromEngineer::Open { request: 1, kind: of_tomorrow }).await;
    let ToEngineer::Opened { request: 1, pipe, pipe_ticket: engineers } = call.engineer.receive().await
    else {
        panic!("it did not open")
    };
    let ToAgent::Open { pipe: same, kind, pipe_ticket: agents, .. } = call.agent.receive().await else {
        panic!("the agent was not told")
    };
    assert_eq!((same, kind), (pipe, of_tomorrow), "passed on as it came");
    let mut engineer = attach(&relay, &engineers).await.expect("attached");
    let mut agent = attach(&relay, &agents).await.expect("attached");
    pass(&mut engineer, &mut agent, b"what it is, the relay need not know").await;
    let refused = ToEngineer::NotOpened { request: 2, code: OpenRefusal::WrongKind };
    call.engineer.send(&FromEngineer::Open { request: 2, kind: PipeKind::Control.into() }).await;
    assert_eq!(call.engineer.receive::<ToEngineer>().await, refused, "a session has one control pipe");
}
