//! The client in a terminal: reads the panel, answers, talks to the engineer.
//!
//! Every line stands for itself, so that it also works where output goes to a file or a pipe.

mod typed;

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::reason::Reason;
use nix::sys::termios::{FlushArg, tcflush};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{broadcast, mpsc, watch};

use crate::clock;
use crate::order::{Notification, Order};
use crate::panel::{View, describe_change, describe_notification, time_left};
use crate::status::Question;
use crate::words::Words;
use fieldlink_words::wrap::wrap;

pub use typed::choose;

use typed::{hint, is_end_word, prompt, understand};

/// Longest line that is read, in bytes: what a line of chat may have.
const LONGEST_LINE: usize = fieldlink_protocol::limits::CHAT;

/// What the console gets from the agent, and sends to it.
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
    /// It leaves: a user who pressed Ctrl-D is done.
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
    screen.print(&crate::panel::describe_all(&words, &shown));
    loop {
        tokio::select! {
            // How a question was closed is shown before the status that follows.
            biased;
            () = countdown.next(&shown) => {
                if let Some(question) = &shown.status.question {
                    screen.print(&format!("  {}\n{}", time_is_short(&words, question), prompt(&words, question)));
                }
            }
            Ok(notification) = feed.notifications.recv() => {
                if rings(&notification) {
                    screen.ring();
                }
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

fn rings(notification: &Notification) -> bool {
    matches!(notification, Notification::Warning(warning) if warning.rings())
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

fn time_is_short(words: &Words, question: &Question) -> String {
    let time = words.time(time_left(Some(question.until)));
    words.say_with("question-time-left", &[("time", time.into())])
}

/// Seconds before the end of a question at which the time that is left is shown.
const LEFT: [u64; 2] = [30, 10];

/// Shows, at some moments, how much time is left for the open question.
#[derive(Default)]
struct Countdown {
    /// The question, and the seconds left that were shown last.
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

    /// The seconds left that are shown next, and how long after `now`.
    fn due(&self, question: &Question, now: Duration) -> Option<((QuestionId, u64), Duration)> {
        let is_new = |left: &&u64| self.told.is_none_or(|(id, told)| id != question.id || **left < told);
        let ahead = |left: &u64| {
            let at = question.until.checked_sub(Duration::from_secs(*left))?;
            Some(((question.id, *left), at.checked_sub(now)?))
        };
        LEFT.iter().filter(is_new).find_map(ahead)
    }
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

    /// Whoever is near the terminal hears it, if it can be heard.
    fn ring(&self) {
        let mut out = std::io::stdout().lock();
        if out.is_terminal() {
            let _ = out.write_all(b"\x07").and_then(|()| out.flush());
        }
    }

    /// A line was typed, so the next one begins at its beginning.
    fn has_echoed(&mut self) {
        self.is_mid_line = false;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::status::QuestionKind;

    #[test]
    fn the_time_that_is_left_is_told_twice() {
        let until = Duration::from_secs(160);
        let asked = Question::new(QuestionId::random(), QuestionKind::Consent, until);
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
}
