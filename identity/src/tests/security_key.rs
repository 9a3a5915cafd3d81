//! An `sk-ssh-ed25519@openssh.com` key in software: what such a device computes, after PROTOCOL.u2f.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::signature::{Ed25519KeyPair, KeyPair};
use ssh_key::public::{Ed25519PublicKey, KeyData, SkEd25519};
use ssh_key::{Algorithm, HashAlg, LineEnding, PublicKey, Signature, SshSig};

use crate::{Certificate, NAMESPACE};

pub(super) struct SecurityKey(Ed25519KeyPair);

impl SecurityKey {
    pub(super) fn new() -> Self {
        Self(Ed25519KeyPair::generate().expect("a key"))
    }

    /// Its line in a file.
    pub(super) fn line(&self) -> String {
        PublicKey::new(self.public_key(), "").to_openssh().expect("a line")
    }

    /// An armoured SSHSIG of `message`.
    pub(super) fn armoured(&self, message: &[u8], flags: u8) -> String {
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, message).expect("short");
        let signature = self.sign(&data, flags);
        let signature = SshSig::new(self.public_key(), NAMESPACE, HashAlg::Sha512, signature);
        signature.expect("well-formed").to_pem(LineEnding::LF).expect("text")
    }

    /// As [`Self::armoured`], with the certificate in the place of the key.
    pub(super) fn certified(&self, certificate: &Certificate, message: &[u8], flags: u8) -> String {
        let data = SshSig::signed_data(NAMESPACE, HashAlg::Sha512, message).expect("short");
        let signature = self.sign(&data, flags);
        let key = KeyData::Certificate(Box::new(certificate.parsed().clone()));
        let signature = SshSig::new(key, NAMESPACE, HashAlg::Sha512, signature);
        signature.expect("well-formed").to_pem(LineEnding::LF).expect("text")
    }

    pub(super) fn public_key(&self) -> KeyData {
        let bytes: [u8; 32] = self.0.public_key().as_ref().try_into().expect("32 bytes");
        KeyData::SkEd25519(SkEd25519::new(Ed25519PublicKey(bytes), "ssh:"))
    }

    pub(super) fn sign(&self, message: &[u8], flags: u8) -> Signature {
        let trailer = [&[flags][..], &9u32.to_be_bytes()].concat();
        let hash = |bytes: &[u8]| digest(&SHA256, bytes).as_ref().to_vec();
        let signed = [hash(b"ssh:"), trailer.clone(), hash(message)].concat();
        let bytes = [self.0.sign(&signed).as_ref(), &trailer].concat();
        Signature::new(Algorithm::SkEd25519, bytes).expect("well-formed")
    }
}
