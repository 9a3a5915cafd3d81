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
        TrialStep::Send { proof, .. } => Ok(proof),
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
    let (ours, theirs) = (engineer.attaching(random_bytes()), agent.attaching(random_bytes()));
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
fn a_trial_that_can_wait_is_forgone_unless_the_peer_waits_for_it() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    agent.want_another(S);
    assert_eq!(agent.due(S), Some(Due::Dial));
    agent.trial_forgone(S);
    assert_eq!(agent.due(S), None);
    agent.want_another(S);
    assert_eq!(agent.due(S), Some(Due::Dial));
    // Meanwhile the peer attaches anew.
    agent.want_another(S);
    assert_eq!(agent.due(S), None, "one at a time");
    agent.trial_forgone(S);
    assert_eq!(agent.due(S), Some(Due::Dial));
    agent.trial_forgone(S);
    assert_eq!(agent.due(S), None);
}

#[test]
fn an_old_or_replayed_hello_displaces_nobody() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    let old = engineer.attaching(random_bytes());
    connect(&mut engineer, &mut agent, S);
    let hello = agent.attaching(random_bytes());
    assert_eq!(proof(&mut agent, old.clone()), Err(HandshakeError::OldEpoch));
    // One that the agent never saw before still has no proof.
    let (mut other, _) = pair();
    (other.side.pipe, other.epoch) = (engineer.side.pipe, 40);
    let forged = other.attaching(random_bytes());
    agent.attaching(random_bytes());
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

fn written(pipe: &mut ResumablePipe, payload: &[u8]) {
    let mut chunk = bytes::BytesMut::zeroed(super::super::DATA_HEADER);
    chunk.extend_from_slice(payload);
    pipe.stream().send(chunk);
}

/// Our proof, and the data behind it.
fn proof_and_data(pipe: &mut ResumablePipe, hello: Bytes) -> (Bytes, Vec<Bytes>) {
    match pipe.receive_on_trial(hello, S) {
        Ok(TrialStep::Send { proof, early }) => (proof, early),
        other => panic!("not a hello that fits: {other:?}"),
    }
}

#[test]
fn what_is_written_in_a_gap_goes_out_behind_the_proof_and_once() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    engineer.lost(S);
    agent.lost(S);
    written(&mut engineer, b"in the gap");
    let (ours, theirs) = (engineer.attaching(random_bytes()), agent.attaching(random_bytes()));
    let (agents_proof, none) = proof_and_data(&mut agent, ours);
    assert!(none.is_empty());
    let (engineers_proof, early) = proof_and_data(&mut engineer, theirs);
    assert_eq!(early.len(), 1);
    // All that the agent has read is the proof: the data can be read at once.
    let proven = established(&mut agent, engineers_proof);
    agent.switch(proven, S).expect("honest");
    let received = agent.receive(early[0].clone(), S).expect("honest");
    assert_eq!(received, Received::Data(Bytes::from_static(b"in the gap")));
    written(&mut engineer, b"and after");
    let proven = established(&mut engineer, agents_proof);
    let frames = engineer.switch(proven, S).expect("honest");
    assert_eq!(frames.len(), 2, "an acknowledgement, and what was written since");
    let received = agent.receive(frames[1].clone(), S).expect("honest");
    assert_eq!(received, Received::Data(Bytes::from_static(b"and after")));
}

/// A relay that makes up a HELLO gets a little of what it has seen already, and changes nothing.
#[test]
fn a_forged_hello_pulls_little_and_changes_nothing() {
    let (mut engineer, mut agent) = pair();
    connect(&mut engineer, &mut agent, Duration::ZERO);
    for _ in 0..40 {
        written(&mut engineer, &[7; 16 * 1024]);
    }
    engineer.stream().finish();
    engineer.lost(S);
    for claimed in [0, 5, 1 << 40] {
        let before = format!("{:?}", engineer.stream());
        engineer.attaching(random_bytes());
        let Side { pipe, kind, .. } = engineer.side.clone();
        let reading = (claimed, 1 << 20);
        let forger = Handshake::new(Role::Agent, (pipe, kind), Secret::random(), random_bytes(), 0, reading);
        let (_, early) = proof_and_data(&mut engineer, forger.hello());
        let header = super::super::DATA_HEADER;
        assert!(early.iter().map(|frame| frame.len() - header).sum::<usize>() <= limits::PIPE_EARLY);
        assert!(early.iter().all(|frame| frame[0] == 0x03), "data, and nothing that ends or acknowledges");
        assert_eq!(format!("{:?}", engineer.stream()), before);
        let wrong = engineer.receive_on_trial(frame::proof(&[0; 32]), S);
        assert_eq!(wrong, Err(HandshakeError::BadProof));
        engineer.trial_failed(0.5, S);
    }
    let mut arrived = 0;
    let (ours, theirs) = (engineer.attaching(random_bytes()), agent.attaching(random_bytes()));
    let (agents_proof, _) = proof_and_data(&mut agent, ours);
    let (engineers_proof, early) = proof_and_data(&mut engineer, theirs);
    let proven = established(&mut agent, engineers_proof);
    agent.switch(proven, S).expect("honest");
    let proven = established(&mut engineer, agents_proof);
    for frame in early.into_iter().chain(engineer.switch(proven, S).expect("honest")) {
        match agent.receive(frame, S).expect("honest") {
            Received::Data(bytes) => arrived += bytes.len(),
            Received::End => assert_eq!(arrived, 40 * 16 * 1024),
            _ => {}
        }
    }
    assert_eq!(arrived, 40 * 16 * 1024);
}
