//! Operations: one at a time, each after a yes, and none of them a part of the session once it runs.

use fieldlink_protocol::ids::OperationId;
use fieldlink_protocol::messages::operation::{OperationEnd, OperationRefusal, OperationState};
use fieldlink_protocol::policy::Permission;

use super::*;

const RUN: OperationId = OperationId::from_bytes([9; 16]);

fn wanted(rules: &mut Rules, id: u64, permission: Permission) -> Vec<RuleEvent> {
    let titles = [(Language::English, "System update".to_owned())].into();
    let wanted = WantedOperation { id: UseId(id), name: "update".into(), titles };
    rules.handle_operation_wanted(wanted, permission, SECOND);
    events(rules)
}

fn decided(id: u64, verdict: Result<(), OperationRefusal>) -> RuleEvent {
    RuleEvent::OperationDecided { id: UseId(id), verdict }
}

fn is(rules: &mut Rules, run: OperationId, state: OperationState) -> Vec<RuleEvent> {
    let (name, line) = ("update".to_owned(), String::new());
    let (session, titles) = (request(1).session, crate::config::Titles::new());
    rules.handle_operation_is(OperationStatus { run, session, name, titles, state, line });
    events(rules)
}

fn over() -> OperationState {
    OperationState::Over { result: OperationEnd::Succeeded {}, restart: false }
}

#[test]
fn it_starts_after_a_yes_and_only_what_was_agreed_to() {
    let mut rules = active(Duration::ZERO);
    assert!(matches!(&wanted(&mut rules, 1, Permission::Ask)[..], [RuleEvent::Asked(_)]));
    assert_eq!(rules.handle_operation_start(UseId(1), RUN), Err(OperationRefusal::Over), "no yes yet");
    assert_eq!(wanted(&mut rules, 2, Permission::Ask), [decided(2, Err(OperationRefusal::Busy))]);
    let question = asked(&rules);
    let words = answer(&mut rules, question, ClientAnswer::Text("yes".into()));
    assert_eq!(words, Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    let answered = RuleEvent::OperationAnswered { question, name: "update".into(), verdict: Ok(()) };
    assert_eq!(events(&mut rules), [answered, decided(1, Ok(()))]);
    assert_eq!(rules.handle_operation_start(UseId(2), RUN), Err(OperationRefusal::Over), "another wish");
    rules.handle_operation_start(UseId(1), RUN).expect("agreed to");
    assert_eq!(rules.handle_operation_start(UseId(1), RUN), Err(OperationRefusal::Over), "once");
    assert_eq!(rules.operation().map(|status| status.state), Some(OperationState::Starting {}));
    events(&mut rules);
    assert_eq!(wanted(&mut rules, 3, Permission::Allowed), [decided(3, Err(OperationRefusal::Busy))]);
    rules.handle_operation_not_started(RUN);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::OperationNotStarted { .. }]));
    assert!(rules.operation().is_none());
}

#[test]
fn a_no_stands_no_answer_does_not_and_a_wish_can_be_taken_back() {
    let mut rules = active(Duration::ZERO);
    wanted(&mut rules, 1, Permission::Ask);
    rules.handle_operation_dropped(UseId(1), SECOND);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Withdrawn { .. }]));
    wanted(&mut rules, 2, Permission::Ask);
    let unanswered = due_when_heard(&mut rules, SECOND + limits::CONSENT);
    assert_eq!(unanswered[1], decided(2, Err(OperationRefusal::Unanswered)));
    wanted(&mut rules, 3, Permission::Ask);
    let question = asked(&rules);
    answer(&mut rules, question, ClientAnswer::No).expect("a no");
    assert_eq!(events(&mut rules)[1], decided(3, Err(OperationRefusal::Refused)));
    assert_eq!(wanted(&mut rules, 4, Permission::Ask), [decided(4, Err(OperationRefusal::Refused))]);
    assert_eq!(wanted(&mut rules, 5, Permission::Never), [decided(5, Err(OperationRefusal::Never))]);
    assert_eq!(wanted(&mut rules, 6, Permission::Allowed), [decided(6, Ok(()))]);
}

/// What is granted waits for its file; the end of the session takes it back.
#[test]
fn what_runs_outlives_the_session_and_what_was_only_agreed_to_does_not() {
    let mut rules = active(Duration::ZERO);
    wanted(&mut rules, 1, Permission::Allowed);
    rules.handle_order(Order::End, SECOND).expect("on");
    events(&mut rules);
    assert_eq!(rules.handle_operation_start(UseId(1), RUN), Err(OperationRefusal::Over));
    let mut rules = active(Duration::ZERO);
    wanted(&mut rules, 1, Permission::Allowed);
    rules.handle_operation_start(UseId(1), RUN).expect("agreed to");
    is(&mut rules, RUN, OperationState::Running { percent: None });
    rules.handle_order(Order::End, SECOND).expect("on");
    events(&mut rules);
    let further = is(&mut rules, RUN, OperationState::Running { percent: Some(7) });
    assert!(
        matches!(further[..], [RuleEvent::OperationIs { is_turn: false, .. }]),
        "nobody is there to be told"
    );
    assert!(matches!(is(&mut rules, RUN, over())[..], [RuleEvent::OperationIs { is_turn: true, .. }]));
    assert!(rules.operation().is_some(), "until an engineer has heard it");
}

#[test]
fn how_it_ended_is_told_once_to_whoever_comes_next() {
    let mut rules = active(Duration::ZERO);
    let told = is(&mut rules, RUN, over());
    assert!(matches!(told[..], [RuleEvent::OperationIs { .. }, RuleEvent::OperationTold { .. }]), "{told:?}");
    rules.handle_operation_told(SECOND);
    assert_eq!(is(&mut rules, RUN, over()), [], "no news");
    rules.handle_order(Order::End, SECOND).expect("on");
    assert!(rules.operation().is_none(), "told, and over");
    assert!(events(&mut rules).contains(&RuleEvent::OperationHeard { run: RUN }));
    let (mut rules, registration) = open_with(Consent::Pin, PresenceMode::Off);
    is(&mut rules, RUN, over());
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.handle_greeted(true, SECOND);
    rules.handle_begun();
    rules.handle_admitted(request(1).session, SECOND);
    assert!(matches!(events(&mut rules).pop(), Some(RuleEvent::OperationTold { .. })));
}

#[test]
fn what_nobody_heard_is_told_again() {
    let mut rules = active(Duration::ZERO);
    is(&mut rules, RUN, over());
    // Its program knows nothing of operations.
    rules.handle_order(Order::End, SECOND).expect("on");
    assert!(rules.operation().is_some() && heard(&mut rules).is_empty());
    // It was said into a connection that was gone already, as was seen only later.
    let mut rules = active(Duration::ZERO);
    is(&mut rules, RUN, over());
    rules.handle_operation_told(SECOND);
    rules.handle_link_down("gone".into());
    rules.handle_order(Order::End, 2 * SECOND).expect("on");
    assert!(rules.operation().is_some() && heard(&mut rules).is_empty());
    // Out of reach nothing is said, and afterwards it is.
    let mut rules = active(Duration::ZERO);
    rules.handle_link_down("gone".into());
    events(&mut rules);
    assert!(matches!(is(&mut rules, RUN, over())[..], [RuleEvent::OperationIs { .. }]));
    rules.handle_heard(SECOND);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Resumed, RuleEvent::OperationTold { .. }]));
}

fn heard(rules: &mut Rules) -> Vec<RuleEvent> {
    let is_it = |event: &RuleEvent| matches!(event, RuleEvent::OperationHeard { .. });
    events(rules).into_iter().filter(is_it).collect()
}
