//! Shells and commands on terminals.

use fieldlink_session::wire::{
    ExitStatus, MAX_LIVE, ProgramKind, ProgramSignal, TerminalRequest, TerminalSize,
};
use fieldlink_ssh::session_process::{Program, ProgramIo, ProgramRequest, SessionError, TerminalMaster};
use tokio::io::AsyncWriteExt;

use super::{Session, exec, read_until, text};

fn terminal() -> TerminalRequest {
    let size = TerminalSize { columns: 80, rows: 24, pixel_width: 0, pixel_height: 0 };
    TerminalRequest { term: "xterm-256color".to_owned(), size, modes: Vec::new() }
}

async fn start(session: &Session, request: ProgramRequest) -> (Program, TerminalMaster) {
    let program = session.client.start_program(request).await.expect("program");
    let ProgramIo::Terminal(master) = &program.io else {
        panic!("program without a terminal");
    };
    let master = master.clone();
    (program, master)
}

async fn shell(session: &Session) -> (Program, TerminalMaster) {
    let request = ProgramRequest {
        program: ProgramKind::Shell {},
        terminal: Some(terminal()),
        environment: Vec::new(),
    };
    start(session, request).await
}

// Typed so that the echo of the line does not look like its output.
async fn type_line(master: &mut TerminalMaster, line: &str) {
    let typed = format!("{line}\n");
    master.write_all(typed.as_bytes()).await.expect("write");
}

#[tokio::test]
async fn a_shell_follows_the_window() {
    let session = Session::start().await;
    let (program, mut master) = shell(&session).await;
    type_line(&mut master, "echo [$(stty size)]").await;
    read_until(&mut master, "[24 80]").await;
    let size = TerminalSize { columns: 132, rows: 50, pixel_width: 0, pixel_height: 0 };
    master.resize(size).expect("resize");
    type_line(&mut master, "echo [$(stty size)]").await;
    read_until(&mut master, "[50 132]").await;
    type_line(&mut master, "exit 7").await;
    assert_eq!(program.exit.await, Some(ExitStatus::Code { code: 7 }));
    // Every process has closed the terminal, so its output ends.
    text(master).await;
    session.end_orderly().await;
}

#[tokio::test]
async fn a_shell_is_a_login_shell_with_a_terminal_of_its_own() {
    let session = Session::start().await;
    let (_program, mut master) = shell(&session).await;
    type_line(&mut master, "echo [${0#/bin/}] [$TERM] same=$([ \"$(tty)\" = \"$SSH_TTY\" ] && echo yes)")
        .await;
    let seen = read_until(&mut master, "same=yes").await;
    let name = session.client.welcome().shell.rsplit('/').next().expect("name").to_owned();
    assert!(seen.contains(&format!("[-{name}] [xterm-256color]")), "{seen}");
    type_line(&mut master, ": 2>/dev/null </dev/tty && echo tt''y").await;
    read_until(&mut master, "tty\r\n").await;
    session.end_orderly().await;
}

#[tokio::test]
async fn modes_are_set_before_the_program_starts() {
    let session = Session::start().await;
    let mut request = terminal();
    request.modes = vec![(53, 0), (72, 0)];
    let (program, master) =
        start(&session, exec("stty -a | tr ' ' '\\n' | grep -E '^-?(echo|onlcr);?$'", Some(request))).await;
    drop(program.io);
    let seen = text(master).await;
    assert!(seen.contains("-echo\n") && seen.contains("-onlcr\n"), "{seen}");
    session.end_orderly().await;
}

#[tokio::test]
async fn signals_reach_the_foreground_and_spare_the_shell() {
    let session = Session::start().await;
    let (program, mut master) = shell(&session).await;
    type_line(&mut master, "sh -c 'echo run''ning; exec sleep 1000'; echo status=$?").await;
    read_until(&mut master, "running\r\n").await;
    session.client.signal(program.id, ProgramSignal::Term).await.expect("signal");
    read_until(&mut master, "status=143").await;
    type_line(&mut master, "sh -c 'echo run''ning; exec sleep 1000'; echo status=$?").await;
    read_until(&mut master, "running\r\n").await;
    master.write_all(b"\x03").await.expect("interrupt");
    read_until(&mut master, "^C").await;
    type_line(&mut master, "echo al''ive").await;
    read_until(&mut master, "alive").await;
    session.end_orderly().await;
}

#[tokio::test]
async fn a_closed_terminal_hangs_up() {
    let session = Session::start().await;
    let (program, master) = start(&session, exec("exec sleep 1000", Some(terminal()))).await;
    drop((program.io, master));
    let hung_up = ExitStatus::Signal { name: "HUP".to_owned(), core_dumped: false };
    assert_eq!(program.exit.await, Some(hung_up));
    session.end_orderly().await;
}

#[tokio::test]
async fn no_more_than_the_limit_run_at_once() {
    let session = Session::start().await;
    let mut running = Vec::new();
    for _ in 0..MAX_LIVE {
        let request = exec("exec cat", Some(terminal()));
        running.push(session.client.start_program(request).await.expect("program"));
    }
    let refused = session.client.start_program(exec("true", None)).await;
    assert!(matches!(refused, Err(SessionError::Busy)));
    let Program { io, exit, .. } = running.pop().expect("one");
    drop(io);
    exit.await.expect("status");
    assert_eq!(session.stdout("echo room").await, "room\n");
    session.end_orderly().await;
}
