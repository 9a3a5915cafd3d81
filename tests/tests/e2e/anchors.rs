//! What the relay signs of a session's account, as the programs of those who take part keep it. The heads are asked for by
//! somebody on the agent's way to the relay, so that they are known.

use std::process::Command;

use fieldlink_protocol::ids::{AccountHead, SessionId};
use fieldlink_protocol::messages::agent::FromAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::messages::{decode, encode};
use fieldlink_tests::meddler::{Direction, Leg, Meddler};
use fieldlink_tests::programs::{Running, eventually};
use fieldlink_tests::{Engineer, PATIENCE, Relay, Scanner, ScannerOptions};
use nix::sys::signal::Signal;
use tokio_tungstenite::tungstenite::Message;

fn anchor(session: SessionId, seq: u64) -> Message {
    Message::text(encode(&FromAgent::Anchor { session, seq, head: AccountHead::from_bytes([7; 32]) }))
}

/// Has a head signed at the admission, whenever something is shared, and at the end.
fn recording() -> impl FnMut(&Leg, Direction, Message) -> Vec<Message> + Send + 'static {
    let mut seq = 0;
    move |leg, direction, message| {
        let (Direction::Up, "/v1/agent", Message::Text(text)) = (direction, leg.path.as_str(), &message)
        else {
            return vec![message];
        };
        match decode(text.as_bytes()) {
            Ok(
                FromAgent::Admitted { session }
                | FromAgent::Share { session, .. }
                | FromAgent::Ended { session, .. },
            ) => {
                seq += 1;
                vec![message, anchor(session, seq)]
            }
            _ => vec![message],
        }
    }
}

/// The same, by a relay whose signatures towards the engineer are worth nothing.
fn forging() -> impl FnMut(&Leg, Direction, Message) -> Vec<Message> + Send + 'static {
    let mut recording = recording();
    move |leg, direction, message| {
        if let (Direction::Down, "/v1/engineer", Message::Text(text)) =
            (direction, leg.path.as_str(), &message)
            && let Ok(ToEngineer::Anchored { session, line, signature }) = decode(text.as_bytes())
        {
            let line = line.replace(" | 1 | ", " | 9 | ");
            return vec![Message::text(encode(&ToEngineer::Anchored { session, line, signature }))];
        }
        recording(leg, direction, message)
    }
}

struct Parties {
    // Dropped in this order: the programs before the relays they talk to.
    scanner: Scanner,
    engineer: Engineer,
    meddler: Meddler,
    relay: Relay,
}

/// An engineer who knows the relay's keys.
fn parties(
    meddle: impl FnMut(&Leg, Direction, Message) -> Vec<Message> + Send + 'static,
    mut options: ScannerOptions,
) -> Parties {
    // Where nothing is recorded, the heads are those that are asked for here.
    options.environment.push(("XDG_STATE_HOME", "/dev/null".into()));
    let relay = Relay::start();
    let engineer = Engineer::enrolled(&relay, "Ada");
    let meddler = Meddler::start(&relay, Box::new(meddle));
    engineer.redirect_to(&meddler.url());
    let keys = relay.operate(&["anchor-key"]);
    let keys: Vec<_> = keys.lines().map(|line| format!("{line:?}")).collect();
    engineer.configure(&format!("anchor_keys = [{}]", keys.join(", ")));
    let scanner = Scanner::start_at(&meddler.url(), relay.authority(), options);
    Parties { scanner, engineer, meddler, relay }
}

fn printed(command: &mut Command) -> String {
    let output = command.output().expect("it runs");
    String::from_utf8(output.stdout).expect("text")
}

#[test]
fn the_engineer_has_what_the_relay_has_also_of_the_end() {
    let Parties { mut scanner, engineer, meddler: _meddler, relay } =
        parties(recording(), ScannerOptions::default());
    let mut call = engineer.call(&scanner);
    assert_eq!(call.output_of("echo fine"), "fine\n");
    let listed = || printed(engineer.connect().arg("anchors"));
    eventually("the first is kept", PATIENCE, || listed().lines().count() == 1);
    scanner.process.type_line("end");
    call.holder.wait_for_end();
    let session = listed().split(' ').next().expect("its name").to_owned();
    let kept = printed(engineer.connect().args(["anchors", &session[..8]]));
    assert_eq!(kept, relay.operate(&["anchors", &session]));
    assert_eq!(kept.lines().count(), 2, "{kept}");
    let none = engineer.connect().args(["anchors", "xyz"]).output().expect("it runs");
    assert_eq!(none.status.code(), Some(1));
}

#[test]
fn what_the_relay_has_not_signed_is_told_and_not_kept() {
    let Parties { scanner, engineer, meddler: _meddler, relay } =
        parties(forging(), ScannerOptions::default());
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    // It is signed at the admission, and the engineer hears of that before the session is theirs, or just after.
    holder.wait_for("\"state\":\"not-anchored\"");
    assert_eq!(printed(engineer.connect().arg("anchors")).lines().count(), 1, "that there are none");
    let session = relay.audit()[0]["session"].as_str().expect("its name").to_owned();
    assert_eq!(relay.operate(&["anchors", &session]).lines().count(), 1, "it has signed what it was asked");
    holder.signal(Signal::SIGINT);
    holder.wait_for_end();
}

#[test]
fn who_watches_keeps_it_too() {
    let options = ScannerOptions { asks: true, ..Default::default() };
    let Parties { mut scanner, engineer, meddler: _meddler, relay } = parties(recording(), options);
    let mut holder = engineer.start_connecting(&scanner.support_id, &scanner.pin);
    scanner.answer("yes");
    fieldlink_tests::engineer::wait_until_active(&mut holder);
    let link = share(&engineer, &mut scanner, "Bob");
    let partner = Engineer::new();
    let mut watch = partner.connect();
    watch.args(["watch", "--json", "--ca-file"]).arg(relay.authority());
    let mut watching = Running::start("fieldlink-connect", &mut watch);
    watching.type_line(&link);
    watching.wait_for("\"type\":\"welcome\"");
    share(&engineer, &mut scanner, "Cleo");
    let listed = || printed(partner.connect().arg("anchors"));
    eventually("one is kept", PATIENCE, || listed().contains("Z  1"));
    let session = listed().split(' ').next().expect("its name").to_owned();
    let kept = printed(partner.connect().args(["anchors", &session]));
    assert!(kept.contains(" | 3 | ") && relay.operate(&["anchors", &session]).contains(&kept), "{kept}");
    scanner.process.type_line("end");
    holder.wait_for_end();
    watching.wait_for_end();
}

/// A link for `name`, with the client's consent.
fn share(engineer: &Engineer, scanner: &mut Scanner, name: &str) -> String {
    let mut command = engineer.connect();
    let mut sharing = Running::start("fieldlink-connect", command.args(["share", "--observer", name]));
    scanner.process.wait_for(name);
    scanner.process.type_line("y");
    let link = sharing.wait_for("https://");
    sharing.wait_for_end();
    link
}
