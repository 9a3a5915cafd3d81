//! Commands on pipes: exit codes, streams, environment, what is inherited.

use std::fs::Permissions;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use fieldlink_session::wire::{ExitStatus, FailReason, MAX_REQUEST, ProgramKind, ProgramSignal};
use fieldlink_ssh::session_process::{ProgramIo, ProgramRequest, SessionError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};

use super::{Session, program, read_until};

fn code(code: u8) -> ExitStatus {
    ExitStatus::Code { code }
}

fn killed(name: &str) -> ExitStatus {
    ExitStatus::Signal { name: name.to_owned(), core_dumped: false }
}

#[tokio::test]
async fn exit_codes_arrive_as_they_are() {
    let session = Session::start().await;
    for expected in [0, 1, 2, 127, 128, 255] {
        let (_, _, status) = session.output(format!("exit {expected}")).await;
        assert_eq!(status, code(expected));
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn signals_that_end_programs_are_named() {
    let session = Session::start().await;
    for (signal, name) in [("TERM", "TERM"), ("KILL", "KILL"), ("PIPE", "PIPE"), ("35", "35@linux")] {
        let (_, _, status) = session.output(format!("kill -{signal} $$")).await;
        assert_eq!(status, killed(name));
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn programs_that_end_at_once_are_never_lost() {
    let session = Session::start().await;
    for round in 0..100 {
        let (_, _, status) = session.output(format!("exit {round}")).await;
        assert_eq!(status, code(round));
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn standard_error_stays_apart() {
    let session = Session::start().await;
    let (stdout, stderr, _) = session.output("echo out; echo err >&2").await;
    assert_eq!((stdout.as_str(), stderr.as_str()), ("out\n", "err\n"));
    session.end_orderly().await;
}

#[tokio::test]
async fn input_is_binary_clean_and_ends() {
    let session = Session::start().await;
    let program = session.exec("cat").await;
    let ProgramIo::Pipes { mut stdin, mut stdout, .. } = program.io else {
        panic!("program without pipes");
    };
    let sent: Vec<u8> = (0..1024 * 1024_u32).map(|n| (n % 251) as u8).collect();
    let expected = sent.clone();
    let mut echoed = Vec::new();
    let write = async move { stdin.write_all(&sent).await };
    let (written, read) = tokio::join!(write, stdout.read_to_end(&mut echoed));
    written.expect("write");
    read.expect("read");
    assert!(echoed == expected);
    assert_eq!(program.exit.await, Some(code(0)));
    session.end_orderly().await;
}

#[tokio::test]
async fn commands_are_bytes() {
    let session = Session::start().await;
    let (stdout, _, _) = session.output(b"printf '\xff' | od -An -tx1").await;
    assert_eq!(stdout.trim(), "ff");
    session.end_orderly().await;
}

#[tokio::test]
async fn the_environment_is_built_from_nothing() {
    let session = Session::start().await;
    let environment = [("LANG", "C.UTF-8"), ("LC_TIME", "C"), ("LD_PRELOAD", "/x"), ("BASH_ENV", "/x")];
    let request = ProgramRequest {
        program: ProgramKind::Exec { command: b"exec env".to_vec() },
        terminal: None,
        environment: environment.map(|(name, value)| (name.into(), value.into())).to_vec(),
    };
    let program = session.client.start_program(request).await.expect("program");
    let ProgramIo::Pipes { stdout, .. } = program.io else {
        panic!("program without pipes");
    };
    let output = super::text(stdout).await;
    let mut names: Vec<&str> = output.lines().filter_map(|line| Some(line.split_once('=')?.0)).collect();
    // The shell's own.
    names.retain(|name| !matches!(*name, "SHLVL" | "_" | "OLDPWD"));
    names.sort_unstable();
    let expected = "FIELDLINK_SESSION HOME LANG LC_TIME LOGNAME PATH PWD SHELL USER";
    assert_eq!(names.join(" "), expected);
    session.end_orderly().await;
}

#[tokio::test]
async fn programs_inherit_nothing() {
    let session = Session::start().await;
    // The fourth is the listed directory itself.
    assert_eq!(session.stdout("exec ls /proc/self/fd").await, "0\n1\n2\n3\n");
    assert_eq!(session.stdout("umask").await, "0022\n");
    // A program without a terminal must not reach the agent's.
    assert_ne!(session.output("exec 3</dev/tty").await.2, code(0));
    session.end_orderly().await;
}

#[tokio::test]
async fn programs_start_with_default_signals() {
    let directory = tempfile::tempdir().expect("directory");
    let wrapper = directory.path().join("wrapper");
    let script = format!("#!/bin/sh\ntrap '' HUP INT PIPE USR1 TSTP\nexec {}\n", program().display());
    std::fs::write(&wrapper, script).expect("write");
    std::fs::set_permissions(&wrapper, Permissions::from_mode(0o755)).expect("permissions");
    let session = Session::start_program(&wrapper).await;
    let masks = session.stdout("exec grep -hE '^Sig(Blk|Ign)' /proc/self/status").await;
    for mask in masks.lines().filter_map(|line| line.split_once(":\t")) {
        let mask = u64::from_str_radix(mask.1, 16).expect("mask");
        // Two signals belong to the C library, and no program can set them.
        assert_eq!(mask & !(0b11 << 31), 0, "{masks}");
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn programs_start_at_home() {
    let session = Session::start().await;
    let home = session.client.welcome().home.clone();
    assert_eq!(session.stdout("pwd -P; echo $HOME").await, format!("{home}\n{home}\n"));
    session.end_orderly().await;
}

#[tokio::test]
async fn signals_reach_the_whole_group() {
    let session = Session::start().await;
    let program = session.exec("sleep 1000 | cat; echo never").await;
    let client = &session.client;
    client.signal(program.id, ProgramSignal::Term).await.expect("signal");
    assert_eq!(program.exit.await, Some(killed("TERM")));
    // And once more, to one that is gone.
    client.signal(program.id, ProgramSignal::Kill).await.expect("signal");
    session.end_orderly().await;
}

#[tokio::test]
async fn a_start_that_nobody_waits_for_is_killed() {
    let session = Session::start().await;
    let request = super::exec("exec sleep 1000", None);
    let start = session.client.start_program(request);
    // Asked, and then no longer wanted.
    let asked = tokio::select! { biased; _ = start => true, () = tokio::task::yield_now() => false };
    assert!(!asked);
    // Requests are served in order, so the program ran by the time this one does.
    let program = session.exec("cat").await;
    let ProgramIo::Pipes { mut stdin, mut stdout, .. } = program.io else {
        panic!("program without pipes");
    };
    stdin.write_all(b"x").await.expect("write");
    read_until(&mut stdout, "x").await;
    let deadline = std::time::Instant::now() + super::PATIENCE;
    while !session.stdout("pgrep -x -P $PPID sleep || true").await.is_empty() {
        assert!(std::time::Instant::now() < deadline, "still there");
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn sftp_runs_or_says_what_is_missing() {
    let session = Session::start().await;
    let request = ProgramRequest { program: ProgramKind::Sftp {}, terminal: None, environment: Vec::new() };
    let started = session.client.start_program(request).await;
    let places = ["/usr/lib/openssh", "/usr/libexec/openssh", "/usr/lib/ssh"];
    if places.iter().any(|place| Path::new(place).join("sftp-server").exists()) {
        let ProgramIo::Pipes { mut stdin, mut stdout, .. } = started.expect("sftp").io else {
            panic!("program without pipes");
        };
        // SSH_FXP_INIT for version 3; the answer begins with its length and SSH_FXP_VERSION.
        stdin.write_all(&[0, 0, 0, 5, 1, 0, 0, 0, 3]).await.expect("write");
        let mut answer = [0; 5];
        stdout.read_exact(&mut answer).await.expect("read");
        assert_eq!(answer[4], 2);
    } else {
        let Err(SessionError::Refused { reason, message }) = started else {
            panic!("sftp started without sftp-server");
        };
        assert_eq!(reason, FailReason::NotFound);
        assert!(message.contains("install openssh-sftp-server"), "{message}");
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn a_request_that_is_too_long_harms_nobody() {
    let session = Session::start().await;
    let request = super::exec(vec![b'x'; MAX_REQUEST], None);
    let refused = session.client.start_program(request).await;
    assert!(matches!(refused, Err(SessionError::TooLong)));
    assert_eq!(session.stdout("echo on").await, "on\n");
    session.end_orderly().await;
}
