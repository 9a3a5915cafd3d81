//! What is known of the client and of the scanner while a session lasts.

use std::time::{Duration, Instant};

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::control::{ClientPresence, Transfers};
use fieldlink_protocol::messages::operation::OperationState;
use fieldlink_protocol::messages::people::Participant;

use crate::local_socket::Operation;
use crate::people::is_company;

/// Percent of a battery at which the engineer is told again.
const VERY_LOW: u8 = 10;

/// Whether they are there, whether they expect to be left alone, and what the session costs them.
#[derive(Debug, Clone, Default)]
pub(super) struct Client {
    /// As the scanner said last.
    pub(super) presence: ClientPresence,
    /// When the quiet period that was announced last is over.
    quiet_until: Option<Instant>,
    /// Bytes that the session has moved.
    pub(super) data_used: u64,
    /// What becomes of what carries much.
    pub(super) transfers: Transfers,
    /// The scanner's battery in percent, if it is low.
    pub(super) battery: Option<u8>,
    /// The operation that runs, or ran last.
    pub(super) operation: Option<Operation>,
    pub(super) people: Vec<Participant>,
}

impl Client {
    /// The scanner has taken an announcement.
    pub(super) fn was_told(&mut self, announcement: &Announcement, now: Instant) {
        match announcement {
            Announcement::Quiet { minutes, .. } => {
                self.quiet_until = Some(now + Duration::from_secs(60 * u64::from(*minutes)));
            }
            Announcement::QuietOver {} => self.quiet_until = None,
            Announcement::Call {} | Announcement::Note { .. } | Announcement::Outcome(_) => {}
        }
    }

    /// The scanner's battery has so many percent left, few; none: it is not low. Returns the percent that the engineer is
    /// to be told: at first, and once it is very low.
    pub(super) fn set_battery(&mut self, percent: Option<u8>) -> Option<u8> {
        let before = std::mem::replace(&mut self.battery, percent);
        percent.filter(|percent| before.is_none_or(|before| before > VERY_LOW && *percent <= VERY_LOW))
    }

    /// An operation stands so now. Whether the engineer is to be told: not of every percent.
    pub(super) fn set_operation(&mut self, operation: Operation) -> bool {
        let kind = std::mem::discriminant::<OperationState>;
        let before = self.operation.replace(operation.clone());
        before.is_none_or(|before| {
            before.name != operation.name || kind(&before.state) != kind(&operation.state)
        })
    }

    /// The scanner says how long the quiet period lasts still, if there is one.
    /// Whether the engineer is told: it is about more than themselves, and is news.
    pub(super) fn set_people(&mut self, people: Vec<Participant>) -> bool {
        let before = std::mem::replace(&mut self.people, people);
        before != self.people && (is_company(&before) || is_company(&self.people))
    }

    pub(super) fn set_quiet(&mut self, left: Option<Duration>, now: Instant) {
        self.quiet_until = left.map(|left| now + left);
    }

    /// Seconds until the quiet period is over, if there is one.
    pub(super) fn quiet_seconds(&self, now: Instant) -> Option<u64> {
        let left = self.quiet_until?.checked_duration_since(now)?;
        Some(left.as_secs_f64().ceil() as u64)
    }
}
