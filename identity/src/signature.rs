//! Signatures of every kind of key that OpenSSH certifies and that is understood here.

use ::signature::Verifier as _;
use aws_lc_rs::signature::{
    RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
};
use ssh_key::public::{KeyData, RsaPublicKey};
use ssh_key::{Algorithm, HashAlg, Signature};

/// The user touched the security key (PROTOCOL.u2f, "flags").
const USER_PRESENT: u8 = 0x01;
/// The security key verified its user, by PIN or fingerprint.
const USER_VERIFIED: u8 = 0x04;
/// What stands behind the signature of a security key: the flags, and a counter.
const SECURITY_KEY_TRAILER: usize = 5;
/// Bits of an RSA key.
const RSA_BITS: std::ops::RangeInclusive<u32> = 2048..=8192;

/// A key that is not accepted, by its name.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error(
    "keys of the type {0} are not supported here (use ed25519, sk-ssh-ed25519, ECDSA, or RSA from 2048 bits)"
)]
pub struct UnsupportedKey(String);

impl UnsupportedKey {
    pub(crate) fn named(kind: &str) -> Self {
        Self(kind.to_owned())
    }
}

/// Whether signatures of `key` can be verified.
pub(crate) fn check_key(key: &KeyData) -> Result<(), UnsupportedKey> {
    match key {
        KeyData::Ed25519(_) | KeyData::Ecdsa(_) | KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {
            Ok(())
        }
        KeyData::Rsa(rsa) if RSA_BITS.contains(&rsa.key_size()) => Ok(()),
        KeyData::Rsa(rsa) => Err(UnsupportedKey(format!("ssh-rsa with {} bits", rsa.key_size()))),
        other => Err(UnsupportedKey(other.algorithm().to_string())),
    }
}

/// Whether `signature` is that of `key` over `message`. A security key must have been touched.
pub(crate) fn verify(key: &KeyData, message: &[u8], signature: &Signature) -> bool {
    // OpenSSH compares the names as well.
    if !matches!(key, KeyData::Rsa(_)) && key.algorithm() != signature.algorithm() {
        return false;
    }
    match key {
        KeyData::Rsa(rsa) => verify_rsa(rsa, message, signature),
        KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_) => {
            flags(signature).is_some_and(|flags| flags & USER_PRESENT != 0)
                && key.verify(message, signature).is_ok()
        }
        _ => check_key(key).is_ok() && key.verify(message, signature).is_ok(),
    }
}

/// Whether `key` is on a security key, and `signature` tells that this has verified its user.
pub(crate) fn is_user_verified(key: &KeyData, signature: &Signature) -> bool {
    matches!(key, KeyData::SkEd25519(_) | KeyData::SkEcdsaSha2NistP256(_))
        && flags(signature).is_some_and(|flags| flags & USER_VERIFIED != 0)
}

fn flags(signature: &Signature) -> Option<u8> {
    let bytes = signature.as_bytes();
    bytes.get(bytes.len().checked_sub(SECURITY_KEY_TRAILER)?).copied()
}

/// RFC 8332: with SHA-2 only.
fn verify_rsa(key: &RsaPublicKey, message: &[u8], signature: &Signature) -> bool {
    let parameters: &'static RsaParameters = match signature.algorithm() {
        Algorithm::Rsa { hash: Some(HashAlg::Sha256) } => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::Rsa { hash: Some(HashAlg::Sha512) } => &RSA_PKCS1_2048_8192_SHA512,
        _ => return false,
    };
    let (Some(n), Some(e)) = (key.n().as_positive_bytes(), key.e().as_positive_bytes()) else { return false };
    RSA_BITS.contains(&key.key_size())
        && RsaPublicKeyComponents { n, e }.verify(parameters, message, signature.as_bytes()).is_ok()
}
