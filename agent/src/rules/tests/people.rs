//! Further engineers and those who watch.

use fieldlink_protocol::messages::announcements::Announcement;
use fieldlink_protocol::messages::people::Part;
use fieldlink_protocol::messages::questions::NotNow;
use fieldlink_protocol::policy::Permission;

use super::*;

const FIRST: u32 = 7;

/// An engineer called `name`, with a session of their own at the relay.
fn named(n: u8, name: &str) -> Request {
    let engineer = EngineerIdentity { name: name.into(), ..request(n).engineer };
    Request { engineer, ..request(n) }
}

/// Draws a code; the place that it leads to.
fn draw(rules: &mut Rules, now: Duration) -> SeatId {
    rules.handle_join_code_wanted(FIRST.into(), (Permission::Ask, Ok(())), now);
    let drawn = events(rules).into_iter().find_map(|event| match event {
        RuleEvent::Guest { seat, event: GuestEvent::CodeDrawn { .. } } => Some(seat),
        _ => None,
    });
    drawn.expect("a code")
}

/// A try that is charged.
fn charge(rules: &mut Rules, seat: SeatId, request: &Request) -> Result<Charge, Reason> {
    let trial = rules.handle_guest_pair(seat, request, (0, 0)).ok_or(Reason::CodeUsedUp)?;
    rules.handle_charge(&trial.registration, request.run)
}

fn prove(rules: &mut Rules, seat: SeatId, request: &Request, now: Duration) {
    let charge = charge(rules, seat, request).expect("it is good");
    rules.handle_guest_verified(seat, (request.clone(), charge), now).expect("proven");
}

/// Somebody who has proven a code, and whom the client lets in.
fn join(rules: &mut Rules, request: &Request, observes: bool, now: Duration) -> SeatId {
    let seat = draw(rules, now);
    prove(rules, seat, request, now);
    rules.handle_guest_greeted(seat, (true, observes), Permission::Ask, now);
    let question = asked(rules);
    rules.handle_order(Order::Answer(question, ClientAnswer::Yes), now).expect("open");
    assert!(rules.handle_guest_admitted(seat, request.session, now));
    events(rules);
    seat
}

fn names(rules: &Rules) -> Vec<String> {
    rules.state().active().expect("a session").people().into_iter().map(|person| person.shown.name).collect()
}

fn not_now(events: &[RuleEvent]) -> Vec<NotNow> {
    let why = |event: &RuleEvent| match event {
        RuleEvent::NotAsked { answer: Answer::NotNow { why }, .. } => Some(*why),
        _ => None,
    };
    events.iter().filter_map(why).collect()
}

#[test]
fn a_code_is_good_for_five_minutes_three_tries_and_one_engineer() {
    let mut rules = active(SECOND);
    let seat = draw(&mut rules, SECOND);
    rules.handle_heard(300 * SECOND);
    due(&mut rules, 300 * SECOND);
    assert!(rules.handle_guest_pair(seat, &request(2), (0, 0)).is_some());
    rules.handle_heard(301 * SECOND);
    due(&mut rules, 301 * SECOND);
    assert_eq!(charge(&mut rules, seat, &request(2)).err(), Some(Reason::CodeUsedUp), "it is too late");

    let seat = draw(&mut rules, 302 * SECOND);
    for n in 2..5 {
        let charge = charge(&mut rules, seat, &request(n)).expect("a try");
        rules.handle_guest_failed(seat, (request(n), charge, Reason::WrongPin));
    }
    assert_eq!(charge(&mut rules, seat, &request(5)).err(), Some(Reason::CodeUsedUp), "the fourth");

    let seat = draw(&mut rules, 303 * SECOND);
    prove(&mut rules, seat, &request(2), 303 * SECOND);
    assert_eq!(charge(&mut rules, seat, &request(3)).err(), Some(Reason::CodeUsedUp), "it is used");

    let (old, seat) = (draw(&mut rules, 320 * SECOND), draw(&mut rules, 321 * SECOND));
    assert_eq!(charge(&mut rules, old, &request(3)).err(), Some(Reason::CodeUsedUp), "there is a newer one");
    let _spent = charge(&mut rules, seat, &request(3)).expect("a try");
    assert!(charge(&mut rules, seat, &request(3)).is_err(), "a run is played once");
}

#[test]
fn tries_side_by_side_are_three_as_well_and_a_late_one_opens_nothing() {
    let mut rules = active(SECOND);
    let seat = draw(&mut rules, SECOND);
    let charges: Vec<_> = (2..8).map(|n| charge(&mut rules, seat, &request(n))).collect();
    assert_eq!(charges.iter().filter(|charge| charge.is_ok()).count(), 3);
    let mut charges = charges.into_iter().flatten();
    let (one, other) = (charges.next().expect("one"), charges.next().expect("another"));
    rules.handle_guest_verified(seat, (request(2), one), SECOND).expect("the first");
    let late = rules.handle_guest_verified(seat, (request(3), other), SECOND);
    assert_eq!(late, Err(Reason::CodeUsedUp));
}

#[test]
fn names_are_told_apart_and_stay_with_their_people() {
    let mut rules = active(SECOND);
    let one = join(&mut rules, &named(2, "ADA"), false, SECOND);
    join(&mut rules, &named(3, "Ada (2)"), true, SECOND);
    assert_eq!(names(&rules), ["Ada", "ADA (2)", "Ada (2) (2)"]);
    rules.handle_hand_over(FIRST.into(), "ada (2)", SECOND);
    assert_eq!(names(&rules), ["ADA (2)", "Ada", "Ada (2) (2)"], "only the order is another one");
    let active = rules.state().active().expect("a session");
    assert_eq!((active.seat, active.people()[0].shown.part), (one, Part::Owner));
    rules.handle_order(Order::Remove("Ada".into()), SECOND).expect("the former owner");
    assert_eq!(names(&rules), ["ADA (2)", "Ada (2) (2)"]);
    assert!(rules.handle_order(Order::Remove("ADA (2)".into()), SECOND).is_err(), "it is theirs");
}

#[test]
fn what_only_the_owner_may_ask_is_not_asked_for_them_any_more() {
    let mut rules = active(SECOND);
    let other = join(&mut rules, &named(2, "Bob"), false, SECOND);
    let extension = || Question::Extension { minutes: 5, reason: "one more test".into() };
    let of_other = |number| RequestId { seat: other, number };
    rules.handle_question(of_other(1), extension(), 2 * SECOND);
    rules.handle_announcement(
        of_other(2),
        Announcement::Quiet { minutes: 5, text: String::new() },
        2 * SECOND,
    );
    assert_eq!(not_now(&events(&mut rules)), [NotNow::NotOwner; 2]);
    rules.handle_question(FIRST.into(), extension(), 2 * SECOND);
    let seat = draw(&mut rules, 2 * SECOND);
    rules.handle_hand_over(8.into(), "Bob", 3 * SECOND);
    let told = events(&mut rules);
    assert_eq!(not_now(&told), [NotNow::NotOwner]);
    assert!(told.iter().any(|event| matches!(event, RuleEvent::Withdrawn { .. })));
    assert!(rules.state().active().is_some_and(|active| active.more_time.is_none()));
    assert!(rules.handle_guest_pair(seat, &request(3), (0, 0)).is_none(), "their code is good no more");
    events(&mut rules);
    rules.handle_question(of_other(3), extension(), 14 * SECOND);
    let told = events(&mut rules);
    assert!(matches!(told[..], [RuleEvent::Asked(_)]), "{told:?}");
    // What was agreed to with the former owner was written down for them.
    assert!(!rules.handle_restart_stored((None, FIRST.into(), false), Ok(()), 15 * SECOND));
    assert!(rules.handle_restart_stored((None, of_other(4), false), Ok(()), 15 * SECOND));
}

#[test]
fn a_session_goes_on_with_whoever_works_in_it_and_with_nobody_else() {
    let mut rules = active(SECOND);
    let watching = join(&mut rules, &named(2, "Bob"), true, SECOND);
    rules.handle_hand_over(FIRST.into(), "Bob", SECOND);
    assert_eq!(not_now(&events(&mut rules)), [NotNow::Nobody], "who only watches cannot have it");
    let working = join(&mut rules, &named(3, "Carol"), false, SECOND);
    rules.handle_relay_ended(request(1).session, Reason::Revoked, 2 * SECOND);
    let owner = rules.state().active().map(|active| active.seat);
    assert_eq!(owner, Some(working));
    assert_eq!(names(&rules), ["Carol", "Bob"]);
    events(&mut rules);
    rules.handle_relay_ended(named(3, "Carol").session, Reason::Revoked, 3 * SECOND);
    let told = events(&mut rules);
    assert!(matches!(told.last(), Some(RuleEvent::Closed { .. })), "{told:?}");
    let is_gone = |event: &RuleEvent| matches!(event, RuleEvent::Guest { seat, event: GuestEvent::Over { .. } } if *seat == watching);
    assert!(told.iter().any(is_gone), "{told:?}");
}

#[test]
fn whoever_speaks_without_owning_it_is_named_and_fits() {
    let mut rules = active(SECOND);
    let bob = join(&mut rules, &named(2, "Bob"), false, SECOND);
    assert!(rules.handle_engineers_chat(bob, &"\u{1}".repeat(1000), SECOND));
    let told = events(&mut rules);
    let [RuleEvent::Chat { text, .. }] = &told[..] else { panic!("{told:?}") };
    assert!(text.starts_with("Bob: ") && text.len() <= limits::CHAT, "{} bytes", text.len());
    let request = RequestId { seat: bob, number: 1 };
    rules.handle_question(request, Question::Text { text: "\u{1}".repeat(500), choices: vec![] }, SECOND);
    let told = events(&mut rules);
    let [RuleEvent::Asked(asked)] = &told[..] else { panic!("{told:?}") };
    let Asking::Engineers { question: Question::Text { text, .. }, .. } = &asked.asking else { panic!() };
    assert!(text.starts_with("Bob: ") && text.len() <= limits::QUESTION, "{} bytes", text.len());
}

#[test]
fn four_watch_at_a_time_and_links_are_not_made_for_ever() {
    let mut rules = active(SECOND);
    let share = |rules: &mut Rules, name: &str| {
        let wanted = Watching { name: name.into(), report: false };
        rules.handle_observer_wanted(FIRST.into(), wanted, (Permission::Allowed, Ok(())), SECOND);
        not_now(&events(rules))
    };
    for name in ["a", "b", "c", "d"] {
        assert_eq!(share(&mut rules, name), []);
    }
    assert_eq!(share(&mut rules, "e"), [NotNow::TooMany]);
    for _ in 4..limits::LINKS {
        rules.handle_order(Order::Remove("a".into()), SECOND).expect("they are there");
        assert_eq!(share(&mut rules, "A"), []);
        assert_eq!(share(&mut rules, "a"), [NotNow::TooMany]);
    }
    rules.handle_order(Order::Remove("a".into()), SECOND).expect("they are there");
    assert_eq!(share(&mut rules, "a"), [NotNow::TooMany], "the relay would remember no more");
}

#[test]
fn nobody_is_silenced_by_what_another_says() {
    let mut rules = active(SECOND);
    let bob = join(&mut rules, &named(2, "Bob"), false, SECOND);
    let said = (0..100).filter(|_| rules.handle_engineers_chat(bob, "hello", 2 * SECOND)).count();
    assert!(said < 100, "there is a bound");
    assert!(rules.handle_engineers_chat(SeatId::FIRST, "hello", 2 * SECOND));
    let question = || Question::Text { text: "?".into(), choices: Vec::new() };
    for number in 0..20 {
        rules.handle_question(RequestId { seat: bob, number }, question(), 2 * SECOND);
        rules.handle_withdrawal(RequestId { seat: bob, number }, 2 * SECOND);
    }
    events(&mut rules);
    rules.handle_question(FIRST.into(), question(), 2 * SECOND);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Asked(_)]));
}
