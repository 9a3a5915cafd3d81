//! How much data is moved, and the battery.

use fieldlink_protocol::messages::control::Transfers;

use super::*;

const LIMIT: Option<u64> = Some(100_000_000);

fn flow(transfers: Transfers, limit: Option<u64>) -> RuleEvent {
    RuleEvent::Transfers { transfers, limit }
}

/// A session whose data costs.
fn metered() -> Rules {
    let mut rules = active(Duration::ZERO);
    rules.handle_metered(true);
    assert_eq!(events(&mut rules), [flow(Transfers::Pass, LIMIT)]);
    rules
}

/// The same, past the limit, and the question.
fn asking() -> (Rules, QuestionId) {
    let mut rules = metered();
    rules.handle_past_limit(SECOND);
    let told = events(&mut rules);
    let [RuleEvent::Asked(Asked { id, asking: Asking::Data { megabytes: 100 }, .. }), held] = &told[..]
    else {
        panic!("{told:?}")
    };
    assert_eq!(*held, flow(Transfers::Held, LIMIT));
    (rules, *id)
}

#[test]
fn a_yes_is_for_the_session() {
    let (mut rules, question) = asking();
    let words = answer(&mut rules, question, ClientAnswer::Text("yes".into()));
    assert_eq!(words, Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    answer(&mut rules, question, ClientAnswer::Yes).expect("a yes");
    let answered = RuleEvent::DataAnswered { question, verdict: DataVerdict::Allowed };
    assert_eq!(events(&mut rules), [answered, flow(Transfers::Pass, None)]);
    rules.handle_metered(false);
    rules.handle_metered(true);
    rules.handle_past_limit(SECOND);
    let flows = events(&mut rules);
    assert!(flows.iter().all(|event| *event == flow(Transfers::Pass, None)), "asked once: {flows:?}");
}

#[test]
fn a_no_and_no_answer_stand_for_a_minute() {
    for is_answered in [true, false] {
        let (mut rules, question) = asking();
        let now = if is_answered { SECOND } else { SECOND + limits::CONSENT };
        let verdict = if is_answered { DataVerdict::Refused } else { DataVerdict::Unanswered };
        if is_answered {
            answer(&mut rules, question, ClientAnswer::No).expect("a no");
        } else {
            rules.handle_heard(now);
            rules.handle_timeout(now);
        }
        let answered = RuleEvent::DataAnswered { question, verdict };
        assert_eq!(events(&mut rules), [answered, flow(Transfers::Refused, LIMIT)]);
        let later = now + 60 * SECOND;
        rules.handle_heard(later);
        assert_eq!(due(&mut rules, later - SECOND), []);
        assert_eq!(due(&mut rules, later), [flow(Transfers::Pass, LIMIT)]);
        rules.handle_past_limit(later);
        assert!(matches!(events(&mut rules)[..], [RuleEvent::Asked(_), _]), "it goes on, and is asked about");
    }
}

#[test]
fn what_costs_nothing_is_not_asked_about() {
    let mut rules = active(Duration::ZERO);
    rules.handle_past_limit(SECOND);
    assert_eq!(events(&mut rules), [flow(Transfers::Pass, None)]);
    let (mut rules, question) = asking();
    rules.handle_metered(false);
    assert_eq!(events(&mut rules), [RuleEvent::Withdrawn { question }, flow(Transfers::Pass, None)]);
    let late = answer(&mut rules, question, ClientAnswer::Yes);
    assert_eq!(late, Err(Refusal::Stale(StaleAnswer::NotOpen)));
}

/// What carries much stands still, so the client is asked at once, and answers both.
#[test]
fn it_is_asked_beside_other_questions() {
    let mut rules = metered();
    rules.handle_use(UseId(1), fieldlink_protocol::policy::Function::Exec, SECOND);
    let first = asked(&rules);
    rules.handle_past_limit(SECOND);
    let second = asked(&rules);
    assert_ne!(first, second, "it is shown first");
    events(&mut rules);
    answer(&mut rules, first, ClientAnswer::No).expect("open still");
    answer(&mut rules, second, ClientAnswer::Yes).expect("a yes");
    assert_eq!(events(&mut rules).pop(), Some(flow(Transfers::Pass, None)));
}

#[test]
fn in_a_quiet_period_there_is_time_until_it_is_over() {
    use fieldlink_protocol::messages::announcements::Announcement;
    let mut rules = metered();
    rules.handle_announcement(1.into(), Announcement::Quiet { minutes: 20, text: String::new() }, SECOND);
    rules.handle_past_limit(SECOND);
    let until = rules.state().active().and_then(Active::question).expect("asked").until;
    assert_eq!(until, SECOND + 20 * 60 * SECOND + limits::CONSENT);
}

/// A network that drops and comes back must not ask again what was refused.
#[test]
fn a_no_stands_whatever_the_network_does_meanwhile() {
    let (mut rules, question) = asking();
    answer(&mut rules, question, ClientAnswer::No).expect("a no");
    rules.handle_metered(false);
    rules.handle_metered(true);
    assert_eq!(events(&mut rules).pop(), Some(flow(Transfers::Refused, LIMIT)));
    rules.handle_past_limit(SECOND);
    assert!(!events(&mut rules).iter().any(|event| matches!(event, RuleEvent::Asked(_))));
}

#[test]
fn a_session_begins_with_the_limit_where_data_costs() {
    let (mut rules, registration) = open(Consent::Pin);
    rules.handle_metered(true);
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.handle_greeted(true, SECOND);
    rules.handle_begun();
    assert!(rules.handle_admitted(request(1).session, SECOND));
    assert_eq!(events(&mut rules).pop(), Some(flow(Transfers::Pass, LIMIT)));
}

#[test]
fn a_low_battery_is_told_and_shown() {
    let mut rules = active(Duration::ZERO);
    rules.handle_battery(Some(Battery { percent: 15, is_discharging: true }));
    let low = RuleEvent::BatteryIs { low: Some(15) };
    assert_eq!(events(&mut rules), [low, RuleEvent::BatteryLow { percent: 15 }]);
    assert_eq!(rules.state().active().and_then(Active::low_battery), Some(15));
    rules.handle_battery(Some(Battery { percent: 15, is_discharging: false }));
    assert_eq!(rules.state().active().and_then(Active::low_battery), None);
}
