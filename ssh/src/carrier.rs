//! Carries the bytes of a program between its channel and the process, from the start to the end.

use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fieldlink_protocol::policy::Denied;
use fieldlink_session::wire::{ExitStatus, ProgramSignal, RequestId};
use russh::ChannelMsg;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite};
use tokio::sync::{Notify, mpsc};
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use super::channel::ChannelStatus;
use super::channel_io::{Input, Output};
use super::input::{AFTER_CLOSE, PendingInput, write_to};
use super::lease::ChannelLease;
use super::screen::{Screen, Screened};
use super::sftp::Packets;
use crate::session_process::{Program, ProgramExit, ProgramIo, SessionClient, TerminalMaster};

/// Bytes read from a program at once: what a pipe holds.
const CHUNK: usize = 64 * 1024;
/// More than the kernel keeps between a terminal and its master (12 KiB on Linux): everything that a program
/// wrote before it ended is within the first so many bytes that are read afterwards. What background
/// children write behind it is not waited for.
const TERMINAL_KEEPS: usize = 128 * 1024;
/// Answers to requests that are not passed on, on their way to the client.
const DENIALS: usize = 16;
/// The exit code of a command whose transfer the client does not want.
const CUT: u8 = 126;
/// What its engineer reads.
const UNWANTED: &[u8] =
    b"fieldlink: cut: the client has not agreed that so much data goes over their metered connection\r\n";
/// How long a program that is killed may take to be gone.
const KILLED: Duration = Duration::from_millis(500);
/// How long a terminal stays open after its program was told that it hangs up.
const HANG_UP: Duration = Duration::from_millis(250);

/// What comes from the client, and what of it has not been taken yet.
pub(super) struct Ways {
    pub(super) input: Input,
    pub(super) pending: PendingInput,
    /// Whether the client has said that nothing more comes.
    pub(super) is_ended: bool,
}

impl Ways {
    /// Takes what comes while nothing runs in the channel yet. Returns when the channel is closed. Safe to cancel.
    pub(super) async fn take_early(&mut self) {
        while self.pending.has_room() {
            match self.input.next().await {
                Some(ChannelMsg::Data { data }) if !self.is_ended => self.pending.push(data),
                Some(ChannelMsg::Eof) => self.is_ended = true,
                Some(ChannelMsg::Close) | None => return,
                Some(_) => {}
            }
        }
        std::future::pending().await
    }
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
    /// It carries more than the client wants.
    Unwanted,
}

/// What came from the client and has not been written yet.
struct Waiting {
    pending: PendingInput,
    is_ended: bool,
    screen: Screen,
}

/// How a channel's input came to its end.
enum InputEnd<S> {
    /// The client has closed the channel. What it had ended before and is still to be written, and where to.
    Closed(Option<(PendingInput, S)>),
    /// The same, and the program had all that came before, and has seen the end of it.
    Served,
    /// The connection is gone.
    Cut,
}

pub(super) struct Carrier {
    pub(super) lease: Arc<ChannelLease>,
    pub(super) output: Output,
    pub(super) is_over: Arc<AtomicBool>,
    pub(super) cut: Cut,
}

/// A program whose transfer the client does not want.
#[derive(Default)]
pub(super) struct Cut {
    is_cut: AtomicBool,
    has_ended: Notify,
}

impl Carrier {
    pub(super) async fn run_until(
        self,
        cancel: CancellationToken,
        Ways { mut input, mut pending, is_ended }: Ways,
        mut screen: Screen,
        program: Program,
        client: SessionClient,
    ) {
        let (id, terminal) = (program.id, terminal_of(&program));
        for early in pending.take() {
            screen.push(early, &mut pending);
        }
        let waiting = Waiting { pending, is_ended, screen };
        let carrying = async {
            tokio::select! {
                left = self.carry((&mut input, waiting), program) => left,
                () = self.cut_off(id, &client) => Left::Unwanted,
            }
        };
        let carried = cancel.run_until_cancelled(carrying).await;
        if matches!(carried, Some(Left::ByItself | Left::Behind)) {
            // Unless the program's end was said before.
            self.lease.finish(ChannelStatus::Closed);
        }
        if carried == Some(Left::ByItself) {
            return;
        }
        if carried == Some(Left::Unwanted) {
            let saying = async { tokio::join!(self.say_cut(), input.drain()) };
            cancel.run_until_cancelled(saying).await;
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
    async fn carry(&self, (input, waiting): (&mut Input, Waiting), program: Program) -> Left {
        let (denials, denied) = mpsc::channel(DENIALS);
        let Program { io, exit, .. } = program;
        match io {
            ProgramIo::Terminal(master) => {
                let mut reader = master.clone();
                let output = async { self.finish(self.terminal_output(&mut reader, exit).await).await };
                tokio::select! {
                    () = output => Left::Behind,
                    end = self.receive_input(input, waiting, denials, Some(master)) => match end {
                        InputEnd::Closed(_) | InputEnd::Served => Left::Behind,
                        InputEnd::Cut => Left::Cut,
                    },
                }
            }
            ProgramIo::Pipes { stdin, mut stdout, mut stderr } => {
                let is_open = matches!(waiting.screen, Screen::Open);
                let output = async {
                    let answers = async {
                        match is_open {
                            true => self.send_output(&mut stdout).await,
                            false => self.send_packets(&mut stdout, denied).await,
                        }
                    };
                    tokio::join!(answers, self.send_errors(&mut stderr));
                    self.finish(exit.await).await;
                };
                let end = tokio::select! {
                    () = output => InputEnd::Closed(None),
                    end = self.receive_input(input, waiting, denials, Some(stdin)) => end,
                };
                let (pending, mut stdin) = match end {
                    InputEnd::Closed(Some(rest)) => rest,
                    InputEnd::Closed(None) => return Left::Behind,
                    InputEnd::Served => return Left::ByItself,
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
        if self.cut.is_cut.load(Ordering::Acquire) {
            self.cut.has_ended.notify_one();
            return std::future::pending().await;
        }
        self.is_over.store(true, Ordering::Release);
        self.lease.finish(status.clone().map_or(ChannelStatus::Closed, ChannelStatus::Exit));
        self.output.finish(status).await;
    }

    /// Waits until the client does not want what the channel carries, and kills the program while it still waits for its
    /// input: the end of that would look like the end of a file. Safe to cancel before that.
    async fn cut_off(&self, id: RequestId, client: &SessionClient) {
        self.lease.unwanted().await;
        self.cut.is_cut.store(true, Ordering::Release);
        let _ = client.signal(id, ProgramSignal::Kill).await;
        let _ = timeout(KILLED, self.cut.has_ended.notified()).await;
    }

    async fn say_cut(&self) {
        let _ = self.output.send_error(Bytes::from_static(UNWANTED)).await;
        self.lease.finish(ChannelStatus::Cut);
        self.is_over.store(true, Ordering::Release);
        self.output.finish(Some(ExitStatus::Code { code: CUT })).await;
    }

    /// Ends only when the channel does.
    async fn receive_input<S: AsyncWrite + Unpin>(
        &self,
        input: &mut Input,
        Waiting { mut pending, mut is_ended, mut screen }: Waiting,
        denials: mpsc::Sender<Bytes>,
        mut sink: Option<S>,
    ) -> InputEnd<S> {
        let mut is_served = false;
        loop {
            if is_ended && pending.is_empty() && screen.is_idle() {
                // The program sees the end.
                is_served |= sink.take().is_some();
            }
            tokio::select! {
                message = input.next(), if pending.has_room() && screen.has_room() => match message {
                    Some(ChannelMsg::Data { data }) if sink.is_some() && !is_ended => {
                        screen.push(data, &mut pending);
                    }
                    Some(ChannelMsg::Eof) => is_ended = true,
                    Some(ChannelMsg::Close) if is_served => return InputEnd::Served,
                    Some(ChannelMsg::Close) if is_ended => {
                        return InputEnd::Closed(sink.map(|sink| (pending, sink)));
                    }
                    Some(ChannelMsg::Close) => return InputEnd::Closed(None),
                    None => return InputEnd::Cut,
                    Some(_) => {}
                },
                screened = screen.next(), if pending.has_room() && !screen.is_idle() => match screened {
                    Screened::Pass(request) => pending.push(request),
                    Screened::Deny { reply, told } => self.deny(&denials, reply, told).await,
                    Screened::Broken => (sink, is_ended) = (None, true),
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

    /// As [`Self::send_output`], with the answers of `sftp-server` whole, and between them those to requests that it
    /// never saw.
    async fn send_packets(&self, source: &mut (impl AsyncRead + Unpin), mut denied: mpsc::Receiver<Bytes>) {
        let (mut buffer, mut packets) = (BytesMut::new(), Packets::default());
        loop {
            let answer = tokio::select! {
                biased;
                Some(answer) = denied.recv() => Some(answer),
                is_open = read_some(source, &mut buffer) => match is_open {
                    true => None,
                    false => return,
                },
            };
            packets.push(&buffer.split());
            let next = || packets.next_packet().ok().flatten();
            for answer in answer.into_iter().chain(std::iter::from_fn(next)) {
                if !self.send(answer).await {
                    return;
                }
            }
        }
    }

    /// Answers a request that is not passed on, and says why: SFTP clients show only a code.
    async fn deny(&self, denials: &mpsc::Sender<Bytes>, reply: Option<Bytes>, told: Option<Denied>) {
        if let Some(denied) = told {
            let _ = self.output.send_error(format!("fieldlink: {denied}\r\n").into_bytes().into()).await;
        }
        if let Some(reply) = reply {
            let _ = denials.send(reply).await;
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

/// The terminal that the program runs on, if it is on one.
pub(super) fn terminal_of(program: &Program) -> Option<TerminalMaster> {
    match &program.io {
        ProgramIo::Terminal(master) => Some(master.clone()),
        ProgramIo::Pipes { .. } => None,
    }
}
