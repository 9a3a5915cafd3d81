//! OpenSSH user certificates of engineers.
//!
//! What the client reads comes from the key ID: `Ada Lovelace (Scans Ltd)` is a name and a company, and a text without
//! brackets a name whose company is the authority's own. The extensions `name@fieldlink` and `company@fieldlink` go
//! before it, for authorities whose key IDs have a form of their own:
//!
//! ```text
//! ssh-keygen -s ca -I 'Ada Lovelace (Scans Ltd)' -n ada@scans.example -V -5m:+8h ada.pub
//! ```

use aws_lc_rs::digest::{SHA256, digest};
use fieldlink_protocol::{limits, text};
use ssh_key::certificate::CertType;
use ssh_key::encoding::Encode;
use ssh_key::public::KeyData;
use ssh_key::{Algorithm, HashAlg, PublicKey};

use crate::signature::{self, UnsupportedKey};
use crate::{CERTIFICATE, Moment};

/// The one critical option that is understood: the key's owner must have been verified for each signature.
const VERIFY_REQUIRED: &str = "verify-required";
const NAME: &str = "name@fieldlink";
const COMPANY: &str = "company@fieldlink";
/// Most principals of a certificate, and the longest one, in bytes.
const PRINCIPALS: (usize, usize) = (64, 256);
/// Longest key ID, in bytes.
const KEY_ID: usize = 256;

/// Why a certificate is none that an engineer can use here, whoever signed it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum CertificateError {
    /// It cannot be parsed, or is not in the one form that certificates are written in.
    #[error("it is not an OpenSSH certificate, or is damaged")]
    Malformed,
    /// It is a public key.
    #[error("it is a public key and no certificate: name the file that ends in -cert.pub")]
    PlainKey,
    /// More than [`CERTIFICATE`] bytes, or too many principals, or too long a name.
    #[error("its {0} is too long")]
    TooLong(&'static str),
    /// It is a host's.
    #[error("it is a host certificate, not a user certificate")]
    Host,
    /// The engineer's key, or the authority's.
    #[error("{0}")]
    Key(#[from] UnsupportedKey),
    /// Critical options that are not understood.
    #[error("its critical option {0:?} is not supported here")]
    CriticalOption(String),
    /// It is for everybody.
    #[error("it names no principal, which would make it valid for all of them: sign it with -n")]
    NoPrincipal,
    /// Nothing in it can be shown as a name.
    #[error("its key ID (ssh-keygen -I) names nobody: it has to be a name, or \"name (company)\"")]
    Nameless,
}

/// A certificate of a kind that is understood. Whether it is to be believed is another question: see
/// [`Authorities`](crate::Authorities).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Certificate {
    bytes: Vec<u8>,
    parsed: ssh_key::Certificate,
    name: String,
    company: Option<String>,
}

impl Certificate {
    /// Reads the content of a file that `ssh-keygen -s` or another authority has written: one line.
    pub fn from_openssh(line: &str) -> Result<Self, CertificateError> {
        let line = line.trim();
        if line.len() > 2 * CERTIFICATE {
            return Err(CertificateError::TooLong("text"));
        }
        let kind = line.split(' ').next().unwrap_or_default();
        if !kind.contains("-cert-") && PublicKey::from_openssh(line).is_ok() {
            return Err(CertificateError::PlainKey);
        }
        Self::check_kind(kind)?;
        let parsed = ssh_key::Certificate::from_openssh(line).map_err(|_| CertificateError::Malformed)?;
        Self::read(&parsed.to_bytes().map_err(|_| CertificateError::Malformed)?)
    }

    /// Reads a certificate as it travels.
    pub fn read(bytes: &[u8]) -> Result<Self, CertificateError> {
        if bytes.len() > CERTIFICATE {
            return Err(CertificateError::TooLong("text"));
        }
        let kind = bytes.get(4..).unwrap_or_default();
        let length = bytes.first_chunk::<4>().map_or(0, |length| u32::from_be_bytes(*length) as usize);
        let kind = kind.get(..length).and_then(|kind| std::str::from_utf8(kind).ok());
        Self::check_kind(kind.ok_or(CertificateError::Malformed)?)?;
        let parsed = ssh_key::Certificate::from_bytes(bytes).map_err(|_| CertificateError::Malformed)?;
        // What is hashed and shown is then all that was signed.
        if parsed.to_bytes().ok().as_deref() != Some(bytes) {
            return Err(CertificateError::Malformed);
        }
        check(&parsed)?;
        let (name, company) = person(&parsed)?;
        Ok(Self { bytes: bytes.to_owned(), parsed, name, company })
    }

    /// Names a kind of certificate that the library does not parse.
    fn check_kind(kind: &str) -> Result<(), CertificateError> {
        if Algorithm::new_certificate(kind).is_ok_and(|known| !matches!(known, Algorithm::Other(_))) {
            return Ok(());
        }
        if kind.ends_with("-cert-v01@openssh.com") && text::check("kind", kind, 64).is_ok() {
            return Err(UnsupportedKey::named(kind).into());
        }
        Err(CertificateError::Malformed)
    }

    /// As it travels.
    pub fn as_bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// As the line of a `-cert.pub` file, without its end.
    pub fn to_openssh(&self) -> String {
        self.parsed.to_openssh().unwrap_or_default()
    }

    /// The SHA-256 of [`Self::as_bytes`], to which a pairing is bound.
    pub fn hash(&self) -> [u8; 32] {
        let mut hash = [0; 32];
        hash.copy_from_slice(digest(&SHA256, &self.bytes).as_ref());
        hash
    }

    /// Who it is for, as it is to be shown.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Whom they work for, if it says so.
    pub fn company(&self) -> Option<&str> {
        self.company.as_deref()
    }

    /// What the authority calls it, in characters that harm no terminal.
    pub fn key_id(&self) -> String {
        text::clean(self.parsed.key_id(), KEY_ID)
    }

    /// The authority's number for it; 0 if it does not number them.
    pub fn serial(&self) -> u64 {
        self.parsed.serial()
    }

    /// As whom it lets in.
    pub fn principals(&self) -> impl Iterator<Item = &str> {
        self.parsed.valid_principals().iter().map(String::as_str)
    }

    /// The time from and before which it is valid, in seconds since 1970.
    pub fn validity(&self) -> (u64, u64) {
        (self.parsed.valid_after(), self.parsed.valid_before())
    }

    /// Whether it is valid at `now`.
    pub fn is_valid_at(&self, now: Moment) -> bool {
        let (after, before) = self.validity();
        now.is_past(after) && now.is_before(before)
    }

    /// The fingerprint of the engineer's key, as OpenSSH shows it.
    pub fn fingerprint(&self) -> String {
        self.key().fingerprint(HashAlg::Sha256).to_string()
    }

    /// The fingerprint of the authority's key.
    pub fn authority_fingerprint(&self) -> String {
        self.authority().fingerprint(HashAlg::Sha256).to_string()
    }

    /// The engineer's public key in OpenSSH's format, with which `ssh-keygen` and agents find the private one.
    pub fn public_key(&self) -> String {
        PublicKey::new(self.key().clone(), "").to_openssh().unwrap_or_default()
    }

    pub(crate) fn key(&self) -> &KeyData {
        self.parsed.public_key()
    }

    pub(crate) fn authority(&self) -> &KeyData {
        self.parsed.signature_key()
    }

    pub(crate) fn parsed(&self) -> &ssh_key::Certificate {
        &self.parsed
    }

    /// Whether each signature must tell that the key's owner was verified.
    pub(crate) fn asks_for_verification(&self) -> bool {
        self.parsed.critical_options().contains_key(VERIFY_REQUIRED)
    }

    /// Whether the authority that it names has signed it.
    pub(crate) fn is_signed(&self) -> bool {
        let signature = self.parsed.signature();
        let Ok(signature_length) = signature.encoded_len_prefixed() else { return false };
        let Some(signed) = self.bytes.len().checked_sub(signature_length) else { return false };
        signature::verify(self.authority(), &self.bytes[..signed], signature)
    }
}

/// Checks what does not depend on who signed it.
fn check(certificate: &ssh_key::Certificate) -> Result<(), CertificateError> {
    if certificate.cert_type() != CertType::User {
        return Err(CertificateError::Host);
    }
    signature::check_key(certificate.public_key())?;
    signature::check_key(certificate.signature_key())?;
    let unknown = certificate.critical_options().keys().find(|name| *name != VERIFY_REQUIRED);
    if let Some(name) = unknown {
        return Err(CertificateError::CriticalOption(text::clean(name, 64)));
    }
    let principals = certificate.valid_principals();
    let (most, longest) = PRINCIPALS;
    if principals.len() > most || principals.iter().any(|principal| principal.len() > longest) {
        return Err(CertificateError::TooLong("list of principals"));
    }
    if certificate.key_id().len() > KEY_ID {
        return Err(CertificateError::TooLong("key ID"));
    }
    if principals.is_empty() {
        return Err(CertificateError::NoPrincipal);
    }
    Ok(())
}

/// Name and company.
fn person(certificate: &ssh_key::Certificate) -> Result<(String, Option<String>), CertificateError> {
    let extension = |name| certificate.extensions().get(name).map(|value| text::clean(value, limits::NAME));
    let key_id = text::clean(certificate.key_id(), KEY_ID);
    let (name, company) = match key_id.strip_suffix(')').and_then(|rest| rest.rsplit_once('(')) {
        Some((name, company)) => (name.trim(), Some(company.trim().to_owned())),
        None => (key_id.trim(), None),
    };
    let name = extension(NAME).unwrap_or_else(|| name.to_owned());
    let company = extension(COMPANY).or(company).filter(|company| !company.is_empty());
    text::check("the name", &name, limits::NAME).map_err(|_| CertificateError::Nameless)?;
    if let Some(company) = &company {
        text::check("the company", company, limits::NAME)
            .map_err(|_| CertificateError::TooLong("company"))?;
    }
    Ok((name, company))
}
