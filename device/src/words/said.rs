//! Which message each type is, and with which arguments.

use std::time::Duration;

use fieldlink_protocol::messages;
use fieldlink_protocol::reason::Reason;

use super::{Argument, Words};
use crate::network_notice::{NetworkKind, NetworkNotice};
use crate::notice::{Notice, Person};
use crate::operation;
use crate::status::{Away, Question, QuestionKind, Visitor};
use crate::warning::Warning;

impl Words {
    /// The engineer in one line: name, company, ticket, partner.
    pub fn person(&self, who: &Person) -> String {
        let Person { engineer, company, ticket, partner, authority: _ } = who;
        let mut arguments =
            vec![("engineer", engineer.into()), ("company", company.into()), ("ticket", ticket.into())];
        match partner {
            Some(partner) => {
                arguments.push(("partner", partner.into()));
                self.say_with("visitor-with-partner", &arguments)
            }
            None => self.say_with("visitor", &arguments),
        }
    }

    /// Whose word it is that the engineer is who they are.
    pub fn identity(&self, who: &Person) -> String {
        match &who.authority {
            Some(authority) => self.say_with("identity-proven", &[("authority", authority.into())]),
            None => self.say("identity-told"),
        }
    }

    /// A warning of the device's health; one of a later version says where to read it.
    fn health_warning(&self, concern: &str) -> String {
        match messages::decode(concern.as_bytes()) {
            Ok(concern) => fieldlink_health::Words::new(self.language).concern(&concern),
            Err(_) => self.say("warning-health"),
        }
    }

    /// A time, rounded to what matters: minutes, and below one the seconds.
    pub fn time(&self, time: Duration) -> String {
        let (id, count) = match time.as_secs() {
            seconds if seconds < 60 => ("seconds", time.as_secs_f64().round() as u64),
            seconds => ("minutes", seconds.div_ceil(60)),
        };
        self.say_with(id, &[("count", count.into())])
    }

    /// Why something ended, as a part of a sentence. `hearsay`: only the relay says so, of another party.
    pub fn cause(&self, reason: Reason, hearsay: bool) -> String {
        let id = format!("reason-{}", reason.code());
        if !hearsay {
            return self.say(&id);
        }
        let of_others = format!("hearsay-{}", reason.code());
        let cause = self.say(if self.has(&of_others) { &of_others } else { &id });
        self.say_with("hearsay", &[("cause", cause.into())])
    }

    /// Why remote access is off.
    pub fn notice(&self, notice: &Notice) -> String {
        match notice {
            Notice::Ended(reason) => self.ended(self.cause(*reason, false)),
            Notice::Hearsay(reason) => self.ended(self.cause(*reason, true)),
            Notice::Burnt(who) => self.say_with("notice-burnt", &[("visitor", self.person(who).into())]),
            Notice::Idle => self.say("notice-idle"),
            Notice::ClockAwaited => self.say("notice-clock-awaited"),
            Notice::Unknown(_) => self.say("unknown-message"),
        }
    }

    fn ended(&self, cause: String) -> String {
        self.say_with("notice-ended", &[("cause", cause.into())])
    }

    /// The same, with the code to read out over the phone.
    pub fn notice_with_code(&self, notice: &Notice) -> String {
        let sentence = self.notice(notice);
        let sentence = sentence.strip_suffix('.').unwrap_or(&sentence);
        self.say_with("with-code", &[("sentence", sentence.into()), ("code", notice.code().into())])
    }

    /// The sentence for an event beside the status.
    pub fn warning(&self, warning: &Warning) -> String {
        let of_person = |id, who| self.say_with(id, &[("visitor", self.person(who).into())]);
        let of_engineer = |id, engineer: &String| self.say_with(id, &[("engineer", engineer.into())]);
        match warning {
            Warning::TimeLeft { minutes } => {
                self.say_with("warning-time-left", &[("minutes", (*minutes).into())])
            }
            Warning::MoreTime { seconds } => {
                let time = self.time(Duration::from_secs(*seconds));
                self.say_with("warning-more-time", &[("time", time.into())])
            }
            Warning::NoMoreTime => self.say("warning-no-more-time"),
            Warning::WrongPin { who } => of_person("warning-wrong-pin", who),
            Warning::BrokenOff { who } => of_person("warning-broken-off", who),
            Warning::NotBelieved { who, reason } => {
                let cause = self.cause(*reason, false);
                let arguments = [("visitor", self.person(who).into()), ("cause", cause.into())];
                self.say_with("warning-not-believed", &arguments)
            }
            Warning::Refused { engineer } => of_engineer("warning-refused", engineer),
            Warning::NotLetIn { engineer } => of_engineer("warning-not-let-in", engineer),
            Warning::UseAllowed { function } => self.of_function("warning-use-allowed", Some(*function)),
            Warning::Restarting { seconds } => {
                let time = self.time(Duration::from_secs(*seconds));
                self.say_with("warning-restarting", &[("time", time.into())])
            }
            Warning::GuestAllowed => self.say("warning-guest-allowed"),
            Warning::Invited => self.say("warning-invited"),
            Warning::WrongCode { who } => of_person("warning-wrong-code", who),
            Warning::GuestHere { engineer, company, watches } => {
                let id = if *watches { "warning-guest-watches" } else { "warning-guest-here" };
                self.say_with(id, &[("engineer", engineer.into()), ("company", company.into())])
            }
            Warning::GuestGone { engineer } => of_engineer("warning-guest-gone", engineer),
            Warning::HandedOver { engineer, company } => {
                let arguments = [("engineer", engineer.into()), ("company", company.into())];
                self.say_with("warning-handed-over", &arguments)
            }
            Warning::WatcherHere { name } => self.say_with("warning-watcher-here", &[("name", name.into())]),
            Warning::WatcherGone { name } => self.say_with("warning-watcher-gone", &[("name", name.into())]),
            Warning::NoRestart => self.say("warning-no-restart"),
            Warning::OperationAllowed => self.say("warning-operation-allowed"),
            Warning::DataAllowed => self.say("warning-data-allowed"),
            Warning::BatteryLow { percent } => {
                self.say_with("warning-battery-low", &[("percent", u64::from(*percent).into())])
            }
            Warning::Health { concern } => self.health_warning(concern),
            Warning::RecordingStopped => self.say("warning-recording-stopped"),
            Warning::AnsweredNo => self.say("warning-answered-no"),
            Warning::Answered { text } => self.say_with("warning-answered", &[("text", text.into())]),
            Warning::Chosen { choice } => {
                self.say_with("warning-answered", &[("text", self.choice(choice).into())])
            }
            Warning::Done => self.say("warning-done"),
            Warning::NoAnswer => self.say("warning-no-answer"),
            Warning::Withdrawn => self.say("warning-withdrawn"),
            Warning::NoLongerAsks { engineer, reason, hearsay } => {
                let cause = self.cause(*reason, *hearsay);
                let arguments = [("engineer", engineer.into()), ("cause", cause.into())];
                self.say_with("warning-no-longer-asks", &arguments)
            }
            Warning::Delayed => self.say("warning-delayed"),
            Warning::Quiet { seconds, text } => self.quiet(Duration::from_secs(*seconds), text),
            Warning::QuietOver => self.say("warning-quiet-over"),
            Warning::Called => self.say("warning-called"),
            Warning::Noted { text, by_client } => {
                let id = if *by_client { "warning-noted-of-client" } else { "warning-noted" };
                self.say_with(id, &[("text", text.into())])
            }
            Warning::Outcome { result, summary, prepare } => self.outcome(*result, summary, prepare),
            Warning::RunbookBegan { is_makers, titles } => self.runbook_began(titles, *is_makers),
            Warning::RunbookOver { is_finished, titles } => self.runbook_over(titles, *is_finished),
            Warning::RunbookRefused => self.say("warning-runbook-refused"),
            Warning::StillThere { seconds } => {
                let time = self.time(Duration::from_secs(*seconds));
                self.say_with("warning-still-there", &[("time", time.into())])
            }
            Warning::NobodyThere { is_held: true } => self.say("warning-nobody-there-held"),
            Warning::NobodyThere { is_held: false } => self.say("warning-nobody-there"),
            Warning::VerdictGiven { verdict, words } => self.verdict(*verdict, words),
            Warning::BackAgain { was_held: true } => self.say("warning-back-again-held"),
            Warning::BackAgain { was_held: false } => self.say("warning-back-again"),
            Warning::Unknown => self.say("unknown-message"),
        }
    }

    /// A question: without the engineer's reason, or with it if they gave one.
    fn with_reason(&self, (without, with): (&str, &str), reason: &str) -> String {
        match reason {
            "" => self.say(without),
            reason => self.say_with(with, &[("reason", reason.into())]),
        }
    }

    /// How much data a session has moved.
    pub fn data_used(&self, bytes: u64, is_metered: bool) -> String {
        let id = if is_metered { "data-used-metered" } else { "data-used" };
        self.say_with(id, &[("amount", megabytes(bytes).into())])
    }

    /// A line of chat.
    pub fn chat(&self, from_engineer: bool, text: &str) -> String {
        let id = if from_engineer { "chat-from-engineer" } else { "chat-from-client" };
        self.say_with(id, &[("text", text.into())])
    }

    /// What is asked, in one line.
    pub fn question(&self, question: &Question, visitor: Option<&Visitor>) -> String {
        match question.kind {
            QuestionKind::Consent => {
                let who = visitor.map_or_else(String::new, |visitor| self.person(&visitor.who));
                let identity = visitor.map_or_else(String::new, |visitor| self.identity(&visitor.who));
                self.say_with("question-consent", &[("visitor", who.into()), ("identity", identity.into())])
            }
            QuestionKind::Extension => {
                let minutes = u64::from(question.minutes);
                match question.text.as_str() {
                    "" => self.say_with("question-extension", &[("minutes", minutes.into())]),
                    reason => {
                        let arguments = [("minutes", minutes.into()), ("reason", reason.into())];
                        self.say_with("question-extension-with-reason", &arguments)
                    }
                }
            }
            QuestionKind::Use => self.of_function("question-use", question.function),
            QuestionKind::Restart => {
                self.with_reason(("question-restart", "question-restart-with-reason"), &question.text)
            }
            QuestionKind::PowerOff => {
                self.with_reason(("question-power-off", "question-power-off-with-reason"), &question.text)
            }
            QuestionKind::Continue => {
                let who = visitor.map_or_else(String::new, |visitor| self.person(&visitor.who));
                let minutes = u64::from(question.minutes);
                self.say_with("question-continue", &[("visitor", who.into()), ("minutes", minutes.into())])
            }
            QuestionKind::Join => self.of_guest("question-join", question),
            QuestionKind::JoinToWatch => self.of_guest("question-join-to-watch", question),
            QuestionKind::Observe => self.say_with("question-observe", &[("name", (&question.text).into())]),
            QuestionKind::ObserveAndReport => {
                self.say_with("question-observe-and-report", &[("name", (&question.text).into())])
            }
            QuestionKind::Operation => {
                let title = operation::title(&question.titles, self.language());
                self.say_with("question-operation", &[("title", title.into())])
            }
            QuestionKind::Data => {
                self.say_with("question-data", &[("megabytes", u64::from(question.megabytes).into())])
            }
            QuestionKind::Text | QuestionKind::Step => self.asked(question),
        }
    }

    /// How good the network is.
    pub fn network(&self, network: &NetworkNotice) -> String {
        match network {
            NetworkNotice::Unchecked => self.say("network-unchecked"),
            NetworkNotice::NotAsked { kind, name, metered } => {
                self.of_way("network-not-asked", *kind, name.as_deref(), *metered)
            }
            NetworkNotice::N0 { kind, name, metered } => {
                self.of_way("network-good", *kind, name.as_deref(), *metered)
            }
            NetworkNotice::N7 { clock } => self.say_with("network-N7", &[("clock", clock.into())]),
            NetworkNotice::N9 { percent } => self.say_with("network-N9", &[("percent", (*percent).into())]),
            NetworkNotice::N10 { milliseconds, rate, below, measured, hotspot } => {
                let figures = self.figures(*milliseconds, rate.as_deref(), *below, *measured);
                let id = if *hotspot { "network-N10-hotspot" } else { "network-N10" };
                self.say_with(id, &[("figures", figures.into())])
            }
            NetworkNotice::Unknown => self.say("unknown-message"),
            other => self.say(&format!("network-{}", other.code())),
        }
    }

    /// The same, with its code, where there is one.
    pub fn network_with_code(&self, network: &NetworkNotice) -> String {
        let sentence = self.network(network);
        match network.code() {
            "" => sentence,
            code => {
                let arguments = [("sentence", sentence.into()), ("code", code.into())];
                self.say_with("with-network-code", &arguments)
            }
        }
    }

    fn of_way(&self, id: &str, kind: NetworkKind, name: Option<&str>, metered: bool) -> String {
        let way = match (kind, name) {
            (NetworkKind::Cable, _) => self.say("network-way-cable"),
            (NetworkKind::Wifi, None) => self.say("network-way-wifi"),
            (NetworkKind::Wifi, Some(name)) => {
                self.say_with("network-way-wifi-named", &[("name", name.into())])
            }
            (NetworkKind::Hotspot, None) => self.say("network-way-hotspot"),
            (NetworkKind::Hotspot, Some(name)) => {
                self.say_with("network-way-hotspot-named", &[("name", name.into())])
            }
            (NetworkKind::Mobile, _) => self.say("network-way-mobile"),
            (NetworkKind::Bluetooth, _) => self.say("network-way-bluetooth"),
            (NetworkKind::Other, _) => self.say("network-way-other"),
        };
        let way = if metered { self.say_with("network-metered", &[("way", way.into())]) } else { way };
        self.say_with(id, &[("way", way.into())])
    }

    fn figures(&self, milliseconds: Option<u64>, rate: Option<&str>, below: bool, measured: bool) -> String {
        let Some(milliseconds) = milliseconds else {
            return self.say(if measured { "figures-no-answer" } else { "figures-none" });
        };
        let mut arguments: Vec<(&str, Argument<'_>)> = vec![("milliseconds", milliseconds.into())];
        let Some(rate) = rate else { return self.say_with("figures-cut", &arguments) };
        arguments.push(("rate", rate.into()));
        self.say_with(if below { "figures-below" } else { "figures" }, &arguments)
    }

    /// What is being tried while a side is out of reach, and what to do.
    pub fn away(&self, away: Away) -> String {
        self.say(match away {
            Away::Us => "away-us",
            Away::Them => "away-them",
        })
    }

    /// Whether `line` is one of the words of `id`, in this language or in English.
    pub(crate) fn is_word_for(&self, id: &str, line: &str) -> bool {
        let english = Words::new(super::Language::English);
        let words = [self.say(id), english.say(id)];
        let line = line.to_lowercase();
        words.iter().flat_map(|words| words.split(' ')).any(|word| word == line)
    }
}

/// Megabytes with one decimal, up to ten.
fn megabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000;
    if tenths < 100 { format!("{}.{}", tenths / 10, tenths % 10) } else { (tenths / 10).to_string() }
}
