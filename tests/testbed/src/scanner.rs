//! A real agent process in the foreground, and the client in front of it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::programs::{Build, Running, without_proxies};
use crate::{Namespace, PATIENCE, Relay};

/// What a test wants to be different from the defaults.
#[derive(Clone, Default)]
pub struct ScannerOptions {
    /// Whether the client is asked.
    pub asks: bool,
    /// Lines in front of the sections.
    pub settings: String,
    /// Lines under `[session]`.
    pub session: String,
    /// Lines under `[forward]`.
    pub forward: String,
    /// Lines under `[policy]`.
    pub policy: String,
    /// Lines under `[proxy]`.
    pub proxy: String,
    /// Lines under `[engineers]`.
    pub engineers: String,
    /// The host it runs on, instead of this one.
    pub host: Option<Namespace>,
    /// Another session program than Fieldlink's.
    pub session_program: Option<PathBuf>,
    /// Variables of its environment.
    pub environment: Vec<(&'static str, OsString)>,
    /// What the account that the agent runs as is called there. Needs root.
    pub account: Option<String>,
    /// Another build than the caller's own.
    pub build: Build,
}

/// An agent with a home directory for its sessions. Killed when dropped.
pub struct Scanner {
    directory: TempDir,
    /// The agent's process.
    pub process: Running,
    /// The support ID as shown, with spaces.
    pub support_id: String,
    /// The PIN as shown: four digits.
    pub pin: String,
}

impl Scanner {
    /// An agent that lets in an engineer with the right PIN without asking the client.
    pub fn start(relay: &Relay) -> Self {
        Self::start_with(relay, ScannerOptions::default())
    }

    /// An agent that asks the client.
    pub fn start_asking(relay: &Relay) -> Self {
        Self::start_with(relay, ScannerOptions { asks: true, ..ScannerOptions::default() })
    }

    /// Settings of an agent that logs at `level` and above.
    pub fn logging(level: &str) -> ScannerOptions {
        ScannerOptions { environment: vec![("FIELDLINK_LOG", level.into())], ..ScannerOptions::default() }
    }

    /// An agent with other settings.
    pub fn start_with(relay: &Relay, options: ScannerOptions) -> Self {
        let build = relay.build().clone();
        Self::start_at(&relay.url(), relay.authority(), ScannerOptions { build, ..options })
    }

    /// An agent that dials `url`.
    pub fn start_at(url: &str, authority: &Path, options: ScannerOptions) -> Self {
        let mut scanner = Self::launch_at(url, authority, options);
        scanner.wait_until_ready();
        scanner
    }

    /// An agent that may never reach its relay.
    pub fn launch_at(url: &str, authority: &Path, options: ScannerOptions) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = directory.path().join("agent.toml");
        std::fs::write(&config, config_text(url, authority, &options)).expect("writable");
        let agent = options.build.program_on(options.host.as_ref(), "fieldlink-agent");
        let mut command = match &options.account {
            Some(name) => renamed(agent, directory.path(), name),
            None => agent,
        };
        without_proxies(&mut command).args(["foreground", "--config"]).arg(&config);
        // Whatever the tester's own language is.
        command.env("LC_ALL", "C.UTF-8");
        command.env("XDG_STATE_HOME", directory.path().join("state"));
        command.envs(options.environment.iter().map(|(name, value)| (name, value)));
        let process = Running::start("the agent", &mut command);
        Self { directory, process, support_id: String::new(), pin: String::new() }
    }

    /// Waits until the relay knows the pair, which is shown before.
    pub fn wait_until_ready(&mut self) {
        loop {
            let line = self.process.wait_for("   ");
            match line.trim().split_once("  ").map(|(name, value)| (name, value.trim())) {
                Some(("Support ID", id)) => id.clone_into(&mut self.support_id),
                Some(("PIN", pin)) => pin.clone_into(&mut self.pin),
                Some(("State", state)) if state.starts_with("ready") => return,
                _ => {}
            }
        }
    }

    /// Kills the agent, and starts it again with the same files.
    pub fn kill_and_start_again(&mut self) {
        self.process.signal(Signal::SIGKILL);
        self.process.wait_for_end();
        let mut command = Build::default().program_on(None, "fieldlink-agent");
        let config = self.directory.path().join("agent.toml");
        without_proxies(&mut command).args(["foreground", "--config"]).arg(config).env("LC_ALL", "C.UTF-8");
        command.env("XDG_STATE_HOME", self.directory.path().join("state"));
        self.process = Running::start("the agent", &mut command);
    }

    /// Where the records of its sessions are.
    pub fn records(&self) -> PathBuf {
        self.directory.path().join("state/fieldlink-agent/records")
    }

    /// A PIN that is not the right one.
    pub fn wrong_pin(&self) -> String {
        let right: u32 = self.pin.parse().expect("four digits");
        format!("{:04}", (right + 1) % 10_000)
    }

    /// The support ID's nine digits.
    pub fn digits(&self) -> String {
        self.support_id.replace(' ', "")
    }

    /// Waits for the question and answers it.
    pub fn answer(&mut self, answer: &str) -> String {
        let question = self.process.wait_for("Allow ");
        self.process.type_line(answer);
        question
    }

    /// Waits until remote access is off, and returns the sentence that says why.
    pub fn wait_until_off(&mut self) -> String {
        let mut before = String::new();
        let deadline = std::time::Instant::now() + PATIENCE;
        while let Some(line) =
            self.process.next_line(deadline.saturating_duration_since(std::time::Instant::now()))
        {
            if line.contains("Remote access is off") {
                return before;
            }
            if !line.trim().is_empty() {
                before = line.trim().to_owned();
            }
        }
        panic!("remote access never went off:\n{}", self.process.transcript());
    }

    /// Presses Enter: remote access starts again.
    pub fn start_again(&mut self) {
        self.process.type_line("");
        self.wait_until_ready();
    }

    /// Stops the agent as systemd would.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        self.process.signal(Signal::SIGTERM);
        self.process.wait_for_end()
    }

    /// The processes below the agent.
    pub fn descendants(&self) -> Vec<u32> {
        descendants_of(self.process.pid().as_raw().cast_unsigned())
    }

    /// Waits until the agent has no descendants.
    pub fn wait_until_alone(&self, patience: Duration) {
        crate::programs::eventually("the agent has no descendants", patience, || {
            self.descendants().is_empty()
        });
    }

    /// A directory of the scanner's own.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }
}

fn config_text(url: &str, authority: &Path, options: &ScannerOptions) -> String {
    let consent = if options.asks { "ask" } else { "pin" };
    let program = options
        .session_program
        .as_ref()
        .map_or_else(String::new, |path| format!("session_program = \"{}\"\n", path.display()));
    let mut text = format!(
        "relay = \"{url}\"\nca_file = \"{}\"\nconsent = \"{consent}\"\n{program}{}",
        authority.display(),
        options.settings
    );
    // A section without lines is left out: an older build may not know it.
    let sections = [
        ("session", &options.session),
        ("policy", &options.policy),
        ("forward", &options.forward),
        ("proxy", &options.proxy),
        ("engineers", &options.engineers),
    ];
    for (name, lines) in sections.iter().filter(|(_, lines)| !lines.is_empty()) {
        text += &format!("[{name}]\n{lines}\n");
    }
    text
}

/// `program` where the account of this process has another name: in a mount namespace with a password file of its
/// own.
fn renamed(program: Command, directory: &Path, name: &str) -> Command {
    let (file, user) = (directory.join("passwd"), nix::unistd::getuid());
    std::fs::write(&file, format!("{name}:x:{user}:{user}::/:/bin/sh\n")).expect("writable");
    let mut command = Command::new("unshare");
    let script = "mount --bind \"$0\" /etc/passwd && exec \"$@\"";
    command.args(["--mount", "sh", "-c", script]).arg(file).arg(program.get_program());
    command
}

/// Every process below `root`, by the parents in `/proc`.
pub fn descendants_of(root: u32) -> Vec<u32> {
    let parents: Vec<(u32, u32)> = std::fs::read_dir("/proc")
        .expect("/proc is there")
        .filter_map(|entry| entry.ok()?.file_name().to_str()?.parse().ok())
        .filter_map(|pid: u32| Some((pid, parent_of(pid)?)))
        .collect();
    let mut found = vec![root];
    let mut next = 0;
    while let Some(&parent) = found.get(next) {
        found.extend(parents.iter().filter(|(_, of)| *of == parent).map(|(pid, _)| *pid));
        next += 1;
    }
    found.split_off(1)
}

fn parent_of(pid: u32) -> Option<u32> {
    let stat = std::fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let mut after_name = stat.rsplit_once(')')?.1.split_whitespace();
    let state = after_name.next()?;
    (state != "Z").then_some(after_name.next()?.parse().ok()?)
}
