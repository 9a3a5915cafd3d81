//! A signature beside what was signed, as `ssh-keygen -Y sign` makes it: armoured SSHSIG, with a plain key.

use fieldlink_protocol::{limits, text};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, PublicKey, SshSig};

use crate::signature::{self, UnsupportedKey};

/// Why a line is no key to go by.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum TrustedKeyError {
    /// It is no public key.
    #[error(
        "{0:?} is no public key of an authority: it has to be the line of its .pub file (\"ssh-ed25519 AAAA… comment\")"
    )]
    NoKey(String),
    /// It is of a kind that is not supported.
    #[error(transparent)]
    Kind(#[from] UnsupportedKey),
}

/// A public key whose owner's signatures count, and what the operator calls it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TrustedKey {
    pub(crate) key: KeyData,
    name: String,
}

impl TrustedKey {
    /// The key in a line of a `.pub` file (`ssh-ed25519 AAAA… comment`). Its name is the comment, or else its fingerprint.
    pub fn from_line(line: &str) -> Result<Self, TrustedKeyError> {
        let key = PublicKey::from_openssh(line.trim())
            .map_err(|_| TrustedKeyError::NoKey(text::clean(line, 80)))?;
        signature::check_key(key.key_data())?;
        let comment = text::clean(key.comment().as_str_lossy(), limits::NAME);
        let name = if comment.is_empty() { key.fingerprint(HashAlg::Sha256).to_string() } else { comment };
        Ok(Self { key: key.key_data().clone(), name })
    }

    /// What the operator calls it.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Its fingerprint, as OpenSSH writes it.
    pub fn fingerprint(&self) -> String {
        self.key.fingerprint(HashAlg::Sha256).to_string()
    }
}

/// The text is no armoured SSHSIG.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("could not read the signature: it is none that ssh-keygen -Y sign has made")]
pub struct UnreadableSignature;

/// A signature that was read, and means nothing before it was compared with what it should be of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DetachedSignature(SshSig);

impl DetachedSignature {
    /// Reads an armoured signature, whose length the caller has bounded.
    pub fn read(armoured: &str) -> Result<Self, UnreadableSignature> {
        let signature = SshSig::from_pem(armoured.trim()).map_err(|_| UnreadableSignature)?;
        let is_plain = signature.version() == SshSig::VERSION && signature.reserved().is_empty();
        if is_plain { Ok(Self(signature)) } else { Err(UnreadableSignature) }
    }

    /// Reads one that has to be written in the one form that `ssh-keygen` and [`SigningKey`](crate::SigningKey) write: no
    /// bit of it can be changed, or anything be put behind it, without being noticed.
    pub fn read_canonical(armoured: &str) -> Result<Self, UnreadableSignature> {
        let signature = Self::read(armoured)?;
        if is_canonical(&signature.0, armoured) { Ok(signature) } else { Err(UnreadableSignature) }
    }

    /// What it was made for. Anybody's text.
    pub fn namespace(&self) -> &str {
        self.0.namespace()
    }

    /// Whether it names `key` as its maker; [`Self::is_of`] says whether that is so.
    pub fn names(&self, key: &TrustedKey) -> bool {
        *self.0.public_key() == key.key
    }

    /// The fingerprint of the key that it names.
    pub fn fingerprint(&self) -> String {
        self.0.public_key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// Whether the key that it names has signed `message` for `namespace`, whosever that is.
    pub fn fits(&self, namespace: &str, message: &[u8]) -> bool {
        let (key, hash) = (self.0.public_key(), self.0.hash_alg());
        self.namespace() == namespace
            && matches!(hash, HashAlg::Sha256 | HashAlg::Sha512)
            && SshSig::signed_data(namespace, hash, message)
                .is_ok_and(|data| signature::verify(key, &data, self.0.signature()))
    }

    /// Whether `key` has signed `message` for `namespace`.
    pub fn is_of(&self, key: &TrustedKey, namespace: &str, message: &[u8]) -> bool {
        self.names(key) && self.fits(namespace, message)
    }
}

/// Whether `armoured` is how `signature` is written.
pub(crate) fn is_canonical(signature: &SshSig, armoured: &str) -> bool {
    signature.to_pem(LineEnding::LF).is_ok_and(|written| written == armoured)
}

#[cfg(test)]
mod tests {
    use crate::SigningKey;

    use super::*;

    #[test]
    fn only_one_form_is_canonical() {
        let key = SigningKey::generate("").expect("a key");
        let armoured = key.sign("test@v1", b"a message").expect("a signature");
        assert!(DetachedSignature::read_canonical(&armoured).is_ok());
        for other in [format!("{armoured}\n"), armoured.trim().to_owned(), armoured.replace('\n', "\r\n")] {
            assert!(DetachedSignature::read(&other).is_ok());
            assert_eq!(DetachedSignature::read_canonical(&other), Err(UnreadableSignature), "{other:?}");
        }
    }
}
