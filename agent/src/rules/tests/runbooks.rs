//! A runbook is read and judged here, and followed by the results of its steps alone.

use fieldlink_protocol::messages::runbook::{
    RunbookRefusal, RunbookRun, RunbookStanding, RunbookWord, StepResult,
};
use fieldlink_runbook::{Makers, Origin};

use super::*;

const TEXT: &str = "name = \"look\"\ntitle = \"Look\"\n\
                    [[step]]\nid = \"one\"\ntitle = \"One\"\nrun = \"true\"\n\
                    [[step]]\nid = \"two\"\ntitle = \"Two\"\nrun = \"true\"\n";

fn run(text: &str, results: &[StepResult]) -> RunbookWord {
    let (text, results) = (text.to_owned(), results.to_vec());
    RunbookWord::Runs(RunbookRun { text, signature: None, from: 0, results })
}

fn exit(code: u8) -> StepResult {
    StepResult::Exit { code, output: true }
}

fn settled(before: u8, result: StepResult) -> RunbookWord {
    RunbookWord::Settled { before, result }
}

/// Some word.
pub(in crate::rules) fn word(n: u8) -> RunbookWord {
    match n {
        0 => run(TEXT, &[]),
        1 => run(TEXT, &[exit(0)]),
        2 => run("nonsense", &[]),
        3 => settled(0, exit(0)),
        4 => settled(1, exit(1)),
        _ => RunbookWord::GivenUp {},
    }
}

/// What is told of `word`, in short, and what the engineer is answered.
fn say(rules: &mut Rules, word: RunbookWord, now: Duration) -> (Vec<String>, Answer) {
    rules.handle_runbook(7.into(), word, &Makers::default(), now);
    let mut events = events(rules);
    let Some(RuleEvent::Runbook(RunbookEvent::Told { request, answer })) = events.pop() else {
        panic!("no answer: {events:?}");
    };
    assert_eq!(request, 7.into());
    let short = |event| match event {
        RuleEvent::Runbook(RunbookEvent::Began(status)) => format!("began {}", at(&status)),
        RuleEvent::Runbook(RunbookEvent::Stepped(status)) => format!("stepped {}", at(&status)),
        RuleEvent::Runbook(RunbookEvent::Over { is_finished, .. }) => format!("over {is_finished}"),
        RuleEvent::Runbook(RunbookEvent::Refused { why, .. }) => format!("refused {why:?}"),
        other => panic!("{other:?}"),
    };
    (events.into_iter().map(short).collect(), answer)
}

fn at(status: &RunbookStatus) -> String {
    let (number, id, _) = status.step.as_ref().expect("a step");
    assert_eq!((status.name.as_str(), &status.origin), ("look", &Origin::Own));
    format!("{number} of {}: {id}", status.steps)
}

fn own() -> Answer {
    Answer::Runbook { standing: RunbookStanding::Own {} }
}

fn unknown() -> Answer {
    Answer::Runbook { standing: RunbookStanding::Unknown {} }
}

#[test]
fn it_is_followed_step_by_step() {
    let mut rules = active(Duration::ZERO);
    let mut say = |word| say(&mut rules, word, SECOND);
    let told = |text: &str| vec![text.to_owned()];
    assert_eq!(say(settled(0, exit(0))), (Vec::new(), unknown()), "none is known");
    assert_eq!(say(run(TEXT, &[])), (told("began 1 of 2: one"), own()));
    assert_eq!(say(run(TEXT, &[])), (Vec::new(), own()), "the same again is nothing new");
    assert_eq!(say(settled(1, exit(0))), (Vec::new(), unknown()), "it is not so far");
    assert_eq!(say(settled(0, StepResult::Done {})), (Vec::new(), unknown()), "a command has an exit code");
    assert_eq!(say(settled(0, exit(0))), (told("stepped 2 of 2: two"), Answer::Taken {}));
    assert_eq!(say(settled(0, exit(0))), (Vec::new(), unknown()), "once");
    assert_eq!(say(settled(1, exit(0))), (told("over true"), Answer::Taken {}));
    assert_eq!(say(RunbookWord::GivenUp {}), (Vec::new(), Answer::Taken {}), "it is over");
    // Told whole, in the middle; a step that does not pass stops it.
    assert_eq!(say(run(TEXT, &[exit(0)])), (told("began 2 of 2: two"), own()));
    assert_eq!(say(settled(1, exit(1))), (told("over false"), Answer::Taken {}));
    assert_eq!(say(run(TEXT, &[])), (told("began 1 of 2: one"), own()));
    assert_eq!(say(RunbookWord::GivenUp {}), (told("over false"), Answer::Taken {}));
}

#[test]
fn another_one_takes_its_place_and_what_is_not_understood_none() {
    let mut rules = active(Duration::ZERO);
    let mut say = |word| say(&mut rules, word, SECOND);
    say(run(TEXT, &[]));
    let other = format!("{TEXT}\n# another one\n");
    let both = vec!["over false".to_owned(), "began 1 of 2: one".to_owned()];
    assert_eq!(say(run(&other, &[])), (both, own()));
    let why = RunbookRefusal::Malformed;
    let refused = Answer::Runbook { standing: RunbookStanding::Refused { why } };
    for wrong in [run("nonsense", &[]), run(TEXT, &[StepResult::Done {}]), run(TEXT, &vec![exit(0); 3])] {
        assert_eq!(say(wrong), (vec!["refused Malformed".to_owned()], refused.clone()));
    }
    let signed = RunbookRun { text: TEXT.into(), signature: Some("x".into()), from: 0, results: Vec::new() };
    let (told, _) = say(RunbookWord::Runs(signed));
    assert_eq!(told, ["refused SignatureUnreadable"]);
    assert_eq!(say(settled(0, exit(0))).1, Answer::Taken {}, "the one before goes on");
}

#[test]
fn too_much_is_not_read_and_nothing_without_a_session() {
    let mut rules = active(Duration::ZERO);
    let busy = (0..40).filter(|_| say(&mut rules, run(TEXT, &[]), SECOND).1 == Answer::Busy {}).count();
    assert_eq!(busy, 20);
    assert_eq!(say(&mut rules, run(TEXT, &[]), 20 * SECOND).1, own());
    let session = rules.state().active().expect("a session");
    assert_eq!(session.runbook_run().map(|run| run.text), Some(TEXT.to_owned()));
    let (mut off, _) = open(Consent::Ask);
    assert_eq!(say(&mut off, run(TEXT, &[]), SECOND), (Vec::new(), Answer::Busy {}));
}

/// Who comes back is told of it by the agent.
#[test]
fn it_outlives_the_engineers_program() {
    let mut rules = active(Duration::ZERO);
    say(&mut rules, run(TEXT, &[]), SECOND);
    say(&mut rules, settled(0, exit(0)), SECOND);
    assert!(rules.handle_returned(RunId::from_bytes([9; 16]), true, 20 * SECOND));
    let run = rules.state().active().and_then(Active::runbook_run).expect("it is there");
    assert_eq!(run.results, [exit(0)]);
}
