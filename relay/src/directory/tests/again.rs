//! Engineers who come back, pair again, and come back after a restart of the relay.

use fieldlink_protocol::messages::agent::RegistrationRefusal;

use super::*;

/// Pairs again as far as the new control pipe; the run, the pipe and its splice.
fn tried(world: &mut World, engineer: ConnectionId, session: SessionId) -> (RunId, PipeId, AttachmentId) {
    let (run, control) = (RunId::random(), PipeId::random());
    world.directory.pair_again(engineer, (run, control), world.now).expect("admitted");
    let attach = |world: &mut World, side| {
        let ticket = PipeTicket { run, ..world.ticket(session, control, side) };
        world.attach(&ticket).expect("free")
    };
    let (_, first) = attach(world, Role::Engineer);
    assert_eq!(attach(world, Role::Agent).0, Attach::Join(first));
    (run, control, first)
}

fn standing(world: &World, session: SessionId) -> Standing {
    world.directory.sessions[&session].admitted().expect("admitted").standing
}

#[test]
fn pairing_again_moves_the_session_and_nothing_before_that_does() {
    let mut world = World::new();
    let Piped { asked, engineer, pipe, splice, control: old_control, .. } = world.piped();
    let before = standing(&world, asked.session);
    let (agent, stranger) = (asked.agent, world.agent(SupportId::random()));
    let (first, _, first_splice) = tried(&mut world, engineer, asked.session);
    world.effects();
    let (run, control, _) = tried(&mut world, engineer, asked.session);
    assert_eq!(world.effects(), [Effect::Part(first_splice, CloseCause::Reason(Reason::PairingAborted))]);
    world.directory.paired_again(agent, asked.session, first);
    world.directory.paired_again(agent, asked.session, RunId::random());
    world.directory.paired_again(stranger, asked.session, run);
    world.directory.admitted(agent, asked.session);
    assert_eq!((standing(&world, asked.session), world.effects()), (before, vec![]));
    world.directory.paired_again(agent, asked.session, run);
    assert_eq!(standing(&world, asked.session), Standing { run, control, pairing: 2, ..before });
    let effects = world.effects();
    for old in [splice, old_control] {
        assert!(effects.contains(&Effect::Part(old, CloseCause::Reason(Reason::EngineerLost))));
    }
    let given = |side, link| {
        effects.iter().any(|effect| matches!(effect, Effect::GiveTicket(s, l, _) if (*s, *l) == (side, link)))
    };
    assert!(given(Role::Agent, agent) && given(Role::Engineer, engineer));
    let old = PipeTicket { run: before.run, ..world.ticket(asked.session, pipe, Role::Agent) };
    assert_eq!(world.attach(&old), Err(AttachRefusal::TicketUsed));
    world.directory.paired_again(agent, asked.session, run);
    assert_eq!(world.effects(), [], "once");
}

#[test]
fn a_try_that_is_declined_or_comes_to_nothing_costs_the_session_nothing() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let before = standing(&world, asked.session);
    let (run, control, splice) = tried(&mut world, engineer, asked.session);
    let reason = Reason::PairingTimeout;
    world.directory.declined(asked.agent, asked.session, RunId::random(), reason);
    assert_eq!(world.effects(), []);
    world.directory.declined(asked.agent, asked.session, run, reason);
    let declined = Effect::TellEngineer(engineer, ToEngineer::Declined { run, reason });
    assert_eq!(world.effects(), [Effect::Part(splice, CloseCause::Reason(reason)), declined]);
    let again = PipeTicket { run, ..world.ticket(asked.session, control, Role::Agent) };
    assert_eq!(world.attach(&again), Err(AttachRefusal::TicketUsed));

    // Its control pipe is not resumed, and without it nothing is proven.
    let (run, control, splice) = tried(&mut world, engineer, asked.session);
    assert_eq!(world.parted(asked.session, control, splice, PipeEnd::Lost), Some(Aftermath::Closed));
    world.directory.paired_again(asked.agent, asked.session, run);
    assert_eq!((standing(&world, asked.session), world.effects()), (before, vec![]));

    // And its control pipe lapses as soon as any other that no side comes to.
    let (run, control) = (RunId::random(), PipeId::random());
    world.directory.pair_again(engineer, (run, control), world.now).expect("admitted");
    world.now += TIMES.partner * 2;
    world.directory.expire(world.now);
    assert_eq!(world.directory.sessions[&asked.session].pipes.len(), 1);
    assert_eq!(world.directory.sessions[&asked.session].admitted().expect("admitted").again, None);
}

#[test]
fn only_an_admitted_session_whose_agent_is_here_pairs_again() {
    let mut world = World::new();
    let fresh = (RunId::random(), PipeId::random());
    let (idle, id) = (world.engineer(), SupportId::random());
    assert_eq!(world.directory.pair_again(idle, fresh, world.now), Err(NotAgain::NoSession));
    world.agent(id);
    world.request(idle, id).expect("found");
    assert_eq!(world.directory.pair_again(idle, fresh, world.now), Err(NotAgain::NoSession));
    let (asked, engineer, _) = world.admitted(SupportId::random());
    world.directory.agent_gone(asked.agent);
    assert_eq!(world.directory.pair_again(engineer, fresh, world.now), Err(NotAgain::AgentAway));
}

#[test]
fn a_session_has_one_connection_of_its_engineer() {
    let mut world = World::new();
    let (asked, old, _) = world.admitted(SupportId::random());
    let owner = world.directory.engineers[&old].engineer;
    let (new, stranger) = (world.link(), world.engineer());
    world.directory.engineer_connected(new, owner);
    assert!(!world.directory.resume(stranger, asked.session));
    assert!(!world.directory.resume(new, SessionId::random()));
    assert!(world.directory.resume(new, asked.session));
    assert_eq!(world.effects(), [Effect::Close(old, Farewell::Replaced), Effect::Watch(new, true)]);
    assert!(!world.directory.resume(new, asked.session), "it has one");
    world.directory.engineer_gone(old, world.now);
    world.directory.end_by_engineer(old, Reason::EngineerEnded);
    let open = |world: &mut World, link| {
        world.directory.open_pipe(link, (PipeId::random(), PipeKind::Ssh.into()), world.now).is_ok()
    };
    assert!(open(&mut world, new) && !open(&mut world, old));
}

#[test]
fn an_engineer_is_away_for_a_while_and_then_lost() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    world.directory.engineer_gone(engineer, world.now);
    world.now += TIMES.apart - Duration::from_secs(1);
    world.directory.expire(world.now);
    assert_eq!(world.effects(), []);
    world.now += Duration::from_secs(1);
    world.directory.expire(world.now);
    assert!(world.effects().contains(&Effect::SessionEnded(asked.session, Reason::EngineerLost)));
}

/// A directory after a restart that remembers one session, and what it remembers of it.
fn restarted(admitted: bool) -> (World, Remembered, Standing) {
    let mut world = World::new();
    let (asked, ..) = world.admitted(SupportId::random());
    let standing = standing(&world, asked.session);
    let session = &world.directory.sessions[&asked.session];
    let remembered = Remembered {
        session: asked.session,
        engineer: session.engineer,
        support_id: session.support_id,
        began: 1_000,
        standing: admitted.then_some(standing),
        joins: None,
    };
    world.directory = Directory::new(TIMES);
    world.now += Duration::from_secs(10);
    world.directory.restore(&remembered, world.clock());
    (world, remembered, standing)
}

#[test]
fn after_a_restart_an_admitted_sessions_pipes_and_sides_come_back() {
    let (mut world, Remembered { session, .. }, standing) = restarted(true);
    let ssh = PipeId::random();
    let (engineers, agents) =
        (world.ticket(session, ssh, Role::Engineer), world.ticket(session, ssh, Role::Agent));
    let (_, first) = world.attach(&agents).expect("recalled");
    assert_eq!(world.attach(&engineers).expect("recalled").0, Attach::Join(first));
    // Nothing else of that kind.
    let other_run = PipeTicket { run: RunId::random(), pipe: PipeId::random(), ..agents.clone() };
    assert_eq!(world.attach(&other_run), Err(AttachRefusal::Pending));
    let other_control =
        PipeTicket { kind: PipeKind::Control.into(), pipe: PipeId::random(), ..agents.clone() };
    assert_eq!(world.attach(&other_control), Err(AttachRefusal::TicketUsed));
    let stranger = PipeTicket { subject: EngineerId::random(), pipe: PipeId::random(), ..agents.clone() };
    assert_eq!(world.attach(&stranger), Err(AttachRefusal::TicketUsed));
    // What is closed stays closed.
    let end = PipeEnd::Closed { by: Role::Agent, reason: None };
    assert_eq!(world.parted(session, ssh, first, end), Some(Aftermath::Closed));
    assert_eq!(world.attach(&agents), Err(AttachRefusal::TicketUsed));
    world.join(session, standing.control);
    let link = world.link();
    assert_eq!(world.directory.register_for_session(link, standing.agent_key, session), Ok(()));
    let deadline = world.directory.sessions[&session].deadline;
    assert_eq!(deadline, world.began + TIMES.session, "by the wall clock");
}

#[test]
fn pipes_are_recalled_for_as_long_as_they_may_be_apart_and_no_more_than_there_may_be() {
    let (mut world, Remembered { session, engineer, .. }, _) = restarted(true);
    let link = world.link();
    world.directory.engineer_connected(link, engineer);
    assert!(world.directory.resume(link, session));
    let control = world.directory.sessions[&session].admitted().expect("admitted").standing.control;
    world.join(session, control);
    for _ in 1..limits::PIPES_PER_SESSION {
        let ticket = world.ticket(session, PipeId::random(), Role::Agent);
        world.attach(&ticket).expect("recalled");
    }
    let ticket = world.ticket(session, PipeId::random(), Role::Agent);
    assert_eq!(world.attach(&ticket), Err(AttachRefusal::TicketUsed));
    world.now += TIMES.apart;
    world.directory.expire(world.now);
    assert_eq!(world.directory.sessions[&session].pipes.len(), 1, "who waited in vain does no longer");
    assert_eq!(world.attach(&ticket), Err(AttachRefusal::TicketUsed));
}

#[test]
fn a_session_ticket_settles_a_doubt_and_tells_of_later_runs() {
    let (mut world, remembered, standing) = restarted(false);
    let Remembered { session, .. } = remembered;
    let ticket = world.ticket(session, PipeId::random(), Role::Agent);
    assert_eq!(world.attach(&ticket), Err(AttachRefusal::Pending));
    let link = world.link();
    let over = Err(RegistrationRefusal::SessionOver);
    assert_eq!(world.directory.register_for_session(link, standing.agent_key, session), over);
    world.directory.recall(session, standing, world.clock());
    assert!(is_admitted(&world.effects(), session));
    assert_eq!(world.directory.register_for_session(link, standing.agent_key, session), Ok(()));
    let old = world.join(session, standing.control);
    world.effects();
    world.directory.recall(session, standing, world.clock());
    assert_eq!(world.effects(), [], "that is known");
    let later = Standing { run: RunId::random(), control: PipeId::random(), pairing: 2, ..standing };
    world.directory.recall(session, later, world.clock());
    let cut = Effect::Part(old, CloseCause::Reason(Reason::EngineerLost));
    assert_eq!(world.effects(), [cut, Effect::SessionAdmitted(session, later)]);
    world.join(session, later.control);
}

#[test]
fn what_nobody_comes_back_to_lapses_as_restarted() {
    for admitted in [true, false] {
        let (mut world, Remembered { session, .. }, _) = restarted(admitted);
        world.now += TIMES.apart - Duration::from_nanos(1);
        world.directory.expire(world.now);
        assert_eq!(world.effects(), []);
        world.now += Duration::from_nanos(1);
        world.directory.expire(world.now);
        assert_eq!(world.effects(), [Effect::SessionEnded(session, Reason::RelayRestarted)]);
        assert_eq!(world.directory.next_deadline(), None);
    }
    let (mut world, remembered, _) = restarted(true);
    world.directory = Directory::new(TIMES);
    world.directory.restore(&remembered, Clock { now: world.now, unix: 5_000 });
    assert_eq!(world.effects(), [Effect::SessionEnded(remembered.session, Reason::RelayRestarted)]);
}

/// The device restarts: nothing of what carried the session is left, and the session is, for so long.
#[test]
fn a_session_waits_for_its_device_to_restart_and_not_for_ever() {
    let mut world = World::new();
    let Piped { asked, engineer, control, splice, .. } = world.piped();
    let (session, agent, key) = (asked.session, asked.agent, standing(&world, asked.session).agent_key);
    let stranger = world.agent(SupportId::random());
    world.directory.restarting(stranger, session, world.now);
    assert!(world.effects().is_empty(), "only its own agent says so");
    world.directory.restarting(agent, session, world.now);
    let effects = world.effects();
    for old in [control, splice] {
        assert!(effects.contains(&Effect::Part(old, CloseCause::Reason(Reason::Restarting))), "{effects:?}");
    }
    assert_eq!(effects.len(), 2, "the session is not over");
    world.directory.agent_gone(agent);
    let fresh = || (RunId::random(), PipeId::random());
    assert_eq!(world.directory.pair_again(engineer, fresh(), world.now), Err(NotAgain::AgentAway));
    // Longer than either side could be away otherwise.
    world.now += Duration::from_secs(50);
    world.directory.expire(world.now);
    assert_eq!(world.effects(), []);
    let back = world.link();
    world.directory.register_for_session(back, key, session).expect("it goes on");
    world.effects();
    let (run, ..) = tried(&mut world, engineer, session);
    world.directory.paired_again(back, session, run);
    world.effects();
    world.now += Duration::from_secs(20);
    world.directory.expire(world.now);
    assert_eq!(world.effects(), [], "it waits for nothing any more");
}

#[test]
fn a_device_that_does_not_come_back_from_its_restart_ends_the_session() {
    let mut world = World::new();
    let (asked, ..) = world.admitted(SupportId::random());
    for _ in 0..2 {
        // Saying it again makes the wait no longer.
        world.directory.restarting(asked.agent, asked.session, world.now);
        world.now += Duration::from_secs(29);
        world.directory.expire(world.now);
        assert!(!world.effects().iter().any(|effect| matches!(effect, Effect::SessionEnded(..))));
    }
    world.now += Duration::from_secs(3);
    world.directory.expire(world.now);
    assert!(world.effects().contains(&Effect::SessionEnded(asked.session, Reason::NotBack)));
}
