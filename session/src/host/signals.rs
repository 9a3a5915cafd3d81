//! The signals that the session process acts on, and those that it lets pass.

use std::fs;
use std::io::{self, Read};
use std::os::fd::{AsFd, BorrowedFd};
use std::os::unix::net::UnixStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use signal_hook::consts::{FORBIDDEN, SIGCHLD, SIGHUP, SIGINT, SIGPIPE, SIGQUIT, SIGTERM};
use signal_hook::{flag, low_level::pipe};

/// Wakes the loop for SIGCHLD and SIGTERM; everything else that could end us is let pass.
#[derive(Debug)]
pub(super) struct Signals {
    wake: UnixStream,
    end: Arc<AtomicBool>,
}

impl Signals {
    pub(super) fn install() -> io::Result<Self> {
        let (wake, write) = UnixStream::pair()?;
        wake.set_nonblocking(true)?;
        let end = Arc::new(AtomicBool::new(false));
        flag::register(SIGTERM, Arc::clone(&end))?;
        pipe::register(SIGTERM, write.try_clone()?)?;
        pipe::register(SIGCHLD, write)?;
        for signal in [SIGHUP, SIGINT, SIGQUIT, SIGPIPE] {
            let_pass(signal)?;
        }
        // Ignored signals stay ignored across exec, handled ones do not: with handlers, programs
        // start with defaults whatever the agent was started under (nohup, systemd).
        for signal in inherited_ignored() {
            // The C library keeps some for itself; those no program can handle anyway.
            let _ = let_pass(signal);
        }
        Ok(Self { wake, end })
    }

    /// Whether SIGTERM has arrived.
    pub(super) fn asked_to_end(&self) -> bool {
        self.end.load(Ordering::Relaxed)
    }

    /// Empties the pipe that woke the loop.
    pub(super) fn drain(&mut self) {
        let mut bytes = [0; 64];
        while matches!(self.wake.read(&mut bytes), Ok(1..)) {}
    }
}

impl AsFd for Signals {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.wake.as_fd()
    }
}

fn let_pass(signal: i32) -> io::Result<()> {
    let unread = Arc::new(AtomicBool::new(false));
    flag::register(signal, unread).map(drop)
}

fn inherited_ignored() -> Vec<i32> {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    ignored(&status)
}

fn ignored(status: &str) -> Vec<i32> {
    let line = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
    let mask = line.and_then(|mask| u64::from_str_radix(mask.trim(), 16).ok());
    let mask = mask.unwrap_or(0);
    (1..=64)
        .filter(|signal| mask & (1 << (signal - 1)) != 0)
        .filter(|signal| !FORBIDDEN.contains(signal))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_mask_names_signals_from_one() {
        let status = "Name:\tx\nSigBlk:\t0000000000000002\nSigIgn:\t8000000000001001\n";
        assert_eq!(ignored(status), [1, 13, 64]);
        assert!(ignored("").is_empty());
    }
}
