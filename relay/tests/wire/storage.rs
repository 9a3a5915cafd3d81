//! Disks that take nothing: what goes on, what is refused, and what is written later. Real file systems, so
//! as root only.

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::support::*;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::messages::agent::{Claim, RegistrationRefusal, ToAgent};
use fieldlink_protocol::messages::engineer::{FromEngineer, ToEngineer, Unavailable};
use fieldlink_protocol::reason::Reason;
use tempfile::TempDir;

/// A file system of its own; unmounted when it is dropped.
struct Disk {
    point: TempDir,
    /// What it lies in, if that is a file on another one.
    below: Option<Box<Disk>>,
}

impl Disk {
    /// In memory, of so many KiB. Without the right to mount: none, and the test is skipped.
    fn in_memory(size: u32) -> Option<Self> {
        let point = tempfile::tempdir().expect("a directory");
        let options = format!("size={size}k,mode=700");
        mount(&["-t", "tmpfs", "-o", &options, "tmpfs"], &point).then_some(Self { point, below: None })
    }

    /// ext4 on a device that can break: it lies in a file on a disk in memory, which can be filled.
    fn that_can_break() -> Option<Self> {
        let below = Self::in_memory(24 * 1024)?;
        let image = below.path().join("image");
        File::create(&image).and_then(|file| file.set_len(64 << 20)).expect("sparse");
        let made = Command::new("mkfs.ext4").args(["-q", "-m0", "-Enodiscard"]).arg(&image).output();
        if !made.is_ok_and(|output| output.status.success()) {
            eprintln!("skipped: no mkfs.ext4");
            return None;
        }
        let point = tempfile::tempdir().expect("a directory");
        let image = image.to_str().expect("text");
        mount(&["-o", "loop,errors=remount-ro", image], &point)
            .then_some(Self { point, below: Some(Box::new(below)) })
    }

    fn path(&self) -> &Path {
        self.point.path()
    }

    fn ballast(&self) -> PathBuf {
        self.path().join("ballast")
    }

    /// Uses up what is left.
    fn fill(&self) {
        let mut ballast = File::options().append(true).create(true).open(self.ballast()).expect("made");
        for size in [65_536, 4_096, 512, 1] {
            while ballast.write_all(&vec![7; size]).and_then(|()| ballast.sync_data()).is_ok() {}
        }
    }

    fn make_room(&self) {
        std::fs::remove_file(self.ballast()).expect("removed");
    }

    /// Breaks the device below: nothing new can be written to it any more.
    fn break_down(&self) {
        self.below.as_ref().expect("it can break").fill();
    }

    fn remount(&self, how: &str) {
        let options = format!("remount,{how}");
        let output = Command::new("mount").args(["-o", &options]).arg(self.path()).output().expect("it runs");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Lazily: a test that failed may still have files open on it.
        let _ = Command::new("umount").arg("--lazy").arg(self.path()).output();
    }
}

fn mount(arguments: &[&str], point: &TempDir) -> bool {
    let output = Command::new("mount").args(arguments).arg(point.path()).output().expect("mount runs");
    if !output.status.success() {
        eprintln!("skipped: {}", String::from_utf8_lossy(&output.stderr).trim());
    }
    output.status.success()
}

async fn relay_on(disk: &Disk) -> TestRelay {
    let relay = TestRelay::start_with(|config| {
        config.state_directory = disk.path().join("state");
        config.limits.pairing_requests_per_minute = 1_000;
    })
    .await;
    relay.reserve_filled().await;
    relay
}

/// One of the operator's commands, as a process beside the relay.
fn operate(relay: &TestRelay, arguments: &[&str]) -> Output {
    let config = relay.config_file();
    let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
    command.args(arguments).arg("--config").arg(config).output().expect("it runs")
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// No session begins that is not written down: on a full disk some still fit into what is there.
async fn refused_for_the_disk(relay: &TestRelay, credential: &Credential) {
    let refused = ToEngineer::Unavailable { code: Unavailable::StoreDown, retry_after: None };
    let mut begun = Vec::new();
    for _ in 0..300 {
        let agent = FakeAgent::start(relay).await;
        let mut engineer = FakeEngineer::connect(relay, credential).await.expect("known");
        match engineer.ask(agent.support_id).await {
            ToEngineer::Requested { session, .. } => {
                let rows = relay.store().audit().expect("readable");
                assert!(rows.iter().any(|row| row.session == session.to_string()), "it is not written down");
                begun.push((agent, engineer));
            }
            answer => return assert_eq!(answer, refused),
        }
    }
    panic!("the disk is not full");
}

/// The session of `call` stays over, for `reason`, when its agent comes back after a restart of the relay.
async fn stays_ended(relay: &TestRelay, call: &Call, reason: &str) {
    let claim = Claim::Session { session_ticket: call.session_ticket.clone() };
    let back = NewAgent::connect(relay).await.claim(&call.key, claim).await;
    assert_eq!(back, Err(RegistrationRefusal::SessionOver));
    let rows = relay.store().audit().expect("readable");
    let row = rows.iter().find(|row| row.session == call.session.to_string()).expect("its row");
    assert_eq!(row.reason.as_deref(), Some(reason));
}

#[tokio::test(flavor = "multi_thread")]
async fn on_a_full_disk_sessions_end_and_engineers_are_revoked_for_good() {
    let Some(disk) = Disk::in_memory(3 * 1024) else { return };
    let relay = relay_on(&disk).await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut ended = Call::start(&relay, &zoe).await;
    let (mut running, mut revoked) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    disk.fill();

    let add = |number| operate(&relay, &["engineer", "add", &format!("Eve {number}"), "--company", "C"]);
    let added = (0..100).map(add).find(|added| !added.status.success()).expect("the disk is full");
    assert_eq!((added.status.code(), added.stdout.len()), (Some(1), 0));
    assert!(said(&added).contains("the relay's disk is full: make room under"), "{}", said(&added));
    pass(&mut running.engineer_pipe, &mut running.agent_pipe, b"goes on").await;
    refused_for_the_disk(&relay, &zoe).await;
    ended.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(ended.agent.receive().await, ToAgent::Ended { .. }));
    let revocation = operate(&relay, &["engineer", "revoke", "Max"]);
    assert!(revocation.status.success(), "{}", said(&revocation));
    assert_eq!(revoked.engineer.ended().await, Reason::Revoked);
    assert!(operate(&relay, &["audit"]).status.success());
    relay.audit_when(|rows| rows.iter().filter(|row| row.ended_at.is_some()).count() >= 2).await;

    let relay = relay.restart().await;
    stays_ended(&relay, &ended, "engineer-ended").await;
    stays_ended(&relay, &revoked, "revoked").await;
    assert!(FakeEngineer::connect(&relay, &max).await.is_err(), "still revoked");
    running.agent_returns(&relay).await.expect("its session");
    running.engineer_returns(&relay, &zoe).await;
    running.pipes_return(&relay).await;
    refused_for_the_disk(&relay, &zoe).await;

    disk.make_room();
    Call::start(&relay, &zoe).await;
    relay.reserve_filled().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_reserve_is_enough_for_everyone_at_once() {
    let Some(disk) = Disk::in_memory(4 * 1024) else { return };
    let relay = relay_on(&disk).await;
    let names: Vec<_> = (0..60).map(|number| format!("Engineer {number} with a rather long name")).collect();
    let mut calls = Vec::new();
    for name in &names {
        let credential = relay.add_engineer(name);
        calls.push(Call::start(&relay, &credential).await);
    }
    disk.fill();
    for name in &names {
        let revocation = operate(&relay, &["engineer", "revoke", name]);
        assert!(revocation.status.success(), "{}", said(&revocation));
    }
    relay.audit_when(|rows| rows.iter().all(|row| row.reason.as_deref() == Some("revoked"))).await;
    let relay = relay.restart().await;
    for call in &calls {
        stays_ended(&relay, call, "revoked").await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_relay_on_a_read_only_disk_starts_and_revokes_and_writes_it_later() {
    let Some(disk) = Disk::in_memory(3 * 1024) else { return };
    let relay = relay_on(&disk).await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let (mut call, mut revoked) = (Call::start(&relay, &zoe).await, Call::start(&relay, &max).await);
    let relay = relay.restart_with(|| disk.remount("ro")).await;
    for (call, credential) in [(&mut call, &zoe), (&mut revoked, &max)] {
        call.agent_returns(&relay).await.expect("its session");
        call.engineer_returns(&relay, credential).await;
        call.pipes_return(&relay).await;
    }
    refused_for_the_disk(&relay, &zoe).await;

    let revocation = operate(&relay, &["engineer", "revoke", "Max"]);
    assert!(revocation.status.success(), "{}", said(&revocation));
    assert!(said(&revocation).contains("not written down yet"), "{}", said(&revocation));
    let named = format!("revoked Max (Scans & Söhne, {})", max.engineer.id);
    assert!(said(&revocation).contains(&named), "{}", said(&revocation));
    assert!(said(&revocation).contains("the relay's disk is mounted read-only"), "{}", said(&revocation));
    assert_eq!(revoked.engineer.ended().await, Reason::Revoked);
    assert!(FakeEngineer::connect(&relay, &max).await.is_err(), "revoked at once");
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    // The reason is known although it stands nowhere.
    let claim = Claim::Session { session_ticket: call.session_ticket.clone() };
    let back = NewAgent::connect(&relay).await.claim(&call.key, claim).await;
    assert_eq!(back, Err(RegistrationRefusal::SessionOver));
    assert!(operate(&relay, &["engineer", "list"]).status.success());

    disk.remount("rw");
    relay.audit_when(|rows| rows.iter().all(|row| row.ended_at.is_some())).await;
    let relay = relay.restart().await;
    stays_ended(&relay, &call, "engineer-ended").await;
    stays_ended(&relay, &revoked, "revoked").await;
    assert!(FakeEngineer::connect(&relay, &max).await.is_err(), "still revoked");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disk_that_breaks_costs_no_running_session() {
    let Some(disk) = Disk::that_can_break() else { return };
    let relay = relay_on(&disk).await;
    let zoe = relay.add_engineer("Zoë");
    let (mut running, mut revoked) = (Call::start(&relay, &zoe).await, Call::start(&relay, &zoe).await);
    disk.break_down();
    // Whatever the kernel makes of it.
    let mut broken = Command::new("dd");
    broken.args(["if=/dev/urandom", "bs=64k", "count=64", "conv=fsync"]);
    broken.arg(format!("of={}", disk.ballast().display()));
    assert!(!broken.output().expect("it runs").status.success(), "the device still takes something");
    pass(&mut running.engineer_pipe, &mut running.agent_pipe, b"goes on").await;
    let revocation = operate(&relay, &["engineer", "revoke", "Zoë"]);
    assert!(revocation.status.success(), "{}", said(&revocation));
    for call in [&mut running, &mut revoked] {
        assert_eq!(call.engineer.ended().await, Reason::Revoked);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_is_taken_away_is_missed_and_found_again() {
    let relay = TestRelay::start().await;
    relay.reserve_filled().await;
    let (zoe, max) = (relay.add_engineer("Zoë"), relay.add_engineer("Max"));
    let mut call = Call::start(&relay, &zoe).await;
    FakeEngineer::connect(&relay, &max).await.expect("known");
    let file = relay.config.state_directory.join("relay.sqlite");
    let aside = relay.config.state_directory.join("aside");
    std::fs::rename(&file, &aside).expect("renamed");
    refused_for_the_disk(&relay, &zoe).await;
    assert!(!file.exists(), "an empty one would revoke everyone");
    call.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(call.agent.receive().await, ToAgent::Ended { .. }));
    std::fs::copy(&aside, &file).expect("restored");
    relay.audit_when(|rows| rows.iter().all(|row| row.ended_at.is_some())).await;
    Call::start(&relay, &max).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_store_that_another_program_holds_delays_what_needs_writing() {
    let relay = TestRelay::start().await;
    relay.reserve_filled().await;
    let zoe = relay.add_engineer("Zoë");
    let (mut call, mut ended) = (Call::start(&relay, &zoe).await, Call::start(&relay, &zoe).await);
    let held = rusqlite::Connection::open(relay.config.state_directory.join("relay.sqlite")).expect("opened");
    held.execute_batch("BEGIN EXCLUSIVE").expect("held");
    ended.engineer.send(&FromEngineer::End { reason: Reason::EngineerEnded }).await;
    assert!(matches!(ended.agent.receive().await, ToAgent::Ended { .. }));
    pass(&mut call.engineer_pipe, &mut call.agent_pipe, b"goes on").await;
    let list = operate(&relay, &["engineer", "list"]);
    assert_eq!(list.status.code(), Some(1));
    assert!(said(&list).contains("held locked by another program"), "{}", said(&list));
    held.execute_batch("ROLLBACK").expect("let go");
    relay.audit_when(|rows| rows.iter().any(|row| row.ended_at.is_some())).await;
}

#[test]
fn a_limit_on_files_is_told_as_one() {
    let directory = tempfile::tempdir().expect("a directory");
    let (config, program) = (directory.path().join("relay.toml"), env!("CARGO_BIN_EXE_fieldlink-relay"));
    test_config(directory.path());
    let settings = "certificate = \"relay.crt\"\nprivate_key = \"relay.key\"\nstate_directory = \"state\"\n";
    std::fs::write(&config, settings).expect("written");
    let limited = |limit: &str, name: &str| {
        let script =
            format!("ulimit -f {limit}; exec {program} engineer add {name} --company C --config \"$0\"");
        Command::new("sh").args(["-c", &script]).arg(&config).output().expect("it runs")
    };
    assert!(limited("unlimited", "Zoe").status.success());
    let refused = limited("1", "Max");
    assert_eq!((refused.status.code(), refused.stdout.len()), (Some(1), 0));
    assert!(
        said(&refused).contains("could not add engineer Max: a limit on the size of files"),
        "{}",
        said(&refused)
    );
}

#[test]
fn a_store_that_is_not_there_or_no_store_is_named() {
    let directory = tempfile::tempdir().expect("a directory");
    let config = directory.path().join("relay.toml");
    test_config(directory.path());
    let settings = "certificate = \"relay.crt\"\nprivate_key = \"relay.key\"\nstate_directory = \"state\"\n";
    std::fs::write(&config, settings).expect("written");
    let run = |arguments: &[&str]| {
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
        command.args(arguments).arg("--config").arg(&config).output().expect("it runs")
    };
    let missing = run(&["audit"]);
    assert_eq!(missing.status.code(), Some(1));
    assert!(said(&missing).contains("is state_directory right"), "{}", said(&missing));
    assert!(!directory.path().join("state").exists(), "asking makes nothing");
    std::fs::create_dir(directory.path().join("state")).expect("made");
    std::fs::write(directory.path().join("state/relay.sqlite"), vec![7; 8_192]).expect("written");
    let damaged = run(&["audit"]);
    assert!(said(&damaged).contains("is damaged: put a copy of it back from a backup"), "{}", said(&damaged));
}
