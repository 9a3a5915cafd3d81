//! What engineer and client say to each other beside the telephone: questions and lines.

use std::collections::{HashSet, VecDeque};
use std::time::SystemTime;

use fieldlink_protocol::messages::Bounded;
use fieldlink_protocol::messages::announcements::{Announcement, Outcome};
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::questions::{Answer, NotNow, Question};
use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::{limits, text, timestamp};
use serde::{Deserialize, Serialize};

use crate::words::say;

/// Lines of a session that are kept.
pub(crate) const KEPT: usize = 100;

/// Who said a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Speaker {
    /// The client, beside the scanner.
    Client,
    /// This engineer.
    Engineer,
}

/// A line that was said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Line {
    /// By whom.
    pub speaker: Speaker,
    /// The question that it answers, if it answers one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub question: Option<String>,
    /// The language that the client read the question in, if that is known.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub language: String,
    /// When it was sent or received here, in seconds since 1970.
    pub at: u64,
    /// The words, fit to be shown.
    pub text: String,
}

impl std::fmt::Display for Line {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let (time, text) = (timestamp::utc(self.at), text::clean(&self.text, limits::CHAT));
        if let Some(question) = &self.question {
            let question = text::clean(question, limits::CHAT);
            return f.write_str(&match self.language.as_str() {
                "" => say!("line-of-answer", time = time, question = question, text = text),
                language => {
                    let language = text::name(language);
                    say!(
                        "line-of-answer-in",
                        time = time,
                        question = question,
                        text = text,
                        language = language
                    )
                }
            });
        }
        f.write_str(&match self.speaker {
            Speaker::Client => say!("line-of-client", time = time, text = text),
            Speaker::Engineer => say!("line-of-engineer", time = time, text = text),
        })
    }
}

impl Line {
    fn now(speaker: Speaker, text: String) -> Self {
        let at = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default().as_secs();
        Self { speaker, question: None, language: String::new(), at, text }
    }
}

/// What was asked, in one line.
pub(crate) fn asked(question: &Question) -> String {
    match question {
        Question::Extension { minutes, .. } => say!("asked-for-time", minutes = u64::from(*minutes)),
        Question::Text { text, .. } | Question::Step { text } => text.clone(),
        Question::Ready { ready } => ready_text(*ready),
        Question::Restart { power: false, .. } => say!("asked-for-restart"),
        Question::Restart { power: true, .. } => say!("asked-for-power"),
        Question::Observer { name, report: false } => say!("asked-to-share", name = text::name(name)),
        Question::Observer { name, report: true } => {
            say!("asked-to-share-and-report", name = text::name(name))
        }
        Question::JoinCode {} => say!("asked-for-join-code"),
        Question::HandOver { name } => say!("asked-to-hand-over", name = text::name(name)),
        Question::Remove { name } => say!("asked-to-remove", name = text::name(name)),
    }
}

/// Why a scanner does not restart.
pub(crate) fn not_now(why: NotNow) -> String {
    match why {
        NotNow::Never => say!("not-now-never"),
        NotNow::OperationRuns => say!("not-now-operation"),
        NotNow::RelayTooOld => say!("not-now-relay"),
        NotNow::Unable => say!("not-now-unable"),
        NotNow::NotStored => say!("not-now-not-stored"),
        NotNow::Interrupted => say!("not-now-interrupted"),
        NotNow::UnderWay => say!("not-now-under-way"),
        NotNow::NotOwner => say!("not-now-not-owner"),
        NotNow::Nobody => say!("not-now-nobody"),
        NotNow::TooMany => say!("not-now-too-many"),
        NotNow::NameTaken => say!("not-now-name-taken"),
    }
}

/// What came of it, and the language of the answer.
pub(crate) fn described(answer: &Answer) -> (String, String) {
    let plain = |text| (text, String::new());
    match answer {
        Answer::Text { text, language } => (text.clone(), language.clone()),
        Answer::Choice { choice, language } => (choice.clone(), language.clone()),
        Answer::Done {} | Answer::Taken {} | Answer::Runbook { .. } => plain(say!("answer-done")),
        Answer::Granted { seconds } => plain(say!("time-granted", minutes = u64::from(seconds.div_ceil(60)))),
        Answer::Restarting { seconds } => {
            plain(say!("restart-begins", minutes = u64::from(seconds.div_ceil(60))))
        }
        Answer::NotNow { why } => plain(not_now(*why)),
        Answer::Refused {} => plain(say!("client-said-no")),
        Answer::NoAnswer {} => plain(say!("client-did-not-answer")),
        Answer::Busy {} => plain(say!("client-is-being-asked")),
        // Secrets: whoever asked reads them, and nothing keeps them.
        Answer::Link { .. } | Answer::JoinCode { .. } => plain(say!("answer-done")),
        Answer::NoMoreTime {} => plain(say!("no-more-time", minutes = limits::SESSION_MAX.as_secs() / 60)),
    }
}

/// A ready question or step, as the engineer reads it; the client reads it in their own language.
pub(crate) fn ready_text(ready: Ready) -> String {
    match ready {
        Ready::LightAtStart => say!("ready-light-at-start"),
        Ready::LightWhileScanning => say!("ready-light-while-scanning"),
        Ready::Sounds => say!("ready-sounds"),
        Ready::BatterySwap => say!("ready-battery-swap"),
        Ready::Cable => say!("ready-cable"),
        Ready::RestartByHand => say!("ready-restart-by-hand"),
    }
}

/// The last lines of a session, the oldest first.
#[derive(Debug, Default)]
pub(crate) struct Transcript(VecDeque<Line>);

impl Transcript {
    /// Keeps a line that is said now.
    pub(crate) fn add(&mut self, speaker: Speaker, text: &str) {
        self.keep(Line::now(speaker, text.to_owned()));
    }

    /// Keeps what came of a question, with the question, the time and the language.
    pub(crate) fn add_answer(&mut self, question: &Question, answer: &Answer) {
        let (text, language) = described(answer);
        let line = Line::now(Speaker::Client, text);
        self.keep(Line { question: Some(asked(question)), language, ..line });
    }

    fn keep(&mut self, line: Line) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(line);
    }

    /// What is kept.
    pub(crate) fn lines(&self) -> impl ExactSizeIterator<Item = &Line> {
        self.0.iter()
    }
}

/// Checks a line that an engineer wants to send.
pub(crate) fn check_line(line: &str) -> Result<(), String> {
    text::check("the line", line, limits::CHAT).map_err(|error| error.to_string())
}

/// Checks a question that an engineer wants to ask.
pub(crate) fn check_question(question: &Question) -> Result<(), String> {
    if let Question::Text { text, choices } = question {
        text::check("the question", text, limits::QUESTION).map_err(|error| error.to_string())?;
        for choice in choices {
            text::check("a choice", choice, limits::CHOICE).map_err(|error| error.to_string())?;
        }
        if choices.len() > limits::CHOICES {
            return Err(say!("too-many-choices", most = limits::CHOICES.to_string()));
        }
        if choices.iter().collect::<HashSet<_>>().len() < choices.len() {
            return Err(say!("choice-twice"));
        }
    }
    let own_words = match question {
        Question::Step { text } => text::check("the step", text, limits::QUESTION),
        Question::Observer { name, .. } => text::check("the name", name, limits::NAME),
        Question::Extension { reason, .. } | Question::Restart { reason, .. } if !reason.is_empty() => {
            text::check("the reason", reason, limits::QUESTION)
        }
        _ => Ok(()),
    };
    own_words.map_err(|error| error.to_string())?;
    // The scanner would end the session over what is beyond the wire's limits.
    FromEngineer::Ask { request: 1, question: question.clone() }.check().map_err(str::to_owned)
}

/// Checks what an engineer wants to announce.
pub(crate) fn check_announcement(announcement: &Announcement) -> Result<(), String> {
    let check = |name, text: &str, most| match text {
        "" => Ok(()),
        text => text::check(name, text, most).map_err(|error| error.to_string()),
    };
    match announcement {
        Announcement::Quiet { text, .. } => check("the text", text, limits::QUESTION)?,
        Announcement::Note { text, .. } => check("the note", text, limits::CHAT)?,
        Announcement::Outcome(Outcome { summary, prepare, .. }) => {
            check("the summary", summary, limits::CHAT)?;
            check("what is to be prepared", prepare, limits::CHAT)?;
        }
        Announcement::QuietOver {} | Announcement::Call {} => {}
    }
    FromEngineer::Announce { request: 1, announcement: announcement.clone() }.check().map_err(str::to_owned)
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::messages::{decode, encode};
    use proptest::prelude::*;

    use super::*;

    fn text(text: &str, choices: &[&str]) -> Question {
        Question::Text { text: text.into(), choices: choices.iter().map(|&choice| choice.into()).collect() }
    }

    #[test]
    fn what_the_client_reads_is_checked_first() {
        for good in [
            text("Is the light green?", &["yes", "no"]),
            text("Was steht da?", &[]),
            Question::Extension { minutes: 60, reason: String::new() },
        ] {
            assert_eq!(check_question(&good), Ok(()));
        }
        for (wrong, why) in [
            (text(" ", &[]), "the question must not be empty"),
            (text(&"x".repeat(501), &[]), "the question is too long: at most 500 bytes"),
            (text("a\u{1b}[2J", &[]), "the question contains a control or invisible character"),
            (text("a?", &["b", ""]), "a choice must not be empty"),
            (text("a?", &[&"x".repeat(61)]), "a choice is too long: at most 60 bytes"),
            (text("a?", &["1", "2", "3", "4", "5", "6", "7"]), "too many choices: name 6 at most"),
            (text("a?", &["b", "c", "b"]), "a choice is there twice: name each once"),
            (
                Question::Extension { minutes: 61, reason: String::new() },
                "an extension is 1 to 60 minutes long",
            ),
        ] {
            assert_eq!(check_question(&wrong), Err(why.to_owned()));
        }
        assert_eq!(check_line("look at the LED, please"), Ok(()));
        assert_eq!(check_line("a\nb"), Err("the line contains a control or invisible character".into()));
        assert!(check_line("").is_err() && check_line(&"x".repeat(1001)).is_err());
    }

    #[test]
    fn the_last_lines_are_kept() {
        let mut transcript = Transcript::default();
        (0..=KEPT).for_each(|number| transcript.add(Speaker::Engineer, &number.to_string()));
        transcript.add(Speaker::Client, "done");
        let texts: Vec<_> = transcript.lines().map(|line| line.text.as_str()).collect();
        assert_eq!((texts.len(), texts[0], texts[KEPT - 1]), (KEPT, "2", "done"));
    }

    #[test]
    fn people_read_who_said_what_and_when() {
        let line = |speaker| Line { at: 1_700_000_000, ..Line::now(speaker, "it \u{1b}blinks".into()) };
        assert_eq!(line(Speaker::Client).to_string(), "2023-11-14T22:13:20Z  the client: it \u{fffd}blinks");
        assert!(line(Speaker::Engineer).to_string().contains("  you: "));
    }

    proptest! {
        /// Nothing that passes here is refused by the scanner, which would end the session.
        #[test]
        fn what_passes_is_fit_for_the_wire(words in "\\PC{0,600}|.{0,600}", choice in "\\PC{0,70}") {
            let question = text(&words, &[&choice]);
            if check_question(&question).is_ok() {
                let sent = encode(&FromEngineer::Ask { request: 7, question });
                prop_assert!(decode::<FromEngineer>(sent.as_bytes()).is_ok());
            }
            if check_line(&words).is_ok() {
                let sent = encode(&FromEngineer::Chat { text: words });
                prop_assert!(decode::<FromEngineer>(sent.as_bytes()).is_ok());
            }
        }
    }
}
