//! From the start to the admission.

use super::*;

#[test]
fn what_does_not_start_is_told_before_the_beginning_is_given_up() {
    let start =
        fieldlink_ssh::session_process::longest_start(fieldlink_ssh::session_process::WatchLimits::default());
    assert!(start + limits::HANDSHAKE <= request::BEGINNING, "{start:?}");
}

/// A relay may say anything at any time; out of turn it changes nothing.
#[test]
fn what_comes_out_of_turn_changes_nothing() {
    let (mut rules, registration) = open(Consent::Ask);
    let session = request(1).session;
    let out_of_turn = |rules: &mut Rules| {
        rules.handle_greeted(true, SECOND);
        assert!(!rules.handle_admitted(session, SECOND) || rules.admits_pipes(session));
        rules.handle_relay_ended(request(2).session, Reason::Revoked, SECOND);
        assert_eq!(events(rules), []);
    };
    out_of_turn(&mut rules);
    assert!(matches!(rules.state(), State::Open { .. }));
    verified(&mut rules, &registration, 1).expect("greeted");
    assert!(!rules.handle_admitted(session, SECOND));
    let question = ask(&mut rules);
    out_of_turn(&mut rules);
    assert_eq!(answer(&mut rules, question, ClientAnswer::Yes), Ok(()));
    assert_eq!(events(&mut rules), [RuleEvent::Allowed { request: request(1) }]);
    out_of_turn(&mut rules);
    rules.handle_begun();
    rules.handle_begun();
    assert_eq!(events(&mut rules), [RuleEvent::Begun]);
    assert!(!rules.handle_admitted(request(2).session, SECOND), "another session");
    assert!(rules.handle_admitted(session, SECOND));
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Admitted { .. }]));
    out_of_turn(&mut rules);
    assert!(rules.admits_pipes(session));
    assert!(rules.poll_timeout().is_some(), "the hour still runs");
}

#[test]
fn another_id_is_drawn_only_before_anyone_could_try_this_one() {
    let mut rules = Rules::new(Consent::Ask, PresenceMode::Off, SessionConfig::default());
    rules.handle_order(Order::Start, SECOND).expect("off");
    for _ in 0..MOST_REDRAWS {
        events(&mut rules);
        rules.handle_id_taken(SECOND);
        assert!(matches!(events(&mut rules)[..], [RuleEvent::Opened { .. }]));
    }
    rules.handle_id_taken(SECOND);
    let taken = Ending::Reason(Reason::IdTaken);
    let away = RuleEvent::Closed { request: None, ending: taken.clone(), is_relay_away: true };
    assert_eq!(events(&mut rules), [away], "the press is used up");
    let (mut rules, _) = open(Consent::Ask);
    rules.handle_relay_lost(outage(), SECOND);
    rules.handle_id_taken(SECOND);
    assert_eq!(events(&mut rules), [closed(None, taken)], "it was registered");
}

#[test]
fn a_call_from_beginning_to_end() {
    let (mut rules, registration) = open(Consent::Ask);
    assert!(rules.handle_pair(&request(1), 0, 0).is_some());
    assert_eq!(verified(&mut rules, &registration, 1), Ok(()));
    let question = ask(&mut rules);
    assert!(rules.handle_pair(&request(2), 0, 0).is_none());
    let declined = RuleEvent::Declined { request: request(2), reason: Reason::Busy };
    assert_eq!(events(&mut rules), [declined], "nothing is charged while asking");
    assert!(rules.handle_charge(&registration, RunId::random()).is_err());
    let stale = Err(Refusal::Stale(StaleAnswer::NotOpen));
    assert_eq!(answer(&mut rules, QuestionId::random(), ClientAnswer::Yes), stale);
    assert_eq!(answer(&mut rules, question, ClientAnswer::Yes), Ok(()));
    assert_eq!(answer(&mut rules, question, ClientAnswer::Yes), stale);
    rules.handle_begun();
    let session = request(1).session;
    assert_eq!(rules.word_to_relay(), Some(FromAgent::Admitted { session }));
    assert!(!rules.admits_pipes(session));
    assert!(rules.handle_admitted(session, 2 * SECOND));
    let (length, deadline) = (3600 * SECOND, 3602 * SECOND);
    let admitted = RuleEvent::Admitted { request: request(1), length, deadline };
    assert_eq!(events(&mut rules).last(), Some(&admitted));
    assert!(rules.admits_pipes(session) && !rules.admits_pipes(request(2).session));
    assert_eq!(rules.word_to_relay(), None);
    assert!(rules.handle_charge(&registration, RunId::random()).is_err(), "the pair is gone");
    let mut now = 2 * SECOND;
    while now < 3601 * SECOND {
        now += 5 * SECOND;
        rules.handle_heard(now.min(3601 * SECOND));
    }
    assert_eq!(due(&mut rules, 3602 * SECOND), ended(Reason::TimeUp));
    let until = rules.poll_timeout().expect("the client is asked for a verdict");
    assert_eq!((due(&mut rules, until), rules.poll_timeout()), (vec![], None));
}

#[test]
fn orders_are_refused_where_they_lead_nowhere() {
    let mut rules = Rules::new(Consent::Ask, PresenceMode::Off, SessionConfig::default());
    let stop = || Order::Stop(Reason::ClientEnded);
    assert_eq!(rules.handle_order(Order::Ping, SECOND), Ok(()));
    assert_eq!(rules.handle_order(stop(), SECOND), Err(Refusal::AlreadyOff));
    assert_eq!(rules.handle_order(Order::End, SECOND), Err(Refusal::NoSession));
    assert_eq!(rules.handle_order(Order::Chat("hello".into()), SECOND), Err(Refusal::NoSession));
    assert_eq!(rules.handle_order(Order::Shutdown(Reason::ClientEnded), SECOND), Ok(()));
    assert_eq!(events(&mut rules), [], "it was off");
    let (mut rules, _) = open(Consent::Ask);
    assert_eq!(rules.handle_order(Order::Start, SECOND), Err(Refusal::AlreadyOn));
    assert_eq!(rules.handle_order(Order::End, SECOND), Err(Refusal::NoSession));
    let grant = Order::Grant(request(1).session, 5);
    assert_eq!(rules.handle_order(grant, SECOND), Err(Refusal::NoSession));
    assert_eq!(rules.handle_order(stop(), SECOND), Ok(()));
    assert_eq!(events(&mut rules), [closed(None, Ending::Reason(Reason::ClientEnded))]);
    let mut rules = active(SECOND);
    assert_eq!(rules.handle_order(Order::End, SECOND), Ok(()));
    assert_eq!(events(&mut rules), ended(Reason::ClientEnded));
}

#[test]
fn a_run_is_charged_once() {
    let (mut rules, registration) = open(Consent::Ask);
    assert!(rules.handle_pair(&request(2), limits::PAIRINGS_AT_ONCE, 0).is_none());
    assert!(rules.handle_pair(&request(2), 2, limits::PAIRINGS_PER_ENGINEER).is_none());
    // What was never charged is forgotten, however often it comes.
    for _ in 0..5_000 {
        assert!(rules.handle_pair(&request(1), 0, 0).is_some());
    }
    let run = request(1).run;
    let charge = rules.handle_charge(&registration, run).expect("new");
    assert_eq!(rules.handle_charge(&registration, run).err(), Some(Reason::ProofReplayed));
    assert_eq!(rules.handle_verified(request(1), &registration, charge, SECOND), Ok(()));
    rules.handle_over(Reason::EngineerEnded, Teller::Party, SECOND);
    assert_eq!(rules.handle_charge(&registration, run).err(), Some(Reason::ProofReplayed));
    assert!(rules.handle_charge(&registration, RunId::random()).is_ok());
}

#[test]
fn a_charge_of_an_earlier_pair_does_not_touch_the_next() {
    let (mut rules, first) = open(Consent::Ask);
    let charges: Vec<_> =
        (0..3).map(|_| rules.handle_charge(&first, RunId::random()).expect("free")).collect();
    rules.handle_order(Order::Stop(Reason::ClientEnded), SECOND).expect("on");
    rules.handle_order(Order::Start, SECOND).expect("off");
    for charge in charges {
        rules.handle_failed(request(1), &first, charge, Reason::WrongPin, SECOND);
    }
    assert!(rules.handle_charge(&first, RunId::random()).is_err());
    let second = registration(&mut rules).expect("a pair");
    assert!(rules.handle_charge(&second, RunId::random()).is_ok());
}

#[test]
fn two_refusals_or_three_wrong_pins_burn_the_pair() {
    let (mut rules, registration) = open(Consent::Ask);
    for told in [Reason::ClientRefused, Reason::BurntByRefusals] {
        verified(&mut rules, &registration, 1).expect("greeted");
        let question = ask(&mut rules);
        assert_eq!(answer(&mut rules, question, ClientAnswer::No), Ok(()));
        let is_usable = told == Reason::ClientRefused;
        let not_let_in = RuleEvent::NotLetIn { request: request(1), why: NotLetIn::Refused, told, is_usable };
        let end = closed(None, Ending::Reason(told));
        let expected = std::iter::once(not_let_in).chain((!is_usable).then_some(end));
        assert_eq!(events(&mut rules), expected.collect::<Vec<_>>());
    }
    let (mut rules, registration) = open(Consent::Ask);
    let charge =
        |rules: &mut Rules| -> Result<Charge, Reason> { rules.handle_charge(&registration, RunId::random()) };
    let charges: Vec<_> = (0..3).map(|_| charge(&mut rules).expect("free")).collect();
    assert_eq!(charge(&mut rules).err(), Some(Reason::Burnt));
    for (is_last, charge) in [false, false, true].into_iter().zip(charges) {
        rules.handle_failed(request(1), &registration, charge, Reason::WrongPin, SECOND);
        let failed = RuleEvent::TryFailed { request: request(1), reason: Reason::WrongPin, is_last };
        assert_eq!(rules.poll_event(), Some(failed));
    }
    assert_eq!(events(&mut rules), [closed(None, Ending::WrongPins(request(1)))]);
}

#[test]
fn no_answer_is_a_refusal_and_unused_access_goes_off() {
    let (mut rules, registration) = open(Consent::Ask);
    assert_eq!(due(&mut rules, 1799 * SECOND), []);
    verified(&mut rules, &registration, 1).expect("greeted");
    ask(&mut rules);
    assert_eq!(due(&mut rules, 60 * SECOND), []);
    let unanswered = RuleEvent::NotLetIn {
        request: request(1),
        why: NotLetIn::Unanswered,
        told: Reason::NoAnswer,
        is_usable: true,
    };
    assert_eq!(due(&mut rules, 61 * SECOND), [unanswered]);
    assert_eq!(due(&mut rules, 1860 * SECOND), []);
    assert_eq!(due(&mut rules, 1861 * SECOND), [closed(None, Ending::Idle)]);
}

#[test]
fn an_engineer_who_leaves_before_the_answer_is_told_apart_from_what_the_relay_says_of_them() {
    let (mut rules, registration) = open(Consent::Ask);
    for (teller, told) in [(Teller::Party, Reason::EngineerEnded), (Teller::Relay, Reason::RelayEnded)] {
        verified(&mut rules, &registration, 1).expect("greeted");
        ask(&mut rules);
        rules.handle_over(Reason::EngineerEnded, teller, SECOND);
        let why = NotLetIn::Gone { reason: Reason::EngineerEnded, teller, was_asked: true };
        let gone = RuleEvent::NotLetIn { request: request(1), why, told, is_usable: true };
        assert_eq!(events(&mut rules), [gone]);
    }
    verified(&mut rules, &registration, 1).expect("the pair is still there");
}

#[test]
fn a_short_outage_is_not_told_to_a_client_who_waits() {
    let (mut rules, registration) = open(Consent::Ask);
    rules.handle_relay_lost(outage(), SECOND);
    assert_eq!((events(&mut rules), rules.relay().is_registered()), (vec![], true));
    rules.handle_registered();
    assert_eq!(due(&mut rules, 60 * SECOND), [RuleEvent::Registered]);
    rules.handle_relay_lost(outage(), 60 * SECOND);
    rules.handle_relay_lost(outage(), 67 * SECOND);
    assert_eq!(rules.poll_timeout(), Some(68 * SECOND), "counted from the first");
    assert_eq!(due(&mut rules, 68 * SECOND), [RuleEvent::RelayLost(outage())]);
    assert_eq!(rules.relay().problem(), Some("no answer"));
    rules.handle_registered();
    verified(&mut rules, &registration, 1).expect("greeted");
    events(&mut rules);
    rules.handle_relay_lost(outage(), 70 * SECOND);
    assert_eq!(events(&mut rules), [RuleEvent::RelayLost(outage())], "at once, with an engineer there");
}
