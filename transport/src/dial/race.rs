//! Which way to the relay is tried, and when. Pure: callers pass what became of look-ups and attempts, and
//! `now` (the time since any fixed moment); they get what to do and a deadline.
//!
//! A plain form of RFC 8305, carried on until the relay has answered, because what breaks on the way often
//! breaks after TCP:
//!
//! - The families alternate. A next attempt begins as soon as one fails, or when all that run are *overdue*:
//!   no step of an attempt should take much longer than the slowest before it.
//! - Whatever takes the connection and then cuts it, or says nothing, may only be unable to take a hybrid
//!   [`Hello`](crate::hello::Hello): the address gets the other kind, too. Before that it gets the same without a
//!   request that goes ahead, if one did.
//! - What worked the last time goes first, alone, and has twice as long until another one begins.
//! - Only one attempt at a time is asked to become the connection ([`Due::Ask`]): what is sent then may be
//!   good for one time only.

mod attempt;

use std::net::SocketAddr;
use std::time::Duration;

use self::attempt::{ANSWER_STEP, Attempt, Stage};
pub(super) use self::attempt::{AttemptId, Due, Passed, Setback};
use super::learnt::Plan;
use super::route::{Family, Route};

/// Addresses of one family that are tried.
pub(super) const ADDRESSES: usize = 8;
/// From the beginning of an attempt until it is overdue; also the least that a later step may take.
const STEP: Duration = Duration::from_millis(250);
/// The most that a step of TLS may take before another attempt begins.
const STEP_MAX: Duration = Duration::from_secs(2);
/// A proxy has to look up and reach the relay first.
const PROXY_STEP: Duration = Duration::from_secs(1);
/// All attempts begin within about this time, however many there are.
const SPREAD: Duration = Duration::from_secs(6);
/// No two attempts begin within less, unless one has failed.
const STEP_MIN: Duration = Duration::from_millis(100);
/// Silence after TCP for this long, or a few round trips: the address gets the other hello. A busy relay
/// must not be asked twice for nothing.
const HELLO_SILENCE: Duration = Duration::from_millis(1_500);
/// IPv4 addresses wait this long for IPv6 addresses (RFC 8305, section 3).
const RESOLUTION: Duration = Duration::from_millis(50);
/// Where a way that is known to lead to the relay has failed, those that have been overdue for this long are not
/// waited for: a relay that is started again is reached by the next dialling.
const HOPELESS: Duration = Duration::from_secs(1);

/// See the module.
#[derive(Debug)]
pub(super) struct Race {
    plan: Plan,
    through_proxy: bool,
    begun: Duration,
    ends: Duration,
    addresses: Vec<SocketAddr>,
    /// Look-ups that have not ended.
    looking: Vec<Family>,
    /// Until when the first attempt waits for the other family's addresses.
    hold: Duration,
    attempts: Vec<Attempt>,
    /// The known way has failed.
    has_lost_way: bool,
    /// A host with the relay's certificate was sent the request, in vain.
    has_answer: bool,
    is_settled: bool,
}

impl Race {
    /// A dialling that ends at `ends`, and looks up the addresses of both families.
    pub(super) fn new(plan: Plan, through_proxy: bool, now: Duration, ends: Duration) -> Self {
        Self {
            plan,
            through_proxy,
            begun: now,
            ends,
            addresses: plan.first.map(|route| route.address).into_iter().collect(),
            looking: vec![Family::V6, Family::V4],
            hold: now,
            attempts: Vec::new(),
            has_lost_way: false,
            has_answer: false,
            is_settled: false,
        }
    }

    /// The look-up of a family has ended.
    pub(super) fn found(&mut self, family: Family, addresses: &[SocketAddr], now: Duration) {
        self.looking.retain(|&looking| looking != family);
        for &address in addresses.iter().take(ADDRESSES) {
            if Family::of(address) == family && !self.addresses.contains(&address) {
                self.addresses.push(address);
            }
        }
        let waits = self.looking.contains(&self.plan.family) && self.attempts.is_empty();
        self.hold = if waits { now + RESOLUTION } else { now };
    }

    /// An attempt has done a step.
    pub(super) fn passed(&mut self, id: AttemptId, passed: Passed, now: Duration) {
        let (through_proxy, share) = (self.through_proxy, self.share());
        let Some(attempt) = self.attempts.get_mut(id.0).filter(|attempt| attempt.runs()) else { return };
        attempt.slowest = attempt.slowest.max(now.saturating_sub(attempt.since));
        attempt.since = now;
        let factor = attempt.factor();
        let tls = (3 * attempt.slowest).clamp(STEP, STEP_MAX);
        let (stage, step) = match passed {
            Passed::Tcp if through_proxy => (Stage::Proxy, PROXY_STEP),
            Passed::Tcp | Passed::Proxy => (Stage::Tls { since: now }, tls),
            Passed::Ahead => {
                attempt.went_ahead = true;
                (Stage::Ahead { since: now }, tls)
            }
            Passed::Tls if attempt.is_asked() => (Stage::Asked, ANSWER_STEP),
            Passed::Tls => (Stage::Ready, Duration::ZERO),
        };
        attempt.stage = stage;
        attempt.expected = now + (factor * step).min(share);
    }

    /// Whether the request may go ahead on this one: on the way that worked the last time, while no other is asked.
    pub(super) fn may_go_ahead(&self, id: AttemptId) -> bool {
        let is_known = self.attempts.get(id.0).is_some_and(|attempt| attempt.is_known);
        is_known && !self.attempts.iter().any(|attempt| attempt.went_ahead || attempt.is_asked())
    }

    /// An attempt has failed.
    pub(super) fn failed(&mut self, id: AttemptId, setback: Setback) {
        if let Some(attempt) = self.attempts.get_mut(id.0) {
            // The same way is tried without.
            let is_ahead = matches!(attempt.stage, Stage::Ahead { .. }) && setback == Setback::Hello;
            self.has_lost_way |= attempt.is_known && !is_ahead;
            self.has_answer |= attempt.stage == Stage::Asked;
            attempt.stage = Stage::Failed(setback);
            self.is_settled |= setback == Setback::Everything;
        }
    }

    /// What is to be done at `now`. Call it until it returns `None`.
    pub(super) fn due(&mut self, now: Duration) -> Option<Due> {
        if self.is_over(now) {
            return None;
        }
        self.due_answer(now).or_else(|| {
            let (_, route) = self.wanted().find(|(at, _)| *at <= now)?;
            Some(self.begin(route, now))
        })
    }

    /// When [`Self::due`] or [`Self::is_over`] has something to say next, unless something happens before.
    pub(super) fn deadline(&self) -> Duration {
        let begin = self.wanted().map(|(at, _)| at);
        let ready = self.position(Stage::Ready);
        let abandon = ready.and_then(|_| self.asked()).map(|at| self.attempts[at].answers_until());
        let hopeless = self.hopeless_at();
        begin.chain(abandon).chain(hopeless).fold(self.ends, Duration::min)
    }

    /// Whether nothing more can come of it.
    pub(super) fn is_over(&self, now: Duration) -> bool {
        let is_out_of_ways = || {
            self.looking.is_empty()
                && self.attempts.iter().all(|attempt| !attempt.runs())
                && self.wanted().next().is_none()
        };
        self.is_settled
            || now >= self.ends
            || is_out_of_ways()
            || self.hopeless_at().is_some_and(|hopeless| now >= hopeless)
    }

    /// The addresses that are known.
    pub(super) fn addresses(&self) -> &[SocketAddr] {
        &self.addresses
    }

    fn begin(&mut self, route: Route, now: Duration) -> Due {
        let is_known = self.plan.first == Some(route);
        let slowest = Duration::ZERO;
        let mut attempt = Attempt {
            route,
            stage: Stage::Tcp,
            since: now,
            slowest,
            expected: now,
            is_known,
            went_ahead: false,
        };
        attempt.expected += (attempt.factor() * STEP).min(self.share());
        self.attempts.push(attempt);
        Due::Begin(AttemptId(self.attempts.len() - 1), route)
    }

    /// Has the first that is ready asked, once no other is being asked, or the one that is takes too long.
    fn due_answer(&mut self, now: Duration) -> Option<Due> {
        let ready = self.position(Stage::Ready)?;
        match self.asked() {
            Some(asked) if now < self.attempts[asked].answers_until() => None,
            Some(asked) => {
                let attempt = &mut self.attempts[asked];
                // What went ahead may be all that the address did not take.
                let is_ahead = matches!(attempt.stage, Stage::Ahead { .. });
                attempt.stage = Stage::Failed(if is_ahead { Setback::Hello } else { Setback::Address });
                Some(Due::Abandon(AttemptId(asked)))
            }
            None => {
                let expected = now + ANSWER_STEP.min(self.share());
                let attempt = &mut self.attempts[ready];
                (attempt.stage, attempt.since, attempt.expected) = (Stage::Asked, now, expected);
                Some(Due::Ask(AttemptId(ready)))
            }
        }
    }

    fn asked(&self) -> Option<usize> {
        self.attempts.iter().position(Attempt::is_asked)
    }

    fn position(&self, stage: Stage) -> Option<usize> {
        self.attempts.iter().position(|attempt| attempt.stage == stage)
    }

    /// The ways that have not been tried, the next one first, and from when on they may be.
    fn wanted(&self) -> impl Iterator<Item = (Duration, Route)> {
        let gate = self.gate();
        let known = self.plan.first.filter(|_| self.attempts.is_empty()).map(|route| (Duration::ZERO, route));
        let next_family = self
            .attempts
            .last()
            .map_or(self.plan.family, |attempt| Family::of(attempt.route.address).other());
        let fresh = move |family: Family| {
            let untried = |&&address: &&SocketAddr| Family::of(address) == family && !self.has_tried(address);
            let address = self.addresses.iter().find(untried)?;
            Some((gate, Route { address: *address, hello: self.plan.hello }))
        };
        let is_new = !self.attempts.iter().any(|a| Family::of(a.route.address) == next_family);
        let one = fresh(next_family);
        let other = || fresh(next_family.other());
        let others = self.attempts.iter().flat_map(move |attempt| self.other_hellos(attempt, gate));
        known
            .into_iter()
            .chain(one.filter(|_| is_new))
            .chain(others)
            .chain(one.filter(|_| !is_new))
            .chain(if one.is_none() { other() } else { None })
    }

    fn has_tried(&self, address: SocketAddr) -> bool {
        self.attempts.iter().any(|attempt| attempt.route.address == address)
    }

    /// The address of `attempt` with another hello, if that may help.
    fn other_hellos(&self, attempt: &Attempt, gate: Duration) -> impl Iterator<Item = (Duration, Route)> {
        let at = match attempt.stage {
            Stage::Failed(Setback::Hello) => Some(gate),
            Stage::Tls { since } | Stage::Ahead { since } => {
                let silence = HELLO_SILENCE.max(5 * attempt.slowest).min(STEP_MAX);
                Some(gate.max(since + attempt.factor() * silence))
            }
            _ => None,
        };
        let other = Route { hello: attempt.route.hello.other(), ..attempt.route };
        let same = attempt.went_ahead.then_some(attempt.route);
        let is_new =
            |route: &Route| !self.attempts.iter().any(|tried| tried.route == *route && !tried.went_ahead);
        let routes = same.into_iter().chain([other]).filter(is_new);
        at.into_iter().flat_map(move |at| routes.clone().map(move |route| (at, route)))
    }

    /// When the next attempt may begin.
    fn gate(&self) -> Duration {
        let running = self.attempts.iter().filter(|attempt| attempt.runs()).map(|attempt| attempt.expected);
        running.fold(self.hold, Duration::max)
    }

    /// What one attempt may hold up the next, so that all of them find a place.
    fn share(&self) -> Duration {
        let routes = u32::try_from(2 * self.addresses.len()).unwrap_or(u32::MAX).max(1);
        (SPREAD / routes).max(STEP_MIN)
    }

    /// When the last one that runs has been overdue for too long, where a known way has failed.
    fn hopeless_at(&self) -> Option<Duration> {
        let is_answering =
            self.attempts.iter().any(|attempt| matches!(attempt.stage, Stage::Ready | Stage::Asked));
        if is_answering || !(self.has_lost_way || self.has_answer) {
            return None;
        }
        let looking = (!self.looking.is_empty()).then_some(self.begun + HOPELESS);
        let running = self.attempts.iter().filter(|attempt| attempt.runs()).map(|attempt| attempt.expected);
        let hopeless = running.chain(looking).fold(self.begun, Duration::max) + HOPELESS;
        // Another hello for a silent address is no hope where the way has been known.
        let has_hope = self.wanted().any(|(at, _)| !self.has_lost_way || at <= hopeless);
        (!has_hope).then_some(hopeless)
    }
}

#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
