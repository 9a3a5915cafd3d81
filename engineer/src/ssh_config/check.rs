//! Whether plain `ssh` would use a session as safely as `ssh -F` does.
//!
//! In an ssh_config the first value wins, and some options gather values from everywhere. So the
//! engineer's own configuration can weaken ours; `ssh -G` tells.

use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use tokio::process::Command;
use tokio::time::timeout;

/// Options that must come out as in the session's own file, in `ssh -G`'s spelling. An option that
/// ssh shows several times must come out with the same values in the same order.
const CHECKED: &[&str] = &[
    "hostname",
    "hostkeyalias",
    "user",
    "proxycommand",
    "proxyjump",
    "proxyusefdpass",
    "identityfile",
    "identitiesonly",
    "identityagent",
    "addkeystoagent",
    "certificatefile",
    "pkcs11provider",
    "userknownhostsfile",
    "globalknownhostsfile",
    "knownhostscommand",
    "revokedhostkeys",
    "stricthostkeychecking",
    "nohostauthenticationforlocalhost",
    "checkhostip",
    "updatehostkeys",
    "verifyhostkeydns",
    "hostkeyalgorithms",
    "pubkeyacceptedalgorithms",
    "preferredauthentications",
    "pubkeyauthentication",
    "passwordauthentication",
    "kbdinteractiveauthentication",
    "hostbasedauthentication",
    "gssapiauthentication",
    "gssapidelegatecredentials",
    "numberofpasswordprompts",
    "forwardagent",
    "forwardx11",
    "forwardx11trusted",
    "tunnel",
    "gatewayports",
    "permitlocalcommand",
    "canonicalizehostname",
    "ciphers",
    "kexalgorithms",
    "remoteforward",
];

/// How plain `ssh` stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Standing {
    /// Every option comes out as it should.
    Confirmed,
    /// The file of all sessions is not included.
    NotIncluded,
    /// This option comes out differently.
    Weakened(String),
}

/// Compares what plain `ssh` makes of `name` with what `ssh -F config` makes of it.
pub async fn check(config: &Path, name: &str) -> anyhow::Result<Standing> {
    let (wanted, found) = tokio::try_join!(evaluate(Some(config), name), evaluate(None, name))?;
    Ok(compare(&wanted, &found))
}

async fn evaluate(config: Option<&Path>, name: &str) -> anyhow::Result<String> {
    let mut ssh = Command::new("ssh");
    if let Some(config) = config {
        ssh.arg("-F").arg(config);
    }
    ssh.args(["-G", name]).stdin(Stdio::null()).kill_on_drop(true);
    // A configuration can run programs (`Match exec`); none may hold us up for long.
    let output = timeout(Duration::from_secs(2), ssh.output())
        .await
        .context("could not ask ssh -G: it took too long")?;
    let output = output.context("could not run ssh -G")?;
    if !output.status.success() {
        bail!(
            "could not ask ssh -G: {}",
            fieldlink_protocol::text::sentence(String::from_utf8_lossy(&output.stderr).trim())
        );
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

fn compare(wanted: &str, found: &str) -> Standing {
    if values(wanted, "proxycommand") != values(found, "proxycommand")
        && values(wanted, "hostkeyalias") != values(found, "hostkeyalias")
    {
        return Standing::NotIncluded;
    }
    let differs = |option: &&&str| values(wanted, option) != values(found, option);
    CHECKED
        .iter()
        .find(differs)
        .map_or(Standing::Confirmed, |option| Standing::Weakened((*option).to_string()))
}

fn values<'a>(output: &'a str, option: &str) -> Vec<&'a str> {
    let value = |line: &'a str| line.strip_prefix(option)?.strip_prefix(' ');
    output.lines().filter_map(value).collect()
}

#[cfg(test)]
mod tests {
    use super::super::tests::host;
    use super::*;

    /// What the local ssh makes of our file behind `before`.
    async fn standing(before: &str, after: &str) -> Standing {
        let base = tempfile::tempdir().expect("a directory");
        let (ours, theirs) = (base.path().join("ours"), base.path().join("theirs"));
        let file = host(base.path()).file().expect("safe");
        std::fs::write(&ours, &file).expect("written");
        std::fs::write(&theirs, format!("{before}\n{file}\n{after}\n")).expect("written");
        let (wanted, found) =
            tokio::try_join!(evaluate(Some(&ours), "scanner"), evaluate(Some(&theirs), "scanner"))
                .expect("ssh is installed");
        compare(&wanted, &found)
    }

    #[tokio::test]
    async fn sees_every_weakening_and_no_other_difference() {
        assert_eq!(standing("", "").await, Standing::Confirmed);
        let harmless = "Host *\n  ForwardAgent yes\n  ControlMaster auto\n  ControlPath /tmp/%C\n  LogLevel ERROR\n  SetEnv TERM=xterm";
        assert_eq!(standing("", harmless).await, Standing::Confirmed);
        for (before, after, option) in [
            ("Host *\n ForwardAgent yes", "", "forwardagent"),
            ("Host *\n StrictHostKeyChecking no", "", "stricthostkeychecking"),
            ("Host *\n UserKnownHostsFile /dev/null", "", "userknownhostsfile"),
            ("", "Host *\n IdentityFile /tmp/mine", "identityfile"),
            ("", "Host *\n RemoteForward 9000 localhost:22", "remoteforward"),
            ("Host *\n User root", "", "user"),
        ] {
            assert_eq!(standing(before, after).await, Standing::Weakened(option.into()), "{before}{after}");
        }
        let missing = compare("proxycommand a\nhostkeyalias b\n", "hostname scanner\n");
        assert_eq!(missing, Standing::NotIncluded);
    }
}
