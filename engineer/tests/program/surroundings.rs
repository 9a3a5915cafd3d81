//! What is wrong on the engineer's computer is said before anybody is called, and nothing is made in places
//! that are another user's.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use crate::engineer::Engineer;

/// Valid, and no scanner's.
const ID: &str = "572400000";

/// Nobody listens there, and nobody must be dialled.
const NOWHERE: &str = "wss://127.0.0.1:1";

fn call(engineer: &Engineer, change: impl FnOnce(&mut Command)) -> (Option<i32>, String) {
    let mut command = engineer.command(&[ID, "--ticket", "T", "--no-shell"]);
    change(&mut command);
    let output = command.stdin(Stdio::null()).output().expect("it runs");
    (output.status.code(), String::from_utf8_lossy(&output.stderr).into_owned())
}

/// A directory with nothing but an `ssh` that does what `script` says, and ssh-keygen.
fn path_with_ssh(script: Option<&str>) -> tempfile::TempDir {
    let directory = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::symlink("/usr/bin/ssh-keygen", directory.path().join("ssh-keygen")).expect("linked");
    if let Some(script) = script {
        let path = directory.path().join("ssh");
        std::fs::write(&path, format!("#!/bin/sh\n{script}\n")).expect("written");
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).expect("our own file");
    }
    directory
}

#[test]
fn an_ssh_that_does_not_serve_is_found_before_the_relay_is_dialled() {
    const REAL: &str = "exec /usr/bin/ssh \"$@\"";
    let queries = format!("case \"$*\" in *-Q*) {REAL};; esac");
    let old = format!("{queries}; echo 'Bad configuration option: knownhostscommand' >&2; exit 255");
    let deaf = format!("{queries}; exit 0");
    for (script, named) in [
        (None, "could not run ssh: it is not in PATH"),
        (Some("echo 'this is something else' >&2; exit 2"), "this is something else"),
        (Some("echo diffie-hellman-group1-sha1"), "8.5 or newer"),
        (Some(old.as_str()), "Bad configuration option: knownhostscommand"),
        (Some(deaf.as_str()), "got no connection although the session is here"),
    ] {
        let engineer = Engineer::logged_in_to(NOWHERE);
        let path = path_with_ssh(script);
        let (code, said) = call(&engineer, |command| {
            command.env("PATH", path.path());
        });
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(named) && !said.contains("connecting to"), "{script:?}: {said}");
    }
    // One that talks and works is good enough.
    let engineer = Engineer::logged_in_to(NOWHERE);
    let path = path_with_ssh(Some(&format!("echo wrapped; echo wrapped >&2; {REAL}")));
    let (code, said) = call(&engineer, |command| {
        command.env("PATH", path.path());
    });
    assert_eq!(code, Some(210), "{said}");
}

#[test]
fn no_shell_of_the_engineers_matters() {
    for shell in ["", "/usr/sbin/nologin", "zsh", "/no/such/shell", "/bin/false"] {
        let engineer = Engineer::logged_in_to(NOWHERE);
        let (code, said) = call(&engineer, |command| {
            command.env("SHELL", shell);
        });
        assert_eq!(code, Some(210), "{shell:?}: {said}");
    }
}

#[test]
fn every_directory_that_does_not_serve_is_named_with_its_variable() {
    let missing = "/no/such/directory";
    for (variable, unset, own) in [
        ("XDG_RUNTIME_DIR", "FIELDLINK_RUNTIME_DIR", "FIELDLINK_RUNTIME_DIR"),
        ("HOME", "FIELDLINK_STATE_DIR", "FIELDLINK_STATE_DIR"),
    ] {
        let engineer = Engineer::logged_in_to(NOWHERE);
        let (code, said) = call(&engineer, |command| {
            command.env_remove(unset).env_remove("XDG_STATE_HOME").env(variable, missing);
        });
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(variable) && said.contains(own) && said.contains(missing), "{said}");
    }
    assert!(!Path::new(missing).exists());
    let engineer = Engineer::logged_in_to(NOWHERE);
    let file = engineer.home.path().join("file");
    std::fs::write(&file, "").expect("written");
    let link = engineer.home.path().join("link");
    std::os::unix::fs::symlink(engineer.home.path(), &link).expect("linked");
    for (path, why) in [(&file, "not a directory"), (&link, "symbolic link")] {
        let (code, said) = call(&engineer, |command| {
            command.env("FIELDLINK_RUNTIME_DIR", path);
        });
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains(why) && said.contains("FIELDLINK_RUNTIME_DIR"), "{said}");
    }
}

#[test]
fn nothing_is_made_in_a_directory_of_another_user() {
    if !nix::unistd::geteuid().is_root() {
        eprintln!("skipped: only root can give a directory away");
        return;
    }
    let engineer = Engineer::logged_in_to(NOWHERE);
    let theirs = tempfile::tempdir().expect("a directory");
    std::os::unix::fs::chown(theirs.path(), Some(12_345), Some(12_345)).expect("given away");
    for (variable, unset) in [
        ("XDG_RUNTIME_DIR", "FIELDLINK_RUNTIME_DIR"),
        ("HOME", "FIELDLINK_STATE_DIR"),
        ("XDG_STATE_HOME", "FIELDLINK_STATE_DIR"),
        ("FIELDLINK_STATE_DIR", "XDG_STATE_HOME"),
    ] {
        let below = if variable.starts_with("FIELDLINK") {
            theirs.path().join("deep/er")
        } else {
            theirs.path().into()
        };
        let (code, said) = call(&engineer, |command| {
            command.env_remove(unset).env(variable, &below);
        });
        assert_eq!(code, Some(1), "{said}");
        assert!(said.contains("belongs to another user (uid 12345") && said.contains(variable), "{said}");
        let made = std::fs::read_dir(theirs.path()).expect("listed").count();
        assert_eq!(made, 0, "{variable}");
    }
    let mut status = engineer.command(&["status"]);
    status.env_remove("FIELDLINK_RUNTIME_DIR").env("XDG_RUNTIME_DIR", theirs.path());
    let said = String::from_utf8(status.output().expect("it runs").stderr).expect("text");
    assert!(said.contains("XDG_RUNTIME_DIR") && said.contains("FIELDLINK_RUNTIME_DIR"), "{said}");
    assert_eq!(std::fs::read_dir(theirs.path()).expect("listed").count(), 0);
}

#[test]
fn a_credential_may_come_as_mail_hands_it_on() {
    let engineer = Engineer::new();
    let text = crate::engineer::credential_text();
    let quoted: Vec<_> =
        text.as_bytes().chunks(76).map(|line| format!("> {}\r\n", String::from_utf8_lossy(line))).collect();
    // Understood, and then there is no relay.
    let login = ["login", "--relay", NOWHERE];
    engineer.fails(&login, &format!("\u{feff}\n{}", quoted.concat()), 210);
    engineer.fails(&login, &quoted.join("\r\n"), 210);
    assert!(engineer.fails(&login, &quoted[..1].concat(), 2).contains("damaged or incomplete"));
}
