//! Who may come in by name: the section `[engineers]` of `agent.toml`, and what it makes of a proof.

use std::fs::OpenOptions;
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{anyhow, bail, ensure};
use fieldlink_identity::{
    Authorities, Certificate, Moment, Proof, Proven, Refusal, Requirement, RevocationList, Statement,
};
use nix::fcntl::OFlag;
use serde::Deserialize;
use tokio::time::timeout;

/// How long the list of what was revoked may take.
const PATIENCE: Duration = Duration::from_secs(2);

/// `[engineers]`, as it is written.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
struct Section {
    authority: Vec<String>,
    principals: Vec<String>,
    require: Option<Require>,
    revoked: Option<PathBuf>,
}

/// What an engineer has to show.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
enum Require {
    /// Nothing: only without an authority.
    None,
    /// A certificate.
    Certificate,
    /// A certificate of a security key that verifies its user.
    Hardware,
}

/// Whose word counts for who an engineer is.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(try_from = "Section")]
pub struct Engineers(Option<Certified>);

#[derive(Debug, Clone)]
struct Certified {
    authorities: Authorities,
    revoked: Option<PathBuf>,
}

/// An engineer who has proven who they are, and with what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Engagement {
    /// Who they are.
    pub proven: Proven,
    /// What they signed.
    pub proof: Proof,
}

impl TryFrom<Section> for Engineers {
    type Error = anyhow::Error;

    fn try_from(section: Section) -> anyhow::Result<Self> {
        let Section { authority, principals, require, revoked } = section;
        if authority.is_empty() {
            ensure!(
                principals.is_empty() && revoked.is_none() && matches!(require, None | Some(Require::None)),
                "principals, require and revoked need an authority whose certificates they are about"
            );
            return Ok(Self::default());
        }
        let requirement = match require {
            None | Some(Require::Certificate) => Requirement::Certificate,
            Some(Require::Hardware) => Requirement::Hardware,
            Some(Require::None) => bail!(
                "require = \"none\" and an authority cannot go together: nobody would have to show its certificate \
                 (set \"certificate\" or \"hardware\", or take the authority out)"
            ),
        };
        let authorities = Authorities::new(&authority, &principals, requirement)?;
        Ok(Self(Some(Certified { authorities, revoked })))
    }
}

impl Engineers {
    /// Relative paths are meant from `directory`.
    pub(crate) fn standing_in(mut self, directory: &Path) -> Self {
        if let Some(Certified { revoked: Some(path), .. }) = &mut self.0 {
            *path = directory.join(&*path);
        }
        self
    }

    /// Judges what came with a request: `expected` is what has to be signed. `None` if the relay's word counts.
    pub(crate) async fn judge(
        &self,
        proof: Option<Proof>,
        expected: &Statement,
    ) -> Result<Option<Engagement>, Refusal> {
        let Some(certified) = &self.0 else { return Ok(None) };
        let proof = proof.ok_or(Refusal::Missing)?;
        let now = Moment::of(SystemTime::now());
        let proven = certified.authorities.judge(&proof, expected, now)?;
        certified.check_revoked(proof.certificate()).await?;
        Ok(Some(Engagement { proven, proof }))
    }

    /// Judges a proof of a run that comes back to the session which `before` began. What holds is what held then.
    pub(crate) async fn judge_return(
        &self,
        proof: Option<Proof>,
        expected: &Statement,
        before: Option<&Engagement>,
    ) -> Result<(), Refusal> {
        let Some(certified) = &self.0 else { return Ok(()) };
        let (proof, before) = proof.zip(before).ok_or(Refusal::Missing)?;
        certified.authorities.judge_return(&proof, expected, &before.proven.fingerprint)?;
        certified.check_revoked(proof.certificate()).await
    }
}

impl Certified {
    /// Reads the list anew for every certificate that holds otherwise: what was revoked a minute ago does not come in.
    async fn check_revoked(&self, certificate: &Certificate) -> Result<(), Refusal> {
        let Some(path) = self.revoked.clone() else { return Ok(()) };
        let unknown =
            |error: anyhow::Error| Refusal::RevocationUnknown(format!("{}: {error:#}", path.display()));
        let read = tokio::task::spawn_blocking({
            let path = path.clone();
            move || read_list(&path)
        });
        let read =
            timeout(PATIENCE, read).await.map_err(|_| unknown(anyhow!("it cannot be read in time")))?;
        let list = read.map_err(|error| unknown(error.into()))?.map_err(unknown)?;
        if list.revokes(certificate) { Err(Refusal::Revoked(certificate.key_id())) } else { Ok(()) }
    }
}

/// What is no file, such as a FIFO that nobody writes to, is not waited for.
fn read_list(path: &Path) -> anyhow::Result<RevocationList> {
    let mut bytes = Vec::new();
    let file = OpenOptions::new().read(true).custom_flags(OFlag::O_NONBLOCK.bits()).open(path)?;
    ensure!(file.metadata()?.is_file(), "it is no file");
    file.take(RevocationList::LENGTH as u64 + 1).read_to_end(&mut bytes)?;
    Ok(RevocationList::read(&bytes)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    const KEY: &str =
        "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICRVDuorFgvt0/6SVVfQgRQZDo1yK8h1tgB8DDYI0Eur Scans Ltd";

    fn section(text: &str) -> anyhow::Result<Engineers> {
        let engineers: Engineers = fieldlink_protocol::settings::parse(text)?;
        Ok(engineers.standing_in(Path::new("/etc/fieldlink")))
    }

    #[test]
    fn without_an_authority_the_relays_word_counts() {
        for text in ["", "authority = []\n", "require = \"none\"\n"] {
            assert!(section(text).expect(text).0.is_none());
        }
    }

    #[test]
    fn an_authority_means_that_everybody_has_to_prove_it() {
        let text = format!("authority = [\"{KEY}\"]\nprincipals = [\"*@scans.example\"]\n");
        for more in ["", "require = \"certificate\"\n", "require = \"hardware\"\n", "revoked = \"krl\"\n"] {
            let engineers = section(&format!("{text}{more}")).expect(more);
            assert!(engineers.0.is_some());
        }
    }

    #[test]
    fn halves_are_refused_with_what_is_missing() {
        let text = format!("authority = [\"{KEY}\"]\nprincipals = [\"*\"]\n");
        for (text, named) in [
            (format!("authority = [\"{KEY}\"]\n"), "principals"),
            (format!("{text}require = \"none\"\n"), "cannot go together"),
            ("require = \"certificate\"\n".into(), "need an authority"),
            ("principals = [\"*\"]\n".into(), "need an authority"),
            ("revoked = \"/krl\"\n".into(), "need an authority"),
            ("authority = [\"ssh-ed25519\"]\nprincipals = [\"*\"]\n".into(), "no public key"),
            (format!("{text}require = \"passkey\"\n"), "passkey"),
            (format!("{text}authorities = 1\n"), "authorities"),
        ] {
            let error = format!("{:#}", section(&text).expect_err(&text));
            assert!(error.contains(named), "{error}");
        }
    }

    #[test]
    fn a_list_that_cannot_be_read_is_none() {
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("krl");
        for content in [None, Some(vec![]), Some(vec![b'x'; 64]), Some(vec![0; RevocationList::LENGTH + 2])] {
            if let Some(content) = &content {
                std::fs::write(&path, content).expect("written");
            }
            assert!(read_list(&path).is_err());
        }
        std::fs::remove_file(&path).expect("there");
        nix::unistd::mkfifo(&path, nix::sys::stat::Mode::S_IRUSR).expect("a FIFO");
        for path in [&path, base.path()] {
            assert!(read_list(path).expect_err("no file").to_string().contains("no file"), "{path:?}");
        }
    }
}
