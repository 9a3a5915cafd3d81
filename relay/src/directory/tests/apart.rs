//! Pipes that go on: attached again, displaced, moved, apart for too long.

use super::*;

const LOST: PipeEnd = PipeEnd::Lost;

/// Attaches with this ticket and expects to wait at a pipe that was spliced before.
fn waits(world: &mut World, ticket: &PipeTicket) -> AttachmentId {
    let (attach, id) = world.attach(ticket).expect("free");
    assert!(matches!(attach, Attach::WaitAgain { .. }), "{attach:?}");
    id
}

fn displaced(id: AttachmentId, side: Role) -> Effect {
    Effect::Part(id, CloseCause::Displaced(side))
}

#[test]
fn who_comes_again_waits_beside_the_splice_for_the_partner_to_come_again() {
    let mut world = World::new();
    let Piped { asked, pipe, engineers, agents, splice, .. } = world.piped();
    world.effects();
    let newer = waits(&mut world, &agents);
    assert_eq!(world.effects(), [Effect::AttachAgain(splice, Role::Engineer)]);
    assert_eq!(world.attach(&engineers).expect("free").0, Attach::Join(newer));
    assert_eq!(world.effects(), [], "the old splice goes on");
    let moved = |world: &mut World, id| world.parted(asked.session, pipe, id, PipeEnd::Moved);
    assert_eq!(moved(&mut world, splice), Some(Aftermath::Moved));
    assert_eq!(moved(&mut world, splice), None, "once");
    assert_eq!(moved(&mut world, newer), Some(Aftermath::GoesOn), "there is nothing newer: it is lost");
}

#[test]
fn the_oldest_splice_is_displaced_by_nobody() {
    let mut world = World::new();
    let Piped { asked, pipe, engineers, agents, splice, .. } = world.piped();
    let mut newest = waits(&mut world, &agents);
    for _ in 0..1_000 {
        world.effects();
        let again = waits(&mut world, &agents);
        assert_eq!(
            world.effects(),
            [displaced(newest, Role::Agent), Effect::AttachAgain(splice, Role::Engineer)],
            "who waits is replaced"
        );
        assert_eq!(world.attach(&engineers).expect("free").0, Attach::Join(again));
        newest = waits(&mut world, &engineers);
        assert_eq!(world.effects(), [displaced(again, Role::Engineer)], "so is the unproven splice");
        assert_eq!(world.attach(&agents).expect("free").0, Attach::Join(newest));
        let last = waits(&mut world, &agents);
        newest = last;
    }
    assert_eq!(world.parted(asked.session, pipe, splice, LOST), Some(Aftermath::GoesOn));
}

#[test]
fn a_lost_pipe_waits_for_both_sides_and_then_no_longer() {
    let mut world = World::new();
    let Piped { asked, pipe, engineers, agents, splice, .. } = world.piped();
    world.effects();
    assert_eq!(world.parted(asked.session, pipe, splice, LOST), Some(Aftermath::GoesOn));
    world.now += TIMES.apart - Duration::from_secs(1);
    world.directory.expire(world.now);
    let again = waits(&mut world, &engineers);
    assert_eq!(world.attach(&agents).expect("free").0, Attach::Join(again));
    assert_eq!(world.parted(asked.session, pipe, again, LOST), Some(Aftermath::GoesOn));
    let waiting = waits(&mut world, &engineers);
    assert_eq!(world.effects(), []);
    world.now += TIMES.apart;
    world.directory.expire(world.now);
    assert_eq!(world.effects(), [Effect::Part(waiting, CloseCause::Reason(Reason::ConnectionLost))]);
    assert_eq!(world.attach(&agents), Err(AttachRefusal::TicketUsed));
    assert!(world.directory.sessions.contains_key(&asked.session), "only that pipe is over");
}

#[test]
fn a_close_ends_the_pipe_whichever_connection_it_comes_over() {
    for beside in [false, true] {
        let mut world = World::new();
        let Piped { asked, pipe, engineers, agents, splice, .. } = world.piped();
        let newer = waits(&mut world, &agents);
        if beside {
            assert_eq!(world.attach(&engineers).expect("free").0, Attach::Join(newer));
        }
        world.effects();
        let reason = Some(Reason::ClientEnded);
        let end = PipeEnd::Closed { by: Role::Agent, reason };
        assert_eq!(world.parted(asked.session, pipe, newer, end), Some(Aftermath::Closed));
        assert_eq!(world.effects(), [Effect::Part(splice, CloseCause::Reason(Reason::ClientEnded))]);
        assert_eq!(world.attach(&agents), Err(AttachRefusal::TicketUsed));
    }
}

#[test]
fn a_session_outlives_the_loss_of_its_control_pipe_for_a_while() {
    for (side, reason) in [
        (None, Reason::ConnectionLost),
        (Some(Role::Engineer), Reason::ConnectionLost),
        (Some(Role::Agent), Reason::EngineerLost),
    ] {
        let mut world = World::new();
        let (asked, engineer, control) = world.admitted(SupportId::random());
        assert_eq!(world.parted(asked.session, asked.pipe, control, LOST), Some(Aftermath::GoesOn));
        if let Some(side) = side {
            let ticket = world.ticket(asked.session, asked.pipe, side);
            waits(&mut world, &ticket);
        }
        world.now += TIMES.apart - Duration::from_nanos(1);
        world.directory.expire(world.now);
        assert!(!world.effects().iter().any(|effect| matches!(effect, Effect::SessionEnded(..))));
        world.now += Duration::from_nanos(1);
        world.directory.expire(world.now);
        let (effects, session) = (world.effects(), asked.session);
        assert!(effects.contains(&Effect::SessionEnded(session, reason)), "{side:?}");
        assert!(effects.contains(&Effect::TellAgent(asked.agent, ToAgent::Ended { session, reason })));
        assert!(effects.contains(&Effect::TellEngineer(engineer, ToEngineer::Ended { session, reason })));
    }
}

#[test]
fn the_first_coming_is_waited_for_briefly_and_pairing_is_not_resumed() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let pipe = world
        .directory
        .open_pipe(engineer, (PipeId::random(), PipeKind::Ssh.into()), world.now)
        .expect("admitted")
        .pipe;
    let ticket = world.ticket(asked.session, pipe, Role::Agent);
    let (attach, first) = world.attach(&ticket).expect("free");
    assert_eq!(attach, Attach::Wait { until: world.now + TIMES.partner });
    let end = PipeEnd::Closed { by: Role::Agent, reason: None };
    assert_eq!(world.parted(asked.session, pipe, first, end), Some(Aftermath::GoesOn), "it may come again");
    let (_, again) = world.attach(&ticket).expect("free");
    assert_eq!(world.parted(asked.session, pipe, again, PipeEnd::NobodyCame), Some(Aftermath::Closed));

    let (engineer, id) = (world.engineer(), SupportId::random());
    world.agent(id);
    let asked = world.request(engineer, id).expect("found");
    let control = world.join(asked.session, asked.pipe);
    let ticket = world.ticket(asked.session, asked.pipe, Role::Agent);
    assert_eq!(world.attach(&ticket), Err(AttachRefusal::TicketUsed));
    assert_eq!(world.parted(asked.session, asked.pipe, control, LOST), Some(Aftermath::Closed));
}
