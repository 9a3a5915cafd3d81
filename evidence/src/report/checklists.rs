//! Runbooks that were gone through, step by step.

use crate::{Entry, Event, RunbookState, Stamp, StepSettled, Titles};

/// A runbook, and how far it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checklist {
    /// Its name.
    pub name: String,
    /// What the client read.
    pub title: Titles,
    /// The name of the maker's key that signed it; none: it is the engineer's own.
    pub maker: Option<String>,
    /// Steps that it has.
    pub steps: u64,
    /// Those that the record shows, in the order in which they were begun.
    pub seen: Vec<StepSeen>,
    /// Whether it came to its end.
    pub progress: Progress,
}

/// A step that was begun.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepSeen {
    /// When.
    pub at: Stamp,
    /// Counted from 1.
    pub number: u64,
    /// Its name.
    pub step: String,
    /// What the client read.
    pub title: Titles,
    /// How it went, once it is over.
    pub settled: Option<StepSettled>,
}

/// How far a runbook came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// The record ends before it does.
    Open,
    /// All of it was gone through.
    Finished,
    /// It was stopped or given up.
    Stopped,
}

/// The runbooks of an account, in order.
pub(super) fn of(entries: &[Entry]) -> Vec<Checklist> {
    let mut lists: Vec<Checklist> = Vec::new();
    for Entry { at, event, .. } in entries {
        let Event::Runbook { name, title, maker, steps, settled, state } = event else { continue };
        let is_same = |list: &Checklist| list.name == *name && list.progress == Progress::Open;
        if !lists.last().is_some_and(is_same) {
            let (name, title, maker) = (name.clone(), title.clone(), maker.clone());
            lists.push(Checklist {
                name,
                title,
                maker,
                steps: *steps,
                seen: Vec::new(),
                progress: Progress::Open,
            });
        }
        if let Some(list) = lists.last_mut() {
            settled.iter().for_each(|settled| settle(list, at, settled));
            follow(list, at, state);
        }
    }
    lists
}

fn settle(list: &mut Checklist, at: &Stamp, settled: &StepSettled) {
    let StepSettled { number, step, title, .. } = settled.clone();
    if list.seen.last().is_none_or(|seen| seen.number != number) {
        list.seen.push(StepSeen { at: at.clone(), number, step, title, settled: None });
    }
    list.seen.last_mut().into_iter().for_each(|seen| seen.settled = Some(settled.clone()));
}

fn follow(list: &mut Checklist, at: &Stamp, state: &RunbookState) {
    match state {
        RunbookState::At { number, step, title } => {
            if list.seen.last().is_none_or(|seen| seen.number != *number) {
                let (at, step, title) = (at.clone(), step.clone(), title.clone());
                list.seen.push(StepSeen { at, number: *number, step, title, settled: None });
            }
        }
        RunbookState::Finished {} => list.progress = Progress::Finished,
        RunbookState::Stopped {} => list.progress = Progress::Stopped,
    }
}
