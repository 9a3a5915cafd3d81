//! The words of a report in one language, and the forms of times, sizes and names in it.

use chrono::{DateTime, Datelike, Timelike, Utc};
use fieldlink_protocol::messages::runbook::{NotDone, StepResult};
use fieldlink_protocol::policy::Function;
use fieldlink_protocol::reason::{Party, Reason};
use fieldlink_protocol::text;
use fieldlink_words::{Argument, Language, Messages};

use crate::{Certified, Stamp, StepSettled, Titles};

/// Longest text of somebody's in a sentence, in characters.
const TEXT: usize = 4_000;
/// Longest command, path or target, in characters.
const LITERAL: usize = 4_000;

/// The words of one language.
pub(super) struct Words {
    language: Language,
    messages: Messages,
    health: fieldlink_health::Words,
}

impl Words {
    /// Those of `language`.
    pub(super) fn new(language: Language) -> Self {
        let messages = Messages::new(language.code(), messages_of(language));
        Self { language, messages, health: fieldlink_health::Words::new(language) }
    }

    /// Those for a device's health.
    pub(super) fn health(&self) -> &fieldlink_health::Words {
        &self.health
    }

    /// The language's code.
    pub(super) fn code(&self) -> &'static str {
        self.language.code()
    }

    /// The message `id`, which takes no arguments.
    pub(super) fn say(&self, id: &str) -> String {
        self.messages.say(id, &[])
    }

    /// The message `id` with its arguments. Each text among them is cleaned here, whoever it is from.
    pub(super) fn say_with(&self, id: &str, arguments: &[(&str, Argument<'_>)]) -> String {
        let cleaned = |argument: &Argument<'_>| match argument {
            Argument::Text(text) => Argument::from(text::clean(text, TEXT)),
            Argument::Number(number) => Argument::Number(*number),
        };
        let arguments: Vec<_> = arguments.iter().map(|(name, argument)| (*name, cleaned(argument))).collect();
        self.messages.say(id, &arguments)
    }

    /// How a step of a checklist went.
    pub(super) fn settled(&self, StepSettled { passed, result, .. }: &StepSettled) -> String {
        let result = match result {
            StepResult::Exit { code, .. } => self.say_with("step-exit", &[("code", u64::from(*code).into())]),
            StepResult::Answer { text } => self.say_with("step-answer", &[("text", text.into())]),
            StepResult::Done {} => self.say("step-done"),
            StepResult::NotDone { why: NotDone::Refused } => self.say("step-refused"),
            StepResult::NotDone { why: NotDone::NoAnswer } => self.say("step-no-answer"),
            StepResult::NotDone { why: NotDone::Busy } => self.say("step-busy"),
            StepResult::NotDone { why: NotDone::Failed } => self.say("step-failed"),
        };
        let id = if *passed { "step-passed" } else { "step-not-passed" };
        self.say_with(id, &[("result", result.into())])
    }

    /// Why something ended. `hearsay`: only the relay says so.
    pub(super) fn cause(&self, reason: Reason, hearsay: bool) -> String {
        let id = format!("reason-{}", reason.code());
        let cause = if self.messages.has(&id) { self.say(&id) } else { reason.code().to_owned() };
        self.told(cause, hearsay)
    }

    /// Who caused an end. `hearsay`: only the relay says so.
    pub(super) fn party(&self, reason: Reason, hearsay: bool) -> String {
        let party = self.say(match reason.party() {
            Party::Client => "party-client",
            Party::Engineer => "party-engineer",
            Party::Scanner => "party-scanner",
            Party::Relay => "party-relay",
        });
        self.told(party, hearsay)
    }

    fn told(&self, cause: String, hearsay: bool) -> String {
        if hearsay { self.say_with("hearsay", &[("cause", cause.into())]) } else { cause }
    }

    /// That there is more than is shown, if there is.
    pub(super) fn more(&self, all: usize, shown: usize) -> Option<String> {
        let more = all.checked_sub(shown).filter(|more| *more > 0)?;
        Some(self.say_with("course-cut", &[("count", (more as u64).into())]))
    }

    /// What proves somebody's name.
    pub(super) fn proof(&self, certified: Option<&Certified>) -> String {
        match certified {
            Some(certified) => {
                self.say_with("proof-certificate", &[("authority", (&certified.authority).into())])
            }
            None => self.say("proof-relay"),
        }
    }

    /// What a session may use.
    pub(super) fn function(&self, function: Function) -> String {
        self.say(&format!("function-{}", function.name()))
    }

    /// Several of them.
    pub(super) fn functions(&self, functions: &[Function]) -> String {
        let functions: Vec<String> = functions.iter().map(|function| self.function(*function)).collect();
        if functions.is_empty() { self.say("none") } else { functions.join(", ") }
    }

    /// A title in this language, or in English, or `name`.
    pub(super) fn title(&self, titles: &Titles, name: &str) -> String {
        let title = titles.get(self.code()).or_else(|| titles.get("en")).or_else(|| titles.values().next());
        shown(title.map_or(name, String::as_str))
    }

    /// The words for one of several names, or the name, if there are none.
    pub(super) fn named(&self, family: &str, name: &str) -> String {
        let id = format!("{family}-{name}");
        if self.messages.has(&id) { self.say(&id) } else { shown(name) }
    }

    /// The day and the time of day.
    pub(super) fn date_time(&self, at: &Stamp) -> String {
        self.when("date-time", at).unwrap_or_else(|| shown(&at.time))
    }

    /// The day.
    pub(super) fn date(&self, at: &Stamp) -> String {
        self.when("date", at).unwrap_or_else(|| shown(&at.time))
    }

    fn when(&self, id: &str, at: &Stamp) -> Option<String> {
        let time = parsed(at)?;
        let [year, month, day] =
            [format!("{:04}", time.year()), format!("{:02}", time.month()), format!("{:02}", time.day())];
        let mut arguments = vec![("year", year.into()), ("month", month.into()), ("day", day.into())];
        if id == "date-time" {
            arguments.push(("clock", clock(at).into()));
        }
        Some(self.say_with(id, &arguments))
    }

    /// A length of time.
    pub(super) fn duration(&self, seconds: u64) -> String {
        match seconds {
            0..60 => self.say_with("seconds", &[("count", seconds.into())]),
            60..7_200 => self.say_with("minutes", &[("count", (seconds + 30).div_euclid(60).into())]),
            _ => {
                let (hours, minutes) = (seconds / 3_600, seconds / 60 % 60);
                let arguments = [("hours", hours.into()), ("minutes", minutes.into())];
                self.say_with("hours-minutes", &arguments)
            }
        }
    }

    /// How many bytes.
    pub(super) fn size(&self, bytes: u64) -> String {
        let (id, unit) = match bytes {
            0..1_000 => return self.say_with("bytes", &[("count", bytes.into())]),
            1_000..1_000_000 => ("kilobytes", 1_000),
            1_000_000..1_000_000_000 => ("megabytes", 1_000_000),
            _ => ("gigabytes", 1_000_000_000),
        };
        let tenths = bytes / (unit / 10);
        let point = if self.language == Language::German { ',' } else { '.' };
        let figure = format!("{}{point}{}", tenths / 10, tenths % 10);
        self.say_with(id, &[("figure", figure.into())])
    }
}

/// What is shipped.
pub(super) fn messages_of(language: Language) -> &'static str {
    match language {
        Language::English => include_str!("../../locales/en.ftl"),
        Language::German => include_str!("../../locales/de.ftl"),
    }
}

/// Somebody's text on one line, without anything that moves, hides or reorders.
pub(super) fn shown(text: &str) -> String {
    text::clean(text, TEXT)
}

/// A command, path or target: as [`shown`], and its spaces stay. The ends of its lines are signs.
pub(super) fn literal(text: &str) -> String {
    text::printable(&text.trim_end_matches('\n').replace('\n', " ⏎ "), LITERAL)
}

/// The time of day.
pub(super) fn clock(at: &Stamp) -> String {
    let of_day =
        |time: DateTime<Utc>| format!("{:02}:{:02}:{:02}", time.hour(), time.minute(), time.second());
    parsed(at).map_or_else(|| shown(&at.time), of_day)
}

fn parsed(at: &Stamp) -> Option<DateTime<Utc>> {
    DateTime::parse_from_rfc3339(&at.time).ok().map(|time| time.to_utc())
}
