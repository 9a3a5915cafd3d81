//! Names with all kinds of addresses, on networks that break them in all ways, and look-ups that are slow,
//! late or in vain. Time is simulated.
//!
//! A failing seed is printed. `FIELDLINK_SEED=n cargo test -p fieldlink-transport simulation` replays it.

use std::collections::HashMap;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::super::learnt::Learnt;
use super::*;
use crate::hello::Hello;

const SEEDS: u64 = 20_000;
const END: Duration = Duration::from_secs(10);

/// What becomes of a step.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Passes(Duration),
    Fails(Duration, Setback),
    Silent,
}

/// One address: TCP, then what each hello meets, then the answer.
#[derive(Debug, Clone, Copy)]
struct Host {
    tcp: Fate,
    hybrid: Fate,
    classical: Fate,
    answer: Fate,
    /// What becomes of TLS where the request goes ahead with it, unless it is as without.
    ahead: Option<Fate>,
}

impl Host {
    fn draw(rng: &mut StdRng, is_good: bool) -> Self {
        let round_trip = Duration::from_millis(rng.random_range(1..400));
        let passes = Fate::Passes(round_trip);
        if is_good {
            let hybrid = match rng.random_range(0..3) {
                0 => Fate::Silent,
                1 => Fate::Fails(round_trip, Setback::Hello),
                _ => passes,
            };
            let ahead = match rng.random_range(0..3) {
                0 => Some(Fate::Silent),
                1 => Some(Fate::Fails(round_trip, Setback::Hello)),
                _ => None,
            };
            return Self { tcp: passes, hybrid, classical: passes, answer: passes, ahead };
        }
        let bad = |rng: &mut StdRng, setback| match rng.random_range(0..4) {
            0 => Fate::Silent,
            1 => Fate::Fails(round_trip, setback),
            _ => passes,
        };
        let mut host = Self {
            tcp: bad(rng, Setback::Address),
            hybrid: bad(rng, Setback::Hello),
            classical: bad(rng, Setback::Hello),
            answer: bad(rng, Setback::Address),
            ahead: None,
        };
        if host.leads(Hello::Hybrid) || host.leads(Hello::Classical) {
            host.answer = Fate::Fails(round_trip, Setback::Address);
        }
        host
    }

    fn secures(&self, hello: Hello) -> Fate {
        if hello == Hello::Hybrid { self.hybrid } else { self.classical }
    }

    fn leads(&self, hello: Hello) -> bool {
        [self.tcp, self.secures(hello), self.answer].iter().all(|fate| matches!(fate, Fate::Passes(_)))
    }
}

struct World {
    hosts: HashMap<SocketAddr, Host>,
    /// When a look-up ends, if ever.
    lookups: Vec<(Family, Option<Duration>)>,
}

impl World {
    fn draw(rng: &mut StdRng) -> Self {
        let (v6, v4) = (rng.random_range(0..=4u8), rng.random_range(0..=4u8));
        let addresses = (0..v6).map(|n| ([0x2001, 0xdb8, 0, 0, 0, 0, 0, u16::from(n)], 443).into());
        let addresses: Vec<SocketAddr> =
            addresses.chain((0..v4).map(|n| ([192, 0, 2, n], 443).into())).collect();
        let good = rng.random_range(0..=addresses.len());
        // Only one connection is asked at a time, so that only so many can be waited for.
        let mut silent = 0;
        let mut draw = |(number, &address): (usize, &SocketAddr)| {
            let mut host = Host::draw(rng, number == good);
            silent += u32::from(host.answer == Fate::Silent);
            if host.answer == Fate::Silent && silent > 2 {
                host.answer = Fate::Fails(STEP, Setback::Address);
            }
            (address, host)
        };
        let hosts = addresses.iter().enumerate().map(&mut draw).collect();
        let mut lookup = || rng.random_bool(0.9).then(|| Duration::from_millis(rng.random_range(0..1_500)));
        let lookups = vec![(Family::V6, lookup()), (Family::V4, lookup())];
        Self { hosts, lookups }
    }

    /// The addresses that are found, in some order that stays.
    fn found(&self, family: Family) -> Vec<SocketAddr> {
        let mut found: Vec<_> = self.hosts.keys().copied().filter(|&a| Family::of(a) == family).collect();
        found.sort_unstable();
        found
    }

    fn can_be_reached(&self) -> bool {
        self.hosts.iter().any(|(&address, host)| {
            let is_found =
                self.lookups.iter().any(|(family, at)| *family == Family::of(address) && at.is_some());
            is_found && (host.leads(Hello::Hybrid) || host.leads(Hello::Classical))
        })
    }
}

#[derive(Debug, Clone, Copy)]
enum Event {
    Found(Family),
    Passed(AttemptId, Passed),
    Answered(AttemptId),
    Failed(AttemptId, Setback),
}

struct Run<'a> {
    world: &'a World,
    race: Race,
    now: Duration,
    events: Vec<(Duration, Event)>,
    routes: Vec<Route>,
    /// Whether the request may go ahead, and the attempt on which it went.
    may_go_ahead: bool,
    ahead: Option<AttemptId>,
    /// Attempts that are neither failed nor abandoned.
    running: Vec<AttemptId>,
    asked: Option<AttemptId>,
}

impl<'a> Run<'a> {
    fn new(world: &'a World, plan: Plan) -> Self {
        let race = Race::new(plan, false, Duration::ZERO, END);
        let lookups = world.lookups.iter();
        let events = lookups.filter_map(|(family, at)| Some(((*at)?, Event::Found(*family)))).collect();
        let (routes, running) = (vec![], vec![]);
        let (may_go_ahead, ahead, asked) = (false, None, None);
        Self { world, race, now: Duration::ZERO, events, routes, may_go_ahead, ahead, running, asked }
    }

    /// The way that led to the relay, and how long that took.
    fn run(&mut self) -> Option<(Route, Duration)> {
        for _ in 0..1_000 {
            while let Some(due) = self.race.due(self.now) {
                self.act(due);
            }
            if self.race.is_over(self.now) {
                return None;
            }
            let next = self.events.iter().map(|(at, _)| *at).min();
            let deadline = self.race.deadline();
            assert!(deadline > self.now, "it would spin");
            self.now = next.map_or(deadline, |next| next.min(deadline));
            if next == Some(self.now) {
                let index = self.events.iter().position(|(at, _)| *at == self.now).expect("it is the next");
                if let Some(route) = self.happen(index) {
                    return Some((route, self.now));
                }
            }
        }
        panic!("it goes on for ever");
    }

    fn act(&mut self, due: Due) {
        match due {
            Due::Begin(id, route) => {
                assert_eq!(id.0, self.routes.len());
                let went_ahead = |number| self.ahead == Some(AttemptId(number));
                let is_tried = |(number, tried): (usize, &Route)| *tried == route && !went_ahead(number);
                assert!(!self.routes.iter().enumerate().any(is_tried), "a way was tried twice");
                let known = self.race.addresses();
                assert!(known.contains(&route.address));
                self.routes.push(route);
                self.running.push(id);
                self.step(id, self.world.hosts[&route.address].tcp, Event::Passed(id, Passed::Tcp));
            }
            Due::Ask(id) => {
                assert_eq!(self.asked.replace(id), None, "two are asked at a time");
                let host = self.world.hosts[&self.routes[id.0].address];
                self.step(id, host.answer, Event::Answered(id));
            }
            Due::Abandon(id) => {
                assert_eq!(self.asked.take(), Some(id));
                self.drop_attempt(id);
            }
        }
    }

    fn step(&mut self, id: AttemptId, fate: Fate, passed: Event) {
        match fate {
            Fate::Passes(takes) => self.events.push((self.now + takes, passed)),
            Fate::Fails(after, setback) => self.events.push((self.now + after, Event::Failed(id, setback))),
            Fate::Silent => {}
        }
    }

    fn drop_attempt(&mut self, id: AttemptId) {
        self.running.retain(|&running| running != id);
        let is_about = |event: &Event| match event {
            Event::Passed(about, _) | Event::Answered(about) | Event::Failed(about, _) => *about == id,
            Event::Found(_) => false,
        };
        self.events.retain(|(_, event)| !is_about(event));
    }

    fn happen(&mut self, index: usize) -> Option<Route> {
        match self.events.swap_remove(index).1 {
            Event::Found(family) => self.race.found(family, &self.world.found(family), self.now),
            Event::Passed(id, passed) => {
                self.race.passed(id, passed, self.now);
                let route = self.routes[id.0];
                let host = self.world.hosts[&route.address];
                match passed {
                    Passed::Tcp if self.may_go_ahead && self.race.may_go_ahead(id) => {
                        self.race.passed(id, Passed::Ahead, self.now);
                        assert_eq!(self.asked.replace(id), None, "two are asked at a time");
                        self.ahead = Some(id);
                        let fate = host.ahead.unwrap_or(host.secures(route.hello));
                        self.step(id, fate, Event::Passed(id, Passed::Tls));
                    }
                    Passed::Tcp => self.step(id, host.secures(route.hello), Event::Passed(id, Passed::Tls)),
                    Passed::Tls if self.asked == Some(id) => {
                        self.step(id, host.answer, Event::Answered(id));
                    }
                    _ => {}
                }
            }
            Event::Answered(id) => return Some(self.routes[id.0]),
            Event::Failed(id, setback) => {
                self.asked = self.asked.filter(|&asked| asked != id);
                self.drop_attempt(id);
                self.race.failed(id, setback);
            }
        }
        None
    }
}

fn run(seed: u64) {
    let mut rng = StdRng::seed_from_u64(seed);
    let world = World::draw(&mut rng);
    let mut learnt = Learnt::default();
    let plan = learnt.plan(Duration::ZERO);
    let mut first = Run::new(&world, plan);
    let reached = first.run();
    assert_eq!(reached.is_some(), world.can_be_reached(), "{:?} of {:?}", first.routes, world.hosts);
    assert!(first.now <= END);
    let Some((route, took)) = reached else { return };
    assert!(world.hosts[&route.address].leads(route.hello));
    // Again, on the same network.
    learnt.reached(&plan, route.into(), took);
    let mut second = Run::new(&world, learnt.plan(took));
    let (again, took_again) = second.run().expect("it worked a moment ago");
    assert_eq!(again, route);
    assert_eq!(second.routes[0], route, "the known way does not go first");
    assert!(took_again <= took, "{took_again:?} after {took:?}");
    // And with a request that goes ahead, which the network may not pass.
    let mut third = Run::new(&world, learnt.plan(took));
    third.may_go_ahead = true;
    let (ahead, took_ahead) = third.run().expect("it works without");
    assert_eq!(ahead.address, route.address);
    match world.hosts[&route.address].ahead {
        None => assert_eq!((third.routes.len(), took_ahead), (second.routes.len(), took_again)),
        Some(_) => assert!(third.ahead != Some(AttemptId(third.routes.len() - 1))),
    }
}

#[test]
fn the_relay_is_reached_whenever_a_way_leads_there() {
    if let Some(seed) = std::env::var("FIELDLINK_SEED").ok().and_then(|seed| seed.parse().ok()) {
        return run(seed);
    }
    for seed in 0..SEEDS {
        if let Err(panic) = std::panic::catch_unwind(|| run(seed)) {
            eprintln!("the simulation failed with FIELDLINK_SEED={seed}");
            std::panic::resume_unwind(panic);
        }
    }
}
