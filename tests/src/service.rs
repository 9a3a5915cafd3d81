//! The agent as a service, on a message bus of the test's own and without systemd around it.

use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::mpsc::{Receiver, channel};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::network_lab::Bus;
use crate::programs::{Running, path_of, without_proxies};
use crate::{PATIENCE, Relay};

/// `fieldlink-agent service` with its bus. Both stop when it is dropped.
pub struct Service {
    directory: TempDir,
    /// The bus, on which there is no polkit.
    pub bus: Bus,
    notices: Receiver<String>,
    /// The agent.
    pub process: Option<Running>,
    config: PathBuf,
}

impl Service {
    /// A service with further lines of `agent.toml`, once it says that it is up.
    pub fn start(relay: &Relay, settings: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let config = directory.path().join("agent.toml");
        let text = format!(
            "relay = \"{}\"\nca_file = \"{}\"\nsession_program = \"{}\"\n{settings}\n",
            relay.url(),
            relay.authority().display(),
            path_of("fieldlink-session").display()
        );
        std::fs::write(&config, text).expect("writable");
        std::fs::create_dir(directory.path().join("runtime")).expect("writable");
        let bus = Bus::start(directory.path());
        let notices = listen(&directory.path().join("notify"));
        let mut service = Self { directory, bus, notices, process: None, config };
        service.launch();
        service.wait_for_notice("READY=1");
        service
    }

    /// Starts the agent (again).
    pub fn launch(&mut self) {
        let mut command = Command::new(path_of("fieldlink-agent"));
        without_proxies(&mut command).args(["service", "--config"]).arg(&self.config);
        command.env("NOTIFY_SOCKET", self.directory.path().join("notify"));
        command.env("RUNTIME_DIRECTORY", self.directory.path().join("runtime"));
        command.env("WATCHDOG_USEC", "300000");
        self.process = Some(Running::start("the service", self.bus.address_for(&mut command)));
    }

    /// Kills the agent, as a crash would.
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Waits until the agent has sent `wanted` to systemd's place.
    pub fn wait_for_notice(&self, wanted: &str) {
        let deadline = Instant::now() + PATIENCE;
        while let Ok(said) = self.notices.recv_timeout(deadline.saturating_duration_since(Instant::now())) {
            if said.lines().any(|line| line.starts_with(wanted)) {
                return;
            }
        }
        panic!("nobody said {wanted}");
    }

    /// Runs `fieldlink` on the same bus.
    pub fn client(&self, arguments: &[&str]) -> Output {
        self.client_command(arguments).output().expect("it runs")
    }

    /// `fieldlink` on the same bus, to be run.
    pub fn client_command(&self, arguments: &[&str]) -> Command {
        let mut command = Command::new(path_of("fieldlink"));
        command.env("LC_ALL", "C.UTF-8").args(arguments);
        self.bus.address_for(&mut command);
        command
    }

    /// Starts `fieldlink` on the same bus, and lets it go on.
    pub fn start_client(&self, arguments: &[&str]) -> Running {
        Running::start("the client", &mut self.client_command(arguments))
    }

    /// `fieldlink status --json`, once there is an answer.
    pub fn status(&self) -> serde_json::Value {
        let mut status = None;
        crate::programs::eventually("the service answers", Duration::from_secs(30), || {
            let output = self.client(&["status", "--json"]);
            status = serde_json::from_slice(&output.stdout).ok();
            status.is_some()
        });
        status.expect("just seen")
    }
}

/// The messages to systemd at the socket `path`, read as soon as they come, as systemd does.
fn listen(path: &Path) -> Receiver<String> {
    let socket = UnixDatagram::bind(path).expect("a socket");
    let (sender, receiver) = channel();
    std::thread::spawn(move || {
        let mut message = [0; 4096];
        // No message comes once the directory is gone; the thread ends with the process then.
        while let Ok(length) = socket.recv(&mut message) {
            if sender.send(String::from_utf8_lossy(&message[..length]).into_owned()).is_err() {
                return;
            }
        }
    });
    receiver
}
