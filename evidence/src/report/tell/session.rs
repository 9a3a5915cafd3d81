//! The session, and what is said in it.

use fieldlink_protocol::health::Concern;
use fieldlink_protocol::messages::announcements::Outcome;
use fieldlink_protocol::messages::control::Transfers;
use fieldlink_protocol::reason::Reason;

use super::{Line, Teller, Topic};
use crate::{Certified, Person, Presence};

impl Teller<'_> {
    pub(super) fn health_warned(&self, concern: &Concern) -> Line {
        let warning = self.words.health().concern(concern);
        self.with(Topic::Trouble, "line-health-warned", &[("warning", warning.into())])
    }

    pub(super) fn consent_asked(&self, person: &Person, certified: Option<&Certified>) -> Line {
        self.came(Topic::Question, "line-consent-asked", person, certified)
    }

    pub(super) fn let_in_by_pin(&self, person: &Person, certified: Option<&Certified>) -> Line {
        self.came(Topic::Session, "line-let-in-by-pin", person, certified)
    }

    pub(super) fn guest_let_in(
        &self,
        person: &Person,
        observes: bool,
        certified: Option<&Certified>,
    ) -> Line {
        let id = if observes { "line-guest-let-in-observes" } else { "line-guest-let-in" };
        self.came(Topic::Session, id, person, certified)
    }

    fn came(&self, topic: Topic, id: &str, person: &Person, certified: Option<&Certified>) -> Line {
        let proof = self.words.proof(certified);
        let arguments = [
            ("person", (&person.name).into()),
            ("company", (&person.company).into()),
            ("proof", proof.into()),
        ];
        self.with(topic, id, &arguments)
    }

    pub(super) fn session_ended(&self, reason: Reason, hearsay: bool) -> Line {
        let cause = self.words.cause(reason, hearsay);
        self.with(Topic::Session, "line-session-ended", &[("cause", cause.into())])
    }

    pub(super) fn transfers(&self, transfers: Transfers) -> Line {
        let id = match transfers {
            Transfers::Pass => "line-transfers-pass",
            Transfers::Held => "line-transfers-held",
            Transfers::Refused => "line-transfers-refused",
        };
        self.plain(Topic::Work, id)
    }

    /// Who says something: an engineer, or the client.
    pub(in super::super) fn speaker(&self, from: Option<u64>) -> String {
        from.map_or_else(|| self.words.say("client"), |seat| self.person(seat))
    }

    pub(super) fn chat(&self, from: Option<u64>, text: &str) -> Line {
        let who = self.speaker(from);
        self.with(Topic::Talk, "line-chat", &[("who", who.into()), ("text", text.into())])
    }

    pub(super) fn noted(&self, text: &str, by_client: bool) -> Line {
        let id = if by_client { "line-noted-client" } else { "line-noted" };
        self.with(Topic::Talk, id, &[("text", text.into())])
    }

    pub(super) fn quiet_began(&self, seconds: u64, text: &str) -> Line {
        if text.is_empty() {
            return self.of_time(Topic::Talk, "line-quiet-began", seconds);
        }
        let time = self.words.duration(seconds);
        self.with(Topic::Talk, "line-quiet-began-text", &[("time", time.into()), ("text", text.into())])
    }

    pub(super) fn presence(&self, presence: Presence) -> Line {
        let id = match presence {
            Presence::Asked => "line-presence-asked",
            Presence::Away => "line-presence-away",
            Presence::Held => "line-presence-held",
            Presence::Here => "line-presence-here",
        };
        self.plain(Topic::Talk, id)
    }

    pub(super) fn outcome_said(&self, outcome: &Outcome) -> Line {
        let result = self.words.say(&format!("result-{}", outcome.result.name()));
        self.with(Topic::Talk, "line-outcome", &[("result", result.into())])
    }

    pub(super) fn verdict_given(&self, verdict: &str, words: &str) -> Line {
        let verdict = self.verdict(verdict, words);
        self.with(Topic::Talk, "line-verdict", &[("verdict", verdict.into())])
    }

    /// What the client says of the case.
    pub(in super::super) fn verdict(&self, verdict: &str, words: &str) -> String {
        let sentence = self.words.named("verdict", verdict);
        if words.is_empty() {
            return sentence;
        }
        self.words.say_with("with-words", &[("sentence", sentence.into()), ("text", words.into())])
    }
}
