//! A shell, a command or sftp in a session channel: its bytes, its signals, its end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fieldlink_protocol::text;
use fieldlink_session::wire::{
    ExitStatus, MAX_COMMAND, ProgramKind, ProgramSignal, RequestId, TerminalRequest, TerminalSize,
};
use russh::ChannelMsg;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio_util::sync::CancellationToken;

use super::channel_io::{Input, Output};
use super::channel_path::ChannelPath;
use super::input::{AFTER_CLOSE, Backlog, PendingInput, write_to};
use super::lease::{ChannelLease, ChannelRequest, ChannelStatus, Opener};
use crate::session_process::{
    Program, ProgramExit, ProgramIo, ProgramRequest, SessionClient, TerminalMaster,
};

/// Bytes read from a program at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// What a shell says of a command it cannot run.
const CANNOT_START: u8 = 126;
/// More than the kernel keeps between a terminal and its master (12 KiB on Linux): everything that a program
/// wrote before it ended is within the first so many bytes that are read afterwards. What background
/// children write behind it is not waited for.
const TERMINAL_KEEPS: usize = 128 * 1024;
/// How long a terminal stays open after its program was told that it hangs up.
const HANG_UP: Duration = Duration::from_millis(250);

/// What to start, and the channel that it belongs to.
pub(super) struct Start {
    pub(super) channel: u32,
    pub(super) kind: ProgramKind,
    pub(super) terminal: Option<TerminalRequest>,
    pub(super) environment: Vec<(String, String)>,
}

/// Where programs come from and what their bytes pass.
#[derive(Clone)]
pub(super) struct ProgramDeps {
    pub(super) opener: Opener,
    pub(super) path: Arc<ChannelPath>,
    pub(super) programs: SessionClient,
    pub(super) backlog: Backlog,
    pub(super) cancel: CancellationToken,
}

/// A program as the connection's later requests see it.
pub(super) struct RunningProgram {
    target: Option<(SessionClient, RequestId)>,
    terminal: Option<TerminalMaster>,
    is_over: Arc<AtomicBool>,
}

impl RunningProgram {
    pub(super) fn resize(&self, size: TerminalSize) {
        if let Some(Err(error)) = self.terminal.as_ref().map(|terminal| terminal.resize(size)) {
            tracing::debug!(%error, "terminal not resized");
        }
    }

    pub(super) async fn signal(&self, signal: ProgramSignal) {
        if let Some((client, id)) = &self.target {
            let _ = client.signal(*id, signal).await;
        }
    }

    /// Whether the program has ended and the client has been sent all of its output.
    pub(super) fn is_over(&self) -> bool {
        self.is_over.load(Ordering::Acquire)
    }
}

/// Starts a program. The returned future carries its bytes between `input` and `output` until both are over
/// or the connection is.
pub(super) async fn start(
    deps: &ProgramDeps,
    start: Start,
    (input, output): (Input, Output),
) -> (RunningProgram, impl Future<Output = ()> + Send + 'static) {
    let is_over = Arc::new(AtomicBool::new(false));
    let started = try_start(deps, start).await;
    let (target, terminal) = match &started {
        Ok((_, program)) => (Some((deps.programs.clone(), program.id)), terminal_of(program)),
        Err(_) => (None, None),
    };
    let running = RunningProgram { target, terminal, is_over: is_over.clone() };
    let cancel = deps.cancel.clone();
    let (backlog, client) = (deps.backlog.clone(), deps.programs.clone());
    let carrying = async move {
        match started {
            Ok((lease, program)) => {
                let lease = Arc::new(lease);
                let pending = PendingInput::new(backlog, lease.clone());
                let carrier = Carrier { lease, output, is_over };
                carrier.run_until(cancel, (input, pending), program, client).await;
            }
            Err(problem) => {
                let saying = say_why_not(input, output, problem, is_over);
                cancel.run_until_cancelled(saying).await;
            }
        }
    };
    (running, carrying)
}

async fn try_start(deps: &ProgramDeps, start: Start) -> Result<(ChannelLease, Program), String> {
    let Start { channel, kind: program, terminal, environment } = start;
    if let ProgramKind::Exec { command } = &program
        && command.len() > MAX_COMMAND
    {
        return Err(format!(
            "the command has {} bytes, and Linux takes {MAX_COMMAND} at most: copy it over as a file, or send it \
             to a shell's standard input",
            command.len()
        ));
    }
    let request = ChannelRequest::Program(program.clone());
    let lease = deps.path.authorise(deps.opener, channel, request).map_err(|refusal| refusal.to_string())?;
    let request = ProgramRequest { program, terminal, environment };
    match deps.programs.start_program(request).await {
        Ok(program) => Ok((lease, program)),
        Err(error) => {
            lease.finish(ChannelStatus::Failed);
            Err(error.to_string())
        }
    }
}

fn terminal_of(program: &Program) -> Option<TerminalMaster> {
    match &program.io {
        ProgramIo::Terminal(master) => Some(master.clone()),
        ProgramIo::Pipes { .. } => None,
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

/// How a program is left when its channel is.
#[derive(Debug, PartialEq, Eq)]
enum Left {
    /// It has all of its input, and ends by itself.
    ByItself,
    /// It has ended, or is to be told that its terminal hangs up.
    Behind,
    /// The same, and the channel was not closed: its connection is gone.
    Cut,
}

/// How a channel's input came to its end.
enum InputEnd<S> {
    /// The client has closed the channel. What it had ended before and is still to be written, and where to.
    Closed(Option<(PendingInput, S)>),
    /// The connection is gone.
    Cut,
}

struct Carrier {
    lease: Arc<ChannelLease>,
    output: Output,
    is_over: Arc<AtomicBool>,
}

impl Carrier {
    async fn run_until(
        self,
        cancel: CancellationToken,
        (mut input, pending): (Input, PendingInput),
        program: Program,
        client: SessionClient,
    ) {
        let (id, terminal) = (program.id, terminal_of(&program));
        let carried = cancel.run_until_cancelled(self.carry((&mut input, pending), program)).await;
        if matches!(carried, Some(Left::ByItself | Left::Behind)) {
            // Unless the program's end was said before.
            self.lease.finish(ChannelStatus::Closed);
        }
        if carried == Some(Left::ByItself) {
            return;
        }
        if self.is_over.load(Ordering::Acquire) {
            // Until the peer has closed the channel too.
            let _ = cancel.run_until_cancelled(input.drain()).await;
            return;
        }
        // The channel or the connection is gone while the program runs: as when a terminal hangs up.
        let _ = client.signal(id, ProgramSignal::Hup).await;
        if let Some(terminal) = terminal {
            // A shell that reads the end of its terminal before it hears the signal just leaves, without
            // running what it was told to run on a hang-up.
            tokio::time::sleep(HANG_UP).await;
            drop(terminal);
        }
    }

    /// Returns when the program has ended and that is said, or the channel is closed.
    async fn carry(&self, (input, pending): (&mut Input, PendingInput), program: Program) -> Left {
        let Program { io, exit, .. } = program;
        match io {
            ProgramIo::Terminal(master) => {
                let mut reader = master.clone();
                let output = async { self.finish(self.terminal_output(&mut reader, exit).await).await };
                tokio::select! {
                    () = output => Left::Behind,
                    end = self.receive_input(input, pending, Some(master)) => match end {
                        InputEnd::Closed(_) => Left::Behind,
                        InputEnd::Cut => Left::Cut,
                    },
                }
            }
            ProgramIo::Pipes { stdin, mut stdout, mut stderr } => {
                let output = async {
                    tokio::join!(self.send_output(&mut stdout), self.send_errors(&mut stderr));
                    self.finish(exit.await).await;
                };
                let end = tokio::select! {
                    () = output => InputEnd::Closed(None),
                    end = self.receive_input(input, pending, Some(stdin)) => end,
                };
                let (pending, mut stdin) = match end {
                    InputEnd::Closed(Some(rest)) => rest,
                    InputEnd::Closed(None) => return Left::Behind,
                    InputEnd::Cut => return Left::Cut,
                };
                // Its output leads nowhere any more, and it must not wait for a reader.
                drop((stdout, stderr));
                pending.flush_to(&mut stdin, AFTER_CLOSE).await;
                Left::ByItself
            }
        }
    }

    /// Input is still read while the end is said: a client that sends without listening must not keep the
    /// SSH library from sending.
    async fn finish(&self, status: Option<ExitStatus>) {
        self.is_over.store(true, Ordering::Release);
        self.lease.finish(status.clone().map_or(ChannelStatus::Closed, ChannelStatus::Exit));
        self.output.finish(status).await;
    }

    /// Ends only when the channel does.
    async fn receive_input<S: AsyncWrite + Unpin>(
        &self,
        input: &mut Input,
        mut pending: PendingInput,
        mut sink: Option<S>,
    ) -> InputEnd<S> {
        let mut is_ended = false;
        loop {
            if is_ended && pending.is_empty() {
                // The program sees the end.
                sink = None;
            }
            tokio::select! {
                message = input.next(), if pending.has_room() => match message {
                    Some(ChannelMsg::Data { data }) if sink.is_some() && !is_ended => pending.push(data),
                    Some(ChannelMsg::Eof) => is_ended = true,
                    Some(ChannelMsg::Close) if is_ended => {
                        return InputEnd::Closed(sink.map(|sink| (pending, sink)));
                    }
                    Some(ChannelMsg::Close) => return InputEnd::Closed(None),
                    None => return InputEnd::Cut,
                    Some(_) => {}
                },
                written = write_to(&mut pending, sink.as_mut()), if !pending.is_empty() => {
                    if written.is_err() {
                        // The program reads no more; what is still sent to it leads nowhere.
                        sink = None;
                        pending.clear();
                    }
                }
            }
        }
    }

    /// What is read is sent before anything else is looked at, also before the program's end.
    async fn terminal_output(&self, terminal: &mut TerminalMaster, exit: ProgramExit) -> Option<ExitStatus> {
        let mut exit = pin!(exit);
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            let read = tokio::select! {
                read = terminal.read_buf(&mut buffer) => read,
                status = &mut exit => {
                    self.send_what_is_left(terminal).await;
                    return status;
                }
            };
            let is_open = matches!(read, Ok(count) if count > 0);
            if !is_open || !self.send(buffer.split().freeze()).await {
                return exit.await;
            }
        }
    }

    /// Sends what the kernel still holds of a program that has ended.
    async fn send_what_is_left(&self, terminal: &TerminalMaster) {
        let mut left = TERMINAL_KEEPS;
        let mut buffer = vec![0; CHUNK];
        while left > 0 {
            let count = match terminal.read_now(&mut buffer) {
                Ok(count) if count > 0 => count,
                _ => return,
            };
            left = left.saturating_sub(count);
            if !self.send(Bytes::copy_from_slice(&buffer[..count])).await {
                return;
            }
        }
    }

    async fn send_output(&self, source: &mut (impl AsyncRead + Unpin)) {
        let mut buffer = BytesMut::new();
        while read_some(source, &mut buffer).await {
            if !self.send(buffer.split().freeze()).await {
                return;
            }
        }
    }

    async fn send_errors(&self, source: &mut (impl AsyncRead + Unpin)) {
        let mut buffer = BytesMut::new();
        while read_some(source, &mut buffer).await {
            let bytes = buffer.split().freeze();
            if self.lease.output(&bytes).await.is_err() || self.output.send_error(bytes).await.is_err() {
                return;
            }
        }
    }

    async fn send(&self, bytes: Bytes) -> bool {
        self.lease.output(&bytes).await.is_ok() && self.output.send(bytes).await.is_ok()
    }
}

/// False at the end.
async fn read_some(source: &mut (impl AsyncRead + Unpin), buffer: &mut BytesMut) -> bool {
    buffer.reserve(CHUNK);
    matches!(source.read_buf(buffer).await, Ok(count) if count > 0)
}
