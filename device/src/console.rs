//! The client in a terminal: reads the panel, answers, talks to the engineer.
//!
//! Every line stands for itself, so that it also works where output goes to a file or a pipe.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::reason::Reason;
use nix::sys::termios::{FlushArg, tcflush};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{broadcast, mpsc, watch};

use crate::clock;
use crate::order::ClientAnswer;
use crate::order::{Notification, Order};
use crate::panel::{View, describe_change, describe_notification, time_left};
use crate::status::{Phase, Question, QuestionKind};
use crate::words::Words;
use crate::wrap::wrap;

/// Longest line that is read, in bytes: what a line of chat may have.
const LONGEST_LINE: usize = fieldlink_protocol::limits::CHAT;

/// What happens on the device, as the console hears of it.
pub struct Feed {
    /// What is to be shown.
    pub view: watch::Receiver<View>,
    /// What happens beside it.
    pub notifications: broadcast::Receiver<Notification>,
    /// What the client asks for.
    pub orders: mpsc::Sender<Order>,
}

/// What becomes of the console once nothing more can be typed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum InputEnd {
    /// It goes on showing.
    GoOn,
    /// It leaves: whoever pressed Ctrl-D is done.
    Leave,
}

/// Shows what happens and sends what is typed, until the view is closed.
pub async fn run(words: Words, mut feed: Feed, at_end: InputEnd) {
    let (lines_sender, mut lines) = mpsc::channel(4);
    // Blocks in a read of standard input, and so ends with the process only.
    let reader = tokio::spawn(read_lines(lines_sender));
    let mut can_type = true;
    let mut shown = feed.view.borrow_and_update().clone();
    let mut screen = Screen::default();
    let mut countdown = Countdown::default();
    screen.print(&crate::panel::describe(&words, &shown));
    loop {
        tokio::select! {
            // What became of a question is told before what is so now.
            biased;
            () = countdown.next(&shown) => {
                if let Some(question) = &shown.status.question {
                    screen.print(&format!("  {}\n{}", time_is_short(&words, question), prompt(&words, question)));
                }
            }
            Ok(notification) = feed.notifications.recv() => {
                screen.print(&describe_notification(&words, &notification));
                if let Some(question) = shown.status.question.as_ref().filter(|_| !notification.closes_question()) {
                    screen.print(&prompt(&words, question));
                }
            }
            changed = feed.view.changed() => {
                if changed.is_err() {
                    break;
                }
                let now = feed.view.borrow_and_update().clone();
                let before = std::mem::replace(&mut shown, now);
                if question_id(&before) != question_id(&shown) && forget_typed_ahead(&words, &mut lines) {
                    let _ = feed.orders.send(Order::Stop(Reason::ClientEnded)).await;
                }
                screen.print(&describe_change(&words, &before, &shown));
            }
            line = lines.recv(), if can_type => match line {
                Some(line) => {
                    screen.has_echoed();
                    match understand(&words, &shown, &line) {
                        Some(order) => drop(feed.orders.send(order).await),
                        None => screen.print(&hint(&words, &shown, &line)),
                    }
                }
                None if at_end == InputEnd::Leave => break,
                None => can_type = false,
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

/// What was typed before a question was shown is no answer to it. True if it was the end, which is meant
/// whatever is asked.
fn forget_typed_ahead(words: &Words, lines: &mut mpsc::Receiver<String>) -> bool {
    let _ = tcflush(std::io::stdin().as_fd(), FlushArg::TCIFLUSH);
    let mut is_end = false;
    while let Ok(line) = lines.try_recv() {
        is_end |= is_end_word(words, &line);
    }
    is_end
}

fn is_end_word(words: &Words, line: &str) -> bool {
    words.is_word_for("words-for-the-end", line)
}

/// What a line means depends on what is shown. The end is understood everywhere.
fn understand(words: &Words, shown: &View, line: &str) -> Option<Order> {
    let status = &shown.status;
    match (status.phase, line, &status.question) {
        (Phase::Off, "", _) => Some(Order::Start),
        (Phase::Off, _, _) => None,
        _ if is_end_word(words, line) => Some(Order::Stop(Reason::ClientEnded)),
        (_, _, Some(question)) => answer_to(words, question, line),
        (_, "", None) => None,
        (Phase::Active | Phase::Interrupted, _, None) => Some(Order::Chat(line.to_owned())),
        _ => None,
    }
}

/// What to type instead of a line that means nothing here.
fn hint(words: &Words, shown: &View, line: &str) -> String {
    let id = match (&shown.status.question, shown.status.phase) {
        (Some(question), _) => {
            return format!("  {}\n{}", words.say(mistake(question)), prompt(words, question));
        }
        (None, Phase::Off) => "hint-off",
        (None, Phase::Active | Phase::Interrupted) if line.is_empty() => "hint-session",
        (None, Phase::Connecting | Phase::Ready) if line.is_empty() => "hint-waiting",
        (None, _) => "hint-end",
    };
    format!("  {}\n", words.say(id))
}

/// Why a line was no answer.
fn mistake(question: &Question) -> &'static str {
    match question.kind {
        QuestionKind::Consent | QuestionKind::Extension => "no-answer-yes-or-no",
        QuestionKind::Text if question.choices.is_empty() => "no-answer-empty",
        QuestionKind::Text => "no-answer-choice",
    }
}

fn time_is_short(words: &Words, question: &Question) -> String {
    let time = words.time(time_left(Some(question.until)));
    words.say_with("question-time-left", &[("time", time.into())])
}

/// Seconds before the end of a question at which the time that is left is shown.
const LEFT: [u64; 2] = [30, 10];

/// Counts down what is asked.
#[derive(Default)]
struct Countdown {
    /// Told already, for this question.
    told: Option<(QuestionId, u64)>,
}

impl Countdown {
    /// Waits until the time left for the question is to be shown. Safe to cancel.
    async fn next(&mut self, shown: &View) {
        let due = shown.status.question.as_ref().and_then(|question| self.due(question, clock::now()));
        let Some((told, wait)) = due else { return std::future::pending().await };
        tokio::time::sleep(wait).await;
        self.told = Some(told);
    }

    /// What is told next, and when from `now`.
    fn due(&self, question: &Question, now: Duration) -> Option<((QuestionId, u64), Duration)> {
        let is_new = |left: &&u64| self.told.is_none_or(|(id, told)| id != question.id || **left < told);
        let ahead = |left: &u64| {
            let at = question.until.checked_sub(Duration::from_secs(*left))?;
            Some(((question.id, *left), at.checked_sub(now)?))
        };
        LEFT.iter().filter(is_new).find_map(ahead)
    }
}

/// How to answer.
fn prompt(words: &Words, question: &Question) -> String {
    let how = match (question.kind, question.choices.len() as u64) {
        (QuestionKind::Consent | QuestionKind::Extension, _) => words.say("type-yes-or-no"),
        (QuestionKind::Text, 0) => words.say("type-an-answer"),
        (QuestionKind::Text, most) => words.say_with("type-a-number-to", &[("most", most.into())]),
    };
    format!("  {how}")
}

fn answer_to(words: &Words, question: &Question, line: &str) -> Option<Order> {
    let answer = match question.kind {
        QuestionKind::Consent | QuestionKind::Extension => yes_or_no(words, line)?,
        QuestionKind::Text => ClientAnswer::Text(choose(question, line)?),
    };
    Some(Order::Answer(question.id, answer))
}

/// Anything else is neither: a slip of the finger must not let anybody in, nor turn anybody away.
fn yes_or_no(words: &Words, line: &str) -> Option<ClientAnswer> {
    if words.is_word_for("words-for-yes", line) {
        Some(ClientAnswer::Yes)
    } else if words.is_word_for("words-for-no", line) {
        Some(ClientAnswer::No)
    } else {
        None
    }
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

/// What was printed last ends a line, or waits for an answer behind it.
#[derive(Default)]
struct Screen {
    is_mid_line: bool,
}

impl Screen {
    fn print(&mut self, text: &str) {
        if text.is_empty() {
            return;
        }
        let mut out = std::io::stdout().lock();
        // In a terminal the answer is typed behind the question; elsewhere a line is a line.
        let end = if text.ends_with('\n') || out.is_terminal() { "" } else { "\n" };
        let begin = if self.is_mid_line && !text.starts_with('\n') { "\n" } else { "" };
        self.is_mid_line = !text.ends_with('\n') && end.is_empty();
        let text = match rustix::termios::tcgetwinsize(&out) {
            Ok(size) if size.ws_col > 0 => wrap(text, usize::from(size.ws_col)),
            _ => text.to_owned(),
        };
        // A closed terminal is found out by its signal, not here.
        let _ = write!(out, "{begin}{text}{end}").and_then(|()| out.flush());
    }

    /// A line was typed, so the next one begins at its beginning.
    fn has_echoed(&mut self) {
        self.is_mid_line = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::Status;
    use crate::words::Language;

    fn words() -> Words {
        Words::new(Language::English)
    }

    fn shown(phase: Phase, question: Option<Question>) -> View {
        let status = Status { phase, question, ..Status::default() };
        View { status, credentials: None }
    }

    fn question(kind: QuestionKind, choices: &[&str]) -> Question {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        Question {
            id: QuestionId::random(),
            kind,
            minutes: 0,
            text: "?".into(),
            choices,
            until: Duration::ZERO,
        }
    }

    #[test]
    fn only_a_yes_is_a_yes_and_only_a_no_is_a_no() {
        let asked = question(QuestionKind::Consent, &[]);
        let view = shown(Phase::Asking, Some(asked.clone()));
        for (line, expected) in [
            ("y", Some(ClientAnswer::Yes)),
            ("YES", Some(ClientAnswer::Yes)),
            ("n", Some(ClientAnswer::No)),
            ("No", Some(ClientAnswer::No)),
            ("", None),
            ("yy", None),
            ("1234", None),
        ] {
            let given = understand(&words(), &view, line).map(|order| match order {
                Order::Answer(id, answer) if id == asked.id => answer,
                other => panic!("{line}: {other:?}"),
            });
            assert_eq!(given, expected, "{line}");
            let hint = hint(&words(), &view, line);
            assert!(hint.starts_with("  That was no answer: only the words yes and no count.\n"), "{hint}");
            assert!(hint.ends_with("\n  Type yes or no, and press Enter: "), "{hint}");
        }
        assert!(matches!(understand(&words(), &view, "end"), Some(Order::Stop(Reason::ClientEnded))));
        assert!(matches!(understand(&words(), &shown(Phase::Off, None), ""), Some(Order::Start)));
        assert!(understand(&words(), &shown(Phase::Off, None), "y").is_none());
    }

    #[test]
    fn yes_and_no_count_in_the_clients_language_and_in_english() {
        let asked = question(QuestionKind::Consent, &[]);
        let german = Words::new(Language::German);
        let said = |line| yes_or_no(&german, line);
        for line in ["ja", "J", "Ja", "yes", "y", "ok"] {
            assert_eq!(said(line), Some(ClientAnswer::Yes), "{line}");
        }
        for line in ["nein", "N", "no"] {
            assert_eq!(said(line), Some(ClientAnswer::No), "{line}");
        }
        for line in ["jan", "", "ja ja", "neinn", "{ $x }"] {
            assert_eq!(said(line), None, "{line}");
        }
        assert_eq!(yes_or_no(&words(), "ja"), None, "nobody was told that it counts");
        assert!(prompt(&german, &asked).contains("ja oder nein"));
        let view = shown(Phase::Ready, None);
        for line in ["ende", "Aus", "end", "STOP"] {
            let order = understand(&german, &view, line);
            assert!(matches!(order, Some(Order::Stop(Reason::ClientEnded))), "{line}");
        }
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
        assert!(understand(&words(), &asked, "3").is_none());
        assert_eq!(
            hint(&words(), &asked, "3"),
            "  That is none of the answers.\n  Type a number from 1 to 2, and press Enter: "
        );
        assert!(understand(&words(), &shown(Phase::Ready, None), "hello").is_none());
        assert!(hint(&words(), &shown(Phase::Ready, None), "hello").contains("\"end\""));
        for (phase, line) in
            [(Phase::Off, "x"), (Phase::Ready, ""), (Phase::Active, ""), (Phase::Admitting, "")]
        {
            assert!(!hint(&words(), &shown(phase, None), line).is_empty(), "{phase:?}");
        }
    }

    #[test]
    fn the_time_that_is_left_is_told_twice() {
        let mut asked = question(QuestionKind::Consent, &[]);
        asked.until = Duration::from_secs(160);
        let mut countdown = Countdown::default();
        let mut now = Duration::from_secs(100);
        let told: Vec<u64> = std::iter::from_fn(|| {
            let (told, wait) = countdown.due(&asked, now)?;
            (countdown.told, now) = (Some(told), now + wait);
            Some(160 - now.as_secs())
        })
        .collect();
        assert_eq!(told, [30, 10]);
        // One that is shown late is counted from there.
        assert_eq!(
            Countdown::default().due(&asked, Duration::from_secs(145)).map(|((_, left), _)| left),
            Some(10)
        );
    }

    #[test]
    fn in_a_session_what_is_typed_is_said() {
        let view = shown(Phase::Active, None);
        assert!(
            matches!(understand(&words(), &view, "It is on"), Some(Order::Chat(text)) if text == "It is on")
        );
        assert!(matches!(understand(&words(), &view, "End"), Some(Order::Stop(Reason::ClientEnded))));
        assert!(understand(&words(), &view, "").is_none());
    }
}
