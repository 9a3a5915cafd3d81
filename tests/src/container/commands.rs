//! Running commands in a container, and looking at what is there.

use std::process::{Command, Output};

use nix::unistd::Pid;

use super::{Container, Person};
use crate::programs::{Running, run_with_input};

const PATH: &str = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin";

/// `words`, after those of `prefix`, in all namespaces of `leader` and in a clean environment.
pub(super) fn command_in(leader: Pid, prefix: &[String], words: &[&str]) -> Command {
    let mut command = Command::new("nsenter");
    command.args(["--all", "--target", &leader.to_string(), "env", "-i", PATH, "LC_ALL=C.UTF-8"]);
    command.args(prefix).args(words);
    command
}

impl Container {
    /// A command in the container, in a clean environment. It is killed when the process that is started
    /// here is.
    pub fn command(&self, person: Person<'_>, words: &[&str]) -> Command {
        command_in(self.leader(), &self.become_person(person), words)
    }

    /// The same for a line of shell.
    pub fn shell_command(&self, person: Person<'_>, line: &str) -> Command {
        self.command(person, &["bash", "-c", line])
    }

    /// Runs a command as root; it must succeed. Returns what it printed.
    pub fn run(&self, words: &[&str]) -> String {
        self.run_as(Person::Root, words)
    }

    /// Runs a line of shell as root; it must succeed.
    pub fn shell(&self, line: &str) -> String {
        self.run(&["bash", "-c", line])
    }

    /// Runs a command as `person`; it must succeed. Returns what it printed.
    pub fn run_as(&self, person: Person<'_>, words: &[&str]) -> String {
        let output = self.output_as(person, words);
        assert!(
            output.status.success(),
            "{words:?}: {}\n{}{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr),
            self.who_is_there(person)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Sessions and control groups as logind sees them, and the journal: for the failure of a command as `person`.
    fn who_is_there(&self, person: Person<'_>) -> String {
        const ASK: &str = "grep -r . /run/systemd/sessions /run/systemd/seats; find /sys/fs/cgroup -name '*.scope'; \
            journalctl --no-pager --lines=100 --output=short-precise";
        match person {
            Person::Root => String::new(),
            _ => {
                let output = self.output_as(Person::Root, &["bash", "-c", ASK]);
                format!("\n{}", String::from_utf8_lossy(&output.stdout))
            }
        }
    }

    /// Runs a command that may fail.
    pub fn output_as(&self, person: Person<'_>, words: &[&str]) -> Output {
        run_with_input(&mut self.command(person, words), b"")
    }

    /// Starts a command and leaves it running.
    pub fn start_as(&self, person: Person<'_>, words: &[&str]) -> Running {
        Running::start(words[0], &mut self.command(person, words))
    }

    /// Writes a file that root owns and every account may read (mode 644).
    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let mut command = self.command(Person::Root, &["install", "-D", "-m", "644", "/dev/stdin", path]);
        let output = run_with_input(&mut command, content.as_ref());
        assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Reads a file as root.
    pub fn read(&self, path: &str) -> String {
        self.run(&["cat", path])
    }

    /// Whether there is a file at `path`.
    pub fn has(&self, path: &str) -> bool {
        self.output_as(Person::Root, &["test", "-e", path]).status.success()
    }

    /// A property of a unit.
    pub fn property(&self, unit: &str, name: &str) -> String {
        self.run(&["systemctl", "show", "--value", "--property", name, unit]).trim().to_owned()
    }

    /// The main process of a service, as the container counts; none if it does not run.
    pub fn main_pid(&self, unit: &str) -> Option<u32> {
        self.property(unit, "MainPID").parse().ok().filter(|pid| *pid != 0)
    }

    /// Sends a signal to a process of the container.
    pub fn signal(&self, signal: &str, pid: u32) {
        self.run(&["bash", "-c", &format!("kill -{signal} {pid}")]);
    }

    /// The processes of an account, one a line: process ID and command line.
    pub fn processes_of(&self, user: &str) -> String {
        let output = self.output_as(Person::Root, &["ps", "-o", "pid=,stat=,args=", "-u", user]);
        String::from_utf8_lossy(&output.stdout).into_owned()
    }
}
