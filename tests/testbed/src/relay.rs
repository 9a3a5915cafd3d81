//! A real relay process on a loopback port.

use std::path::{Path, PathBuf};
use std::process::Command;

use nix::sys::signal::Signal;
use tempfile::TempDir;

use crate::Namespace;
use crate::certificates::{self, Certificates};
use crate::programs::{Build, Running};

/// What a test wants to be different from the defaults.
#[derive(Default)]
pub struct RelayOptions {
    /// Further lines of `relay.toml`, before its tables.
    pub settings: String,
    /// Lines under `[limits]`.
    pub limits: String,
    /// The host it runs on, instead of this one.
    pub host: Option<Namespace>,
    /// Where it listens, instead of a port of its own on loopback.
    pub listen: Option<&'static str>,
    /// Another certificate than a valid one for loopback: years and names.
    pub certificate: Option<((i32, i32), Vec<&'static str>)>,
    /// What it logs, as `FIELDLINK_LOG` says it.
    pub log: Option<&'static str>,
    /// Variables of the process.
    pub environment: Vec<(&'static str, PathBuf)>,
    /// Another build than the caller's own; also of the scanners and engineers that use this relay.
    pub build: Build,
}

/// A relay with its own directory, certificates and database. Killed when dropped.
pub struct Relay {
    directory: TempDir,
    config: PathBuf,
    certificates: Certificates,
    address: String,
    host: Option<Namespace>,
    log: Option<&'static str>,
    build: Build,
    environment: Vec<(&'static str, PathBuf)>,
    process: Option<Running>,
}

impl Relay {
    /// A relay with default settings.
    pub fn start() -> Self {
        Self::start_with(RelayOptions::default())
    }

    /// A relay with other settings.
    pub fn start_with(options: RelayOptions) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let certificates = match &options.certificate {
            None => certificates::create(directory.path()),
            Some((years, names)) => certificates::create_valid(directory.path(), *years, names),
        };
        let config = directory.path().join("relay.toml");
        let address = options.listen.unwrap_or("127.0.0.1:0").to_owned();
        let (host, build, log) = (options.host.clone(), options.build.clone(), options.log);
        let environment = options.environment.clone();
        let process = None;
        let mut relay =
            Self { directory, config, certificates, address, host, log, build, environment, process };
        relay.write_config(&options);
        relay.launch();
        // A relay that is started again must be found where it was.
        relay.write_config(&options);
        relay
    }

    fn write_config(&self, options: &RelayOptions) {
        let directory = self.directory.path().display();
        // Tests pair more often than people do.
        let rate = match options.limits.contains("pairing_requests_per_minute") {
            true => "",
            false => "pairing_requests_per_minute = 1000",
        };
        let text = format!(
            "listen = \"{}\"\ncertificate = \"{}\"\nprivate_key = \"{}\"\nstate_directory = \"{directory}/state\"\n{}\n[limits]\n{rate}\n{}\n",
            self.address,
            self.certificates.chain.display(),
            self.certificates.key.display(),
            options.settings,
            options.limits,
        );
        std::fs::write(&self.config, text).expect("writable");
    }

    /// Starts the process (again), and waits until it listens.
    pub fn launch(&mut self) {
        let mut command = self.build.program_on(self.host.as_ref(), "fieldlink-relay");
        command.args(["serve", "--print-address", "--config"]).arg(&self.config);
        command.envs(self.log.map(|filter| ("FIELDLINK_LOG", filter)));
        command.envs(self.environment.iter().map(|(name, value)| (name, value)));
        let mut process = Running::start("the relay", &mut command);
        let line = process.wait_for("listening on ");
        self.address = line.rsplit(' ').next().expect("an address").to_owned();
        self.process = Some(process);
    }

    /// Kills the process, as a crash would.
    pub fn crash(&mut self) {
        self.process = None;
    }

    /// Asks the process to stop and waits for it.
    pub fn stop(&mut self) -> std::process::ExitStatus {
        let mut process = self.process.take().expect("it runs");
        process.signal(Signal::SIGTERM);
        process.wait_for_end()
    }

    /// The build that it is of.
    pub fn build(&self) -> &Build {
        &self.build
    }

    /// The relay's process. Panics after [`Self::crash`] or [`Self::stop`].
    pub fn process(&mut self) -> &mut Running {
        self.process.as_mut().expect("it runs")
    }

    /// `127.0.0.1:PORT`.
    pub fn address(&self) -> &str {
        &self.address
    }

    /// `wss://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("wss://{}", self.address)
    }

    /// The authority that signed the relay's certificate.
    pub fn authority(&self) -> &Path {
        &self.certificates.authority
    }

    /// The relay's certificate chain and key, as a hostile relay would hold them.
    pub fn certificates(&self) -> &Certificates {
        &self.certificates
    }

    /// Runs one of the operator's commands and returns what it printed.
    pub fn operate(&self, arguments: &[&str]) -> String {
        let output = Command::new(self.build.path_of("fieldlink-relay"))
            .args(arguments)
            .arg("--config")
            .arg(&self.config)
            .output()
            .expect("the relay's program runs");
        assert!(output.status.success(), "{arguments:?}: {}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// Adds an engineer and returns the credential.
    pub fn add_engineer(&self, name: &str, company: &str) -> String {
        self.operate(&["engineer", "add", name, "--company", company]).trim().to_owned()
    }

    /// Every audit row, as JSON.
    pub fn audit(&self) -> Vec<serde_json::Value> {
        let text = self.operate(&["audit", "--json"]);
        match serde_json::from_str(&text) {
            Ok(serde_json::Value::Array(rows)) => rows,
            _ => text.lines().map(|line| serde_json::from_str(line).expect("a JSON row")).collect(),
        }
    }
}
