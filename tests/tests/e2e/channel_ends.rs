//! Every channel has one end in the scanner's log, with what went through it.

use std::io::{Read, Write};
use std::net::TcpListener;

use fieldlink_tests::programs::run_with_input;
use fieldlink_tests::{Engineer, Relay, Scanner};

/// How the log of the scanner tells that a channel of this kind is over.
fn end_of(scanner: &mut Scanner, kind: &str) -> String {
    scanner.process.wait_for("a channel is over");
    let log = scanner.process.transcript();
    let line = log.lines().rfind(|line| line.contains("a channel is over")).expect("just seen");
    assert!(line.contains(&format!("kind={kind}")), "{line}");
    line.to_owned()
}

#[test]
fn every_channel_has_one_end_with_what_went_through_it() {
    let relay = Relay::start();
    let mut scanner = Scanner::start_with(&relay, Scanner::logging("info"));
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let output = run_with_input(&mut call.ssh("cat >&2; printf abc; exit 3"), b"12345");
    assert_eq!(output.status.code(), Some(3));
    let end = end_of(&mut scanner, "Exec");
    assert!(end.contains("status=exit code 3 input=5 output=8"), "{end}");
    assert!(!end.contains("printf"), "commands may hold secrets: {end}");
    let mut terminal = call.tool("ssh");
    terminal.args(["-tt", &call.alias]);
    run_with_input(&mut terminal, b"kill -9 $$\n");
    let end = end_of(&mut scanner, "Shell");
    assert!(end.contains("status=signal KILL input=11"), "{end}");
    assert!(call.sftp("pwd\n").status.success());
    let end = end_of(&mut scanner, "Sftp");
    assert!(end.contains("status=exit code 0"), "{end}");
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut question = Vec::new();
        stream.read_to_end(&mut question).expect("read");
        stream.write_all(b"an answer").expect("written");
        question
    });
    let mut forward = call.tool("ssh");
    forward.args(["-W", &format!("127.0.0.1:{port}"), &call.alias]);
    assert_eq!(run_with_input(&mut forward, b"a question").stdout, b"an answer");
    assert_eq!(serving.join().expect("no panic"), b"a question");
    let end = end_of(&mut scanner, "Forward");
    assert!(end.contains("status=closed input=10 output=9"), "{end}");
    call.end();
}
