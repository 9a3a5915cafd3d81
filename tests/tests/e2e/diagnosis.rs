//! Diagnostics in a session: fetched with the client's leave, whole or not at all.

use std::fs::{self, Permissions};
use std::io::Write;
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::mpsc::{Receiver, channel};

use fieldlink_evidence::Directory;
use fieldlink_evidence::report::{Account, Language, text};
use fieldlink_tests::diagnosis::{LOG, assert_redacted, unpacked};
use fieldlink_tests::disk::Disk;
use fieldlink_tests::programs::{Running, path_of, run_with_input};
use fieldlink_tests::record::closed_in;
use fieldlink_tests::{Engineer, Relay, Scanner, ScannerOptions};
use tempfile::TempDir;

/// What stands for `fieldlink-diagnose.socket`: whoever connects is served by `serve`.
struct Unit {
    directory: TempDir,
}

impl Unit {
    fn start(serve: impl Fn(UnixStream, &Path) + Send + 'static) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        fs::write(directory.path().join("scanner.log"), LOG).expect("written");
        let (socket, config) = (directory.path().join("diagnose.sock"), directory.path().join("agent.toml"));
        let listener = UnixListener::bind(&socket).expect("a socket");
        fs::set_permissions(&socket, Permissions::from_mode(0o600)).expect("ours");
        let unit = Self { directory };
        fs::write(&config, unit.settings()).expect("written");
        // Ends with the test program, as the listener does.
        std::thread::spawn(move || listener.incoming().flatten().for_each(|stream| serve(stream, &config)));
        unit
    }

    /// As systemd has it: the program, with the connection as its input and output.
    fn real() -> Self {
        Self::start(|stream, config| {
            let [input, output] = [(); 2].map(|()| OwnedFd::from(stream.try_clone().expect("one more")));
            let mut program = Command::new(path_of("fieldlink-diagnose"));
            let started = program.arg("--config").arg(config).stdin(input).stdout(output).spawn();
            drop(stream);
            started.expect("it starts").wait().expect("it ends");
        })
    }

    fn settings(&self) -> String {
        let [socket, log] = ["diagnose.sock", "*.log"].map(|name| self.directory.path().join(name));
        format!("[diagnostics]\nfiles = [\"{}\"]\nsocket = \"{}\"\n", log.display(), socket.display())
    }

    fn scanner(&self, relay: &Relay, policy: &str) -> Scanner {
        let (settings, policy) = (self.settings(), policy.to_owned());
        Scanner::start_with(relay, ScannerOptions { settings, policy, ..ScannerOptions::default() })
    }
}

fn diagnose(engineer: &Engineer, to: &Path) -> Command {
    let mut command = engineer.connect();
    command.arg("diagnose").arg("--output").arg(to);
    command
}

fn names(directory: &Path) -> Vec<PathBuf> {
    fs::read_dir(directory).expect("listed").map(|entry| entry.expect("an entry").path()).collect()
}

#[test]
fn an_engineer_fetches_diagnostics_once_the_client_agrees() {
    let (unit, relay) = (Unit::real(), Relay::start());
    let mut scanner = unit.scanner(&relay, "");
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let here = tempfile::tempdir().expect("a directory");
    let mut fetching = Running::start("diagnose", &mut diagnose(&engineer, here.path()));
    scanner.process.wait_for("excerpts of this device's logs");
    assert_eq!(unpacked_in(here.path()), None, "nothing comes before the client has agreed");
    scanner.process.type_line("y");
    assert!(fetching.wait_for_end().success(), "{}", fetching.transcript());
    let archive = unpacked_in(here.path()).expect("it is there");
    assert_redacted(&archive);
    let (name, log) = archive.iter().find(|(name, _)| name.ends_with("/scanner.log")).expect("the log");
    assert!(
        log.contains("1200 rpm\npsk=[redacted]\n") && log.contains("ada") && log.ends_with("stands still\n"),
        "{log}"
    );
    let contents = &archive["contents.txt"];
    assert!(contents.contains(&format!("         5  {name}\n")), "{contents}");
    assert!(archive["health.txt"].contains("Memory"), "{archive:?}");
    let mode = fs::metadata(&names(here.path())[0]).expect("there").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
    call.end();
    let account = Account::read(&Directory::new(closed_in(&scanner.records()))).expect("a record");
    let report = text(&account, Language::English);
    assert!(report.contains("Ada fetched diagnostics"), "{report}");
}

/// What is in the one file there, if it has its name.
fn unpacked_in(directory: &Path) -> Option<std::collections::BTreeMap<String, String>> {
    let is_named = |path: &PathBuf| path.to_string_lossy().ends_with(".tar.zst");
    names(directory).iter().find(|path| is_named(path)).map(|path| unpacked(path))
}

#[test]
fn without_leave_there_are_none() {
    let (unit, relay) = (Unit::real(), Relay::start());
    let here = tempfile::tempdir().expect("a directory");
    let engineer = Engineer::enrolled(&relay, "Ada");
    for (policy, answer) in [("", Some("n")), ("diagnostics = \"never\"", None)] {
        let mut scanner = unit.scanner(&relay, policy);
        let call = engineer.call(&scanner);
        let mut fetching = Running::start("diagnose", &mut diagnose(&engineer, here.path()));
        if let Some(answer) = answer {
            scanner.process.wait_for("excerpts of this device's logs");
            scanner.process.type_line(answer);
        }
        assert_eq!(fetching.wait_for_end().code(), Some(1));
        assert!(fetching.transcript().contains("policy.diagnostics"), "{}", fetching.transcript());
        assert!(names(here.path()).is_empty());
        call.end();
    }
}

/// A unit that says half of an archive, and the rest when it is told to.
fn halting() -> (Unit, Receiver<()>, std::sync::mpsc::Sender<()>) {
    let ((go, gone), (half, halved)) = (channel::<()>(), channel());
    let unit = Unit::start(move |mut stream, _| {
        let head = "{\"type\":\"archive\",\"name\":\"x.tar.zst\",\"bytes\":2000000}\n";
        let said = stream.write_all(head.as_bytes()).and_then(|()| stream.write_all(&[7; 1_000_000]));
        let _ = half.send(());
        let _ = gone.recv();
        let _ = said.and_then(|()| stream.write_all(&[7; 1_000_000]));
    });
    (unit, halved, go)
}

#[test]
fn a_stick_that_is_full_pulled_out_or_write_protected_leaves_no_half_a_file() {
    let Some(disk) = Disk::mount("diagnostics on a stick", 8) else { return };
    let (unit, halved, go) = halting();
    let relay = Relay::start();
    let scanner = unit.scanner(&relay, "diagnostics = \"allowed\"");
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let before = names(&disk.place()).len();
    // As much as it takes to leave less than an archive.
    let ballast = disk.place().join("ballast");
    let full = fs::write(&ballast, vec![7; 16 << 20]);
    assert!(full.is_err(), "it is full");
    go.send(()).expect("it waits");
    let output = run_with_input(&mut diagnose(&engineer, &disk.place()), b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("No space left"), "{said}");
    let _ = halved.recv();
    assert_eq!(names(&disk.place()).len(), before + 1, "the ballast alone");
    fs::remove_file(&ballast).expect("removed");

    let mut fetching = Running::start("diagnose", &mut diagnose(&engineer, &disk.place()));
    halved.recv().expect("it is half there");
    disk.pull_out();
    go.send(()).expect("it waits");
    assert_eq!(fetching.wait_for_end().code(), Some(1));
    assert!(fetching.transcript().contains("could not write"), "{}", fetching.transcript());

    let Some(disk) = Disk::mount("diagnostics on a stick", 8) else { return };
    disk.protect();
    let output = run_with_input(&mut diagnose(&engineer, &disk.place()), b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.code() == Some(1) && said.contains("Read-only file system"), "{said}");
    assert!(halved.try_recv().is_err(), "nothing was asked for");
    call.end();
}

/// Another one is told so at once, and a scanner without the unit says so.
#[test]
fn one_at_a_time() {
    let busy = Unit::start(|stream, _| drop(stream));
    let relay = Relay::start();
    let scanner = busy.scanner(&relay, "diagnostics = \"allowed\"");
    let engineer = Engineer::enrolled(&relay, "Ada");
    let call = engineer.call(&scanner);
    let here = tempfile::tempdir().expect("a directory");
    let fetch = || {
        let output = run_with_input(&mut diagnose(&engineer, here.path()), b"");
        (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
    };
    let (code, said) = fetch();
    assert!(code == Some(1) && said.contains("another diagnosis is being collected"), "{said}");
    fs::remove_file(busy.directory.path().join("diagnose.sock")).expect("removed");
    let (code, said) = fetch();
    assert!(code == Some(1) && said.contains("fieldlink-diagnose.socket"), "{said}");
    assert!(names(here.path()).is_empty());
    call.end();
}
