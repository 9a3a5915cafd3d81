//! A restart with which the session goes on: down, and up again.

use fieldlink_protocol::ids::OperationId;
use fieldlink_protocol::messages::questions::NotNow;
use fieldlink_protocol::policy::Permission;

use super::*;

const ASKED: u32 = 7;

fn question(power: bool) -> Question {
    Question::Restart { reason: "after the update".into(), power }
}

fn wanted(rules: &mut Rules, permission: Permission, able: Result<(), NotNow>) -> Vec<RuleEvent> {
    rules.handle_restart_wanted(ASKED.into(), question(false), (permission, able), SECOND);
    events(rules)
}

fn not_now(why: NotNow) -> RuleEvent {
    RuleEvent::NotAsked { request: ASKED.into(), answer: Answer::NotNow { why } }
}

fn carried(now: Duration) -> Carried {
    let (request, deadline) = (request(1), now + 600 * SECOND);
    let continuity = Continuity::of(&request);
    Carried {
        request,
        continuity,
        deadline,
        most_deadline: deadline + 60 * SECOND,
        until: now + 300 * SECOND,
    }
}

#[test]
fn the_device_restarts_after_a_yes_and_once_it_is_written_down() {
    let mut rules = active(Duration::ZERO);
    assert!(matches!(&wanted(&mut rules, Permission::Ask, Ok(()))[..], [RuleEvent::Asked(_)]));
    let question = asked(&rules);
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    let agreed =
        RuleEvent::RestartAgreed { question: Some(question), request: ASKED.into(), is_power: false };
    assert_eq!(events(&mut rules), [agreed]);
    assert!(rules.state().active().is_some(), "it goes on until it is written down");
    rules.handle_restart_stored((Some(question), ASKED.into(), false), Ok(()), SECOND);
    let told = events(&mut rules);
    assert!(
        matches!(&told[0], RuleEvent::Answered { answer: Answer::Restarting { seconds: 180 }, .. }),
        "{told:?}"
    );
    assert!(matches!(&told[1], RuleEvent::Restarts { is_power: false, .. }));
    assert!(matches!(rules.state(), State::Restarting(_)) && !rules.admits_pipes(request(1).session));
    // The agent is stopped for it: nothing is over.
    rules.handle_order(Order::Shutdown(Reason::AgentStopped), SECOND).expect("carried out");
    assert_eq!(events(&mut rules), []);
}

#[test]
fn what_stands_in_the_way_is_named_and_the_session_goes_on() {
    let mut rules = active(Duration::ZERO);
    assert_eq!(wanted(&mut rules, Permission::Never, Ok(())), [not_now(NotNow::Never)]);
    let old = wanted(&mut rules, Permission::Ask, Err(NotNow::RelayTooOld));
    assert_eq!(old, [not_now(NotNow::RelayTooOld)]);
    let agreed = wanted(&mut rules, Permission::Allowed, Ok(()));
    assert!(matches!(agreed[..], [RuleEvent::RestartAgreed { question: None, .. }]), "{agreed:?}");
    rules.handle_restart_stored((None, ASKED.into(), false), Err(NotNow::NotStored), SECOND);
    assert_eq!(events(&mut rules), [not_now(NotNow::NotStored)]);
    assert!(rules.admits_pipes(request(1).session));
}

#[test]
fn a_device_that_does_not_go_down_ends_the_session_and_so_does_the_client() {
    let begin = |is_power| {
        let mut rules = active(Duration::ZERO);
        rules.handle_restart_stored((None, ASKED.into(), is_power), Ok(()), SECOND);
        events(&mut rules);
        rules
    };
    let mut rules = begin(false);
    rules.handle_restart_failed(SECOND);
    assert_eq!(events(&mut rules).len(), 1);
    let mut rules = begin(false);
    let over = due(&mut rules, SECOND + limits::RESTART_EXPECTED);
    assert!(
        matches!(&over[..], [RuleEvent::Closed { ending: Ending::Reason(Reason::NotBack), .. }]),
        "{over:?}"
    );
    let mut rules = begin(true);
    assert_eq!(due(&mut rules, SECOND + limits::RESTART_EXPECTED), [], "a battery takes longer to swap");
    rules.handle_order(Order::End, SECOND).expect("there is one");
    let over = events(&mut rules);
    assert!(matches!(&over[..], [RuleEvent::Closed { ending: Ending::Reason(Reason::ClientEnded), .. }]));
}

#[test]
fn after_the_restart_the_client_is_asked_and_the_engineer_needs_the_key_and_time_counts_on() {
    let mut rules = Rules::new(Consent::Ask, PresenceMode::Off, SessionConfig::default());
    let now = 10 * SECOND;
    // It had changed hands before.
    let continuity = Continuity { session: request(2).session, seat: SeatId(3), last_seat: 5 };
    assert!(rules.handle_carry_on(Carried { continuity, ..carried(now) }));
    let Some(RuleEvent::CarryOnOffered { question, .. }) = events(&mut rules).pop() else {
        panic!("an offer")
    };
    let run = RunId::from_bytes([7; 16]);
    assert!(rules.handle_pair_again(request(1).session, run).is_none(), "nobody before the yes");
    assert!(!rules.handle_rejoined(run, true, now));
    let words = rules.handle_order(Order::Answer(question, ClientAnswer::Text("yes".into())), now);
    assert_eq!(words, Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    // The clock was set meanwhile, forwards and then back: only the former counts.
    rules.handle_less_time(now + 500 * SECOND, now + 200 * SECOND);
    rules.handle_less_time(now + 9_000 * SECOND, now + 9_000 * SECOND);
    rules.handle_order(Order::Answer(question, ClientAnswer::Yes), now).expect("a yes");
    assert!(matches!(events(&mut rules)[..], [RuleEvent::CarryOnAgreed { .. }]));
    rules.handle_registered();
    assert!(rules.handle_pair_again(SessionId::random(), run).is_none(), "another session");
    assert!(
        rules.handle_pair_again(request(1).session, request(1).run).is_none(),
        "the run before the restart"
    );
    // A try that comes to nothing consumes nothing.
    for n in 10..20 {
        assert!(rules.handle_pair_again(request(1).session, RunId::from_bytes([n; 16])).is_some());
    }
    assert_eq!(rules.handle_pair_again(request(1).session, run).map(|request| request.run), Some(run));
    assert!(rules.handle_rejoined(run, true, now));
    rules.handle_begun();
    let word = FromAgent::PairedAgain { session: request(1).session, run };
    assert_eq!(rules.word_to_relay(), Some(word));
    assert!(rules.handle_admitted(request(1).session, now + SECOND));
    let active = rules.state().active().expect("it goes on");
    assert_eq!((active.deadline, active.extendable()), (now + 500 * SECOND, 60 * SECOND));
    assert_eq!(rules.continuity(), Some(continuity), "it is called what it was called before");
    let admitted = events(&mut rules).into_iter().find_map(|event| match event {
        RuleEvent::Admitted { length, .. } => Some(length),
        _ => None,
    });
    assert_eq!(admitted, Some(499 * SECOND));
}

#[test]
fn a_no_or_no_answer_or_no_engineer_ends_it() {
    let offered = || {
        let mut rules = Rules::new(Consent::Ask, PresenceMode::Off, SessionConfig::default());
        rules.handle_carry_on(carried(SECOND));
        match events(&mut rules).pop() {
            Some(RuleEvent::CarryOnOffered { question, .. }) => (rules, question),
            other => panic!("{other:?}"),
        }
    };
    let ended_by = |rules: &mut Rules| match events(rules).pop() {
        Some(RuleEvent::Closed { ending: Ending::Reason(reason), request: Some(_), .. }) => reason,
        other => panic!("{other:?}"),
    };
    let (mut rules, question) = offered();
    answer(&mut rules, question, ClientAnswer::No).expect("a no");
    assert_eq!(ended_by(&mut rules), Reason::ClientRefused);
    let (mut rules, _) = offered();
    rules.handle_timeout(301 * SECOND);
    assert_eq!(ended_by(&mut rules), Reason::NoAnswer);
    let (mut rules, question) = offered();
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    events(&mut rules);
    rules.handle_timeout(301 * SECOND);
    assert_eq!(ended_by(&mut rules), Reason::EngineerLost);
    let (mut rules, question) = offered();
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    events(&mut rules);
    rules.handle_relay_closed(Reason::EngineerEnded, SECOND);
    assert!(matches!(events(&mut rules).pop(), Some(RuleEvent::Closed { ending: Ending::Hearsay(_), .. })));
    assert!(!active(Duration::ZERO).handle_carry_on(carried(SECOND)), "not into another session");
}

#[test]
fn what_began_after_the_question_stands_in_the_way_too() {
    let stored = |rules: &mut Rules| {
        let goes_down = rules.handle_restart_stored((None, ASKED.into(), true), Ok(()), SECOND);
        (goes_down, events(rules).pop())
    };
    let refused = |why| (false, Some(not_now(why)));
    let mut rules = active(Duration::ZERO);
    rules.handle_link_down("gone".into());
    events(&mut rules);
    assert_eq!(stored(&mut rules), refused(NotNow::Interrupted));
    let mut rules = active(Duration::ZERO);
    let (id, titles) = (UseId(1), Default::default());
    let wanted = WantedOperation { id, name: "update".into(), titles };
    rules.handle_operation_wanted(wanted, Permission::Allowed, SECOND);
    assert_eq!(stored(&mut rules), refused(NotNow::OperationRuns), "its file is on the way");
    rules.handle_operation_start(id, OperationId::from_bytes([1; 16])).expect("agreed to");
    assert_eq!(stored(&mut rules), refused(NotNow::OperationRuns));
}

#[test]
fn a_clock_that_is_set_later_ends_what_came_too_late() {
    let mut rules = Rules::new(Consent::Pin, PresenceMode::Off, Default::default());
    assert!(rules.handle_carry_on(carried(Duration::ZERO)));
    events(&mut rules);
    rules.handle_carried_too_late(Reason::NotBack, SECOND);
    let over = events(&mut rules);
    assert!(
        matches!(&over[..], [RuleEvent::Closed { ending: Ending::Reason(Reason::NotBack), .. }]),
        "{over:?}"
    );
}

#[test]
fn what_is_offered_outlives_the_agent() {
    let mut rules = Rules::new(Consent::Pin, PresenceMode::Off, Default::default());
    assert!(rules.handle_carry_on(carried(Duration::ZERO)));
    events(&mut rules);
    rules.handle_order(Order::Shutdown(Reason::AgentStopped), SECOND).expect("carried out");
    assert_eq!(events(&mut rules), [], "the device restarts once more");
}
