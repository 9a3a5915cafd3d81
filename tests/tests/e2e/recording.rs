//! What a session leaves is compared with what was done in it, and checked as anybody would.

use std::io::{Read, Write};
use std::net::TcpListener;

use fieldlink_evidence::{
    ANCHORS, AnchorSource, ChannelOutcome, Digest, Direction, Directory, EVENTS, Event, Problem, Program,
    Transferred, Trust, check, read_anchors,
};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::meddler::{Direction as Way, Leg, Meddler};
use fieldlink_tests::programs::{eventually, run_with_input};
use fieldlink_tests::record::{check_both, events_of, record_of};
use fieldlink_tests::{Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use tokio_tungstenite::tungstenite::Message;

fn transfers(events: &[Event]) -> Vec<&Transferred> {
    let mut transfers = Vec::new();
    for event in events {
        if let Event::FileTransferred(transfer) = event {
            transfers.push(transfer);
        }
    }
    transfers
}

/// The number of the channel of which that is so, and its end.
fn channel(events: &[Event], is_it: impl Fn(&Program) -> bool) -> (u64, &Event) {
    let number = events.iter().find_map(|event| match event {
        Event::ChannelOpened { channel, program, .. } if is_it(program) => Some(*channel),
        _ => None,
    });
    let number = number.expect("it was opened");
    let end =
        events.iter().find(|event| matches!(event, Event::ChannelOver { channel, .. } if *channel == number));
    (number, end.expect("it is over"))
}

#[test]
fn what_was_done_is_in_the_record_item_by_item() {
    let relay = Relay::start();
    let mut scanner = Scanner::start_asking(&relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let call = Call::of(&engineer, &scanner, holder);
    assert_eq!(run_with_input(&mut call.ssh("cat >&2; printf abc; exit 3"), b"12345").status.code(), Some(3));
    let mut terminal = call.tool("ssh");
    terminal.args(["-tt", &call.alias]);
    run_with_input(
        &mut terminal,
        b"echo seen-$((40 + 2)) typed-secret >/dev/null; echo seen-$((40 + 2)); exit 5\n",
    );
    let directory = tempfile::tempdir().expect("a directory");
    let [local, remote, back] = ["local", "remote", "back"].map(|name| directory.path().join(name));
    let content: Vec<u8> = (0..300_000u32).map(|number| (number % 251) as u8).collect();
    std::fs::write(&local, &content).expect("written");
    let batch = format!(
        "put {} {}\nget {} {}\n",
        local.display(),
        remote.display(),
        remote.display(),
        back.display()
    );
    assert!(call.sftp(&batch).status.success());
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("bound").port();
    let serving = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("somebody comes");
        let mut question = Vec::new();
        stream.read_to_end(&mut question).expect("read");
        stream.write_all(b"an answer").expect("written");
    });
    let mut forward = call.tool("ssh");
    forward.args(["-W", &format!("127.0.0.1:{port}"), &call.alias]);
    assert_eq!(run_with_input(&mut forward, b"a question").stdout, b"an answer");
    serving.join().expect("no panic");
    scanner.process.type_line("the light is green");
    call.end();
    scanner.wait_until_off();
    let record = record_of(&scanner);
    check_both(&record);
    let events = events_of(&record);

    let (_, end) = channel(
        &events,
        |program| matches!(program, Program::Exec { command, .. } if command.starts_with("cat >&2")),
    );
    let outcome = ChannelOutcome::Exit { code: 3 };
    assert!(
        matches!(end, Event::ChannelOver { outcome: is, input: 5, output: 8, .. } if *is == outcome),
        "{end:?}"
    );
    let (shell, end) = channel(&events, |program| *program == Program::Shell {});
    assert!(matches!(end, Event::ChannelOver { outcome: ChannelOutcome::Exit { code: 5 }, .. }), "{end:?}");
    let cast = std::fs::read_to_string(record.join(format!("terminal-{shell}.cast"))).expect("recorded");
    assert!(cast.contains("seen-42") && cast.ends_with("\"x\", \"5\"]\n"), "{cast}");
    let (_, end) = channel(
        &events,
        |program| matches!(program, Program::Forward { target } if target.ends_with(&format!(":{port}"))),
    );
    assert!(matches!(end, Event::ChannelOver { input: 10, output: 9, .. }), "{end:?}");
    let transfers = transfers(&events);
    for (direction, transfer) in [(Direction::Upload, transfers[0]), (Direction::Download, transfers[1])] {
        assert_eq!((transfer.direction, &*transfer.path), (direction, &*remote.to_string_lossy()));
        assert_eq!((transfer.size, transfer.sha256), (content.len() as u64, Some(Digest::of(&content))));
        assert!(transfer.complete);
    }
    assert_eq!(transfers.len(), 2, "{transfers:?}");
    let told = |is_it: &dyn Fn(&Event) -> bool| assert!(events.iter().any(is_it), "{events:#?}");
    told(&|event| matches!(event, Event::ConsentAsked { person, .. } if person.name == "Ada"));
    told(&|event| matches!(event, Event::ConsentGiven { .. }));
    told(&|event| matches!(event, Event::Chat { from: None, text } if text == "the light is green"));
    told(&|event| matches!(event, Event::SessionEnded { .. }));
}

/// The keys of the relay's, for a configuration.
fn anchor_keys(relay: &Relay) -> String {
    let keys = relay.operate(&["anchor-key"]);
    let keys: Vec<_> = keys.lines().map(|line| format!("{line:?}")).collect();
    format!("anchor_keys = [{}]", keys.join(", "))
}

/// What the engineer and the relay keep of a session shows that its record is the one that was written, to its end.
#[test]
fn a_record_is_anchored_to_its_end_and_cannot_be_exchanged_afterwards() {
    let relay = Relay::start();
    let settings = format!("record.{}\n", anchor_keys(&relay));
    let scanner = Scanner::start_with(&relay, ScannerOptions { settings, ..ScannerOptions::default() });
    let engineer = Engineer::enrolled(&relay, "Ada");
    engineer.configure(&anchor_keys(&relay));
    let call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo fine"), "fine\n");
    call.end();
    let record = record_of(&scanner);
    eventually("the end is anchored", PATIENCE, || {
        let findings = check(&Directory::new(&record), &Trust::default()).expect("nothing is wrong");
        findings.anchors.last.is_some_and(|anchor| anchor.head == findings.head)
    });
    let findings = check_both(&record);
    let session = findings.session.to_string();
    let kept = relay.operate(&["anchors", &session]);
    let of_engineer = engineer.connect().args(["anchors", &session]).output().expect("it runs").stdout;
    assert_eq!(String::from_utf8_lossy(&of_engineer), kept);
    assert_eq!(std::fs::read_to_string(record.join(ANCHORS)).expect("there"), kept);

    // Whoever has the device, its key included, puts another record in its place.
    let other = Scanner::start(&relay);
    let call = engineer.call(&other);
    assert_eq!(call.output_of("echo fine"), "fine\n");
    call.end();
    let other = record_of(&other);
    let anchors = read_anchors(kept.as_bytes(), AnchorSource::Outside).expect("readable");
    let trust = Trust { anchors, ..Trust::default() };
    check(&Directory::new(&record), &trust).expect("it is the one");
    let problem = check(&Directory::new(&other), &trust).expect_err("it is another one");
    assert!(matches!(problem, Problem::OtherAnchors(_)), "{problem:?}");
}

/// Says to the scanner that the relay has signed more than it was asked to.
fn overstating() -> impl FnMut(&Leg, Way, Message) -> Vec<Message> + Send + 'static {
    |leg, direction, message| {
        if let (Way::Down, "/v1/agent", Message::Text(text)) = (direction, leg.path.as_str(), &message)
            && let Ok(ToAgent::Anchored { session, line, signature }) = decode(text.as_bytes())
        {
            let mut parts: Vec<&str> = line.split(" | ").collect();
            parts[2] = "4000";
            let line = parts.join(" | ");
            return vec![message, Message::text(encode(&ToAgent::Anchored { session, line, signature }))];
        }
        vec![message]
    }
}

/// A relay cannot spoil a record: what it says of heads that it was not asked for is not kept.
#[test]
fn what_the_relay_was_not_asked_to_sign_is_not_in_the_record() {
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let meddler = Meddler::start(&relay, Box::new(overstating()));
    let mut scanner = Scanner::start_at(&meddler.url(), relay.authority(), Scanner::logging("info"));
    let call = engineer.call(&scanner);
    scanner.process.wait_for("signed what it was not asked to");
    call.end();
    let record = record_of(&scanner);
    eventually("something is kept", PATIENCE, || record.join(ANCHORS).exists());
    let kept = std::fs::read_to_string(record.join(ANCHORS)).expect("text");
    assert!(!kept.is_empty() && !kept.contains(" | 4000 | "), "{kept}");
    check_both(&record);
}

/// The agent is killed in the middle: what it wrote until then holds, and its next start closes and signs it.
#[test]
fn a_killed_agents_record_is_closed_by_its_next_start() {
    let relay = Relay::start();
    let mut scanner = Scanner::start(&relay);
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo before"), "before\n");
    let running =
        std::fs::read_dir(scanner.records()).expect("there").flatten().next().expect("a record").path();
    eventually("what was done is on the disk", PATIENCE, || {
        let bytes = std::fs::read(running.join(EVENTS)).unwrap_or_default();
        String::from_utf8_lossy(&bytes).contains("channel-over")
    });
    drop(call);
    scanner.kill_and_start_again();
    let record = record_of(&scanner);
    assert_eq!(record, running);
    let findings = check_both(&record);
    assert!(findings.closed_late);
    let events = events_of(&record);
    assert!(events.iter().any(|event| matches!(event, Event::RecordResumed { .. })), "{events:?}");
}
