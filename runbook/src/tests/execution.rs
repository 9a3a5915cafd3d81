//! Which step is next, and that the checklist has every step once.

use fieldlink_protocol::messages::runbook::{NotDone, StepResult};
use proptest::prelude::*;

use crate::{
    Branch, DoesNotFit, Execution, Expectation, Mark, OnFailure, Runbook, Stage, Step, Target, Verb, When,
};

fn step(id: usize, branches: Vec<Branch>, on_failure: OnFailure) -> Step {
    let verb = Verb::Run("true".into());
    let (title, expect) = (crate::Texts::default(), Expectation::default());
    Step { id: format!("s{id}"), title, verb, expect, branches, on_failure }
}

fn runbook(steps: Vec<Step>) -> Runbook {
    Runbook { name: "x".into(), title: crate::Texts::default(), steps }
}

fn exit(code: u8) -> StepResult {
    StepResult::Exit { code, output: true }
}

fn marks(execution: &Execution) -> Vec<&'static str> {
    execution.checklist().map(|entry| entry.mark.name()).collect()
}

fn to(code: u8, to: Target) -> Vec<Branch> {
    vec![Branch { when: When::Exit(code), to }]
}

#[test]
fn a_branch_skips_a_failure_stops_and_the_end_is_the_end() {
    let steps = || {
        vec![
            step(0, to(7, Target::Step(2)), OnFailure::Stop),
            step(1, Vec::new(), OnFailure::Continue),
            step(2, to(9, Target::End), OnFailure::Stop),
            step(3, Vec::new(), OnFailure::Stop),
        ]
    };
    let gone_through = |from, codes: &[u8]| {
        let results: Vec<_> = codes.iter().map(|code| exit(*code)).collect();
        Execution::resume(runbook(steps()), from, &results).expect("they fit")
    };
    let all = gone_through(0, &[0, 1, 0, 0]);
    assert_eq!(marks(&all), ["passed", "failed", "passed", "passed"]);
    assert!(all.stage() == Stage::Ended && !all.has_passed());
    assert!(gone_through(0, &[0, 0, 0, 0]).has_passed());
    let branched = gone_through(0, &[7, 9]);
    assert_eq!(marks(&branched), ["failed", "skipped", "failed", "skipped"]);
    assert_eq!(branched.stage(), Stage::Ended);
    let stopped = gone_through(0, &[1]);
    assert_eq!(marks(&stopped), ["failed", "not-reached", "not-reached", "not-reached"]);
    assert_eq!((stopped.stage(), stopped.next()), (Stage::Stopped, None));
    let later = gone_through(2, &[0]);
    assert_eq!(marks(&later), ["skipped", "skipped", "passed", "not-reached"]);
    assert_eq!(later.next().map(|(number, step)| (number, step.id.as_str())), Some((4, "s3")));
    assert_eq!(Execution::begin(runbook(steps()), 4), Err(DoesNotFit));
    assert_eq!(stopped.clone().settle(exit(0)), Err(DoesNotFit), "it is over");
}

#[test]
fn what_is_expected_decides() {
    let passes = |verb: Verb, expect: Expectation, result: StepResult| {
        let step = Step { verb, expect, ..step(0, Vec::new(), OnFailure::Stop) };
        assert!(step.can_have(&result), "{result:?}");
        step.passes_with(&result)
    };
    let (run, ask) =
        (Verb::Run("x".into()), Verb::Ask { question: crate::Texts::default(), choices: Vec::new() });
    let codes = Expectation { exit: vec![1, 2], ..Expectation::default() };
    assert!(passes(run.clone(), codes.clone(), exit(2)) && !passes(run.clone(), codes, exit(0)));
    let printed = Expectation { output: Some("UP".into()), ..Expectation::default() };
    let unprinted = StepResult::Exit { code: 0, output: false };
    assert!(!passes(run.clone(), printed.clone(), unprinted));
    let with_output = Step { expect: printed, ..step(0, Vec::new(), OnFailure::Stop) };
    assert!(with_output.is_printed("eth0 UP") && !with_output.is_printed("eth0 DOWN"));
    let answers = Expectation { answer: vec!["Green".into()], ..Expectation::default() };
    let answer = |text: &str| StepResult::Answer { text: text.into() };
    assert!(passes(ask.clone(), answers.clone(), answer(" green")));
    assert!(!passes(ask.clone(), answers, answer("red")));
    assert!(!passes(ask.clone(), Expectation::default(), StepResult::NotDone { why: NotDone::Refused }));
    let step = Step { verb: ask, ..step(0, Vec::new(), OnFailure::Stop) };
    assert!(!step.can_have(&exit(0)) && !step.can_have(&StepResult::Done {}));
}

/// A runbook with branches on the codes 2 and 3, and a code for each of its steps.
fn any_runbook() -> impl Strategy<Value = (Runbook, usize, Vec<u8>)> {
    (1usize..12).prop_flat_map(|count| {
        let step_parts = prop::collection::vec((any::<u8>(), any::<u8>(), any::<bool>()), count);
        (step_parts, 0..count, prop::collection::vec(0u8..4, count)).prop_map(move |(parts, from, codes)| {
            let steps = parts.into_iter().enumerate().map(|(index, (two, three, stops))| {
                let target = |choice: u8| match count - index - 1 {
                    0 => Target::End,
                    later => Target::Step(index + 1 + usize::from(choice) % later),
                };
                let branches =
                    [to(2, target(two)), to(3, if three % 3 == 0 { Target::End } else { target(three) })];
                let on_failure = if stops { OnFailure::Stop } else { OnFailure::Continue };
                step(index, branches.concat(), on_failure)
            });
            (runbook(steps.collect()), from, codes)
        })
    })
}

proptest! {
    /// It terminates, the checklist has every step once, and no step stands there that was not taken.
    #[test]
    fn every_runbook_ends_with_every_step_in_its_list((runbook, from, codes) in any_runbook()) {
        let count = runbook.steps.len();
        let mut execution = Execution::begin(runbook, from).expect("there is such a step");
        let mut taken = Vec::new();
        while let Some((number, _)) = execution.next() {
            taken.push(number);
            execution.settle(exit(codes[number - 1])).expect("it fits");
            prop_assert!(taken.len() <= count, "it does not end");
        }
        prop_assert!(taken.is_sorted_by(|a, b| a < b), "forward only: {taken:?}");
        prop_assert!(execution.checklist().map(|entry| entry.number).eq(1..=count));
        for entry in execution.checklist() {
            let was_taken = taken.contains(&entry.number);
            prop_assert_eq!(matches!(entry.mark, Mark::Passed | Mark::Failed), was_taken);
            prop_assert_eq!(entry.result.cloned(), was_taken.then(|| exit(codes[entry.number - 1])));
            let is_left = execution.stage() == Stage::Stopped && entry.number > taken[taken.len() - 1];
            prop_assert_eq!(entry.mark == Mark::NotReached, is_left);
        }
    }

    /// Interrupted anywhere, it is as if it had never been.
    #[test]
    fn resuming_is_never_having_been_interrupted((runbook, from, codes) in any_runbook(), at in 0usize..12) {
        let mut execution = Execution::begin(runbook.clone(), from).expect("there is such a step");
        let mut count = 0;
        while let Some((number, _)) = execution.next() {
            if count == at {
                let again = Execution::resume(runbook.clone(), execution.from(), execution.results());
                prop_assert_eq!(again.as_ref(), Ok(&execution));
                execution = again.expect("the same");
            }
            execution.settle(exit(codes[number - 1])).expect("it fits");
            count += 1;
        }
        let all = Execution::resume(runbook, from, execution.results());
        prop_assert_eq!(all, Ok(execution));
    }
}
