//! What the local ssh does not understand: each version knows a few options more, and a distribution may build it
//! without some. One unknown option in a file makes ssh refuse the whole file.

use std::io::Write as _;
use std::process::{Command, Stdio};

use anyhow::{Context, bail};
use fieldlink_protocol::text;

use super::options::FIXED;

/// The options of [`FIXED`] that the local ssh does not know, or would complain about.
pub fn unsupported() -> anyhow::Result<Vec<String>> {
    let lines: String = FIXED.iter().map(|(option, value)| format!("{option} {value}\n")).collect();
    let mut ssh = Command::new("ssh");
    ssh.args(["-F", "/dev/stdin", "-G", "scanner"]);
    let mut child = ssh
        .env("LC_ALL", "C")
        .stdin(Stdio::piped())
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .context("could not run ssh: install the OpenSSH client")?;
    if let Some(mut input) = child.stdin.take() {
        // An ssh that does not read to the end says why.
        let _ = input.write_all(lines.as_bytes());
    }
    let output = child.wait_with_output().context("could not ask ssh what it knows")?;
    let said = String::from_utf8_lossy(&output.stderr);
    let complaints = complaints(&said);
    if complaints.is_empty() && !output.status.success() {
        bail!("could not use ssh: {}", text::sentence(said.trim()));
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

    #[test]
    fn the_local_ssh_understands_the_rest() {
        let unsupported = unsupported().expect("ssh is installed");
        assert!(!unsupported.iter().any(|option| option == "IdentitiesOnly"), "{unsupported:?}");
    }
}
