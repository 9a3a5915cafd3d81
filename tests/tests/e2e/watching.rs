//! Those who watch a session with a link: what they see, that they can do nothing, and how it ends for them.

use std::io::Read;
use std::process::Stdio;
use std::time::{Duration, Instant};

use bytes::Bytes;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::link::ObserverLink;
use fieldlink_protocol::messages::control::FromEngineer;
use fieldlink_protocol::messages::observer::{DeviceSecret, FromAgent, FromObserver, Nothing, ToObserver};
use fieldlink_protocol::messages::questions::Question;
use fieldlink_protocol::messages::{Features, decode, encode};
use fieldlink_protocol::pairing::{EngineerLogin, PairingContext, PairingMessage};
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::seal::{Opener, Sealer};
use fieldlink_tests::company::{Partner, code, link, start};
use fieldlink_tests::engineer::wait_until_active;
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::raw::{dialer, runtime, within};
use fieldlink_tests::terminal::Terminal;
use fieldlink_tests::{Cable, Call, Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use fieldlink_transport::{Attached, ControlConnection, PipeLimits};
use nix::sys::signal::Signal;
use serde_json::Value;
use tokio::io::AsyncWriteExt;
use tokio_util::sync::CancellationToken;

/// What the terminal of a channel has shown so far, as a watcher's lines of JSON tell it.
#[derive(Default)]
struct Shown {
    text: String,
    skipped: u64,
    is_closed: bool,
}

impl Shown {
    fn hear(&mut self, line: &str) {
        let Ok(message) = serde_json::from_str::<Value>(line) else { return };
        let event = &message["event"];
        match event["event"].as_str() {
            Some("output") => self.text.push_str(event["text"].as_str().expect("text")),
            Some("skipped") => self.skipped += event["bytes"].as_u64().expect("a number"),
            Some("closed") => self.is_closed = true,
            _ => {}
        }
    }

    /// Everything up to the end of the only channel.
    fn of(watching: &mut Running) -> Self {
        let mut shown = Self::default();
        while !shown.is_closed {
            shown.hear(&watching.next_line(PATIENCE).expect("the channel ends"));
        }
        shown
    }
}

#[test]
fn the_client_allows_it_and_everybody_sees_who_watches() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start_asking(&relay), Engineer::enrolled(&relay, "Ada"));
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("y");
    wait_until_active(&mut holder);
    let mut call = Call::of(&engineer, &scanner, holder);
    let refused = start(&engineer, &["share", "--observer", "Carol"]);
    scanner.process.wait_for("Carol");
    scanner.process.type_line("n");
    assert_eq!(code(refused), 215);
    let mut sharing = start(&engineer, &["share", "--observer", "Carol"]);
    scanner.process.wait_for("Carol");
    scanner.process.type_line("y");
    let link = sharing.wait_for("https://");
    assert_eq!(code(sharing), 0);
    let partner = Partner::new();
    let mut watching = partner.watch(&relay, &link);
    watching.wait_for("\"type\":\"welcome\"");
    scanner.process.wait_for("Carol");
    call.holder.wait_for("\"attendance\":\"here\"");
    let mut status = start(&engineer, &["status"]);
    status.wait_for("Carol (watches)");
    assert_eq!(code(status), 0);
    assert_eq!(call.output_of("echo seen"), "seen\n");
    watching.wait_for("echo seen");
    assert_eq!(code(start(&engineer, &["chat", "hello"])), 0);
    watching.wait_for("hello");
    call.end();
    watching.wait_for_end();
    let told = watching.transcript();
    assert!(told.contains("the session is over: the engineer ended it"), "{told}");
}

#[test]
fn a_watcher_gets_the_bytes_of_the_terminal_also_over_cuts() {
    let relay = Relay::start();
    let (scanners_cable, watchers_cable) = (Cable::to(&relay), Cable::to(&relay));
    let mut scanner = Scanner::start_at(&scanners_cable.url(), relay.authority(), ScannerOptions::default());
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let link = link(&engineer, &mut scanner, "Carol");
    let through_cable = link.replacen(relay.address(), &watchers_cable.url()["wss://".len()..], 1);
    assert_ne!(link, through_cable);
    let partner = Partner::new();
    let mut watching = partner.watch(&relay, &through_cable);
    watching.wait_for("\"type\":\"welcome\"");
    let mut command = call.tool("ssh");
    let work =
        "for n in $(seq 1 40); do seq $n 200; printf 'ü€😀 %s\\033[1mx\\033[0m\\n' $n; sleep 0.05; done";
    command.args(["-tt", &call.alias, "--", work]).stdin(Stdio::null()).stdout(Stdio::piped());
    let mut ssh = command.spawn().expect("ssh runs");
    let mut stdout = ssh.stdout.take().expect("piped");
    let reading = std::thread::spawn(move || {
        let mut bytes = Vec::new();
        stdout.read_to_end(&mut bytes).expect("readable");
        bytes
    });
    watching.wait_for("opened");
    for _ in 0..3 {
        watching.wait_for("output");
        watchers_cable.cut();
        watchers_cable.mend();
        scanners_cable.cut();
        scanners_cable.mend();
    }
    let shown = Shown::of(&mut watching);
    let seen = watching.transcript();
    let bytes = reading.join().expect("it ends");
    assert!(ssh.wait().is_ok());
    let all: Shown = seen.lines().fold(Shown::default(), |mut all, line| {
        all.hear(line);
        all
    });
    assert_eq!((all.skipped, shown.skipped), (0, 0));
    let terminal = String::from_utf8(bytes).expect("text");
    assert!(all.text == terminal, "{} bytes seen of {}", all.text.len(), terminal.len());
    call.end();
    assert_eq!(code(watching), 217);
}

#[test]
fn a_link_is_for_the_first_device_and_stays_so() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let link = link(&engineer, &mut scanner, "Carol");
    let (partner, other) = (Partner::new(), Partner::new());
    let mut watching = partner.watch(&relay, &link);
    watching.wait_for("\"type\":\"welcome\"");
    let mut second = other.watch(&relay, &link);
    assert_eq!(second.wait_for_end().code(), Some(217));
    assert!(second.transcript().contains("another device"), "{}", second.transcript());
    let mut beside = partner.watch(&relay, &link);
    assert_eq!(beside.wait_for_end().code(), Some(221), "one program of a device");
    // Its own program may be started again; another one's still not.
    watching.signal(Signal::SIGKILL);
    watching.wait_for_end();
    let mut again = partner.watch(&relay, &link);
    again.wait_for("\"type\":\"welcome\"");
    assert_eq!(code(other.watch(&relay, &link)), 217);
    assert_eq!(call.output_of("echo goes on"), "goes on\n");
    again.wait_for("echo goes on");
    call.end();
    assert_eq!(code(again), 217);
    let mut late = partner.watch(&relay, &link);
    assert_eq!(late.wait_for_end().code(), Some(217), "{}", late.transcript());
}

#[test]
fn client_and_engineer_withdraw_a_link_within_a_second() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let by_engineer = |name: &str| assert_eq!(code(start(&engineer, &["remove", name])), 0);
    let links = ["Carol", "Dave"].map(|name| (name, link(&engineer, &mut scanner, name)));
    for (name, link) in links {
        let partner = Partner::new();
        let mut watching = partner.watch(&relay, &link);
        watching.wait_for("\"type\":\"welcome\"");
        let begun = Instant::now();
        match name {
            "Carol" => by_engineer(name),
            name => scanner.process.type_line(&format!("remove {name}")),
        }
        assert_eq!(watching.wait_for_end_within(Duration::from_secs(3)).code(), Some(217));
        assert!(begun.elapsed() < Duration::from_secs(2), "{:?}", begun.elapsed());
        assert_eq!(code(partner.watch(&relay, &link)), 217, "it is good no more");
        assert_eq!(code(Partner::new().watch(&relay, &link)), 217);
    }
    assert_eq!(code(start(&engineer, &["remove", "Carol"])), 2, "there is none any more");
    call.end();
}

#[test]
fn a_slow_watcher_skips_and_holds_nobody_up() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let (partner, link) = (Partner::new(), link(&engineer, &mut scanner, "Carol"));
    let mut watching = partner.watch(&relay, &link);
    watching.wait_for("\"type\":\"welcome\"");
    watching.signal(Signal::SIGSTOP);
    let mut command = call.tool("ssh");
    command.args(["-tt", &call.alias, "--", "seq 1 4000000"]).stdin(Stdio::null());
    let output = command.output().expect("ssh runs");
    assert!(output.status.success() && output.stdout.len() > 30_000_000, "{}", output.status);
    watching.signal(Signal::SIGCONT);
    let shown = Shown::of(&mut watching);
    assert!(shown.skipped > 0, "{} bytes were shown", shown.text.len());
    call.end();
    assert_eq!(code(watching), 217);
}

#[test]
fn links_that_are_none_are_told_from_those_that_are_over() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let link = link(&engineer, &mut scanner, "Carol");
    let partner = Partner::new();
    let (ticket, _key) = link.rsplit_once('#').expect("a key");
    assert_eq!(code(partner.watch(&relay, ticket)), 2, "the key is missing");
    assert_eq!(code(partner.watch(&relay, "https://relay.example.com/")), 2);
    let wrong_key = format!("{ticket}#{}", "A".repeat(43));
    assert_eq!(code(partner.watch(&relay, &wrong_key)), 214, "it is another key");
    let forged = link.replacen("/v1/observer/", "/v1/observer/x", 1);
    assert_eq!(code(partner.watch(&relay, &forged)), 217, "another ticket");
    eventually("the right one is still good", PATIENCE, || {
        let mut watching = partner.watch(&relay, &link);
        let is_in = watching.wait_for_within("\"type\":\"welcome\"", Duration::from_secs(3)).is_some();
        println!("{}", watching.transcript());
        is_in
    });
    call.end();
}

/// Somebody with a link whose program is their own: says `words` after what is to be said. Gives what the scanner says
/// last.
async fn speak(relay: &Relay, link: &str, words: &[u8], is_sealed: bool) -> Option<Reason> {
    let (dialer, link) =
        (dialer(&relay.url(), relay.authority()), ObserverLink::parse(link).expect("a link"));
    let header = Some((endpoint::TICKET_HEADER, link.ticket.as_str()));
    let dialled = ControlConnection::<Nothing, ToObserver>::dial(&dialer, endpoint::OBSERVER, header).await;
    let opened = dialled.expect("the ticket is good").next().await.expect("an answer");
    let ToObserver::Opened { session, observer, run, pipe, pipe_ticket } = opened else {
        panic!("{opened:?}")
    };
    let mut attached = Attached::attach(&dialer, &pipe_ticket).await.expect("a pipe");
    let (login, ke1) = EngineerLogin::start(&link.key.0).expect("a start");
    let start = PairingMessage::Start { ke1, proof: Bytes::new() };
    attached.send(start.encode()).await.expect("sent");
    let Ok(PairingMessage::Response(ke2)) =
        PairingMessage::decode(&attached.receive().await.expect("answered"))
    else {
        panic!("no response")
    };
    let context = PairingContext::of_observer(session, run, observer);
    let (keys, ke3) = login.finish(&ke2, &context).expect("the key is right");
    attached.send(PairingMessage::Finish(ke3).encode()).await.expect("sent");
    let kind = PipeKind::Observer;
    let side = Side { role: Role::Engineer, pipe, kind, key: keys.pipe_key(pipe, kind) };
    let (mut reader, mut writer, driver) =
        attached.establish(side, PipeLimits::default()).await.expect("established");
    let driving = tokio::spawn(driver.run(CancellationToken::new(), || "gone".to_owned()));
    let mut sealer = Sealer::new(&keys.engineer_to_agent, session, run, Role::Engineer);
    let mut opener = Opener::new(&keys.agent_to_engineer, session, run, Role::Agent);
    let hello = FromObserver::Hello {
        device: DeviceSecret::random(),
        software: "hostile".into(),
        features: Features::ours(),
        places: Vec::new(),
    };
    let hello = sealer.seal(encode(&hello).as_bytes()).expect("sealed");
    writer.write_all(&hello).await.expect("written");
    let (mut last, mut has_spoken) = (None, false);
    while let Some(bytes) = reader.next().await {
        opener.receive(&bytes);
        while let Ok(Some(message)) = opener.open_next() {
            match decode(&message).expect("understood") {
                FromAgent::Welcome { .. } if !has_spoken => {
                    has_spoken = true;
                    let words =
                        if is_sealed { sealer.seal(words).expect("sealed").to_vec() } else { words.to_vec() };
                    writer.write_all(&words).await.expect("written");
                }
                FromAgent::End { reason } => last = Some(reason),
                _ => {}
            }
        }
    }
    drop(writer);
    let _ = driving.await;
    last
}

#[test]
fn whoever_watches_cannot_say_anything() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let call = engineer.call(&scanner);
    let mut shell = call.start("cat; echo over");
    let question = Question::Text { text: "PIN?".into(), choices: Vec::new() };
    let sealed = [
        encode(&FromEngineer::Ask { request: 1, question }),
        encode(&FromEngineer::Chat { text: "hello".into() }),
        "{\"type\":\"keys\",\"text\":\"rm\"}".to_owned(),
    ];
    let mut words: Vec<(Vec<u8>, bool)> =
        sealed.into_iter().map(|words| (words.into_bytes(), true)).collect();
    words.push((b"SSH-2.0-hostile\r\n".to_vec(), false));
    for (name, (words, is_sealed)) in ["Carol", "Dave", "Erin", "Frank"].into_iter().zip(words) {
        let link = link(&engineer, &mut scanner, name);
        let said = runtime().block_on(within(speak(&relay, &link, &words, is_sealed)));
        assert_eq!(said, Some(Reason::Incompatible), "{name}");
        assert_eq!(code(start(&engineer, &["remove", name])), 0);
    }
    // Nothing of it has reached anybody.
    assert!(!scanner.process.transcript().contains("PIN?"));
    shell.type_line("mine");
    shell.wait_for("mine");
    shell.close_input();
    shell.wait_for("over");
    assert!(!shell.transcript().contains("hostile"));
    call.end();
}

#[test]
fn a_link_goes_on_with_whoever_has_the_session() {
    let relay = Relay::start();
    let (mut scanner, ada) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let bob = Engineer::enrolled(&relay, "Bob");
    let mut first = ada.call(&scanner);
    let [used, unused] = ["Carol", "Dave"].map(|name| link(&ada, &mut scanner, name));
    let (carol, dave) = (Partner::new(), Partner::new());
    let mut watching = carol.watch(&relay, &used);
    watching.wait_for("\"type\":\"welcome\"");
    let mut sharing = start(&ada, &["share", "--engineer"]);
    let join_code = sharing.wait_for(" - ");
    let mut joining = Running::start("fieldlink-connect", bob.connect().args(["join", "--json", &join_code]));
    scanner.process.wait_for("Bob (Demo Company) wants to");
    scanner.process.type_line("y");
    wait_until_active(&mut joining);
    let address: String = join_code.chars().filter(char::is_ascii_digit).take(9).collect();
    let second = Call::joined(&bob, &address, joining);
    assert_eq!(code(start(&ada, &["hand-over", "Bob"])), 0);
    assert_eq!(code(start(&ada, &["end"])), 0);
    first.wait_until_ended();
    assert_eq!(second.output_of("echo of the second"), "of the second\n");
    watching.wait_for("echo of the second");
    let mut late = dave.watch(&relay, &unused);
    late.wait_for("\"type\":\"welcome\"");
    assert_eq!(second.output_of("echo for both"), "for both\n");
    watching.wait_for("echo for both");
    late.wait_for("echo for both");
    second.end();
    for watching in [watching, late] {
        assert_eq!(code(watching), 217);
    }
}

#[test]
fn people_watch_a_picture_and_leave_with_a_key() {
    let relay = Relay::start();
    let (mut scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    let bob = Engineer::enrolled(&relay, "Bob");
    let call = engineer.call(&scanner);
    let (partner, link) = (Partner::new(), link(&engineer, &mut scanner, "Carol"));
    let mut command = partner.0.connect();
    command.args(["watch", "--ca-file"]).arg(relay.authority());
    let mut watching = Terminal::run(&command);
    watching.wait_for("Link: ");
    watching.type_keys(&format!("{link}\r"));
    watching.wait_for("nothing is open on the scanner");
    let mut sharing = start(&engineer, &["share", "--engineer"]);
    let join_code = sharing.wait_for(" - ");
    let mut joining = Terminal::run(bob.connect().args(["join", "--observe"]));
    joining.wait_for("Join code: ");
    joining.type_password(&join_code);
    scanner.process.wait_for("Bob (Demo Company) wants to watch this session");
    scanner.process.type_line("y");
    joining.wait_for("nothing is open on the scanner");
    // What happens stands in the picture, and nothing is written into it.
    let mut inviting = start(&engineer, &["share", "--observer", "Dave"]);
    scanner.process.wait_for("Dave");
    scanner.process.type_line("y");
    inviting.wait_for("https://");
    assert_eq!(code(start(&engineer, &["chat", "hello Bob"])), 0);
    let drawn = joining.wait_for_within("the engineer: hello Bob", PATIENCE);
    assert!(!drawn.contains("[fieldlink]"), "{drawn}");
    let mut shell = Terminal::start(&call, &["-tt"]);
    shell.type_keys("echo seen-$((40 + 2))\r");
    for screen in [&mut watching, &mut joining] {
        let before = screen.wait_for_within("seen-42", PATIENCE);
        if std::env::var_os("SHOW").is_some() {
            println!("{before}");
        }
        screen.type_keys("q");
        assert_eq!(screen.child.wait().expect("it ends").code(), Some(0));
    }
    shell.type_keys("exit\r");
    call.end();
}
