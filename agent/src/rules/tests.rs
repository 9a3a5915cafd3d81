use std::sync::Arc;

use fieldlink_device::order::ClientAnswer;
use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{EngineerId, QuestionId, RunId};
use fieldlink_protocol::messages::questions::{Answer, Question};
use fieldlink_protocol::pairing::Registration;
use fieldlink_protocol::pairing::attempts::Charge;
use proptest::prelude::*;

use super::*;
use crate::network::reach::FailureKind;

pub(super) const SECOND: Duration = Duration::from_secs(1);

pub(super) fn request(n: u8) -> Request {
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

pub(super) fn outage() -> Failure {
    Failure { kind: FailureKind::Silence, detail: "no answer".into() }
}

pub(super) fn registration(rules: &mut Rules) -> Option<Arc<Registration>> {
    rules.state.pair_mut().map(|pair| pair.registration.clone())
}

pub(super) fn events(rules: &mut Rules) -> Vec<RuleEvent> {
    std::iter::from_fn(|| rules.poll_event()).collect()
}

/// Open and registered, nothing left to poll.
fn open(consent: Consent) -> (Rules, Arc<Registration>) {
    let mut rules = Rules::new(consent, SessionConfig::default());
    rules.handle_order(Order::Start, Duration::ZERO).expect("off");
    rules.handle_registered();
    let registration = registration(&mut rules).expect("a pair");
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Opened { .. }, RuleEvent::Registered]));
    (rules, registration)
}

fn verified(rules: &mut Rules, registration: &Arc<Registration>, n: u8) -> Result<(), Reason> {
    let charge = rules.handle_charge(registration)?;
    rules.handle_verified(request(n), registration, charge, SECOND)
}

/// The question that a greeted engineer leads to.
fn ask(rules: &mut Rules) -> QuestionId {
    rules.handle_greeted(true, SECOND);
    match events(rules).pop() {
        Some(RuleEvent::ConsentAsked { question, .. }) => question,
        other => panic!("{other:?}"),
    }
}

fn answer(rules: &mut Rules, question: QuestionId, answer: ClientAnswer) -> Result<(), Refusal> {
    rules.handle_order(Order::Answer(question, answer), SECOND)
}

fn ended(reason: Reason) -> Vec<RuleEvent> {
    vec![closed(Some(request(1)), Ending::Reason(reason))]
}

fn closed(request: Option<Request>, ending: Ending) -> RuleEvent {
    RuleEvent::Closed { request, ending, is_relay_away: false }
}

/// What is due at `now`.
fn due(rules: &mut Rules, now: Duration) -> Vec<RuleEvent> {
    rules.handle_timeout(now);
    events(rules)
}

/// What is due at `now`, for a session that is heard all the time.
fn due_when_heard(rules: &mut Rules, now: Duration) -> Vec<RuleEvent> {
    rules.handle_heard(now);
    due(rules, now)
}

/// A session that was admitted at `now`.
fn active(now: Duration) -> Rules {
    let (mut rules, registration) = open(Consent::Pin);
    verified(&mut rules, &registration, 1).expect("greeted");
    rules.handle_greeted(true, now);
    rules.handle_begun();
    assert!(rules.handle_admitted(request(1).session, now));
    let last = events(&mut rules).pop();
    assert!(matches!(last, Some(RuleEvent::Admitted { .. })), "{last:?}");
    rules
}

fn asked(rules: &Rules) -> QuestionId {
    rules.state().active().and_then(|active| active.asked.as_ref()).expect("a question").id
}

#[test]
fn what_does_not_start_is_told_before_the_beginning_is_given_up() {
    let start = crate::session_process::longest_start(crate::session_process::WatchLimits::default());
    assert!(start + limits::HANDSHAKE <= consent::BEGINNING, "{start:?}");
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
    let mut rules = Rules::new(Consent::Ask, SessionConfig::default());
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
    assert!(rules.handle_pair(&request(1), 0).is_some());
    assert_eq!(verified(&mut rules, &registration, 1), Ok(()));
    let question = ask(&mut rules);
    assert!(rules.handle_pair(&request(2), 0).is_none());
    let declined = RuleEvent::Declined { request: request(2), reason: Reason::Busy };
    assert_eq!(events(&mut rules), [declined], "nothing is charged while asking");
    assert!(rules.handle_charge(&registration).is_err());
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
    assert!(rules.handle_charge(&registration).is_err(), "the pair is gone");
    let mut now = 2 * SECOND;
    while now < 3601 * SECOND {
        now += 5 * SECOND;
        rules.handle_heard(now.min(3601 * SECOND));
    }
    assert_eq!(due(&mut rules, 3602 * SECOND), ended(Reason::TimeUp));
    assert_eq!(rules.poll_timeout(), None);
}

#[test]
fn orders_are_refused_where_they_lead_nowhere() {
    let mut rules = Rules::new(Consent::Ask, SessionConfig::default());
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
fn a_seen_run_is_refused() {
    let (mut rules, _) = open(Consent::Ask);
    assert!(rules.handle_pair(&request(1), 0).is_some());
    assert!(rules.handle_pair(&request(1), 0).is_none());
    assert!(rules.handle_pair(&request(2), limits::PAIRINGS_AT_ONCE).is_none());
}

#[test]
fn a_charge_of_an_earlier_pair_does_not_touch_the_next() {
    let (mut rules, first) = open(Consent::Ask);
    let charges: Vec<_> = (0..3).map(|_| rules.handle_charge(&first).expect("free")).collect();
    rules.handle_order(Order::Stop(Reason::ClientEnded), SECOND).expect("on");
    rules.handle_order(Order::Start, SECOND).expect("off");
    for charge in charges {
        rules.handle_failed(request(1), &first, charge, Reason::WrongPin);
    }
    assert!(rules.handle_charge(&first).is_err());
    let second = registration(&mut rules).expect("a pair");
    assert!(rules.handle_charge(&second).is_ok());
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
    let charge = |rules: &mut Rules| -> Result<Charge, Reason> { rules.handle_charge(&registration) };
    let charges: Vec<_> = (0..3).map(|_| charge(&mut rules).expect("free")).collect();
    assert_eq!(charge(&mut rules).err(), Some(Reason::Burnt));
    for (is_last, charge) in [false, false, true].into_iter().zip(charges) {
        rules.handle_failed(request(1), &registration, charge, Reason::WrongPin);
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

#[test]
fn silence_interrupts_and_then_ends() {
    let mut rules = active(SECOND);
    let session = request(1).session;
    assert_eq!(due(&mut rules, 10 * SECOND), []);
    let interrupted = due(&mut rules, 11 * SECOND);
    assert!(matches!(interrupted[..], [RuleEvent::Interrupted { .. }]));
    assert!(!rules.admits_pipes(session));
    rules.handle_heard(12 * SECOND);
    assert_eq!(events(&mut rules), [RuleEvent::Resumed]);
    assert!(rules.admits_pipes(session));
    assert_eq!(due(&mut rules, 22 * SECOND), interrupted);
    assert_eq!(due(&mut rules, 311 * SECOND), []);
    assert_eq!(due(&mut rules, 312 * SECOND), ended(Reason::Silence));
}

/// A lost connection interrupts at once, without waiting for silence; and it, too, has an end.
#[test]
fn a_lost_connection_interrupts_until_something_sealed_is_heard() {
    let mut rules = active(SECOND);
    let session = request(1).session;
    rules.handle_link_down("it was cut".into());
    rules.handle_link_down("no answer".into());
    assert_eq!(events(&mut rules), [RuleEvent::Interrupted { problem: "it was cut".into() }], "once");
    assert!(!rules.admits_pipes(session));
    rules.handle_link_up(5 * SECOND);
    assert!(rules.admits_pipes(session), "it was heard not long ago");
    rules.handle_link_down("it was cut again".into());
    events(&mut rules);
    assert_eq!(due(&mut rules, 300 * SECOND), []);
    // A relay may give connection after connection, and keep back what is said on them.
    rules.handle_link_up(300 * SECOND);
    assert!(!rules.admits_pipes(session));
    assert_eq!(due(&mut rules, 301 * SECOND), ended(Reason::Silence));
}

/// Coming back changes the run and nothing else: same session, same person, same deadline.
#[test]
fn a_program_that_comes_back_gets_no_more_time() {
    let (mut rules, registration) = open(Consent::Ask);
    let (session, run) = (request(1).session, RunId::from_bytes([9; 16]));
    assert_eq!(rules.handle_pair_again(session, run), None, "there is no session");
    verified(&mut rules, &registration, 1).expect("greeted");
    assert_eq!(rules.handle_pair_again(session, run), None, "the client has not agreed");
    assert!(!rules.handle_returned(run, true, SECOND));
    let mut rules = active(SECOND);
    assert_eq!(rules.handle_pair_again(request(2).session, run), None, "another session");
    let back = rules.handle_pair_again(session, run).expect("this session");
    assert_eq!(back, Request { run, ..request(1) });
    assert_eq!(rules.handle_pair_again(session, run), None, "a run is played once");
    rules.handle_clients_chat("are you there?", true, 2 * SECOND).expect("said");
    rules.handle_question(3, Question::Extension { minutes: 5 }, 2 * SECOND);
    rules.handle_link_down("it was cut".into());
    events(&mut rules);
    assert!(rules.handle_returned(run, true, 20 * SECOND));
    let deadline = 3601 * SECOND;
    let expected = [
        RuleEvent::Returned { request: back.clone(), deadline },
        RuleEvent::ChatAgain { text: "are you there?".into() },
        RuleEvent::Withdrawn { request: 3 },
    ];
    assert_eq!(events(&mut rules), expected);
    assert!(rules.admits_pipes(session) && rules.state().request() == Some(&back));
    assert_eq!(rules.word_to_relay(), Some(FromAgent::PairedAgain { session, run }));
    for number in 0..300u16 {
        let mut run = [0; 16];
        run[..2].copy_from_slice(&number.to_be_bytes());
        rules.handle_pair_again(session, RunId::from_bytes(run));
    }
    let another = RunId::from_bytes([8; 16]);
    assert_eq!(rules.handle_pair_again(session, another), None, "a relay that plays games");
    let end = closed(Some(back), Ending::Reason(Reason::TimeUp));
    assert_eq!(due(&mut rules, deadline), [end], "although it was silent, too");
}

#[test]
fn the_client_may_make_an_hour_two_and_no_more() {
    let mut rules = active(Duration::ZERO);
    let session = request(1).session;
    let grant =
        |rules: &mut Rules, session, minutes| rules.handle_order(Order::Grant(session, minutes), SECOND);
    assert_eq!(grant(&mut rules, request(2).session, 30), Err(Refusal::NoSession), "another session");
    let more = |minutes| Question::Extension { minutes };
    rules.handle_question(7, more(60), SECOND);
    let id = asked(&rules);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Asked(_)]));
    rules.handle_question(8, more(60), SECOND);
    let busy = RuleEvent::NotAsked { request: 8, answer: Answer::Busy {} };
    assert_eq!(events(&mut rules), [busy]);
    let unfit = Err(Refusal::Stale(StaleAnswer::DoesNotFit));
    assert_eq!(answer(&mut rules, id, ClientAnswer::Text("sure".into())), unfit);
    assert_eq!(answer(&mut rules, id, ClientAnswer::Yes), Ok(()));
    let (deadline, seconds) = (7_200 * SECOND, 7_199);
    let expected = [
        RuleEvent::Answered { request: 7, answer: Answer::Granted { seconds } },
        RuleEvent::Extended { deadline, seconds },
    ];
    assert_eq!(events(&mut rules), expected);
    let stale = Err(Refusal::Stale(StaleAnswer::NotOpen));
    assert_eq!(answer(&mut rules, id, ClientAnswer::Yes), stale);
    rules.handle_question(9, more(1), SECOND);
    let no_more = RuleEvent::NotAsked { request: 9, answer: Answer::NoMoreTime {} };
    assert_eq!(events(&mut rules), [no_more]);
    assert_eq!(grant(&mut rules, session, 1), Err(Refusal::Grant(GrantError)));
    let nearly = due_when_heard(&mut rules, 7_199 * SECOND);
    assert!(matches!(nearly[..], [RuleEvent::TimeLeft { .. }]), "{nearly:?}");
    assert_eq!(due_when_heard(&mut rules, 7_200 * SECOND), ended(Reason::TimeUp));
}

#[test]
fn time_that_is_given_unasked_answers_the_question_for_it() {
    let mut rules = active(Duration::ZERO);
    rules.handle_question(1, Question::Extension { minutes: 10 }, SECOND);
    let stale = asked(&rules);
    events(&mut rules);
    rules.handle_order(Order::Grant(request(1).session, 15), SECOND).expect("granted");
    let (deadline, seconds) = (75 * 60 * SECOND, 75 * 60 - 1);
    let expected = [
        RuleEvent::Answered { request: 1, answer: Answer::Granted { seconds } },
        RuleEvent::Extended { deadline, seconds },
    ];
    assert_eq!(events(&mut rules), expected);
    assert_eq!(answer(&mut rules, stale, ClientAnswer::Yes), Err(Refusal::Stale(StaleAnswer::NotOpen)));
}

#[test]
fn a_question_takes_only_its_own_answers() {
    let mut rules = active(Duration::ZERO);
    let choices = vec!["yes".into(), "no\u{1b}".into()];
    let question = Question::Text { text: "Is it\u{7} green?".into(), choices };
    rules.handle_question(1, question.clone(), SECOND);
    let id = asked(&rules);
    let RuleEvent::Asked(shown) = events(&mut rules).remove(0) else { panic!("not asked") };
    let choices = vec!["yes".into(), "no\u{fffd}".into()];
    assert_eq!(shown.question, Question::Text { text: "Is it\u{fffd} green?".into(), choices });
    for wrong in [ClientAnswer::Yes, ClientAnswer::Text("blue".into())] {
        assert_eq!(answer(&mut rules, id, wrong), Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    }
    let words = |text: &str| ClientAnswer::Text(text.into());
    assert_eq!(answer(&mut rules, id, words("no\u{fffd}")), Ok(()));
    let told = RuleEvent::Answered { request: 1, answer: Answer::Text { text: "no\u{fffd}".into() } };
    assert_eq!(events(&mut rules), [told]);
    rules.handle_question(2, question, SECOND);
    rules.handle_withdrawal(1);
    let stale = Err(Refusal::Stale(StaleAnswer::NotOpen));
    assert_eq!(answer(&mut rules, id, words("yes")), stale, "a click on an earlier one");
    events(&mut rules);
    assert_eq!(due_when_heard(&mut rules, 300 * SECOND), []);
    let unanswered = RuleEvent::Answered { request: 2, answer: Answer::NoAnswer {} };
    assert_eq!(due_when_heard(&mut rules, 301 * SECOND), [unanswered]);
    assert_eq!(rules.state().active().and_then(|active| active.asked.clone()), None);
}

#[test]
fn the_client_is_reminded_of_the_end_once_each_time() {
    let mut rules = active(Duration::ZERO);
    let minute = |n: u64| Duration::from_secs(60 * n);
    let left = |minutes| vec![RuleEvent::TimeLeft { minutes }];
    assert_eq!(due_when_heard(&mut rules, minute(49)), []);
    assert_eq!(rules.poll_timeout(), Some(minute(49) + limits::HEARTBEAT_LOST));
    assert_eq!(due_when_heard(&mut rules, minute(50)), left(10));
    assert_eq!(due_when_heard(&mut rules, minute(50)), []);
    rules.handle_order(Order::Grant(request(1).session, 10), minute(51)).expect("granted");
    events(&mut rules);
    assert_eq!(due_when_heard(&mut rules, minute(60)), left(10));
    assert_eq!(due_when_heard(&mut rules, minute(65)), left(5));
    assert_eq!(due_when_heard(&mut rules, minute(69)), left(1));
    assert_eq!(due_when_heard(&mut rules, minute(70)), ended(Reason::TimeUp));
}

/// A device that slept through the rest of the hour: only the end counts, not what would have come before it.
#[test]
fn of_all_that_is_due_at_once_the_end_comes_first() {
    let mut rules = active(Duration::ZERO);
    rules.handle_question(1, Question::Extension { minutes: 10 }, SECOND);
    events(&mut rules);
    assert_eq!(due(&mut rules, 9_000 * SECOND), ended(Reason::TimeUp));
}

#[test]
fn chat_goes_both_ways_in_a_session_and_is_cleaned() {
    let mut rules = active(SECOND);
    let said = |from_engineer, text: &str| RuleEvent::Chat { from_engineer, text: text.into() };
    assert!(rules.handle_engineers_chat("a\u{1b}[2J", SECOND));
    assert_eq!(rules.handle_clients_chat(" b\u{7} ", true, SECOND), Ok(()));
    assert_eq!(events(&mut rules), [said(true, "a\u{fffd}[2J"), said(false, "b\u{fffd}")]);
    assert_eq!(rules.handle_clients_chat("c", false, SECOND), Err(Refusal::NotTaken));
    rules.handle_link_down("cut".into());
    events(&mut rules);
    assert_eq!(rules.handle_clients_chat("d", true, SECOND), Ok(()));
    assert_eq!(events(&mut rules), [said(false, "d"), RuleEvent::ChatDelayed]);
    assert!(rules.handle_returned(RunId::random(), false, SECOND));
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Returned { .. }]), "it shows no chat");
    assert_eq!(rules.handle_clients_chat("e", true, SECOND), Err(Refusal::NoChat));
}

proptest! {
    /// Whatever the client types, the engineer's side takes the message that it becomes.
    #[test]
    fn an_answer_in_words_can_be_sent(text in "\\PC{0,400}|(\u{fffd}){300,600}|.*") {
        use fieldlink_protocol::messages::{control::FromAgent, decode, encode_fit};
        let mut rules = active(SECOND);
        rules.handle_question(1, Question::Text { text: "?".into(), choices: Vec::new() }, SECOND);
        let id = asked(&rules);
        events(&mut rules);
        let outcome = answer(&mut rules, id, ClientAnswer::Text(text.clone()));
        match rules.poll_event() {
            Some(RuleEvent::Answered { request, answer }) => {
                let sent = encode_fit(&FromAgent::Answered { request, answer });
                prop_assert!(decode::<FromAgent>(sent.expect("it fits").as_bytes()).is_ok());
            }
            other => prop_assert!(text.trim().is_empty() && outcome.is_err(), "{other:?}"),
        }
    }
}
