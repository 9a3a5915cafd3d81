//! The client's own verdict, once a session is over.

use fieldlink_device::verdict::Verdict;

use super::*;

fn give(rules: &mut Rules, n: u8, verdict: Verdict, words: &str) -> Result<(), Refusal> {
    rules.handle_order(Order::Verdict(request(n).session, verdict, words.into()), SECOND)
}

#[test]
fn a_verdict_is_given_once_on_a_session_that_is_over() {
    let mut rules = active(Duration::ZERO);
    assert_eq!(give(&mut rules, 1, Verdict::Solved, ""), Err(Refusal::NoVerdict), "it is not over");
    rules.handle_over(Reason::EngineerEnded, Teller::Party, SECOND);
    events(&mut rules);
    assert_eq!(rules.verdict().session(), Some(request(1).session));
    assert_eq!(give(&mut rules, 2, Verdict::Solved, ""), Err(Refusal::NoVerdict), "another session");
    assert_eq!(give(&mut rules, 1, Verdict::Partly, " it beeps\u{7} "), Ok(()));
    let (session, words) = (request(1).session, "it beeps\u{fffd}".into());
    assert_eq!(events(&mut rules), [RuleEvent::VerdictGiven { session, verdict: Verdict::Partly, words }]);
    assert_eq!(give(&mut rules, 1, Verdict::Not, ""), Err(Refusal::NoVerdict), "once");
}

#[test]
fn nobody_is_asked_for_ever_nor_about_what_was_no_session() {
    let mut rules = active(Duration::ZERO);
    rules.handle_over(Reason::EngineerEnded, Teller::Party, SECOND);
    events(&mut rules);
    let until = rules.poll_timeout().expect("it ends");
    assert_eq!(due(&mut rules, until), []);
    assert_eq!((rules.verdict().session(), rules.poll_timeout()), (None, None));

    let mut rules = active(Duration::ZERO);
    rules.handle_over(Reason::EngineerEnded, Teller::Party, SECOND);
    rules.handle_order(Order::Start, SECOND).expect("off");
    assert_eq!(rules.verdict().session(), None, "remote access is on again");
    rules.handle_order(Order::Stop(Reason::ClientEnded), SECOND).expect("on");
    assert_eq!(rules.verdict().session(), None, "nobody had come in");
}

#[test]
fn a_session_whose_record_is_deleted_is_over_and_waits_for_no_verdict() {
    let mut rules = active(Duration::ZERO);
    let session = request(1).session;
    let delete = |rules: &mut Rules, n| rules.handle_order(Order::DeleteRecord(request(n).session), SECOND);
    assert_eq!(delete(&mut rules, 1), Err(Refusal::RecordOpen));
    assert_eq!(rules.handle_order(Order::ForgetRecords, SECOND), Err(Refusal::NotOff));
    assert_eq!(delete(&mut rules, 2), Ok(()), "of an earlier session");
    rules.handle_over(Reason::EngineerEnded, Teller::Party, SECOND);
    assert_eq!(delete(&mut rules, 2), Ok(()));
    assert_eq!(rules.verdict().session(), Some(session));
    assert_eq!(delete(&mut rules, 1), Ok(()));
    assert_eq!(rules.verdict().session(), None);
    assert_eq!(rules.handle_order(Order::ForgetRecords, SECOND), Ok(()));
}
