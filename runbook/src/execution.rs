//! Which step is next, and what became of the others. Branches lead on only, so every runbook comes to an end.

use fieldlink_protocol::messages::runbook::StepResult;

use crate::{OnFailure, Runbook, Step, Target};

/// What became of a step.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// It came to what was expected.
    Passed,
    /// It did not.
    Failed,
    /// It was left out: a branch led past it, or the runbook began behind it.
    Skipped,
    /// The runbook has not come so far, and if it is over, never will.
    NotReached,
}

impl Mark {
    /// The name in `--json`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Passed => "passed",
            Self::Failed => "failed",
            Self::Skipped => "skipped",
            Self::NotReached => "not-reached",
        }
    }
}

/// Where a runbook stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stage {
    /// This step is next, counted from 0.
    At(usize),
    /// It came to its end.
    Ended,
    /// It stopped, because a step had not passed.
    Stopped,
}

/// A result that the step which is next cannot have, or there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not go on with the runbook: the result is none of the step that is next")]
pub struct DoesNotFit;

/// A line of the checklist.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Entry<'a> {
    /// The step's place, counted from 1.
    pub number: usize,
    /// The step.
    pub step: &'a Step,
    /// What became of it.
    pub mark: Mark,
    /// What came of it, if it was taken.
    pub result: Option<&'a StepResult>,
}

/// A runbook that is gone through.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Execution {
    runbook: Runbook,
    from: usize,
    results: Vec<StepResult>,
    /// For each step: what became of it, and which result it has.
    marks: Vec<(Mark, Option<usize>)>,
    stage: Stage,
}

impl Execution {
    /// Begins with the step `from`, counted from 0. The steps before it are skipped. An error if there is no such step.
    pub fn begin(runbook: Runbook, from: usize) -> Result<Self, DoesNotFit> {
        if from >= runbook.steps.len() {
            return Err(DoesNotFit);
        }
        let mut marks = vec![(Mark::NotReached, None); runbook.steps.len()];
        marks[..from].fill((Mark::Skipped, None));
        Ok(Self { runbook, from, results: Vec::new(), marks, stage: Stage::At(from) })
    }

    /// Goes on where one stands that began with `from` and had these results: it is as if it had never been interrupted.
    pub fn resume(runbook: Runbook, from: usize, results: &[StepResult]) -> Result<Self, DoesNotFit> {
        let mut execution = Self::begin(runbook, from)?;
        results.iter().try_for_each(|result| execution.settle(result.clone()).map(|_| ()))?;
        Ok(execution)
    }

    /// The step that is next is over. Whether it has passed.
    pub fn settle(&mut self, result: StepResult) -> Result<bool, DoesNotFit> {
        let Stage::At(index) = self.stage else { return Err(DoesNotFit) };
        let step = &self.runbook.steps[index];
        if !step.can_have(&result) {
            return Err(DoesNotFit);
        }
        let has_passed = step.passes_with(&result);
        let next = match (step.branch_with(&result), step.on_failure) {
            (Some(Target::Step(next)), _) => Some(next),
            (Some(Target::End), _) => Some(self.marks.len()),
            (None, OnFailure::Stop) if !has_passed => None,
            (None, _) => Some(index + 1),
        };
        self.marks[index] = (if has_passed { Mark::Passed } else { Mark::Failed }, Some(self.results.len()));
        self.results.push(result);
        self.stage = match next {
            Some(next) => self.go_to(index, next),
            None => Stage::Stopped,
        };
        Ok(has_passed)
    }

    fn go_to(&mut self, index: usize, next: usize) -> Stage {
        self.marks[index + 1..next].fill((Mark::Skipped, None));
        if next < self.marks.len() { Stage::At(next) } else { Stage::Ended }
    }

    /// Where it stands.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The step that is next, with its place, counted from 1.
    pub fn next(&self) -> Option<(usize, &Step)> {
        match self.stage {
            Stage::At(index) => Some((index + 1, &self.runbook.steps[index])),
            Stage::Ended | Stage::Stopped => None,
        }
    }

    /// Whether it came to its end, and every step that was taken has passed.
    pub fn has_passed(&self) -> bool {
        self.stage == Stage::Ended && self.marks.iter().all(|(mark, _)| *mark != Mark::Failed)
    }

    /// Every step once, in the order of the runbook.
    pub fn checklist(&self) -> impl Iterator<Item = Entry<'_>> {
        self.runbook.steps.iter().zip(&self.marks).zip(1..).map(|((step, (mark, result)), number)| Entry {
            number,
            step,
            mark: *mark,
            result: result.map(|index| &self.results[index]),
        })
    }

    /// The runbook.
    pub fn runbook(&self) -> &Runbook {
        &self.runbook
    }

    /// The step that it began with, counted from 0.
    pub fn from(&self) -> usize {
        self.from
    }

    /// What came of the steps that were taken, in their order.
    pub fn results(&self) -> &[StepResult] {
        &self.results
    }
}
