//! Sessions that are over and stay for their report to be fetched.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::messages::engineer::OpenRefusal;

use super::*;
use crate::directory::NotAgain;
use crate::directory::pipe::Pipe;

/// A session that is over and stays: what it was, its engineer's connection and its agent's, and its control pipe's splice.
fn closing(world: &mut World) -> (Asked, ConnectionId, ConnectionId, AttachmentId) {
    let (asked, engineer, splice) = world.admitted(SupportId::random());
    let agent = world.directory.sessions[&asked.session].agent().expect("here");
    world.directory.close_by_agent(agent, asked.session, Reason::ClientEnded, (true, world.now));
    (asked, engineer, agent, splice)
}

#[test]
fn what_is_over_stays_to_be_fetched_and_nothing_is_begun_in_it() {
    let mut world = World::new();
    let (asked, engineer, splice) = world.admitted(SupportId::random());
    let (session, now) = (asked.session, world.now);
    let agent = world.directory.sessions[&session].agent().expect("here");
    let ssh = (PipeId::random(), PipeKind::Ssh.into());
    world.directory.open_pipe(engineer, ssh, now).expect("opened");
    let ssh = world.join(session, ssh.0);
    world.directory.take_effects();
    world.directory.close_by_agent(agent, session, Reason::ClientEnded, (true, now));
    let effects = world.directory.take_effects();
    let told = ToEngineer::Closing { session, reason: Reason::ClientEnded };
    assert!(effects.contains(&Effect::TellEngineer(engineer, told)));
    assert!(effects.contains(&Effect::Part(ssh, CloseCause::Reason(Reason::ClientEnded))));
    assert!(effects.contains(&Effect::SessionEnded(session, Reason::ClientEnded)));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Part(id, _) if *id == splice)));
    // Said again it changes nothing.
    world.directory.close_by_agent(agent, session, Reason::Unknown, (true, now));
    assert!(world.directory.take_effects().is_empty());
    let pipe = (PipeId::random(), PipeKind::Ssh.into());
    assert_eq!(world.directory.open_pipe(engineer, pipe, now), Err(OpenRefusal::NoSession));
    let run = (RunId::random(), PipeId::random());
    assert_eq!(world.directory.pair_again(engineer, run, now), Err(NotAgain::NoSession));
    assert!(world.directory.share(agent, session, ObserverId::random()).is_none());
    world.directory.restarting(agent, session, now);
    assert!(world.directory.take_effects().is_empty());
    assert!(world.directory.anchor(agent, session, now).is_ok(), "the last lines are signed");
    // Both sides come back to it over other connections.
    world.parted(session, asked.pipe, splice, PipeEnd::Lost);
    world.join(session, asked.pipe);
    world.directory.engineer_gone(engineer, now);
    let again = world.link();
    let owner = world.directory.sessions[&session].engineer;
    world.directory.engineer_connected(again, owner);
    assert!(world.directory.resume(again, session));
    assert_eq!(world.directory.closing_reason(session), Some(Reason::ClientEnded));
    world.directory.end_by_agent(agent, session, Reason::ClientEnded);
    assert!(world.directory.sessions.is_empty());
}

#[test]
fn it_stays_for_a_while_and_no_longer() {
    let mut world = World::new();
    let (asked, engineer, agent, splice) = closing(&mut world);
    // Neither a lost control pipe nor a lost engineer ends it before.
    world.parted(asked.session, asked.pipe, splice, PipeEnd::Lost);
    world.directory.engineer_gone(engineer, world.now);
    world.directory.agent_gone(agent);
    world.now += TIMES.closing - Duration::from_secs(1);
    world.directory.expire(world.now);
    assert!(world.directory.sessions.contains_key(&asked.session));
    world.now += Duration::from_secs(1);
    world.directory.expire(world.now);
    assert!(world.directory.sessions.is_empty() && world.directory.deadlines.is_empty());
}

#[test]
fn an_engineer_who_has_it_takes_nothing_from_those_who_watch() {
    let mut world = World::new();
    let (asked, engineer, splice) = world.admitted(SupportId::random());
    let (session, now) = (asked.session, world.now);
    let agent = world.directory.sessions[&session].agent().expect("here");
    let mut watched = Pipe::expected(PipeKind::Observer, asked.run, now + TIMES.partner);
    watched.observer = Some(ObserverId::random());
    let pipe = PipeId::random();
    world.directory.sessions.get_mut(&session).expect("there").pipes.insert(pipe, watched);
    let watched = world.join(session, pipe);
    world.directory.close_by_agent(agent, session, Reason::ClientEnded, (true, now));
    world.directory.take_effects();
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    let effects = world.directory.take_effects();
    assert!(effects.contains(&Effect::Part(splice, CloseCause::Reason(Reason::ClientEnded))));
    assert!(!effects.iter().any(|effect| matches!(effect, Effect::Part(id, _) if *id == watched)));
    world.directory.end_by_agent(agent, session, Reason::ClientEnded);
    assert!(
        world
            .directory
            .take_effects()
            .iter()
            .any(|effect| matches!(effect, Effect::Part(id, _) if *id == watched))
    );
}

#[test]
fn a_program_that_knows_nothing_of_it_is_told_the_end() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let (session, now) = (asked.session, world.now);
    let agent = world.directory.sessions[&session].agent().expect("here");
    world.directory.close_by_agent(engineer, session, Reason::ClientEnded, (true, now));
    assert!(world.directory.closing_reason(session).is_none(), "another's session");
    world.directory.close_by_agent(agent, session, Reason::ClientEnded, (false, now));
    let told = ToEngineer::Ended { session, reason: Reason::ClientEnded };
    assert!(world.directory.take_effects().contains(&Effect::TellEngineer(engineer, told)));
    assert!(world.directory.sessions.is_empty());
}
