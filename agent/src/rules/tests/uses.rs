//! Functions for which the client is asked.

use fieldlink_protocol::policy::{Denied, Function};

use super::*;

fn wanted(rules: &mut Rules, id: u64, function: Function) -> Vec<RuleEvent> {
    rules.handle_use(UseId(id), function, SECOND);
    events(rules)
}

fn decided(uses: &[u64], function: Function, verdict: Result<(), Denied>) -> RuleEvent {
    RuleEvent::UseDecided { uses: uses.iter().map(|id| UseId(*id)).collect(), function, verdict }
}

#[test]
fn the_client_is_asked_once_for_each_function() {
    let mut rules = active(Duration::ZERO);
    let upload = Function::Upload;
    assert!(matches!(wanted(&mut rules, 1, upload)[..], [RuleEvent::Asked(_)]));
    assert_eq!(wanted(&mut rules, 2, upload), [], "it waits for the same answer");
    let question = asked(&rules);
    let words = answer(&mut rules, question, ClientAnswer::Text("yes".into()));
    assert_eq!(words, Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    let answered = RuleEvent::UseAnswered { question, function: upload, verdict: Ok(()) };
    assert_eq!(events(&mut rules), [answered, decided(&[1, 2], upload, Ok(()))]);
    assert_eq!(wanted(&mut rules, 3, upload), [decided(&[3], upload, Ok(()))]);
    let twice = answer(&mut rules, question, ClientAnswer::No);
    assert_eq!(twice, Err(Refusal::Stale(StaleAnswer::NotOpen)));
}

#[test]
fn a_no_and_no_answer_let_nothing_pass() {
    let mut rules = active(Duration::ZERO);
    let (exec, shell) = (Function::Exec, Function::Shell);
    wanted(&mut rules, 1, exec);
    assert_eq!(wanted(&mut rules, 2, shell), [], "one question at a time");
    let question = asked(&rules);
    answer(&mut rules, question, ClientAnswer::No).expect("a no");
    let refused = Err(Denied::Refused(exec));
    let told = events(&mut rules);
    let answered = RuleEvent::UseAnswered { question, function: exec, verdict: refused };
    assert_eq!(told[..2], [answered, decided(&[1], exec, refused)]);
    assert!(matches!(&told[2..], [RuleEvent::Asked(Asked { asking: Asking::Use(Function::Shell), .. })]));
    let question = asked(&rules);
    let unanswered = Err(Denied::Unanswered(shell));
    let answered = RuleEvent::UseAnswered { question, function: shell, verdict: unanswered };
    let after = due_when_heard(&mut rules, SECOND + limits::CONSENT);
    assert_eq!(after, [answered, decided(&[2], shell, unanswered)]);
}

/// A no to the question before must not count for the one that took its place.
#[test]
fn a_click_that_comes_late_decides_nothing() {
    let mut rules = active(Duration::ZERO);
    wanted(&mut rules, 1, Function::Exec);
    wanted(&mut rules, 2, Function::Shell);
    let first = asked(&rules);
    due_when_heard(&mut rules, SECOND + limits::CONSENT);
    assert_ne!(asked(&rules), first);
    for click in [ClientAnswer::Yes, ClientAnswer::No] {
        assert_eq!(answer(&mut rules, first, click), Err(Refusal::Stale(StaleAnswer::NotOpen)));
    }
    assert_eq!(events(&mut rules), []);
}

#[test]
fn who_does_not_wait_any_more_is_not_asked_about() {
    let mut rules = active(Duration::ZERO);
    wanted(&mut rules, 1, Function::Forward);
    wanted(&mut rules, 2, Function::Forward);
    let question = asked(&rules);
    rules.handle_use_dropped(UseId(1), SECOND);
    assert_eq!(events(&mut rules), [], "the other one waits");
    rules.handle_use_dropped(UseId(2), SECOND);
    assert_eq!(events(&mut rules), [RuleEvent::Withdrawn { question }]);
    let late = answer(&mut rules, question, ClientAnswer::Yes);
    assert_eq!(late, Err(Refusal::Stale(StaleAnswer::NotOpen)));
    assert!(matches!(wanted(&mut rules, 3, Function::Forward)[..], [RuleEvent::Asked(_)]), "nobody said yes");
}

#[test]
fn without_a_session_there_is_no_leave() {
    let (mut rules, _) = open(Consent::Ask);
    let over = decided(&[1], Function::Shell, Err(Denied::Over));
    assert_eq!(wanted(&mut rules, 1, Function::Shell), [over]);
}

#[test]
fn who_gives_up_again_and_again_does_not_keep_the_client_busy() {
    let mut rules = active(Duration::ZERO);
    let exec = Function::Exec;
    let mut asked = 0;
    for id in 0..50 {
        match &wanted(&mut rules, id, exec)[..] {
            [RuleEvent::Asked(_)] => asked += 1,
            refused => assert_eq!(refused, [decided(&[id], exec, Err(Denied::TooOften(exec)))]),
        }
        rules.handle_use_dropped(UseId(id), SECOND);
        events(&mut rules);
    }
    assert_eq!(asked, 4);
    rules.handle_use(UseId(99), exec, 20 * SECOND);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Asked(_)]), "later they are asked again");
}
