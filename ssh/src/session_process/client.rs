//! Asking the session process for programs and forwards.

use std::sync::Arc;

use fieldlink_session::wire::{
    ConnectTarget, FailReason, ProgramKind, ProgramSignal, RequestId, TerminalRequest, Welcome,
};
use tokio::sync::{mpsc, oneshot, watch};

use super::SessionLost;
use super::program_io::{ForwardStream, ProgramIo};
use super::reply::{ConnectReply, ProgramExit, SessionError, StartReply, Started};

/// Asks a session process for programs and forwards; clones ask the same one.
#[derive(Debug, Clone)]
pub struct SessionClient {
    commands: mpsc::Sender<Command>,
    lost: watch::Receiver<Option<SessionLost>>,
    welcome: Arc<Welcome>,
}

/// A program to start, with its terminal and variables.
#[derive(Debug, Clone)]
pub struct ProgramRequest {
    /// Shell, command or sftp.
    pub program: ProgramKind,
    /// The terminal it gets; pipes without one.
    pub terminal: Option<TerminalRequest>,
    /// Variables that the engineer sent.
    pub environment: Vec<(String, String)>,
}

/// A program that runs.
#[derive(Debug)]
pub struct Program {
    /// Names it towards [`SessionClient::signal`].
    pub id: RequestId,
    /// Its process ID as the session process says: for display, never to be signalled.
    pub pid: u32,
    /// Its input and output.
    pub io: ProgramIo,
    /// How it will have ended.
    pub exit: ProgramExit,
}

#[derive(Debug)]
pub(super) enum Command {
    Start(ProgramRequest, StartReply),
    Connect(ConnectTarget, ConnectReply),
    Signal(RequestId, ProgramSignal),
}

impl SessionClient {
    pub(super) fn new(
        commands: mpsc::Sender<Command>,
        lost: watch::Receiver<Option<SessionLost>>,
        welcome: Welcome,
    ) -> Self {
        let welcome = Arc::new(welcome);
        Self { commands, lost, welcome }
    }

    /// The account that the session process runs as, and its host, as it says itself: clean them before display.
    pub fn welcome(&self) -> &Welcome {
        &self.welcome
    }

    /// Starts a program. If the returned future is dropped, the program is killed once it runs.
    pub async fn start_program(&self, request: ProgramRequest) -> Result<Program, SessionError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Start(request, reply)).await?;
        let Started { id, pid, io, exit } = answer.await.unwrap_or_else(|_| Err(self.why_gone()))?;
        Ok(Program { id, pid, io: ProgramIo::new(io).map_err(unusable)?, exit })
    }

    /// Has the session process connect a forward.
    pub async fn connect(&self, target: ConnectTarget) -> Result<ForwardStream, SessionError> {
        let (reply, answer) = oneshot::channel();
        self.ask(Command::Connect(target.clone(), reply)).await?;
        let socket = answer.await.unwrap_or_else(|_| Err(self.why_gone()))?;
        ForwardStream::new(socket, &target).map_err(unusable)
    }

    /// Signals a program's process group, or the foreground group of its terminal.
    ///
    /// A program that has ended meanwhile is no error.
    pub async fn signal(&self, id: RequestId, signal: ProgramSignal) -> Result<(), SessionError> {
        self.ask(Command::Signal(id, signal)).await
    }

    /// Why the session was lost, if it was.
    pub fn lost(&self) -> Option<SessionLost> {
        self.lost.borrow().clone()
    }

    async fn ask(&self, command: Command) -> Result<(), SessionError> {
        let sent = self.commands.send(command).await;
        sent.map_err(|_| self.why_gone())
    }

    fn why_gone(&self) -> SessionError {
        self.lost().map_or(SessionError::Ended, SessionError::Lost)
    }
}

fn unusable(error: std::io::Error) -> SessionError {
    SessionError::Refused { reason: FailReason::Other, message: format!("unusable descriptor: {error}") }
}
