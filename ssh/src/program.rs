//! A shell, a command or a subsystem in a session channel: leave to start it, its signals, its size.

use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};

use fieldlink_protocol::text;
use fieldlink_session::wire::{
    ExitStatus, MAX_COMMAND, ProgramKind, ProgramSignal, RequestId, TerminalRequest, TerminalSize,
};
use tokio_util::sync::CancellationToken;

use super::carrier::{Carrier, Cut, Ways, terminal_of};
use super::channel::{ChannelRequest, ChannelStatus, Opener, SubsystemName};
use super::channel_io::{Input, Output};
use super::channel_path::ChannelPath;
use super::input::{Backlog, PendingInput};
use super::lease::ChannelLease;
use super::screen::Screen;
use super::subsystem::{self, Serving, Subsystems};
use crate::session_process::{Program, ProgramRequest, SessionClient, TerminalMaster};

/// What a shell says of a command it cannot run.
const CANNOT_START: u8 = 126;
/// Signals that are kept for a program that has not been started yet, or while input is held.
const EARLY_SIGNALS: usize = 4;

/// What to start.
#[derive(Debug, Clone)]
pub(super) enum StartKind {
    /// In `fieldlink-session`.
    Program(ProgramKind),
    /// By the agent itself.
    Subsystem(SubsystemName),
}

/// What to start, and the channel that it belongs to.
pub(super) struct Start {
    pub(super) channel: u32,
    pub(super) kind: StartKind,
    pub(super) terminal: Option<TerminalRequest>,
    pub(super) environment: Vec<(String, String)>,
}

/// Where programs come from and what their bytes pass.
#[derive(Clone)]
pub(super) struct ProgramDeps {
    pub(super) opener: Opener,
    pub(super) path: Arc<ChannelPath>,
    pub(super) programs: SessionClient,
    pub(super) subsystems: Arc<dyn Subsystems>,
    pub(super) backlog: Backlog,
    pub(super) cancel: CancellationToken,
}

/// A program as the connection's later requests see it: they may come before it has been started.
#[derive(Clone, Default)]
pub(super) struct RunningProgram {
    process: Arc<Mutex<Process>>,
    is_over: Arc<AtomicBool>,
    held_signals: Arc<AtomicUsize>,
}

#[derive(Default)]
struct Process {
    started: Option<(SessionClient, RequestId, Option<TerminalMaster>)>,
    /// Gone with the channel.
    lease: Weak<ChannelLease>,
    size: Option<TerminalSize>,
    signals: Vec<ProgramSignal>,
}

impl RunningProgram {
    pub(super) fn resize(&self, size: TerminalSize) {
        let mut process = self.process();
        match &process.started {
            Some((_, _, Some(terminal))) => resize(terminal, size, &process.lease),
            Some(_) => {}
            None => process.size = Some(size),
        }
    }

    pub(super) async fn signal(&self, signal: ProgramSignal) {
        let target = {
            let mut process = self.process();
            if process.started.is_none() && process.signals.len() < EARLY_SIGNALS {
                process.signals.push(signal);
            }
            process.started.as_ref().map(|(client, id, _)| (client.clone(), *id))
        };
        if let Some((client, id)) = target {
            let _ = client.signal(id, signal).await;
        }
    }

    /// A signal is input, too: one that comes while input is held waits with it. Of many, the first few do.
    pub(super) async fn signal_once_let_pass(self, path: Arc<ChannelPath>, signal: ProgramSignal) {
        if self.held_signals.fetch_add(1, Ordering::AcqRel) < EARLY_SIGNALS && path.pass_input().await.is_ok()
        {
            self.signal(signal).await;
        }
        self.held_signals.fetch_sub(1, Ordering::AcqRel);
    }

    /// Whether the program has ended and the client has been sent all of its output.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }

    async fn started(&self, client: &SessionClient, program: &Program, lease: &Arc<ChannelLease>) {
        let signals = {
            let mut process = self.process();
            let terminal = terminal_of(program);
            process.lease = Arc::downgrade(lease);
            if let (Some(terminal), Some(size)) = (&terminal, process.size.take()) {
                resize(terminal, size, &process.lease);
            }
            process.started = Some((client.clone(), program.id, terminal));
            std::mem::take(&mut process.signals)
        };
        for signal in signals {
            let _ = client.signal(program.id, signal).await;
        }
    }

    fn process(&self) -> MutexGuard<'_, Process> {
        self.process.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn resize(terminal: &TerminalMaster, size: TerminalSize, lease: &Weak<ChannelLease>) {
    if let Err(error) = terminal.resize(size) {
        tracing::debug!(%error, "terminal not resized");
    }
    lease.upgrade().into_iter().for_each(|lease| lease.set_terminal(size));
}

/// Starts a program, once the path has let it in, and carries its bytes between `input` and `output` until both are
/// over or the connection is. `running` is how the connection's later requests reach it.
pub(super) async fn run(
    deps: ProgramDeps,
    start: Start,
    (input, output): (Input, Output),
    running: RunningProgram,
) {
    let mut ways = Ways { input, pending: PendingInput::early(deps.backlog.clone()), is_ended: false };
    let leave = tokio::select! {
        biased;
        () = deps.cancel.cancelled() => return,
        leave = ask_leave(&deps, &start, &output) => leave,
        // The client has closed the channel meanwhile.
        () = ways.take_early() => return,
    };
    let started = match leave {
        Ok(lease) => start_with(&deps, start, lease).await,
        Err(problem) => Err(problem),
    };
    match started {
        Ok((lease, program, serving)) => {
            let lease = Arc::new(lease);
            running.started(&deps.programs, &program, &lease).await;
            ways.pending.let_in(lease.clone());
            let screen = Screen::of(&deps.path, lease.identity());
            let carrier = Carrier { lease, output, is_over: running.is_over, cut: Cut::default() };
            let carrying = carrier.run_until(deps.cancel, ways, screen, program, deps.programs);
            serving.beside(carrying).await;
        }
        Err(problem) => {
            let saying = say_why_not(ways.input, output, problem, running.is_over);
            deps.cancel.run_until_cancelled(saying).await;
        }
    }
}

/// Waits for the path's leave. Safe to cancel.
async fn ask_leave(deps: &ProgramDeps, start: &Start, output: &Output) -> Result<ChannelLease, String> {
    if let StartKind::Program(ProgramKind::Exec { command }) = &start.kind
        && command.len() > MAX_COMMAND
    {
        return Err(format!(
            "the command has {} bytes, and Linux takes {MAX_COMMAND} at most: copy it over as a file, or send it \
             to a shell's standard input",
            command.len()
        ));
    }
    let request = match &start.kind {
        StartKind::Program(kind) => ChannelRequest::Program(kind.clone()),
        StartKind::Subsystem(name) => ChannelRequest::Subsystem(*name),
    };
    let waiting = match deps.path.asks_for(&request) {
        Some(function) => Some(format!("waiting for the client to allow this ({function})")),
        None if deps.path.holds_input() => Some("waiting for the client to be back".to_owned()),
        None => None,
    };
    if let Some(waiting) = waiting {
        let _ = output.send_error(format!("fieldlink: {waiting}\r\n").into_bytes().into()).await;
    }
    let lease = deps.path.authorise(deps.opener, start.channel, request).await;
    lease.map_err(|refusal| refusal.to_string())
}

async fn start_with(
    deps: &ProgramDeps,
    start: Start,
    lease: ChannelLease,
) -> Result<(ChannelLease, Program, Serving), String> {
    let Start { kind, terminal, environment, .. } = start;
    let program = match kind {
        StartKind::Program(program) => program,
        StartKind::Subsystem(name) => {
            let served = subsystem::start(&*deps.subsystems, name);
            let (program, serving) = served.map_err(|error| {
                lease.finish(ChannelStatus::Failed);
                format!("could not serve the subsystem: {error}")
            })?;
            return Ok((lease, program, serving));
        }
    };
    // What looks at the requests of a file transfer reads pipes, not a terminal.
    let terminal = terminal.filter(|_| !matches!(program, ProgramKind::Sftp {}));
    let size = terminal.as_ref().map(|terminal| terminal.size);
    let request = ProgramRequest { program, terminal, environment };
    match deps.programs.start_program(request).await {
        Ok(program) => {
            size.into_iter().for_each(|size| lease.set_terminal(size));
            Ok((lease, program, Serving::elsewhere()))
        }
        Err(error) => {
            lease.finish(ChannelStatus::Failed);
            Err(error.to_string())
        }
    }
}

async fn say_why_not(mut input: Input, output: Output, problem: String, is_over: Arc<AtomicBool>) {
    let saying = async {
        let message = format!("fieldlink: {}\r\n", text::sentence(&problem));
        let _ = output.send_error(message.into_bytes().into()).await;
        is_over.store(true, Ordering::Release);
        output.finish(Some(ExitStatus::Code { code: CANNOT_START })).await;
    };
    // What the SSH client sends is read meanwhile, so that it takes what we send.
    tokio::join!(saying, input.drain());
}
