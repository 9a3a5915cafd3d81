//! What the engineer announces: the client is told, and nothing has to be answered.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::{Announcement, Outcome};
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::text;

use super::event::RuleEvent;
use super::{Active, Events};

impl Active {
    /// Tells the client, or the engineer that it was too much.
    pub(super) fn handle_announcement(
        &mut self,
        request: u32,
        announcement: Announcement,
        now: Duration,
        events: &mut Events,
    ) {
        if !self.announcements.permits(now) {
            events.push_back(RuleEvent::NotAsked { request, answer: Answer::Busy {} });
            return;
        }
        match announcement {
            Announcement::Quiet { minutes, text } => {
                self.quiet.handle_announced((minutes, &text), self.deadline, now, events);
            }
            Announcement::QuietOver {} => self.end_quiet(now, events),
            Announcement::Call {} => events.push_back(RuleEvent::Called),
            Announcement::Note { text, by_client } => {
                events.push_back(RuleEvent::Noted { text: line(&text), by_client });
            }
            Announcement::Outcome(Outcome { result, summary, prepare }) => {
                let (summary, prepare) = (line(&summary), line(&prepare));
                events.push_back(RuleEvent::OutcomeSaid(Outcome { result, summary, prepare }));
            }
        }
        events.push_back(RuleEvent::Announced { request });
    }

    pub(super) fn end_quiet(&mut self, now: Duration, events: &mut Events) {
        if self.quiet.end(events) {
            self.presence.handle_quiet_over(now, events);
        }
    }
}

fn line(text: &str) -> String {
    text::clean(text.trim(), limits::CHAT)
}
