//! Whatever happens, in whatever order, the books balance and nothing is left behind.

use fieldlink_protocol::ids::ObserverId;
use fieldlink_protocol::limits::PIPES_PER_SESSION;
use proptest::prelude::*;

use super::*;
use crate::directory::agents::Place;
use crate::directory::pipe::Pipe;

/// Something that may happen; numbers choose among what is there.
#[derive(Debug, Clone)]
enum Event {
    Register { key: u8, id: u8, lease: Option<(u64, u64)> },
    Reveal(usize),
    RegisterForSession(usize),
    AgentGone(usize),
    Engineer,
    EngineerGone(usize),
    Request { engineer: usize, id: u8 },
    Open(usize),
    Attach { pipe: usize, agent: bool },
    Spare { pipe: usize, agent: bool },
    SpareGone(usize),
    Leave(usize),
    Finish(usize),
    Declined(usize),
    Admitted(usize),
    EndByAgent(usize),
    CloseByAgent { session: usize, is_understood: bool },
    EndByEngineer(usize),
    Revoke(usize),
    Resume { engineer: usize, session: usize },
    PairAgain(usize),
    PairedAgain(usize),
    Restart,
    Recall { session: usize, later: bool },
    Anchor { agent: usize, session: usize },
    LookOn(usize),
    Wait(u8),
}

fn event() -> impl Strategy<Value = Event> {
    let number = any::<usize>;
    prop_oneof![
        3 => (0u8..4, 0u8..3, prop::option::of((1..=PRESENT, 0u64..3)))
            .prop_map(|(key, id, lease)| Event::Register { key, id, lease }),
        1 => number().prop_map(Event::Reveal),
        1 => number().prop_map(Event::RegisterForSession),
        1 => number().prop_map(Event::AgentGone),
        2 => Just(Event::Engineer),
        1 => number().prop_map(Event::EngineerGone),
        6 => (number(), 0u8..3).prop_map(|(engineer, id)| Event::Request { engineer, id }),
        2 => number().prop_map(Event::Open),
        8 => (number(), any::<bool>()).prop_map(|(pipe, agent)| Event::Attach { pipe, agent }),
        3 => (number(), any::<bool>()).prop_map(|(pipe, agent)| Event::Spare { pipe, agent }),
        1 => number().prop_map(Event::SpareGone),
        1 => number().prop_map(Event::Leave),
        1 => number().prop_map(Event::Finish),
        1 => number().prop_map(Event::Declined),
        4 => number().prop_map(Event::Admitted),
        1 => number().prop_map(Event::EndByAgent),
        2 => (number(), any::<bool>())
            .prop_map(|(session, is_understood)| Event::CloseByAgent { session, is_understood }),
        1 => number().prop_map(Event::EndByEngineer),
        1 => number().prop_map(Event::Revoke),
        3 => (number(), number()).prop_map(|(engineer, session)| Event::Resume { engineer, session }),
        3 => number().prop_map(Event::PairAgain),
        3 => number().prop_map(Event::PairedAgain),
        1 => Just(Event::Restart),
        1 => (number(), any::<bool>()).prop_map(|(session, later)| Event::Recall { session, later }),
        3 => (number(), number()).prop_map(|(agent, session)| Event::Anchor { agent, session }),
        2 => number().prop_map(Event::LookOn),
        1 => (0u8..60).prop_map(Event::Wait),
    ]
}

/// What a test run has seen so far.
#[derive(Default)]
struct History {
    agents: Vec<ConnectionId>,
    engineers: Vec<ConnectionId>,
    asked: Vec<Asked>,
    pipes: Vec<(SessionId, PipeId)>,
    attachments: Vec<(SessionId, PipeId, AttachmentId)>,
    spares: Vec<(SessionId, PipeId, AttachmentId)>,
    again: Vec<(SessionId, RunId)>,
    onlookers: Vec<ConnectionId>,
    ended: HashSet<SessionId>,
}

/// What the store knows of them.
fn remembered(world: &World) -> Vec<Remembered> {
    let sessions = world.directory.sessions.iter();
    sessions
        .filter(|(_, session)| session.closing().is_none())
        .map(|(id, session)| Remembered {
            session: *id,
            engineer: session.engineer,
            support_id: session.support_id,
            began: 1_000,
            standing: session.admitted().map(|admitted| admitted.standing),
            joins: session.joins,
        })
        .collect()
}

fn pick<T: Copy>(things: &[T], number: usize) -> Option<T> {
    (!things.is_empty()).then(|| things[number % things.len()])
}

fn happen(world: &mut World, history: &mut History, event: Event) -> Option<()> {
    match event {
        Event::Register { key, id, lease } => {
            let (link, key) = (world.link(), AgentKey::from_bytes([key; 32]));
            let rank = lease.map_or(Rank::NONE, |(boot, sequence)| shown(boot, sequence));
            if world.directory.register(link, key, SupportId::from_digits(id), rank).is_err() {
                world.directory.hide(link, key, SupportId::from_digits(id));
            }
            history.agents.push(link);
        }
        Event::Reveal(n) => world.directory.reveal(pick(&history.agents, n)?),
        Event::RegisterForSession(n) => {
            let asked = pick(&history.asked, n)?;
            let link = world.link();
            for key in 0..4 {
                let key = AgentKey::from_bytes([key; 32]);
                if world.directory.register_for_session(link, key, asked.session).is_ok() {
                    history.agents.push(link);
                    break;
                }
            }
        }
        Event::AgentGone(n) => world.directory.agent_gone(pick(&history.agents, n)?),
        Event::Engineer => {
            let link = world.engineer();
            history.engineers.push(link);
        }
        Event::EngineerGone(n) => world.directory.engineer_gone(pick(&history.engineers, n)?, world.now),
        Event::Request { engineer, id } => {
            let asked = world.request(pick(&history.engineers, engineer)?, SupportId::from_digits(id))?;
            history.asked.push(asked);
            history.pipes.push((asked.session, asked.pipe));
        }
        Event::Open(n) => {
            let (link, now) = (pick(&history.engineers, n)?, world.now);
            let opened =
                world.directory.open_pipe(link, (PipeId::random(), PipeKind::Ssh.into()), now).ok()?;
            history.pipes.push((opened.session, opened.pipe));
        }
        Event::Attach { pipe, agent } => {
            let (session, pipe) = pick(&history.pipes, pipe)?;
            let side = if agent { Role::Agent } else { Role::Engineer };
            world.directory.sessions.get(&session)?;
            let (_, attachment) = world.attach(&world.ticket(session, pipe, side)).ok()?;
            history.attachments.push((session, pipe, attachment));
        }
        Event::Spare { pipe, agent } => {
            let (session, pipe) = pick(&history.pipes, pipe)?;
            let side = if agent { Role::Agent } else { Role::Engineer };
            let (kind, joined) = {
                let found = world.directory.sessions.get(&session)?.pipes.get(&pipe)?;
                (found.kind, found.attachments().collect::<Vec<_>>())
            };
            world.next += 1;
            let (spare, now) = (AttachmentId(world.next), world.now);
            let kept = world.directory.keep_spare(&world.ticket(session, pipe, side), spare, now);
            assert!(kept.is_err() || kind == PipeKind::Control);
            let found = &world.directory.sessions[&session].pipes[&pipe];
            assert_eq!(found.attachments().collect::<Vec<_>>(), joined, "it displaces nobody");
            history.spares.push((session, pipe, spare));
        }
        Event::SpareGone(n) => {
            let (session, pipe, attachment) = pick(&history.spares, n)?;
            world.directory.release_spare(crate::directory::Place { session, pipe, attachment });
        }
        Event::Leave(n) => {
            let (session, pipe, attachment) = pick(&history.attachments, n)?;
            world.parted(session, pipe, attachment, PipeEnd::Lost);
        }
        Event::Finish(n) => {
            let (session, pipe, attachment) = pick(&history.attachments, n)?;
            let by = if n % 2 == 0 { Role::Agent } else { Role::Engineer };
            let closed = PipeEnd::Closed { by, reason: None };
            let ends = [closed, PipeEnd::NobodyCame, PipeEnd::Moved];
            world.parted(session, pipe, attachment, ends[n % 3]);
        }
        Event::Declined(n) => {
            let asked = pick(&history.asked, n)?;
            world.directory.declined(asked.agent, asked.session, asked.run, Reason::WrongPin);
        }
        Event::Admitted(n) => {
            let asked = pick(&history.asked, n)?;
            world.directory.admitted(asked.agent, asked.session);
        }
        Event::EndByAgent(n) => {
            let asked = pick(&history.asked, n)?;
            world.directory.end_by_agent(asked.agent, asked.session, Reason::ClientEnded);
        }
        Event::CloseByAgent { session, is_understood } => {
            let id = pick(&history.asked, session)?.session;
            let link = world.directory.sessions.get(&id)?.agent()?;
            let how = (is_understood, world.now);
            world.directory.close_by_agent(link, id, Reason::ClientEnded, how);
        }
        Event::EndByEngineer(n) => {
            world.directory.end_by_engineer(pick(&history.engineers, n)?, Reason::EngineerEnded);
        }
        Event::Revoke(n) => {
            let link = pick(&history.engineers, n)?;
            let engineer = world.directory.engineers.get(&link)?.engineer;
            world.directory.revoke(engineer);
        }
        Event::Resume { engineer, session } => {
            let session = pick(&history.asked, session)?.session;
            // On a connection of the right engineer, which is what a ticket sees to; or on any one.
            let owner = world.directory.sessions.get(&session)?.engineer;
            let link = match engineer % 4 {
                0 => pick(&history.engineers, engineer)?,
                _ => world.link(),
            };
            if engineer % 4 != 0 {
                world.directory.engineer_connected(link, owner);
                history.engineers.push(link);
            }
            world.directory.resume(link, session);
        }
        Event::PairAgain(n) => {
            let (link, now) = (pick(&history.engineers, n)?, world.now);
            let (run, pipe) = (RunId::random(), PipeId::random());
            let again = world.directory.pair_again(link, (run, pipe), now).ok()?;
            history.pipes.push((again.session, pipe));
            history.again.push((again.session, run));
        }
        Event::PairedAgain(n) => {
            let (session, run) = pick(&history.again, n)?;
            let link = world.directory.sessions.get(&session)?.agent()?;
            world.directory.paired_again(link, session, run);
        }
        Event::Restart => {
            let remembered = remembered(world);
            world.directory = Directory::new(TIMES);
            for session in remembered {
                world.directory.restore(&session, world.clock());
            }
        }
        Event::Recall { session, later } => {
            let id = pick(&history.asked, session)?.session;
            let session = world.directory.sessions.get(&id)?;
            let key = AgentKey::from_bytes([1; 32]);
            let standing = session.admitted().map(|admitted| admitted.standing).unwrap_or(Standing {
                run: RunId::random(),
                control: PipeId::random(),
                agent_key: key,
                pairing: 1,
                not_before: 1_000,
                expires: 1_100,
            });
            let anew = Standing { control: PipeId::random(), pairing: standing.pairing + 1, ..standing };
            let clock = world.clock();
            world.directory.recall(id, if later { anew } else { standing }, clock);
        }
        Event::Anchor { agent, session } => {
            let (link, id) = (pick(&history.agents, agent)?, pick(&history.asked, session)?.session);
            let signed = world.directory.anchor(link, id, world.now);
            let serves = world.directory.sessions.get(&id).and_then(Session::agent) == Some(link);
            let is_over = history.ended.contains(&id);
            assert!(signed.is_err() || serves || is_over, "nobody else's");
            assert!(world.directory.audience(id, signed.ok().flatten()).iter().all(|told| {
                world.directory.engineers.contains_key(told) || world.directory.onlookers.contains_key(told)
            }));
        }
        Event::LookOn(n) => {
            let id = pick(&history.asked, n)?.session;
            let (link, observer) = (world.link(), ObserverId::from_bytes([n as u8 % 3; 16]));
            world.directory.look_on(link, id, observer).then(|| history.onlookers.push(link))?;
        }
        Event::Wait(seconds) => {
            world.now += Duration::from_secs(seconds.into());
            let now = world.now;
            world.directory.expire(now);
        }
    }
    Some(())
}

/// What holds after every event.
fn check(world: &World) {
    let directory = &world.directory;
    for (support_id, link) in &directory.listed {
        let agent = &directory.agents[link];
        assert!(matches!(agent.place, Place::Listed { support_id: listed, .. } if listed == *support_id));
    }
    let mut listed = 0;
    for (link, agent) in &directory.agents {
        match agent.place {
            Place::Listed { support_id, .. } => {
                listed += 1;
                assert_eq!(directory.listed[&support_id], *link);
            }
            Place::Hidden { support_id } => assert_eq!(directory.hidden[&(support_id, agent.key)], *link),
            Place::Serving(session) => assert_eq!(directory.sessions[&session].agent(), Some(*link)),
            Place::Unlisted => assert!(agent.pairings.is_empty()),
        }
        for session in &agent.pairings {
            assert_eq!(directory.sessions[session].agent(), Some(*link));
        }
    }
    assert_eq!(listed, directory.listed.len());
    assert!(directory.hidden.values().all(|link| directory.agents.contains_key(link)));
    for (link, engineer) in &directory.engineers {
        let owns = |id: SessionId| directory.sessions[&id].engineer_link() == Some(*link);
        assert!(engineer.session.is_none_or(owns), "one owner per session");
    }
    assert_eq!(directory.deadlines.len(), directory.sessions.len());
    for (id, session) in &directory.sessions {
        if let Some(link) = session.engineer_link() {
            assert_eq!(directory.engineers[&link].session, Some(*id));
        }
        assert!(session.pipes.len() <= PIPES_PER_SESSION + 1, "all, and a try to pair again");
        assert!(directory.deadlines.contains(&(session.scheduled, *id)));
        assert!(session.scheduled <= session.due(), "it is looked at in time");
        for pipe in session.pipes.values() {
            assert!(pipe.attachments().count() <= 2, "two connections per side");
            assert!(pipe.seats().count() <= 4, "and a spare one");
        }
        if let Some(admitted) = session.admitted() {
            let is_over = admitted.closing.is_some();
            assert!(is_over || session.pipes.contains_key(&admitted.standing.control));
            let fetched = |pipe: &Pipe| pipe.kind == PipeKind::Control || pipe.kind == PipeKind::Observer;
            assert!(!is_over || session.pipes.values().all(fetched));
            let serving = |link| directory.agents[link].place == Place::Serving(*id);
            assert!(admitted.agent.as_ref().is_none_or(serving));
            let controls = admitted.again.map(|again| session.pipes[&again.control].kind);
            assert!(controls.is_none_or(|kind| kind == PipeKind::Control));
        }
    }
}

proptest! {
    #[test]
    fn whatever_happens_the_books_balance(events in prop::collection::vec(event(), 0..120)) {
        let (mut world, mut history) = (World::new(), History::default());
        for event in events {
            let _ = happen(&mut world, &mut history, event);
            for effect in world.effects() {
                if let Effect::SessionEnded(session, _) = effect {
                    prop_assert!(history.ended.insert(session), "a session ends once");
                }
            }
            check(&world);
            for session in &history.ended {
                let stays = world.directory.sessions.get(session).map(|session| session.closing().is_some());
                prop_assert!(stays.unwrap_or(true));
            }
        }
        for link in history.engineers {
            world.directory.engineer_gone(link, world.now);
        }
        for link in history.agents {
            world.directory.agent_gone(link);
        }
        // The sides that were in a session do not come back.
        world.now += TIMES.apart;
        let now = world.now;
        world.directory.expire(now);
        let directory = &world.directory;
        let left = directory.sessions.len() + directory.agents.len() + directory.engineers.len();
        let left = left + directory.onlookers.len();
        let indexed = directory.listed.len() + directory.hidden.len() + directory.deadlines.len();
        prop_assert_eq!(left + indexed, 0, "nothing is left behind");
    }
}
