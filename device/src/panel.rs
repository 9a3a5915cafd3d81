//! Remote access line by line, for the person beside the device. The console of the foreground mode and the command
//! line show the same.

use std::time::Duration;

use fieldlink_protocol::messages::people::Participant;
use fieldlink_protocol::pin::Pin;
use fieldlink_protocol::support_id::SupportId;

use crate::clock;
use crate::failure::Failure;
use crate::network_notice::NetworkNotice;
use crate::operation::Operation;
use crate::order::{Local, Notification};
use crate::status::{Away, Phase, Question, QuestionKind, Status, Visitor};
use crate::words::Words;

/// Columns of the labels.
const LABEL: usize = 13;

/// What the client reads out.
#[derive(Debug, Clone)]
pub struct Credentials {
    /// Nine digits.
    pub support_id: SupportId,
    /// Four digits.
    pub pin: Pin,
}

/// What is shown: the status, and the pair for as long as it may be used.
#[derive(Debug, Clone, Default)]
pub struct View {
    /// What every process on the device may read.
    pub status: Status,
    /// What only the client may read.
    pub credentials: Option<Credentials>,
    /// Goes up whenever something of it changes, also from one start of the agent to the next.
    pub revision: u64,
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
pub fn describe_change(words: &Words, before: &View, now: &View) -> String {
    let (was, is) = (&before.status, &now.status);
    // What runs still when the session is over is said again: that nobody switches off now.
    let is_left = is_at_work(was) && !is_at_work(is);
    let operation = match &is.operation {
        Some(operation) if was.operation != is.operation || is_left => {
            describe_operation(words, operation, is.phase)
        }
        _ => String::new(),
    };
    describe_state_change(words, before, now) + &operation
}

fn describe_state_change(words: &Words, before: &View, now: &View) -> String {
    let (was, is) = (&before.status, &now.status);
    let session = |status: &Status| status.visitor.as_ref().map(|visitor| visitor.session);
    if is_open(was) && is_open(is) && before.support_id() == now.support_id() {
        return describe_open_change(words, was, is);
    }
    if is_at_work(was) && is_at_work(is) && session(was) == session(is) {
        return describe_session_change(words, was, is);
    }
    let beside = Status { network: is.network.clone(), operation: is.operation.clone(), ..was.clone() };
    if beside == *is { String::new() } else { describe(words, now) }
}

fn is_open(status: &Status) -> bool {
    matches!(status.phase, Phase::Connecting | Phase::Ready)
}

fn is_at_work(status: &Status) -> bool {
    matches!(status.phase, Phase::Active | Phase::Interrupted)
}

/// The pair is the same, and stands there already.
fn describe_open_change(words: &Words, was: &Status, is: &Status) -> String {
    let mut text = String::new();
    if (was.phase, &was.problem) != (is.phase, &is.problem) {
        text += &describe_openness(words, is);
    }
    if was.network != is.network {
        text += &describe_network(words, &is.network);
    }
    if was.wrong_tries != is.wrong_tries {
        text += &describe_tries(words, is);
    }
    text
}

fn describe_session_change(words: &Words, was: &Status, is: &Status) -> String {
    let mut text = String::new();
    if is.returns != was.returns {
        text += &format!("\n  {}\n", words.say("panel-started-again"));
    } else if is.phase == Phase::Active && was.phase == Phase::Interrupted {
        text += &format!("\n  {}\n", words.say("panel-back"));
    }
    if is.phase == Phase::Interrupted && (was.phase, was.away) != (is.phase, is.away) {
        let status = Status { question: None, ..is.clone() };
        text += &describe(words, &View { status, ..View::default() });
    }
    if is.people != was.people {
        text += &describe_people(words, is);
    }
    if is.runbook != was.runbook {
        text += &describe_runbook(words, is);
    }
    if is.question != was.question {
        text += &describe_open_question(words, is);
    }
    text
}

fn describe_operation(words: &Words, operation: &Operation, phase: Phase) -> String {
    let sentence = words.operation(operation, phase);
    match operation.line.as_str() {
        "" => format!("  {sentence}\n"),
        line => format!("  {sentence} [{line}]\n"),
    }
}

/// The lines for one state, and for what must not be interrupted.
pub fn describe_all(words: &Words, view: &View) -> String {
    let status = &view.status;
    let operation = status.operation.as_ref();
    let operation = operation.map(|operation| describe_operation(words, operation, status.phase));
    describe(words, view) + &operation.unwrap_or_default()
}

/// The lines for one state.
pub fn describe(words: &Words, view: &View) -> String {
    let status = &view.status;
    match (status.phase, &status.visitor) {
        (Phase::Off, _) => {
            let notice = status.notice.as_ref();
            let why = notice.map_or_else(String::new, |why| format!("  {}\n", words.notice_with_code(why)));
            let verdict = status.verdict_for.map(|_| format!("  {}\n", words.say("panel-verdict")));
            format!("\n{why}  {}\n{}", words.say("panel-off"), verdict.unwrap_or_default())
        }
        (Phase::Connecting | Phase::Ready, _) | (_, None) => describe_open(words, view),
        (Phase::Asking, Some(_)) => describe_open_question(words, status),
        (Phase::Admitting, Some(Visitor { who, .. })) => {
            let arguments = [("engineer", (&who.engineer).into())];
            format!("\n  {}\n", words.say_with("panel-letting-in", &arguments))
        }
        (Phase::Restarting, Some(_)) => format!("\n  {}\n", words.say("panel-restarting")),
        (Phase::PowerOff, Some(_)) => format!("\n  {}\n", words.say("panel-power-off")),
        (Phase::Returning, Some(Visitor { who, .. })) => {
            format!("\n  {}\n", words.say_with("panel-returning", &[("engineer", (&who.engineer).into())]))
        }
        (Phase::Interrupted, Some(Visitor { who, .. })) => {
            let what = words.away(status.away.unwrap_or(Away::Them));
            let arguments = [("engineer", (&who.engineer).into()), ("what", what.into())];
            format!("\n  {}\n", words.say_with("panel-interrupted", &arguments))
        }
        (Phase::Active, Some(Visitor { who, .. })) => {
            let time = words.time(time_left(status.deadline));
            let arguments = [("visitor", words.person(who).into()), ("time", time.into())];
            format!(
                "\n  {}\n{}  {}\n{}{}",
                words.say_with("panel-connected", &arguments),
                describe_people(words, status),
                words.say("panel-how-to-end-session"),
                describe_runbook(words, status),
                describe_open_question(words, status)
            )
        }
    }
}

fn describe_people(words: &Words, status: &Status) -> String {
    let line = |person: &Participant| {
        let arguments = [("person", words.participant(person).into()), ("name", (&person.name).into())];
        format!("  {}\n", words.say_with("panel-people", &arguments))
    };
    status.people.iter().map(line).collect()
}

fn describe_open(words: &Words, view: &View) -> String {
    let status = &view.status;
    let credentials = view.credentials.as_ref();
    format!(
        "\n  {}\n{}{}{}{}  {}\n",
        words.say("panel-on"),
        credentials.map_or_else(String::new, |credentials| describe_credentials(words, credentials)),
        describe_network(words, &status.network),
        describe_openness(words, status),
        describe_tries(words, status),
        words.say("panel-how-to-switch-off"),
    )
}

fn labelled(label: &str, value: &str) -> String {
    format!("  {label:<LABEL$}{value}\n")
}

fn describe_openness(words: &Words, status: &Status) -> String {
    let state = match (status.phase, &status.problem) {
        (Phase::Ready, _) => words.say("state-ready"),
        (_, None) => words.say("state-connecting"),
        (_, Some(problem)) => words.say_with("state-problem", &[("problem", problem.into())]),
    };
    labelled(&words.say("label-state"), &state)
}

fn describe_tries(words: &Words, status: &Status) -> String {
    match status.wrong_tries {
        0 => String::new(),
        tries => labelled(&words.say("label-wrong-pins"), &wrong_tries(words, tries)),
    }
}

/// How many wrong PINs there were, and what follows.
pub fn wrong_tries(words: &Words, tries: u8) -> String {
    words.say_with("wrong-tries", &[("tries", u64::from(tries).into())])
}

/// What is to be read out over the phone.
pub fn describe_credentials(words: &Words, credentials: &Credentials) -> String {
    labelled(&words.say("label-support-id"), &credentials.support_id.grouped())
        + &labelled(&words.say("label-pin"), credentials.pin.expose())
}

fn describe_network(words: &Words, network: &NetworkNotice) -> String {
    labelled(&words.say("label-network"), &words.network_with_code(network))
}

/// A line about what happens beside the state.
pub fn describe_notification(words: &Words, notification: &Notification) -> String {
    let line = match notification {
        Notification::Chat { from_engineer, text } => words.chat(*from_engineer, text),
        Notification::Warning(warning) => words.warning(warning),
        Notification::Local(Local::NotDone(failure)) => because(words, "did-not-work", failure),
        Notification::Local(Local::NoCredentials(failure)) => {
            because(words, "credentials-not-shown", failure)
        }
        Notification::Local(Local::ServiceStopped) => words.say("service-stopped-waiting"),
        Notification::Local(Local::ServiceBack) => words.say("service-back"),
    };
    format!("  {line}\n")
}

fn because(words: &Words, id: &str, failure: &Failure) -> String {
    words.say_with(id, &[("why", failure.text(words).into())])
}

/// The list of steps that the engineer goes through, in one line.
fn describe_runbook(words: &Words, status: &Status) -> String {
    let runbook = status.runbook.as_ref();
    runbook.map_or_else(String::new, |runbook| format!("  {}\n", words.runbook(runbook)))
}

fn describe_open_question(words: &Words, status: &Status) -> String {
    let question = status.question.as_ref();
    question.map_or_else(String::new, |question| describe_question(words, question, status))
}

/// The question, and how to answer it.
pub fn describe_question(words: &Words, question: &Question, status: &Status) -> String {
    let visitor = status.visitor.as_ref();
    let asked = words.question(question, visitor);
    match question.kind {
        kind if kind.is_yes_or_no() => {
            let meaning = match (question.kind, &status.terms) {
                (QuestionKind::Consent, Some(terms)) => words.consent(terms),
                _ => Vec::new(),
            };
            let meaning: String = meaning.iter().map(|line| format!("\n  {line}")).collect();
            let patience = describe_patience(words, question);
            format!("{meaning}\n  {asked}{patience} {}", words.say("type-yes-or-no"))
        }
        QuestionKind::Step => {
            let asked = words.asked_by_whom(question);
            format!("\n  {asked} {}", words.say("type-done-or-no"))
        }
        _ => {
            let asked = words.asked_by_whom(question);
            let choices = words.choices(question);
            let lines = choices.iter().zip(1..);
            let choices: String = lines.map(|(choice, n)| format!("    {n}  {choice}\n")).collect();
            let how = if question.choices.is_empty() { "type-an-answer" } else { "type-a-number" };
            format!("\n  {asked}\n{choices}  {}", words.say(how))
        }
    }
}

/// How long there is for an answer.
fn describe_patience(words: &Words, question: &Question) -> String {
    match time_left(Some(question.until)) {
        left if left.is_zero() => String::new(),
        left => format!(" {}", words.say_with("question-time", &[("time", words.time(left).into())])),
    }
}

/// Until `deadline`, which is in time since boot.
pub fn time_left(deadline: Option<Duration>) -> Duration {
    deadline.unwrap_or_default().saturating_sub(clock::now())
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::ids::{QuestionId, SessionId};

    use super::*;
    use fieldlink_protocol::policy::Function;

    use crate::network_notice::NetworkKind;
    use crate::notice::Person;
    use crate::runbook::Runbook;
    use crate::status::Terms;
    use crate::words::Language;

    fn words() -> Words {
        Words::new(Language::English)
    }

    fn cable() -> NetworkNotice {
        NetworkNotice::N0 { kind: NetworkKind::Cable, name: None, metered: false }
    }

    fn view(phase: Phase, network: NetworkNotice) -> View {
        View { status: Status { phase, network, ..Status::default() }, ..View::default() }
    }

    fn visitor() -> Visitor {
        Visitor {
            session: SessionId::random(),
            who: Person {
                engineer: "Ada".into(),
                company: "Scans AG".into(),
                ticket: "T-7".into(),
                partner: None,
                authority: None,
            },
        }
    }

    fn question(kind: QuestionKind, text: &str, choices: &[&str]) -> Question {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        let plain = Question::new(QuestionId::random(), kind, Duration::ZERO);
        Question { text: text.into(), choices, ..plain }
    }

    #[test]
    fn a_change_of_the_network_is_one_line_and_disturbs_no_session() {
        let before = view(Phase::Ready, cable());
        let changed = describe_change(&words(), &before, &view(Phase::Ready, NetworkNotice::N1));
        assert_eq!(
            changed,
            "  Network      No network. Plug in a network cable (best) or choose a Wi-Fi in Settings. (N1)\n"
        );
        let lost = describe_change(&words(), &before, &view(Phase::Connecting, NetworkNotice::N1));
        assert_eq!(
            lost,
            "  State        connecting to the support service\n  Network      No network. Plug in a network cable (best) or choose a Wi-Fi in Settings. (N1)\n"
        );
        let off = |network| view(Phase::Off, network);
        assert_eq!(describe_change(&words(), &off(cable()), &off(NetworkNotice::N1)), "");
    }

    #[test]
    fn each_step_of_a_runbook_is_one_line() {
        let named = |text: &str| [("en".to_owned(), text.to_owned())].into();
        let at = |step| {
            let mut view = view(Phase::Active, cable());
            let session = SessionId::from_bytes([1; 16]);
            view.status.visitor = Some(Visitor { session, ..visitor() });
            let (titles, step_titles) = (named("First look"), named("Network"));
            view.status.runbook = Some(Runbook { titles, step_titles, step, steps: 9, is_makers: true });
            view
        };
        let changed = |before: &View, now: &View| describe_change(&words(), before, now);
        let line = "  First look (from the manufacturer), step 3 of 9: Network\n";
        assert_eq!(changed(&at(2), &at(3)), line);
        assert_eq!(changed(&at(3), &at(3)), "");
        assert!(describe_all(&words(), &at(3)).ends_with(line));
        let mut over = at(3);
        over.status.runbook = None;
        assert_eq!(changed(&at(3), &over), "", "that it is over is a warning");
    }

    #[test]
    fn questions_say_how_to_answer_them() {
        let terms = Terms {
            minutes: 60,
            never: vec![Function::Upload, Function::Download],
            asks: vec![Function::Restart, Function::Guests, Function::Diagnostics],
            reaches: Vec::new(),
            retention_days: 90,
        };
        let asking = Status { visitor: Some(visitor()), terms: Some(terms), ..Status::default() };
        let consent = describe_question(&words(), &question(QuestionKind::Consent, "", &[]), &asking);
        let expected = [
            "",
            "  They may use: a command line, single commands, ports of this device, updates and other prepared \
             operations.",
            "  You will be asked again before: a restart of this device, other people who join or watch, fetching \
             diagnostics (excerpts of this device's logs).",
            "  Never allowed on this device: copying files to this device, copying files from this device.",
            "  The connection leads to this scanner only.",
            "  It lasts 60 minutes at most unless you give more, and you can end it at any time.",
            "  This session is recorded on this device: what is done, and what the engineer's terminals show. The record \
             stays here for 90 days. You can read and delete it. At the end the engineer gets a report made from it.",
            "  The name is what the support service says. Allow Ada (Scans AG), ticket T-7? Type yes or no, and press Enter: ",
        ];
        assert_eq!(consent, expected.join("\n"));
        let text = question(QuestionKind::Text, "Is it green?", &["yes", "no"]);
        let choice = describe_question(&words(), &text, &Status::default());
        assert_eq!(
            choice,
            "\n  The engineer asks: Is it green?\n    1  yes\n    2  no\n  Type a number and press Enter: "
        );
    }

    #[test]
    fn a_question_in_a_session_is_shown_alone_and_its_end_not_at_all() {
        let mut before = view(Phase::Active, cable());
        before.status.visitor = Some(visitor());
        let mut asked = before.clone();
        asked.status.question = Some(question(QuestionKind::Text, "Is it green?", &[]));
        assert!(!describe_change(&words(), &before, &asked).contains("is connected"));
        assert_eq!(describe_change(&words(), &asked, &before), "");
    }

    #[test]
    fn what_happens_in_a_session_is_said_once() {
        let mut active = view(Phase::Active, cable());
        active.status.visitor = Some(visitor());
        let interrupted = |away| {
            let mut view = active.clone();
            (view.status.phase, view.status.away) = (Phase::Interrupted, Some(away));
            view
        };
        let (us, them) = (interrupted(Away::Us), interrupted(Away::Them));
        assert!(describe_change(&words(), &active, &us).contains("is interrupted. This device"));
        assert!(describe_change(&words(), &us, &them).contains("is interrupted. Waiting"));
        assert_eq!(describe_change(&words(), &them, &active), "\n  The connection is back.\n");
        let mut returned = active.clone();
        returned.status.returns = 1;
        let started_again = "\n  The engineer's program was started again. The session goes on.\n";
        assert_eq!(describe_change(&words(), &them, &returned), started_again);
        let mut later = returned.clone();
        later.status.deadline = Some(Duration::from_secs(1));
        assert_eq!(describe_change(&words(), &returned, &later), "");
        assert!(!describe(&words(), &later).contains("started again"));
    }
}
