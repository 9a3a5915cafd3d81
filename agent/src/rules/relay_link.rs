//! Whether the relay knows us, and from when on the client has to know that it does not.

use std::time::Duration;

use super::Events;
use super::event::RuleEvent;
use crate::network::reach::Failure;

/// How long the relay may be away before a client who waits for an engineer reads it: it is started again in less.
const UNTOLD: Duration = Duration::from_secs(8);

/// The connection to the relay, as the client is shown it.
#[derive(Debug, Default)]
pub(crate) struct RelayLink {
    is_registered: bool,
    problem: Option<String>,
    /// A connection that was lost a moment ago, and may be back before the client has to know.
    outage: Option<Outage>,
}

#[derive(Debug)]
struct Outage {
    failure: Failure,
    /// When the client is told.
    until: Duration,
}

impl RelayLink {
    /// Whether the relay knows us, as far as the client is told.
    pub(crate) fn is_registered(&self) -> bool {
        self.is_registered
    }

    /// What went wrong last, while it does not.
    pub(crate) fn problem(&self) -> Option<&str> {
        self.problem.as_deref()
    }

    pub(super) fn handle_registered(&mut self, events: &mut Events) {
        *self = Self { is_registered: true, problem: None, outage: None };
        events.push_back(RuleEvent::Registered);
    }

    /// The connection was lost, or could not be had. While the client `waits` for an engineer, a short outage is not
    /// shown.
    pub(super) fn handle_lost(&mut self, failure: Failure, waits: bool, now: Duration, events: &mut Events) {
        let until = match &self.outage {
            Some(outage) => outage.until,
            None if waits && self.is_registered => now + UNTOLD,
            None => now,
        };
        self.outage = Some(Outage { failure, until });
        self.handle_timeout(waits, now, events);
    }

    /// Tells of an outage that has lasted long enough, or that a session suffers from.
    pub(super) fn handle_timeout(&mut self, waits: bool, now: Duration, events: &mut Events) {
        if let Some(Outage { failure, .. }) = self.outage.take_if(|outage| now >= outage.until || !waits) {
            (self.is_registered, self.problem) = (false, Some(failure.detail.clone()));
            events.push_back(RuleEvent::RelayLost(failure));
        }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.outage.as_ref().map(|outage| outage.until)
    }
}
