//! What dialling has found out about the network that this computer is on. Pure: callers pass `now`.
//!
//! It is forgotten when the network has changed, and, because that is not always noticed, some time after it
//! was last of use.

use std::time::Duration;

use super::route::{Family, Route};
use crate::hello::Hello;

/// Not used for this long, it says nothing about the network any more.
const LIFETIME: Duration = Duration::from_secs(15 * 60);
/// For this long a network that did not pass a hybrid hello is spared another one.
const HYBRID_AGAIN: Duration = Duration::from_secs(30 * 60);

/// What the next dialling begins with.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Plan {
    /// The way that worked the last time: goes first, alone, without a look-up.
    pub(super) first: Option<Route>,
    /// The family of the first address otherwise.
    pub(super) family: Family,
    /// The hello that every address gets first.
    pub(super) hello: Hello,
    /// Which network this is about.
    network: u64,
}

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Learnt {
    worked: Option<Worked>,
    /// Counts the networks.
    network: u64,
}

#[derive(Debug, Clone, Copy)]
struct Worked {
    route: Route,
    used: Duration,
    /// Since when only the classical hello is known to pass.
    classical: Option<Duration>,
}

impl Learnt {
    /// What is known at `now`.
    pub(super) fn plan(&self, now: Duration) -> Plan {
        let known = self.worked.filter(|worked| now < worked.used + LIFETIME);
        let is_classical = |worked: Worked| worked.classical.is_some_and(|since| now < since + HYBRID_AGAIN);
        let hello = if known.is_some_and(is_classical) { Hello::Classical } else { Hello::Hybrid };
        Plan {
            first: known.map(|worked| Route { hello, ..worked.route }),
            family: known.map_or(Family::V6, |worked| Family::of(worked.route.address)),
            hello,
            network: self.network,
        }
    }

    /// A dialling that began with `plan` has reached the relay by `route`.
    pub(super) fn reached(&mut self, plan: &Plan, route: Route, now: Duration) {
        if plan.network != self.network {
            return;
        }
        let before = self.worked.and_then(|worked| worked.classical).filter(|_| plan.hello == route.hello);
        let classical = (route.hello == Hello::Classical).then(|| before.unwrap_or(now));
        self.worked = Some(Worked { route, used: now, classical });
    }

    /// The network is another one.
    pub(super) fn forget(&mut self) {
        *self = Self { worked: None, network: self.network + 1 };
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
    fn what_worked_goes_first_until_the_network_changes() {
        let mut learnt = Learnt::default();
        let unknown = learnt.plan(MINUTE);
        assert_eq!((unknown.first, unknown.family, unknown.hello), (None, Family::V6, Hello::Hybrid));
        let way = route("192.0.2.1:443", Hello::Hybrid);
        learnt.reached(&unknown, way, MINUTE);
        let known = learnt.plan(2 * MINUTE);
        assert_eq!((known.first, known.family), (Some(way), Family::V4));
        learnt.forget();
        assert_eq!(learnt.plan(2 * MINUTE).first, None);
        // What was begun on the network before says nothing about this one.
        learnt.reached(&known, way, 2 * MINUTE);
        assert_eq!(learnt.plan(2 * MINUTE).first, None);
    }

    #[test]
    fn what_is_not_used_is_forgotten() {
        let mut learnt = Learnt::default();
        let plan = learnt.plan(MINUTE);
        learnt.reached(&plan, route("192.0.2.1:443", Hello::Classical), MINUTE);
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
            learnt.reached(&plan, way, MINUTE * minute);
            plan = learnt.plan(MINUTE * minute);
            assert_eq!((plan.first, plan.hello), (Some(way), Hello::Classical), "minute {minute}");
            minute += 5;
        }
        plan = learnt.plan(31 * MINUTE);
        assert_eq!(plan.first, Some(Route { hello: Hello::Hybrid, ..way }));
        // It is in vain, still: spared for as long again.
        learnt.reached(&plan, way, 31 * MINUTE);
        assert_eq!(learnt.plan(45 * MINUTE).hello, Hello::Classical);
        // Now it passes: as if nothing had been.
        learnt.reached(&plan, Route { hello: Hello::Hybrid, ..way }, 46 * MINUTE);
        assert_eq!(learnt.plan(46 * MINUTE).hello, Hello::Hybrid);
    }
}
