//! Those who watch, and sessions that join another one.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::ticket::ObserverTicket;

use super::*;
use crate::directory::NotWatched;

impl World {
    /// The agent of an admitted session.
    fn agent_of(&self, session: SessionId) -> ConnectionId {
        self.directory.sessions[&session].agent().expect("it is there")
    }

    fn share(&mut self, session: SessionId, observer: ObserverId) -> Option<ObserverTicket> {
        let agent = self.agent_of(session);
        let shared = self.directory.share(agent, session, observer)?;
        let (not_before, expires) = shared.validity;
        Some(ObserverTicket {
            node: "n".into(),
            session,
            observer,
            subject: shared.engineer,
            not_before,
            expires,
        })
    }

    fn watch(&mut self, ticket: &ObserverTicket) -> Result<SessionId, NotWatched> {
        let watched = self.directory.watch(ticket, PipeId::random(), self.now)?;
        assert_eq!(watched.agent, self.agent_of(watched.session));
        Ok(watched.session)
    }
}

#[test]
fn a_link_opens_pipes_until_it_is_withdrawn() {
    let mut world = World::new();
    let (asked, ..) = world.admitted(SupportId::random());
    let (session, observer) = (asked.session, ObserverId::random());
    let ticket = world.share(session, observer).expect("admitted");
    assert_eq!(world.watch(&ticket), Ok(session));
    let stranger = world.link();
    assert!(
        world.directory.share(stranger, session, ObserverId::random()).is_none(),
        "another agent's session"
    );
    world.directory.unshare(stranger, session, observer);
    assert_eq!(world.watch(&ticket), Ok(session), "nobody else withdraws it");
    let agent = world.agent_of(session);
    world.directory.unshare(agent, session, observer);
    assert_eq!(world.watch(&ticket), Err(NotWatched::Over(Some(Reason::Removed))));
    assert!(world.share(session, observer).is_none(), "for good");
    let left =
        world.directory.sessions[&session].pipes.values().filter(|pipe| pipe.observer.is_some()).count();
    assert_eq!(left, 0);
}

#[test]
fn those_who_watch_take_a_few_pipes_and_no_more() {
    let mut world = World::new();
    let (asked, ..) = world.admitted(SupportId::random());
    let tickets: Vec<_> =
        (0..9).map(|_| world.share(asked.session, ObserverId::random()).expect("admitted")).collect();
    let watched: Vec<_> = tickets.iter().map(|ticket| world.watch(ticket).is_ok()).collect();
    assert_eq!(watched.iter().filter(|is_watched| **is_watched).count(), 8);
    // Whoever comes again takes the place of their own try before, and of nobody else's.
    assert!(world.watch(&tickets[0]).is_ok());
    assert_eq!(world.watch(&tickets[8]), Err(NotWatched::NotNow));
    let shared = (0..200).filter_map(|_| world.share(asked.session, ObserverId::random())).count();
    assert_eq!(shared + tickets.len(), limits::LINKS, "an agent that shares for ever");
}

#[test]
fn a_link_leads_to_whoever_has_shared_it_again_and_to_nobody_else() {
    let mut world = World::new();
    let (first, engineer, _) = world.admitted(SupportId::random());
    let (second, ..) = world.admitted(SupportId::random());
    let (handed, other) = (ObserverId::random(), ObserverId::random());
    let [ticket, stays] = [handed, other].map(|it| world.share(first.session, it).expect("admitted"));
    world.share(second.session, handed).expect("admitted");
    assert_eq!(world.watch(&ticket), Ok(first.session), "while that session goes on");
    world.directory.end_by_engineer(engineer, Reason::EngineerEnded);
    assert_eq!(world.watch(&ticket), Ok(second.session));
    assert_eq!(world.watch(&stays), Err(NotWatched::Over(None)));
}

#[test]
fn a_session_that_joins_another_one_lasts_no_longer() {
    let mut world = World::new();
    let (first, ..) = world.admitted(SupportId::random());
    let ends = world.directory.sessions[&first.session].deadline;
    world.now += Duration::from_secs(30);
    let (code, engineer) = (SupportId::random(), world.engineer());
    let agent = world.agent(code);
    world.directory.set_joins(agent, Some(first.session));
    let joined = world.request(engineer, code).expect("found");
    assert!(world.directory.sessions[&joined.session].deadline <= ends);
}
