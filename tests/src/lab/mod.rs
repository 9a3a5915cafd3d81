//! Several hosts on one machine: network namespaces, the cables between them, and what can go wrong
//! with a cable. Everything has a name of its own, so that tests can run side by side, and is removed
//! when the [`Lab`] is dropped, also by a panic.

mod cable;
mod faults;
pub mod slow_line;

use std::io::Write;
use std::path::Path;
use std::process::Command;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU32, Ordering};

pub use cable::{Cable, Plug};

use crate::programs::Running;
pub use fieldlink_testbed::Namespace;
use fieldlink_testbed::namespace::{files_of, must, try_ip};

/// Namespaces and lines. Declare it before the programs that run in it, so that it outlives them.
pub struct Lab {
    prefix: String,
    namespaces: Vec<Namespace>,
    lines: Vec<Running>,
}

impl Lab {
    /// A laboratory without hosts; `None`, and one line that says so, where there can be none.
    pub fn new() -> Option<Self> {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        static POSSIBLE: LazyLock<bool> = LazyLock::new(prepare);
        if !*POSSIBLE {
            return None;
        }
        let prefix = format!("fl{}x{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        Some(Self { prefix, namespaces: Vec::new(), lines: Vec::new() })
    }

    /// A host without cables. Its loopback is up.
    pub fn host(&mut self, role: &str) -> Namespace {
        let namespace = Namespace::create(format!("{}-{role}", self.prefix));
        self.namespaces.push(namespace.clone());
        namespace
    }

    /// A cable between two hosts.
    pub fn cable(&self, one: Plug<'_>, other: Plug<'_>) -> Cable {
        Cable::lay(one, other)
    }

    /// A line between two hosts that holds every packet for `delay`, each way, and loses `loss` in a
    /// hundred of them.
    pub fn slow_line(&mut self, one: Plug<'_>, other: Plug<'_>, delay: std::time::Duration, loss: u32) {
        self.lines.push(slow_line::start(&self.prefix, self.lines.len(), [one, other], delay, loss));
    }
}

impl Drop for Lab {
    fn drop(&mut self) {
        self.lines.clear();
        for namespace in &self.namespaces {
            namespace.remove();
        }
    }
}

/// Once for all tests of a program: says whether there can be a laboratory, and tidies up.
fn prepare() -> bool {
    match missing() {
        Some(missing) => {
            // Not eprintln: the test harness hides that of a test that passes.
            let _ = writeln!(std::io::stderr(), "skipped  tests with several hosts: {missing}");
            false
        }
        None => {
            remove_left_behind();
            true
        }
    }
}

/// The one place that decides whether these tests can run.
fn missing() -> Option<&'static str> {
    if !nix::unistd::geteuid().is_root() {
        return Some("they need root (sudo), for network namespaces");
    }
    let tools = ["ip", "nft", "tc"];
    let is_there = |tool: &&str| Command::new(tool).arg("-V").output().is_ok();
    if !tools.iter().all(is_there) {
        return Some("they need ip, tc and nft (tests/setup installs them)");
    }
    let probe = format!("fl{}x-probe", std::process::id());
    let is_possible = try_ip(&["netns", "add", &probe]) | try_ip(&["netns", "del", &probe]);
    (!is_possible).then_some("network namespaces cannot be made here")
}

/// What a killed test could not remove any more.
fn remove_left_behind() {
    let Ok(entries) = std::fs::read_dir("/run/netns") else { return };
    for name in entries.flatten().filter_map(|entry| entry.file_name().into_string().ok()) {
        let owner = name.strip_prefix("fl").and_then(|rest| rest.split_once('x')).map(|(pid, _)| pid);
        let is_pid = |pid: &&str| !pid.is_empty() && pid.bytes().all(|digit| digit.is_ascii_digit());
        if owner.filter(is_pid).is_some_and(|pid| !Path::new("/proc").join(pid).exists()) {
            try_ip(&["netns", "del", &name]);
            let _ = std::fs::remove_dir_all(files_of(&name));
        }
    }
}
