//! Starting programs, and waiting for what they print.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::path::PathBuf;
use std::process::{Child, ChildStdin, Command, ExitStatus, Output, Stdio};
use std::sync::mpsc::{Receiver, RecvTimeoutError, channel};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::{Namespace, PATIENCE};

/// How long the last lines of a program that has ended may take to be read.
const LAST_LINES: Duration = Duration::from_secs(2);

/// Where Fieldlink's programs are: those of the caller's own build, unless said otherwise.
#[derive(Debug, Clone, Default)]
pub struct Build(Option<PathBuf>);

impl Build {
    /// Those in `directory`.
    pub fn in_directory(directory: PathBuf) -> Self {
        Self(Some(directory))
    }

    /// The path of one of them.
    pub fn path_of(&self, name: &str) -> PathBuf {
        let path = self.0.as_ref().map_or_else(|| beside_us(name), |directory| directory.join(name));
        assert!(
            path.exists(),
            "{} is missing: build it first (cargo build --workspace --bins)",
            path.display()
        );
        path
    }

    /// One of them as a command, on `host` if there is one, or else here.
    pub fn program_on(&self, host: Option<&Namespace>, name: &str) -> Command {
        let path = self.path_of(name);
        host.map_or_else(|| Command::new(&path), |host| host.command(&path))
    }
}

fn beside_us(name: &str) -> PathBuf {
    let own = std::env::current_exe().expect("this program has a path");
    let beside = own.parent().expect("it is in a directory").join(name);
    if beside.exists() { beside } else { own.ancestors().nth(2).expect("target").join(name) }
}

/// The path of one of Fieldlink's programs, of the same build as the caller.
pub fn path_of(name: &str) -> PathBuf {
    Build::default().path_of(name)
}

/// Takes the tester's own proxies out of `command`'s environment.
pub fn without_proxies(command: &mut Command) -> &mut Command {
    for name in ["https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"] {
        command.env_remove(name);
    }
    command
}

/// A program that runs, with its output line by line. Killed when dropped.
pub struct Running {
    name: String,
    child: Child,
    stdin: Option<ChildStdin>,
    /// Locked only so that the whole can be shared between threads.
    lines: Mutex<Receiver<String>>,
    readers: Vec<JoinHandle<()>>,
    seen: VecDeque<String>,
}

impl Running {
    /// Starts `command` with all three standard streams taken over.
    pub fn start(name: &str, command: &mut Command) -> Self {
        command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap_or_else(|error| panic!("could not start {name}: {error}"));
        let (sender, lines) = channel();
        let streams: [Box<dyn Read + Send>; 2] = [
            Box::new(child.stdout.take().expect("it was taken over")),
            Box::new(child.stderr.take().expect("it was taken over")),
        ];
        let readers = streams.map(|stream| {
            let sender = sender.clone();
            std::thread::spawn(move || {
                let mut reader = BufReader::new(stream);
                let mut line = Vec::new();
                while matches!(reader.read_until(b'\n', &mut line), Ok(count) if count > 0) {
                    let text = String::from_utf8_lossy(&line).trim_end_matches('\n').to_owned();
                    if sender.send(text).is_err() {
                        return;
                    }
                    line.clear();
                }
            })
        });
        let stdin = child.stdin.take();
        Self {
            name: name.to_owned(),
            child,
            stdin,
            lines: Mutex::new(lines),
            readers: readers.into(),
            seen: VecDeque::new(),
        }
    }

    /// Waits for a line that contains `wanted`, and returns it.
    pub fn wait_for(&mut self, wanted: &str) -> String {
        self.wait_for_within(wanted, PATIENCE).unwrap_or_else(|| {
            let transcript = self.transcript();
            panic!("{} never printed {wanted:?}; it printed:\n{transcript}", self.name)
        })
    }

    /// As [`Self::wait_for`], but `None` if it does not come in time or the program ends before.
    pub fn wait_for_within(&mut self, wanted: &str, patience: Duration) -> Option<String> {
        let deadline = Instant::now() + patience;
        loop {
            match self.lines().recv_timeout(deadline.saturating_duration_since(Instant::now())) {
                Ok(line) => {
                    self.seen.push_back(line.clone());
                    if line.contains(wanted) {
                        return Some(line);
                    }
                }
                Err(RecvTimeoutError::Timeout | RecvTimeoutError::Disconnected) => return None,
            }
        }
    }

    /// The next line, if one comes within `patience`.
    pub fn next_line(&mut self, patience: Duration) -> Option<String> {
        let line = self.lines().recv_timeout(patience).ok()?;
        self.seen.push_back(line.clone());
        Some(line)
    }

    fn lines(&mut self) -> &mut Receiver<String> {
        self.lines.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    /// Types `line` and Enter. A program that has already left reads nothing; what it said before is
    /// for the test to judge.
    pub fn type_line(&mut self, line: &str) {
        let stdin = self.stdin.as_mut().expect("standard input is open");
        match writeln!(stdin, "{line}").and_then(|()| stdin.flush()) {
            Err(error) if error.kind() != ErrorKind::BrokenPipe => panic!("could not type: {error}"),
            _ => {}
        }
    }

    /// Closes standard input.
    pub fn close_input(&mut self) {
        self.stdin = None;
    }

    /// Sends a signal.
    pub fn signal(&self, signal: Signal) {
        kill(self.pid(), signal).unwrap_or_else(|error| panic!("could not signal {}: {error}", self.name));
    }

    /// The process ID.
    pub fn pid(&self) -> Pid {
        Pid::from_raw(self.child.id().cast_signed())
    }

    /// Everything printed so far that was read.
    pub fn transcript(&mut self) -> String {
        let lines: Vec<String> = self.lines().try_iter().collect();
        self.seen.extend(lines);
        self.seen.iter().map(|line| format!("  {line}\n")).collect()
    }

    /// Waits for the program to end by itself.
    pub fn wait_for_end(&mut self) -> ExitStatus {
        self.wait_for_end_within(PATIENCE)
    }

    /// As [`Self::wait_for_end`], for longer.
    pub fn wait_for_end_within(&mut self, patience: Duration) -> ExitStatus {
        let deadline = Instant::now() + patience;
        loop {
            match self.child.try_wait().expect("it can be waited for") {
                Some(status) => {
                    self.read_to_the_end();
                    return status;
                }
                None if Instant::now() > deadline => {
                    let transcript = self.transcript();
                    panic!("{} did not end; it printed:\n{transcript}", self.name)
                }
                None => {}
            }
            // There is no portable event for "this child ended" without taking over SIGCHLD.
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    /// What it printed last belongs to the transcript. A grandchild may hold the streams open; what that prints is
    /// not waited for.
    fn read_to_the_end(&mut self) {
        let deadline = Instant::now() + LAST_LINES;
        while self.readers.iter().any(|reader| !reader.is_finished()) && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(1));
        }
        self.readers.retain(|reader| !reader.is_finished());
    }

    /// Whether it has ended.
    pub fn has_ended(&mut self) -> bool {
        matches!(self.child.try_wait(), Ok(Some(_)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Runs `command` to its end with `input`, and collects what it prints.
pub fn run_with_input(command: &mut Command, input: &[u8]) -> Output {
    command.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut child = command.spawn().unwrap_or_else(|error| panic!("could not start {command:?}: {error}"));
    let mut stdin = child.stdin.take().expect("it was taken over");
    let input = input.to_vec();
    let writer = std::thread::spawn(move || {
        // A program that does not read all of it is no error here.
        let _ = stdin.write_all(&input);
    });
    let output = child.wait_with_output().expect("it can be waited for");
    let _ = writer.join();
    output
}

/// Looks again and again, a few milliseconds apart, until `check` holds. The last look begins after `patience`,
/// however long the looks before it took: a busy machine may have time for one only.
pub fn eventually(what: &str, patience: Duration, mut check: impl FnMut() -> bool) {
    let deadline = Instant::now() + patience;
    loop {
        let is_last = Instant::now() >= deadline;
        if check() {
            return;
        }
        assert!(!is_last, "this never came true: {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}
