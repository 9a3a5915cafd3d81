//! The runbook that the engineer goes through. It is read and judged here, by the same rules as at the engineer's side:
//! of what they say of it, only the results of its steps count. It gives no right, and ends nothing.

use fieldlink_protocol::ids::SessionId;
use fieldlink_protocol::messages::questions::Answer;
use fieldlink_protocol::messages::runbook::{RunbookRefusal, RunbookRun, StepResult};
use fieldlink_runbook::{DoesNotFit, Execution, Makers, Mark, Origin, Runbook, Stage, Texts};

use super::conversation::Rate;
use super::seat::RequestId;

/// What is told of a runbook.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum RunbookEvent {
    /// The engineer follows this one from now on.
    Began(RunbookStatus),
    /// Its next step is at hand.
    Stepped(RunbookStatus),
    /// It is over.
    Over {
        /// How it stood.
        status: RunbookStatus,
        /// Whether it came to its end.
        is_finished: bool,
    },
    /// It is not shown.
    Refused {
        /// The session in which it was to be.
        session: SessionId,
        /// Why.
        why: RunbookRefusal,
    },
    /// The engineer is to be answered.
    Told {
        /// The engineer's number for what they said.
        request: RequestId,
        /// What they are told.
        answer: Answer,
    },
}

/// How a runbook stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RunbookStatus {
    /// The session.
    pub session: SessionId,
    /// What engineers call it.
    pub name: String,
    /// What people read.
    pub title: Texts,
    /// Whose it is.
    pub origin: Origin,
    /// The step that is next: its place, counted from 1, its name and title. None if it is over.
    pub step: Option<(usize, String, Texts)>,
    /// How many steps it has.
    pub steps: usize,
    /// The step that was over last: its place, its name, its title, whether it passed, and what came of it.
    pub settled: Option<(usize, String, Texts, bool, StepResult)>,
}

/// A runbook that was read and judged, and how far it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Followed {
    execution: Execution,
    origin: Origin,
    text: String,
    signature: Option<String>,
}

/// What the engineer follows, and how often they say so.
pub(super) struct Following {
    pub(super) now: Option<Followed>,
    pub(super) words: Rate,
}

impl Default for Following {
    fn default() -> Self {
        Self { now: None, words: Rate::of_runbooks() }
    }
}

impl Followed {
    /// Reads and judges all of it.
    pub(super) fn read(run: RunbookRun, makers: &Makers) -> Result<Self, RunbookRefusal> {
        let RunbookRun { text, signature, from, results } = run;
        let origin = makers.judge(text.as_bytes(), signature.as_deref())?;
        let runbook = Runbook::parse(&text).map_err(|_| RunbookRefusal::Malformed)?;
        let execution = Execution::resume(runbook, from.into(), &results);
        let execution = execution.map_err(|_| RunbookRefusal::Malformed)?;
        Ok(Self { execution, origin, text, signature })
    }

    /// Whether `other` is the same runbook, be it further or not.
    pub(super) fn is_same(&self, other: &Self) -> bool {
        (&self.text, &self.signature) == (&other.text, &other.signature)
    }

    /// The step that is next is over. An error if it is not this one.
    pub(super) fn settle(&mut self, before: u8, result: StepResult) -> Result<(), DoesNotFit> {
        if self.execution.results().len() != usize::from(before) {
            return Err(DoesNotFit);
        }
        self.execution.settle(result).map(|_| ())
    }

    /// Whether it is over, and if so, whether it came to its end.
    pub(super) fn end(&self) -> Option<bool> {
        match self.execution.stage() {
            Stage::At(_) => None,
            Stage::Ended => Some(true),
            Stage::Stopped => Some(false),
        }
    }

    pub(super) fn origin(&self) -> &Origin {
        &self.origin
    }

    /// How it stands, in this session.
    pub(super) fn status(&self, session: SessionId) -> RunbookStatus {
        let Runbook { name, title, steps } = self.execution.runbook();
        let step = self.execution.next();
        RunbookStatus {
            session,
            name: name.clone(),
            title: title.clone(),
            origin: self.origin.clone(),
            step: step.map(|(number, step)| (number, step.id.clone(), step.title.clone())),
            steps: steps.len(),
            settled: self.settled(),
        }
    }

    /// All of it, for an engineer who was not there.
    fn settled(&self) -> Option<(usize, String, Texts, bool, StepResult)> {
        let last = self.execution.results().last()?;
        let mut entries = self.execution.checklist();
        let entry = entries.find(|entry| entry.result.is_some_and(|result| std::ptr::eq(result, last)))?;
        let (number, step, has_passed) = (entry.number, entry.step, entry.mark == Mark::Passed);
        Some((number, step.id.clone(), step.title.clone(), has_passed, last.clone()))
    }

    pub(super) fn run(&self) -> RunbookRun {
        RunbookRun {
            text: self.text.clone(),
            signature: self.signature.clone(),
            from: u8::try_from(self.execution.from()).unwrap_or(u8::MAX),
            results: self.execution.results().to_vec(),
        }
    }
}
