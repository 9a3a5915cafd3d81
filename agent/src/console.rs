//! The foreground mode: the client reads and answers in a terminal.
//!
//! Every line stands for itself, so that it also works where output goes to a file or a pipe.

use std::io::{IsTerminal, Write};
use std::os::fd::AsFd;
use std::time::Duration;

use fieldlink_protocol::ids::QuestionId;
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::text;
use nix::sys::termios::{FlushArg, tcflush};
use tokio::io::{AsyncBufReadExt, BufReader};
use tokio::sync::{mpsc, watch};

use crate::access::{Away, Command, Notice, View};
use crate::clock;
use crate::rules::Request;

/// Longest line that is read as an answer, in bytes.
const LONGEST_LINE: usize = 256;

/// Shows `view` and sends what is typed, until `view` is closed. Remote access starts at once.
pub async fn run(mut view: watch::Receiver<View>, commands: mpsc::Sender<Command>) {
    let (lines_sender, mut lines) = mpsc::channel(4);
    // Blocks in a read of standard input, and so ends with the process only.
    let reader = tokio::spawn(read_lines(lines_sender));
    let _ = commands.send(Command::Start).await;
    let mut shown = view.borrow_and_update().clone();
    loop {
        tokio::select! {
            changed = view.changed() => {
                if changed.is_err() {
                    break;
                }
                let before = std::mem::replace(&mut shown, view.borrow_and_update().clone());
                if matches!(shown, View::Asking { .. }) {
                    forget_typed_ahead(&mut lines);
                }
                print(&describe_change(&before, &shown));
            }
            Some(line) = lines.recv() => {
                if let Some(command) = understand(&shown, &line) {
                    let _ = commands.send(command).await;
                }
            }
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

/// What was typed before a question was shown is no answer to it.
fn forget_typed_ahead(lines: &mut mpsc::Receiver<String>) {
    let _ = tcflush(std::io::stdin().as_fd(), FlushArg::TCIFLUSH);
    while lines.try_recv().is_ok() {}
}

/// What a line means depends on what is shown.
fn understand(shown: &View, line: &str) -> Option<Command> {
    let line = line.to_ascii_lowercase();
    match (shown, line.as_str()) {
        (View::Asking { question, .. }, answer) => Some(answer_to(*question, answer)),
        (View::Off { .. }, "") => Some(Command::Start),
        (View::Off { .. }, _) => None,
        (_, "end" | "off" | "stop") => Some(Command::Stop(Reason::ClientEnded)),
        _ => None,
    }
}

fn answer_to(question: QuestionId, answer: &str) -> Command {
    Command::Answer(question, matches!(answer, "y" | "yes"))
}

fn print(text: &str) {
    let mut out = std::io::stdout().lock();
    // In a terminal the answer is typed behind the question; elsewhere a line is a line.
    let end = if text.ends_with('\n') || text.is_empty() || out.is_terminal() { "" } else { "\n" };
    // A closed terminal is found out by its signal, not here.
    let _ = write!(out, "{text}{end}").and_then(|()| out.flush());
}

/// The lines for what has changed: usually everything, but one line if that is all.
fn describe_change(before: &View, now: &View) -> String {
    match (before, now) {
        (
            View::Open { support_id: a, is_ready: b, problem: c, wrong_tries: d, .. },
            View::Open { support_id: e, is_ready: f, problem: g, wrong_tries: h, network, .. },
        ) if (a, b, c, d) == (e, f, g, h) => describe_network(network),
        _ => describe(now),
    }
}

fn describe_network(network: &str) -> String {
    format!("  Network      {}\n", text::sentence(network))
}

/// The lines for one state. Everything that came from elsewhere is cleaned.
fn describe(view: &View) -> String {
    match view {
        View::Off { notice: None } => String::new(),
        View::Off { notice: Some(notice) } => {
            format!(
                "\n  {}\n  Remote access is off. Press Enter to start it again.\n",
                describe_notice(notice)
            )
        }
        View::Open { support_id, pin, is_ready, problem, wrong_tries, network } => {
            let state = match (is_ready, problem) {
                (true, _) => "ready, waiting for the engineer".to_owned(),
                (false, None) => "connecting to the support service".to_owned(),
                (false, Some(problem)) => {
                    format!("not connected, trying again ({})", text::sentence(problem))
                }
            };
            let tries = match wrong_tries {
                0 => String::new(),
                tries => format!("\n  Wrong PINs   {tries} of 3"),
            };
            format!(
                "\n  Remote access is on\n  Support ID   {}\n  PIN          {}\n{}  State        {state}{tries}\n  Type \"end\" and press Enter to switch it off.\n",
                support_id.grouped(),
                pin.expose(),
                describe_network(network)
            )
        }
        View::Asking { request, .. } => format!("\n  Allow {}? [y/N] ", describe_request(request)),
        View::Admitting { request } => format!("\n  Letting {} in …\n", text::name(&request.engineer.name)),
        View::Active { request, interrupted: Some(away), .. } => {
            let (name, what) = (text::name(&request.engineer.name), describe_away(*away));
            format!("\n  The connection to {name} is interrupted. {what}\n")
        }
        View::Active { request, deadline, returns, .. } => format!(
            "\n{}  {} is connected, for {} at most.\n  Type \"end\" and press Enter to end the session.\n",
            if *returns > 0 {
                "  The engineer's program was started again. The session goes on.\n"
            } else {
                ""
            },
            describe_request(request),
            describe_time(deadline.saturating_sub(clock::now()))
        ),
    }
}

/// What is being tried, and what to do.
fn describe_away(away: Away) -> &'static str {
    match away {
        Away::Us => {
            "This device is trying to reach the support service again. If it takes long, check the cable or the Wi-Fi."
        }
        Away::Them => "Waiting for the engineer's side to come back. There is nothing to do.",
    }
}

fn describe_request(request: &Request) -> String {
    let partner =
        request.partner.as_ref().map_or_else(String::new, |name| format!(", partner {}", text::name(name)));
    format!(
        "{} ({}), ticket {}{partner}",
        text::name(&request.engineer.name),
        text::name(&request.engineer.company),
        text::name(&request.ticket)
    )
}

fn describe_notice(notice: &Notice) -> String {
    match notice {
        Notice::Ended(reason) => format!("Remote access has ended: {reason} (code {}).", reason.code()),
        Notice::Burnt(request) => format!(
            "Three wrong PINs were tried, the last one by {}. The support ID and PIN are no longer valid (code {}).",
            describe_request(request),
            Reason::Burnt.code()
        ),
        Notice::Idle => "Nobody connected for a while.".to_owned(),
    }
}

/// Rounded to what the client cares about.
fn describe_time(time: Duration) -> String {
    match time.as_secs().div_ceil(60) {
        0 | 1 if time.as_secs() < 60 => format!("{} seconds", time.as_secs_f64().round()),
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::EngineerIdentity;
    use fieldlink_protocol::ids::{EngineerId, RunId, SessionId};

    use super::*;

    fn request(name: &str) -> Request {
        let (id, company) = (EngineerId::random(), "Scans \u{202e}AG".to_owned());
        Request {
            session: SessionId::random(),
            run: RunId::random(),
            engineer: EngineerIdentity { id, name: name.to_owned(), company },
            ticket: "T-7\u{1b}]0;x\u{7}".to_owned(),
            partner: Some("Reseller\r\n".to_owned()),
        }
    }

    #[test]
    fn asks_with_everything_cleaned() {
        let view = View::Asking { question: QuestionId::random(), request: request("Ada\u{1b}[2J") };
        let shown = describe(&view);
        assert_eq!(
            shown,
            "\n  Allow Ada\u{fffd}[2J (Scans \u{fffd}AG), ticket T-7\u{fffd}]0;x\u{fffd}, partner Reseller\u{fffd}\u{fffd}? [y/N] "
        );
    }

    #[test]
    fn a_change_of_the_network_is_one_line() {
        let pair = crate::rules::Pair::draw().expect("a pair");
        let view = |network: &str, is_ready| View::Open {
            support_id: pair.support_id,
            pin: pair.pin.clone(),
            is_ready,
            problem: None,
            wrong_tries: 0,
            network: network.into(),
        };
        let before = view("Connected by cable. (N0)", true);
        let changed = describe_change(&before, &view("No\u{1b} network. (N1)", true));
        assert_eq!(changed, "  Network      No\u{fffd} network. (N1)\n");
        assert!(describe_change(&before, &view("No network. (N1)", false)).contains("Support ID"));
    }

    #[test]
    fn only_a_yes_is_a_yes() {
        let question = QuestionId::random();
        let view = View::Asking { question, request: request("Ada") };
        for (line, yes) in
            [("y", true), ("YES", true), ("", false), ("n", false), ("yy", false), ("end", false)]
        {
            let command = understand(&view, line);
            assert!(
                matches!(command, Some(Command::Answer(q, allow)) if q == question && allow == yes),
                "{line}"
            );
        }
        assert!(matches!(understand(&View::Off { notice: None }, ""), Some(Command::Start)));
        assert!(understand(&View::Off { notice: None }, "y").is_none());
    }
}
