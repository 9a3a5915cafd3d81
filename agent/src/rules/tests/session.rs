//! What happens in a session, to its end.

use super::*;

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
    rules.handle_question(3.into(), Question::Extension { minutes: 5, reason: String::new() }, 2 * SECOND);
    rules.handle_link_down("it was cut".into());
    let question = asked(&rules);
    events(&mut rules);
    assert!(rules.handle_returned(run, true, 20 * SECOND));
    let deadline = 3601 * SECOND;
    let expected = [
        RuleEvent::Returned { request: back.clone(), deadline },
        RuleEvent::ChatAgain { text: "are you there?".into() },
        RuleEvent::Withdrawn { question },
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
    let more = |minutes| Question::Extension { minutes, reason: String::new() };
    rules.handle_question(7.into(), more(60), SECOND);
    let id = asked(&rules);
    assert!(matches!(events(&mut rules)[..], [RuleEvent::Asked(_)]));
    rules.handle_question(8.into(), more(60), SECOND);
    let busy = RuleEvent::NotAsked { request: 8.into(), answer: Answer::Busy {} };
    assert_eq!(events(&mut rules), [busy]);
    let unfit = Err(Refusal::Stale(StaleAnswer::DoesNotFit));
    assert_eq!(answer(&mut rules, id, ClientAnswer::Text("sure".into())), unfit);
    assert_eq!(answer(&mut rules, id, ClientAnswer::Yes), Ok(()));
    let (deadline, seconds) = (7_200 * SECOND, 7_199);
    let expected = [
        RuleEvent::Answered { question: id, request: 7.into(), answer: Answer::Granted { seconds } },
        RuleEvent::Extended { deadline, seconds },
    ];
    assert_eq!(events(&mut rules), expected);
    let stale = Err(Refusal::Stale(StaleAnswer::NotOpen));
    assert_eq!(answer(&mut rules, id, ClientAnswer::Yes), stale);
    rules.handle_question(9.into(), more(1), SECOND);
    let no_more = RuleEvent::NotAsked { request: 9.into(), answer: Answer::NoMoreTime {} };
    assert_eq!(events(&mut rules), [no_more]);
    assert_eq!(grant(&mut rules, session, 1), Err(Refusal::Grant(GrantError)));
    let nearly = due_when_heard(&mut rules, 7_199 * SECOND);
    assert!(matches!(nearly[..], [RuleEvent::TimeLeft { .. }]), "{nearly:?}");
    assert_eq!(due_when_heard(&mut rules, 7_200 * SECOND), ended(Reason::TimeUp));
}

#[test]
fn time_that_is_given_unasked_answers_the_question_for_it() {
    let mut rules = active(Duration::ZERO);
    rules.handle_question(1.into(), Question::Extension { minutes: 10, reason: String::new() }, SECOND);
    let stale = asked(&rules);
    events(&mut rules);
    rules.handle_order(Order::Grant(request(1).session, 15), SECOND).expect("granted");
    let (deadline, seconds) = (75 * 60 * SECOND, 75 * 60 - 1);
    let expected = [
        RuleEvent::Answered { question: stale, request: 1.into(), answer: Answer::Granted { seconds } },
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
    rules.handle_question(1.into(), question.clone(), SECOND);
    let id = asked(&rules);
    let RuleEvent::Asked(shown) = events(&mut rules).remove(0) else { panic!("not asked") };
    let choices = vec!["yes".into(), "no\u{fffd}".into()];
    let cleaned = Question::Text { text: "Is it\u{fffd} green?".into(), choices };
    assert_eq!(shown.asking, Asking::Engineers { request: 1.into(), question: cleaned });
    for wrong in [ClientAnswer::Yes, ClientAnswer::Text("blue".into())] {
        assert_eq!(answer(&mut rules, id, wrong), Err(Refusal::Stale(StaleAnswer::DoesNotFit)));
    }
    let words = |text: &str| ClientAnswer::Text(text.into());
    assert_eq!(answer(&mut rules, id, words("no\u{fffd}")), Ok(()));
    let answer_told = Answer::Text { text: "no\u{fffd}".into(), language: String::new() };
    let told = RuleEvent::Answered { question: id, request: 1.into(), answer: answer_told };
    assert_eq!(events(&mut rules), [told]);
    rules.handle_question(2.into(), question, SECOND);
    let second = asked(&rules);
    rules.handle_withdrawal(1.into(), SECOND);
    let stale = Err(Refusal::Stale(StaleAnswer::NotOpen));
    assert_eq!(answer(&mut rules, id, words("yes")), stale, "a click on an earlier one");
    events(&mut rules);
    assert_eq!(due_when_heard(&mut rules, 300 * SECOND), []);
    let unanswered = RuleEvent::Answered { question: second, request: 2.into(), answer: Answer::NoAnswer {} };
    assert_eq!(due_when_heard(&mut rules, 301 * SECOND), [unanswered]);
    assert_eq!(rules.state().active().and_then(|active| active.question().cloned()), None);
}

#[test]
fn more_time_can_be_given_until_the_session_is_over_whatever_else_is_asked() {
    let mut rules = active(Duration::ZERO);
    let reason = "it\u{1b} takes longer".to_owned();
    rules.handle_question(1.into(), Question::Extension { minutes: 10, reason }, SECOND);
    let [RuleEvent::Asked(more)] = &events(&mut rules)[..] else { panic!("not asked") };
    let Asking::Engineers { question: Question::Extension { reason, .. }, .. } = &more.asking else {
        panic!("something else")
    };
    assert_eq!((reason.as_str(), more.until), ("it\u{fffd} takes longer", 3_600 * SECOND));
    let text = Question::Text { text: "Is it green?".into(), choices: Vec::new() };
    rules.handle_question(2.into(), text.clone(), SECOND);
    assert_ne!(asked(&rules), more.id, "the other one is shown");
    rules.handle_question(3.into(), text, SECOND);
    let third = RuleEvent::NotAsked { request: 3.into(), answer: Answer::Busy {} };
    assert_eq!(events(&mut rules).pop(), Some(third));
    rules.handle_withdrawal(2.into(), SECOND);
    assert_eq!(asked(&rules), more.id, "and then the first one again");
    events(&mut rules);
    let reminded = due_when_heard(&mut rules, 3_000 * SECOND);
    assert!(matches!(reminded[..], [RuleEvent::TimeLeft { minutes: 10 }]));
    let yes = Order::Answer(more.id, ClientAnswer::Yes);
    assert_eq!(rules.handle_order(yes, 3_000 * SECOND), Ok(()));
    let answer = Answer::Granted { seconds: 1_200 };
    assert_eq!(events(&mut rules)[0], RuleEvent::Answered { question: more.id, request: 1.into(), answer });
}

#[test]
fn steps_are_done_or_not_and_ready_questions_take_their_own_answers() {
    let mut rules = active(Duration::ZERO);
    let put = |rules: &mut Rules, question| {
        rules.handle_question(1.into(), question, SECOND);
        events(rules);
        asked(rules)
    };
    let german = |text: &str| ClientAnswer::InLanguage(text.into(), Language::German);
    let unfit = Err(Refusal::Stale(StaleAnswer::DoesNotFit));
    let told = |rules: &mut Rules| match events(rules).pop() {
        Some(RuleEvent::Answered { answer, .. }) => answer,
        other => panic!("{other:?}"),
    };
    let step = put(&mut rules, Question::Step { text: "Open the lid".into() });
    assert_eq!(answer(&mut rules, step, ClientAnswer::Text("done".into())), unfit);
    assert_eq!(answer(&mut rules, step, ClientAnswer::Yes), Ok(()));
    assert_eq!(told(&mut rules), Answer::Done {});
    let step = put(&mut rules, Question::Ready { ready: Ready::BatterySwap });
    assert_eq!(answer(&mut rules, step, ClientAnswer::No), Ok(()));
    assert_eq!(told(&mut rules), Answer::Refused {});
    let light = put(&mut rules, Question::Ready { ready: Ready::LightAtStart });
    for wrong in [ClientAnswer::Yes, german("pink"), german("grün"), german("fan")] {
        assert_eq!(answer(&mut rules, light, wrong), unfit);
    }
    assert_eq!(answer(&mut rules, light, german("green")), Ok(()));
    assert_eq!(told(&mut rules), Answer::Choice { choice: "green".into(), language: "de".into() });
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
    rules.handle_question(1.into(), Question::Extension { minutes: 10, reason: String::new() }, SECOND);
    events(&mut rules);
    assert_eq!(due(&mut rules, 9_000 * SECOND), ended(Reason::TimeUp));
}

#[test]
fn chat_goes_both_ways_in_a_session_and_is_cleaned() {
    let mut rules = active(SECOND);
    let said = |is_engineers: bool, text: &str| RuleEvent::Chat {
        from: is_engineers.then_some(SeatId::FIRST),
        text: text.into(),
    };
    assert!(rules.handle_engineers_chat(SeatId::FIRST, "a\u{1b}[2J", SECOND));
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
        rules.handle_question(1.into(), Question::Text { text: "?".into(), choices: Vec::new() }, SECOND);
        let id = asked(&rules);
        events(&mut rules);
        let outcome = answer(&mut rules, id, ClientAnswer::Text(text.clone()));
        match rules.poll_event() {
            Some(RuleEvent::Answered { request, answer, .. }) => {
                let sent = encode_fit(&FromAgent::Answered { request: request.number, answer });
                prop_assert!(decode::<FromAgent>(sent.expect("it fits").as_bytes()).is_ok());
            }
            other => prop_assert!(text.trim().is_empty() && outcome.is_err(), "{other:?}"),
        }
    }
}
