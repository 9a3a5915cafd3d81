//! What becomes of a session's transfers where data may cost the client money.

use std::time::Duration;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::limits;
use fieldlink_protocol::messages::control::Transfers;

use super::event::{DataVerdict, RuleEvent};
use super::question::Asked;
use super::{Active, Events, StaleAnswer};

impl Active {
    fn tell_transfers(&mut self, events: &mut Events) {
        let (transfers, limit) = self.data.transfers();
        events.push_back(RuleEvent::Transfers { transfers, limit });
    }

    /// How the session begins, where data costs.
    pub(super) fn begin_data(&mut self, events: &mut Events) {
        if self.data.transfers() != (Transfers::Pass, None) {
            self.tell_transfers(events);
        }
    }

    /// The session has moved so many bytes.
    pub(super) fn handle_data_used(&mut self, bytes: u64, events: &mut Events) {
        self.data.handle_used(bytes);
        events.push_back(RuleEvent::DataUsed { bytes });
    }

    /// Data costs from now on, or not any more: then there is nothing to ask.
    pub(super) fn handle_metered(&mut self, is_metered: bool, events: &mut Events) {
        if !self.data.handle_metered(is_metered) {
            return;
        }
        if let Some(asked) = self.asked_of_data.take_if(|_| !is_metered) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
        }
        self.tell_transfers(events);
    }

    /// What carries much is held, because the session has moved as much as may pass unasked. The client is asked at once,
    /// whatever else they are asked; in a quiet period they have until it is over, and the usual time.
    pub(super) fn handle_past_limit(&mut self, now: Duration, events: &mut Events) {
        if let Some(asking) = self.data.handle_past_limit() {
            let begins = self.quiet.now().map_or(now, |quiet| quiet.until.max(now));
            let until = (begins + limits::CONSENT).min(self.deadline);
            let asked = Asked { id: QuestionId::random(), asking, until };
            events.push_back(RuleEvent::Asked(self.asked_of_data.insert(asked).clone()));
        }
        // Held by a limit that is not the one of now, it goes on.
        self.tell_transfers(events);
    }

    /// The client's word on more data.
    pub(super) fn handle_answer_on_data(
        &mut self,
        answer: ClientAnswer,
        now: Duration,
        events: &mut Events,
    ) -> Result<(), StaleAnswer> {
        let verdict = match answer {
            ClientAnswer::Yes => DataVerdict::Allowed,
            ClientAnswer::No => DataVerdict::Refused,
            _ => return Err(StaleAnswer::DoesNotFit),
        };
        self.settle_data(verdict, now, events);
        Ok(())
    }

    /// What came of the question whether more data may be moved, if it is open.
    pub(super) fn settle_data(&mut self, verdict: DataVerdict, now: Duration, events: &mut Events) {
        let Some(Asked { id: question, .. }) = self.asked_of_data.take() else { return };
        self.data.settle(verdict, now);
        events.push_back(RuleEvent::DataAnswered { question, verdict });
        self.tell_transfers(events);
    }

    pub(super) fn handle_no_is_over(&mut self, events: &mut Events) {
        self.data.handle_timeout();
        self.tell_transfers(events);
    }
}
