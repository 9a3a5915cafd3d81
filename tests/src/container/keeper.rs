//! The process around a container, and which of the processes below it is the container's first.

use std::ffi::OsString;
use std::fs::File;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::thread::park_timeout;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use super::ContainerOptions;
use crate::Namespace;
use crate::scanner::descendants_of;

/// How long a container may take to boot or to go down on a busy machine.
const BOOT: Duration = Duration::from_secs(90);
/// Between two looks at it.
const PAUSE: Duration = Duration::from_millis(5);

/// Switches its container off, hard, when dropped.
pub(super) struct Keeper {
    directory: TempDir,
    process: Child,
}

impl Keeper {
    /// Boots `root`, which stays as it is, on `host`.
    pub(super) fn start(root: &Path, host: &Namespace, hostname: &str, options: &ContainerOptions) -> Self {
        // Not in /tmp: that may lie in memory.
        let directory = tempfile::tempdir_in("/var/tmp").expect("a temporary directory");
        let console = File::create(directory.path().join("console")).expect("writable");
        let process = Command::new("unshare")
            .args(["--mount", "--propagation", "private", "sh", "-c", include_str!("keeper.sh"), "keeper"])
            .args([host.name(), hostname])
            .arg(lower_directories(root, options.over))
            .arg(directory.path())
            .arg(options.disk.unwrap_or("-"))
            .arg(format!("--network-namespace-path=/run/netns/{}", host.name()))
            .args(["--link-journal=no", "--resolv-conf=off", "--timezone=off", "--boot"])
            .stdin(Stdio::piped())
            .stdout(console.try_clone().expect("a copy"))
            .stderr(console)
            .spawn()
            .expect("unshare is there");
        Self { directory, process }
    }

    /// Kills all that runs in it at once, and starts it again.
    pub(super) fn cut_power(&self) {
        kill(Pid::from_raw(self.process.id().cast_signed()), Signal::SIGUSR1).expect("it runs");
    }

    /// Waits for a first process other than `before`, or says why the container has ended.
    pub(super) fn wait_for_leader(&mut self, before: Option<Pid>) -> Result<Pid, String> {
        let mut leader = None;
        self.wait("have a first process", |keeper| {
            leader = keeper.leader().filter(|leader| Some(*leader) != before);
            leader.is_some()
        })?;
        Ok(leader.expect("just found"))
    }

    /// Looks until `is_up`, or says why it has ended.
    pub(super) fn wait_until_up(&mut self, is_up: impl Fn() -> bool) -> Result<(), String> {
        self.wait("come up", |_| is_up())
    }

    /// Waits until the container, which was told to, is off.
    pub(super) fn wait_until_off(&mut self) {
        let deadline = Instant::now() + BOOT;
        while self.ended().is_none() {
            assert!(Instant::now() < deadline, "the container runs on:\n{}", self.console());
            park_timeout(PAUSE);
        }
    }

    /// Moves what was written to `to`; the container is off.
    pub(super) fn move_disk(&self, to: &Path) {
        let upper = self.directory.path().join("disk/upper");
        let moved = Command::new("mv").arg("--no-target-directory").arg(upper).arg(to).status();
        assert!(moved.is_ok_and(|status| status.success()), "could not move a disk to {}", to.display());
    }

    fn wait(&mut self, what: &str, mut is_done: impl FnMut(&Self) -> bool) -> Result<(), String> {
        let deadline = Instant::now() + BOOT;
        loop {
            // The last look begins after the time is over, however long the one before took.
            let is_last = Instant::now() >= deadline;
            if is_done(self) {
                return Ok(());
            }
            if let Some(status) = self.ended() {
                return Err(format!("it ended with {status}, and said: {}", self.last_words()));
            }
            assert!(!is_last, "the container does not {what}:\n{}", self.console());
            park_timeout(PAUSE);
        }
    }

    fn ended(&mut self) -> Option<ExitStatus> {
        self.process.try_wait().expect("it can be waited for")
    }

    /// What stands on the console.
    fn console(&self) -> String {
        let bytes = std::fs::read(self.directory.path().join("console")).unwrap_or_default();
        String::from_utf8_lossy(&bytes).into_owned()
    }

    /// What stands there at last.
    fn last_words(&self) -> String {
        let console = self.console();
        let lines: Vec<_> = console.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
        lines[lines.len().saturating_sub(3)..].join(" / ")
    }

    fn leader(&self) -> Option<Pid> {
        let leader = descendants_of(self.process.id()).into_iter().find(|pid| is_first(*pid))?;
        Some(Pid::from_raw(leader.cast_signed()))
    }
}

/// What the disk lies over, the uppermost first, as overlayfs reads it.
fn lower_directories(root: &Path, over: Option<&Path>) -> OsString {
    let mut directories = OsString::new();
    if let Some(directory) = over {
        directories.push(directory);
        directories.push(":");
    }
    directories.push(root);
    directories
}

/// Whether a process is the first one of process IDs of its own.
fn is_first(pid: u32) -> bool {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
    let own = status.lines().find_map(|line| line.strip_prefix("NSpid:"));
    own.is_some_and(|ids| ids.split_whitespace().count() > 1 && ids.ends_with("\t1"))
}

impl Drop for Keeper {
    fn drop(&mut self) {
        // It ends when its input does.
        drop(self.process.stdin.take());
        let _ = self.process.wait();
    }
}
