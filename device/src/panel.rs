//! Remote access in words, line by line, for whoever stands before the device. The console of the
//! foreground mode and the command line show the same.

use std::time::Duration;

use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::support_id::SupportId;

use crate::clock;
use crate::status::{Away, Line, Phase, Question, QuestionKind, Status};

/// How a question that takes a yes or a no is answered.
pub const YES_OR_NO: &str = "Type yes or no, and press Enter: ";

/// What the client reads out.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Nine digits.
    pub support_id: SupportId,
    /// Four.
    pub pin: Pin,
}

/// What is shown: the status, and the pair for as long as it may be used.
#[derive(Debug, Clone)]
pub struct View {
    /// What everyone may know.
    pub status: Status,
    /// What only the client may.
    pub credentials: Option<Credentials>,
}

impl View {
    fn support_id(&self) -> Option<SupportId> {
        self.credentials.as_ref().map(|credentials| credentials.support_id)
    }
}

/// A PIN belongs to its support ID; there is never another one for the same.
impl PartialEq for View {
    fn eq(&self, other: &Self) -> bool {
        self.status == other.status && self.support_id() == other.support_id()
    }
}

/// The lines for what has changed: as few as say it.
pub fn describe_change(before: &View, now: &View) -> String {
    let (was, is) = (&before.status, &now.status);
    let session = |status: &Status| status.visitor.as_ref().map(|visitor| visitor.session);
    if is_open(was) && is_open(is) && before.support_id() == now.support_id() {
        return describe_open_change(was, is);
    }
    if is_at_work(was) && is_at_work(is) && session(was) == session(is) {
        return describe_session_change(was, is);
    }
    let has_only_network_changed = Status { network: is.network.clone(), ..was.clone() } == *is;
    if has_only_network_changed { String::new() } else { describe(now) }
}

fn is_open(status: &Status) -> bool {
    matches!(status.phase, Phase::Connecting | Phase::Ready)
}

fn is_at_work(status: &Status) -> bool {
    matches!(status.phase, Phase::Active | Phase::Interrupted)
}

/// The pair is the same, and stands there already.
fn describe_open_change(was: &Status, is: &Status) -> String {
    let mut text = String::new();
    if (was.phase, &was.problem) != (is.phase, &is.problem) {
        text += &describe_openness(is);
    }
    if was.network != is.network {
        text += &describe_network(&is.network);
    }
    if was.wrong_tries != is.wrong_tries {
        text += &describe_tries(is);
    }
    text
}

fn describe_session_change(was: &Status, is: &Status) -> String {
    let mut text = String::new();
    if is.returns != was.returns {
        text += "\n  The engineer's program was started again. The session goes on.\n";
    } else if is.phase == Phase::Active && was.phase == Phase::Interrupted {
        text += "\n  The connection is back.\n";
    }
    if is.phase == Phase::Interrupted && (was.phase, was.away) != (is.phase, is.away) {
        text += &describe(&View { status: Status { question: None, ..is.clone() }, credentials: None });
    }
    if is.question != was.question {
        text += &is.question.as_ref().map_or_else(String::new, describe_question);
    }
    text
}

/// The lines for one state.
pub fn describe(view: &View) -> String {
    let status = &view.status;
    let question = status.question.as_ref().map_or_else(String::new, describe_question);
    match (status.phase, &status.visitor) {
        (Phase::Off, _) => {
            let why = status
                .notice
                .as_ref()
                .map_or_else(String::new, |notice| format!("  {}\n", describe_line(notice)));
            format!("\n{why}  Remote access is off. Press Enter to start it again.\n")
        }
        (Phase::Connecting | Phase::Ready, _) | (_, None) => describe_open(view),
        (Phase::Asking, Some(_)) => question,
        (Phase::Admitting, Some(visitor)) => format!("\n  Letting {} in …\n", visitor.engineer),
        (Phase::Interrupted, Some(visitor)) => {
            let what = describe_away(status.away.unwrap_or(Away::Them));
            format!("\n  The connection to {} is interrupted. {what}\n", visitor.engineer)
        }
        (Phase::Active, Some(visitor)) => {
            format!(
                "\n  {} is connected, for {} at most.\n  Type \"end\" and press Enter to end the session; anything else is sent to the engineer.\n{question}",
                visitor.describe(),
                describe_time(time_left(status.deadline))
            )
        }
    }
}

fn describe_open(view: &View) -> String {
    let status = &view.status;
    format!(
        "\n  Remote access is on\n{}{}{}{}  Type \"end\" and press Enter to switch it off.\n",
        view.credentials.as_ref().map_or_else(String::new, describe_credentials),
        describe_network(&status.network),
        describe_openness(status),
        describe_tries(status),
    )
}

fn describe_openness(status: &Status) -> String {
    let state = match (status.phase, &status.problem) {
        (Phase::Ready, _) => "ready, waiting for the engineer".to_owned(),
        (_, None) => "connecting to the support service".to_owned(),
        (_, Some(problem)) => format!("not connected, trying again ({problem})"),
    };
    format!("  State        {state}\n")
}

fn describe_tries(status: &Status) -> String {
    match status.wrong_tries {
        0 => String::new(),
        tries => format!("  Wrong PINs   {tries} of 3; after the third, remote access goes off\n"),
    }
}

/// What is to be read out over the phone.
pub fn describe_credentials(credentials: &Credentials) -> String {
    format!(
        "  Support ID   {}\n  PIN          {}\n",
        credentials.support_id.grouped(),
        credentials.pin.expose()
    )
}

fn describe_network(network: &Line) -> String {
    format!("  Network      {}\n", describe_line(network))
}

/// A sentence, with its code where there is one.
pub fn describe_line(line: &Line) -> String {
    let Line { code, sentence } = line;
    match (code.as_str(), sentence.strip_suffix('.')) {
        ("", _) => sentence.clone(),
        (code, Some(sentence)) if !is_network_code(code) => format!("{sentence} (code {code})."),
        (code, _) => format!("{sentence} ({code})"),
    }
}

fn is_network_code(code: &str) -> bool {
    code.strip_prefix('N').is_some_and(|number| number.parse::<u8>().is_ok())
}

/// The question, and how to answer it.
pub fn describe_question(question: &Question) -> String {
    let Question { kind, text, choices, .. } = question;
    match kind {
        QuestionKind::Consent | QuestionKind::Extension => {
            format!("\n  {text}{} {YES_OR_NO}", describe_patience(question))
        }
        QuestionKind::Text if choices.is_empty() => {
            format!("\n  The engineer asks: {text}\n  Type an answer and press Enter: ")
        }
        QuestionKind::Text => {
            let lines = choices.iter().zip(1..).map(|(choice, n)| format!("    {n}  {choice}\n"));
            format!(
                "\n  The engineer asks: {text}\n{}  Type a number and press Enter: ",
                lines.collect::<String>()
            )
        }
    }
}

/// How long there is for an answer.
pub fn describe_patience(question: &Question) -> String {
    match time_left(Some(question.until)) {
        left if left.is_zero() => String::new(),
        left => format!(" ({} to answer)", describe_time(left)),
    }
}

/// What is being tried, and what to do.
pub fn describe_away(away: Away) -> &'static str {
    match away {
        Away::Us => {
            "This device is trying to reach the support service again. If it takes long, check the cable or the Wi-Fi."
        }
        Away::Them => "Waiting for the engineer's side to come back. There is nothing to do.",
    }
}

/// Until `deadline`, which is in time since boot.
pub fn time_left(deadline: Option<Duration>) -> Duration {
    deadline.unwrap_or_default().saturating_sub(clock::now())
}

/// Rounded to what the client cares about.
pub fn describe_time(time: Duration) -> String {
    match time.as_secs().div_ceil(60) {
        0 | 1 if time.as_secs() < 60 => format!("{} seconds", time.as_secs_f64().round()),
        1 => "one minute".to_owned(),
        minutes => format!("{minutes} minutes"),
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{QuestionId, SessionId};

    use super::*;
    use crate::status::Visitor;

    fn line(text: &str) -> Line {
        let (sentence, code) = text.split_once('|').unwrap_or((text, ""));
        Line { code: code.into(), sentence: sentence.into() }
    }

    fn view(phase: Phase, network: &str) -> View {
        View { status: Status { phase, network: line(network), ..Status::default() }, credentials: None }
    }

    fn visitor() -> Visitor {
        Visitor {
            session: SessionId::random(),
            engineer: "Ada".into(),
            company: "Scans AG".into(),
            ticket: "T-7".into(),
            partner: None,
        }
    }

    fn question(kind: QuestionKind, text: &str, choices: &[&str]) -> Question {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        Question { id: QuestionId::random(), kind, text: text.into(), choices, until: Duration::ZERO }
    }

    #[test]
    fn a_change_of_the_network_is_one_line_and_disturbs_no_session() {
        let before = view(Phase::Ready, "Connected by cable.|N0");
        let changed = describe_change(&before, &view(Phase::Ready, "No network.|N1"));
        assert_eq!(changed, "  Network      No network. (N1)\n");
        let lost = describe_change(&before, &view(Phase::Connecting, "No network.|N1"));
        assert_eq!(
            lost,
            "  State        connecting to the support service\n  Network      No network. (N1)\n"
        );
        let off = |network| view(Phase::Off, network);
        assert_eq!(describe_change(&off("Connected.|"), &off("No network.|N1")), "");
    }

    #[test]
    fn questions_say_how_to_answer_them() {
        let consent = describe_question(&question(QuestionKind::Consent, "Allow Ada?", &[]));
        assert_eq!(consent, "\n  Allow Ada? Type yes or no, and press Enter: ");
        let choice = describe_question(&question(QuestionKind::Text, "Is it green?", &["yes", "no"]));
        assert_eq!(
            choice,
            "\n  The engineer asks: Is it green?\n    1  yes\n    2  no\n  Type a number and press Enter: "
        );
    }

    #[test]
    fn a_question_in_a_session_is_shown_alone_and_its_end_not_at_all() {
        let mut before = view(Phase::Active, "Connected.|N0");
        before.status.visitor = Some(visitor());
        let mut asked = before.clone();
        asked.status.question = Some(question(QuestionKind::Text, "Is it green?", &[]));
        assert!(!describe_change(&before, &asked).contains("is connected"));
        assert_eq!(describe_change(&asked, &before), "");
    }

    #[test]
    fn what_happens_in_a_session_is_said_once() {
        let mut active = view(Phase::Active, "Connected.|N0");
        active.status.visitor = Some(visitor());
        let interrupted = |away| {
            let mut view = active.clone();
            (view.status.phase, view.status.away) = (Phase::Interrupted, Some(away));
            view
        };
        let (us, them) = (interrupted(Away::Us), interrupted(Away::Them));
        assert!(describe_change(&active, &us).contains("is interrupted. This device"));
        assert!(describe_change(&us, &them).contains("is interrupted. Waiting"));
        assert_eq!(describe_change(&them, &active), "\n  The connection is back.\n");
        let mut returned = active.clone();
        returned.status.returns = 1;
        let started_again = "\n  The engineer's program was started again. The session goes on.\n";
        assert_eq!(describe_change(&them, &returned), started_again);
        let mut later = returned.clone();
        later.status.deadline = Some(Duration::from_secs(1));
        assert_eq!(describe_change(&returned, &later), "");
        assert!(!describe(&later).contains("started again"));
    }

    #[test]
    fn codes_are_there_to_be_read_out() {
        assert_eq!(
            describe_line(&line("Remote access has ended: x.|time-up")),
            "Remote access has ended: x (code time-up)."
        );
        assert_eq!(describe_line(&line("No network.|N1")), "No network. (N1)");
        assert_eq!(describe_line(&line("Connected.")), "Connected.");
    }
}
