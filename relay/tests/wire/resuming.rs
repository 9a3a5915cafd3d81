//! Pipes that outlive their connections: attached again beside a splice or after it.

use std::time::Duration;

use crate::support::*;
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::pipe::closing::{ATTACH_AGAIN, DONE, MOVED, REPLACED};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use futures_util::SinkExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

/// A call with a further pipe: the engineer's and the agent's ticket, and their ends.
struct Piped {
    relay: TestRelay,
    call: Call,
    tickets: [Signed<PipeTicket>; 2],
    ends: [Socket; 2],
}

impl Piped {
    async fn start(relay: TestRelay) -> Self {
        let zoe = relay.add_engineer("Zoë");
        let mut call = Call::start(&relay, &zoe).await;
        let (engineer, agent) = call.open_tickets().await;
        let tickets = [engineer, agent];
        let mut piped = Self { ends: Self::attach_both(&relay, &tickets).await, relay, call, tickets };
        piped.pass().await;
        piped
    }

    async fn attach_both(relay: &TestRelay, [engineer, agent]: &[Signed<PipeTicket>; 2]) -> [Socket; 2] {
        [attach(relay, engineer).await.expect("attached"), attach(relay, agent).await.expect("attached")]
    }

    async fn agent_again(&self) -> Socket {
        attach(&self.relay, &self.tickets[1]).await.expect("attached beside it")
    }

    async fn engineer_again(&self) -> Socket {
        attach(&self.relay, &self.tickets[0]).await.expect("attached beside it")
    }

    async fn pass(&mut self) {
        let [engineer, agent] = &mut self.ends;
        pass(engineer, agent, b"there").await;
        pass(agent, engineer, b"and back").await;
    }
}

/// Aborts the connection as a network does.
fn reset(socket: Socket) {
    let tcp = socket.get_ref().get_ref().0;
    tcp.set_zero_linger().expect("set");
}

#[tokio::test]
async fn both_move_to_new_connections_while_the_old_ones_carry_on() {
    let mut piped = Piped::start(TestRelay::start().await).await;
    let mut agent = piped.agent_again().await;
    prodded(&mut piped.ends[0]).await;
    piped.pass().await;
    // What the first one says at once is kept for the partner.
    within(agent.send(Message::binary(b"early".to_vec()))).await.expect("sent");
    let mut engineer = piped.engineer_again().await;
    assert_eq!(next_message(&mut engineer).await, Some(Message::binary(b"early".to_vec())));
    pass(&mut engineer, &mut agent, b"new").await;
    piped.pass().await;
    // The last words over the old connection still arrive.
    within(piped.ends[1].send(Message::binary(b"last".to_vec()))).await.expect("sent");
    close_with(&mut piped.ends[1], MOVED).await;
    assert_eq!(next_message(&mut piped.ends[0]).await, Some(Message::binary(b"last".to_vec())));
    assert_eq!(close_reason(&mut piped.ends[0]).await, MOVED);
    pass(&mut agent, &mut engineer, b"goes on").await;
    // And once more.
    let mut third = piped.engineer_again().await;
    prodded(&mut agent).await;
    let mut partner = piped.agent_again().await;
    pass(&mut third, &mut partner, b"third").await;
    close_with(&mut third, DONE).await;
    assert_eq!(close_reason(&mut partner).await, DONE);
    assert_eq!(close_reason(&mut agent).await, DONE, "the pipe is closed, wherever");
    let refused = attach(&piped.relay, &piped.tickets[0]).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
}

#[tokio::test]
async fn a_lost_connection_loses_the_pipe_nothing_but_time() {
    let mut piped = Piped::start(TestRelay::start().await).await;
    for round in 0..4 {
        let [mut engineer, mut agent] = piped.ends;
        let mut left = match round {
            0 => {
                reset(engineer);
                agent
            }
            1 => {
                drop(agent);
                engineer
            }
            2 => {
                // What is no data is no goodbye either.
                within(engineer.send(Message::text("text"))).await.expect("sent");
                assert_eq!(close_reason(&mut engineer).await, "not-data");
                agent
            }
            _ => {
                // Moved, but nowhere.
                close_with(&mut agent, MOVED).await;
                engineer
            }
        };
        match next_message(&mut left).await {
            Some(Message::Close(Some(frame))) => {
                assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Away, ATTACH_AGAIN));
            }
            other => panic!("expected a close, got {other:?}"),
        }
        piped.ends = Piped::attach_both(&piped.relay, &piped.tickets).await;
        piped.pass().await;
    }
    let call = &mut piped.call;
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn who_attaches_a_thousand_times_displaces_only_the_unproven() {
    let mut piped = Piped::start(TestRelay::start().await).await;
    let mut newest = piped.agent_again().await;
    for _ in 0..40 {
        let mut again = piped.agent_again().await;
        assert_eq!(close_reason(&mut newest).await, REPLACED);
        let mut engineer = piped.engineer_again().await;
        pass(&mut engineer, &mut again, b"not proven").await;
        newest = piped.agent_again().await;
        assert_eq!(close_reason(&mut again).await, REPLACED);
        assert_eq!(close_reason(&mut engineer).await, ATTACH_AGAIN);
    }
    let [engineer, agent] = &mut piped.ends;
    pass(engineer, agent, b"proven").await;
    within(agent.send(Message::binary(b"and back".to_vec()))).await.expect("sent");
    // It was asked all the while.
    let mut asked = 0;
    while let Some(Message::Text(_)) = next_message(engineer).await {
        asked += 1;
    }
    assert!((1..=41).contains(&asked), "{asked}");
}

#[tokio::test]
async fn a_side_that_does_not_come_again_stops_nothing() {
    let mut piped = Piped::start(TestRelay::start().await).await;
    let mut waiting = piped.agent_again().await;
    prodded(&mut piped.ends[0]).await;
    // It waits, its pings are answered, and two messages may come early.
    for n in 0..2u8 {
        within(waiting.send(Message::Ping(vec![n].into()))).await.expect("sent");
        assert_eq!(pong(&mut waiting).await, [n]);
        within(waiting.send(Message::binary(vec![n]))).await.expect("sent");
    }
    piped.pass().await;
    let mut engineer = piped.engineer_again().await;
    for n in 0..2u8 {
        assert_eq!(next_message(&mut engineer).await, Some(Message::binary(vec![n])));
    }
}

async fn pong(socket: &mut Socket) -> Vec<u8> {
    use futures_util::StreamExt;
    match within(socket.next()).await {
        Some(Ok(Message::Pong(payload))) => payload.to_vec(),
        other => panic!("expected the pong, got {other:?}"),
    }
}

#[tokio::test]
async fn a_pipe_that_is_apart_for_too_long_is_closed() {
    let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
    let mut piped = Piped::start(relay).await;
    let [engineer, mut agent] = piped.ends;
    reset(engineer);
    assert_eq!(close_reason(&mut agent).await, ATTACH_AGAIN);
    let mut waiting = attach(&piped.relay, &piped.tickets[1]).await.expect("attached");
    assert_eq!(close_reason(&mut waiting).await, "connection-lost");
    let refused = attach(&piped.relay, &piped.tickets[0]).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
    let call = &mut piped.call;
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"still here").await;
}

#[tokio::test]
async fn who_waits_beside_a_splice_in_vain_is_told_so() {
    let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
    let mut piped = Piped::start(relay).await;
    let mut waiting = piped.agent_again().await;
    prodded(&mut piped.ends[0]).await;
    assert_eq!(close_reason(&mut waiting).await, "partner-missing");
    piped.pass().await;
    let mut again = piped.agent_again().await;
    let mut engineer = piped.engineer_again().await;
    assert_eq!(next_message(&mut piped.ends[0]).await, Some(Message::text(ATTACH_AGAIN)));
    pass(&mut again, &mut engineer, b"later").await;
}

#[tokio::test]
async fn who_comes_back_and_falls_silent_is_dropped() {
    let relay = TestRelay::start_with(|config| config.limits.session_silence = Duration::from_secs(1)).await;
    let mut piped = Piped::start(relay).await;
    let mut silent = piped.agent_again().await;
    assert_eq!(close_reason(&mut silent).await, ATTACH_AGAIN);
    prodded(&mut piped.ends[0]).await;
    piped.pass().await;
}

#[tokio::test]
async fn a_session_outlives_its_control_pipes_connections() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    reset(call.agent_pipe);
    assert_eq!(close_reason(&mut call.engineer_pipe).await, ATTACH_AGAIN);
    let tickets = [call.engineer_offer.pipe_ticket.clone(), call.agent_offer.pipe_ticket.clone()];
    let [mut engineer, mut agent] = Piped::attach_both(&relay, &tickets).await;
    pass(&mut engineer, &mut agent, b"sealed").await;
    // A goodbye on it ends the session, also from a side that waits for the other one.
    reset(engineer);
    assert_eq!(close_reason(&mut agent).await, ATTACH_AGAIN);
    let mut agent = attach(&relay, &tickets[1]).await.expect("attached");
    close_with(&mut agent, "client-ended").await;
    assert_eq!(call.engineer.ended().await, Reason::ClientEnded);
    let refused = attach(&relay, &tickets[0]).await.expect_err("refused");
    assert_eq!(refused.code(), "session-over");
}

#[tokio::test]
async fn a_session_without_its_control_pipe_ends_and_both_are_told() {
    for agent_waits in [true, false] {
        let relay = TestRelay::start_with(|config| config.limits.interruption = Duration::from_secs(1)).await;
        let zoe = relay.add_engineer("Zoë");
        let mut call = Call::start(&relay, &zoe).await;
        reset(call.engineer_pipe);
        assert_eq!(close_reason(&mut call.agent_pipe).await, ATTACH_AGAIN);
        let (ticket, reason) = match agent_waits {
            true => (&call.agent_offer.pipe_ticket, Reason::EngineerLost),
            false => (&call.engineer_offer.pipe_ticket, Reason::ConnectionLost),
        };
        let mut waiting = attach(&relay, ticket).await.expect("attached");
        let session = call.session;
        assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
        assert_eq!(call.engineer.ended().await, reason);
        assert_eq!(close_reason(&mut waiting).await, reason.code());
        let audit = relay.audit_when(|rows| rows[0].ended_at.is_some()).await;
        assert_eq!(audit[0].reason.as_deref(), Some(reason.code()));
    }
}

#[tokio::test]
async fn pairing_is_not_resumed() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::pair(&relay, &zoe).await;
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
    reset(call.agent_pipe);
    assert_eq!(close_reason(&mut call.engineer_pipe).await, "connection-lost");
    let refused = attach(&relay, &call.agent_offer.pipe_ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "ticket-used");
}
