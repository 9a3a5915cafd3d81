//! What the device knew of itself before and after the session.

use fieldlink_protocol::health::{changes, concerns};
use fieldlink_protocol::messages::health::Health;

use super::words::{Words, shown};
use crate::{Entry, Event, HealthMoment};

/// The device's health at the two ends of a session, as far as it was read.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HealthSeen {
    /// At the beginning.
    pub start: Option<Health>,
    /// Once it was over.
    pub end: Option<Health>,
}

/// What the account tells of it. Of several ends, after a restart of the agent say, the last one counts.
pub(super) fn of(entries: &[Entry]) -> HealthSeen {
    let mut seen = HealthSeen::default();
    for entry in entries {
        let Event::HealthRead { moment, health } = &entry.event else { continue };
        match moment {
            HealthMoment::Start if seen.start.is_none() => seen.start = Some((**health).clone()),
            HealthMoment::Start => {}
            HealthMoment::End => seen.end = Some((**health).clone()),
        }
    }
    seen
}

/// The same, in words.
pub(super) struct HealthTold {
    /// What of it was worth a warning at the beginning; none: it was not read.
    pub(super) start: Option<Vec<String>>,
    /// The same, once it was over.
    pub(super) end: Option<Vec<String>>,
    /// What is different: what, how it was, and how it is.
    pub(super) changes: Vec<[String; 3]>,
}

impl HealthTold {
    pub(super) fn new(HealthSeen { start, end }: &HealthSeen, words: &Words) -> Self {
        let warnings = |health: &Health| {
            concerns(health).iter().map(|(_, concern)| shown(&words.health().concern(concern))).collect()
        };
        let changes = match (start, end) {
            (Some(start), Some(end)) => changes(start, end),
            _ => Vec::new(),
        };
        let row = |change: fieldlink_protocol::health::Change| {
            let health = words.health();
            let (before, after) =
                (health.figure(change.before.as_ref()), health.figure(change.after.as_ref()));
            [health.subject(&change.subject), before, after].map(|text| shown(&text))
        };
        Self {
            start: start.as_ref().map(warnings),
            end: end.as_ref().map(warnings),
            changes: changes.into_iter().map(row).collect(),
        }
    }

    /// Whether there is a before and an after.
    pub(super) fn is_compared(&self) -> bool {
        self.start.is_some() && self.end.is_some()
    }

    /// Each of the two ends: the message that names it, and its warnings.
    pub(super) fn ends(&self) -> [(&'static str, &Option<Vec<String>>); 2] {
        [("label-health-start", &self.start), ("label-health-end", &self.end)]
    }
}
