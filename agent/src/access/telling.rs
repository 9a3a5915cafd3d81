//! What the engineer's program is told of the rules' events, under the seal, as far as it understands.

use std::time::Duration;

use fieldlink_protocol::feature;
use fieldlink_protocol::messages::control::{ClientPresence, FromAgent};
use fieldlink_protocol::messages::questions::Answer;

use super::Access;
use crate::clock;
use crate::rules::{OperationStatus, Presence, RuleEvent};

impl Access {
    pub(super) fn tell_engineer(&self, event: &RuleEvent) {
        match event {
            RuleEvent::ConsentAsked { patience, .. } => {
                self.say(FromAgent::Asking { seconds: patience.as_secs() as u32 });
            }
            RuleEvent::NotAsked { request, answer } | RuleEvent::Answered { request, answer, .. } => {
                let answer = answer.clone();
                let knows_languages = self.engineer_has(feature::STEPS);
                let answer = if knows_languages { answer } else { answer.without_language() };
                self.say(FromAgent::Answered { request: *request, answer });
            }
            RuleEvent::Announced { request } => {
                self.say(FromAgent::Answered { request: *request, answer: Answer::Taken {} });
            }
            RuleEvent::PresenceAsked { .. } => self.say_of_client(ClientPresence::Asked),
            RuleEvent::ClientAway { is_held: true } => self.say_of_client(ClientPresence::Held),
            RuleEvent::ClientAway { is_held: false } => self.say_of_client(ClientPresence::Away),
            RuleEvent::ClientHere { .. } => self.say_of_client(ClientPresence::Here),
            RuleEvent::DataUsed { .. } | RuleEvent::Transfers { .. } => self.say_data(),
            RuleEvent::OperationTold { status } => self.say_operation(status),
            RuleEvent::QuietBegan { until, .. } => self.say_quiet(Some(*until)),
            RuleEvent::QuietOver => self.say_quiet(None),
            RuleEvent::BatteryIs { low } => self.say_battery(*low),
            RuleEvent::Chat { from_engineer: false, text } | RuleEvent::ChatAgain { text } => {
                self.say(FromAgent::Chat { text: text.clone() });
            }
            _ => {}
        }
    }

    /// What the engineer's program before this one was told.
    pub(super) fn say_standing(&self) {
        let Some(active) = self.rules.state().active() else { return };
        match active.presence() {
            Presence::Here { .. } => {}
            Presence::Asked { .. } => self.say_of_client(ClientPresence::Asked),
            Presence::Away { is_held: false } => self.say_of_client(ClientPresence::Away),
            Presence::Away { is_held: true } => self.say_of_client(ClientPresence::Held),
        }
        self.say_quiet(active.quiet().map(|quiet| quiet.until));
        self.say_battery(active.low_battery());
        self.say_data();
        self.rules.operation().into_iter().for_each(|status| self.say_operation(status));
    }

    fn say(&self, message: FromAgent) {
        if let Some(session) = &self.session {
            // What is dropped is logged there.
            session.say(message);
        }
    }

    pub(super) fn engineer_has(&self, feature: &str) -> bool {
        self.session.as_ref().is_some_and(|session| session.engineer_has(feature))
    }

    fn say_of_client(&self, state: ClientPresence) {
        if self.engineer_has(feature::PRESENCE) {
            self.say(FromAgent::Presence { state });
        }
    }

    fn say_operation(&self, OperationStatus { name, state, .. }: &OperationStatus) {
        if self.rules.state().active().is_some() && self.engineer_has(feature::OPERATIONS) {
            self.say(FromAgent::Operation { operation: name.clone(), state: *state });
        }
    }

    fn say_data(&self) {
        let Some(active) = self.rules.state().active() else { return };
        if self.engineer_has(feature::DATA) {
            let (bytes, _) = active.data_used();
            self.say(FromAgent::Data { bytes, transfers: active.transfers() });
        }
    }

    /// Until when, in time since boot.
    fn say_quiet(&self, until: Option<Duration>) {
        if self.engineer_has(feature::QUIET) {
            let left = until.map_or(Duration::ZERO, |until| until.saturating_sub(clock::now()));
            self.say(FromAgent::Quiet { seconds: u32::try_from(left.as_secs()).unwrap_or(u32::MAX) });
        }
    }

    fn say_battery(&self, percent: Option<u8>) {
        if self.engineer_has(feature::BATTERY) {
            self.say(FromAgent::Battery { percent });
        }
    }
}
