//! Who may have an account signed, and who is told.

use fieldlink_protocol::ids::ObserverId;

use super::*;
use crate::directory::NotAnchored;

#[test]
fn the_agent_of_an_admitted_session_has_it_signed_and_nobody_else() {
    let mut world = World::new();
    let (engineer, agent) = (world.engineer(), world.agent(SupportId::from_digits(1)));
    let asked = world.request(engineer, SupportId::from_digits(1)).expect("found");
    let session = asked.session;
    world.join(session, asked.pipe);
    let anchor = |world: &mut World, link| world.directory.anchor(link, session, world.now);
    assert_eq!(anchor(&mut world, agent), Err(NotAnchored::NotTheirs), "before the admission");
    world.directory.admitted(agent, session);
    assert_eq!(anchor(&mut world, agent), Ok(None));
    let (other, ..) = world.admitted(SupportId::from_digits(2));
    let stranger = world.link();
    for link in [other.agent, engineer, stranger] {
        assert_eq!(anchor(&mut world, link), Err(NotAnchored::NotTheirs));
    }
    assert_eq!(world.directory.audience(session, None), [engineer]);
}

#[test]
fn an_account_is_signed_so_often_and_the_last_lines_after_the_end() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let (session, agent) = (asked.session, asked.agent);
    let count = |world: &mut World, tries: usize| {
        (0..tries).filter(|_| world.directory.anchor(agent, session, world.now).is_ok()).count()
    };
    assert_eq!(count(&mut world, 100), 30);
    world.now += Duration::from_secs(5);
    assert_eq!(count(&mut world, 100), 5);
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert_eq!(world.directory.anchor(agent, session, world.now), Ok(Some(engineer)), "who had it");
    assert_eq!(count(&mut world, 100), 7);
    assert_eq!(world.directory.audience(session, Some(engineer)), [engineer], "as long as they are there");
    world.directory.engineer_gone(engineer, world.now);
    assert!(world.directory.audience(session, Some(engineer)).is_empty());
    world.directory.agent_gone(agent);
    assert_eq!(world.directory.anchor(agent, session, world.now), Err(NotAnchored::NotTheirs));
}

#[test]
fn who_has_joined_is_told_and_goes_on_with_the_account() {
    let mut world = World::new();
    let (first, owner, _) = world.admitted(SupportId::random());
    let (code, guest) = (SupportId::random(), world.engineer());
    let agent = world.agent(code);
    world.directory.set_joins(agent, Some(first.session));
    let joined = world.request(guest, code).expect("found");
    world.join(joined.session, joined.pipe);
    assert_eq!(world.directory.anchor(agent, first.session, world.now), Err(NotAnchored::NotTheirs));
    world.directory.admitted(agent, joined.session);
    let told = |world: &World| {
        let mut told = world.directory.audience(first.session, None);
        told.sort();
        told
    };
    assert_eq!(told(&world), [owner, guest]);
    assert_eq!(
        world.directory.audience(joined.session, None),
        [guest],
        "theirs is no business of the owner's"
    );
    // Handed over: the owner leaves, and the account goes on.
    world.directory.end_by_engineer(owner, Reason::EngineerEnded);
    world.directory.agent_gone(first.agent);
    assert_eq!(world.directory.anchor(agent, first.session, world.now), Ok(None));
    assert_eq!(told(&world), [guest]);
}

#[test]
fn those_who_watch_are_told_until_their_link_or_the_session_is_over() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let (session, agent) = (asked.session, asked.agent);
    let (ann, bob) = (ObserverId::random(), ObserverId::random());
    let links = [(); 4].map(|()| world.link());
    assert!(world.directory.look_on(links[0], session, ann));
    assert!(world.directory.look_on(links[1], session, ann), "a new one in the place of the old");
    assert_eq!(world.effects(), [Effect::Close(links[0], Farewell::Replaced)]);
    assert!(world.directory.look_on(links[2], session, bob));
    assert_eq!(world.directory.audience(session, None).len(), 3);
    world.directory.unshare(agent, session, ann);
    assert!(world.effects().contains(&Effect::Close(links[1], Farewell::Ended(Reason::Removed))));
    assert!(!world.directory.look_on(links[3], session, ann), "the link was withdrawn");
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert!(world.directory.audience(session, None).contains(&links[2]), "for the last lines");
    world.effects();
    world.directory.agent_gone(agent);
    assert_eq!(world.effects(), [Effect::Close(links[2], Farewell::Ended(Reason::EngineerEnded))]);
    assert!(!world.directory.look_on(links[3], session, bob));
    for _ in 0..2 {
        let (asked, ..) = world.admitted(SupportId::random());
        let taken = (0..20).filter(|_| {
            let link = world.link();
            world.directory.look_on(link, asked.session, ObserverId::random())
        });
        assert_eq!(taken.count(), 2 * limits::OBSERVERS);
    }
}

#[test]
fn a_record_gets_two_time_stamps_before_and_after_the_end_together() {
    let mut world = World::new();
    let (asked, engineer, _) = world.admitted(SupportId::random());
    let (other, ..) = world.admitted(SupportId::random());
    let (session, agent) = (asked.session, asked.agent);
    for link in [other.agent, engineer, world.link()] {
        assert_eq!(world.directory.time_stamp(link, session), Err(NotAnchored::NotTheirs));
    }
    assert_eq!(world.directory.time_stamp(agent, session), Ok(()));
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert_eq!(world.directory.time_stamp(agent, session), Ok(()));
    assert_eq!(world.directory.time_stamp(agent, session), Err(NotAnchored::TooOften));
    assert_eq!(world.directory.anchor(agent, session, world.now), Ok(Some(engineer)), "anchors are apart");
    world.directory.agent_gone(agent);
    assert_eq!(world.directory.time_stamp(agent, session), Err(NotAnchored::NotTheirs));
}
