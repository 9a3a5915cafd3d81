//! Network namespaces that are gone with the test.

use std::ffi::OsStr;
use std::fs::File;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

use nix::sched::{CloneFlags, setns};

/// Part of the names, so that two labs of one process do not meet.
static COUNT: AtomicU32 = AtomicU32::new(0);

/// A network namespace. Removed when dropped; whatever runs in it must be gone by then.
pub struct Namespace {
    name: String,
}

impl Namespace {
    /// A new one.
    pub fn create(role: &str) -> Self {
        let count = COUNT.fetch_add(1, Ordering::Relaxed);
        let namespace = Self { name: format!("fieldlink-{}-{count}-{role}", std::process::id()) };
        run(Command::new("ip").args(["netns", "add", namespace.name()]));
        namespace
    }

    /// Its name for `ip`.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A program in it; the process is the program's own, so that signals reach it.
    pub fn command(&self, program: impl AsRef<OsStr>) -> Command {
        let mut command = Command::new("ip");
        command.args(["netns", "exec", self.name()]).arg(program);
        command
    }

    /// Runs a program in it that must succeed.
    pub fn run(&self, program: &str, arguments: &[&str]) {
        run(self.command(program).args(arguments));
    }

    /// Runs `ip` in it.
    pub fn ip(&self, arguments: &[&str]) {
        run(Command::new("ip").args(["-n", self.name()]).args(arguments));
    }

    /// Does something in it: sockets that are opened there stay there.
    pub fn within<T: Send>(&self, work: impl FnOnce() -> T + Send) -> T {
        let namespace = File::open(format!("/run/netns/{}", self.name)).expect("it exists");
        std::thread::scope(|scope| {
            let inside = scope.spawn(move || {
                // Counts for this thread only, which ends here.
                setns(namespace, CloneFlags::CLONE_NEWNET).expect("root may enter it");
                work()
            });
            inside.join().expect("no panic")
        })
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        let _ = Command::new("ip").args(["netns", "delete", self.name()]).status();
    }
}

fn run(command: &mut Command) {
    let output = command.output().expect("it runs");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
}
