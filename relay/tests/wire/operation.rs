//! Running a relay: revoking, stopping, restarting, the command line.

use std::path::Path;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use crate::support::*;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::messages::agent::{Claim, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use fieldlink_relay::store::unix_now;
use futures_util::StreamExt;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;

#[tokio::test]
async fn revoking_ends_running_sessions_within_a_second() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, mut other) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    let mut idle = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let (unused, _) = call.open_tickets().await;
    let began = Instant::now();
    assert!(relay.store().revoke_engineer("Zoë", unix_now()).expect("revoked"));
    assert_eq!(call.engineer.ended().await, Reason::Revoked);
    for socket in [&mut call.engineer.0, &mut idle.0, &mut call.engineer_pipe, &mut call.agent_pipe] {
        assert_eq!(close_reason(socket).await, "revoked");
    }
    assert!(began.elapsed() < Duration::from_secs(1), "{:?}", began.elapsed());
    let (session, reason) = (call.session, Reason::Revoked);
    assert_eq!(call.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    let refused = FakeEngineer::connect(&relay, &zoe).await.expect_err("refused");
    assert_eq!((refused.status.as_u16(), refused.code()), (401, "credential"));
    assert_eq!(attach(&relay, &unused).await.expect_err("refused").code(), "revoked");
    pass(&mut other.engineer_pipe, &mut other.agent_pipe, b"not concerned").await;
}

#[tokio::test]
async fn stopping_says_goodbye_to_everyone() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let (mut call, mut pairing) = (Call::start(&relay, &zoe).await, Call::pair(&relay, &zoe).await);
    let mut idle = FakeAgent::start(&relay).await;
    let mut unregistered = NewAgent::connect(&relay).await;
    let _unfinished = relay.dial().await;
    let (tickets, mut ends) = (call.open_tickets().await, vec![]);
    for ticket in [&tickets.0, &tickets.1] {
        ends.push(attach(&relay, ticket).await.expect("attached"));
    }
    // Beside the splice.
    ends.push(attach(&relay, &tickets.0).await.expect("attached"));
    prodded(&mut ends[1]).await;
    relay.begin_stop();
    // A pairing is over and begins anew; an admitted session goes on.
    assert_eq!(pairing.engineer.ended().await, Reason::RelayStopping);
    let (session, reason) = (pairing.session, Reason::RelayStopping);
    assert_eq!(pairing.agent.receive::<ToAgent>().await, ToAgent::Ended { session, reason });
    let lines = [&mut call.engineer.0, &mut call.agent.0, &mut pairing.engineer.0, &mut pairing.agent.0];
    let pipes = [
        &mut call.engineer_pipe,
        &mut call.agent_pipe,
        &mut pairing.engineer_pipe,
        &mut pairing.agent_pipe,
        &mut idle.0,
        &mut unregistered.control.0,
    ];
    for socket in lines.into_iter().chain(pipes).chain(&mut ends) {
        let Some(Message::Close(Some(frame))) = next_message(socket).await else { panic!("no goodbye") };
        assert_eq!((frame.code, frame.reason.as_str()), (CloseCode::Restart, "relay-stopping"));
        // Answer it, as every WebSocket does.
        while within(socket.next()).await.is_some_and(|received| received.is_ok()) {}
    }
    let store = relay.store();
    let (cut, _directory) = relay.stop().await;
    assert_eq!(cut, 0, "everyone left in time");
    let audit = store.audit().expect("readable");
    assert_eq!((audit[0].ended_at, audit[0].reason.as_deref()), (None, None));
    assert_eq!((audit[0].bytes_to_agent, audit[0].bytes_to_engineer), (5, 0), "what passed until then");
    assert_eq!(audit[1].reason.as_deref(), Some("relay-stopping"));
}

#[tokio::test]
async fn who_does_not_leave_is_cut() {
    let relay = TestRelay::start_with(|config| config.limits.drain = Duration::from_secs(1)).await;
    let _deaf = FakeAgent::start(&relay).await;
    let began = Instant::now();
    relay.stop().await;
    assert!(began.elapsed() < Duration::from_secs(3), "{:?}", began.elapsed());
}

#[tokio::test]
async fn a_restarted_relay_remembers() {
    let relay = TestRelay::start().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut ended = Call::start(&relay, &zoe).await;
    let (ticket, _) = ended.open_tickets().await;
    ended.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    close_reason(&mut ended.engineer_pipe).await;
    relay.store().revoke_engineer("Max", unix_now()).expect("revoked");
    let relay = relay.restart().await;
    let refused = attach(&relay, &ticket).await.expect_err("refused");
    assert_eq!(refused.code(), "session-over");
    assert!(refused.body.contains("engineer ended"), "{}", refused.body);
    let claim = Claim::Session { session_ticket: ended.session_ticket };
    let over = NewAgent::connect(&relay).await.claim(&ended.key, claim).await;
    assert_eq!(over, Err(RegistrationRefusal::SessionOver));
    assert!(FakeEngineer::connect(&relay, &max).await.is_err(), "still revoked");
    FakeEngineer::connect(&relay, &zoe).await.expect("still known");
}

fn relay_command(arguments: &[&str], config: &Path) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
    command.args(arguments).arg("--config").arg(config).output().expect("it runs")
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).expect("text")
}

#[test]
fn the_command_line_adds_lists_and_revokes() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = test_config(directory.path());
    let file = directory.path().join("relay.toml");
    std::fs::write(
        &file,
        "certificate = \"relay.crt\"\nprivate_key = \"relay.key\"\nstate_directory = \"state\"\n",
    )
    .expect("written");
    let run = |arguments: &[&str]| relay_command(arguments, &file);

    let added = run(&["engineer", "add", "Zoë", "--company", "Scans"]);
    assert_eq!(added.status.code(), Some(0));
    let line = text(&added.stdout);
    assert_eq!(line.lines().count(), 1);
    let credential = Credential::parse(&line).expect("the credential alone");
    assert_eq!((credential.engineer.name.as_str(), credential.engineer.company.as_str()), ("Zoë", "Scans"));

    let again = run(&["engineer", "add", "Zoë", "--company", "Scans"]);
    assert_eq!((again.status.code(), text(&again.stdout)), (Some(1), String::new()));
    assert!(text(&again.stderr).contains("could not add engineer Zoë"), "{}", text(&again.stderr));
    assert_eq!(run(&["engineer", "add", "\u{1b}[2J", "--company", "Scans"]).status.code(), Some(1));

    let list = text(&run(&["engineer", "list"]).stdout);
    assert!(list.contains("Zoë") && list.contains(&credential.engineer.id.to_string()), "{list}");
    assert_eq!(run(&["engineer", "revoke", "Max"]).status.code(), Some(1));
    for (name, like) in [("Ella Rossi", "Elia Rossi"), ("Kai", "Kal")] {
        for name in [name, like] {
            let added = run(&["engineer", "add", name, "--company", "Scans"]);
            assert_eq!(added.status.code(), Some(0), "{}", text(&added.stderr));
        }
        assert_eq!(run(&["engineer", "revoke", name]).status.code(), Some(0));
        assert_eq!(run(&["engineer", "revoke", like]).status.code(), Some(0), "it was another one's");
    }
    let revoked = run(&["engineer", "revoke", "zoë"]);
    assert_eq!(revoked.status.code(), Some(0));
    let named = format!("revoked Zoë (Scans, {})", credential.engineer.id);
    assert!(text(&revoked.stderr).contains(&named), "{}", text(&revoked.stderr));
    assert_eq!(run(&["engineer", "revoke", "Zoë"]).status.code(), Some(1));
    assert_eq!(text(&run(&["audit", "--json"]).stdout), "");
    assert!(text(&run(&["audit"]).stdout).starts_with("STARTED"));
    assert_eq!(run(&["check-config"]).status.code(), Some(0));

    let mode = |mode| std::os::unix::fs::PermissionsExt::from_mode(mode);
    std::fs::set_permissions(&config.private_key, mode(0o644)).expect("set");
    let open = run(&["check-config"]);
    assert_eq!(open.status.code(), Some(1));
    assert!(text(&open.stderr).contains("run: chmod 600"), "{}", text(&open.stderr));
    let started = run(&["check-config", "--start"]);
    assert_eq!(started.status.code(), Some(0), "the service gets a copy: {}", text(&started.stderr));

    std::fs::remove_file(&config.private_key).expect("removed");
    let broken = run(&["check-config"]);
    assert_eq!(broken.status.code(), Some(1));
    assert!(text(&broken.stderr).contains("private key"), "{}", text(&broken.stderr));
    let missing = relay_command(&["serve"], &directory.path().join("none.toml"));
    assert_eq!(missing.status.code(), Some(78), "starting it again would not help");
    assert!(text(&missing.stderr).contains("none.toml"));
    assert_eq!(run(&["serve", "--fast"]).status.code(), Some(2));
}

#[test]
fn a_store_of_a_later_version_is_refused_for_good_and_left_alone() {
    let directory = tempfile::tempdir().expect("a directory");
    test_config(directory.path());
    let file = directory.path().join("relay.toml");
    std::fs::write(
        &file,
        "certificate = \"relay.crt\"\nprivate_key = \"relay.key\"\nstate_directory = \"state\"\n",
    )
    .expect("written");
    let checked = relay_command(&["check-config"], &file);
    assert_eq!(checked.status.code(), Some(0), "no store yet: {}", text(&checked.stderr));
    let add = ["engineer", "add", "Zoë", "--company", "Scans"];
    assert_eq!(relay_command(&add, &file).status.code(), Some(0));
    assert_eq!(relay_command(&["check-config"], &file).status.code(), Some(0));
    // The place of user_version in SQLite's file format.
    let store = directory.path().join("state/relay.sqlite");
    let mut content = std::fs::read(&store).expect("readable");
    content[60..64].copy_from_slice(&99_u32.to_be_bytes());
    std::fs::write(&store, &content).expect("writable");
    let tries: [(&[&str], i32); 5] = [
        (&["serve"], 78),
        (&["check-config"], 1),
        (&["check-config", "--start"], 1),
        (&["audit"], 1),
        (&["engineer", "revoke", "Zoë"], 1),
    ];
    for (arguments, code) in tries {
        let refused = relay_command(arguments, &file);
        assert_eq!(refused.status.code(), Some(code), "{arguments:?}");
        let said = text(&refused.stderr);
        for part in ["relay.sqlite", "schema 99", "install that version again"] {
            assert!(said.contains(part), "{arguments:?}: {said}");
        }
    }
    assert!(std::fs::read(&store).expect("readable") == content, "it was changed");
}

#[test]
fn the_process_prints_its_address_and_stops_on_sigterm() {
    use std::io::{BufRead, BufReader, Read};
    let directory = tempfile::tempdir().expect("a directory");
    test_config(directory.path());
    let file = directory.path().join("relay.toml");
    let settings = "listen = \"127.0.0.1:0\"\ncertificate = \"relay.crt\"\nprivate_key = \"relay.key\"\n\
                    state_directory = \"state\"\n";
    std::fs::write(&file, settings).expect("written");
    let mut relay = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"))
        .args(["serve", "--print-address", "--config"])
        .arg(&file)
        .stdout(std::process::Stdio::piped())
        .stderr(std::process::Stdio::piped())
        .spawn()
        .expect("it runs");
    let mut stdout = BufReader::new(relay.stdout.take().expect("piped"));
    let mut line = String::new();
    stdout.read_line(&mut line).expect("a line");
    let address = line.trim().strip_prefix("listening on ").expect("the address").to_owned();
    std::net::TcpStream::connect(address).expect("it listens");
    let pid = nix::unistd::Pid::from_raw(relay.id() as i32);
    nix::sys::signal::kill(pid, nix::sys::signal::Signal::SIGTERM).expect("sent");
    assert_eq!(relay.wait().expect("it stops").code(), Some(0));
    let mut rest = String::new();
    stdout.read_to_string(&mut rest).expect("readable");
    assert_eq!(rest, "", "nothing else on standard output");
}

#[tokio::test]
async fn a_session_that_was_refused_leaves_nothing_to_be_written() {
    let (relay, process) = TestRelay::start_process("").await;
    let zoe = relay.add_engineer("Zoë");
    let agent = FakeAgent::start(&relay).await;
    relay.reserve_filled().await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let held = rusqlite::Connection::open(relay.config.state_directory.join("relay.sqlite")).expect("opened");
    held.execute_batch("BEGIN EXCLUSIVE").expect("held");
    let refused = ToEngineer::Unavailable { code: Unavailable::StoreDown, retry_after: None };
    assert_eq!(engineer.ask(agent.support_id).await, refused);
    process.terminate();
    let log = process.log_with("stopped").await;
    assert!(!log.contains("stopped with what could not be written"), "{log}");
}
