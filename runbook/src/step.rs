//! A runbook, as it was read: every text is bounded and can be shown, every branch leads on to a step that is there.

use fieldlink_protocol::messages::ready::Ready;
use fieldlink_protocol::messages::runbook::StepResult;

use crate::Texts;

/// A list of steps.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Runbook {
    /// What engineers call it: small letters, digits, `-`, `_` and `.`.
    pub name: String,
    /// What people read.
    pub title: Texts,
    /// In their order; one at least, and [`STEPS`](fieldlink_protocol::messages::runbook::STEPS) at most.
    pub steps: Vec<Step>,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// What branches and `--from` call it. No other one of the runbook has the same.
    pub id: String,
    /// What people read.
    pub title: Texts,
    /// What is done.
    pub verb: Verb,
    /// When it has passed.
    pub expect: Expectation,
    /// Where it leads; the first one that fits counts.
    pub branches: Vec<Branch>,
    /// What becomes of the runbook if it has not passed, and no branch fits.
    pub on_failure: OnFailure,
}

/// What is done in a step.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verb {
    /// The client is asked something.
    Ask {
        /// What.
        question: Texts,
        /// Answers to choose from; with none of them the client types one.
        choices: Vec<Texts>,
    },
    /// The client does something, and says that it is done.
    Step {
        /// What.
        text: Texts,
    },
    /// A question or a step that the scanner has words for.
    Ready(Ready),
    /// A command on the scanner, as it is typed.
    Run(String),
    /// An operation of the scanner's.
    Operation {
        /// Its name.
        name: String,
        /// The name of the file that goes with it, which lies beside the runbook.
        file: Option<String>,
    },
    /// The device restarts, and the session goes on.
    Restart {
        /// Why.
        reason: Texts,
        /// Whether the power is cut by hand instead.
        power: bool,
    },
    /// A note of the session, which the client reads.
    Note(Texts),
    /// The device's health is looked at.
    Health,
}

/// When a step has passed. What is empty is not asked for; an exit code then has to be 0.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Expectation {
    /// The exit codes that are good.
    pub exit: Vec<u8>,
    /// What the command has to print somewhere.
    pub output: Option<String>,
    /// The answers that are good: choices by their English text or their name.
    pub answer: Vec<String>,
}

/// Where a step leads, if its result is this one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Branch {
    /// With which result.
    pub when: When,
    /// Where to.
    pub to: Target,
}

/// A result that a branch is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum When {
    /// This answer.
    Answer(String),
    /// This exit code.
    Exit(u8),
}

/// Where a branch leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Target {
    /// To a later step, counted from 0.
    Step(usize),
    /// To the end of the runbook.
    End,
}

/// What becomes of a runbook if a step has not passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OnFailure {
    /// It stops there.
    #[default]
    Stop,
    /// It goes on with the next step.
    Continue,
}

impl Runbook {
    /// Where the step `id` stands, counted from 0.
    pub fn position(&self, id: &str) -> Option<usize> {
        self.steps.iter().position(|step| step.id == id)
    }
}

impl Verb {
    /// What it is called in the file.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Ask { .. } => "ask",
            Self::Step { .. } => "step",
            Self::Ready(_) => "ready",
            Self::Run(_) => "run",
            Self::Operation { .. } => "operation",
            Self::Restart { .. } => "restart",
            Self::Note(_) => "note",
            Self::Health => "health",
        }
    }

    /// Whether it ends with an exit code.
    pub fn has_exit(&self) -> bool {
        matches!(self, Self::Run(_) | Self::Operation { .. } | Self::Health)
    }

    /// Whether it ends with an answer.
    pub fn has_answer(&self) -> bool {
        matches!(self, Self::Ask { .. }) || matches!(self, Self::Ready(ready) if !ready.is_step())
    }
}

impl Step {
    /// Whether `result` is one that this step can have.
    pub fn can_have(&self, result: &StepResult) -> bool {
        match result {
            StepResult::Exit { .. } => self.verb.has_exit(),
            StepResult::Answer { .. } => self.verb.has_answer(),
            StepResult::Done {} => !self.verb.has_exit() && !self.verb.has_answer(),
            StepResult::NotDone { .. } => true,
        }
    }

    /// Whether a command that printed `output` has printed what it was to print.
    pub fn is_printed(&self, output: &str) -> bool {
        self.expect.output.as_ref().is_none_or(|expected| output.contains(expected.as_str()))
    }

    /// Whether it has passed with `result`.
    pub fn passes_with(&self, result: &StepResult) -> bool {
        let Expectation { exit, answer, .. } = &self.expect;
        match result {
            StepResult::Exit { code, output } => {
                *output && if exit.is_empty() { *code == 0 } else { exit.contains(code) }
            }
            StepResult::Answer { text } => answer.is_empty() || answer.iter().any(|good| is_same(good, text)),
            StepResult::Done {} => true,
            StepResult::NotDone { .. } => false,
        }
    }

    /// Where `result` leads, if a branch says so.
    pub fn branch_with(&self, result: &StepResult) -> Option<Target> {
        let fits = |when: &When| match (when, result) {
            (When::Answer(wanted), StepResult::Answer { text }) => is_same(wanted, text),
            (When::Exit(wanted), StepResult::Exit { code, .. }) => wanted == code,
            _ => false,
        };
        self.branches.iter().find(|branch| fits(&branch.when)).map(|branch| branch.to)
    }
}

/// Whether two answers are the same; people write "Yes" as well as "yes".
fn is_same(one: &str, other: &str) -> bool {
    one.trim().to_lowercase() == other.trim().to_lowercase()
}
