//! Whether somebody is still beside the device: asked every quarter of an hour, and where the owner wants it, nothing
//! that the engineer does gets through before somebody says so.

use std::time::Duration;

use super::Events;
use super::event::RuleEvent;
use crate::config::{PresenceMode, SessionConfig};

/// Where it stands. Times are times since boot.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Presence {
    /// Somebody was there lately.
    Here {
        /// When they are asked next; never, if nobody is.
        next: Option<Duration>,
    },
    /// They are asked.
    Asked {
        /// When no answer counts as nobody there.
        until: Duration,
    },
    /// Nobody answered.
    Away {
        /// Whether the engineer's input is held for that.
        is_held: bool,
    },
}

/// The rule: what is configured, and where it stands.
#[derive(Debug)]
pub(super) struct PresenceCheck {
    mode: PresenceMode,
    every: Duration,
    patience: Duration,
    state: Presence,
}

impl PresenceCheck {
    /// Somebody is there at `now`: they have let the engineer in.
    pub(super) fn new(config: &SessionConfig, mode: PresenceMode, now: Duration) -> Self {
        let every = Duration::from_secs(config.presence_seconds);
        let patience = Duration::from_secs(config.presence_patience_seconds);
        let state = Presence::Here { next: None };
        let mut check = Self { mode, every, patience, state };
        check.rest(now);
        check
    }

    pub(super) fn state(&self) -> Presence {
        self.state
    }

    fn rest(&mut self, now: Duration) {
        let next = (self.mode != PresenceMode::Off).then(|| now + self.every);
        self.state = Presence::Here { next };
    }

    /// The client does something.
    pub(super) fn handle_sign(&mut self, now: Duration, events: &mut Events) {
        let before = self.state;
        self.rest(now);
        match before {
            Presence::Here { .. } => {}
            Presence::Asked { .. } => events.push_back(RuleEvent::ClientHere { was_held: false }),
            Presence::Away { is_held } => events.push_back(RuleEvent::ClientHere { was_held: is_held }),
        }
    }

    /// A quiet period is over: somebody is wanted again, and asked before another one can be announced.
    pub(super) fn handle_quiet_over(&mut self, now: Duration, events: &mut Events) {
        if let Presence::Here { next: Some(_) } = self.state {
            self.handle_timeout(now, events);
        }
    }

    /// During a quiet period nobody is asked.
    pub(super) fn poll_timeout(&self, is_quiet: bool) -> Option<Duration> {
        match self.state {
            Presence::Here { next } => next.filter(|_| !is_quiet),
            Presence::Asked { until } => Some(until),
            Presence::Away { .. } => None,
        }
    }

    pub(super) fn handle_timeout(&mut self, now: Duration, events: &mut Events) {
        match self.state {
            Presence::Here { .. } => {
                let until = now + self.patience;
                self.state = Presence::Asked { until };
                events.push_back(RuleEvent::PresenceAsked { until });
            }
            Presence::Asked { .. } => {
                let is_held = self.mode == PresenceMode::Required;
                self.state = Presence::Away { is_held };
                events.push_back(RuleEvent::ClientAway { is_held });
            }
            Presence::Away { .. } => {}
        }
    }
}
