//! The agent as a service, on a message bus of the test's own and without systemd around it.

use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::process::{Command, Output};
use std::time::{Duration, Instant};

use tempfile::TempDir;

use crate::network_lab::Bus;
use crate::programs::{Running, path_of, without_proxies};
use crate::{PATIENCE, Relay};

/// `fieldlink-agent service` with its bus. Both stop when it is dropped.
pub struct Service {
    directory: TempDir,
    /// The bus; nobody on it answers for polkit.
    pub bus: Bus,
    notices: UnixDatagram,
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
        let notices = UnixDatagram::bind(directory.path().join("notify")).expect("a socket");
        notices.set_read_timeout(Some(PATIENCE)).expect("a time-out");
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

    /// Waits until systemd would have been told `wanted`.
    pub fn wait_for_notice(&self, wanted: &str) {
        let mut message = [0; 4096];
        let deadline = Instant::now() + PATIENCE;
        // The watchdog is fed all the time, so the socket's own time-out is not enough.
        while Instant::now() < deadline {
            let length = self.notices.recv(&mut message).unwrap_or_else(|_| panic!("nobody said {wanted}"));
            if String::from_utf8_lossy(&message[..length]).lines().any(|line| line.starts_with(wanted)) {
                return;
            }
        }
        panic!("nobody said {wanted}");
    }

    /// Runs `fieldlink` on the same bus.
    pub fn client(&self, arguments: &[&str]) -> Output {
        let mut command = Command::new(path_of("fieldlink"));
        self.bus.address_for(&mut command).args(arguments).output().expect("it runs")
    }

    /// Starts `fieldlink` on the same bus, and lets it go on.
    pub fn start_client(&self, arguments: &[&str]) -> Running {
        let mut command = Command::new(path_of("fieldlink"));
        Running::start("the client", self.bus.address_for(&mut command).args(arguments))
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
