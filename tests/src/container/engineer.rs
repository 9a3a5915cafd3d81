//! An engineer's account on a computer that boots: `fieldlink-connect` from its package, and OpenSSH.

use std::process::{Command, Output};

use super::{Container, Pair, Person};
use crate::PATIENCE;
use crate::engineer::wait_until_active;
use crate::programs::{Running, run_with_input};
use crate::terminal::Terminal;

/// The account of the engineer who is there from the start.
const USER: &str = "ada";

/// An engineer who is logged in at the relay.
#[derive(Clone, Copy)]
pub struct Engineer<'a> {
    desk: &'a Container,
    user: &'a str,
}

impl<'a> Engineer<'a> {
    /// The name that clients read.
    pub const NAME: &'static str = "Ada Lovelace";
    /// The company that clients read.
    pub const COMPANY: &'static str = "Scans Ltd";
    /// The support case of every call.
    pub const TICKET: &'static str = "T-1";

    /// The engineer whose account [`Engineer::enrol`] has made.
    pub(super) fn at(desk: &'a Container) -> Self {
        Self { desk, user: USER }
    }

    /// Makes the account, and stores `credential` there.
    pub(super) fn enrol(
        desk: &'a Container,
        user: &'a str,
        (relay, authority): (&str, &str),
        credential: &str,
    ) -> Self {
        desk.run(&["useradd", "--create-home", "--shell", "/bin/bash", user]);
        for directory in ["config", "run", "state"] {
            let path = format!("/home/{user}/{directory}");
            desk.run(&["install", "-d", "-m", "700", "-o", user, "-g", user, &path]);
        }
        let engineer = Self { desk, user };
        let mut command = engineer.connect(&["login", "--relay", relay, "--ca-file", authority]);
        let output = run_with_input(&mut command, format!("{}\n", credential.trim()).as_bytes());
        assert!(output.status.success(), "login: {}", String::from_utf8_lossy(&output.stderr));
        engineer
    }

    /// Where their files are.
    pub fn home(&self) -> String {
        format!("/home/{}", self.user)
    }

    /// A program in the engineer's environment.
    pub fn program(&self, words: &[&str]) -> Command {
        let home = self.home();
        let variables = [
            format!("HOME={home}"),
            format!("USER={}", self.user),
            format!("FIELDLINK_CONFIG_DIR={home}/config"),
            format!("FIELDLINK_RUNTIME_DIR={home}/run"),
            format!("FIELDLINK_STATE_DIR={home}/state"),
        ];
        let mut all = vec!["env", "-C", &home];
        all.extend(variables.iter().map(String::as_str));
        all.extend(words);
        self.desk.command(Person::Account(self.user), &all)
    }

    /// `fieldlink-connect ARGUMENTS`.
    pub fn connect(&self, arguments: &[&str]) -> Command {
        self.program(&[&["fieldlink-connect"], arguments].concat())
    }

    /// Starts to connect, holding the session without a shell; the PIN is typed at once.
    pub fn start_connecting(&self, pair: &Pair) -> Running {
        let arguments = ["connect", &pair.support_id, "--ticket", Self::TICKET, "--no-shell", "--json"];
        let mut running = Running::start("fieldlink-connect", &mut self.connect(&arguments));
        running.type_line(&pair.pin);
        running
    }

    /// Starts to come back to the session that a program of this engineer's before held.
    pub fn come_back(&self, support_id: &str) -> Running {
        let arguments = ["connect", support_id, "--no-shell", "--json"];
        Running::start("fieldlink-connect", &mut self.connect(&arguments))
    }

    /// The session that `holder` has come back to.
    pub fn continued(self, support_id: &str, holder: Running) -> Call<'a> {
        Call { engineer: self, alias: format!("scanner-{support_id}"), holder }
    }

    /// The session that `holder`, which was allowed in, holds.
    pub fn begin(self, pair: &Pair, mut holder: Running) -> Call<'a> {
        wait_until_active(&mut holder);
        Call { engineer: self, alias: format!("scanner-{}", pair.support_id), holder }
    }
}

/// A living session.
pub struct Call<'a> {
    engineer: Engineer<'a>,
    alias: String,
    /// `fieldlink-connect`, which holds the session.
    pub holder: Running,
}

impl Call<'_> {
    /// The support ID under which it began.
    pub fn support_id(&self) -> String {
        self.alias.trim_start_matches("scanner-").to_owned()
    }

    /// `ssh OPTIONS SCANNER COMMAND`.
    pub fn ssh(&self, options: &[&str], remote_command: &str) -> Command {
        let config = format!("{}/run/ssh_config", self.engineer.home());
        let words = [&["ssh", "-F", &config], options, &[&self.alias, "--", remote_command]].concat();
        self.engineer.program(&words)
    }

    /// Runs a command on the scanner, which may fail.
    pub fn try_to(&self, remote_command: &str) -> Output {
        run_with_input(&mut self.ssh(&[], remote_command), b"")
    }

    /// Runs a command on the scanner, which must succeed; what it printed.
    pub fn output_of(&self, remote_command: &str) -> String {
        let output = self.try_to(remote_command);
        assert!(
            output.status.success(),
            "{remote_command}: {}\n{}{}",
            output.status,
            String::from_utf8_lossy(&output.stdout),
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8_lossy(&output.stdout).into_owned()
    }

    /// Starts a command on the scanner and leaves it running.
    pub fn start(&self, remote_command: &str) -> Running {
        Running::start("ssh", &mut self.ssh(&[], remote_command))
    }

    /// The same in a terminal on the scanner.
    pub fn start_in_terminal(&self, remote_command: &str) -> Terminal {
        Terminal::run(&self.ssh(&["-tt"], remote_command))
    }

    /// Runs another of the engineer's commands on this session, which may fail.
    pub fn connect(&self, arguments: &[&str]) -> Output {
        run_with_input(&mut self.engineer.connect(arguments), b"")
    }

    /// Starts another of the engineer's commands on this session.
    pub fn start_connect(&self, arguments: &[&str]) -> Running {
        Running::start("fieldlink-connect", &mut self.engineer.connect(arguments))
    }

    /// Ends the session as the engineer.
    pub fn end(mut self) {
        let output = self.connect(&["end"]);
        assert!(output.status.success(), "end: {}", String::from_utf8_lossy(&output.stderr));
        self.holder.wait_for_end();
    }

    /// Waits until another party ends the session, and returns the JSON line that says why.
    pub fn wait_until_ended(&mut self) -> String {
        let ended = self
            .holder
            .wait_for_within("\"state\":\"ended\"", PATIENCE)
            .unwrap_or_else(|| panic!("the engineer was never told the end:\n{}", self.holder.transcript()));
        // It is told at once; what is left of it goes after that.
        self.holder.wait_for_end();
        ended
    }
}
