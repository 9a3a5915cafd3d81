//! How much memory a process takes.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use nix::unistd::Pid;

/// How often a process is looked at.
const SAMPLED: Duration = Duration::from_millis(20);

/// What a file of `/proc` says of a process, in KiB.
pub fn kib(pid: Pid, file: &str, field: &str) -> u64 {
    let text = std::fs::read_to_string(format!("/proc/{pid}/{file}")).expect("it runs");
    let line = text.lines().find(|line| line.starts_with(field)).expect("a field");
    line.split_whitespace().nth(1).and_then(|number| number.parse().ok()).expect("a number")
}

/// Its share of memory (PSS), in MiB.
pub fn share(pid: Pid) -> f64 {
    kib(pid, "smaps_rollup", "Pss:") as f64 / 1024.0
}

/// Looks at a process's share of memory until it is asked for the most.
pub struct Peak {
    stop: Sender<()>,
    sampling: JoinHandle<f64>,
}

impl Peak {
    /// Begins to look.
    pub fn of(pid: Pid) -> Self {
        let (stop, stopped) = channel();
        let sampling = thread::spawn(move || {
            let mut most = share(pid);
            while stopped.recv_timeout(SAMPLED) == Err(RecvTimeoutError::Timeout) {
                most = most.max(share(pid));
            }
            most
        });
        Self { stop, sampling }
    }

    /// The most that it was, in MiB.
    pub fn most(self) -> f64 {
        drop(self.stop);
        self.sampling.join().expect("the process runs")
    }
}
