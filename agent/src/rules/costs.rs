//! What becomes of a session's transfers where data may cost the client money.

use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::messages::control::Transfers;

use super::event::{DataVerdict, RuleEvent};
use super::question::Asking;
use super::{Active, Events};

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
    pub(super) fn handle_metered(&mut self, is_metered: bool, now: Duration, events: &mut Events) {
        if !self.data.handle_metered(is_metered) {
            return;
        }
        if let Some(asked) = self.asked.take_if(|asked| matches!(asked.asking, Asking::Data { .. })) {
            events.push_back(RuleEvent::Withdrawn { question: asked.id });
            self.ask_next(now, events);
        }
        self.tell_transfers(events);
    }

    /// What carries much is held, because the session has moved as much as may pass unasked.
    pub(super) fn handle_past_limit(&mut self, now: Duration, events: &mut Events) {
        self.data.handle_past_limit();
        self.ask_next(now, events);
        // Held by a limit that is not the one of now, it goes on.
        self.tell_transfers(events);
    }

    /// The client's word, or none in time.
    pub(super) fn settle_data(
        &mut self,
        question: QuestionId,
        verdict: DataVerdict,
        now: Duration,
        events: &mut Events,
    ) {
        self.data.settle(verdict, now);
        events.push_back(RuleEvent::DataAnswered { question, verdict });
        self.tell_transfers(events);
        self.ask_next(now, events);
    }

    pub(super) fn handle_no_is_over(&mut self, events: &mut Events) {
        self.data.handle_timeout();
        self.tell_transfers(events);
    }
}
