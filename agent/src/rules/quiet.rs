//! A quiet period: the engineer works by themselves, and has said until when.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::text;

use super::Events;
use super::event::RuleEvent;

/// A quiet period. Times are times since boot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Quiet {
    /// When it began: one that is announced again and again must not keep the client from being asked for ever.
    since: Duration,
    /// When it is over.
    pub until: Duration,
    /// What is done meanwhile, cleaned; empty if the engineer has not said.
    pub text: String,
}

/// The quiet period of now, if there is one.
#[derive(Debug, Default)]
pub(super) struct Quietness(Option<Quiet>);

impl Quietness {
    pub(super) fn now(&self) -> Option<&Quiet> {
        self.0.as_ref()
    }

    /// The engineer announces one, or that the one of now takes longer or shorter. It lasts no longer than the session.
    pub(super) fn handle_announced(
        &mut self,
        (minutes, text): (u32, &str),
        deadline: Duration,
        now: Duration,
        events: &mut Events,
    ) {
        let since = self.0.as_ref().map_or(now, |quiet| quiet.since);
        let most = since + Duration::from_secs(60 * u64::from(*limits::QUIET_MINUTES.end()));
        let until = (now + Duration::from_secs(60 * u64::from(minutes))).min(most).min(deadline);
        let text = text::clean_to_fit(text.trim(), limits::QUESTION);
        events.push_back(RuleEvent::QuietBegan { until, text: text.clone() });
        self.0 = Some(Quiet { since, until, text });
    }

    /// It is over. False if there was none.
    pub(super) fn end(&mut self, events: &mut Events) -> bool {
        let was_quiet = self.0.take().is_some();
        if was_quiet {
            events.push_back(RuleEvent::QuietOver);
        }
        was_quiet
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.0.as_ref().map(|quiet| quiet.until)
    }
}
