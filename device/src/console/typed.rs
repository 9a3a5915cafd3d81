//! What a line means that the client typed, and what to type instead if it means nothing.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::people::Part;
use fieldlink_protocol::reason::Reason;

use crate::order::{ClientAnswer, Order};
use crate::panel::View;
use crate::status::{Phase, Question, QuestionKind};
use crate::verdict::Verdict;
use crate::words::Words;

pub(super) fn is_end_word(words: &Words, line: &str) -> bool {
    words.is_word_for("words-for-the-end", line)
}

/// What a line means depends on what is shown. The end is understood everywhere.
pub(super) fn understand(words: &Words, shown: &View, line: &str) -> Option<Order> {
    let status = &shown.status;
    match (status.phase, line, &status.question) {
        (Phase::Off, "", _) => Some(Order::Start),
        (Phase::Off, _, _) => Some(verdict(words, status.verdict_for?, line)?),
        _ if is_end_word(words, line) => Some(Order::Stop(Reason::ClientEnded)),
        (_, "", _) if status.presence.is_some() => Some(Order::Here),
        (_, _, Some(question)) => removal(words, shown, line).or_else(|| answer_to(words, question, line)),
        (_, "", None) => None,
        (Phase::Active | Phase::Interrupted, _, None) => {
            Some(removal(words, shown, line).unwrap_or_else(|| Order::Chat(line.to_owned())))
        }
        _ => None,
    }
}

/// Somebody is to leave: one of those who are shown, by the name that is shown. Any other line is one of chat.
fn removal(words: &Words, shown: &View, line: &str) -> Option<Order> {
    let (word, name) = line.strip_prefix("fieldlink ").unwrap_or(line).split_once(' ')?;
    let name = name.trim().trim_matches('"');
    let mut others = shown.status.people.iter().filter(|person| person.part != Part::Owner);
    let is_meant = words.is_word_for("words-for-removal", word) && others.any(|person| person.name == name);
    is_meant.then(|| Order::Remove(name.to_owned()))
}

/// What to type instead of a line that means nothing here.
pub(super) fn hint(words: &Words, shown: &View, line: &str) -> String {
    let id = match (&shown.status.question, shown.status.phase) {
        (None, Phase::Off) if shown.status.verdict_for.is_some() => "hint-verdict",
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

/// The client's verdict: one of three words, and behind it what they say of the session.
fn verdict(words: &Words, session: SessionId, line: &str) -> Option<Order> {
    let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
    let word = word.trim_end_matches([',', '.', ':', '!']);
    let is_word = |verdict: &Verdict| words.is_word_for(&format!("words-for-{}", verdict.name()), word);
    let verdict = Verdict::ALL.into_iter().find(is_word)?;
    Some(Order::Verdict(session, verdict, rest.trim().to_owned()))
}

/// Why a line was no answer.
fn mistake(question: &Question) -> &'static str {
    match question.kind {
        kind if kind.is_yes_or_no() => "no-answer-yes-or-no",
        QuestionKind::Step => "no-answer-done-or-no",
        _ if question.choices.is_empty() => "no-answer-empty",
        _ => "no-answer-choice",
    }
}

/// The line that says how to answer a question.
pub(super) fn prompt(words: &Words, question: &Question) -> String {
    let how = match (question.kind, question.choices.len() as u64) {
        (kind, _) if kind.is_yes_or_no() => words.say("type-yes-or-no"),
        (QuestionKind::Step, _) => words.say("type-done-or-no"),
        (_, 0) => words.say("type-an-answer"),
        (_, most) => words.say_with("type-a-number-to", &[("most", most.into())]),
    };
    format!("  {how}")
}

fn answer_to(words: &Words, question: &Question, line: &str) -> Option<Order> {
    let answer = match question.kind {
        kind if kind.is_yes_or_no() => yes_or_no(words, line)?,
        QuestionKind::Step if words.is_word_for("words-for-done", line) => ClientAnswer::Yes,
        QuestionKind::Step => yes_or_no(words, line).filter(|answer| *answer == ClientAnswer::No)?,
        _ => ClientAnswer::InLanguage(choose(words, question, line)?, words.language()),
    };
    Some(Order::Answer(question.id, answer))
}

/// Anything else is neither: a slip of the finger must not let an engineer in, nor turn one away.
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
pub fn choose(words: &Words, question: &Question, line: &str) -> Option<String> {
    if question.choices.is_empty() {
        return (!line.is_empty()).then(|| line.to_owned());
    }
    let by_number =
        line.parse::<usize>().ok().and_then(|number| question.choices.get(number.checked_sub(1)?));
    let read = words.choices(question);
    let by_words = || {
        let fits = |text: &str| text.eq_ignore_ascii_case(line);
        let mut both = question.choices.iter().zip(&read);
        both.find(|(choice, read)| fits(choice) || fits(read)).map(|(choice, _)| choice)
    };
    by_number.or_else(by_words).cloned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use fieldlink_protocol::ids::QuestionId;
    use fieldlink_protocol::messages::people::{Attendance, Participant};

    use super::*;
    use crate::status::Status;
    use crate::words::Language;

    fn words() -> Words {
        Words::new(Language::English)
    }

    fn shown(phase: Phase, question: Option<Question>) -> View {
        let status = Status { phase, question, ..Status::default() };
        View { status, ..View::default() }
    }

    fn question(kind: QuestionKind, choices: &[&str]) -> Question {
        let choices = choices.iter().map(|&choice| choice.into()).collect();
        Question {
            megabytes: 0,
            id: QuestionId::random(),
            kind,
            minutes: 0,
            function: None,
            titles: Default::default(),
            ready: None,
            text: "?".into(),
            choices,
            who: None,
            until: Duration::ZERO,
        }
    }

    #[test]
    fn somebody_is_removed_by_the_name_that_is_shown() {
        let mut view = shown(Phase::Active, None);
        let person = |name: &str, part| Participant {
            name: name.into(),
            company: String::new(),
            part,
            attendance: Attendance::Here,
            you: false,
        };
        view.status.people = vec![person("Ada", Part::Owner), person("Carol B", Part::Watching)];
        for line in ["remove Carol B", "fieldlink remove \"Carol B\""] {
            assert_eq!(understand(&words(), &view, line), Some(Order::Remove("Carol B".into())), "{line}");
        }
        for line in ["remove the cable", "remove Ada", "Carol B"] {
            assert_eq!(understand(&words(), &view, line), Some(Order::Chat(line.into())), "{line}");
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
        assert_eq!(choose(&words(), &asked, "2").as_deref(), Some("no"));
        assert_eq!(choose(&words(), &asked, "Yes").as_deref(), Some("yes"));
        for wrong in ["0", "3", "", "perhaps", "-1"] {
            assert_eq!(choose(&words(), &asked, wrong), None, "{wrong}");
        }
        assert_eq!(
            choose(&words(), &question(QuestionKind::Text, &[]), "blinking").as_deref(),
            Some("blinking")
        );
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
    fn in_a_session_what_is_typed_is_said() {
        let view = shown(Phase::Active, None);
        assert!(
            matches!(understand(&words(), &view, "It is on"), Some(Order::Chat(text)) if text == "It is on")
        );
        assert!(matches!(understand(&words(), &view, "End"), Some(Order::Stop(Reason::ClientEnded))));
        assert!(understand(&words(), &view, "").is_none());
    }
}
