//! The engineer's own OpenSSH: what it can do, a key from it, and how it is started.

use std::path::Path;
use std::process::{Command, Stdio};

use anyhow::{Context, bail, ensure};
use fieldlink_protocol::text;

use crate::ssh_key::PublicKey;

/// Key exchanges that the agent offers, the best one first.
const KEY_EXCHANGES: &[&str] =
    &["mlkem768x25519-sha256", "curve25519-sha256", "curve25519-sha256@libssh.org"];

/// The key exchanges of the agent's list that the local ssh knows, for `KexAlgorithms`.
pub fn key_exchange() -> anyhow::Result<String> {
    let known = run(Command::new("ssh").args(["-Q", "kex"]))?;
    let shared: Vec<_> =
        KEY_EXCHANGES.iter().copied().filter(|kex| known.lines().any(|line| line == *kex)).collect();
    ensure!(
        !shared.is_empty(),
        "could not use ssh: it knows neither {}: upgrade OpenSSH",
        KEY_EXCHANGES.join(" nor ")
    );
    Ok(shared.join(","))
}

/// Makes an ed25519 key without a passphrase at `path`, which must lie in a private directory.
pub fn generate_key(path: &Path) -> anyhow::Result<PublicKey> {
    let public_path = path.with_extension("pub");
    run(Command::new("ssh-keygen").args(["-q", "-t", "ed25519", "-N", "", "-C", "", "-f"]).arg(path))?;
    let line = std::fs::read_to_string(&public_path)
        .with_context(|| format!("could not read {}", public_path.display()))?;
    let key = line.trim().parse().with_context(|| format!("could not read {}", public_path.display()))?;
    Ok(key)
}

/// The fingerprint of the one key in the file at `path`, as OpenSSH writes it.
pub fn fingerprint(path: &Path) -> anyhow::Result<String> {
    let said = run(Command::new("ssh-keygen").args(["-l", "-E", "sha256", "-f"]).arg(path))?;
    let word = said.split_whitespace().find(|word| word.starts_with("SHA256:"));
    word.map(str::to_owned).with_context(|| format!("could not tell the fingerprint of {}", path.display()))
}

/// `ssh` with the session's own configuration, for the host `alias`.
pub fn command(config: &Path, alias: &str) -> Command {
    let mut ssh = Command::new("ssh");
    ssh.arg("-F").arg(config).arg(alias);
    ssh
}

fn run(command: &mut Command) -> anyhow::Result<String> {
    let name = command.get_program().to_string_lossy().into_owned();
    let output = command.stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("could not run {name}: install the OpenSSH client"))?;
    if !output.status.success() {
        bail!("could not use {name}: {}", text::sentence(String::from_utf8_lossy(&output.stderr).trim()));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_ssh_serves() {
        assert!(key_exchange().expect("an ssh").contains("curve25519-sha256"));
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("id_ed25519");
        generate_key(&path).expect("a key");
        crate::platform::check_private_file(&std::fs::File::open(&path).expect("the key")).expect("private");
        let fingerprint = fingerprint(&path.with_extension("pub")).expect("a fingerprint");
        assert_eq!(fingerprint.len(), "SHA256:".len() + 43, "{fingerprint}");
        let problem = run(&mut Command::new("no-such-program-here")).expect_err("missing").to_string();
        assert!(problem.contains("install the OpenSSH client"));
    }
}
