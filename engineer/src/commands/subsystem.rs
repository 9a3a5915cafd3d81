//! A subsystem of the scanner's agent (RFC 4254 section 6.5), over an ssh of its own.

use std::process::{Command, Stdio};

use fieldlink_protocol::text;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdin, ChildStdout};

use super::choosing::choose;
use crate::directories::Directories;
use crate::exit::{Failure, Kind};
use crate::runtime_dir::RuntimeDirectory;
use crate::words::say;
use crate::{ssh_client, ssh_config};

/// The most that is kept of what ssh says of itself, in bytes.
const COMPLAINTS: u64 = 4 * 1024;

/// A channel to it. Dropped, it is over.
pub(super) struct Subsystem {
    _ssh: Child,
    /// None once this side has said all.
    pub(super) stdin: Option<ChildStdin>,
    pub(super) stdout: BufReader<ChildStdout>,
    stderr: ChildStderr,
}

impl Subsystem {
    /// Opens the one called `name`, in the session that is named, or the only one.
    pub(super) fn open(name: &str, id: Option<String>) -> Result<Self, Failure> {
        let runtime = RuntimeDirectory::open(&Directories::from_environment()?.runtime)?;
        let id = choose(&runtime, id.as_slice())?;
        let mut ssh = ssh_client::command(&runtime.session(id).join("ssh_config"), &ssh_config::alias(id));
        ssh.args(["-s", name]);
        Self::start(ssh)
    }

    fn start(ssh: Command) -> Result<Self, Failure> {
        let mut ssh = tokio::process::Command::from(ssh);
        ssh.stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped()).kill_on_drop(true);
        let mut ssh = ssh.spawn().map_err(|error| ssh_client::not_started("ssh", &error))?;
        let (stdin, stdout, stderr) = (ssh.stdin.take(), ssh.stdout.take(), ssh.stderr.take());
        let (Some(stdout), Some(stderr)) = (stdout, stderr) else {
            return Err(Failure::new(Kind::Failed, say!("own-part-failed")));
        };
        Ok(Self { _ssh: ssh, stdin, stdout: BufReader::new(stdout), stderr })
    }

    /// The next line, of at most so many bytes; none at the end. Not safe to cancel.
    pub(super) async fn line(&mut self, most: u64) -> Option<Vec<u8>> {
        let mut line = Vec::new();
        let read = (&mut self.stdout).take(most).read_until(b'\n', &mut line).await;
        (read.is_ok() && !line.is_empty()).then_some(line)
    }

    /// What ssh said of itself, once it is over; fit to be shown.
    pub(super) async fn complaint(&mut self) -> String {
        let mut said = Vec::new();
        let _ = (&mut self.stderr).take(COMPLAINTS).read_to_end(&mut said).await;
        text::sentence(String::from_utf8_lossy(&said).trim())
    }
}
