//! The rehearsal: before the scanner is called, the real ssh takes a connection from the session's socket, with
//! the real files under their real names. It gets as far as any connection gets on this computer alone: ssh
//! reads its configuration, starts the proxy through the shell, and is passed a descriptor.

use std::io;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::bail;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::timeout;

use crate::platform::LocalStream;
use crate::words::say;
use crate::{ssh_child, ssh_client};

/// What ssh shows at the end of a rehearsal that went well. It comes over the connection.
const PASSED: &str = "fieldlink rehearsal passed";
/// How an SSH connection begins.
const GREETING: &[u8; 8] = b"SSH-2.0-";
/// How long an ssh may take for its part.
const PATIENCE: Duration = Duration::from_secs(15);

/// Has the session's own ssh connect to the session's own socket.
pub(crate) async fn own_ssh(config: &Path, alias: &str) -> anyhow::Result<()> {
    match try_ssh(ssh_client::command(config, alias)).await? {
        None => Ok(()),
        Some(said) => bail!(say!("rehearsal-failed", said = said)),
    }
}

/// Has an ssh connect as engineers start it by hand. What is wrong, if something is, in one line.
pub(crate) async fn plain_ssh(config: &Path, alias: &str) -> Option<String> {
    let mut ssh = ssh_client::command(config, alias);
    match std::env::var_os("SHELL") {
        Some(shell) => ssh.env("SHELL", shell),
        None => ssh.env_remove("SHELL"),
    };
    match try_ssh(ssh).await {
        Ok(None) => None,
        Ok(Some(said)) => Some(ssh_client::trouble_with_shell().await.unwrap_or(said)),
        Err(error) => Some(format!("{error:#}")),
    }
}

/// What ssh said when it got no connection; `None` if it got one.
async fn try_ssh(mut ssh: Command) -> anyhow::Result<Option<String>> {
    // Whatever the configuration says of these, they would hide the answer or look for another connection.
    ssh.args(["-T", "-o", "LogLevel=INFO", "-o", "BatchMode=yes", "-o", "ControlPath=none", "true"]);
    let output = ssh_client::output(ssh_child::as_rehearsal(ssh)).await?;
    let passed = String::from_utf8_lossy(&output.stderr).contains(PASSED);
    Ok((!passed).then(|| ssh_client::last_words(&output)))
}

/// The session's part: greets the ssh at the other end of `stream`, and sends it away with a word that it
/// shows.
pub(crate) async fn answer(mut stream: LocalStream) -> io::Result<()> {
    let greeted = timeout(PATIENCE, async {
        let mut greeting = [0; GREETING.len()];
        stream.read_exact(&mut greeting).await?;
        if greeting != *GREETING {
            return Err(io::ErrorKind::InvalidData.into());
        }
        stream.write_all(b"SSH-2.0-fieldlink_rehearsal\r\n").await?;
        stream.write_all(&disconnect(PASSED)).await?;
        // What ssh still sends must find a reader, or ssh would see a broken connection first.
        let mut rest = stream.take(64 * 1024);
        tokio::io::copy(&mut rest, &mut tokio::io::sink()).await
    });
    greeted.await.map_err(io::Error::from)?.map(drop)
}

/// RFC 4253: `SSH_MSG_DISCONNECT`, by application, in a packet from before the key exchange.
fn disconnect(description: &str) -> Vec<u8> {
    const MESSAGE: u8 = 1;
    const BY_APPLICATION: u32 = 11;
    let mut payload = vec![MESSAGE];
    payload.extend(BY_APPLICATION.to_be_bytes());
    payload.extend((description.len() as u32).to_be_bytes());
    payload.extend(description.as_bytes());
    payload.extend(0u32.to_be_bytes());
    // Length, length of the padding, payload and padding make whole blocks of eight; four bytes at least.
    let padding = 4 + (8 - (4 + 1 + payload.len() + 4) % 8) % 8;
    let mut packet = ((1 + payload.len() + padding) as u32).to_be_bytes().to_vec();
    packet.push(padding as u8);
    packet.extend(payload);
    packet.resize(packet.len() + padding, 0);
    packet
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn packets_are_whole_blocks() {
        for length in 0..40 {
            let packet = disconnect(&"x".repeat(length));
            let padding = usize::from(packet[4]);
            assert_eq!(packet.len() % 8, 0, "{length}");
            assert!((4..12).contains(&padding), "{length}");
            assert_eq!(packet.len(), 4 + 1 + 1 + 4 + 4 + length + 4 + padding);
            assert_eq!(packet[..4], ((packet.len() - 4) as u32).to_be_bytes());
        }
    }

    #[tokio::test]
    async fn only_an_ssh_is_answered() {
        for (said, answered) in
            [("SSH-2.0-OpenSSH_9.2\r\n", true), ("hello\nSSH-2.0-", false), ("SSH", false)]
        {
            let (mut ssh, ours) = LocalStream::pair().expect("a pair");
            ssh.write_all(said.as_bytes()).await.expect("room");
            ssh.shutdown().await.expect("ended");
            assert_eq!(answer(ours).await.is_ok(), answered, "{said:?}");
            let mut heard = Vec::new();
            let _ = ssh.read_to_end(&mut heard).await;
            assert_eq!(String::from_utf8_lossy(&heard).contains(PASSED), answered, "{said:?}");
        }
    }
}
