//! A program in a terminal, and the keys that a test types there.

use std::io::{Read, Write};
use std::process::Child;
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use pty_process::blocking::{Command, Pty, open};

use crate::{Call, PATIENCE};

/// A program in a terminal of its own.
pub struct Terminal {
    /// The side that a person would have.
    pub pty: Pty,
    /// The program, such as `ssh`.
    pub child: Child,
    output: Receiver<Vec<u8>>,
    seen: String,
}

impl Terminal {
    /// Starts `ssh ALIAS ARGUMENTS` over `call`.
    pub fn start(call: &Call<'_>, arguments: &[&str]) -> Self {
        let mut ssh = call.tool("ssh");
        ssh.arg(&call.alias).args(arguments);
        Self::run(&ssh)
    }

    /// Starts any program.
    pub fn run(program: &std::process::Command) -> Self {
        let (pty, pts) = open().expect("a terminal");
        pty.resize(pty_process::Size::new(30, 100)).expect("it has a size");
        let mut command = Command::new(program.get_program()).args(program.get_args());
        for (name, value) in program.get_envs() {
            command = match value {
                Some(value) => command.env(name, value),
                None => command.env_remove(name),
            };
        }
        let child = command.env("TERM", "xterm-256color").spawn(pts).expect("it starts");
        let (sender, output) = channel();
        let mut reader =
            std::fs::File::from(std::os::fd::AsFd::as_fd(&pty).try_clone_to_owned().expect("a copy"));
        std::thread::spawn(move || {
            let mut buffer = [0; 4096];
            while let Ok(count @ 1..) = reader.read(&mut buffer) {
                if sender.send(buffer[..count].to_vec()).is_err() {
                    return;
                }
            }
        });
        Self { pty, child, output, seen: String::new() }
    }

    /// Types a password and Enter, once the program that asks for it has switched echo off: some programs throw
    /// away what was typed before.
    pub fn type_password(&mut self, password: &str) {
        let is_hidden = || {
            let settings = nix::sys::termios::tcgetattr(&self.pty).expect("a terminal");
            !settings.local_flags.contains(nix::sys::termios::LocalFlags::ECHO)
        };
        crate::programs::eventually("the terminal hides what is typed", PATIENCE, is_hidden);
        self.type_keys(&format!("{password}\r"));
    }

    /// Presses keys.
    pub fn type_keys(&mut self, keys: &str) {
        self.pty.write_all(keys.as_bytes()).expect("it takes keys");
    }

    /// Waits until `wanted` is shown, and forgets everything up to it.
    pub fn wait_for(&mut self, wanted: &str) {
        self.wait_for_within(wanted, PATIENCE);
    }

    /// As [`Self::wait_for`], for longer; returns what was shown before.
    pub fn wait_for_within(&mut self, wanted: &str, patience: Duration) -> String {
        let deadline = Instant::now() + patience;
        while !self.seen.contains(wanted) {
            let wait = deadline.saturating_duration_since(Instant::now());
            let bytes =
                self.output.recv_timeout(wait).unwrap_or_else(|_| panic!("no {wanted:?} in {:?}", self.seen));
            self.seen.push_str(&String::from_utf8_lossy(&bytes));
        }
        let at = self.seen.find(wanted).expect("just found");
        let before = self.seen[..at].to_owned();
        self.seen.drain(..at + wanted.len());
        before
    }
}
