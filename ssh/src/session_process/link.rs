//! The actor that owns the agent's end of the socket.

use std::collections::VecDeque;
use std::os::fd::{AsFd, OwnedFd};
use std::time::Instant;

use fieldlink_session::descendants;
use fieldlink_session::packet::{self, Packet, PacketError};
use fieldlink_session::wire::{self, ConnectTarget, Event, ProgramSignal, Request, RequestId};
use nix::sys::socket::MsgFlags;
use nix::unistd::Pid;
use tokio::io::Interest;
use tokio::io::unix::AsyncFd;
use tokio::sync::{mpsc, watch};
use tokio::time::MissedTickBehavior;
use tokio_util::sync::CancellationToken;

use super::client::{Command, ProgramRequest};
use super::descriptors;
use super::ping_tracker::PingTracker;
use super::reply::{ConnectReply, SessionError, StartReply};
use super::requests::{Misbehaviour, Outcome, Requests};
use super::{SessionLost, WatchLimits};

// Messages that wait for room in the socket; beyond, requests wait in their own bounded queue.
const MAX_OUTGOING: usize = 32;

/// The agent's end of the socket.
pub(super) type Socket = AsyncFd<OwnedFd>;

/// The actor; [`Link::run`] is its task.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) socket: Socket,
    pub(super) pid: Pid,
    pub(super) commands: mpsc::Receiver<Command>,
    pub(super) lost: watch::Sender<Option<SessionLost>>,
    pub(super) ending: CancellationToken,
    pub(super) state: LinkState,
}

/// What the actor knows, apart from where its input comes from.
#[derive(Debug)]
pub(super) struct LinkState {
    limits: WatchLimits,
    ping_tracker: PingTracker,
    requests: Requests,
    outgoing: VecDeque<Vec<u8>>,
    end_sent: bool,
}

enum Input {
    Packet(Result<Packet, PacketError>),
    Tick,
    End,
    Command(Option<Command>),
    Flushed(Result<(), PacketError>),
}

/// The next packet, once there is one.
pub(super) async fn next_packet(socket: &Socket) -> Result<Packet, PacketError> {
    loop {
        let mut guard = ready(socket.readable().await)?;
        match packet::receive(socket.get_ref(), MsgFlags::MSG_DONTWAIT, wire::MAX_EVENT) {
            Err(error) if error.would_block() => guard.clear_ready(),
            other => return other,
        }
    }
}

impl Link {
    /// Serves until the session has ended or is lost; lost, it kills what is left of it.
    pub(super) async fn run(mut self) {
        if let Err(lost) = self.serve().await {
            tracing::warn!(%lost, "session process lost");
            self.lost.send_replace(Some(lost));
            // Callers that wait for an answer hear of it before the killing, which takes a while.
            self.commands.close();
            self.state.requests = Requests::default();
            while self.commands.try_recv().is_ok() {}
            drop(self.socket);
            super::kill_tree().await;
        }
    }

    async fn serve(&mut self) -> Result<(), SessionLost> {
        let mut ticks = tokio::time::interval(self.state.limits.interval);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        loop {
            let state = &mut self.state;
            // Packets come first: after a pause of the whole agent, pongs that lie ready count.
            // They cannot starve the rest, because every valid one answers something we sent.
            let input = tokio::select! {
                biased;
                packet = next_packet(&self.socket) => Input::Packet(packet),
                _ = ticks.tick() => Input::Tick,
                () = self.ending.cancelled(), if !state.end_sent => Input::End,
                result = flush(&self.socket, &mut state.outgoing), if !state.outgoing.is_empty() => {
                    Input::Flushed(result)
                }
                command = self.commands.recv(), if state.takes_commands() => Input::Command(command),
            };
            match input {
                Input::Packet(packet) if is_end(&packet) => return state.closed(),
                Input::Packet(packet) => state.packet(packet)?,
                Input::Tick => state.tick(self.pid, Instant::now())?,
                Input::End | Input::Command(None) => state.end(),
                Input::Command(Some(command)) => state.command(command),
                Input::Flushed(result) => state.flushed(result)?,
            }
        }
    }
}

impl LinkState {
    pub(super) fn new(limits: WatchLimits) -> Self {
        Self {
            limits,
            ping_tracker: PingTracker::new(limits.silence),
            requests: Requests::default(),
            outgoing: VecDeque::new(),
            end_sent: false,
        }
    }

    fn takes_commands(&self) -> bool {
        !self.end_sent && self.outgoing.len() < MAX_OUTGOING
    }

    fn packet(&mut self, packet: Result<Packet, PacketError>) -> Result<(), SessionLost> {
        let outcome = packet.map_err(misbehaviour).and_then(|packet| self.event(packet));
        match outcome {
            Ok(Outcome::Unwanted(id)) => self.signal(id, ProgramSignal::Kill),
            Ok(Outcome::Done) => {}
            Err(Misbehaviour(what)) => return Err(SessionLost::Misbehaved(what)),
        }
        Ok(())
    }

    fn event(&mut self, packet: Packet) -> Result<Outcome, Misbehaviour> {
        let Packet { bytes, descriptors } = packet;
        let event = match wire::decode(&bytes) {
            Ok(event) => event,
            Err(error) => {
                packet::discard(descriptors);
                return Err(misbehaviour(error));
            }
        };
        match event {
            Event::Started { id, pid } => return self.requests.started(id, pid, descriptors),
            Event::Connected { id } => return self.requests.connected(id, descriptors),
            _ => descriptors::none(descriptors).map_err(misbehaviour)?,
        }
        match event {
            Event::Failed { id, reason, message } => self.requests.failed(id, reason, &message),
            Event::Exited { id, status } => self.requests.exited(id, status),
            Event::Pong { sequence } if self.ping_tracker.pong(sequence) => Ok(Outcome::Done),
            Event::Pong { .. } => Err(misbehaviour("pong without a ping")),
            _ => Err(misbehaviour("second ready message")),
        }
    }

    fn tick(&mut self, pid: Pid, now: Instant) -> Result<(), SessionLost> {
        if self.end_sent {
            return Ok(());
        }
        match descendants::stat(pid).map(|stat| stat.state) {
            Some('T' | 't') => return Err(SessionLost::Stopped),
            None | Some('Z' | 'X') => return Err(SessionLost::Exited),
            Some(_) if self.ping_tracker.is_silent(now) => return Err(SessionLost::Silent),
            Some(_) => {}
        }
        self.requests.expire(now);
        if let Some(sequence) = self.ping_tracker.ping(now) {
            self.send(&Request::Ping { sequence });
        }
        Ok(())
    }

    fn command(&mut self, command: Command) {
        match command {
            Command::Start(_, reply) if self.requests.is_full() => {
                drop(reply.send(Err(SessionError::Busy)));
            }
            Command::Connect(_, reply) if self.requests.is_full() => {
                drop(reply.send(Err(SessionError::Busy)));
            }
            Command::Start(request, reply) => self.start(request, reply),
            Command::Connect(target, reply) => self.connect(target, reply),
            Command::Signal(id, name) => self.signal(id, name),
        }
    }

    fn start(&mut self, request: ProgramRequest, reply: StartReply) {
        let deadline = Instant::now() + self.limits.answer;
        let terminal = request.terminal.is_some();
        let id = self.requests.starting(terminal, reply, deadline);
        let request = Request::Start {
            id,
            program: request.program,
            terminal: request.terminal,
            environment: request.environment,
        };
        if !self.send(&request) {
            self.requests.unsent(id, SessionError::TooLong);
        }
    }

    fn connect(&mut self, target: ConnectTarget, reply: ConnectReply) {
        let deadline = Instant::now() + self.limits.answer;
        let id = self.requests.connecting(target.clone(), reply, deadline);
        if !self.send(&Request::Connect { id, target }) {
            self.requests.unsent(id, SessionError::TooLong);
        }
    }

    fn signal(&mut self, id: RequestId, name: ProgramSignal) {
        if self.requests.is_running(id) {
            self.send(&Request::Signal { id, name });
        }
    }

    fn end(&mut self) {
        self.end_sent = true;
        self.outgoing.clear();
        self.send(&Request::End {});
    }

    // False if it does not fit into a message.
    fn send(&mut self, request: &Request) -> bool {
        let packet = wire::encode(request);
        let fits = packet.is_ok();
        self.outgoing.extend(packet);
        fits
    }

    // What could not be delivered shows in the socket's other direction, or in silence.
    fn flushed(&mut self, result: Result<(), PacketError>) -> Result<(), SessionLost> {
        match result {
            Err(_) if self.end_sent => {
                self.outgoing.clear();
                Ok(())
            }
            Err(_) => Err(SessionLost::Exited),
            Ok(()) => Ok(()),
        }
    }

    fn closed(&self) -> Result<(), SessionLost> {
        if self.end_sent {
            return Ok(());
        }
        Err(SessionLost::Exited)
    }
}

// A reset says the same as an orderly close: the other side is gone.
fn is_end(packet: &Result<Packet, PacketError>) -> bool {
    match packet {
        Ok(packet) => packet.bytes.is_empty(),
        Err(error) => matches!(error, PacketError::Socket(_)),
    }
}

// Sends what waits, oldest first. Cancelled between packets, it has lost none.
async fn flush(socket: &Socket, outgoing: &mut VecDeque<Vec<u8>>) -> Result<(), PacketError> {
    while let Some(bytes) = outgoing.front() {
        let mut guard = ready(socket.ready(Interest::WRITABLE).await)?;
        let fd = socket.get_ref().as_fd();
        match packet::send(fd, bytes, &[], MsgFlags::MSG_DONTWAIT) {
            Ok(()) => drop(outgoing.pop_front()),
            Err(error) if error.would_block() => guard.clear_ready(),
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

fn ready<T>(guard: std::io::Result<T>) -> Result<T, PacketError> {
    guard.map_err(|error| {
        let code = error.raw_os_error().unwrap_or(nix::libc::EIO);
        PacketError::Socket(nix::errno::Errno::from_raw(code))
    })
}

fn misbehaviour(what: impl ToString) -> Misbehaviour {
    Misbehaviour(what.to_string())
}
