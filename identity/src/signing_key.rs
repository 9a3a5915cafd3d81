//! A key of a program's own that signs, in OpenSSH's forms: so that `ssh-keygen` makes it, prints it and verifies what
//! it has signed.

use ssh_key::private::{Ed25519Keypair, Ed25519PrivateKey, KeypairData};
use ssh_key::{HashAlg, LineEnding, PrivateKey};
use zeroize::Zeroizing;

use fieldlink_protocol::secret::Secret;

use crate::detached::TrustedKey;

/// Why a file holds no key that a program can sign with.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum SigningKeyError {
    /// It is no private key of OpenSSH's.
    #[error("it is no private key in OpenSSH's form")]
    Form,
    /// It is protected by a passphrase, or not of the type ed25519.
    #[error("it is no ed25519 key without a passphrase (make one with ssh-keygen -t ed25519 -N '')")]
    Kind,
    /// It could not be written in OpenSSH's form.
    #[error("it could not be encoded")]
    Encoding,
}

/// An ed25519 key (RFC 8032).
#[derive(Clone)]
pub struct SigningKey(PrivateKey);

impl std::fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "SigningKey({})", self.0.fingerprint(HashAlg::Sha256))
    }
}

impl SigningKey {
    /// Draws a new one. `comment` stands behind it wherever it is printed.
    pub fn generate(comment: &str) -> Result<Self, SigningKeyError> {
        let seed = Secret::<32>::random();
        let pair = Ed25519Keypair::from(Ed25519PrivateKey::from_bytes(seed.expose()));
        let key = PrivateKey::new(KeypairData::Ed25519(pair), comment);
        key.map(Self).map_err(|_| SigningKeyError::Encoding)
    }

    /// Reads what [`Self::to_openssh`] or `ssh-keygen` has written.
    pub fn read(text: &str) -> Result<Self, SigningKeyError> {
        let key = PrivateKey::from_openssh(text.trim()).map_err(|_| SigningKeyError::Form)?;
        match key.key_data() {
            KeypairData::Ed25519(_) => Ok(Self(key)),
            _ => Err(SigningKeyError::Kind),
        }
    }

    /// The private key, for its file.
    pub fn to_openssh(&self) -> Result<Zeroizing<String>, SigningKeyError> {
        let text = self.0.to_openssh(LineEnding::LF).map_err(|_| SigningKeyError::Encoding)?;
        Ok(Zeroizing::new(text.to_string()))
    }

    /// The public key, as the line of a `.pub` file, without its end.
    pub fn public_line(&self) -> Result<String, SigningKeyError> {
        self.0.public_key().to_openssh().map_err(|_| SigningKeyError::Encoding)
    }

    /// The public key, as one whose signatures count.
    pub fn trusted(&self) -> Result<TrustedKey, SigningKeyError> {
        TrustedKey::from_line(&self.public_line()?).map_err(|_| SigningKeyError::Encoding)
    }

    /// Signs `message` for `namespace`: SSHSIG, armoured (OpenSSH's PROTOCOL.sshsig).
    pub fn sign(&self, namespace: &str, message: &[u8]) -> Result<String, SigningKeyError> {
        let signature = self.0.sign(namespace, HashAlg::Sha512, message);
        let armoured = signature.and_then(|signature| signature.to_pem(LineEnding::LF));
        armoured.map_err(|_| SigningKeyError::Encoding)
    }
}

#[cfg(test)]
mod tests {
    use crate::DetachedSignature;

    use super::*;

    #[test]
    fn what_it_signs_is_its_own() {
        let key = SigningKey::generate("scanner-7").expect("a key");
        let again = SigningKey::read(&key.to_openssh().expect("text")).expect("the same");
        assert_eq!(again.public_line(), key.public_line());
        assert!(key.public_line().expect("a line").ends_with(" scanner-7"));
        let armoured = again.sign("test@v1", b"a message").expect("a signature");
        let signature = DetachedSignature::read(&armoured).expect("readable");
        let trusted = key.trusted().expect("a key");
        assert!(signature.is_of(&trusted, "test@v1", b"a message"));
        assert!(!signature.is_of(&trusted, "test@v1", b"another"));
        assert!(!signature.is_of(&trusted, "test@v2", b"a message"));
        let other = SigningKey::generate("").expect("a key").trusted().expect("a key");
        assert!(!signature.is_of(&other, "test@v1", b"a message"));
        assert!(!format!("{key:?}").contains("PRIVATE"));
        assert_eq!(SigningKey::read("no key").expect_err("none"), SigningKeyError::Form);
    }
}
