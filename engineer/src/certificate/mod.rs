//! The engineer's own certificate: a file that the authority writes, and a key that signs.
//!
//! The key is never read here. `ssh-keygen -Y sign` signs with it: a file, with a passphrase or without; a security key
//! that is touched; a key in the engineer's ssh-agent, as PIV cards are.

mod signing;

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::Context;
use fieldlink_identity::{CERTIFICATE, Certificate, Moment};

use crate::exit::{Failure, Kind};
use crate::private_file;
use crate::words::say;

pub(crate) use signing::{Signing, sign};

/// A certificate that ends sooner than this is worth a word: a session lasts an hour.
const SOON: u64 = 60 * 60;
/// What OpenSSH appends to the name of a key's file for its certificate.
const SUFFIX: &str = "-cert.pub";

/// A certificate, and the file that it is in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct OwnCertificate {
    path: PathBuf,
    certificate: Certificate,
}

impl OwnCertificate {
    /// Reads the certificate in `path`.
    pub(crate) fn load(path: &Path) -> Result<Self, Failure> {
        let shown = path.display();
        let text = private_file::read(path)?;
        let text = text.ok_or_else(|| Failure::usage(say!("own-certificate-missing", path = shown)))?;
        let certificate = Certificate::from_openssh(&text).map_err(|error| {
            let (path, error) = (path.display(), error.to_string());
            Failure::usage(say!("own-certificate-unusable", path = path, error = error))
        })?;
        debug_assert!(certificate.as_bytes().len() <= CERTIFICATE);
        Ok(Self { path: path.to_owned(), certificate })
    }

    /// The certificate.
    pub(crate) fn certificate(&self) -> &Certificate {
        &self.certificate
    }

    /// The file that it is in.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Refuses a certificate that no scanner would take now, before anybody is called. What is said is about this
    /// computer and the authority, whom the engineer has to ask: nothing was refused by a scanner.
    pub(crate) fn check(&self) -> Result<(), Failure> {
        let now = Moment::of(SystemTime::now());
        let path = self.path.display();
        let times = self.times();
        if self.certificate.is_valid_at(now) {
            return Ok(());
        }
        let (after, _) = self.certificate.validity();
        let message = if after > now.seconds() {
            say!("own-certificate-not-yet", path = path, times = times)
        } else {
            say!("own-certificate-expired", path = path, times = times)
        };
        Err(Failure::new(Kind::CertificateExpired, message))
    }

    /// A word to an engineer whose certificate will soon be over.
    pub(crate) fn warning(&self) -> Option<String> {
        let (now, (_, before)) = (Moment::of(SystemTime::now()).seconds(), self.certificate.validity());
        let left = before.checked_sub(now).filter(|left| *left < SOON)?;
        Some(say!("own-certificate-soon", minutes = left.div_ceil(60)))
    }

    /// From when until when it is valid, as a part of a sentence.
    pub(crate) fn times(&self) -> String {
        let (after, before) = self.certificate.validity();
        let time = |seconds| fieldlink_protocol::timestamp::utc(seconds);
        match (after, before) {
            (_, u64::MAX) => say!("valid-for-ever"),
            (after, before) => say!("valid-from-to", after = time(after), before = time(before)),
        }
    }

    /// The file of the private key, if it lies where OpenSSH would look for it.
    fn private_key(&self) -> Option<PathBuf> {
        let name = self.path.file_name()?.to_str()?.strip_suffix(SUFFIX)?;
        Some(self.path.with_file_name(name)).filter(|path| path.exists())
    }

    /// What signs, for the process that has the terminal.
    pub(crate) fn signing(&self, statement: &[u8]) -> anyhow::Result<Signing> {
        let text = |path: PathBuf| {
            let text = path.to_str().map(str::to_owned);
            text.with_context(|| say!("path-not-text", path = path.display()))
        };
        let file = self.private_key().map(text).transpose()?;
        Ok(Signing::new(file, self.certificate.public_key(), statement))
    }
}
