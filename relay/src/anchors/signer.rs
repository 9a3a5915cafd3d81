//! Signs heads with the key that is in its place now: a rotation counts from the next anchor on, without a restart.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::PathBuf;

use fieldlink_evidence::{ANCHOR_NAMESPACE, Anchor, KeptAnchor};
use fieldlink_identity::SigningKey;

use super::keys::{AnchorKeys, KeyFileError};

/// Which file it was, and since when.
type Identity = (u64, u64, i64);

/// The relay's hand.
pub(crate) struct Signer {
    directory: PathBuf,
    key: Option<(Identity, SigningKey)>,
    /// That it cannot be used was said.
    is_said: bool,
}

impl Signer {
    /// With the key in `directory`.
    pub(crate) fn new(directory: PathBuf) -> Self {
        Self { directory, key: None, is_said: false }
    }

    /// Signs `anchor`. Without a usable key there is none, which is said once.
    pub(crate) fn sign(&mut self, anchor: &Anchor) -> Option<KeptAnchor> {
        self.look();
        let (_, key) = self.key.as_ref()?;
        let mut kept = KeptAnchor { line: anchor.to_string(), signature: String::new() };
        kept.signature = key.sign(ANCHOR_NAMESPACE, &kept.signed_bytes()).ok()?;
        Some(kept)
    }

    /// Takes up the file in its place. While that cannot be used, what was read before goes on signing.
    fn look(&mut self) {
        let found = self.identity();
        if found.is_some() && found == self.key.as_ref().map(|(identity, _)| *identity) {
            return;
        }
        match self.read() {
            Ok(key) => {
                tracing::info!(key = ?key.1, "signs anchors");
                (self.key, self.is_said) = (Some(key), false);
            }
            Err(error) if !self.is_said => {
                let goes_on = self.key.is_some();
                tracing::error!(%error, goes_on, "the key for anchors cannot be used: sessions go on, without new anchors unless the last key goes on signing");
                self.is_said = true;
            }
            Err(_) => {}
        }
    }

    fn read(&self) -> Result<(Identity, SigningKey), KeyFileError> {
        let key = AnchorKeys::open_current(&self.directory)?;
        let identity = self.identity().ok_or_else(|| std::io::Error::from(std::io::ErrorKind::NotFound))?;
        Ok((identity, key))
    }

    fn identity(&self) -> Option<Identity> {
        let found = fs::metadata(self.directory.join(AnchorKeys::CURRENT)).ok()?;
        Some((found.dev(), found.ino(), found.ctime()))
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use fieldlink_evidence::{Digest, Head};
    use fieldlink_protocol::ids::SessionId;

    use super::*;

    #[test]
    fn a_rotation_counts_from_the_next_anchor_on() {
        let root = tempfile::tempdir().expect("a directory");
        let mut signer = Signer::new(root.path().to_owned());
        let head = Head { seq: 7, digest: Digest::of(b"line") };
        let (session, time) = (SessionId::random(), "2026-11-30T12:00:00Z".to_owned());
        let anchor = Anchor { session, head, time };
        let first = signer.sign(&anchor).expect("signed");
        let keys = AnchorKeys::open(root.path()).expect("made");
        let [current, next] = [&keys.current, &keys.next].map(|key| [key.trusted().expect("a key")]);
        assert_eq!(first.check(&current), Ok(anchor.clone()));
        AnchorKeys::rotate(root.path()).expect("rotated");
        assert_eq!(signer.sign(&anchor).expect("signed").check(&next), Ok(anchor.clone()));
        // The last good one goes on while the file cannot be used.
        let path = root.path().join(AnchorKeys::CURRENT);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o644)).expect("set");
        assert_eq!(signer.sign(&anchor).expect("signed").check(&next), Ok(anchor));
    }
}
