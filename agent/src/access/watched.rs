//! What those who only watch are told of the rules' events.

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::observer::Seen;

use super::Access;
use crate::clock;
use crate::rules::{Asking, RuleEvent};

impl Access {
    pub(super) fn tell_observers(&self, event: &RuleEvent) {
        seen_of(event).into_iter().for_each(|event| self.observers.tell(event));
    }
}

fn seen_of(event: &RuleEvent) -> Option<Seen> {
    Some(match event {
        RuleEvent::Chat { from, text } => Seen::Chat { from_engineer: from.is_some(), text: text.clone() },
        RuleEvent::Asked(asked) => match &asked.asking {
            Asking::Engineers { question, .. } => Seen::Asked { question: question.clone() },
            _ => return None,
        },
        RuleEvent::Answered { answer, .. } => Seen::Answered { answer: answer.clone().without_language() },
        RuleEvent::QuietBegan { until, text } => {
            let minutes = until.saturating_sub(clock::now()).as_secs().div_ceil(60);
            let minutes = u32::try_from(minutes).unwrap_or(60).clamp(1, 60);
            Seen::Announced { announcement: Announcement::Quiet { minutes, text: text.clone() } }
        }
        RuleEvent::QuietOver => Seen::Announced { announcement: Announcement::QuietOver {} },
        RuleEvent::Called => Seen::Announced { announcement: Announcement::Call {} },
        RuleEvent::Noted { text, by_client } => {
            let announcement = Announcement::Note { text: text.clone(), by_client: *by_client };
            Seen::Announced { announcement }
        }
        RuleEvent::OutcomeSaid(outcome) => {
            Seen::Announced { announcement: Announcement::Outcome(outcome.clone()) }
        }
        RuleEvent::OperationIs { status, is_turn: true } => {
            Seen::Operation { operation: status.name.clone(), state: status.state }
        }
        RuleEvent::Extended { seconds, .. } => Seen::TimeLeft { seconds: *seconds },
        RuleEvent::TimeLeft { minutes } => {
            Seen::TimeLeft { seconds: u32::try_from(minutes * 60).unwrap_or(u32::MAX) }
        }
        RuleEvent::Interrupted { .. } => Seen::Interrupted {},
        RuleEvent::Resumed => Seen::Resumed {},
        _ => return None,
    })
}
