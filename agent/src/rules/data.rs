//! How much data the session moves. Where the connection is metered that may cost the client money: past so much they
//! are asked, once, and what carries much waits for the answer.

use std::time::Duration;

use fieldlink_protocol::messages::control::Transfers;

use super::event::DataVerdict;
use super::policy::NO_STANDS;
use super::question::Asking;
use crate::config::SessionConfig;

/// Bytes in what people call a megabyte.
const MEGABYTE: u64 = 1_000_000;

/// What the client said of more.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Leave {
    /// Nothing yet.
    #[default]
    Unasked,
    /// They are being asked.
    Wanted,
    /// They do not mind.
    Given,
    /// They do, or did not answer. Until then, in time since boot, that stands.
    Refused(Duration),
}

/// The rule: whether data costs, how much the session moved, and what the client said of that.
#[derive(Debug)]
pub(super) struct DataUse {
    /// Bytes after which the client is asked; none: never.
    limit: Option<u64>,
    is_metered: bool,
    used: u64,
    leave: Leave,
}

impl DataUse {
    pub(super) fn new(config: &SessionConfig, is_metered: bool) -> Self {
        let limit = u64::from(config.metered_ask_megabytes) * MEGABYTE;
        Self { limit: Some(limit).filter(|limit| *limit > 0), is_metered, used: 0, leave: Leave::Unasked }
    }

    /// Bytes that the session has moved, and whether they may cost the client money.
    pub(super) fn used(&self) -> (u64, bool) {
        (self.used, self.is_metered)
    }

    /// What becomes of what carries much, now and past so many bytes.
    pub(super) fn transfers(&self) -> (Transfers, Option<u64>) {
        match self.leave {
            _ if !self.is_metered => (Transfers::Pass, None),
            Leave::Unasked => (Transfers::Pass, self.limit),
            Leave::Wanted => (Transfers::Held, self.limit),
            Leave::Given => (Transfers::Pass, None),
            Leave::Refused(_) => (Transfers::Refused, self.limit),
        }
    }

    /// What the client is asked.
    fn question(&self) -> Asking {
        let limit = self.limit.unwrap_or_default();
        Asking::Data { megabytes: u32::try_from(limit / MEGABYTE).unwrap_or(u32::MAX) }
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        match self.leave {
            Leave::Refused(until) => Some(until),
            _ => None,
        }
    }

    /// The session has moved so many bytes.
    pub(super) fn handle_used(&mut self, bytes: u64) {
        self.used = bytes;
    }

    /// Data costs from now on, or not any more. False if that is no news.
    pub(super) fn handle_metered(&mut self, is_metered: bool) -> bool {
        let is_news = std::mem::replace(&mut self.is_metered, is_metered) != is_metered;
        // A yes and a no stand.
        if is_news && self.leave == Leave::Wanted {
            self.leave = Leave::Unasked;
        }
        is_news
    }

    /// As much was moved as may be unasked. What the client is to be asked now, if anything.
    pub(super) fn handle_past_limit(&mut self) -> Option<Asking> {
        let is_wanted = self.is_metered && self.leave == Leave::Unasked;
        is_wanted.then(|| {
            self.leave = Leave::Wanted;
            self.question()
        })
    }

    /// The client's word, or none in time.
    pub(super) fn settle(&mut self, verdict: DataVerdict, now: Duration) {
        self.leave = match verdict {
            DataVerdict::Allowed => Leave::Given,
            DataVerdict::Refused | DataVerdict::Unanswered => Leave::Refused(now + NO_STANDS),
        };
    }

    /// A no has stood for long enough: whatever carries much now is asked about anew.
    pub(super) fn handle_timeout(&mut self) {
        self.leave = Leave::Unasked;
    }
}
