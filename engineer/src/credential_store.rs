//! The credential at rest: one line in a file that only its owner can read.

use std::path::{Path, PathBuf};

use anyhow::Context;
use fieldlink_protocol::credential::Credential;
use zeroize::Zeroizing;

use crate::exit::Failure;
use crate::words::say;
use crate::{platform, private_file};

/// Where the credential is kept.
#[derive(Debug)]
pub(crate) struct CredentialStore {
    directory: PathBuf,
}

impl CredentialStore {
    /// The store in the configuration directory.
    pub(crate) fn new(directory: &Path) -> Self {
        Self { directory: directory.to_owned() }
    }

    fn path(&self) -> PathBuf {
        self.directory.join("credential")
    }

    /// Reads the credential. A file that others can read is refused: it may be theirs by now.
    pub(crate) fn load(&self) -> Result<Credential, Failure> {
        let path = self.path();
        let text = private_file::read_secret(&path)?
            .map(Zeroizing::new)
            .ok_or_else(|| Failure::usage(say!("no-credential")))?;
        let parsed =
            Credential::parse(&text).with_context(|| say!("credential-unusable", path = path.display()))?;
        Ok(parsed)
    }

    /// Stores `credential`, in a directory that is made private if it is new.
    pub(crate) fn store(&self, credential: &Credential) -> anyhow::Result<()> {
        platform::create_private_directory(&self.directory)
            .with_context(|| say!("could-not-create", path = self.directory.display()))?;
        let line = Zeroizing::new(format!("{}\n", *credential.encode()));
        private_file::replace_durably(&self.path(), line.as_bytes())
    }
}

#[cfg(test)]
mod tests {
    use fieldlink_protocol::credential::EngineerIdentity;
    use fieldlink_protocol::ids::EngineerId;

    use super::*;
    use crate::exit::Kind;

    fn credential() -> Credential {
        let engineer =
            EngineerIdentity { id: EngineerId::random(), name: "Ada".into(), company: "Scans".into() };
        Credential::generate(engineer)
    }

    #[test]
    fn comes_back_as_it_was_and_unreadable_for_others() {
        let base = tempfile::tempdir().expect("a directory");
        let store = CredentialStore::new(&base.path().join("new"));
        assert_eq!(store.load().expect_err("nothing there").kind, Kind::Usage);
        let credential = credential();
        store.store(&credential).expect("stored");
        assert_eq!(store.load().expect("loaded").secret_hash(), credential.secret_hash());
        platform::check_private_directory(&base.path().join("new")).expect("private");
    }

    #[cfg(unix)]
    #[test]
    fn refuses_a_file_that_others_can_read() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().expect("a directory");
        let store = CredentialStore::new(base.path());
        store.store(&credential()).expect("stored");
        std::fs::set_permissions(store.path(), std::fs::Permissions::from_mode(0o640)).expect("chmod");
        let failure = store.load().expect_err("readable by a group");
        assert!(failure.message.contains("0640") && failure.message.contains("chmod 600"), "{failure}");
    }

    #[test]
    fn refuses_a_damaged_credential_without_showing_it() {
        let base = tempfile::tempdir().expect("a directory");
        let store = CredentialStore::new(base.path());
        private_file::replace(&store.path(), b"flk1.secret.secret.x\n").expect("written");
        let failure = store.load().expect_err("damaged");
        assert!(!failure.message.contains("flk1.secret"), "{failure}");
    }
}
