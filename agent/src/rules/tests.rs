use fieldlink_protocol::ids::EngineerId;
use proptest::prelude::*;

use super::*;
use fieldlink_protocol::credential::EngineerIdentity;

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
    assert_eq!(rules.answer(question, true, SECOND), Ok(Answered::Allowed));
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
    assert_eq!(rules.answer(QuestionId::random(), true, SECOND), Err(StaleAnswer));
    assert_eq!(rules.answer(question, true, SECOND), Ok(Answered::Allowed));
    assert_eq!(rules.answer(question, true, SECOND), Err(StaleAnswer));
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
    for expected in [Standing::Usable, Standing::Burnt] {
        verified(&mut rules, &registration, 1).expect("greeted");
        let question = ask(&mut rules);
        assert_eq!(rules.answer(question, false, SECOND), Ok(Answered::Refused(expected)));
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
    rules.answer(question, true, SECOND).expect("asked");
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
                4 => yes |= question.is_some_and(|question| rules.answer(question, true, now) == Ok(Answered::Allowed)),
                5 => { if let Some(question) = question { let _ = rules.answer(question, false, now); } }
                6 => {
                    if rules.admitted(now).is_some() {
                        admissions += 1;
                        prop_assert!(was_verified && yes && admissions == 1);
                    }
                }
                7 => rules.withdraw(now),
                _ => { let _ = rules.tick(now); }
            }
            prop_assert!(!rules.admits_pipes(request(1).session) || admissions == 1);
        }
    }
}
