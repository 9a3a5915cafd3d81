//! Has the engineer's own `ssh-keygen` sign, in the terminal that they sit at.

use std::io::IsTerminal;
use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::Context;
use base64::{Engine, prelude::BASE64_STANDARD as BASE64};
use fieldlink_identity::NAMESPACE;
use fieldlink_protocol::limits;
use serde::{Deserialize, Serialize};
use tokio::time::timeout;

use crate::exit::{Failure, Kind};
use crate::platform::{self, TerminalState};
use crate::ssh_client::not_started;
use crate::words::say;

/// What is to be signed, and with which key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Signing {
    /// The private key's file; without one the key is an ssh-agent's.
    key: Option<String>,
    /// The public key, by which an agent knows it.
    public_key: String,
    /// In base64.
    statement: String,
}

impl Signing {
    pub(super) fn new(key: Option<String>, public_key: String, statement: &[u8]) -> Self {
        Self { key, public_key, statement: BASE64.encode(statement) }
    }
}

/// Signs, as an armoured SSHSIG. What ssh-keygen asks and says goes to the terminal: for a passphrase, for a touch. Works
/// in a directory below `runtime` that is gone afterwards. Dropped, it ends ssh-keygen.
pub(crate) async fn sign(signing: Signing, runtime: &Path) -> Result<String, Failure> {
    let scratch = Scratch::new(runtime)?;
    let statement = BASE64.decode(&signing.statement).with_context(|| say!("not-signed"))?;
    let (message, public_key) = (scratch.file("statement"), scratch.file("key.pub"));
    std::fs::write(&message, statement).with_context(|| say!("could-not-write", path = message.display()))?;
    let key = match &signing.key {
        Some(path) => Path::new(path),
        None => {
            std::fs::write(&public_key, format!("{}\n", signing.public_key))
                .with_context(|| say!("could-not-write", path = public_key.display()))?;
            &public_key
        }
    };
    let mut command = Command::new("ssh-keygen");
    command.args(["-q", "-Y", "sign", "-n", NAMESPACE, "-f"]).arg(key).arg(&message).stdout(Stdio::null());
    if !std::io::stdin().is_terminal() {
        // It is another program's, or holds a PIN.
        command.stdin(Stdio::null());
    }
    // What is killed while it asks leaves the terminal without echo.
    let _terminal = TerminalState::remember();
    let child = tokio::process::Command::from(command).kill_on_drop(true).spawn();
    let mut child = child.map_err(|error| not_started("ssh-keygen", &error))?;
    let ended = timeout(limits::SIGNING, child.wait()).await.map_err(|_| not_signed(&signing))?;
    if !ended.with_context(|| say!("not-signed"))?.success() {
        return Err(not_signed(&signing));
    }
    let signature = scratch.file("statement.sig");
    let read = std::fs::read_to_string(&signature);
    Ok(read.with_context(|| say!("could-not-read", path = signature.display()))?)
}

fn not_signed(signing: &Signing) -> Failure {
    let message = match &signing.key {
        Some(path) => say!("not-signed-with-file", path = path),
        None => say!("not-signed-with-agent"),
    };
    Failure::new(Kind::Failed, message)
}

/// A private directory, gone when it is dropped.
struct Scratch(std::path::PathBuf);

impl Scratch {
    fn new(runtime: &Path) -> anyhow::Result<Self> {
        let path = runtime.join(format!("signing-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        platform::create_private_directory(&path)
            .with_context(|| say!("could-not-create", path = path.display()))?;
        Ok(Self(path))
    }

    fn file(&self, name: &str) -> std::path::PathBuf {
        self.0.join(name)
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
