//! Running an operation: from the agent's request, or after a restart, to the end of the maker's program.

#[cfg(test)]
mod tests;

use std::io::{self, Write};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, bail, ensure};
use fieldlink_protocol::messages::operation::{OperationEnd, is_operation_name};
use fieldlink_session::packet;
use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
use nix::sys::socket::{MsgFlags, getsockopt, setsockopt, sockopt};
use nix::sys::time::TimeVal;
use nix::unistd::{Uid, User};
use tokio::io::AsyncReadExt;
use tokio::net::unix::pipe;
use tokio::process::{Child, Command};
use tokio::signal::unix::{SignalKind, signal};
use tokio::time::{MissedTickBehavior, interval, timeout};

use crate::output::{Line, Lines};
use crate::record::{Record, Recorder, Stage, boot_id};
use crate::request::{LONGEST, Reply, Request, VERSION, sealed_file};

/// The account of the agent.
const AGENT: &str = "fieldlink";
/// How long the agent's request may take.
const REQUEST_PATIENCE: i64 = 10;
/// How often the record is written at most while lines come.
const WRITTEN_EVERY: Duration = Duration::from_millis(250);
/// How long output is still read once the program has ended: what it has left running may keep the pipe open.
const AFTER_END: Duration = Duration::from_secs(1);
/// What a shell says of a program that it cannot start.
const CANNOT_START: u8 = 127;
/// What is said of a request that nobody waits for any more.
const TOO_LATE: &str = "the agent has given up on this request, which came too late: nothing was started";
/// Bytes that are read at once.
const CHUNK: usize = 16 * 1024;

/// What to run, and where the record is.
#[derive(Debug)]
pub struct Operation {
    /// Its name, as `agent.toml` has it.
    pub name: String,
    /// The maker's program and its arguments.
    pub command: Vec<std::ffi::OsString>,
    /// The directory of the record.
    pub records: PathBuf,
}

/// How it went.
#[derive(Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It ran, and this came of it.
    Ran(Stage),
    /// It was not started, and the agent was told why.
    NotStarted,
    /// Nothing is to be gone on with.
    Nothing,
}

impl Operation {
    /// Takes the request from `socket`, and runs the program once it is on the record.
    pub async fn serve(&self, socket: &OwnedFd) -> anyhow::Result<Outcome> {
        let (recorder, record, file) = match self.accept(socket) {
            Ok(Some(accepted)) => accepted,
            Ok(None) => {
                answer(socket, &Reply::Busy {})?;
                return Ok(Outcome::NotStarted);
            }
            Err(error) => {
                let why = format!("{error:#}");
                // The agent may be gone.
                let _ = answer(socket, &Reply::Refused { why });
                return Err(error);
            }
        };
        if answer(socket, &Reply::Started {}).is_err() {
            // The agent has given up, and told everybody that it was not started.
            let mut work = Work { recorder, record, lines: Lines::default(), continues: false };
            work.take(vec![Line::Text(TOO_LATE.to_owned())]);
            work.end(OperationEnd::Failed { code: CANNOT_START })
                .with_context(|| self.of_records("write"))?;
            bail!(TOO_LATE);
        }
        self.run(recorder, record, file).await.map(Outcome::Ran)
    }

    /// Goes on with the operation that wanted to, once the device has restarted.
    pub async fn go_on(&self) -> anyhow::Result<Outcome> {
        let recorder = Recorder::take(&self.records).with_context(|| self.of_records("lock"))?;
        let mut recorder = recorder.context("could not go on with the operation: another one runs")?;
        let record = recorder.go_on().with_context(|| self.of_records("read"))?;
        let is_due =
            |record: &Record| record.operation == self.name && record.stage == Stage::AfterRestart {};
        let Some(record) = record.filter(is_due) else { return Ok(Outcome::Nothing) };
        let record =
            Record { boot: boot_id()?, restart: false, percent: None, stage: Stage::Running {}, ..record };
        recorder.write(&record, true).with_context(|| self.of_records("write"))?;
        self.run(recorder, record, None).await.map(Outcome::Ran)
    }

    fn of_records(&self, what: &str) -> String {
        format!("could not {what} the record of operations in {}", self.records.display())
    }

    /// None: another operation runs.
    fn accept(&self, socket: &OwnedFd) -> anyhow::Result<Option<(Recorder, Record, Option<std::fs::File>)>> {
        check_peer(socket)?;
        setsockopt(socket, sockopt::ReceiveTimeout, &TimeVal::new(REQUEST_PATIENCE, 0))?;
        let packet =
            packet::receive(socket, MsgFlags::empty(), LONGEST).context("could not read the request")?;
        let request: Request =
            serde_json::from_slice(&packet.bytes).context("could not understand the request")?;
        ensure!(request.version == VERSION, "the request is of version {}, not {VERSION}", request.version);
        ensure!(
            request.operation == self.name && is_operation_name(&self.name),
            "this unit does the operation {:?}, not {:?} (agent.toml names another unit, or the unit another operation)",
            self.name,
            request.operation
        );
        ensure!(
            packet.descriptors.len() == usize::from(request.file),
            "the request came with {} files",
            packet.descriptors.len()
        );
        let file = packet.descriptors.first().map(sealed_file).transpose()?;
        ensure!(!has_hung_up(socket), TOO_LATE);
        let recorder = Recorder::take(&self.records).with_context(|| self.of_records("lock"))?;
        let Some(mut recorder) = recorder else { return Ok(None) };
        let record = Record {
            id: request.id,
            operation: request.operation,
            session: request.session,
            engineer: request.engineer,
            started: SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_secs()),
            boot: boot_id()?,
            percent: None,
            restart: false,
            stage: Stage::Running {},
        };
        recorder.begin(&record).with_context(|| self.of_records("write"))?;
        Ok(Some((recorder, record, file)))
    }

    /// Runs the program to its end, whatever becomes of the agent. Being told to stop is not passed on: systemd tells the
    /// program itself, and how that ends is to be on the record.
    async fn run(
        &self,
        recorder: Recorder,
        record: Record,
        file: Option<std::fs::File>,
    ) -> anyhow::Result<Stage> {
        let _told_to_stop = signal(SignalKind::terminate()).context("could not listen to signals")?;
        let mut work = Work { recorder, record, lines: Lines::default(), continues: false };
        let end = match self.spawn(&work.record, file) {
            Ok((child, source)) => work.follow(child, source).await?,
            Err(error) => {
                work.take(vec![Line::Text(format!("{error:#}"))]);
                OperationEnd::Failed { code: CANNOT_START }
            }
        };
        work.end(end).with_context(|| self.of_records("write"))
    }

    fn spawn(&self, record: &Record, file: Option<std::fs::File>) -> anyhow::Result<(Child, pipe::Receiver)> {
        let (program, arguments) = self.command.split_first().context("no program is named")?;
        let (source, sink) = io::pipe()?;
        let mut command = Command::new(program);
        command
            .args(arguments)
            .env("FIELDLINK_OPERATION", &self.name)
            .env("FIELDLINK_SESSION", record.session.to_string())
            .env("FIELDLINK_HAS_FILE", if file.is_some() { "1" } else { "0" })
            .stdin(file.map_or_else(Stdio::null, Stdio::from))
            .stdout(sink.try_clone()?)
            .stderr(sink);
        let child =
            command.spawn().with_context(|| format!("could not start {}", Path::new(program).display()))?;
        // The command still holds the pipe's other end.
        drop(command);
        Ok((child, pipe::Receiver::from_owned_fd(source.into())?))
    }
}

/// A program at work, and its record.
struct Work {
    recorder: Recorder,
    record: Record,
    lines: Lines,
    /// Whether a unit goes on with it after a restart.
    continues: bool,
}

impl Work {
    /// Keeps the record until the program has ended.
    async fn follow(&mut self, mut child: Child, mut source: pipe::Receiver) -> anyhow::Result<OperationEnd> {
        let mut buffer = vec![0; CHUNK];
        let mut ticks = interval(WRITTEN_EVERY);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut written, mut is_open) = (self.record.clone(), true);
        let status = loop {
            tokio::select! {
                read = source.read(&mut buffer), if is_open => match read {
                    Ok(count) if count > 0 => self.read(&buffer[..count]),
                    _ => is_open = false,
                },
                status = child.wait() => break status.context("could not wait for the program")?,
                _ = ticks.tick() => if written != self.record {
                    // A record that cannot be written must not stop what is under way.
                    let _ = self.recorder.write(&self.record, false);
                    written = self.record.clone();
                },
            }
        };
        let rest = async {
            while let Ok(count) = source.read(&mut buffer).await
                && count > 0
            {
                self.read(&buffer[..count]);
            }
        };
        let _ = timeout(AFTER_END, rest).await;
        let last = self.lines.end();
        self.take(last.into_iter().collect());
        Ok(end_of(status))
    }

    fn read(&mut self, bytes: &[u8]) {
        let lines = self.lines.push(bytes);
        self.take(lines);
    }

    /// What the lines say goes on the record.
    fn take(&mut self, lines: Vec<Line>) {
        for line in lines {
            match line {
                Line::Text(text) => {
                    // Neither a full disk nor a journal that is gone must stop what is under way.
                    let _ = self.recorder.print(&text);
                    let _ = writeln!(io::stderr(), "{text}");
                }
                Line::Progress(percent) => self.record.percent = Some(percent),
                Line::Restart => self.record.restart = true,
                Line::Continues => self.continues = true,
            }
        }
    }

    fn end(mut self, end: OperationEnd) -> io::Result<Stage> {
        self.record.stage = match end {
            OperationEnd::Succeeded {} if self.continues => Stage::AfterRestart {},
            end => Stage::Over { end },
        };
        self.recorder.write(&self.record, true)?;
        Ok(self.record.stage)
    }
}

fn end_of(status: std::process::ExitStatus) -> OperationEnd {
    use std::os::unix::process::ExitStatusExt;
    match (status.code(), status.signal()) {
        (Some(0), _) => OperationEnd::Succeeded {},
        (Some(code), _) => OperationEnd::Failed { code: u8::try_from(code).unwrap_or(u8::MAX) },
        (None, signal) => {
            OperationEnd::Killed { signal: signal.and_then(|it| u8::try_from(it).ok()).unwrap_or(0) }
        }
    }
}

fn answer(socket: &OwnedFd, reply: &Reply) -> anyhow::Result<()> {
    let reply = serde_json::to_vec(reply)?;
    packet::send(socket.as_fd(), &reply, &[], MsgFlags::empty()).context("could not answer the agent")
}

/// Whether the agent does not wait for an answer any more.
fn has_hung_up(socket: &OwnedFd) -> bool {
    let mut polled = [PollFd::new(socket.as_fd(), PollFlags::empty())];
    let _ = poll(&mut polled, PollTimeout::ZERO);
    polled[0].revents().is_some_and(|events| events.contains(PollFlags::POLLHUP))
}

/// A socket whose unit was written without its `SocketUser=` and `SocketMode=` is no way in.
fn check_peer(socket: &OwnedFd) -> anyhow::Result<()> {
    let peer = getsockopt(socket, sockopt::PeerCredentials).with_context(|| {
        format!("descriptor {} is no socket that a peer has connected to", socket.as_raw_fd())
    })?;
    let peer = Uid::from_raw(peer.uid());
    let is_agent = || User::from_name(AGENT).ok().flatten().is_some_and(|user| user.uid == peer);
    ensure!(
        peer.is_root() || peer == Uid::effective() || is_agent(),
        "the request is from the account {peer}, not from {AGENT} (does the socket's unit have SocketUser={AGENT} and \
         SocketMode=0600?)"
    );
    Ok(())
}
