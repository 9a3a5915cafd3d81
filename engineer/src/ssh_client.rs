//! The engineer's own OpenSSH: what it can do, a key from it, and how it is started.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, bail, ensure};
use fieldlink_protocol::text;
use tokio::time::timeout;

use crate::ssh_key::PublicKey;
use crate::words::say;

/// Key exchanges that the agent offers, the best one first.
const KEY_EXCHANGES: &[&str] =
    &["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"];

/// The shell that ssh starts its ProxyCommand with. The engineer's own may print when it starts, or run no
/// commands at all, and then ssh gets no connection.
const SHELL: &str = "/bin/sh";

/// How long a program that waits for no input may take.
const PROMPT: Duration = Duration::from_secs(20);

/// The key exchanges of the agent's list that the local ssh knows, for `KexAlgorithms`.
pub(crate) async fn key_exchange() -> anyhow::Result<String> {
    let mut ssh = Command::new("ssh");
    ssh.args(["-Q", "kex"]);
    let known = succeed(ssh).await?;
    let shared: Vec<_> =
        KEY_EXCHANGES.iter().copied().filter(|kex| known.lines().any(|line| line == *kex)).collect();
    ensure!(!shared.is_empty(), say!("no-key-exchange", neither = neither(KEY_EXCHANGES)));
    Ok(shared.join(","))
}

/// `names` in one row: none of them.
fn neither(names: &[&str]) -> String {
    let names = names.iter().map(|&name| name.to_owned());
    names.reduce(|names, name| say!("neither-nor", names = names, name = name)).unwrap_or_default()
}

/// Makes an ed25519 key without a passphrase at `path`, which must lie in a private directory.
pub(crate) async fn generate_key(path: &Path) -> anyhow::Result<PublicKey> {
    let public_path = path.with_extension("pub");
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path);
    succeed(keygen).await?;
    let line = std::fs::read_to_string(&public_path)
        .with_context(|| say!("could-not-read", path = public_path.display()))?;
    let key = line.trim().parse().with_context(|| say!("could-not-read", path = public_path.display()))?;
    Ok(key)
}

/// The fingerprint of the one key in the file at `path`, as OpenSSH writes it.
pub(crate) async fn fingerprint(path: &Path) -> anyhow::Result<String> {
    let mut keygen = Command::new("ssh-keygen");
    keygen.args(["-l", "-E", "sha256", "-f"]).arg(path);
    let said = succeed(keygen).await?;
    let word = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    word.map(str::to_owned).with_context(|| say!("no-fingerprint", path = path.display()))
}

/// `ssh` with the session's own configuration, for the host `alias`, whatever shell the engineer has.
pub(crate) fn command(config: &Path, alias: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(config).arg(alias).env("SHELL", SHELL);
    ssh
}

async fn succeed(command: Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = output(command).await?;
    if !output.status.success() {
        bail!(say!("program-unusable", name = name, said = last_words(&output)));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program without input, and collects what it prints.
pub(crate) async fn output(command: Command) -> anyhow::Result<Output> {
    let name = command.get_program().to_string_lossy().into_owned();
    let mut command = tokio::process::Command::from(command);
    command.stdin(Stdio::null()).kill_on_drop(true);
    match timeout(PROMPT, command.output()).await {
        Ok(Ok(output)) => Ok(output),
        Ok(Err(error)) => Err(not_started(&name, &error)),
        Err(_) => bail!(say!("program-too-slow", name = name, seconds = PROMPT.as_secs())),
    }
}

/// Why a program could not be started, and what to do.
pub(crate) fn not_started(name: &str, error: &io::Error) -> anyhow::Error {
    anyhow::Error::msg(match error.kind() {
        io::ErrorKind::NotFound => say!("program-missing", name = name),
        io::ErrorKind::PermissionDenied => say!("program-is-none", name = name, error = error.to_string()),
        _ => say!("program-not-run", name = name, error = error.to_string()),
    })
}

/// What a program said at last, in one line fit to be shown.
pub(crate) fn last_words(output: &Output) -> String {
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<_> = said.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = lines[lines.len().saturating_sub(3)..].join("; ");
    if last.is_empty() {
        say!("ended-with", status = output.status.to_string())
    } else {
        text::sentence(&last)
    }
}

/// The engineer's shell, through which a plain ssh starts its ProxyCommand: what is wrong with it, if
/// something is.
pub(crate) async fn trouble_with_shell() -> Option<String> {
    let shell = std::env::var_os("SHELL")?;
    let shown = text::name(&shell.to_string_lossy());
    if shell.is_empty() {
        return Some(say!("shell-is-nothing"));
    }
    let mut command = Command::new(&shell);
    command.args([OsStr::new("-c"), OsStr::new("exec true")]);
    match output(command).await {
        Ok(output) if !output.status.success() => Some(say!("shell-runs-nothing", shell = shown)),
        Ok(output) if !output.stdout.is_empty() => Some(say!("shell-prints", shell = shown)),
        Ok(_) => None,
        Err(_) => Some(say!("shell-not-started", shell = shown)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn the_local_ssh_serves() {
        assert!(key_exchange().await.expect("an ssh").contains("curve25519-sha256"));
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("id_ed25519");
        generate_key(&path).await.expect("a key");
        crate::platform::check_private_file(&std::fs::File::open(&path).expect("the key")).expect("private");
        let fingerprint = fingerprint(&path.with_extension("pub")).await.expect("a fingerprint");
        assert_eq!(fingerprint.len(), "SHA256:".len() + 43, "{fingerprint}");
        let problem = succeed(Command::new("no-such-program-here")).await.expect_err("missing").to_string();
        assert!(problem.contains("install the OpenSSH client"));
    }
}
