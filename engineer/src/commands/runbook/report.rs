//! What the engineer reads of a runbook: each step, what came of it, and the checklist.

use fieldlink_protocol::messages::runbook::{NotDone, RunbookStanding, StepResult};
use fieldlink_protocol::text;
use fieldlink_runbook::{Entry, Execution, Mark, Runbook, Stage, Step, Target, Verb, When};
use serde_json::{Value, json};

use super::file::{Signed, Written};
use crate::printing::{print_answer, print_json};
use crate::words::say;

/// For people, or for programs: one object a line.
pub(super) struct Report {
    json: bool,
}

impl Report {
    pub(super) fn new(json: bool) -> Self {
        Self { json }
    }

    /// Whether it is for programs.
    pub(super) fn is_json(&self) -> bool {
        self.json
    }

    /// Prints `line` for people, or `value` for programs.
    fn print(&self, line: &str, value: &Value) {
        if self.json { print_json(&value.to_string()) } else { print_answer(line) }
    }

    /// Whose the scanner takes it for.
    pub(super) fn standing(&self, runbook: &Runbook, standing: &RunbookStanding) {
        let title = runbook.title.english();
        let (line, origin) = match standing {
            RunbookStanding::Maker { key, fingerprint } => {
                let (key, fingerprint) = (text::name(key), text::name(fingerprint));
                (say!("runbook-is-makers", title = title, key = key, fingerprint = fingerprint), "maker")
            }
            _ => (say!("runbook-is-own", title = title), "engineer"),
        };
        let steps = runbook.steps.len();
        self.print(&line, &json!({ "runbook": runbook.name, "origin": origin, "steps": steps }));
    }

    /// A step begins.
    pub(super) fn begins(&self, number: usize, count: usize, step: &Step) {
        let title = step.title.english();
        let line = say!("runbook-step-begins", number = number as u64, count = count as u64, title = title);
        self.print(&line, &json!({ "step": step.id, "number": number, "state": "begun" }));
    }

    /// The client is waited for.
    pub(super) fn waits(&self) {
        self.says(&say!("runbook-waits-for-client"));
    }

    /// What the engineer should know of a step.
    pub(super) fn says(&self, what: &str) {
        if !self.json {
            print_answer(&say!("runbook-line", line = what));
        }
    }

    /// A line that a command prints.
    pub(super) fn prints(&self, line: &str) {
        self.print(&say!("runbook-line", line = line), &json!({ "output": line }));
    }

    /// The step with this number is over.
    pub(super) fn ended(&self, number: usize, execution: &Execution) {
        if let Some(entry) = execution.checklist().find(|entry| entry.number == number) {
            let count = execution.runbook().steps.len() as u64;
            let (title, outcome) = (entry.step.title.english(), outcome(&entry));
            let number = number as u64;
            let line =
                say!("runbook-step-ended", number = number, count = count, title = title, outcome = outcome);
            self.print(&line, &as_json(&entry));
        }
    }

    /// What became of every step.
    pub(super) fn checklist(&self, execution: &Execution) {
        let title = execution.runbook().title.english();
        let heading = match (execution.stage(), execution.has_passed()) {
            (_, true) => say!("runbook-all-passed", title = title),
            (Stage::Ended, false) => say!("runbook-ended", title = title),
            (_, false) => say!("runbook-stopped", title = title),
        };
        if self.json {
            let list: Vec<_> = execution.checklist().map(|entry| as_json(&entry)).collect();
            print_json(&json!({ "checklist": list, "passed": execution.has_passed() }).to_string());
            return;
        }
        print_answer(&heading);
        for entry in execution.checklist() {
            let (number, title, outcome) = (entry.number as u64, entry.step.title.english(), outcome(&entry));
            print_answer(&say!("runbook-entry", number = number, title = title, outcome = outcome));
        }
    }

    /// What would be done.
    pub(super) fn plan(&self, written: &Written) {
        let runbook = &written.runbook;
        let signature = match written.signed() {
            Ok(Signed::By(fingerprint)) => Some(fingerprint),
            _ => None,
        };
        if self.json {
            let steps = runbook.steps.iter();
            let steps = steps.map(|step| json!({ "id": step.id, "verb": step.verb.name() }));
            let steps = Value::Array(steps.collect());
            print_json(
                &json!({ "runbook": runbook.name, "signature": signature, "steps": steps }).to_string(),
            );
            return;
        }
        let (name, title) = (runbook.name.as_str(), runbook.title.english());
        print_answer(&say!("runbook-plan", name = name, title = title));
        print_answer(&match signature {
            Some(key) => say!("runbook-plan-signed", key = key),
            None => say!("runbook-plan-unsigned"),
        });
        for (step, number) in runbook.steps.iter().zip(1u64..) {
            let (id, title, what) = (step.id.as_str(), step.title.english(), what(&step.verb));
            print_answer(&say!("runbook-plan-step", number = number, id = id, title = title, what = what));
            step.branches
                .iter()
                .for_each(|branch| print_answer(&branch_line(runbook, &branch.when, branch.to)));
        }
    }
}

/// What a step does, in one line.
fn what(verb: &Verb) -> String {
    let verb_name = verb.name();
    let what = match verb {
        Verb::Ask { question: text, .. } | Verb::Step { text } | Verb::Note(text) => {
            text.english().to_owned()
        }
        Verb::Ready(ready) => ready.name().to_owned(),
        Verb::Run(command) => command.clone(),
        Verb::Operation { name, .. } => name.clone(),
        Verb::Health => String::new(),
        Verb::Restart { reason, .. } => reason.english().to_owned(),
    };
    say!("runbook-plan-what", verb = verb_name, what = what)
}

fn branch_line(runbook: &Runbook, when: &When, to: Target) -> String {
    let to = match to {
        Target::Step(index) => runbook.steps[index].id.clone(),
        Target::End => say!("runbook-end"),
    };
    match when {
        When::Answer(answer) => say!("runbook-plan-answer", answer = answer, to = to),
        When::Exit(code) => say!("runbook-plan-exit", code = u64::from(*code), to = to),
    }
}

/// What became of a step, in words.
fn outcome(entry: &Entry<'_>) -> String {
    let detail = match entry.result {
        Some(StepResult::Exit { code, output: false }) => {
            say!("runbook-without-output", code = u64::from(*code))
        }
        Some(StepResult::Exit { code, .. }) => say!("runbook-exit-code", code = u64::from(*code)),
        Some(StepResult::Answer { text }) => text::name(text),
        Some(StepResult::NotDone { why }) => not_done(*why),
        Some(StepResult::Done {}) | None => String::new(),
    };
    let mark = match entry.mark {
        Mark::Passed => say!("runbook-passed"),
        Mark::Failed => say!("runbook-failed"),
        Mark::Skipped => say!("runbook-skipped"),
        Mark::NotReached => say!("runbook-not-reached"),
    };
    match detail.as_str() {
        "" => mark,
        detail => say!("runbook-outcome", mark = mark, detail = detail),
    }
}

fn not_done(why: NotDone) -> String {
    match why {
        NotDone::Refused => say!("client-said-no"),
        NotDone::NoAnswer => say!("client-did-not-answer"),
        NotDone::Busy => say!("client-is-being-asked"),
        NotDone::Failed => say!("runbook-not-done"),
    }
}

fn as_json(entry: &Entry<'_>) -> Value {
    json!({
        "step": entry.step.id,
        "number": entry.number,
        "state": entry.mark.name(),
        "result": entry.result,
    })
}
