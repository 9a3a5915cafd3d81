//! Signals, both ways, and what the kernel does with this process.

use std::os::unix::process::CommandExt;
use std::os::unix::process::ExitStatusExt;
use std::process::{Command, ExitStatus};

use nix::sys::resource::{Resource, setrlimit};
use nix::sys::signal::{SigSet, Signal as Number, kill, raise};
use nix::unistd::Pid;
use tokio::signal::unix::{Signal as Stream, SignalKind, signal};

use crate::platform::Signal;

/// The signals that stop this program. While it exists they do nothing by themselves.
pub(crate) struct Signals {
    interrupt: Stream,
    terminate: Stream,
    /// Not under `nohup`, which wants the program to go on.
    hang_up: Option<Stream>,
}

impl Signals {
    /// Takes the signals over.
    pub(crate) fn new() -> std::io::Result<Self> {
        Ok(Self {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hang_up: if is_ignored(Number::SIGHUP) { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    /// Waits for the next one. Safe to cancel.
    pub(crate) async fn next(&mut self) -> Signal {
        tokio::select! {
            Some(()) = self.terminate.recv() => Signal::Terminate,
            Some(()) = next(&mut self.hang_up) => Signal::HangUp,
            Some(()) = self.interrupt.recv() => Signal::Interrupt,
            else => std::future::pending().await,
        }
    }
}

async fn next(stream: &mut Option<Stream>) -> Option<()> {
    match stream {
        Some(stream) => stream.recv().await,
        None => None,
    }
}

/// Whether the program that started this one had it ignore a signal. Where that cannot be read, it does not.
fn is_ignored(number: Number) -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok()).unwrap_or_default();
    mask >> (number as i32 - 1) & 1 == 1
}

/// Sends `signal` to the process `pid`, a child of ours that was not waited for yet.
pub(crate) fn send_signal(pid: u32, signal: Signal) {
    let number = match signal {
        Signal::Interrupt => Number::SIGINT,
        Signal::Terminate => Number::SIGTERM,
        Signal::HangUp => Number::SIGHUP,
    };
    kill_child(pid, number);
}

fn kill_child(pid: u32, number: Number) {
    if let Ok(pid) = i32::try_from(pid) {
        let _ = kill(Pid::from_raw(pid), number);
    }
}

/// Tells when something has happened to a child.
pub(crate) struct ChildChanges(Stream);

impl ChildChanges {
    /// Begins to watch.
    pub(crate) fn new() -> std::io::Result<Self> {
        signal(SignalKind::child()).map(Self)
    }

    /// Waits for the next change. Safe to cancel.
    pub(crate) async fn next(&mut self) {
        if self.0.recv().await.is_none() {
            std::future::pending().await
        }
    }
}

/// If the child `pid` is stopped, stops this program as well, as job control would; returns when both go on.
/// Where no shell could have them go on (the process group is an orphan), the kernel stops nothing.
pub(crate) fn stop_with(pid: u32) {
    if is_stopped(pid) {
        // To this very thread, so that it stands still before the next line.
        let _ = raise(Number::SIGTSTP);
        kill_child(pid, Number::SIGCONT);
    }
}

#[cfg(any(target_os = "linux", target_os = "android"))]
fn is_stopped(pid: u32) -> bool {
    use nix::sys::wait::{Id, WaitPidFlag, WaitStatus, waitid};
    let Ok(pid) = i32::try_from(pid) else { return false };
    let flags = WaitPidFlag::WSTOPPED | WaitPidFlag::WNOHANG;
    matches!(waitid(Id::Pid(Pid::from_raw(pid)), flags), Ok(WaitStatus::Stopped(..)))
}

/// Elsewhere a stop cannot be told without also taking the end.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
fn is_stopped(_: u32) -> bool {
    false
}

/// Has `command` run in a process group of its own, which the terminal's keys do not reach.
pub(crate) fn in_own_group(command: &mut Command) {
    command.process_group(0);
}

/// Keeps job control from stopping this program: it is in the background, and may write to the terminal. A
/// parent that is killed takes it along, as if the two were one.
pub(crate) fn follow_parent() {
    let signals = [Number::SIGTSTP, Number::SIGTTIN, Number::SIGTTOU];
    let _ = signals.into_iter().collect::<SigSet>().thread_block();
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = nix::sys::prctl::set_pdeathsig(Number::SIGKILL);
}

/// Lets go of what this program was started with: its parent, the terminal, whoever reads what it prints, the directory.
pub(crate) fn go_to_background() {
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = nix::sys::prctl::set_pdeathsig(None);
    if let Ok(null) = std::fs::OpenOptions::new().read(true).write(true).open("/dev/null") {
        let _ = nix::unistd::dup2_stdin(&null);
        let _ = nix::unistd::dup2_stdout(&null);
        let _ = nix::unistd::dup2_stderr(&null);
    }
    let _ = nix::unistd::chdir("/");
}

/// Whether a child was killed by a signal that does not come from a person who wants it to stop.
pub(crate) fn was_killed(status: ExitStatus) -> bool {
    let asked = [Number::SIGINT, Number::SIGTERM, Number::SIGHUP, Number::SIGQUIT, Number::SIGPIPE];
    status.signal().is_some_and(|signal| !asked.map(|asked| asked as i32).contains(&signal))
}

/// The exit code of a child: its own, or 128 and the signal that stopped it, as shells count.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    let code = status.code().or_else(|| status.signal().map(|signal| 128 + signal));
    code.and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// A core dump of this program, or another process of the same user that looks into it, could have a PIN or
/// session keys. Where that cannot be forbidden the program still serves.
pub(crate) fn keep_memory_private() {
    let _ = setrlimit(Resource::RLIMIT_CORE, 0, 0);
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = nix::sys::prctl::set_dumpable(false);
}
