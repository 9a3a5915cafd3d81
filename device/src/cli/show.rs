//! How a status is printed: aligned for people, coloured in a terminal, one object a line for programs.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write as _};

use fieldlink_logging::takes_colours;
use serde_json::{Value, json};

use crate::order::Notification;
use crate::panel::{describe_away, describe_line, describe_time, time_left};
use crate::status::{Away, Phase, Question, QuestionKind, Status};

/// Width of the first column.
const LABEL: usize = 16;

/// Prints `text`, whole, now.
pub(super) fn print(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes())?;
    out.flush()
}

/// A status for people.
pub(super) fn to_text(status: &Status) -> String {
    let is_coloured = std::io::stdout().is_terminal() && takes_colours(|name| std::env::var_os(name));
    let mut lines = Lines::new(is_coloured);
    lines.add("Remote access", &lines.paint(status.phase, describe_phase(status)));
    if let Some(notice) = &status.notice {
        lines.add("", &describe_line(notice));
    }
    if let Some(visitor) = &status.visitor {
        lines.add("Engineer", &format!("{} ({})", visitor.engineer, visitor.company));
        lines.add("Ticket", &visitor.ticket);
        visitor.partner.iter().for_each(|partner| lines.add("Partner", partner));
    }
    if status.deadline.is_some() {
        lines.add("Time left", &describe_time(time_left(status.deadline)));
    }
    if let Some(question) = &status.question {
        lines.add("Question", &question.text);
        question.choices.iter().zip(1..).for_each(|(choice, n)| lines.add("", &format!("{n}  {choice}")));
        lines.add("", how_to_answer(question));
    }
    if status.wrong_tries > 0 {
        lines.add(
            "Wrong PINs",
            &format!("{} of 3; after the third, remote access goes off", status.wrong_tries),
        );
    }
    lines.add("Network", &describe_line(&status.network));
    lines.text
}

fn describe_phase(status: &Status) -> String {
    match (status.phase, &status.problem) {
        (Phase::Off, _) => "off".to_owned(),
        (Phase::Connecting, None) => "on, connecting to the support service".to_owned(),
        (Phase::Connecting, Some(problem)) => format!("on, not connected, trying again ({problem})"),
        (Phase::Ready, _) => "on, waiting for the engineer".to_owned(),
        (Phase::Asking, _) => "on, an engineer asks to come in".to_owned(),
        (Phase::Admitting, _) => "on, letting the engineer in".to_owned(),
        (Phase::Active, _) => "on, an engineer is connected".to_owned(),
        (Phase::Interrupted, _) => {
            format!("on, interrupted. {}", describe_away(status.away.unwrap_or(Away::Them)))
        }
    }
}

fn how_to_answer(question: &Question) -> &'static str {
    match question.kind {
        QuestionKind::Consent | QuestionKind::Extension => "answer: fieldlink allow, or fieldlink refuse",
        QuestionKind::Text if question.choices.is_empty() => "answer: fieldlink answer TEXT",
        QuestionKind::Text => "answer: fieldlink answer NUMBER",
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
            Phase::Asking | Phase::Interrupted => "33",
            Phase::Off | Phase::Connecting | Phase::Admitting => return text,
        };
        if self.is_coloured { format!("\u{1b}[{colour}m{text}\u{1b}[0m") } else { text }
    }
}

/// A status for programs, on one line.
pub(super) fn to_json(status: &Status) -> String {
    let visitor = status.visitor.as_ref();
    let seconds = status.deadline.map(|_| time_left(status.deadline).as_secs());
    let value = json!({
        "state": status.phase,
        "notice": status.notice,
        "network": status.network,
        "problem": status.problem,
        "wrong_tries": status.wrong_tries,
        "session": visitor.map(|visitor| visitor.session),
        "engineer": visitor.map(|visitor| &visitor.engineer),
        "company": visitor.map(|visitor| &visitor.company),
        "ticket": visitor.map(|visitor| &visitor.ticket),
        "partner": visitor.and_then(|visitor| visitor.partner.as_ref()),
        "remaining_seconds": seconds,
        "away": status.away,
        "returns": status.returns,
        "question": status.question,
    });
    format!("{value}\n")
}

/// What happens beside the status, for programs, on one line.
pub(super) fn notification_to_json(notification: &Notification) -> String {
    let value: Value = match notification {
        Notification::Chat { from_engineer, text } => {
            json!({ "chat": { "from": if *from_engineer { "engineer" } else { "client" }, "text": text } })
        }
        Notification::Warning(line) => json!({ "warning": line }),
    };
    format!("{value}\n")
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{QuestionId, SessionId};

    use super::*;
    use crate::status::{Line, Visitor};

    fn asked() -> Status {
        Status {
            phase: Phase::Asking,
            network: Line { code: "N0".into(), sentence: "Connected by cable.".into() },
            visitor: Some(Visitor {
                session: SessionId::from_bytes([0xab; 16]),
                engineer: "Ada".into(),
                company: "Scans AG".into(),
                ticket: "T-7".into(),
                partner: Some("Reseller".into()),
            }),
            question: Some(Question {
                id: QuestionId::from_bytes([1; 16]),
                kind: QuestionKind::Consent,
                text: "Allow Ada?".into(),
                choices: Vec::new(),
                until: std::time::Duration::ZERO,
            }),
            ..Status::default()
        }
    }

    #[test]
    fn people_read_columns() {
        assert_eq!(
            to_text(&asked()),
            "Remote access   on, an engineer asks to come in\n\
             Engineer        Ada (Scans AG)\n\
             Ticket          T-7\n\
             Partner         Reseller\n\
             Question        Allow Ada?\n\
             \x20               answer: fieldlink allow, or fieldlink refuse\n\
             Network         Connected by cable. (N0)\n"
        );
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let line = to_json(&asked());
        assert_eq!(line.matches('\n').count(), 1);
        let value: Value = serde_json::from_str(&line).expect("JSON");
        assert_eq!(value["state"], "asking");
        assert_eq!(value["question"]["id"], "01".repeat(16));
        assert_eq!(value["question"]["kind"], "consent");
        assert_eq!((&value["notice"], &value["remaining_seconds"]), (&Value::Null, &Value::Null));
    }
}
