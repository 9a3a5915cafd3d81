//! What the engineer announces: the client is told, and nothing has to be answered.

use std::time::Duration;

use fieldlink_protocol::limits;
use fieldlink_protocol::messages::announcements::{Announcement, Outcome};
use fieldlink_protocol::messages::questions::{Answer, NotNow};
use fieldlink_protocol::text;

use super::event::RuleEvent;
use super::seat::RequestId;
use super::{Active, Events};

impl Active {
    /// Tells the client, or the engineer that it was too much.
    pub(super) fn handle_announcement(
        &mut self,
        request: RequestId,
        announcement: Announcement,
        now: Duration,
        events: &mut Events,
    ) {
        if !self.rates(request.seat).announcements.permits(now) {
            events.push_back(RuleEvent::NotAsked { request, answer: Answer::Busy {} });
            return;
        }
        // Quiet periods are about whether the client has to be there: only the engineer whose session it is decides that.
        let is_owners = !matches!(announcement, Announcement::Note { .. } | Announcement::Call {});
        if is_owners && request.seat != self.seat {
            let answer = Answer::NotNow { why: NotNow::NotOwner };
            return events.push_back(RuleEvent::NotAsked { request, answer });
        }
        match announcement {
            Announcement::Quiet { minutes, text } => {
                self.quiet.handle_announced((minutes, &text), self.deadline, now, events);
            }
            Announcement::QuietOver {} => self.end_quiet(now, events),
            Announcement::Call {} => events.push_back(RuleEvent::Called),
            Announcement::Note { text, by_client } => {
                let text = match self.name_of(request.seat).filter(|_| request.seat != self.seat) {
                    Some(name) => line(&format!("{name}: {text}")),
                    None => line(&text),
                };
                events.push_back(RuleEvent::Noted { text, by_client });
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
    text::clean_to_fit(text.trim(), limits::CHAT)
}
