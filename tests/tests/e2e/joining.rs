//! Further engineers: how they come in, that each has what is theirs, and how the session changes hands.

use std::time::{Duration, Instant};

use fieldlink_tests::company::{address, code, join, join_code, start, start_joining, wait_for_status};
use fieldlink_tests::engineer::{random_file, wait_until_active};
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Authority, Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use nix::sys::signal::Signal;

/// A scanner whose client allowed a session, and two engineers with one relay.
fn parties() -> (Relay, Scanner, Engineer, Engineer) {
    let relay = Relay::start();
    let scanner = Scanner::start(&relay);
    let [ada, bob] = ["Ada", "Bob"].map(|name| Engineer::enrolled(&relay, name));
    (relay, scanner, ada, bob)
}

#[test]
fn a_second_engineer_works_beside_the_first_and_both_are_named() {
    let (relay, mut scanner, ada, bob) = parties();
    let mut first = ada.call(&scanner);
    let code_line = join_code(&ada);
    let second = join(&bob, &mut scanner, "Bob", &code_line);
    first.holder.wait_for("\"name\":\"Bob\"");
    assert_eq!((first.output_of("echo one"), second.output_of("echo two")), ("one\n".into(), "two\n".into()));
    wait_for_status(&bob, "Ada, Demo Company (it is theirs)");
    assert_eq!(code(start(&bob, &["extend", "10", "why not"])), 1, "it is not theirs");
    assert_eq!(code(start(&bob, &["share", "--engineer"])), 1);
    // The further one leaves, and the session goes on.
    second.end();
    assert_eq!(first.output_of("echo still"), "still\n");
    first.end();
    let joined = relay.audit().iter().filter(|line| line["joins"].is_string()).count();
    assert_eq!(joined, 1, "the relay's record says which session it belonged to");
}

#[test]
fn a_code_is_good_once_and_for_three_tries() {
    let (_relay, mut scanner, ada, bob) = parties();
    let call = ada.call(&scanner);
    let code_line = join_code(&ada);
    let second = join(&bob, &mut scanner, "Bob", &code_line);
    second.end();
    assert_eq!(code(start_joining(&bob, &code_line, &[])), 213, "a code is used up by its use");
    let code_line = join_code(&ada);
    let (address, digits) = code_line.split_once(" - ").expect("two halves");
    let wrong = if digits.starts_with('0') { "111 111" } else { "000 000" };
    let wrong = format!("{address} - {wrong}");
    // Each engineer's own program stops at the second.
    assert_eq!(code(start_joining(&bob, &wrong, &[])), 214);
    assert_eq!(code(start_joining(&bob, &wrong, &[])), 214);
    assert_eq!(code(start_joining(&bob, &wrong, &[])), 220);
    let carol = Engineer::enrolled(&_relay, "Carol");
    assert_eq!(code(start_joining(&carol, &wrong, &[])), 214);
    let mut fourth = start_joining(&carol, &code_line, &[]);
    assert_eq!(
        fourth.wait_for_end().code(),
        Some(213),
        "the right one comes too late: {}",
        fourth.transcript()
    );
    // A new code takes the place of one that was out.
    let (old, new) = (join_code(&ada), join_code(&ada));
    let dora = Engineer::enrolled(&_relay, "Dora");
    assert_eq!(code(start_joining(&dora, &old, &[])), 213);
    join(&dora, &mut scanner, "Dora", &new).end();
    assert_eq!(call.output_of("echo whole"), "whole\n");
    call.end();
}

#[test]
fn the_client_says_no_and_a_device_may_never_allow_it() {
    let (relay, mut scanner, ada, bob) = parties();
    let call = ada.call(&scanner);
    let code_line = join_code(&ada);
    let mut joining = start_joining(&bob, &code_line, &[]);
    scanner.process.wait_for("Bob (Demo Company) wants to");
    scanner.process.type_line("n");
    assert_eq!(joining.wait_for_end().code(), Some(215), "{}", joining.transcript());
    call.end();
    let options = ScannerOptions { policy: "guests = \"never\"".into(), ..ScannerOptions::default() };
    let closed = Scanner::start_with(&relay, options);
    let call = ada.call(&closed);
    for arguments in [&["share", "--engineer"][..], &["share", "--observer", "Carol"]] {
        assert_eq!(code(start(&ada, arguments)), 1);
    }
    call.end();
}

#[test]
fn the_session_changes_hands_while_a_file_of_the_first_is_under_way() {
    let (_relay, mut scanner, ada, bob) = parties();
    let mut first = ada.call(&scanner);
    let second = join(&bob, &mut scanner, "Bob", &join_code(&ada));
    let directory = tempfile::tempdir().expect("a directory");
    let (from, to) = (directory.path().join("from"), directory.path().join("to"));
    random_file(&from, 96 << 20);
    let mut copy = first.tool("scp");
    copy.arg("-q").arg("-l").arg("200000").arg(&from).arg(format!("{}:{}", first.alias, to.display()));
    let mut copy = Running::start("scp", &mut copy);
    eventually("it is under way", PATIENCE, || to.exists());
    assert_eq!(code(start(&ada, &["hand-over", "Bob"])), 0);
    scanner.process.wait_for("Bob");
    assert_eq!(code(start(&ada, &["extend", "10", "again"])), 1, "it is not theirs any more");
    let mut granted = start(&bob, &["extend", "10", "one more test"]);
    scanner.process.wait_for("asks for 10 more minutes");
    scanner.process.type_line("y");
    granted.wait_for("the client granted it");
    assert!(!copy.has_ended(), "the file is still under way");
    assert!(copy.wait_for_end_within(Duration::from_secs(60)).success(), "{}", copy.transcript());
    let read = |path| std::fs::read(path).expect("it is there");
    assert!(read(&from) == read(&to), "what arrived is something else");
    // The first leaves, and it goes on.
    assert_eq!(code(start(&ada, &["end"])), 0);
    first.wait_until_ended();
    assert_eq!(second.output_of("echo mine"), "mine\n");
    second.end();
    scanner.wait_until_off();
}

#[test]
fn what_one_leaves_running_ends_with_them() {
    let (_relay, mut scanner, ada, bob) = parties();
    let first = ada.call(&scanner);
    let second = join(&bob, &mut scanner, "Bob", &join_code(&ada));
    let _theirs = second.start("echo begun; sleep 987654");
    let runs = |seconds: &str| {
        scanner.descendants().iter().any(|pid| {
            let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
            String::from_utf8_lossy(&line).contains(seconds)
        })
    };
    let _ours = first.start("echo begun; sleep 987655");
    eventually("both run", PATIENCE, || runs("987654") && runs("987655"));
    second.end();
    eventually("the second's is gone", Duration::from_secs(3), || !runs("987654"));
    assert!(runs("987655"), "the first's goes on");
    first.end();
}

#[test]
fn each_is_revoked_by_themselves() {
    let (relay, mut scanner, ada, bob) = parties();
    let mut first = ada.call(&scanner);
    let mut second = join(&bob, &mut scanner, "Bob", &join_code(&ada));
    let id_of = |name: &str| {
        let engineers = relay.operate(&["engineer", "list"]);
        let line = engineers.lines().find(|line| line.contains(name)).expect("listed");
        line.split_whitespace().next().expect("an ID").to_owned()
    };
    let begun = Instant::now();
    relay.operate(&["engineer", "revoke", &id_of("Bob")]);
    assert!(second.wait_until_ended().contains("revoked"));
    assert!(begun.elapsed() < Duration::from_secs(5));
    assert_eq!(first.output_of("echo stays"), "stays\n");
    let carol = Engineer::enrolled(&relay, "Carol");
    let third = join(&carol, &mut scanner, "Carol", &join_code(&ada));
    relay.operate(&["engineer", "revoke", &id_of("Ada")]);
    assert!(first.wait_until_ended().contains("revoked"));
    // Somebody else is at work: the session goes on, and is theirs.
    assert_eq!(third.output_of("echo stays"), "stays\n");
    let mut asking = start(&carol, &["extend", "5", "to finish"]);
    scanner.process.wait_for("asks for 5 more minutes");
    scanner.process.type_line("y");
    asking.wait_for("the client granted it");
    third.end();
    scanner.wait_until_off();
}

#[test]
fn the_client_ends_it_for_one_or_for_all() {
    let (_relay, mut scanner, ada, bob) = parties();
    let mut first = ada.call(&scanner);
    let mut second = join(&bob, &mut scanner, "Bob", &join_code(&ada));
    scanner.process.type_line("remove Bob");
    assert!(second.wait_until_ended().contains("removed"));
    assert_eq!(first.output_of("echo stays"), "stays\n");
    let mut again = join(&bob, &mut scanner, "Bob", &join_code(&ada));
    scanner.process.type_line("end");
    assert!(first.wait_until_ended().contains("client-ended"));
    assert!(again.wait_until_ended().contains("client-ended"));
    scanner.wait_until_off();
}

#[test]
fn a_further_engineers_program_is_killed_and_comes_back() {
    let (_relay, mut scanner, ada, bob) = parties();
    let first = ada.call(&scanner);
    let code_line = join_code(&ada);
    let second = join(&bob, &mut scanner, "Bob", &code_line);
    assert_eq!(second.output_of("echo first"), "first\n");
    second.signal_both(Signal::SIGKILL);
    drop(second);
    let mut back = Running::start(
        "fieldlink-connect",
        bob.connect().args(["connect", &address(&code_line), "--no-shell", "--json"]),
    );
    wait_until_active(&mut back);
    let back = Call::joined(&bob, &address(&code_line), back);
    assert_eq!(back.output_of("echo back"), "back\n");
    back.end();
    assert_eq!(first.output_of("echo stays"), "stays\n");
    first.end();
}

#[test]
fn who_only_watches_sees_everything_and_opens_nothing() {
    let (_relay, mut scanner, ada, bob) = parties();
    let mut first = ada.call(&scanner);
    let code_line = join_code(&ada);
    let mut holder = start_joining(&bob, &code_line, &["--observe"]);
    scanner.process.wait_for("Bob (Demo Company) wants to");
    scanner.process.type_line("y");
    wait_until_active(&mut holder);
    first.holder.wait_for("\"part\":\"observing\"");
    assert_eq!(first.output_of("echo shown"), "shown\n");
    let opened = holder.wait_for("echo shown");
    assert!(opened.contains("\"who\":\"Ada\""), "it says whose it is: {opened}");
    let alias = format!("scanner-{}", address(&code_line));
    let mut ssh = bob.program("ssh");
    ssh.arg("-F").arg(bob.runtime().join("ssh_config")).args([&alias, "true"]);
    let refused = ssh.output().expect("it runs");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("you only watch"), "{refused:?}");
    assert_eq!(code(start(&ada, &["hand-over", "Bob"])), 2, "nobody who only watches can have it");
    // Their program is started again: they still only watch.
    Call::joined(&bob, &address(&code_line), holder).signal_both(Signal::SIGKILL);
    let mut again = Running::start(
        "fieldlink-connect",
        bob.connect().args(["connect", &address(&code_line), "--no-shell", "--json"]),
    );
    wait_until_active(&mut again);
    assert_eq!(first.output_of("echo again"), "again\n");
    again.wait_for("echo again");
    let refused = ssh.output().expect("it runs");
    assert!(String::from_utf8_lossy(&refused.stderr).contains("you only watch"), "{refused:?}");
    first.end();
    assert_eq!(code(again), 217);
}

#[test]
fn a_further_engineer_proves_who_they_are_as_the_first_does() {
    let (relay, authority) = (Relay::start(), Authority::new());
    let options = ScannerOptions { engineers: authority.section(), ..ScannerOptions::default() };
    let mut scanner = Scanner::start_with(&relay, options);
    let [ada, bob] = ["Ada", "Whoever the relay says"].map(|name| Engineer::enrolled(&relay, name));
    authority.certify(&ada, &[]);
    let first = ada.call(&scanner);
    let mut refused = start_joining(&bob, &join_code(&ada), &[]);
    assert_eq!(refused.wait_for_end().code(), Some(222), "{}", refused.transcript());
    authority.certify(&bob, &[]);
    let code_line = join_code(&ada);
    let mut holder = start_joining(&bob, &code_line, &[]);
    // The name is the certificate's, and told apart from the first one's.
    scanner.process.wait_for("Ada Lovelace (Scans Ltd) wants to work on this device in this session, too");
    scanner.process.type_line("y");
    wait_until_active(&mut holder);
    let second = Call::joined(&bob, &address(&code_line), holder);
    wait_for_status(&ada, "Ada Lovelace (2), Scans Ltd (works)");
    assert_eq!(second.output_of("echo proven"), "proven\n");
    second.end();
    first.end();
}
