//! Whether plain `ssh` would use a session as `ssh -F` does: as safely, and with the same result.
//!
//! In an ssh_config the first value wins, and some options gather values from everywhere. So the engineer's own
//! configuration can come in the way of ours. `ssh -G` tells, and all that it tells is compared, apart from what
//! is known to be harmless.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use anyhow::{Context, bail};
use fieldlink_protocol::text;
use tokio::process::Command;
use tokio::time::timeout;

use super::SshHost;
use super::options::{HARMLESS, gathers, may_be_sent, may_be_set};
use crate::words::say;

/// How long one evaluation of a configuration may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// How plain `ssh` stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Standing {
    /// Every option comes out as it should.
    Confirmed,
    /// Our file is not included.
    NotIncluded,
    /// These options come out differently.
    Weakened(Vec<Difference>),
}

/// An option that comes out differently.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Difference {
    /// As `ssh -G` writes it.
    pub option: String,
    /// What the engineer's configuration adds, where that may be shown.
    pub added: Vec<String>,
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.option)?;
        self.added.iter().try_for_each(|value| write!(formatter, " {}", text::name(value)))
    }
}

impl Difference {
    /// Whether it comes from anywhere in the configuration, so that the place of our line does not matter.
    fn is_gathered(&self) -> bool {
        gathers(&self.option)
    }
}

/// What is in the way, and what to do about it, for a person.
pub(crate) fn advice(differences: &[Difference]) -> String {
    let (gathered, earlier): (Vec<_>, Vec<_>) =
        differences.iter().partition(|difference| difference.is_gathered());
    let mut advice = Vec::new();
    if !earlier.is_empty() {
        advice.push(say!("configuration-changes", options = listed(&earlier)));
    }
    if !gathered.is_empty() {
        advice.push(say!("configuration-adds", options = listed(&gathered)));
    }
    advice.join("; ")
}

fn listed(differences: &[&Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

/// Compares what plain `ssh` makes of `name` with what `ssh -F config` makes of it.
pub(crate) async fn check(config: &Path, name: &str) -> anyhow::Result<Standing> {
    let (wanted, found) = tokio::try_join!(evaluate(Some(config), name), evaluate(None, name))?;
    Ok(compare(&wanted, &found))
}

/// The same for a session's own file, what is wanted of which was found out before the scanner was called.
pub(crate) async fn check_against(wanted: &Wanted, host: &SshHost) -> anyhow::Result<Standing> {
    let found = evaluate(None, &host.alias()).await?;
    Ok(compare(&wanted.of(host), &found))
}

/// What `ssh -F` makes of a session's file. Of what the file says, the scanner has a part only in the account and in the
/// name of its key.
pub(crate) struct Wanted {
    output: String,
    host: SshHost,
}

impl Wanted {
    /// Of the file at `config`, which was written for `host`.
    pub(crate) async fn find_out(config: &Path, host: SshHost) -> anyhow::Result<Self> {
        Ok(Self { output: evaluate(Some(config), &host.alias()).await?, host })
    }

    /// The same, had it been written for `host`.
    fn of(&self, host: &SshHost) -> String {
        let settings =
            |host: &SshHost| [format!("user {}", host.user), format!("hostkeyalias {}", host.key_alias())];
        let (before, after) = (settings(&self.host), settings(host));
        let replaced =
            |line: &str| before.iter().position(|setting| setting == line).map(|at| after[at].clone());
        self.output.lines().map(|line| replaced(line).unwrap_or_else(|| line.to_owned()) + "\n").collect()
    }
}

/// What `ssh -G` prints for `name`. A few options only go with a command, and one only without.
async fn evaluate(config: Option<&Path>, name: &str) -> anyhow::Result<String> {
    match ask(config, &[name]).await {
        Err(error) => ask(config, &[name, "true"]).await.or(Err(error)),
        output => output,
    }
}

async fn ask(config: Option<&Path>, words: &[&str]) -> anyhow::Result<String> {
    let mut ssh = Command::new("ssh");
    if let Some(config) = config {
        ssh.arg("-F").arg(config);
    }
    ssh.arg("-G").args(words).stdin(Stdio::null()).kill_on_drop(true);
    // A configuration can run programs (`Match exec`); none may hold us up for long.
    let output = timeout(PATIENCE, ssh.output()).await.with_context(|| say!("ssh-evaluation-too-slow"))?;
    let output = output.with_context(|| say!("ssh-evaluation-not-run"))?;
    if !output.status.success() {
        let said = text::sentence(String::from_utf8_lossy(&output.stderr).trim());
        bail!(say!("ssh-evaluation-failed", said = said));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// What stands behind each option; one that gathers values may stand there several times.
type Options<'a> = BTreeMap<&'a str, Vec<&'a str>>;

fn options(output: &str) -> Options<'_> {
    let mut options = Options::new();
    for (option, value) in output.lines().filter_map(|line| line.split_once(' ')) {
        options.entry(option).or_default().push(value);
    }
    options
}

fn values<'a, 'b>(options: &'b Options<'a>, name: &str) -> &'b [&'a str] {
    options.get(name).map_or(&[], Vec::as_slice)
}

fn compare(wanted: &str, found: &str) -> Standing {
    let (wanted, found) = (options(wanted), options(found));
    let is_ours = |option| wanted.get(option) == found.get(option);
    if ["proxycommand", "proxyusefdpass", "globalknownhostsfile"].into_iter().all(|option| !is_ours(option)) {
        return Standing::NotIncluded;
    }
    let names: BTreeSet<_> = wanted.keys().chain(found.keys()).copied().collect();
    let differences: Vec<_> = names
        .into_iter()
        .filter(|name| !HARMLESS.contains(&name.to_ascii_lowercase().as_str()))
        .filter_map(|name| difference(name, values(&wanted, name), values(&found, name)))
        .collect();
    if differences.is_empty() { Standing::Confirmed } else { Standing::Weakened(differences) }
}

fn difference(option: &str, wanted: &[&str], found: &[&str]) -> Option<Difference> {
    if !gathers(option) {
        return (wanted != found).then(|| Difference { option: option.to_owned(), added: Vec::new() });
    }
    let is_missing = wanted.iter().any(|value| !found.contains(value));
    let added = found.iter().filter(|value| !wanted.contains(value));
    let added: BTreeSet<_> = match option {
        "sendenv" => added.filter(|pattern| !may_be_sent(pattern)).copied().collect(),
        // The value may be a secret.
        "setenv" => {
            let names = added.map(|setting| setting.split_once('=').map_or(*setting, |(name, _)| name));
            names.filter(|name| !may_be_set(name)).collect()
        }
        _ => added.copied().collect(),
    };
    let added: Vec<_> = added.into_iter().map(str::to_owned).collect();
    (is_missing || !added.is_empty()).then(|| Difference { option: option.to_owned(), added })
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

    fn weakened(standing: &Standing) -> Vec<String> {
        match standing {
            Standing::Weakened(differences) => differences.iter().map(ToString::to_string).collect(),
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn nothing_that_an_ordinary_configuration_has_is_in_the_way() {
        assert_eq!(standing("", "").await, Standing::Confirmed);
        let ordinary = "Host *\n ForwardAgent yes\n ControlMaster auto\n ControlPath /tmp/%C\n ControlPersist 10m\n \
            LogLevel ERROR\n SetEnv TERM=xterm-256color\n ServerAliveInterval 30\n ServerAliveCountMax 3\n \
            HashKnownHosts yes\n Compression yes\n ConnectTimeout 10\n AddKeysToAgent yes\n IPQoS none\n \
            SendEnv LANG LC_* COLORTERM NO_COLOR\n GSSAPIAuthentication yes\n VisualHostKey yes\n \
            StrictHostKeyChecking accept-new\n RemoteCommand tmux\n RequestTTY force\n IgnoreUnknown UseKeychain\n \
            UseKeychain yes\nMatch final all\n Ciphers aes128-ctr\n MACs hmac-sha1";
        assert_eq!(standing("", ordinary).await, Standing::Confirmed);
    }

    #[tokio::test]
    async fn what_was_found_out_for_one_account_holds_for_another() {
        let base = tempfile::tempdir().expect("a directory");
        let (file, rehearsed) = (base.path().join("file"), host(base.path()));
        let session = fieldlink_protocol::ids::SessionId::random();
        let met = SshHost { user: "scan".into(), session, ..rehearsed.clone() };
        std::fs::write(&file, rehearsed.file().expect("safe")).expect("written");
        let wanted = Wanted::find_out(&file, rehearsed).await.expect("ssh is installed");
        std::fs::write(&file, met.file().expect("safe")).expect("written");
        let found = evaluate(Some(&file), &met.alias()).await.expect("ssh is installed");
        assert_eq!(wanted.of(&met).lines().collect::<Vec<_>>(), found.lines().collect::<Vec<_>>());
        assert!(found.lines().any(|line| line == "user scan"));
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_named() {
        for (before, after, option) in [
            ("Host *\n ForwardAgent yes", "", "forwardagent"),
            ("Host *\n StrictHostKeyChecking no", "", "stricthostkeychecking"),
            ("Host *\n UserKnownHostsFile /dev/null", "", "userknownhostsfile"),
            ("Host *\n User root", "", "user"),
            ("RemoteCommand tmux", "", "remotecommand"),
            ("", "Host *\n IdentityFile /tmp/mine", "identityfile /tmp/mine"),
            ("", "Host *\n RemoteForward 9000 localhost:22", "remoteforward 9000 [localhost]:22"),
            ("", "Host *\n LocalForward 9000 localhost:22", "localforward 9000 [localhost]:22"),
            ("", "Host *\n SendEnv *_TOKEN AWS_* LC_X", "sendenv *_TOKEN AWS_*"),
            ("", "Host *\n SetEnv API_KEY=hush TERM=xterm", "setenv API_KEY"),
        ] {
            assert_eq!(weakened(&standing(before, after).await), [option], "{before}{after}");
        }
        let missing = compare(
            "proxycommand a\nproxyusefdpass yes\nglobalknownhostsfile /dev/null\n",
            "proxyusefdpass no\nglobalknownhostsfile /etc/ssh/ssh_known_hosts\n",
        );
        assert_eq!(missing, Standing::NotIncluded);
        // An option that only a later ssh will have.
        let newer = compare("hostname a\nlatest no\n", "hostname a\nlatest yes\n");
        assert_eq!(weakened(&newer), ["latest"]);
    }
}
