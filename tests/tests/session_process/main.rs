//! `fieldlink-session` and the agent's side of it, with real processes, pipes, terminals and sockets.

mod ending;
mod forwards;
mod hostile;
mod programs;
mod terminals;

use std::path::{Path, PathBuf};
use std::time::Duration;

use fieldlink_session::descendants;
use fieldlink_session::wire::{ExitStatus, ProgramKind, TerminalRequest};
use fieldlink_ssh::session_process::{
    EndOutcome, Program, ProgramIo, ProgramRequest, SessionClient, SessionEvents, SessionProcess, WatchLimits,
};
use fieldlink_tests::programs::path_of;
use tokio::io::{AsyncRead, AsyncReadExt};
use tokio::sync::{Mutex, MutexGuard};

/// Longer than anything here takes, also on a machine that is busy.
const PATIENCE: Duration = Duration::from_secs(20);

/// The program under test.
fn program() -> PathBuf {
    path_of("fieldlink-session")
}

// The end of a session kills every descendant of this process, other tests' sessions too.
static ALONE: Mutex<()> = Mutex::const_new(());

/// A session that runs.
struct Session {
    process: SessionProcess,
    events: SessionEvents,
    client: SessionClient,
    // Last, so that it is dropped after everything else.
    _alone: MutexGuard<'static, ()>,
}

impl Session {
    async fn start() -> Self {
        Self::start_program(&program()).await
    }

    async fn start_program(program: &Path) -> Self {
        let alone = ALONE.lock().await;
        let started = SessionProcess::start(program, WatchLimits::default()).await;
        let (process, events) = started.expect("session process");
        let client = process.client();
        Self { process, events, client, _alone: alone }
    }

    /// Ends the session and checks that nothing is left of it.
    async fn end(self) -> EndOutcome {
        let outcome = self.process.end().await;
        assert_eq!(descendants::reap_and_list(), []);
        outcome
    }

    async fn end_orderly(self) {
        assert_eq!(self.end().await, EndOutcome::Orderly);
    }

    async fn exec(&self, command: impl AsRef<[u8]>) -> Program {
        let started = self.client.start_program(exec(command, None)).await;
        started.expect("program")
    }

    /// Runs a command without input to its end.
    async fn output(&self, command: impl AsRef<[u8]>) -> (String, String, ExitStatus) {
        let program = self.exec(command).await;
        let ProgramIo::Pipes { stdin, stdout, stderr } = program.io else {
            panic!("program without pipes");
        };
        drop(stdin);
        let (stdout, stderr) = tokio::join!(text(stdout), text(stderr));
        (stdout, stderr, program.exit.await.expect("exit status"))
    }

    async fn stdout(&self, command: &str) -> String {
        let (stdout, stderr, status) = self.output(command).await;
        assert_eq!(status, ExitStatus::Code { code: 0 }, "{command}: {stderr}");
        stdout
    }
}

fn exec(command: impl AsRef<[u8]>, terminal: Option<TerminalRequest>) -> ProgramRequest {
    let command = command.as_ref().to_vec();
    ProgramRequest { program: ProgramKind::Exec { command }, terminal, environment: Vec::new() }
}

async fn text(mut source: impl AsyncRead + Unpin) -> String {
    let mut bytes = Vec::new();
    let read = tokio::time::timeout(PATIENCE, source.read_to_end(&mut bytes)).await;
    read.expect("end of output").expect("output");
    String::from_utf8_lossy(&bytes).into_owned()
}

/// Reads until something appears, and returns everything up to there.
async fn read_until(source: &mut (impl AsyncRead + Unpin), wanted: &str) -> String {
    let mut seen = String::new();
    let reading = async {
        let mut bytes = [0; 1024];
        while !seen.contains(wanted) {
            let count = source.read(&mut bytes).await.expect("read");
            assert_ne!(count, 0, "ended without {wanted:?}: {seen:?}");
            seen.push_str(&String::from_utf8_lossy(&bytes[..count]));
        }
    };
    let done = tokio::time::timeout(PATIENCE, reading).await.is_ok();
    assert!(done, "no {wanted:?} in {seen:?}");
    seen
}
