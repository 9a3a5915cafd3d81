//! One rule, one test.

use fieldlink_protocol::limits::PIPES_PER_SESSION;
use fieldlink_protocol::messages::agent::RegistrationRefusal;
use fieldlink_protocol::messages::engineer::OpenRefusal;

use super::*;

#[test]
fn only_a_higher_rank_displaces() {
    let (mut world, id) = (World::new(), SupportId::random());
    let squatter = world.agent(id);
    let (rightful, other) = (world.link(), world.link());
    let directory = &mut world.directory;
    let taken = Err(RegistrationRefusal::IdTaken);
    assert_eq!(directory.register(other, AgentKey::random(), id, Rank::NONE), taken);
    assert_eq!(directory.register(other, AgentKey::random(), id, shown(PRESENT, 9)), taken);
    let rank = shown(PRESENT - 1, 5);
    assert_eq!(directory.register(rightful, AgentKey::random(), id, rank), Ok(Registered::Listed(rank)));
    assert_eq!(directory.take_effects(), [Effect::Close(squatter, Farewell::IdTaken)]);
    assert_eq!(directory.register(other, AgentKey::random(), id, shown(PRESENT - 1, 4)), taken);
    assert_eq!(directory.holder(id).map(|holder| holder.0), Some(rightful));
}

#[test]
fn a_hidden_agent_looks_registered_and_is_not_found() {
    let (mut world, id, key) = (World::new(), SupportId::random(), AgentKey::random());
    let holder = world.agent(id);
    let (first, second) = (world.link(), world.link());
    world.directory.hide(first, key, id);
    assert_eq!(world.effects(), []);
    world.directory.hide(second, key, id);
    assert_eq!(world.effects(), [Effect::Close(first, Farewell::Replaced)]);
    assert_eq!(world.directory.holder(id).map(|holder| holder.0), Some(holder));
    world.directory.reveal(second);
    assert_eq!(world.effects(), [Effect::Close(second, Farewell::IdTaken)]);
    // One whose ID has become free gets it, at once or when it comes again.
    let (third, fourth) = (world.link(), world.link());
    world.directory.hide(third, key, id);
    world.directory.hide(fourth, AgentKey::random(), id);
    world.directory.agent_gone(holder);
    assert!(world.directory.register(second, key, id, Rank::NONE).is_ok());
    assert_eq!(world.effects(), [Effect::Close(third, Farewell::Replaced)]);
    world.directory.agent_gone(second);
    world.directory.reveal(fourth);
    assert_eq!(world.directory.holder(id).map(|holder| holder.0), Some(fourth));
    assert!(world.directory.hidden().is_empty());
}

#[test]
fn the_same_agent_takes_its_place_back_with_what_it_was_doing() {
    let (mut world, id, key) = (World::new(), SupportId::random(), AgentKey::random());
    let (old, new, engineer) = (world.link(), world.link(), world.engineer());
    world.directory.register(old, key, id, shown(PRESENT - 1, 1)).expect("free");
    let asked = world.request(engineer, id).expect("found");
    world.join(asked.session, asked.pipe);
    world.directory.register(new, key, id, Rank::NONE).expect("its own");
    assert_eq!(world.effects(), [Effect::Close(old, Farewell::Replaced)]);
    world.directory.agent_gone(old);
    world.directory.admitted(new, asked.session);
    assert!(is_admitted(&world.effects(), asked.session));
}

#[test]
fn admission_withdraws_the_id_and_turns_others_away() {
    let (mut world, id) = (World::new(), SupportId::random());
    let (agent, winner, loser) = (world.agent(id), world.engineer(), world.engineer());
    let (won, lost) = (world.request(winner, id).expect("found"), world.request(loser, id).expect("found"));
    world.join(won.session, won.pipe);
    world.directory.admitted(agent, won.session);
    let effects = world.effects();
    let busy = ToEngineer::Ended { session: lost.session, reason: Reason::Busy };
    assert!(effects.contains(&Effect::TellEngineer(loser, busy)));
    assert!(effects.contains(&Effect::SessionEnded(lost.session, Reason::Busy)));
    assert_eq!(world.request(loser, id), None);
    world.directory.end_by_engineer(winner, Reason::EngineerEnded);
    assert_eq!(world.request(winner, id), None, "the pair served its session");
}

#[test]
fn a_run_without_its_control_pipe_is_not_admitted() {
    let (mut world, id) = (World::new(), SupportId::random());
    let (agent, engineer, stranger) = (world.agent(id), world.engineer(), world.agent(SupportId::random()));
    let asked = world.request(engineer, id).expect("found");
    let refused = |link| {
        let ended = ToAgent::Ended { session: asked.session, reason: Reason::ConnectionLost };
        vec![Effect::TellAgent(link, ended)]
    };
    world.directory.admitted(agent, asked.session);
    assert_eq!(world.effects(), refused(agent));
    let splice = world.join(asked.session, asked.pipe);
    world.directory.admitted(stranger, asked.session);
    assert_eq!(world.effects(), refused(stranger));
    assert_eq!(world.parted(asked.session, asked.pipe, splice, PipeEnd::Lost), Some(Aftermath::Closed));
    world.directory.admitted(agent, asked.session);
    assert_eq!(world.effects(), refused(agent));
}

#[test]
fn a_retry_keeps_the_session_and_replaces_the_run() {
    let (mut world, id) = (World::new(), SupportId::random());
    let (agent, engineer) = (world.agent(id), world.engineer());
    let first = world.request(engineer, id).expect("found");
    let splice = world.join(first.session, first.pipe);
    world.now += Duration::from_secs(5);
    let second = world.request(engineer, id).expect("found");
    assert_eq!((first.session, first.is_new), (second.session, true));
    assert!(!second.is_new && first.run != second.run && first.pipe != second.pipe);
    assert_eq!(world.effects(), [Effect::Part(splice, CloseCause::Reason(Reason::PairingAborted))]);
    world.directory.declined(agent, first.session, first.run, Reason::WrongPin);
    assert_eq!(world.effects(), [], "the first run is nobody's business any more");
    world.directory.declined(agent, first.session, second.run, Reason::WrongPin);
    world.directory.engineer_gone(engineer, world.now);
    assert_eq!(world.effects().last(), Some(&Effect::SessionEnded(first.session, Reason::WrongPin)));
}

#[test]
fn a_wrong_pin_that_the_engineers_side_noticed_is_told_as_one() {
    for agents_word in [None, Some(Reason::PairingAborted), Some(Reason::WrongPin)] {
        let (mut world, id) = (World::new(), SupportId::random());
        let (agent, engineer) = (world.agent(id), world.engineer());
        let asked = world.request(engineer, id).expect("found");
        let splice = world.join(asked.session, asked.pipe);
        let place = Place { session: asked.session, pipe: asked.pipe, attachment: splice };
        let end = PipeEnd::Closed { by: Role::Engineer, reason: Some(Reason::WrongPin) };
        assert_eq!(world.directory.parted(place, end, world.now), Some(Aftermath::Closed));
        if let Some(reason) = agents_word {
            world.directory.declined(agent, asked.session, asked.run, reason);
        }
        world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
        assert_eq!(world.effects().last(), Some(&Effect::SessionEnded(asked.session, Reason::WrongPin)));
    }
}

#[test]
fn the_agents_word_on_a_failed_pairing_counts() {
    let (mut world, id) = (World::new(), SupportId::random());
    let (agent, engineer) = (world.agent(id), world.engineer());
    let asked = world.request(engineer, id).expect("found");
    world.directory.declined(agent, asked.session, asked.run, Reason::Burnt);
    world.directory.end_by_engineer(engineer, Reason::WrongPin);
    assert_eq!(world.effects().last(), Some(&Effect::SessionEnded(asked.session, Reason::Burnt)));
}

#[test]
fn another_device_is_another_session() {
    let mut world = World::new();
    let (a, b) = (SupportId::from_digits(1), SupportId::from_digits(2));
    let (agent, _, engineer) = (world.agent(a), world.agent(b), world.engineer());
    let first = world.request(engineer, a).expect("found");
    let second = world.request(engineer, b).expect("found");
    assert_ne!(first.session, second.session);
    let ended = ToAgent::Ended { session: first.session, reason: Reason::PairingAborted };
    assert!(world.effects().contains(&Effect::TellAgent(agent, ended)));
}

#[test]
fn a_session_does_not_outlive_the_close_of_its_control_pipe() {
    let close = |by, reason| PipeEnd::Closed { by, reason };
    for (end, reason) in [
        (close(Role::Agent, None), Reason::ConnectionLost),
        (close(Role::Engineer, None), Reason::EngineerLost),
        (close(Role::Agent, Some(Reason::ClientEnded)), Reason::ClientEnded),
        (close(Role::Agent, Some(Reason::Revoked)), Reason::Unknown),
    ] {
        let mut world = World::new();
        let Piped { asked, control, splice, .. } = world.piped();
        assert_eq!(world.parted(asked.session, asked.pipe, control, end), Some(Aftermath::Closed));
        let effects = world.effects();
        assert!(effects.contains(&Effect::SessionEnded(asked.session, reason)), "{end:?}");
        assert!(effects.contains(&Effect::Part(splice, CloseCause::Reason(reason))));
        assert_eq!(world.directory.sessions.len(), 0);
    }
}

#[test]
fn a_ticket_is_used_up_by_the_final_close() {
    let mut world = World::new();
    let Piped { asked, engineer, pipe, agents, splice, .. } = world.piped();
    let end = PipeEnd::Closed { by: Role::Agent, reason: None };
    assert_eq!(world.parted(asked.session, pipe, splice, end), Some(Aftermath::Closed));
    assert_eq!(world.attach(&agents), Err(AttachRefusal::TicketUsed));
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert_eq!(world.attach(&agents), Err(AttachRefusal::SessionOver));
}

#[test]
fn pipes_are_limited_and_those_nobody_came_to_do_not_count() {
    let mut world = World::new();
    let (_, engineer, _) = world.admitted(SupportId::random());
    let mut open =
        |now| world.directory.open_pipe(engineer, (PipeId::random(), PipeKind::Ssh.into()), now).map(|_| ());
    for _ in 1..PIPES_PER_SESSION {
        assert_eq!(open(world.now), Ok(()));
    }
    assert_eq!(open(world.now), Err(OpenRefusal::TooMany));
    assert_eq!(open(world.now + TIMES.partner * 2), Ok(()));
}

#[test]
fn an_admitted_session_survives_its_agents_registration() {
    let (mut world, id) = (World::new(), SupportId::random());
    let (asked, engineer, _) = world.admitted(id);
    let key = world.directory.agents[&asked.agent].key;
    world.directory.agent_gone(asked.agent);
    let open = |world: &mut World| {
        world.directory.open_pipe(engineer, (PipeId::random(), PipeKind::Ssh.into()), world.now)
    };
    assert_eq!(open(&mut world), Err(OpenRefusal::AgentAway));
    let (other, back) = (world.link(), world.link());
    let over = Err(RegistrationRefusal::SessionOver);
    assert_eq!(world.directory.register_for_session(other, AgentKey::random(), asked.session), over);
    assert_eq!(world.directory.register_for_session(back, key, asked.session), Ok(()));
    assert_eq!(open(&mut world).map(|opened| opened.agent), Ok(back));
    // Also under the support ID, which it may not know to be withdrawn.
    let again = world.link();
    assert_eq!(world.directory.register(again, key, id, Rank::NONE), Ok(Registered::Serving));
    assert_eq!(open(&mut world).map(|opened| opened.agent), Ok(again));
    let stranger = world.engineer();
    assert_eq!(world.request(stranger, id), None);
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert_eq!(world.directory.register_for_session(back, key, asked.session), over);
}

#[test]
fn time_and_revocation_end_sessions_and_say_so() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let (other, other_engineer, _) = world.admitted(SupportId::random());
    let deadline = world.directory.next_deadline().expect("two sessions");
    world.directory.expire(deadline - Duration::from_nanos(1));
    assert_eq!(world.effects(), []);
    let revoked = world.directory.engineers[&other_engineer].engineer;
    world.directory.revoke(revoked);
    let effects = world.effects();
    assert!(effects.contains(&Effect::SessionEnded(other.session, Reason::Revoked)));
    assert_eq!(effects.last(), Some(&Effect::Close(other_engineer, Farewell::Ended(Reason::Revoked))));
    world.directory.expire(deadline);
    let ended = ToEngineer::Ended { session: asked.session, reason: Reason::RelayLimit };
    assert!(world.effects().contains(&Effect::TellEngineer(engineer, ended)));
    assert_eq!(world.directory.next_deadline(), None);
}
