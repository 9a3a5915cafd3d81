use super::*;
use crate::secret::random_bytes;

const S: Duration = Duration::from_secs(1);

fn pair() -> (ResumablePipe, ResumablePipe) {
    let (pipe, key) = (PipeId::random(), Secret::random());
    let side = |role| Side { role, pipe, kind: PipeKind::Ssh, key: key.clone() };
    let new = |role| ResumablePipe::new(side(role), 1 << 20, limits::INTERRUPTION, Duration::ZERO);
    (new(Role::Engineer), new(Role::Agent))
}

fn proof(pipe: &mut ResumablePipe, hello: Bytes) -> Result<Bytes, TrialError> {
    match pipe.receive_on_trial(hello, S)? {
        TrialStep::Send(proof) => Ok(proof),
        TrialStep::Proven(_) => panic!("proven by a hello"),
    }
}

fn established(pipe: &mut ResumablePipe, proof: Bytes) -> Established {
    match pipe.receive_on_trial(proof, S) {
        Ok(TrialStep::Proven(established)) => established,
        other => panic!("not proven: {other:?}"),
    }
}

fn connect(engineer: &mut ResumablePipe, agent: &mut ResumablePipe, now: Duration) {
    let (ours, theirs) = (engineer.attached(random_bytes()), agent.attached(random_bytes()));
    let (e, a) = (proof(engineer, theirs).expect("fits"), proof(agent, ours).expect("fits"));
    let (e, a) = (established(engineer, a), established(agent, e));
    engineer.switch(e, now).expect("honest");
    agent.switch(a, now).expect("honest");
}

#[test]
fn a_silent_connection_is_replaced_within_ten_seconds() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let mut now = Duration::ZERO;
    let (mut pings, mut dialled) = (0, None);
    while dialled.is_none() && now < 20 * S {
        now = engineer.deadline();
        while let Some(due) = engineer.due(now) {
            match due {
                Due::Dial => dialled = Some(now),
                Due::Send(_) => pings += 1,
                Due::GiveUp => panic!("too early"),
            }
        }
    }
    assert!(dialled.is_some_and(|at| at <= 10 * S) && pings >= 2);
    assert!(!engineer.is_connected(now));
    engineer.receive(frame::pong(), now).expect("a sign of life");
    assert!(engineer.is_connected(now), "the old one may come back");
}

#[test]
fn data_under_way_makes_it_quicker() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let mut payload = bytes::BytesMut::zeroed(super::super::DATA_HEADER);
    payload.extend_from_slice(b"x");
    engineer.stream().send(payload);
    assert!(matches!(engineer.due(limits::PIPE_PROBE), Some(Due::Send(_))));
    assert_eq!(engineer.due(limits::PIPE_PROBE), None);
    assert_eq!(engineer.due(limits::PIPE_SILENCE_BUSY), Some(Due::Dial));
}

#[test]
fn an_old_or_replayed_hello_displaces_nobody() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let old = engineer.attached(random_bytes());
    connect(&mut engineer, &mut agent, S);
    let hello = agent.attached(random_bytes());
    assert_eq!(proof(&mut agent, old.clone()), Err(HandshakeError::OldEpoch));
    // One that the agent never saw before still has no proof.
    let (mut other, _) = pair();
    (other.side.pipe, other.epoch) = (engineer.side.pipe, 40);
    let forged = other.attached(random_bytes());
    agent.attached(random_bytes());
    proof(&mut agent, forged).expect("an answer that proves nothing");
    let theirs = proof(&mut other, hello).expect("an answer");
    assert_eq!(agent.receive_on_trial(theirs, S), Err(HandshakeError::BadProof));
    assert!(agent.is_connected(S) && agent.epoch == 3);
}

#[test]
fn a_proven_liar_ends_the_pipe() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let lie = Established { epoch: 9, peer_received: 1, peer_window: 1 << 20 };
    assert_eq!(engineer.switch(lie, S), Err(StreamError::FalseAck(1)));
}

#[test]
fn tries_are_spread_and_end() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let mut now = 5 * S;
    engineer.lost(now);
    let mut waits = Vec::new();
    loop {
        match engineer.due(now) {
            Some(Due::Dial) => {
                engineer.trial_failed(1.0, now);
                let next = engineer.deadline();
                waits.push((next - now).as_millis());
                now = next;
            }
            Some(Due::GiveUp) => break,
            other => panic!("{other:?} at {now:?}"),
        }
    }
    assert_eq!(waits[..7], [100, 200, 400, 800, 1600, 3200, 5000], "after the first, immediate one");
    assert_eq!(now, limits::INTERRUPTION, "since the peer was last heard");
}

#[test]
fn a_changed_network_is_tried_at_once() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    engineer.start_over(S);
    assert_eq!(engineer.due(S), Some(Due::Dial));
    engineer.want_another(S);
    assert_eq!(engineer.due(S), None, "one is being made");
    engineer.start_over(S);
    assert_eq!(engineer.due(S), Some(Due::Dial));
    assert!(engineer.is_connected(S));
}

#[test]
fn what_is_cut_as_soon_as_it_is_proven_is_not_dialled_without_a_pause() {
    let (mut engineer, mut agent) = pair();
    let mut now = Duration::ZERO;
    let mut waits = Vec::new();
    for _ in 0..7 {
        connect(&mut engineer, &mut agent, now);
        engineer.lost(now);
        let next = engineer.deadline();
        waits.push((next - now).as_millis());
        now = next;
    }
    assert_eq!(waits, [0, 75, 150, 300, 600, 600, 600]);
    connect(&mut engineer, &mut agent, now);
    now += limits::PIPE_STABLE;
    engineer.lost(now);
    assert_eq!(engineer.deadline(), now, "at once again");
}
