use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::pairing::attempts::UsedUp;
use proptest::prelude::*;

use super::*;

const SECOND: Duration = Duration::from_secs(1);

fn request(n: u8) -> Request {
    Request {
        session: SessionId::from_bytes([n; 16]),
        run: RunId::from_bytes([n; 16]),
        engineer: EngineerIdentity {
            id: EngineerId::from_bytes([n; 16]),
            name: "Ada".into(),
            company: "X".into(),
        },
        ticket: "T-1".into(),
        partner: None,
    }
}

fn open(consent: Consent) -> (Rules, Arc<Registration>) {
    let mut rules = Rules::new(consent, SessionConfig::default());
    let pair = Pair::draw().expect("a pair");
    let registration = pair.registration.clone();
    rules.open(pair, Duration::ZERO);
    rules.set_registered(true);
    (rules, registration)
}

fn verified(rules: &mut Rules, registration: &Arc<Registration>, n: u8) -> Result<(), Reason> {
    let charge = rules.charge(registration)?;
    rules.verified(registration, charge, request(n), SECOND)
}

fn ask(rules: &mut Rules) -> QuestionId {
    match rules.greeted(SECOND) {
        Greeted::Ask(question) => question,
        other => panic!("{other:?}"),
    }
}

#[test]
fn what_does_not_start_is_told_before_the_beginning_is_given_up() {
    let start = crate::session_process::longest_start(crate::session_process::WatchLimits::default());
    assert!(start + limits::HANDSHAKE <= BEGINNING, "{start:?}");
}

/// A relay may say anything at any time; out of turn it changes nothing.
#[test]
fn what_comes_out_of_turn_changes_nothing() {
    let (mut rules, registration) = open(Consent::Ask);
    assert_eq!((rules.greeted(SECOND), rules.admitted(SECOND)), (Greeted::Stale, None));
    assert!(matches!(rules.state(), State::Open { .. }) && !rules.may_redraw(), "it was registered");
    verified(&mut rules, &registration, 1).expect("greeted");
    assert_eq!(rules.admitted(SECOND), None);
    let question = ask(&mut rules);
    assert_eq!((rules.greeted(SECOND), rules.admitted(SECOND)), (Greeted::Stale, None));
    assert_eq!(rules.answer(question, ClientAnswer::Yes, SECOND), Ok(Answered::Allowed));
    assert_eq!(rules.greeted(SECOND), Greeted::Stale);
    rules.admitted(SECOND).expect("admitted");
    assert_eq!((rules.greeted(SECOND), rules.admitted(SECOND)), (Greeted::Stale, None));
    assert!(rules.admits_pipes(request(1).session) && !rules.may_redraw());
    assert!(rules.next_deadline().is_some(), "the hour still runs");
}

#[test]
fn another_id_is_drawn_only_before_anyone_could_try_this_one() {
    let mut rules = Rules::new(Consent::Ask, SessionConfig::default());
    rules.open(Pair::draw().expect("a pair"), SECOND);
    assert!(rules.may_redraw());
    rules.set_registered(true);
    rules.set_registered(false);
    assert!(!rules.may_redraw());
}

#[test]
fn a_call_from_beginning_to_end() {
    let (mut rules, registration) = open(Consent::Ask);
    assert!(rules.may_pair(request(1).run, 0).is_ok());
    assert_eq!(verified(&mut rules, &registration, 1), Ok(()));
    let question = ask(&mut rules);
    assert_eq!(
        rules.may_pair(request(2).run, 0).err(),
        Some(Reason::Busy),
        "nothing is charged while asking"
    );
    assert!(rules.charge(&registration).is_err());
    assert_eq!(rules.answer(QuestionId::random(), ClientAnswer::Yes, SECOND), Err(StaleAnswer::NotOpen));
    assert_eq!(rules.answer(question, ClientAnswer::Yes, SECOND), Ok(Answered::Allowed));
    assert_eq!(rules.answer(question, ClientAnswer::Yes, SECOND), Err(StaleAnswer::NotOpen));
    assert!(!rules.admits_pipes(request(1).session));
    assert_eq!(rules.admitted(2 * SECOND), Some(3600 * SECOND));
    assert!(rules.admits_pipes(request(1).session) && !rules.admits_pipes(request(2).session));
    assert!(rules.charge(&registration).is_err(), "the pair is gone");
    let mut now = 2 * SECOND;
    while now < 3601 * SECOND {
        now += 5 * SECOND;
        rules.heard(now.min(3601 * SECOND));
    }
    assert_eq!(rules.tick(3602 * SECOND), Some(Due::End(Reason::TimeUp)));
}

#[test]
fn a_seen_run_is_refused() {
    let (mut rules, _) = open(Consent::Ask);
    assert!(rules.may_pair(request(1).run, 0).is_ok());
    assert!(rules.may_pair(request(1).run, 0).is_err());
    assert!(rules.may_pair(request(2).run, limits::PAIRINGS_AT_ONCE).is_err());
}

#[test]
fn a_charge_of_an_earlier_pair_does_not_touch_the_next() {
    let (mut rules, first) = open(Consent::Ask);
    let charges: Vec<_> = (0..3).map(|_| rules.charge(&first).expect("free")).collect();
    rules.open(Pair::draw().expect("a pair"), SECOND);
    for charge in charges {
        assert!(!rules.failed(&first, charge));
    }
    assert!(rules.charge(&first).is_err());
}

#[test]
fn two_refusals_or_three_wrong_pins_burn_the_pair() {
    let (mut rules, registration) = open(Consent::Ask);
    for expected in [Standing::Usable, Standing::Burnt(UsedUp::Refusals)] {
        verified(&mut rules, &registration, 1).expect("greeted");
        let question = ask(&mut rules);
        assert_eq!(rules.answer(question, ClientAnswer::No, SECOND), Ok(Answered::Refused(expected)));
    }
    let (mut rules, registration) = open(Consent::Ask);
    let burnt: Vec<bool> = (0..3)
        .map(|_| {
            let charge = rules.charge(&registration).expect("free");
            rules.failed(&registration, charge)
        })
        .collect();
    assert_eq!(burnt, [false, false, true]);
    assert_eq!(rules.charge(&registration).err(), Some(Reason::Burnt));
}

#[test]
fn no_answer_is_a_refusal_and_unused_access_goes_off() {
    let (mut rules, registration) = open(Consent::Ask);
    assert_eq!(rules.tick(1799 * SECOND), None);
    assert_eq!(rules.tick(1800 * SECOND), Some(Due::Idle));
    verified(&mut rules, &registration, 1).expect("greeted");
    ask(&mut rules);
    assert_eq!(rules.tick(60 * SECOND), None);
    assert_eq!(rules.tick(61 * SECOND), Some(Due::GiveUp(Reason::NoAnswer)));
}

#[test]
fn silence_interrupts_and_then_ends() {
    let (mut rules, registration) = open(Consent::Pin);
    verified(&mut rules, &registration, 1).expect("greeted");
    assert_eq!(rules.greeted(SECOND), Greeted::Admit, "the PIN is consent");
    rules.admitted(SECOND).expect("admitted");
    assert_eq!(rules.tick(10 * SECOND), None);
    assert_eq!(rules.tick(11 * SECOND), Some(Due::Interrupted));
    assert!(!rules.admits_pipes(request(1).session));
    assert!(rules.heard(12 * SECOND));
    assert!(rules.admits_pipes(request(1).session));
    assert_eq!(rules.tick(22 * SECOND), Some(Due::Interrupted));
    assert_eq!(rules.tick(311 * SECOND), None);
    assert_eq!(rules.tick(312 * SECOND), Some(Due::End(Reason::Silence)));
}

/// A lost connection interrupts at once, without waiting for silence; and it, too, has an end.
#[test]
fn a_lost_connection_interrupts_until_something_sealed_is_heard() {
    let (mut rules, registration) = open(Consent::Pin);
    rules.interrupt("there is nothing to interrupt".into());
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.greeted(SECOND);
    rules.admitted(SECOND).expect("admitted");
    rules.interrupt("it was cut".into());
    assert!(!rules.admits_pipes(request(1).session));
    rules.connected(5 * SECOND);
    assert!(rules.admits_pipes(request(1).session), "it was heard not long ago");
    rules.interrupt("it was cut again".into());
    assert_eq!(rules.tick(300 * SECOND), None);
    // A relay may give connection after connection, and keep back what is said on them.
    rules.connected(300 * SECOND);
    assert!(!rules.admits_pipes(request(1).session));
    assert_eq!(rules.tick(301 * SECOND), Some(Due::End(Reason::Silence)));
    assert!(rules.heard(300 * SECOND) && rules.admits_pipes(request(1).session));
}

/// Coming back changes the run and nothing else: same session, same person, same deadline.
#[test]
fn a_program_that_comes_back_gets_no_more_time() {
    let (mut rules, registration) = open(Consent::Ask);
    let session = request(1).session;
    assert_eq!(rules.may_return(session, RunId::from_bytes([9; 16])), None, "there is no session");
    verified(&mut rules, &registration, 1).expect("greeted");
    let question = ask(&mut rules);
    assert_eq!(rules.may_return(session, RunId::from_bytes([9; 16])), None, "the client has not agreed");
    rules.answer(question, ClientAnswer::Yes, SECOND).expect("asked");
    let length = rules.admitted(SECOND).expect("admitted");
    let run = RunId::from_bytes([9; 16]);
    assert_eq!(rules.may_return(request(2).session, run), None, "another session");
    let back = rules.may_return(session, run).expect("this session");
    assert_eq!(back, Request { run, ..request(1) });
    assert_eq!(rules.may_return(session, run), None, "a run is played once");
    rules.interrupt("it was cut".into());
    assert_eq!(rules.returned(run, 20 * SECOND), Some(SECOND + length));
    assert!(rules.admits_pipes(session) && rules.request() == Some(&back));
    assert_eq!(rules.tick(SECOND + length), Some(Due::End(Reason::TimeUp)));
    for number in 0..300u16 {
        let mut run = [0; 16];
        run[..2].copy_from_slice(&number.to_be_bytes());
        rules.may_return(session, RunId::from_bytes(run));
    }
    assert_eq!(rules.may_return(session, RunId::from_bytes([8; 16])), None, "a relay that plays games");
}

fn active() -> Rules {
    let (mut rules, registration) = open(Consent::Pin);
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.greeted(Duration::ZERO);
    rules.admitted(Duration::ZERO).expect("admitted");
    rules
}

fn asked(rules: &Rules) -> QuestionId {
    rules.active().and_then(|active| active.asked.as_ref()).expect("a question").id
}

/// What is due at `now`, for a session that is heard all the time.
fn due(rules: &mut Rules, now: Duration) -> Option<Due> {
    rules.heard(now);
    rules.tick(now)
}

#[test]
fn the_client_may_make_an_hour_two_and_no_more() {
    let mut rules = active();
    let session = request(1).session;
    assert_eq!(rules.grant(request(2).session, 30, SECOND), Err(GrantError), "another session");
    let more = |minutes| Question::Extension { minutes };
    rules.ask(7, more(60), SECOND).expect("asked");
    assert_eq!(rules.ask(8, more(60), SECOND), Err(Answer::Busy {}));
    let stale = asked(&rules);
    assert_eq!(rules.answer(stale, ClientAnswer::Text("sure".into()), SECOND), Err(StaleAnswer::DoesNotFit));
    let granted = Answered::Told { request: 7, answer: Answer::Granted { seconds: 7_199 } };
    assert_eq!(rules.answer(stale, ClientAnswer::Yes, SECOND), Ok(granted));
    assert_eq!(rules.answer(stale, ClientAnswer::Yes, SECOND), Err(StaleAnswer::NotOpen));
    assert_eq!(rules.ask(9, more(1), SECOND), Err(Answer::NoMoreTime {}));
    assert_eq!(rules.grant(session, 1, SECOND), Err(GrantError));
    assert_ne!(due(&mut rules, 7_199 * SECOND), Some(Due::End(Reason::TimeUp)));
    assert_eq!(due(&mut rules, 7_200 * SECOND), Some(Due::End(Reason::TimeUp)));
}

#[test]
fn time_that_is_given_unasked_answers_the_question_for_it() {
    let mut rules = active();
    rules.ask(1, Question::Extension { minutes: 10 }, SECOND).expect("asked");
    let stale = asked(&rules);
    assert_eq!(rules.grant(request(1).session, 15, SECOND), Ok(Some(1)));
    assert_eq!(rules.answer(stale, ClientAnswer::Yes, SECOND), Err(StaleAnswer::NotOpen));
    assert_eq!(rules.active().map(|active| active.deadline), Some(75 * 60 * SECOND));
}

#[test]
fn a_question_takes_only_its_own_answers() {
    let mut rules = active();
    let question = Question::Text { text: "Is it green?".into(), choices: vec!["yes".into(), "no".into()] };
    rules.ask(1, question.clone(), SECOND).expect("asked");
    let id = asked(&rules);
    for wrong in [ClientAnswer::Yes, ClientAnswer::Text("blue".into())] {
        assert_eq!(rules.answer(id, wrong, SECOND), Err(StaleAnswer::DoesNotFit));
    }
    let told = |answer| Ok(Answered::Told { request: 1, answer });
    let yes = ClientAnswer::Text("yes".into());
    assert_eq!(rules.answer(id, yes.clone(), SECOND), told(Answer::Text { text: "yes".into() }));
    rules.ask(2, question, SECOND).expect("asked");
    rules.withdraw_question(1);
    assert_eq!(rules.answer(id, yes, SECOND), Err(StaleAnswer::NotOpen), "a click on an earlier one");
    assert_eq!(due(&mut rules, 300 * SECOND), None);
    assert_eq!(due(&mut rules, 301 * SECOND), Some(Due::Unanswered { request: 2 }));
    assert_eq!(rules.active().and_then(|active| active.asked.clone()), None);
}

#[test]
fn the_client_is_reminded_of_the_end_once_each_time() {
    let mut rules = active();
    let minute = |n: u64| Duration::from_secs(60 * n);
    assert_eq!(due(&mut rules, minute(49)), None);
    assert_eq!(rules.next_deadline(), Some(minute(49) + limits::HEARTBEAT_LOST));
    assert_eq!(due(&mut rules, minute(50)), Some(Due::Remind { minutes: 10 }));
    assert_eq!(due(&mut rules, minute(50)), None);
    rules.grant(request(1).session, 10, minute(51)).expect("granted");
    assert_eq!(due(&mut rules, minute(60)), Some(Due::Remind { minutes: 10 }));
    assert_eq!(due(&mut rules, minute(65)), Some(Due::Remind { minutes: 5 }));
    assert_eq!(due(&mut rules, minute(69)), Some(Due::Remind { minutes: 1 }));
    assert_eq!(due(&mut rules, minute(70)), Some(Due::End(Reason::TimeUp)));
}

proptest! {
    /// Whatever the client types, the engineer's side takes the message that it becomes.
    #[test]
    fn an_answer_in_words_can_be_sent(text in "\\PC{0,400}|(\u{fffd}){300,600}|.*") {
        use fieldlink_protocol::messages::{control::FromAgent, decode, encode_fit};
        let (mut rules, registration) = open(Consent::Pin);
        verified(&mut rules, &registration, 1).expect("greeted");
        rules.greeted(SECOND);
        rules.admitted(SECOND).expect("admitted");
        let question = Question::Text { text: "?".into(), choices: Vec::new() };
        rules.ask(1, question, SECOND).expect("asked");
        let id = rules.active().and_then(|active| active.asked.as_ref()).expect("asked").id;
        match rules.answer(id, ClientAnswer::Text(text.clone()), SECOND) {
            Ok(Answered::Told { request, answer }) => {
                let sent = encode_fit(&FromAgent::Answered { request, answer });
                prop_assert!(decode::<FromAgent>(sent.expect("it fits").as_bytes()).is_ok());
            }
            other => prop_assert!(text.trim().is_empty(), "{other:?}"),
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    /// Whatever happens in whatever order: a session is admitted only after a verified pairing and,
    /// where it is asked for, a yes; and never twice with one pair.
    #[test]
    fn nobody_gets_in_without_pin_and_yes(steps in prop::collection::vec((0u8..9, 0u32..100), 0..80), ask in any::<bool>()) {
        let (mut rules, registration) = open(if ask { Consent::Ask } else { Consent::Pin });
        let (mut now, mut charges, mut question) = (SECOND, Vec::new(), None);
        let (mut was_verified, mut yes, mut admissions) = (false, !ask, 0);
        for (step, wait) in steps {
            now += wait * SECOND;
            match step {
                0 => charges.extend(rules.charge(&registration).ok()),
                1 => was_verified |= charges.pop().is_some_and(|charge| rules.verified(&registration, charge, request(1), now).is_ok()),
                2 => { if let Some(charge) = charges.pop() { rules.failed(&registration, charge); } }
                3 => if let Greeted::Ask(asked) = rules.greeted(now) { question = Some(asked) },
                4 => yes |= question.is_some_and(|question| rules.answer(question, ClientAnswer::Yes, now) == Ok(Answered::Allowed)),
                5 => { if let Some(question) = question { let _ = rules.answer(question, ClientAnswer::No, now); } }
                6 => {
                    if rules.admitted(now).is_some() {
                        admissions += 1;
                        prop_assert!(was_verified && yes && admissions == 1);
                    }
                }
                7 => drop(rules.withdraw(now)),
                _ => { let _ = rules.tick(now); }
            }
            prop_assert!(!rules.admits_pipes(request(1).session) || admissions == 1);
        }
    }
}
