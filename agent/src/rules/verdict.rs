//! The client's own verdict on a session, asked for once it is over. The engineer's outcome is another matter: neither
//! takes the place of the other.

use std::time::Duration;

use fieldlink_device::verdict::Verdict;
use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::text;

use super::event::RuleEvent;
use super::{Events, Refusal};

/// How long the client may take.
const PATIENCE: Duration = Duration::from_secs(10 * 60);

/// The session whose verdict the client has not given.
#[derive(Debug, Default)]
pub(crate) struct VerdictWanted(Option<(SessionId, Duration)>);

impl VerdictWanted {
    /// The session, if one waits for its verdict.
    pub(crate) fn session(&self) -> Option<SessionId> {
        self.0.map(|(session, _)| session)
    }

    /// An engineer worked in `session`, which is over now.
    pub(super) fn ask(&mut self, session: SessionId, now: Duration) {
        self.0 = Some((session, now + PATIENCE));
    }

    /// Nobody is asked any more.
    pub(super) fn forget(&mut self) {
        self.0 = None;
    }

    /// Nobody is asked any more about this session.
    pub(super) fn forget_if(&mut self, session: SessionId) {
        self.0.take_if(|(wanted, _)| *wanted == session);
    }

    pub(super) fn handle_given(
        &mut self,
        session: SessionId,
        verdict: Verdict,
        words: &str,
        events: &mut Events,
    ) -> Result<(), Refusal> {
        self.0.take_if(|(wanted, _)| *wanted == session).ok_or(Refusal::NoVerdict)?;
        let words = text::clean_to_fit(words.trim(), limits::CHAT);
        events.push_back(RuleEvent::VerdictGiven { session, verdict, words });
        Ok(())
    }

    pub(super) fn poll_timeout(&self) -> Option<Duration> {
        self.0.map(|(_, until)| until)
    }

    pub(super) fn handle_timeout(&mut self, now: Duration) {
        self.0.take_if(|(_, until)| *until <= now);
    }
}
