//! What client and engineer say to each other during a session: questions, more time, chat.

use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::Running;
use fieldlink_tests::{Call, Engineer, Relay, Scanner, ScannerOptions};

fn start(engineer: &Engineer, arguments: &[&str]) -> Running {
    Running::start("fieldlink-connect", engineer.connect().args(arguments))
}

fn code(mut running: Running) -> i32 {
    running.wait_for_end().code().expect("it was not killed")
}

#[test]
fn the_engineer_asks_and_gets_the_clients_words_alone() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut asking = start(&engineer, &["ask", "Is the light green?", "--choice", "yes", "--choice", "no"]);
    scanner.process.wait_for("The engineer asks: Is the light green?");
    scanner.process.wait_for("Type a number");
    // What fits none of the choices answers nothing.
    scanner.process.type_line("perhaps");
    scanner.process.type_line("2");
    asking.wait_for("no");
    assert_eq!(code(asking), 0);
    let free = start(&engineer, &["ask", "What", "does the\u{202e} display say?"]);
    assert_eq!(code(free), 2, "what cannot be shown is not asked");
    let mut free = start(&engineer, &["ask", "What does the display say?"]);
    scanner.process.wait_for("Type an answer");
    scanner.process.type_line("Error 7");
    free.wait_for("Error 7");
    assert_eq!(code(free), 0);
    call.end();
}

#[test]
fn a_question_that_is_taken_back_is_gone_and_another_can_be_asked() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let first = start(&engineer, &["ask", "One?"]);
    scanner.process.wait_for("The engineer asks: One?");
    let second = start(&engineer, &["ask", "Two?"]);
    assert_eq!(code(second), 221, "one question at a time");
    first.signal(nix::sys::signal::Signal::SIGINT);
    drop(first);
    scanner.process.wait_for("The question was taken back.");
    let mut third = start(&engineer, &["ask", "Three?"]);
    scanner.process.wait_for("asks: Three?");
    scanner.process.type_line("three");
    third.wait_for("three");
    call.end();
}

#[test]
fn the_client_gives_more_time_or_not_and_two_hours_are_the_most() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut call = engineer.call(&scanner);
    let refused = start(&engineer, &["extend", "30", "one more test"]);
    scanner.process.wait_for("The engineer asks for 30 more minutes: one more test. Agree?");
    scanner.process.type_line("perhaps");
    scanner.process.wait_for("Type yes or no");
    scanner.process.type_line("n");
    scanner.process.wait_for("You said no.");
    assert_eq!(code(refused), 215);
    let mut granted = start(&engineer, &["extend", "60", "one more test"]);
    scanner.process.wait_for("60 more minutes");
    scanner.process.type_line("y");
    granted.wait_for("the client granted it: 1");
    assert_eq!(code(granted), 0);
    scanner.process.wait_for("the session ends in 120 minutes");
    call.holder.wait_for("\"state\":\"extended\"");
    let beyond = start(&engineer, &["extend", "1", "one more test"]);
    assert_eq!(code(beyond), 1);
    call.end();
}

#[test]
fn both_sides_read_what_the_other_says_and_nothing_that_moves_the_cursor() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start_asking(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let mut call = Call::of(&engineer, &scanner, holder);
    assert_eq!(code(start(&engineer, &["chat", "please", "look at the light"])), 0);
    scanner.process.wait_for("Engineer: please look at the light");
    scanner.process.type_line("it is\u{1b}[2J green");
    let line = call.holder.wait_for("\"state\":\"chat\"");
    assert!(line.contains("it is\u{fffd}[2J green"), "{line}");
    let mut history = start(&engineer, &["chat"]);
    history.wait_for("you: please look at the light");
    history.wait_for("the client: it is");
    call.end();
}

#[test]
fn a_question_that_is_open_at_the_end_is_answered_by_the_end() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut call = engineer.call(&scanner);
    let asking = start(&engineer, &["ask", "Anybody there?"]);
    scanner.process.wait_for("asks: Anybody there?");
    scanner.process.type_line("end");
    assert_eq!(code(asking), 217);
    assert!(call.wait_until_ended().contains("client-ended"));
}

#[test]
fn both_sides_are_reminded_of_the_end() {
    let relay = Relay::start();
    let options = ScannerOptions { session: "length_seconds = 62".into(), ..ScannerOptions::default() };
    let (mut scanner, engineer) = (Scanner::start_with(&relay, options), Engineer::enrolled(&relay, "Ada"));
    let mut call = engineer.call(&scanner);
    scanner.process.wait_for("The session ends in one minute.");
    call.holder.wait_for("\"state\":\"time-left\",\"minutes\":1");
    call.end();
}

#[test]
fn more_time_is_asked_for_with_a_reason_and_stays_answerable() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut scanner = Scanner::start(&relay);
    let _call = engineer.call(&scanner);
    let mut more = start(&engineer, &["extend", "30", "the update takes longer"]);
    scanner.process.wait_for("asks for 30 more minutes: the update takes longer. Agree?");
    let mut question = start(&engineer, &["ask", "Is the light green?"]);
    scanner.process.wait_for("The engineer asks: Is the light green?");
    scanner.process.type_line("it is");
    question.wait_for("it is");
    // The first one is shown again.
    scanner.process.wait_for("asks for 30 more minutes: the update takes longer. Agree?");
    scanner.process.type_line("yes");
    more.wait_for("90 minutes");
}
