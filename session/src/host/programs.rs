//! The programs that run, and how they end.

use std::collections::BTreeMap;
use std::os::unix::process::ExitStatusExt;
use std::process::Child;

use nix::sys::signal::{Signal, kill, killpg};
use nix::sys::wait::{WaitPidFlag, waitpid};
use nix::unistd::{Pid, getpid};

use crate::descendants;
use crate::wire::{Event, ExitStatus, ProgramSignal, RequestId};

/// Every program whose end was not reported to the agent yet.
#[derive(Debug, Default)]
pub(super) struct Programs(BTreeMap<RequestId, Child>);

impl Programs {
    /// Notes a program that was started.
    pub(super) fn insert(&mut self, id: RequestId, child: Child) {
        self.0.insert(id, child);
    }

    /// Whether this program runs.
    pub(super) fn contains(&self, id: RequestId) -> bool {
        self.0.contains_key(&id)
    }

    /// How many run.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Reaps every zombie, and returns how the programs among them ended.
    pub(super) fn reap(&mut self) -> Vec<Event> {
        self.reap_orphans();
        let mut events = Vec::new();
        self.0.retain(|&id, child| match child.try_wait() {
            Ok(None) => true,
            Ok(Some(status)) => {
                let status = exit_status(status);
                events.push(Event::Exited { id, status });
                false
            }
            // Cannot happen: nothing else in this process waits for the child. How it ended is not known then.
            Err(_) => {
                let status = ExitStatus::Code { code: 255 };
                events.push(Event::Exited { id, status });
                false
            }
        });
        events
    }

    /// Signals a program's group. One that has just ended is no error: the news crossed.
    pub(super) fn signal(&self, id: RequestId, signal: ProgramSignal) {
        let Some(child) = self.0.get(&id) else {
            return;
        };
        // The child is not reaped yet, so its number, and its group's, still are its own.
        let leader = process_id(child);
        let _ = match (foreground(leader), signal) {
            // The kernel signals the foreground when the terminal is closed. What a shell runs then to clear
            // up after itself would be killed by a second SIGHUP.
            (Some(_), ProgramSignal::Hup) => kill(leader, Signal::SIGHUP),
            (group, signal) => killpg(group.unwrap_or(leader), number(signal)),
        };
    }

    // By number, because "any child" would take the status of a program before its handle can, and
    // nix cannot name every signal that ends one.
    fn reap_orphans(&self) {
        let known: Vec<Pid> = self.0.values().map(process_id).collect();
        let orphans = descendants::own_children();
        for orphan in orphans.into_iter().filter(|pid| !known.contains(pid)) {
            let _ = waitpid(orphan, Some(WaitPidFlag::WNOHANG));
        }
    }
}

/// The group that runs in the foreground of this program's terminal, if it has one.
fn foreground(leader: Pid) -> Option<Pid> {
    let group = Pid::from_raw(descendants::stat(leader)?.foreground);
    let own = nix::unistd::getpgid(Some(getpid())).ok();
    (group.as_raw() > 1 && Some(group) != own).then_some(group)
}

fn exit_status(status: std::process::ExitStatus) -> ExitStatus {
    match (status.code(), status.signal()) {
        (Some(code), _) => ExitStatus::Code {
            // The kernel keeps eight bits.
            code: (code & 0xff) as u8,
        },
        (None, signal) => {
            ExitStatus::Signal { name: signal_name(signal.unwrap_or(0)), core_dumped: status.core_dumped() }
        }
    }
}

// Names outside RFC 4254 carry an @, as it asks for.
fn signal_name(number: i32) -> String {
    match Signal::try_from(number) {
        Ok(signal) => signal.as_str().trim_start_matches("SIG").to_owned(),
        Err(_) => format!("{number}@linux"),
    }
}

fn number(signal: ProgramSignal) -> Signal {
    match signal {
        ProgramSignal::Abrt => Signal::SIGABRT,
        ProgramSignal::Alrm => Signal::SIGALRM,
        ProgramSignal::Fpe => Signal::SIGFPE,
        ProgramSignal::Hup => Signal::SIGHUP,
        ProgramSignal::Ill => Signal::SIGILL,
        ProgramSignal::Int => Signal::SIGINT,
        ProgramSignal::Kill => Signal::SIGKILL,
        ProgramSignal::Pipe => Signal::SIGPIPE,
        ProgramSignal::Quit => Signal::SIGQUIT,
        ProgramSignal::Segv => Signal::SIGSEGV,
        ProgramSignal::Term => Signal::SIGTERM,
        ProgramSignal::Usr1 => Signal::SIGUSR1,
        ProgramSignal::Usr2 => Signal::SIGUSR2,
    }
}

fn process_id(child: &Child) -> Pid {
    // A process ID always fits: the kernel's limit is 2^22.
    Pid::from_raw(child.id().cast_signed())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn statuses_are_told_apart() {
        let raw = |status| exit_status(std::process::ExitStatus::from_raw(status));
        assert_eq!(raw(255 << 8), ExitStatus::Code { code: 255 });
        let signal = |name: &str, core_dumped| ExitStatus::Signal { name: name.to_owned(), core_dumped };
        assert_eq!(raw(15), signal("TERM", false));
        assert_eq!(raw(6 | 0x80), signal("ABRT", true));
        assert_eq!(raw(35), signal("35@linux", false));
    }
}
