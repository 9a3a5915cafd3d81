//! That every language has every message, that the code uses all of them, and that no sentence stands anywhere else.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use super::*;
use crate::bus::ErrorCode;
use crate::failure::Failure;
use crate::network_notice::{NetworkKind, NetworkNotice};
use crate::notice::{Notice, Person};
use crate::order::{Local, Notification};
use crate::panel::describe_notification;
use crate::runbook::Runbook;
use crate::status::{Away, Question, QuestionKind, Terms, Visitor};
use crate::verdict::Verdict;
use crate::warning::Warning;
use fieldlink_protocol::ids::{QuestionId, SessionId};
use fieldlink_protocol::messages::announcements::CaseResult;
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::policy::Function;

/// The messages of a language, each with the names of its arguments.
fn messages(language: Language) -> BTreeMap<String, BTreeSet<String>> {
    fieldlink_words::arguments_by_message(messages_of(language)).expect("every line is a message")
}

fn sources(directory: &Path, found: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(directory).expect("readable") {
        let path = entry.expect("readable").path();
        if path.is_dir() { sources(&path, found) } else { found.push(path) }
    }
}

/// The code that says something to the person beside the device, without its tests.
fn code() -> Vec<(PathBuf, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut files = Vec::new();
    ["src", "../agent/src/access", "../agent/src/service"]
        .iter()
        .for_each(|part| sources(&root.join(part), &mut files));
    files.push(root.join("../agent/src/view.rs"));
    files.push(root.join("../agent/src/network/verdict.rs"));
    let without_tests = |path: PathBuf| {
        let text = std::fs::read_to_string(&path).expect("text");
        (path, text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default().to_owned())
    };
    let is_test = |path: &PathBuf| path.ends_with("tests.rs") || path.iter().any(|part| part == "tests");
    files.into_iter().filter(|path| !is_test(path)).map(without_tests).collect()
}

#[test]
fn every_language_has_every_message_with_the_same_arguments() {
    let english = messages(Language::English);
    assert!(english.len() > 100);
    for language in Language::ALL {
        let theirs = messages(language);
        let missing: Vec<_> = english.keys().filter(|id| !theirs.contains_key(*id)).collect();
        let surplus: Vec<_> = theirs.keys().filter(|id| !english.contains_key(*id)).collect();
        assert!(
            missing.is_empty() && surplus.is_empty(),
            "{language:?}: missing {missing:?}, surplus {surplus:?}"
        );
        for (id, arguments) in &english {
            assert_eq!(&theirs[id], arguments, "{language:?}: {id}");
        }
    }
}

#[test]
fn every_message_is_used() {
    let code: String = code().into_iter().map(|(_, text)| text).collect();
    let made = [
        "reason-",
        "hearsay-",
        "network-N",
        "function-",
        "presence-",
        "outcome-",
        "verdict-",
        "words-for-",
        "ready-",
        "choice-",
    ];
    for id in messages(Language::English).keys() {
        let is_made = made.iter().any(|prefix| id.starts_with(prefix));
        assert!(is_made || code.contains(&format!("\"{id}\"")), "nothing says {id}");
    }
}

#[test]
fn every_reason_has_words() {
    for language in Language::ALL {
        let words = Words::new(language);
        for &reason in fieldlink_protocol::reason::Reason::ALL {
            assert!(words.has(&format!("reason-{}", reason.code())), "{language:?}: {reason:?}");
        }
        assert!(words.has("reason-unknown"));
        for &error in ErrorCode::ALL {
            let said = Failure::from(error).text(&words);
            assert!(!said.starts_with("failed-"), "{language:?}: {said}");
        }
    }
}

fn person(partner: bool) -> Person {
    Person {
        engineer: "Ada".into(),
        company: "Scans AG".into(),
        ticket: "T-7".into(),
        partner: partner.then(|| "Reseller".into()),
        authority: None,
    }
}

fn outcome(result: CaseResult) -> Warning {
    Warning::Outcome { result, summary: "a cable".into(), prepare: "a new one".into() }
}

fn titles() -> BTreeMap<String, String> {
    [("en".to_owned(), "First look".to_owned())].into()
}

fn warnings() -> Vec<Warning> {
    let engineer = || "Ada".to_owned();
    let reason = fieldlink_protocol::reason::Reason::EngineerLost;
    vec![
        Warning::TimeLeft { minutes: 1 },
        Warning::TimeLeft { minutes: 5 },
        Warning::MoreTime { seconds: 1_800 },
        Warning::NoMoreTime,
        Warning::WrongPin { who: person(true) },
        Warning::BrokenOff { who: person(false) },
        Warning::Refused { engineer: engineer() },
        Warning::NotLetIn { engineer: engineer() },
        Warning::AnsweredNo,
        Warning::Chosen { choice: "blue".into() },
        Warning::Done,
        Warning::DataAllowed,
        Warning::OperationAllowed,
        Warning::Restarting { seconds: 180 },
        Warning::NoRestart,
        Warning::BatteryLow { percent: 20 },
        Warning::Health {
            concern: r#"{"concern":"disk-full","mount":"/","percent":95,"free_bytes":7}"#.into(),
        },
        Warning::Health { concern: r#"{"concern":"of a later version"}"#.into() },
        Warning::RecordingStopped,
        Warning::UseAllowed { function: Function::Upload },
        Warning::Quiet { seconds: 1_200, text: String::new() },
        Warning::Quiet { seconds: 20, text: "lidar".into() },
        Warning::QuietOver,
        Warning::VerdictGiven { verdict: Verdict::Partly, words: "it beeps".into() },
        Warning::VerdictGiven { verdict: Verdict::Not, words: String::new() },
        Warning::VerdictGiven { verdict: Verdict::Solved, words: String::new() },
        Warning::Called,
        Warning::Noted { text: "x".into(), by_client: true },
        Warning::Noted { text: "x".into(), by_client: false },
        outcome(CaseResult::Resolved),
        outcome(CaseResult::Workaround),
        outcome(CaseResult::SecondSession),
        Warning::RunbookBegan { is_makers: true, titles: titles() },
        Warning::RunbookBegan { is_makers: false, titles: titles() },
        Warning::RunbookOver { is_finished: true, titles: titles() },
        Warning::RunbookOver { is_finished: false, titles: titles() },
        Warning::RunbookRefused,
        Warning::StillThere { seconds: 120 },
        Warning::NobodyThere { is_held: true },
        Warning::NobodyThere { is_held: false },
        Warning::BackAgain { was_held: true },
        Warning::BackAgain { was_held: false },
        Warning::Answered { text: "green".into() },
        Warning::NoAnswer,
        Warning::Withdrawn,
        Warning::NoLongerAsks { engineer: engineer(), reason, hearsay: false },
        Warning::NoLongerAsks { engineer: engineer(), reason, hearsay: true },
        Warning::Delayed,
        Warning::Unknown,
    ]
}

fn networks() -> Vec<NetworkNotice> {
    use NetworkKind::{Bluetooth, Cable, Hotspot, Mobile, Other, Wifi};
    let ways = [Cable, Wifi, Hotspot, Mobile, Bluetooth, Other].into_iter().flat_map(|kind| {
        [None, Some("Site".to_owned())].into_iter().flat_map(move |name| {
            let metered = name.is_some();
            [
                NetworkNotice::N0 { kind, name: name.clone(), metered },
                NetworkNotice::NotAsked { kind, name, metered },
            ]
        })
    });
    let figures =
        [(None, None, false, false), (None, None, false, true), (Some(9), None, false, true)].into_iter();
    let figures = figures.chain([true, false].map(|below| (Some(9), Some("0.4".to_owned()), below, true)));
    let slow = figures.map(|(milliseconds, rate, below, measured)| NetworkNotice::N10 {
        milliseconds,
        rate,
        below,
        measured,
        hotspot: below,
    });
    let others = [
        NetworkNotice::Unchecked,
        NetworkNotice::N1,
        NetworkNotice::N2,
        NetworkNotice::N3,
        NetworkNotice::N4,
        NetworkNotice::N5,
        NetworkNotice::N6,
        NetworkNotice::N7 { clock: "2020-01-01 00:00 UTC".into() },
        NetworkNotice::N8,
        NetworkNotice::N9 { percent: 30 },
        NetworkNotice::N11,
        NetworkNotice::N12,
        NetworkNotice::N13,
        NetworkNotice::N14,
        NetworkNotice::Unknown,
    ];
    ways.chain(slow).chain(others).collect()
}

/// A message that cannot be said is its own name.
fn is_sentence(said: &str) -> bool {
    let is_name = said.chars().all(|c| c.is_ascii_alphanumeric() || c == '-');
    !said.is_empty() && !is_name && !said.contains(['{', '}'])
}

#[test]
fn everything_can_be_said_in_every_language() {
    let reason = fieldlink_protocol::reason::Reason::ALL;
    for language in Language::ALL {
        let words = Words::new(language);
        let mut said: Vec<String> = warnings().iter().map(|warning| words.warning(warning)).collect();
        said.extend(networks().iter().map(|network| words.network(network)));
        said.extend(
            reason
                .iter()
                .flat_map(|&reason| [Notice::Ended(reason), Notice::Hearsay(reason)])
                .map(|notice| words.notice_with_code(&notice)),
        );
        said.extend(
            [Notice::Burnt(person(true)), Notice::Idle, Notice::ClockAwaited, Notice::Unknown("x".into())]
                .map(|notice| words.notice(&notice)),
        );
        said.extend([true, false].map(|is_makers| {
            let (titles, step_titles) = (titles(), titles());
            words.runbook(&Runbook { titles, step_titles, step: 3, steps: 9, is_makers })
        }));
        said.extend([Away::Us, Away::Them].map(|away| words.away(away)));
        said.extend([30, 60, 3_600].map(|seconds| words.time(std::time::Duration::from_secs(seconds))));
        let failure = || Failure::from(ErrorCode::AlreadyOn);
        let local = [
            Local::NotDone(failure()),
            Local::NoCredentials(failure()),
            Local::ServiceStopped,
            Local::ServiceBack,
        ];
        said.extend(local.map(|local| describe_notification(&words, &Notification::Local(local))));
        let visitor = Visitor { session: SessionId::random(), who: person(true) };
        let yes_or_no =
            [QuestionKind::Consent, QuestionKind::Extension, QuestionKind::Use, QuestionKind::Data];
        said.extend([false, true].map(|is_metered| words.data_used(1_234_567, is_metered)));
        said.extend(yes_or_no.map(|kind| {
            let plain = Question::new(QuestionId::random(), kind, Default::default());
            let question = Question { minutes: 30, megabytes: 100, function: Some(Function::Shell), ..plain };
            words.question(&question, Some(&visitor))
        }));
        said.extend(Function::ALL.map(|function| words.function(function)));
        said.extend(Ready::ALL.map(|ready| words.ready(ready)));
        let choices = Ready::ALL.iter().flat_map(|ready| ready.choices());
        for choice in choices {
            assert!(words.has(&format!("choice-{choice}")), "{language:?}: {choice}");
        }
        let terms = Terms {
            minutes: 60,
            never: vec![Function::Upload],
            asks: vec![Function::Restart],
            reaches: vec!["lidar:80".into()],
            retention_days: 90,
        };
        said.extend([terms, Terms::default()].iter().flat_map(|terms| words.consent(terms)));
        for sentence in said {
            assert!(is_sentence(&sentence), "{language:?}: {sentence:?}");
        }
    }
}

/// Sentences of the code itself, which no translation would reach: two words in a row in a string. Logs, errors for
/// programmers and operators, and what is for programs are none.
#[test]
fn no_sentence_stands_outside() {
    let allowed = [
        "tracing::",
        "expect(",
        "assert",
        "text::check(",
        "#[error(",
        "anyhow!",
        "context(",
        "/// ",
        "//! ",
        "// ",
        "io::Error::new",
        "Error::invalid(",
        "eprintln!(\"fieldlink: could not start",
        "\"at = ",
        "Kind::",
        ": NotPermitted = ",
        ": Busy = ",
        ": Stale = ",
        ": NotNow = ",
        ": InvalidArgument = ",
    ];
    let mut outside = Vec::new();
    for (path, text) in code() {
        let name = path.display().to_string();
        // What clap prints, what systemd is told, errors' own texts and the audit log are English.
        let english = [
            "cli/args.rs",
            "src/main.rs",
            "words/",
            "failure.rs",
            "bus/error.rs",
            "systemd.rs",
            "service/authority.rs",
            "service/powers.rs",
        ];
        if english.iter().any(|part| name.contains(part)) {
            continue;
        }
        let lines: Vec<&str> = text.lines().collect();
        for (at, line) in lines.iter().enumerate() {
            let before = at.checked_sub(1).map_or("", |at| lines[at]);
            let is_allowed = allowed.iter().any(|allowed| line.contains(allowed) || before.contains(allowed));
            let strings = line.split('"').skip(1).step_by(2);
            let has_sentence = strings.into_iter().any(|string| {
                let mut words = string.split(' ').map(|word| word.trim_matches(|c: char| !c.is_alphabetic()));
                let is_word =
                    |word: &str| word.len() > 1 && word.chars().all(|c| c.is_lowercase() || c == '\'');
                let mut last = false;
                words.any(|word| {
                    let now = is_word(word);
                    std::mem::replace(&mut last, now) && now
                })
            });
            if has_sentence && !is_allowed {
                outside.push(format!("{name}:{}: {}", at + 1, line.trim()));
            }
        }
    }
    assert!(outside.is_empty(), "put these into device/locales:\n{}", outside.join("\n"));
}
