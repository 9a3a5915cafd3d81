//! A shell, a command or sftp in a session channel: its bytes, its signals, its end.

use std::sync::Arc;
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio_util::sync::CancellationToken;

use super::channel_path::{Authorised, ChannelPath, ChannelRequest};
use crate::session_process::wire::{
    ExitStatus, ProgramKind, ProgramSignal, RequestId, TerminalRequest, TerminalSize,
};
use crate::session_process::{Program, ProgramIo, ProgramRequest, SessionClient, TerminalMaster};

/// Bytes read from a program at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// `SSH_EXTENDED_DATA_STDERR`, RFC 4254 section 5.2.
const STDERR: u32 = 1;
/// What a shell says of a command it cannot run.
const CANNOT_START: u8 = 126;
/// After a program left its terminal to background children: how long what it wrote may take to
/// come through the kernel's buffers.
const TERMINAL_DRAIN: Duration = Duration::from_millis(50);

/// What to start.
pub(super) struct Start {
    pub(super) kind: ProgramKind,
    pub(super) terminal: Option<TerminalRequest>,
    pub(super) environment: Vec<(String, String)>,
}

/// A program as the connection's later requests see it.
pub(super) struct RunningProgram {
    target: Option<(SessionClient, RequestId)>,
    terminal: Option<TerminalMaster>,
}

/// Only what concerns language and terminal, as OpenSSH's `AcceptEnv LANG LC_*`.
pub(super) fn accepts_variable(name: &str) -> bool {
    let is_name = name.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'_');
    is_name && (name == "LANG" || name == "TERM" || name.starts_with("LC_"))
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
}

/// How long a terminal stays open after its program was told that it hangs up.
const HANG_UP: std::time::Duration = std::time::Duration::from_millis(250);

/// Starts a program in `channel` and carries its bytes until both are over or `cancel` fires.
pub(super) async fn start(
    path: &Arc<ChannelPath>,
    client: &SessionClient,
    start: Start,
    channel: Channel<Msg>,
    (connection, cancel): (Handle, CancellationToken),
) -> RunningProgram {
    let (input, output) = channel.split();
    let output = Output { channel: output, connection };
    let started = match path.authorise(&ChannelRequest::Program(start.kind.clone())) {
        Ok(leave) => {
            let Start { kind: program, terminal, environment } = start;
            let request = ProgramRequest { program, terminal, environment };
            client
                .start_program(request)
                .await
                .map(|program| (leave, program))
                .map_err(|error| error.to_string())
        }
        Err(refusal) => Err(refusal.to_string()),
    };
    let (leave, program) = match started {
        Ok(started) => started,
        Err(problem) => {
            // The channel's output is taken only once this request is answered, so not from here.
            tokio::spawn(cancel.run_until_cancelled_owned(say_why_not(input, output, problem)));
            return RunningProgram { target: None, terminal: None };
        }
    };
    let terminal = match &program.io {
        ProgramIo::Terminal(master) => Some(master.clone()),
        ProgramIo::Pipes { .. } => None,
    };
    let running = RunningProgram { target: Some((client.clone(), program.id)), terminal };
    let carrier = Carrier { path: path.clone(), leave, output, id: program.id, client: client.clone() };
    tokio::spawn(carrier.run_until(cancel, input, program));
    running
}

async fn say_why_not(mut input: ChannelReadHalf, output: Output, problem: String) {
    let message = format!("fieldlink: {problem}\r\n");
    let _ = output.send(message.into_bytes().into(), Some(STDERR)).await;
    output.finish(Some(ExitStatus::Code { code: CANNOT_START })).await;
    while input.wait().await.is_some() {}
}

struct Carrier {
    path: Arc<ChannelPath>,
    leave: Authorised,
    output: Output,
    id: RequestId,
    client: SessionClient,
}

/// The channel's way to the engineer.
struct Output {
    channel: ChannelWriteHalf<Msg>,
    /// Only for what the channel's own half cannot say.
    connection: Handle,
}

impl Carrier {
    async fn run_until(self, cancel: CancellationToken, mut input: ChannelReadHalf, program: Program) {
        let terminal = match &program.io {
            ProgramIo::Terminal(master) => Some(master.clone()),
            ProgramIo::Pipes { .. } => None,
        };
        let ended = tokio::select! {
            biased;
            () = cancel.cancelled() => false,
            ended = self.carry(&mut input, program) => ended,
        };
        if !ended {
            // The connection is gone while the program runs: as when a terminal hangs up.
            let _ = self.client.signal(self.id, ProgramSignal::Hup).await;
            if let Some(terminal) = terminal {
                // A shell that reads the end of its terminal before it hears the signal just leaves, without
                // running what it was told to run on a hang-up.
                tokio::time::sleep(HANG_UP).await;
                drop(terminal);
            }
            return;
        }
        // Until the peer has closed the channel too.
        let _ = cancel.run_until_cancelled(async { while input.wait().await.is_some() {} }).await;
    }

    /// True if the program ended, false if the channel did first.
    async fn carry(&self, input: &mut ChannelReadHalf, program: Program) -> bool {
        let Program { io, exit, .. } = program;
        let status = match io {
            ProgramIo::Terminal(master) => {
                let mut reader = master.clone();
                let output = async {
                    let mut exit = exit;
                    tokio::select! {
                        () = self.send_output(&mut reader, None) => exit.await,
                        status = &mut exit => {
                            // Background children may keep the terminal open for ever.
                            while self.send_what_is_there(&mut reader).await {}
                            status
                        }
                    }
                };
                tokio::select! {
                    status = output => status,
                    () = self.receive_input(input, Some(master)) => return false,
                }
            }
            ProgramIo::Pipes { stdin, mut stdout, mut stderr } => {
                let output = async {
                    tokio::join!(
                        self.send_output(&mut stdout, None),
                        self.send_output(&mut stderr, Some(STDERR))
                    );
                    exit.await
                };
                tokio::select! {
                    status = output => status,
                    () = self.receive_input(input, Some(stdin)) => return false,
                }
            }
        };
        self.output.finish(status).await;
        true
    }

    /// Ends only when the channel does.
    async fn receive_input(&self, input: &mut ChannelReadHalf, sink: Option<impl AsyncWrite + Unpin>) {
        let mut sink = sink;
        while let Some(message) = input.wait().await {
            match message {
                ChannelMsg::Data { data } => {
                    if let Some(open) = &mut sink
                        && (!self.path.gate(&self.leave, &data) || open.write_all(&data).await.is_err())
                    {
                        // The program reads no more; what is still sent to it leads nowhere.
                        sink = None;
                    }
                }
                ChannelMsg::Eof => sink = None,
                ChannelMsg::Close => return,
                _ => {}
            }
        }
    }

    async fn send_output(&self, source: &mut (impl AsyncRead + Unpin), extended: Option<u32>) {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            match source.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => return,
                Ok(_) => {}
            }
            if !self.send(buffer.split().freeze(), extended).await {
                return;
            }
        }
    }

    async fn send(&self, bytes: Bytes, extended: Option<u32>) -> bool {
        self.path.tap(&self.leave, &bytes) && self.output.send(bytes, extended).await.is_ok()
    }

    async fn send_what_is_there(&self, terminal: &mut TerminalMaster) -> bool {
        let mut buffer = BytesMut::with_capacity(CHUNK);
        match tokio::time::timeout(TERMINAL_DRAIN, terminal.read_buf(&mut buffer)).await {
            Ok(Ok(count)) if count > 0 => self.send(buffer.freeze(), None).await,
            _ => false,
        }
    }
}

impl Output {
    async fn send(&self, bytes: Bytes, extended: Option<u32>) -> Result<(), russh::Error> {
        match extended {
            None => self.channel.data_bytes(bytes).await,
            Some(kind) => self.channel.extended_data_bytes(kind, bytes).await,
        }
    }

    /// In OpenSSH's order: end of output, how it ended, close.
    async fn finish(&self, status: Option<ExitStatus>) {
        let _ = self.channel.eof().await;
        match status {
            Some(ExitStatus::Code { code }) => {
                let _ = self.channel.exit_status(u32::from(code)).await;
            }
            Some(ExitStatus::Signal { name, core_dumped }) => {
                let (id, signal) = (self.channel.id(), Sig::Custom(name));
                let _ = self
                    .connection
                    .exit_signal_request(id, signal, core_dumped, String::new(), String::new())
                    .await;
            }
            None => {}
        }
        let _ = self.channel.close().await;
    }
}
