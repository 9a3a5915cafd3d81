//! Whether a pipe's next connection takes the ordinary way or the one in reserve, and when it goes back. Pure: callers
//! pass `now`.
//!
//! The reserve is for a way that has failed, not for a partner that has: where the relay itself has closed the
//! connection, or answered the last try, the way to it is as good as before. And a connection over the reserve's
//! interface, which may cost money, is no place to stay: the ordinary way is tried again after a while, beside it.

use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

/// After so long on the reserve's interface the ordinary way is tried again; later twice as long, up to the second.
const HOME: (Duration, Duration) = (Duration::from_secs(30), Duration::from_secs(300));

/// How the pipe stands when another connection is wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Need {
    /// It is connected; the new one takes over from it.
    Change,
    /// It has a connection that is silent.
    Silence,
    /// It has none.
    Loss,
}

/// What a trial that failed leads to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Another one, as ever.
    Retry,
    /// None: it was for going back only, and the pipe is connected.
    Forgo,
}

/// See the module.
#[derive(Debug)]
pub(super) struct Detour {
    /// Whether the relay was reached the ordinary way when that was last seen.
    way_works: bool,
    /// The reserve's interface, if the live connection is over it; the same of the one on trial.
    live: Option<Arc<str>>,
    trial: Option<Arc<str>>,
    /// When the ordinary way is to be tried again, and how long it takes until then the next time.
    home_at: Option<Instant>,
    pause: Duration,
    is_going_home: bool,
}

impl Default for Detour {
    fn default() -> Self {
        Self { way_works: true, live: None, trial: None, home_at: None, pause: HOME.0, is_going_home: false }
    }
}

impl Detour {
    /// The live connection is gone: closed by the relay, or not.
    pub(super) fn lost(&mut self, is_closed: bool) {
        if self.live.take().is_none() {
            self.way_works = is_closed;
        }
        (self.home_at, self.is_going_home) = (None, false);
    }

    /// Whether the reserve is to be used, wherever the ordinary way leads.
    pub(super) fn wants_reserve(&self, need: Need) -> bool {
        match need {
            Need::Change => false,
            Need::Silence => true,
            Need::Loss => !self.way_works,
        }
    }

    /// A trial begins: over the reserve, which is on this interface, or the ordinary way.
    pub(super) fn tries(&mut self, reserve: Option<Arc<str>>) {
        self.trial = reserve;
    }

    /// The trial has made the live connection; `primary` is the interface of the ordinary way.
    pub(super) fn switched(&mut self, primary: Option<&Arc<str>>, now: Instant) {
        self.live = self.trial.take().filter(|over| Some(over) != primary);
        self.is_going_home = false;
        if self.live.is_none() {
            (self.way_works, self.home_at, self.pause) = (true, None, HOME.0);
        } else {
            self.home_at = Some(now + self.pause);
        }
    }

    /// The trial led nowhere; the relay has answered it, or not.
    pub(super) fn failed(&mut self, is_answered: bool, need: Need, now: Instant) -> Next {
        if self.trial.take().is_none() {
            self.way_works = is_answered;
        }
        if !std::mem::take(&mut self.is_going_home) || need != Need::Change {
            return Next::Retry;
        }
        self.pause = (self.pause * 2).min(HOME.1);
        self.home_at = Some(now + self.pause);
        Next::Forgo
    }

    /// When the ordinary way is to be tried again.
    pub(super) fn home_at(&self) -> Option<Instant> {
        self.home_at
    }

    /// It is time to. False if there is nothing to go back to, or something else is on trial: then it is for later.
    pub(super) fn goes_home(&mut self, primary: Option<&Arc<str>>, is_on_trial: bool, now: Instant) -> bool {
        let is_away = self.live.is_some() && primary.is_some() && self.live.as_ref() != primary;
        self.home_at = is_on_trial.then(|| now + self.pause).filter(|_| is_away);
        self.is_going_home |= is_away && !is_on_trial;
        is_away && !is_on_trial
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn interface(name: &str) -> Arc<str> {
        name.into()
    }

    #[test]
    fn the_reserve_is_for_ways_that_fail_and_not_for_partners_that_do() {
        let mut detour = Detour::default();
        detour.lost(true);
        assert!(!detour.wants_reserve(Need::Loss), "the relay has closed it");
        detour.tries(None);
        assert_eq!(detour.failed(true, Need::Loss, Instant::now()), Next::Retry);
        assert!(!detour.wants_reserve(Need::Loss), "the relay has answered");
        detour.tries(None);
        detour.failed(false, Need::Loss, Instant::now());
        assert!(detour.wants_reserve(Need::Loss), "it has not");
        detour.tries(None);
        detour.switched(None, Instant::now());
        assert!(!detour.wants_reserve(Need::Change) && detour.wants_reserve(Need::Silence));
        detour.lost(false);
        assert!(detour.wants_reserve(Need::Loss), "it broke");
    }

    #[test]
    fn it_goes_back_after_a_while_and_less_often_where_that_fails() {
        let (cable, phone) = (interface("eth0"), interface("wlan0"));
        let (mut detour, mut now) = (Detour::default(), Instant::now());
        detour.lost(false);
        detour.tries(Some(phone.clone()));
        detour.switched(Some(&cable), now);
        let mut pause = HOME.0;
        for _ in 0..8 {
            assert_eq!(detour.home_at(), Some(now + pause));
            now += pause;
            assert!(!detour.goes_home(Some(&cable), true, now), "the partner comes again");
            assert_eq!(detour.home_at(), Some(now + pause));
            detour.tries(None);
            assert_eq!(detour.failed(false, Need::Change, now), Next::Retry);
            assert!(detour.goes_home(Some(&cable), false, now));
            detour.tries(None);
            assert_eq!(detour.failed(false, Need::Change, now), Next::Forgo);
            pause = (2 * pause).min(HOME.1);
        }
        assert!(detour.goes_home(Some(&cable), false, now));
        detour.tries(None);
        detour.switched(Some(&cable), now);
        assert_eq!(detour.home_at(), None);
        detour.lost(true);
        assert!(!detour.wants_reserve(Need::Loss));
    }

    #[test]
    fn where_the_reserves_interface_is_the_way_now_there_is_nothing_to_go_back_to() {
        let phone = interface("wlan0");
        let (mut detour, now) = (Detour::default(), Instant::now());
        detour.tries(Some(phone.clone()));
        detour.switched(Some(&phone), now);
        assert_eq!(detour.home_at(), None);
        // Later it becomes that.
        detour.tries(Some(phone.clone()));
        detour.switched(Some(&interface("eth0")), now);
        assert!(!detour.goes_home(Some(&phone), false, now) && !detour.goes_home(None, false, now));
        // A trial that fails while nothing is connected is tried again, whatever it was for.
        detour.tries(Some(phone));
        detour.switched(Some(&interface("eth0")), now);
        assert!(detour.goes_home(Some(&interface("eth0")), false, now));
        detour.lost(false);
        detour.tries(None);
        assert_eq!(detour.failed(false, Need::Loss, now), Next::Retry);
    }
}
