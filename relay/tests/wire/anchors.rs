//! What the relay signs of a session's account: for whom, who is told, and what is kept.

use std::process::{Command, Output};

use crate::support::*;
use fieldlink_evidence::{Anchor, KeptAnchor};
use fieldlink_protocol::endpoint;
use fieldlink_protocol::ids::{AccountHead, ObserverId, SessionId};
use fieldlink_protocol::messages::Features;
use fieldlink_protocol::messages::agent::{FromAgent, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer};
use fieldlink_protocol::messages::observer::ToObserver;
use fieldlink_protocol::pipe::PipeKind;
use fieldlink_protocol::reason::Reason;
use fieldlink_relay::anchors::AnchorKeys;

fn asking(session: SessionId, seq: u64) -> FromAgent {
    FromAgent::Anchor { session, seq, head: AccountHead::from_bytes([seq as u8; 32]) }
}

/// The next message of the agent's, which is an anchor.
async fn anchored(agent: &mut FakeAgent) -> KeptAnchor {
    match agent.receive().await {
        ToAgent::Anchored { line, signature, .. } => KeptAnchor { line, signature },
        other => panic!("expected an anchor, got {other:?}"),
    }
}

/// The same of the engineer's.
async fn told(engineer: &mut FakeEngineer) -> KeptAnchor {
    match engineer.receive().await {
        ToEngineer::Anchored { line, signature, .. } => KeptAnchor { line, signature },
        other => panic!("expected an anchor, got {other:?}"),
    }
}

fn seq(kept: &KeptAnchor) -> u64 {
    kept.line.parse::<Anchor>().expect("an anchor").head.seq
}

/// One of the operator's commands, as a process beside the relay.
fn operate(relay: &TestRelay, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
    command.args(arguments).arg("--config").arg(relay.config_file()).output().expect("it runs")
}

fn printed(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout.clone()).expect("text")
}

#[tokio::test]
async fn an_anchor_is_signed_written_down_and_told() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let session = call.session;
    call.agent.send(&asking(session, 7)).await;
    let kept = anchored(&mut call.agent).await;
    assert_eq!(told(&mut call.engineer).await, kept);
    let keys = AnchorKeys::open(&relay.config.state_directory).expect("made at the start");
    let anchor = kept.check(&[keys.current.trusted().expect("a key")]).expect("signed");
    assert_eq!((anchor.session, anchor.head.seq), (session, 7));
    assert_eq!(anchor.head.digest.as_bytes(), &[7; 32]);
    assert_eq!(relay.store().anchors(session).expect("read"), std::slice::from_ref(&kept));
    let line = serde_json::to_string(&kept).expect("text") + "\n";
    assert_eq!(printed(&operate(&relay, &["anchors", &session.to_string()])), line);
    let none = operate(&relay, &["anchors", &SessionId::random().to_string()]);
    assert_eq!(none.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&none.stderr).contains("there are none here"));
    // The last lines, after the end.
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    call.agent.send(&asking(session, 9)).await;
    assert_eq!(seq(&anchored(&mut call.agent).await), 9);
}

#[tokio::test]
async fn only_the_sessions_agent_and_only_forward() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut call = Call::start(&relay, &zoe).await;
    let (mut other, mut pairing) = (Call::start(&relay, &max).await, Call::pair(&relay, &max).await);
    let mut idle = FakeAgent::start(&relay).await;
    let session = call.session;
    pairing.agent.send(&asking(pairing.session, 1)).await;
    for agent in [&mut other.agent, &mut pairing.agent, &mut idle] {
        agent.send(&asking(session, 99)).await;
    }
    // What each of them says next is answered, so that the relay has read what they said before.
    other.agent.send(&asking(other.session, 1)).await;
    assert_eq!(seq(&anchored(&mut other.agent).await), 1);
    pairing.agent.send(&FromAgent::Admitted { session: pairing.session }).await;
    assert!(matches!(pairing.agent.receive().await, ToAgent::SessionTicket { .. }));
    for number in [5, 4, 5, 8] {
        call.agent.send(&asking(session, number)).await;
    }
    let another = FromAgent::Anchor { session, seq: 8, head: AccountHead::from_bytes([1; 32]) };
    call.agent.send(&another).await;
    call.agent.send(&asking(session, 9)).await;
    let mut answers = Vec::new();
    for _ in 0..4 {
        answers.push(anchored(&mut call.agent).await);
    }
    assert_eq!(answers.iter().map(seq).collect::<Vec<_>>(), [5, 5, 8, 9]);
    assert_eq!(answers[0], answers[1], "the same head is signed once");
    assert_eq!(relay.store().anchors(session).expect("read").len(), 3);
    assert!(relay.store().anchors(pairing.session).expect("read").is_empty());
}

#[tokio::test]
async fn how_far_an_account_is_outlives_the_relay() {
    let mut relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let session = call.session;
    call.agent.send(&asking(session, 7)).await;
    let first = anchored(&mut call.agent).await;
    relay = relay.restart().await;
    call.agent_returns(&relay).await.expect("it goes on");
    call.engineer_returns(&relay, &zoe).await;
    for number in [6, 7, 8] {
        call.agent.send(&asking(session, number)).await;
    }
    assert_eq!(anchored(&mut call.agent).await, first);
    assert_eq!(seq(&anchored(&mut call.agent).await), 8);
    assert_eq!(told(&mut call.engineer).await, first);
}

#[tokio::test]
async fn what_is_not_written_down_is_not_given_and_the_session_goes_on() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let store = relay.config.state_directory.join("relay.sqlite");
    let disk = rusqlite::Connection::open(store).expect("opened");
    let full = "CREATE TRIGGER full BEFORE INSERT ON anchors BEGIN SELECT RAISE(FAIL, 'full'); END";
    disk.execute_batch(full).expect("made");
    call.agent.send(&asking(call.session, 1)).await;
    pass(&mut call.agent_pipe, &mut call.engineer_pipe, b"goes on").await;
    let (_, _) = call.open_tickets().await;
    disk.execute_batch("DROP TRIGGER full").expect("dropped");
    call.agent.send(&asking(call.session, 2)).await;
    let given = anchored(&mut call.agent).await;
    // Where the first one was still waiting when there was room again, it is given as well.
    assert!(matches!(seq(&given), 1 | 2));
}

#[tokio::test]
async fn a_running_relay_takes_up_a_rotation() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let lines = |output: &Output| printed(output).lines().map(str::to_owned).collect::<Vec<_>>();
    let key = |line: &str| line.split(' ').nth(1).expect("a key").to_owned();
    let before = lines(&operate(&relay, &["anchor-key"]));
    assert_eq!(before.len(), 2);
    assert!(before[0].starts_with("ssh-ed25519 ") && before[0].contains("main, signs"), "{before:?}");
    let after = lines(&operate(&relay, &["anchor-key", "--rotate"]));
    assert_eq!(key(&after[0]), key(&before[1]));
    call.agent.send(&asking(call.session, 1)).await;
    let kept = anchored(&mut call.agent).await;
    let trusted = |line: &str| [fieldlink_identity::TrustedKey::from_line(line).expect("a key")];
    assert!(kept.check(&trusted(&after[0])).is_ok() && kept.check(&trusted(&before[0])).is_err());
}

#[tokio::test]
async fn those_who_watch_and_take_them_are_told() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let (session, observer) = (call.session, ObserverId::random());
    call.agent.send(&FromAgent::Share { session, observer }).await;
    let ToAgent::Shared { observer_ticket, .. } = call.agent.receive().await else { panic!("not shared") };
    let ticket = (endpoint::TICKET_HEADER, observer_ticket.as_str());
    let ask = async |headers: &[(&str, &str)]| {
        let mut socket = Control(relay.connect(endpoint::OBSERVER, headers).await.expect("accepted"));
        assert!(matches!(socket.receive().await, ToObserver::Opened { .. }));
        socket
    };
    let mut old = ask(&[ticket]).await;
    assert_eq!(close_reason(&mut old.0).await, "answered");
    let mut new = ask(&[ticket, (endpoint::FEATURES_HEADER, "something, anchors")]).await;
    for _ in 0..2 {
        assert!(matches!(call.agent.receive().await, ToAgent::Watch { .. }));
    }
    let mut number = 0;
    // It is told from the moment on at which its connection is known as one that stays.
    let line = loop {
        number += 1;
        call.agent.send(&asking(session, number)).await;
        let kept = anchored(&mut call.agent).await;
        assert_eq!(told(&mut call.engineer).await, kept);
        let answer = tokio::time::timeout(std::time::Duration::from_millis(200), new.receive()).await;
        if let Ok(ToObserver::Anchored { line, .. }) = answer {
            break line;
        }
        assert!(number < 20, "it is never told");
    };
    assert!(line.contains(&session.to_string()));
    call.agent.send(&FromAgent::Unshare { session, observer }).await;
    assert_eq!(close_reason(&mut new.0).await, "removed");
}

#[tokio::test]
async fn who_did_not_list_it_is_not_told() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let mut call = Call::start(&relay, &zoe).await;
    let session = call.session;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let (session_ticket, features) = (call.engineers_ticket.clone(), Features(vec!["ssh".into()]));
    engineer.send(&FromEngineer::Resume { session, session_ticket, features }).await;
    assert_eq!(engineer.receive::<ToEngineer>().await, ToEngineer::Resumed { session });
    call.agent.send(&asking(session, 1)).await;
    anchored(&mut call.agent).await;
    engineer.send(&FromEngineer::Open { request: 3, kind: PipeKind::Ssh.into() }).await;
    assert!(matches!(engineer.receive().await, ToEngineer::Opened { request: 3, .. }));
}
