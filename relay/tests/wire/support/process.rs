//! A relay as a process of its own, to see what it takes.

use std::fs::File;
use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;
use tokio::net::TcpSocket;
use tokio_util::sync::CancellationToken;

use super::*;

/// A relay's process. Killed when it is dropped.
pub(crate) struct Process {
    child: Child,
    log: PathBuf,
}

impl Process {
    /// Resident memory, in bytes.
    pub(crate) fn resident(&self) -> u64 {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.child.id())).expect("it runs");
        let line = status.lines().find(|line| line.starts_with("VmRSS:")).expect("a field");
        line.split_whitespace().nth(1).and_then(|kib| kib.parse::<u64>().ok()).expect("a number") * 1_024
    }

    /// Has it stop as the service manager does.
    pub(crate) fn terminate(&self) {
        let process = Pid::from_raw(self.child.id().try_into().expect("a process"));
        kill(process, Signal::SIGTERM).expect("it runs");
    }

    /// What it has logged, once that contains `wanted`.
    pub(crate) async fn log_with(&self, wanted: &str) -> String {
        within(async {
            loop {
                let log = std::fs::read_to_string(&self.log).expect("text");
                if log.contains(wanted) {
                    return log;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl TestRelay {
    /// Starts the program with further lines under `[limits]`.
    pub(crate) async fn start_process(limits: &str) -> (Self, Process) {
        let directory = tempfile::tempdir().expect("a directory");
        let config = test_config(directory.path());
        let file = directory.path().join("relay.toml");
        let name = |path: &Path| path.file_name().expect("a name").to_str().expect("text").to_owned();
        let (certificate, key) = (name(&config.certificate), name(&config.private_key));
        let text = format!(
            "listen = \"127.0.0.1:0\"\ncertificate = \"{certificate}\"\nprivate_key = \"{key}\"\n\
             state_directory = \"{}\"\n[limits]\n{limits}\n",
            config.state_directory.display(),
        );
        std::fs::write(&file, text).expect("written");
        let mut command = Command::new(env!("CARGO_BIN_EXE_fieldlink-relay"));
        command.args(["serve", "--print-address", "--config"]).arg(&file);
        let log = directory.path().join("log");
        command.env("FIELDLINK_LOG", "debug").stderr(File::create(&log).expect("writable"));
        let mut child = command.stdout(Stdio::piped()).spawn().expect("it starts");
        let mut line = String::new();
        let mut stdout = BufReader::new(child.stdout.take().expect("piped"));
        stdout.read_line(&mut line).expect("it listens");
        let process = Process { child, log };
        let address = line.trim().rsplit(' ').next().and_then(|word| word.parse().ok()).expect("an address");
        let shutdown = CancellationToken::new();
        let tls = connector(&config.certificate);
        let _stops_when_dropped = shutdown.clone().drop_guard();
        let serving = tokio::spawn(std::future::pending());
        let relay = Self { address, config, directory, shutdown, serving, tls, _stops_when_dropped };
        (relay, process)
    }

    /// Upgrades on `path` over a connection with small buffers of the kernel, so that little is under way.
    pub(crate) async fn connect_narrowly(
        &self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Socket, Refused> {
        let socket = TcpSocket::new_v4().expect("a socket");
        socket.set_recv_buffer_size(16 * 1_024).expect("set");
        socket.set_send_buffer_size(16 * 1_024).expect("set");
        let tcp = within(socket.connect(self.address)).await.expect("connected");
        self.upgrade(self.secure(tcp).await, SUBPROTOCOL, path, headers).await
    }
}
