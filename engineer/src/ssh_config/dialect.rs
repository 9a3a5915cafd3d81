//! What the local ssh does not understand: each version knows a few options more, and a distribution may build it
//! without some. One unknown option in a file makes ssh refuse the whole file.

use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use fieldlink_protocol::text;
use tokio::io::AsyncWriteExt;
use tokio::process::Command;
use tokio::time::timeout;

use super::options::FIXED;
use crate::ssh_client::not_started;
use crate::words::say;

/// How long ssh may take to read what it is asked.
const PROMPT: Duration = Duration::from_secs(20);

/// The options of `FIXED` that the local ssh does not know, or would complain about.
pub(crate) async fn unsupported() -> anyhow::Result<Vec<String>> {
    let lines: String = FIXED.iter().map(|(option, value)| format!("{option} {value}\n")).collect();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/stdin", "-G", "scanner"]).env("LC_ALL", "C").kill_on_drop(true);
    ssh.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::piped());
    let mut child = ssh.spawn().map_err(|error| not_started("ssh", &error))?;
    let input = child.stdin.take();
    let asking = async {
        if let Some(mut input) = input {
            // An ssh that does not read to the end says why.
            let _ = input.write_all(lines.as_bytes()).await;
        }
        child.wait_with_output().await
    };
    let output = timeout(PROMPT, asking).await.with_context(|| say!("ssh-options-too-slow"))?;
    let output = output.with_context(|| say!("ssh-options-unknown"))?;
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints = complaints(&said);
    if complaints.is_empty() && !output.status.success() {
        bail!(say!("program-unusable", name = "ssh", said = text::sentence(said.trim())));
    }
    Ok(complaints)
}

/// The options that ssh names in its complaints.
fn complaints(said: &str) -> Vec<String> {
    let is_complaint = |line: &&str| {
        ["Bad configuration option", "Unsupported option", "Deprecated option"]
            .iter()
            .any(|words| line.contains(words))
    };
    let last_word = |line: &str| {
        let mut words = line.split(|character: char| !character.is_ascii_alphanumeric());
        words.rfind(|word| !word.is_empty()).map(str::to_lowercase)
    };
    let named: Vec<_> = said.lines().filter(is_complaint).filter_map(last_word).collect();
    let options = FIXED.iter().map(|&(option, _)| option);
    options.filter(|option| named.contains(&option.to_lowercase())).map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn complaints_name_the_options() {
        let said = "/dev/stdin: line 9: Bad configuration option: knownhostscommand\n\
                    /dev/stdin line 23: Unsupported option \"gssapiauthentication\"\n\
                    /dev/stdin: terminating, 1 bad configuration options\n";
        assert_eq!(complaints(said), ["KnownHostsCommand", "GSSAPIAuthentication"]);
        assert!(complaints("").is_empty());
    }

    #[tokio::test]
    async fn the_local_ssh_understands_the_rest() {
        let unsupported = unsupported().await.expect("ssh is installed");
        assert!(!unsupported.iter().any(|option| option == "IdentitiesOnly"), "{unsupported:?}");
    }
}
