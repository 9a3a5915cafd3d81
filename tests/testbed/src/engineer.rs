//! An engineer's computer: a home of its own, `fieldlink-connect`, and the stock OpenSSH tools.

use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tempfile::TempDir;

use crate::programs::{Build, Running, run_with_input, without_proxies};
use crate::{Namespace, PATIENCE, Relay, Scanner};

/// Directories of one engineer, who is logged in. Nothing of the tester's own home is used.
pub struct Engineer {
    directory: TempDir,
    host: Option<Namespace>,
    build: Build,
}

impl Engineer {
    /// An engineer whom `relay` knows.
    pub fn enrolled(relay: &Relay, name: &str) -> Self {
        Self::enrolled_on(None, relay, name)
    }

    /// The same, on a host of their own.
    pub fn enrolled_on(host: Option<Namespace>, relay: &Relay, name: &str) -> Self {
        let engineer = Self { host, build: relay.build().clone(), ..Self::new() };
        let credential = relay.add_engineer(name, "Demo Company");
        engineer.log_in(&relay.url(), relay.authority(), &credential);
        engineer
    }

    /// An engineer who is not logged in.
    pub fn new() -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        for name in ["config", "run", "state", "home"] {
            std::fs::create_dir(directory.path().join(name)).expect("writable");
            restrict(&directory.path().join(name));
        }
        Self { directory, host: None, build: Build::default() }
    }

    /// The same, on a host of their own.
    pub fn on(host: Namespace) -> Self {
        Self { host: Some(host), ..Self::new() }
    }

    /// Stores `credential`.
    pub fn log_in(&self, url: &str, authority: &Path, credential: &str) {
        let output = self.try_to_log_in(url, authority, credential);
        assert!(output.status.success(), "login: {}", String::from_utf8_lossy(&output.stderr));
    }

    /// Tries to store `credential`.
    pub fn try_to_log_in(&self, url: &str, authority: &Path, credential: &str) -> Output {
        let mut command = self.connect();
        command.args(["login", "--relay", url, "--ca-file"]).arg(authority);
        run_with_input(&mut command, format!("{credential}\n").as_bytes())
    }

    /// Writes the section `[proxy]` of an engineer who is not logged in yet.
    pub fn set_proxy(&self, lines: &str) {
        let path = self.directory.path().join("config/connect.toml");
        std::fs::write(path, format!("[proxy]\n{lines}\n")).expect("writable");
    }

    /// Adds a line to the stored configuration, before its sections.
    pub fn configure(&self, line: &str) {
        let path = self.directory.path().join("config/connect.toml");
        let text = std::fs::read_to_string(&path).expect("logged in");
        std::fs::write(&path, format!("{line}\n{text}")).expect("writable");
    }

    /// Points the stored configuration at another relay address, as a hostile network would.
    pub fn redirect_to(&self, url: &str) {
        let path = self.directory.path().join("config/connect.toml");
        let text = std::fs::read_to_string(&path).expect("logged in");
        let lines = text.lines().map(|line| match line.starts_with("relay") {
            true => format!("relay = \"{url}\"\n"),
            false => format!("{line}\n"),
        });
        std::fs::write(&path, lines.collect::<String>()).expect("writable");
    }

    /// `fieldlink-connect` with this engineer's directories.
    pub fn connect(&self) -> Command {
        let mut command = self.build.program_on(self.host.as_ref(), "fieldlink-connect");
        self.set_environment(&mut command);
        command
    }

    /// What this engineer's program remembers across runs.
    pub fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Any program, in this engineer's environment.
    pub fn program(&self, name: &str) -> Command {
        let mut command = Command::new(name);
        self.set_environment(&mut command);
        command
    }

    fn set_environment(&self, command: &mut Command) {
        let at = |name: &str| self.directory.path().join(name);
        without_proxies(command)
            .env("HOME", at("home"))
            .env("FIELDLINK_CONFIG_DIR", at("config"))
            .env("FIELDLINK_RUNTIME_DIR", at("run"))
            .env("FIELDLINK_STATE_DIR", at("state"))
            .env_remove("SSH_AUTH_SOCK")
            .env("LC_ALL", "C.UTF-8");
    }

    /// `PATH` with the program `name`, which is this shell `script`, before all others.
    pub fn path_with(&self, name: &str, script: &str) -> String {
        use std::os::unix::fs::PermissionsExt;
        let programs = self.home().join("programs");
        std::fs::create_dir_all(&programs).expect("writable");
        let program = programs.join(name);
        std::fs::write(&program, format!("#!/bin/sh\n{script}\n")).expect("writable");
        std::fs::set_permissions(&program, std::fs::Permissions::from_mode(0o755)).expect("ours");
        format!("{}:{}", programs.display(), std::env::var("PATH").expect("a path"))
    }

    /// This engineer's home directory.
    pub fn home(&self) -> PathBuf {
        self.directory.path().join("home")
    }

    /// Where the keys and sockets of living sessions are.
    pub fn runtime(&self) -> PathBuf {
        self.directory.path().join("run")
    }

    /// Starts to connect, holding the session without a shell; the PIN is typed at once.
    pub fn start_connecting(&self, support_id: &str, pin: &str) -> Running {
        let mut command = self.connect();
        command.args(["connect", support_id, "--ticket", "T-1", "--no-shell", "--json"]);
        let mut running = Running::start("fieldlink-connect", &mut command);
        running.type_line(pin);
        running
    }

    /// Connects to `scanner`, which does not ask, and waits until the session is active.
    pub fn call(&self, scanner: &Scanner) -> Call<'_> {
        let mut holder = self.start_connecting(&scanner.support_id, &scanner.pin);
        wait_until_active(&mut holder);
        Call::of(self, scanner, holder)
    }
}

impl Default for Engineer {
    fn default() -> Self {
        Self::new()
    }
}

/// Waits for the line in which `fieldlink-connect --json` says that the session is active.
pub fn wait_until_active(holder: &mut Running) {
    holder.wait_for("\"state\":\"active\"");
}

/// A living session, and the tools on top of it.
pub struct Call<'a> {
    engineer: &'a Engineer,
    /// The host name for the OpenSSH tools.
    pub alias: String,
    /// `fieldlink-connect`, which holds the session.
    pub holder: Running,
}

impl<'a> Call<'a> {
    /// The session that `holder` holds.
    pub fn of(engineer: &'a Engineer, scanner: &Scanner, holder: Running) -> Self {
        Self { engineer, alias: format!("scanner-{}", scanner.digits()), holder }
    }

    /// A call that was joined with the code whose first half is `address`.
    pub fn joined(engineer: &'a Engineer, address: &str, holder: Running) -> Self {
        Self { engineer, alias: format!("scanner-{address}"), holder }
    }

    /// The process that holds the session: the child of the one that was started.
    pub fn session_holder(&self) -> Pid {
        let children = crate::scanner::descendants_of(self.holder.pid().as_raw().cast_unsigned());
        Pid::from_raw(children.first().expect("it holds a session").cast_signed())
    }

    /// Signals both processes of `fieldlink-connect`, as what happens to the whole computer does.
    pub fn signal_both(&self, signal: Signal) {
        kill(self.session_holder(), signal).expect("it runs");
        self.holder.signal(signal);
    }

    /// The configuration for the OpenSSH tools.
    pub fn ssh_config(&self) -> PathBuf {
        self.engineer.runtime().join("ssh_config")
    }

    /// One of the OpenSSH tools (`ssh`, `scp`, `sftp`), configured for this session.
    pub fn tool(&self, name: &str) -> Command {
        let mut command = self.engineer.program(name);
        command.arg("-F").arg(self.ssh_config());
        command
    }

    /// `ssh ALIAS COMMAND`.
    pub fn ssh(&self, remote_command: &str) -> Command {
        let mut command = self.tool("ssh");
        command.arg(&self.alias).arg("--").arg(remote_command);
        command
    }

    /// Runs `remote_command` and returns its standard output; it must succeed.
    pub fn output_of(&self, remote_command: &str) -> String {
        let output = run_with_input(&mut self.ssh(remote_command), b"");
        assert!(
            output.status.success(),
            "{remote_command}: {} {}",
            output.status,
            String::from_utf8_lossy(&output.stderr)
        );
        String::from_utf8(output.stdout).expect("text")
    }

    /// Runs an sftp batch; it must succeed.
    pub fn sftp(&self, batch: &str) -> Output {
        let mut command = self.tool("sftp");
        command.args(["-b", "-", &self.alias]);
        let output = run_with_input(&mut command, batch.as_bytes());
        assert!(output.status.success(), "sftp: {}", String::from_utf8_lossy(&output.stderr));
        output
    }

    /// Starts `ssh ALIAS COMMAND` and leaves it running.
    pub fn start(&self, remote_command: &str) -> Running {
        Running::start("ssh", &mut self.ssh(remote_command))
    }

    /// Ends the session as the engineer.
    pub fn end(mut self) {
        let output = self.engineer.connect().arg("end").output().expect("it runs");
        assert!(output.status.success(), "end: {}", String::from_utf8_lossy(&output.stderr));
        self.holder.wait_for_end();
    }

    /// Waits until another party ends the session and nothing of it is left here, and returns the JSON line that says why.
    pub fn wait_until_ended(&mut self) -> String {
        let ended = self
            .holder
            .wait_for_within("\"state\":\"ended\"", PATIENCE)
            .unwrap_or_else(|| panic!("the session never ended:\n{}", self.holder.transcript()));
        self.holder.wait_for_end();
        ended
    }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).expect("our own directory");
}

/// Writes `length` random bytes to `path`.
pub fn random_file(path: &Path, length: usize) {
    let mut file = std::fs::File::create(path).expect("writable");
    let mut block = vec![0; 1 << 20];
    let mut left = length;
    while left > 0 {
        for chunk in block.chunks_mut(32) {
            let random: [u8; 32] = fieldlink_protocol::secret::random_bytes();
            chunk.copy_from_slice(&random[..chunk.len()]);
        }
        let count = left.min(block.len());
        file.write_all(&block[..count]).expect("writable");
        left -= count;
    }
}
