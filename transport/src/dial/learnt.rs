//! What dialling has found out about the network that this computer is on. Pure: callers pass `now`.
//!
//! It is forgotten when the network has changed, and, because that is not always noticed, some time after it
//! was last of use.

use std::time::Duration;

use super::route::{Family, Route};
use crate::hello::Hello;

/// Not used for this long, it says nothing about the network any more.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// For this long a network that did not pass a hybrid hello, or a request that went ahead, is spared another one.
const AGAIN: Duration = Duration::from_secs(30 * 60);

/// What the next dialling begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The way that worked the last time: goes first, alone, without a look-up.
    pub(super) first: Option<Route>,
    /// The family of the first address otherwise.
    pub(super) family: Family,
    /// The hello that every address gets first.
    pub(super) hello: Hello,
    /// Whether the request may go ahead.
    pub(super) ahead: bool,
    /// Which network this is about.
    network: u64,
}

/// How the relay was reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Way {
    pub(super) route: Route,
    /// A request that went ahead was in vain.
    pub(super) ahead_in_vain: bool,
}

impl From<Route> for Way {
    /// Without anything that was in vain.
    fn from(route: Route) -> Self {
        Self { route, ahead_in_vain: false }
    }
}

/// See the module.
#[derive(Debug, Clone, Default)]
pub(super) struct Learnt {
    worked: Option<Worked>,
    /// What went ahead was in vain the last time: the next dialling goes without.
    is_ahead_lost: bool,
    /// It was in vain once. A packet may have been lost; twice in a row is the network's way.
    is_suspect: bool,
    /// Counts the networks.
    network: u64,
}

#[derive(Debug, Clone, Copy)]
struct Worked {
    route: Route,
    used: Duration,
    /// Since when only the classical hello is known to pass.
    classical: Option<Duration>,
    /// Since when requests that go ahead are known not to pass.
    unpassed: Option<Duration>,
}

impl Learnt {
    /// What is known at `now`.
    pub(super) fn plan(&self, now: Duration) -> Plan {
        let known = self.worked.filter(|worked| now < worked.used + LIFETIME);
        let is_recent = |since: Duration| now < since + AGAIN;
        let is_classical = |worked: Worked| worked.classical.is_some_and(is_recent);
        let hello = if known.is_some_and(is_classical) { Hello::Classical } else { Hello::Hybrid };
        Plan {
            first: known.map(|worked| Route { hello, ..worked.route }),
            family: known.map_or(Family::V6, |worked| Family::of(worked.route.address)),
            hello,
            ahead: !self.is_ahead_lost && !known.is_some_and(|worked| worked.unpassed.is_some_and(is_recent)),
            network: self.network,
        }
    }

    /// A dialling that began with `plan` has reached the relay.
    pub(super) fn reached(&mut self, plan: &Plan, Way { route, ahead_in_vain }: Way, now: Duration) {
        if plan.network != self.network {
            return;
        }
        let before = self.worked.and_then(|worked| worked.classical).filter(|_| plan.hello == route.hello);
        let classical = (route.hello == Hello::Classical).then(|| before.unwrap_or(now));
        let unpassed = self.worked.and_then(|worked| worked.unpassed).filter(|_| !plan.ahead);
        let unpassed = if ahead_in_vain && self.is_suspect { Some(now) } else { unpassed };
        self.worked = Some(Worked { route, used: now, classical, unpassed });
        self.is_ahead_lost = ahead_in_vain;
        self.is_suspect = ahead_in_vain || (self.is_suspect && !plan.ahead);
    }

    /// A dialling that began with `plan` came to nothing, with a request that went ahead: whatever swallowed it, the
    /// next one goes without.
    pub(super) fn lost_ahead(&mut self, plan: &Plan) {
        self.is_ahead_lost |= plan.network == self.network;
    }

    /// The network is another one.
    pub(super) fn forget(&mut self) {
        *self = Self { network: self.network + 1, ..Self::default() };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn route(address: &str, hello: Hello) -> Route {
        Route { address: address.parse().expect("an address"), hello }
    }

    #[test]
    fn a_network_that_does_not_pass_what_goes_ahead_is_spared_it_for_a_while() {
        let mut learnt = Learnt::default();
        let way = route("192.0.2.1:443", Hello::Hybrid);
        let in_vain = Way { route: way, ahead_in_vain: true };
        let mut plan = learnt.plan(MINUTE);
        assert!(plan.ahead);
        // Once may be a lost packet: only the next one goes without.
        learnt.reached(&plan, in_vain, MINUTE);
        plan = learnt.plan(MINUTE);
        assert!(!plan.ahead);
        learnt.reached(&plan, way.into(), MINUTE);
        plan = learnt.plan(MINUTE);
        assert!(plan.ahead);
        learnt.reached(&plan, in_vain, MINUTE);
        let mut minute = 2;
        while minute < 30 {
            plan = learnt.plan(MINUTE * minute);
            assert!(!plan.ahead, "minute {minute}");
            learnt.reached(&plan, way.into(), MINUTE * minute);
            minute += 5;
        }
        plan = learnt.plan(31 * MINUTE);
        assert!(plan.ahead, "it is tried again");
        learnt.reached(&plan, way.into(), 31 * MINUTE);
        assert!(learnt.plan(32 * MINUTE).ahead);
        learnt.reached(&plan, in_vain, 32 * MINUTE);
        learnt.reached(&plan, in_vain, 32 * MINUTE);
        learnt.forget();
        assert!(learnt.plan(32 * MINUTE).ahead, "the network is another one");
    }

    #[test]
    fn after_a_dialling_that_lost_what_went_ahead_the_next_one_goes_without() {
        let mut learnt = Learnt::default();
        let way = route("192.0.2.1:443", Hello::Hybrid);
        let plan = learnt.plan(MINUTE);
        learnt.reached(&plan, way.into(), MINUTE);
        learnt.lost_ahead(&learnt.plan(MINUTE));
        let plan = learnt.plan(MINUTE);
        assert_eq!((plan.first, plan.ahead), (Some(way), false));
        learnt.reached(&plan, way.into(), MINUTE);
        assert!(learnt.plan(MINUTE).ahead);
    }

    #[test]
    fn what_worked_goes_first_until_the_network_changes() {
        let mut learnt = Learnt::default();
        let unknown = learnt.plan(MINUTE);
        assert_eq!((unknown.first, unknown.family, unknown.hello), (None, Family::V6, Hello::Hybrid));
        let way = route("192.0.2.1:443", Hello::Hybrid);
        learnt.reached(&unknown, way.into(), MINUTE);
        let known = learnt.plan(2 * MINUTE);
        assert_eq!((known.first, known.family), (Some(way), Family::V4));
        learnt.forget();
        assert_eq!(learnt.plan(2 * MINUTE).first, None);
        // What was begun on the network before says nothing about this one.
        learnt.reached(&known, way.into(), 2 * MINUTE);
        assert_eq!(learnt.plan(2 * MINUTE).first, None);
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let mut learnt = Learnt::default();
        let plan = learnt.plan(MINUTE);
        learnt.reached(&plan, route("192.0.2.1:443", Hello::Classical).into(), MINUTE);
        assert!(learnt.plan(15 * MINUTE).first.is_some());
        let later = learnt.plan(17 * MINUTE);
        assert_eq!((later.first, later.hello), (None, Hello::Hybrid));
    }

    #[test]
    fn a_hybrid_hello_is_tried_again_later() {
        let mut learnt = Learnt::default();
        let way = route("192.0.2.1:443", Hello::Classical);
        let mut minute = 0;
        let mut plan = learnt.plan(Duration::ZERO);
        while minute < 30 {
            learnt.reached(&plan, way.into(), MINUTE * minute);
            plan = learnt.plan(MINUTE * minute);
            assert_eq!((plan.first, plan.hello), (Some(way), Hello::Classical), "minute {minute}");
            minute += 5;
        }
        plan = learnt.plan(31 * MINUTE);
        assert_eq!(plan.first, Some(Route { hello: Hello::Hybrid, ..way }));
        // It is in vain, still: spared for as long again.
        learnt.reached(&plan, way.into(), 31 * MINUTE);
        assert_eq!(learnt.plan(45 * MINUTE).hello, Hello::Classical);
        // Now it passes: as if nothing had been.
        learnt.reached(&plan, Route { hello: Hello::Hybrid, ..way }.into(), 46 * MINUTE);
        assert_eq!(learnt.plan(46 * MINUTE).hello, Hello::Hybrid);
    }
}
