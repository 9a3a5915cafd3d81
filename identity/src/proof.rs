//! A certificate with a signature of its key, as they travel with the first message of a pairing.
//!
//! `length of the statement (32-bit big-endian) ‖ statement ‖ SSHSIG`. The public key in the SSHSIG is the certificate,
//! so that `ssh-keygen -Y verify` can check statement and signature by a line of allowed_signers(5) with
//! `cert-authority`. The scanner knows what the statement has to be; it travels so that a refusal can say what differs.

use fieldlink_protocol::limits;
use ssh_key::encoding::{Decode, Encode, Reader};
use ssh_key::public::KeyData;
use ssh_key::{HashAlg, LineEnding, SshSig};

use crate::detached::is_canonical;
use crate::{Certificate, CertificateError, NAMESPACE, ProofError, Refusal, Statement, signature};

/// A certificate, and what its key signed. Not judged yet.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    certificate: Certificate,
    statement: Statement,
    signature: SshSig,
}

impl Proof {
    /// Puts a signature that `ssh-keygen -Y sign` has made, armoured, beside the certificate of its key. Checks that it
    /// fits.
    pub fn new(certificate: Certificate, statement: Statement, armoured: &str) -> Result<Self, ProofError> {
        let signature = SshSig::from_pem(armoured.trim()).map_err(|_| ProofError::Malformed)?;
        if signature.namespace() != NAMESPACE {
            return Err(ProofError::Namespace(signature.namespace().to_owned()));
        }
        let key = match signature.public_key() {
            KeyData::Certificate(theirs) => theirs.public_key(),
            key => key,
        };
        if key != certificate.key() {
            return Err(ProofError::OtherKey);
        }
        let (hash, made) = (signature.hash_alg(), signature.signature().clone());
        let key = KeyData::Certificate(Box::new(certificate.parsed().clone()));
        let signature = SshSig::new(key, NAMESPACE, hash, made).map_err(|_| ProofError::Malformed)?;
        let proof = Self { certificate, statement, signature };
        proof.is_signed().then_some(proof).ok_or(ProofError::Signature)
    }

    /// Reads one as it travels.
    pub fn read(bytes: &[u8]) -> Result<Self, Refusal> {
        let malformed = || Refusal::from(ProofError::Malformed);
        if bytes.len() > limits::PROOF {
            return Err(malformed());
        }
        let (length, rest) = bytes.split_first_chunk::<4>().ok_or_else(malformed)?;
        let (statement, mut rest) =
            rest.split_at_checked(u32::from_be_bytes(*length) as usize).ok_or_else(malformed)?;
        let sshsig = rest;
        let signature = SshSig::decode(&mut rest).map_err(|_| unreadable(sshsig))?;
        let KeyData::Certificate(certificate) = signature.public_key() else { return Err(malformed()) };
        let certificate = certificate.to_bytes().map_err(|_| malformed())?;
        let is_plain = signature.version() == SshSig::VERSION && signature.reserved().is_empty();
        if !is_plain || !rest.is_finished() || signature.encode_vec().ok().as_deref() != Some(sshsig) {
            return Err(malformed());
        }
        let certificate = Certificate::read(&certificate)?;
        Ok(Self { certificate, statement: Statement::unchecked(statement), signature })
    }

    /// Reads one from the three texts of it that a record keeps: the bytes of the statement, the armoured signature with
    /// the certificate in it, and the line of the certificate. Checks that they are of one proof, that the certificate's
    /// key has signed the statement, and that the authority which the certificate names has signed that; whether this
    /// is one to believe, the caller knows.
    pub fn from_texts(statement: &[u8], armoured: &str, certificate: &str) -> Result<Self, Refusal> {
        let signature = SshSig::from_pem(armoured).map_err(|_| ProofError::Malformed)?;
        let certificate = Certificate::from_openssh(certificate)?;
        let is_plain = signature.version() == SshSig::VERSION && signature.reserved().is_empty();
        if !is_plain || !is_canonical(&signature, armoured) {
            return Err(ProofError::Malformed.into());
        }
        match signature.public_key() {
            KeyData::Certificate(named) if **named == *certificate.parsed() => {}
            _ => return Err(ProofError::OtherKey.into()),
        }
        if !certificate.is_signed() {
            return Err(Refusal::Forged(certificate.key_id()));
        }
        let proof = Self { certificate, statement: Statement::unchecked(statement), signature };
        proof.check_signature()?;
        Ok(proof)
    }

    /// As it travels.
    pub fn encode(&self) -> Vec<u8> {
        let statement = self.statement.as_bytes();
        let mut bytes = Vec::with_capacity(statement.len() + 2048);
        bytes.extend_from_slice(&(statement.len() as u32).to_be_bytes());
        bytes.extend_from_slice(statement);
        bytes.extend_from_slice(&self.signature.encode_vec().unwrap_or_default());
        bytes
    }

    /// The certificate.
    pub fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// What was signed.
    pub fn statement(&self) -> &Statement {
        &self.statement
    }

    /// The signature, as `ssh-keygen -Y verify -s` reads it.
    pub fn armoured(&self) -> String {
        self.signature.to_pem(LineEnding::LF).unwrap_or_default()
    }

    /// Judges the signature by itself: its purpose, its key, the touch of its owner.
    pub(crate) fn check_signature(&self) -> Result<(), Refusal> {
        if self.signature.namespace() != NAMESPACE {
            return Err(Refusal::Namespace(self.signature.namespace().to_owned()));
        }
        if !self.is_signed() {
            return Err(Refusal::Signature(self.certificate.key_id()));
        }
        if self.certificate.asks_for_verification() && !self.is_user_verified() {
            return Err(Refusal::NotHardware(self.certificate.key_id()));
        }
        Ok(())
    }

    /// Whether a security key made the signature and verified its user for it.
    pub fn is_user_verified(&self) -> bool {
        signature::is_user_verified(self.certificate.key(), self.signature.signature())
    }

    fn is_signed(&self) -> bool {
        let hash = self.signature.hash_alg();
        matches!(hash, HashAlg::Sha256 | HashAlg::Sha512)
            && SshSig::signed_data(NAMESPACE, hash, self.statement.as_bytes()).is_ok_and(|data| {
                signature::verify(self.certificate.key(), &data, self.signature.signature())
            })
    }
}

/// Names the kind of a certificate that could not be parsed with its signature.
fn unreadable(sshsig: &[u8]) -> Refusal {
    // Behind the preamble and the version.
    let key = sshsig.get(10..).and_then(|rest| {
        let (length, rest) = rest.split_first_chunk::<4>()?;
        rest.get(..u32::from_be_bytes(*length) as usize)
    });
    match key.map(Certificate::read) {
        Some(Err(error)) if error != CertificateError::Malformed => error.into(),
        _ => ProofError::Malformed.into(),
    }
}
