//! How a status is printed: aligned for people, coloured in a terminal, one object a line for programs.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use fieldlink_daemon::takes_colours;
use serde_json::{Value, json};

use crate::failure::Failure;
use crate::notice;
use crate::order::Notification;
use crate::panel::{time_left, wrong_tries};
use crate::status::{Away, Phase, Question, QuestionKind, QuietPeriod, Status, Visitor};
use crate::words::Words;

/// Width of the first column.
const LABEL: usize = 16;

/// Prints `text`, whole, now.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// Says that something is done: users may take silence for a failure.
pub(super) fn done(sentence: String) -> Result<u8, Failure> {
    print(&format!("{sentence}\n"))?;
    Ok(0)
}

/// A status for people.
pub(super) fn to_text(words: &Words, status: &Status) -> String {
    let is_coloured = std::io::stdout().is_terminal() && takes_colours(|name| std::env::var_os(name));
    let mut lines = Lines::new(is_coloured);
    let label = |id: &str| words.say(id);
    lines.add(&label("label-remote-access"), &lines.paint(status.phase, describe_phase(words, status)));
    if let Some(notice) = &status.notice {
        lines.add("", &words.notice_with_code(notice));
    }
    if status.verdict_for.is_some() {
        lines.add("", &words.say("verdict-asked"));
    }
    if let Some(operation) = &status.operation {
        lines.add(&label("label-operation"), &words.operation(operation, status.phase));
        if !operation.line.is_empty() {
            lines.add("", &operation.line);
        }
    }
    if let Some(Visitor { who, .. }) = &status.visitor {
        lines.add(&label("label-engineer"), &format!("{} ({})", who.engineer, who.company));
        lines.add("", &words.identity(who));
        lines.add(&label("label-ticket"), &who.ticket);
        who.partner.iter().for_each(|partner| lines.add(&label("label-partner"), partner));
    }
    for (place, person) in status.people.iter().enumerate() {
        let label = if place == 0 { label("label-people") } else { String::new() };
        lines.add(&label, &words.participant(person));
    }
    if status.deadline.is_some() {
        lines.add(&label("label-time-left"), &words.time(time_left(status.deadline)));
    }
    if status.deadline.is_some() {
        lines.add(&label("label-data-used"), &words.data_used(status.data_used, status.is_metered));
    }
    if let Some(runbook) = &status.runbook {
        lines.add(&label("label-runbook"), &words.runbook(runbook));
    }
    if let Some(percent) = status.low_battery {
        lines.add("", &words.say_with("battery-low", &[("percent", u64::from(percent).into())]));
    }
    if let Some(presence) = status.presence {
        lines.add("", &words.say(&format!("presence-{}", presence.name())));
    }
    if let Some(QuietPeriod { until, text }) = &status.quiet {
        lines.add("", &words.quiet(time_left(Some(*until)), text));
    }
    if let Some(question) = &status.question {
        lines.add(&label("label-question"), &words.question(question, status.visitor.as_ref()));
        words
            .choices(question)
            .iter()
            .zip(1..)
            .for_each(|(choice, n)| lines.add("", &format!("{n}  {choice}")));
        if let (QuestionKind::Consent, Some(terms)) = (question.kind, &status.terms) {
            words.consent(terms).iter().for_each(|line| lines.add("", line));
        }
        lines.add("", &words.say(how_to_answer(question)));
    }
    if status.wrong_tries > 0 {
        lines.add(&label("label-wrong-pins"), &wrong_tries(words, status.wrong_tries));
    }
    lines.add(&label("label-network"), &words.network_with_code(&status.network));
    lines.text
}

fn describe_phase(words: &Words, status: &Status) -> String {
    match (status.phase, &status.problem) {
        (Phase::Off, _) => words.say("phase-off"),
        (Phase::Connecting, None) => words.say("phase-connecting"),
        (Phase::Connecting, Some(problem)) => words.say_with("phase-problem", &[("problem", problem.into())]),
        (Phase::Ready, _) => words.say("phase-ready"),
        (Phase::Asking, _) => words.say("phase-asking"),
        (Phase::Admitting, _) => words.say("phase-admitting"),
        (Phase::Active, _) => words.say("phase-active"),
        (Phase::Restarting, _) => words.say("phase-restarting"),
        (Phase::PowerOff, _) => words.say("phase-power-off"),
        (Phase::Returning, _) => words.say("phase-returning"),
        (Phase::Interrupted, _) => {
            let what = words.away(status.away.unwrap_or(Away::Them));
            words.say_with("phase-interrupted", &[("what", what.into())])
        }
    }
}

fn how_to_answer(question: &Question) -> &'static str {
    match question.kind {
        kind if kind.is_yes_or_no() => "answer-with-allow",
        QuestionKind::Step => "answer-with-done",
        _ if question.choices.is_empty() => "answer-with-text",
        _ => "answer-with-number",
    }
}

struct Lines {
    text: String,
    is_coloured: bool,
}

impl Lines {
    fn new(is_coloured: bool) -> Self {
        Self { text: String::new(), is_coloured }
    }

    fn add(&mut self, label: &str, value: &str) {
        // Writing to a string does not fail.
        let _ = writeln!(self.text, "{label:<LABEL$}{value}");
    }

    /// Green where all is well, yellow where something is wanted or amiss.
    fn paint(&self, phase: Phase, text: String) -> String {
        let colour = match phase {
            Phase::Ready | Phase::Active => "32",
            Phase::Asking | Phase::Interrupted | Phase::Restarting | Phase::PowerOff | Phase::Returning => {
                "33"
            }
            Phase::Off | Phase::Connecting | Phase::Admitting => return text,
        };
        if self.is_coloured { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text }
    }
}

/// A status for programs, on one line: codes and arguments, and beside them the sentences that people read.
pub(super) fn to_json(words: &Words, status: &Status) -> String {
    let who = status.visitor.as_ref().map(|visitor| &visitor.who);
    let seconds = status.deadline.map(|_| time_left(status.deadline).as_secs());
    let notice = status.notice.as_ref().map(|notice| {
        json!({ "code": notice.code(), "arguments": notice.arguments(), "sentence": words.notice(notice) })
    });
    let (_, arguments) = notice::parts(&status.network);
    let question = status.question.as_ref().map(|question| {
        let text = words.question(question, status.visitor.as_ref());
        let Question { id, kind, minutes, megabytes, function, titles, ready, choices, who, .. } = question;
        json!({
            "id": id,
            "kind": kind,
            "minutes": minutes,
            "megabytes": megabytes,
            "function": function,
            "titles": titles,
            "ready": ready,
            "text": text,
            "choices": choices,
            "who": who,
        })
    });
    let value = json!({
        "state": status.phase,
        "notice": notice,
        "network": {
            "code": status.network.code(),
            "arguments": arguments,
            "sentence": words.network(&status.network),
        },
        "problem": status.problem,
        "wrong_tries": status.wrong_tries,
        "session": status.visitor.as_ref().map(|visitor| visitor.session),
        "verdict_for": status.verdict_for,
        "presence": status.presence,
        "quiet": status.quiet.as_ref().map(|quiet| {
            json!({ "seconds": time_left(Some(quiet.until)).as_secs(), "text": quiet.text })
        }),
        "terms": status.terms,
        "engineer": who.map(|who| &who.engineer),
        "company": who.map(|who| &who.company),
        "authority": who.and_then(|who| who.authority.as_ref()),
        "ticket": who.map(|who| &who.ticket),
        "partner": who.and_then(|who| who.partner.as_ref()),
        "remaining_seconds": seconds,
        "away": status.away,
        "people": status.people,
        "returns": status.returns,
        "data_used": status.data_used,
        "metered": status.is_metered,
        "low_battery": status.low_battery,
        "question": question,
        "operation": status.operation,
        "runbook": status.runbook,
    });
    format!("{value}\n")
}

/// What happens beside the status, for programs, on one line.
pub(super) fn notification_to_json(words: &Words, notification: &Notification) -> String {
    let value: Value = match notification {
        Notification::Chat { from_engineer, text } => {
            json!({ "chat": { "from": if *from_engineer { "engineer" } else { "client" }, "text": text } })
        }
        // Programs get what the agent reports, and nothing of this program's own.
        Notification::Local(_) => Value::Null,
        Notification::Warning(warning) => {
            let ((code, arguments), sentence) = (notice::parts(warning), words.warning(warning));
            json!({ "warning": { "code": code, "arguments": arguments, "sentence": sentence } })
        }
    };
    format!("{value}\n")
}

/// What a check of the network found, for programs: with the sentence that people read.
pub(super) fn checked_to_json(checked: &str, sentence: String) -> String {
    match serde_json::from_str::<Value>(checked) {
        Ok(Value::Object(mut fields)) => {
            fields.insert("sentence".to_owned(), sentence.into());
            format!("{:#}\n", Value::Object(fields))
        }
        _ => format!("{checked}\n"),
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{QuestionId, SessionId};

    use super::*;
    use crate::network_notice::{NetworkKind, NetworkNotice};
    use crate::notice::Person;
    use crate::runbook::Runbook;
    use crate::words::Language;

    fn words() -> Words {
        Words::new(Language::English)
    }

    fn asked() -> Status {
        Status {
            phase: Phase::Asking,
            network: NetworkNotice::N0 { kind: NetworkKind::Cable, name: None, metered: false },
            visitor: Some(Visitor {
                session: SessionId::from_bytes([0xab; 16]),
                who: Person {
                    engineer: "Ada".into(),
                    company: "Scans AG".into(),
                    ticket: "T-7".into(),
                    partner: Some("Reseller".into()),
                    authority: None,
                },
            }),
            question: Some(Question {
                megabytes: 0,
                id: QuestionId::from_bytes([1; 16]),
                kind: QuestionKind::Consent,
                minutes: 0,
                function: None,
                titles: Default::default(),
                ready: None,
                text: String::new(),
                choices: Vec::new(),
                who: None,
                until: std::time::Duration::ZERO,
            }),
            ..Status::default()
        }
    }

    #[test]
    fn people_read_columns() {
        assert_eq!(
            to_text(&words(), &asked()),
            "Remote access   on, an engineer asks to come in\n\
             Engineer        Ada (Scans AG)\n\
             \x20               The name is what the support service says.\n\
             Ticket          T-7\n\
             Partner         Reseller\n\
             Question        The name is what the support service says. Allow Ada (Scans AG), ticket T-7, partner Reseller?\n\
             \x20               answer: fieldlink allow, or fieldlink refuse\n\
             Network         Connected by cable: good for a session. (N0)\n"
        );
    }

    #[test]
    fn a_runbook_is_one_line_with_its_step_and_whose_it_is() {
        let named = |text: &str| [("en".to_owned(), text.to_owned())].into();
        let (titles, step_titles) = (named("First look"), named("Network"));
        let runbook = Some(Runbook { titles, step_titles, step: 3, steps: 9, is_makers: false });
        let status = Status { runbook, ..asked() };
        let line = "Steps           First look (the engineer's own), step 3 of 9: Network\n";
        assert!(to_text(&words(), &status).contains(line), "{}", to_text(&words(), &status));
        let value: Value = serde_json::from_str(&to_json(&words(), &status)).expect("JSON");
        assert_eq!((&value["runbook"]["step"], &value["runbook"]["is_makers"]), (&json!(3), &json!(false)));
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let line = to_json(&words(), &asked());
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["state"], "asking");
        assert_eq!(value["question"]["id"], "01".repeat(16));
        assert_eq!(value["question"]["kind"], "consent");
        assert_eq!((&value["notice"], &value["remaining_seconds"]), (&Value::Null, &Value::Null));
    }
}
