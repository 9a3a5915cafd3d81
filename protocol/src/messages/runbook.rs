//! A runbook that the engineer goes through with the client: a list of steps, each one of the verbs that there are. The
//! engineer's side tells the scanner which one it is, and what came of each step; the scanner reads the list itself, and
//! follows it by the same rules. Feature `runbooks`.
//!
//! It gives no right: each step asks for what it needs as it does without a runbook.

use serde::{Deserialize, Serialize};

use super::all;
use crate::{limits, text};

/// Longest runbook, in bytes of UTF-8.
pub const TEXT: usize = 24 * 1024;
/// Longest signature beside it, in bytes: armoured SSHSIG, and one of RSA with 8192 bits has 2975.
pub const SIGNATURE: usize = 3 * 1024;
/// Steps that a runbook may have.
pub const STEPS: usize = 64;
/// Longest answer that is kept of a step, in bytes of UTF-8: as long as a choice may be.
pub const ANSWER: usize = limits::CHOICE;
/// Longest name of a key that signed a runbook, in bytes.
const KEY: usize = limits::NAME;
/// Longest fingerprint of a key, in bytes.
const FINGERPRINT: usize = 100;

/// A runbook, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RunbookRun {
    /// The whole file, in TOML.
    pub text: String,
    /// The signature beside it, armoured, if there is one.
    pub signature: Option<String>,
    /// The step that it began with, counted from 0.
    pub from: u8,
    /// What came of the steps that were taken, in their order.
    pub results: Vec<StepResult>,
}

/// What came of a step.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case", deny_unknown_fields)]
pub enum StepResult {
    /// A command or an operation is over.
    Exit {
        /// Its exit code; a signal's number and 128 for one that was killed.
        code: u8,
        /// Whether it printed what it was to print, if it was to.
        output: bool,
    },
    /// The client answered.
    Answer {
        /// A choice by its English text or its name, or the beginning of what the client typed; at most [`ANSWER`] bytes.
        text: String,
    },
    /// What was asked for is done: by the client, or told to them, or the device is back.
    Done {},
    /// It could not be done.
    NotDone {
        /// Why.
        why: NotDone,
    },
}

/// Why a step was not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum NotDone {
    /// The client said no.
    Refused,
    /// The client did not answer.
    NoAnswer,
    /// Something else was in the way for too long.
    Busy,
    /// The scanner, or the engineer's side, could not do it.
    Failed,
}

/// What the engineer's side says of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "word", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunbookWord {
    /// This one runs, and is so far. Answered by [`Answer::Runbook`](super::questions::Answer::Runbook).
    Runs(RunbookRun),
    /// Its next step is over. Answered by [`Answer::Taken`](super::questions::Answer::Taken), or by
    /// [`RunbookStanding::Unknown`] if it is not known to be so far.
    Settled {
        /// How many steps were taken before this one.
        before: u8,
        /// What came of it.
        result: StepResult,
    },
    /// It is given up before its end.
    GivenUp {},
}

/// What the scanner makes of a runbook.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "standing", rename_all = "kebab-case", deny_unknown_fields)]
pub enum RunbookStanding {
    /// It is the maker's: a key that the scanner trusts has signed these bytes.
    Maker {
        /// What the scanner's owner calls the key.
        key: String,
        /// The key's fingerprint.
        fingerprint: String,
    },
    /// It is the engineer's own: it is not signed, or by a key that the scanner does not know.
    Own {},
    /// The scanner does not show it to the client, who would take it for something that it is not.
    Refused {
        /// Why.
        why: RunbookRefusal,
    },
    /// It is not known there, or not to be so far: say all of it.
    Unknown {},
}

/// Why a scanner refuses a runbook.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RunbookRefusal {
    /// The file is none that its version understands, or the results do not fit it.
    Malformed,
    /// The signature cannot be read.
    SignatureUnreadable,
    /// The signature was made for something else.
    Namespace,
    /// The signature names a key that the scanner trusts, and is not of these bytes.
    Altered,
}

impl RunbookRun {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        let is_fit = |c: char| matches!(c, '\n' | '\r' | '\t') || !c.is_control();
        all(&[
            (self.text.len() <= TEXT, "the runbook is too long"),
            (self.text.chars().all(is_fit), "the runbook has control characters"),
            (self.signature.as_ref().is_none_or(|sig| is_armour(sig)), "the signature is no armoured one"),
            (usize::from(self.from) < STEPS, "the runbook begins beyond its end"),
            (self.results.len() <= STEPS, "the runbook has too many results"),
        ])?;
        self.results.iter().try_for_each(StepResult::check)
    }
}

/// Whether `signature` may be an armoured one, by its length and characters.
fn is_armour(signature: &str) -> bool {
    let is_fit =
        |c: char| c == '\n' || c == '\r' || (c.is_ascii() && !c.is_control() && !matches!(c, '"' | '\\'));
    signature.len() <= SIGNATURE && signature.chars().all(is_fit)
}

impl StepResult {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Answer { text } => all(&[
                (text.len() <= ANSWER, "the step's answer is too long"),
                (
                    text.chars().all(text::is_harmless),
                    "the step's answer has characters that cannot be shown",
                ),
            ]),
            Self::Exit { .. } | Self::Done {} | Self::NotDone { .. } => Ok(()),
        }
    }
}

impl RunbookWord {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Runs(run) => run.check(),
            Self::Settled { before, result } => {
                all(&[(usize::from(*before) < STEPS, "there are too many steps")])?;
                result.check()
            }
            Self::GivenUp {} => Ok(()),
        }
    }
}

impl RunbookStanding {
    pub(super) fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Maker { key, fingerprint } => all(&[
                (key.len() <= KEY, "the key's name is too long"),
                (fingerprint.len() <= FINGERPRINT, "the key's fingerprint is too long"),
            ]),
            Self::Own {} | Self::Refused { .. } | Self::Unknown {} => Ok(()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::control::{FromAgent, FromEngineer};
    use super::super::{decode, encode, encode_fit};
    use super::*;

    fn run() -> RunbookRun {
        RunbookRun {
            text: "name = \"x\"\n".into(),
            signature: None,
            from: 0,
            results: vec![StepResult::Exit { code: 0, output: true }, StepResult::Done {}],
        }
    }

    fn engineers(word: RunbookWord) -> FromEngineer {
        FromEngineer::Runbook { request: 7, word }
    }

    #[test]
    fn the_wire_is_as_agreed() {
        let runs = engineers(RunbookWord::Runs(run()));
        let text = "{\"type\":\"runbook\",\"request\":7,\"word\":{\"word\":\"runs\",\"text\":\"name = \\\"x\\\"\\n\",\
                    \"signature\":null,\"from\":0,\"results\":[{\"kind\":\"exit\",\"code\":0,\"output\":true},\
                    {\"kind\":\"done\"}]}}";
        assert_eq!(encode(&runs), text);
        let refused = StepResult::NotDone { why: NotDone::Refused };
        let settled = engineers(RunbookWord::Settled { before: 2, result: refused });
        let told = FromAgent::Runbook { run: run() };
        assert_eq!(decode::<FromEngineer>(text.as_bytes()).expect("ours"), runs);
        assert_eq!(decode::<FromEngineer>(encode(&settled).as_bytes()).expect("ours"), settled);
        assert_eq!(decode::<FromAgent>(encode(&told).as_bytes()).expect("ours"), told);
        let more = r#"{"type":"runbook","request":7,"word":{"word":"given-up","more":1}}"#;
        assert!(decode::<FromEngineer>(more.as_bytes()).is_err());
    }

    /// Whatever its characters, the largest one that passes the check is a message.
    #[test]
    fn the_largest_one_fits_into_a_message() {
        let answer = StepResult::Answer { text: "\"".repeat(ANSWER) };
        for text in ["\"", "\n", "ü", "\\"].map(|c| c.repeat(TEXT / c.len())) {
            let signature = Some("\n".repeat(SIGNATURE));
            let run = RunbookRun { text, signature, from: 63, results: vec![answer.clone(); STEPS] };
            let message = encode_fit(&engineers(RunbookWord::Runs(run.clone()))).expect("within its bounds");
            assert!(decode::<FromEngineer>(message.as_bytes()).is_ok(), "{} bytes", message.len());
            let message = encode_fit(&FromAgent::Runbook { run }).expect("within its bounds");
            assert!(decode::<FromAgent>(message.as_bytes()).is_ok(), "{} bytes", message.len());
        }
    }

    #[test]
    fn what_is_beyond_its_bounds_is_refused() {
        let answer = |text: &str| StepResult::Answer { text: text.into() };
        let long = vec![StepResult::Done {}; STEPS + 1];
        for wrong in [
            RunbookRun { text: "x".repeat(TEXT + 1), ..run() },
            RunbookRun { text: "\u{1}".into(), ..run() },
            RunbookRun { signature: Some("x".repeat(SIGNATURE + 1)), ..run() },
            RunbookRun { signature: Some("\"".into()), ..run() },
            RunbookRun { from: 64, ..run() },
            RunbookRun { results: long, ..run() },
            RunbookRun { results: vec![answer(&"x".repeat(ANSWER + 1))], ..run() },
            RunbookRun { results: vec![answer("\u{1b}[2J")], ..run() },
        ] {
            assert!(encode_fit(&engineers(RunbookWord::Runs(wrong.clone()))).is_err(), "{wrong:?}");
            assert!(encode_fit(&FromAgent::Runbook { run: wrong }).is_err());
        }
        let beyond = RunbookWord::Settled { before: 64, result: StepResult::Done {} };
        assert!(encode_fit(&engineers(beyond)).is_err());
    }
}
