//! What can be wrong on the engineer's computer once a session is open, and where a PIN can come from.

use std::io::Write;
use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use fieldlink_tests::programs::{Running, path_of, run_with_input};
use fieldlink_tests::{Engineer, Relay, Scanner};
use nix::sys::signal::Signal;

struct Parties {
    _relay: Relay,
    scanner: Scanner,
    engineer: Engineer,
}

fn parties() -> Parties {
    let relay = Relay::start();
    let (scanner, engineer) = (Scanner::start(&relay), Engineer::enrolled(&relay, "Ada"));
    Parties { _relay: relay, scanner, engineer }
}

/// A program in `directory` that does what `script` says.
fn program(directory: &Path, name: &str, script: &str) -> PathBuf {
    let path = directory.join(name);
    std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("writable");
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    path
}

#[test]
fn no_shell_of_the_engineers_keeps_ssh_from_its_connection() {
    let Parties { _relay, scanner, engineer } = parties();
    let directory = tempfile::tempdir().expect("a directory");
    let loud = program(directory.path(), "loud", "echo hello; exec /bin/sh \"$@\"").display().to_string();
    let shells = ["", "/usr/sbin/nologin", "bash", "/no/such/shell", &loud];
    let mut command = engineer.connect();
    command.args(["connect", &scanner.digits(), "--ticket", "T-1", "--no-shell"]).env("SHELL", &loud);
    let mut holder = Running::start("fieldlink-connect", &mut command);
    holder.type_line(&scanner.pin);
    let offered = holder.wait_for("from other terminals");
    assert!(offered.contains("SHELL=/bin/sh ssh -F"), "{offered}");
    holder.wait_for("prints something whenever it starts");
    for shell in shells {
        let mut run = engineer.connect();
        run.args(["run", &scanner.digits(), "--", "echo", "through"]).env("SHELL", shell);
        let output = run_with_input(&mut run, b"");
        assert_eq!(String::from_utf8_lossy(&output.stdout), "through\n", "{shell:?}: {output:?}");
    }
    holder.signal(Signal::SIGINT);
    holder.wait_for_end();
}

#[test]
fn an_ssh_that_fails_later_leaves_the_session() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let directory = tempfile::tempdir().expect("a directory");
    // It works until it is to carry the command.
    program(
        directory.path(),
        "ssh",
        "case \"$*\" in *-Q*|*-G*|*LogLevel*) exec /usr/bin/ssh \"$@\";; esac; echo broken today >&2; exit 255",
    );
    let pin = engineer.home().join("pin");
    std::fs::write(&pin, format!("{}\n", scanner.pin)).expect("writable");
    let script = format!(
        "exec 3<{}; PATH={}:$PATH; exec {} run {} --ticket T-1 --pin-fd 3 -- true",
        pin.display(),
        directory.path().display(),
        path_of("fieldlink-connect").display(),
        scanner.digits()
    );
    let mut sh = engineer.program("sh");
    sh.args(["-c", &script]);
    let output = run_with_input(&mut sh, b"");
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(255), "{said}");
    assert!(said.contains("broken today") && said.contains("held for five minutes"), "{said}");
    let mut again = engineer.connect();
    again.args(["run", &scanner.digits(), "--", "echo", "back"]);
    let output = run_with_input(&mut again, b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "back\n", "{output:?}");
    assert!(scanner.wait_until_off().contains("engineer-ended"));
}

#[test]
fn a_command_that_the_client_ends_says_so() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let call = engineer.call(&scanner);
    let mut command = engineer.connect();
    command.args(["run", &scanner.digits(), "--", "echo in; exec sleep 1000"]);
    let mut run = Running::start("run", &mut command);
    run.wait_for("in");
    scanner.process.type_line("end");
    run.wait_for("the session is over: the client ended it");
    assert_eq!(run.wait_for_end().code(), Some(217));
    let said = run.transcript();
    assert!(!said.contains("Broken pipe"), "{said}");
    drop(call);
}

#[test]
fn the_pin_comes_from_any_descriptor() {
    let Parties { _relay, mut scanner, engineer } = parties();
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    let line = format!("{}\n", scanner.pin);
    let giver = std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("it connects");
        stream.write_all(line.as_bytes()).expect("taken");
    });
    let script = format!(
        "exec 5<>/dev/tcp/127.0.0.1/{port}; exec {} run {} --ticket T-1 --pin-fd 5 -- echo socket",
        path_of("fieldlink-connect").display(),
        scanner.digits()
    );
    let mut bash: Command = engineer.program("bash");
    bash.args(["-c", &script]);
    let output = run_with_input(&mut bash, b"");
    assert_eq!(String::from_utf8_lossy(&output.stdout), "socket\n", "{output:?}");
    giver.join().expect("given");
    scanner.wait_until_off();
}
