//! The client in a terminal: reads the panel, answers, talks to the engineer.
//!
//! Every line stands for itself, so that it also works where output goes to a file or a pipe.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;

use fieldlink_protocol::reason::Reason;
use nix::sys::termios::{FlushArg, tcflush};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{broadcast, mpsc, watch};

use crate::access::{Command, Happening, Order};
use crate::panel::{View, describe_change};
use crate::rules::ClientAnswer;
use crate::status::{Phase, Question, QuestionKind};

/// Longest line that is read, in bytes: what a line of chat may have.
const LONGEST_LINE: usize = fieldlink_protocol::limits::CHAT;

/// What happens on the device, as the console hears of it.
pub struct Feed {
    /// What is to be shown.
    pub view: watch::Receiver<View>,
    /// What happens beside it.
    pub happenings: broadcast::Receiver<Happening>,
    /// What the client asks for.
    pub commands: mpsc::Sender<Command>,
}

/// Shows what happens and sends what is typed, until the view is closed.
pub async fn run(mut feed: Feed) {
    let (lines_sender, mut lines) = mpsc::channel(4);
    // Blocks in a read of standard input, and so ends with the process only.
    let reader = tokio::spawn(read_lines(lines_sender));
    let mut shown = feed.view.borrow_and_update().clone();
    print(&crate::panel::describe(&shown));
    loop {
        tokio::select! {
            changed = feed.view.changed() => {
                if changed.is_err() {
                    break;
                }
                let now = feed.view.borrow_and_update().clone();
                let before = std::mem::replace(&mut shown, now);
                if question_id(&before) != question_id(&shown) {
                    forget_typed_ahead(&mut lines);
                }
                print(&describe_change(&before, &shown));
            }
            Ok(happening) = feed.happenings.recv() => print(&happening.describe()),
            Some(line) = lines.recv() => match understand(&shown, &line) {
                Some(order) => drop(feed.commands.send(Command::of(order)).await),
                None => print(&hint(&shown, &line)),
            },
        }
    }
    reader.abort();
}

async fn read_lines(lines: mpsc::Sender<String>) {
    let mut input = BufReader::new(tokio::io::stdin());
    let mut line = Vec::new();
    loop {
        line.clear();
        match input.read_until(b'\n', &mut line).await {
            Ok(0) | Err(_) => return,
            Ok(_) => line.truncate(LONGEST_LINE),
        }
        if lines.send(String::from_utf8_lossy(&line).trim().to_owned()).await.is_err() {
            return;
        }
    }
}

fn question_id(view: &View) -> Option<fieldlink_protocol::ids::QuestionId> {
    view.status.question.as_ref().map(|question| question.id)
}

/// What was typed before a question was shown is no answer to it.
fn forget_typed_ahead(lines: &mut mpsc::Receiver<String>) {
    let _ = tcflush(std::io::stdin().as_fd(), FlushArg::TCIFLUSH);
    while lines.try_recv().is_ok() {}
}

/// What a line means depends on what is shown.
fn understand(shown: &View, line: &str) -> Option<Order> {
    let status = &shown.status;
    if let Some(question) = &status.question {
        return answer_to(question, line);
    }
    match (status.phase, line.to_ascii_lowercase().as_str()) {
        (Phase::Off, "") => Some(Order::Start),
        (Phase::Off, _) | (_, "") => None,
        (_, "end" | "off" | "stop") => Some(Order::Stop(Reason::ClientEnded)),
        (Phase::Active | Phase::Interrupted, _) => Some(Order::Chat(line.to_owned())),
        _ => None,
    }
}

/// What to type instead of a line that means nothing here. Enter alone is no mistake.
fn hint(shown: &View, line: &str) -> String {
    match &shown.status.question {
        Some(question) if !line.is_empty() => {
            format!("  Type a number from 1 to {}, and press Enter: ", question.choices.len())
        }
        None if !line.is_empty() && shown.status.phase != Phase::Off => {
            "  Type \"end\" and press Enter to switch remote access off.\n".to_owned()
        }
        _ => String::new(),
    }
}

/// Consent is asked of nobody who types something else than yes: then it is a no.
fn answer_to(question: &Question, line: &str) -> Option<Order> {
    let answer = match question.kind {
        QuestionKind::Consent | QuestionKind::Extension => yes_or_no(line),
        QuestionKind::Text if matches!(line, "end" | "off" | "stop") => {
            return Some(Order::Stop(Reason::ClientEnded));
        }
        QuestionKind::Text => ClientAnswer::Text(choose(question, line)?),
    };
    Some(Order::Answer(question.id, answer))
}

fn yes_or_no(line: &str) -> ClientAnswer {
    let is_yes = matches!(line.to_ascii_lowercase().as_str(), "y" | "yes");
    if is_yes { ClientAnswer::Yes } else { ClientAnswer::No }
}

/// The words that a line stands for: its own, or those of the choice that it names. Nothing if it fits
/// none of the choices.
pub fn choose(question: &Question, line: &str) -> Option<String> {
    if question.choices.is_empty() {
        return (!line.is_empty()).then(|| line.to_owned());
    }
    let by_number =
        line.parse::<usize>().ok().and_then(|number| question.choices.get(number.checked_sub(1)?));
    let by_words = || question.choices.iter().find(|choice| choice.eq_ignore_ascii_case(line));
    by_number.or_else(by_words).cloned()
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // In a terminal the answer is typed behind the question; elsewhere a line is a line.
    let end = if text.ends_with('\n') || text.is_empty() || out.is_terminal() { "" } else { "\n" };
    // A closed terminal is found out by its signal, not here.
    let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldlink_protocol::ids::QuestionId;

    use super::*;
    use crate::status::Status;

    fn shown(phase: Phase, question: Option<Question>) -> View {
        let status = Status { phase, question, ..Status::default() };
        View { status, credentials: None }
    }

    fn question(kind: QuestionKind, choices: &[&str]) -> Question {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        Question { id: QuestionId::random(), kind, text: "?".into(), choices, until: Duration::ZERO }
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let asked = question(QuestionKind::Consent, &[]);
        let view = shown(Phase::Asking, Some(asked.clone()));
        for (line, yes) in
            [("y", true), ("YES", true), ("", false), ("n", false), ("yy", false), ("end", false)]
        {
            let expected = if yes { ClientAnswer::Yes } else { ClientAnswer::No };
            let order = understand(&view, line);
            assert!(
                matches!(order, Some(Order::Answer(id, answer)) if id == asked.id && answer == expected),
                "{line}"
            );
        }
        assert!(matches!(understand(&shown(Phase::Off, None), ""), Some(Order::Start)));
        assert!(understand(&shown(Phase::Off, None), "y").is_none());
    }

    #[test]
    fn choices_go_by_number_or_words_and_nothing_else() {
        let asked = question(QuestionKind::Text, &["yes", "no"]);
        assert_eq!(choose(&asked, "2").as_deref(), Some("no"));
        assert_eq!(choose(&asked, "Yes").as_deref(), Some("yes"));
        for wrong in ["0", "3", "", "perhaps", "-1"] {
            assert_eq!(choose(&asked, wrong), None, "{wrong}");
        }
        assert_eq!(choose(&question(QuestionKind::Text, &[]), "blinking").as_deref(), Some("blinking"));
    }

    #[test]
    fn what_means_nothing_is_answered_with_what_to_type() {
        let asked = shown(Phase::Active, Some(question(QuestionKind::Text, &["yes", "no"])));
        assert!(understand(&asked, "3").is_none());
        assert_eq!(hint(&asked, "3"), "  Type a number from 1 to 2, and press Enter: ");
        assert!(understand(&shown(Phase::Ready, None), "hello").is_none());
        assert!(hint(&shown(Phase::Ready, None), "hello").contains("\"end\""));
        assert_eq!(hint(&asked, "") + &hint(&shown(Phase::Off, None), "x"), "");
    }

    #[test]
    fn in_a_session_what_is_typed_is_said() {
        let view = shown(Phase::Active, None);
        assert!(matches!(understand(&view, "It is on"), Some(Order::Chat(text)) if text == "It is on"));
        assert!(matches!(understand(&view, "End"), Some(Order::Stop(Reason::ClientEnded))));
        assert!(understand(&view, "").is_none());
    }
}
