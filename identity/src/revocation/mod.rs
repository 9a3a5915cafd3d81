//! OpenSSH's key revocation lists (PROTOCOL.krl), as `ssh-keygen -k` makes them.
//!
//! A list that has anything in it that is not understood is no list: what it revokes cannot be known then.

mod reader;
mod serials;

use std::collections::HashSet;

use aws_lc_rs::digest::{Algorithm, SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use ssh_key::encoding::Encode;
use ssh_key::public::KeyData;

use self::reader::Reader;
use self::serials::Serials;
use crate::Certificate;

const MAGIC: &[u8] = b"SSHKRL\n\0";
const FORMAT: u32 = 1;
const CERTIFICATES: u8 = 1;
const EXPLICIT_KEY: u8 = 2;
const FINGERPRINT_SHA1: u8 = 3;
const FINGERPRINT_SHA256: u8 = 5;
const EXTENSION: u8 = 255;
const SERIAL_LIST: u8 = 0x20;
const SERIAL_RANGE: u8 = 0x21;
const SERIAL_BITMAP: u8 = 0x22;
const KEY_ID: u8 = 0x23;
const CERTIFICATE_EXTENSION: u8 = 0x39;

/// Why bytes are no revocation list.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum RevocationError {
    /// They do not begin like one.
    #[error("it is no key revocation list: make it with \"ssh-keygen -k -f FILE …\"")]
    Foreign,
    /// It ends too early, or in the middle of something.
    #[error("the key revocation list is damaged")]
    Damaged,
    /// It has a part that is not understood.
    #[error("the key revocation list has a part of a kind that is not supported here ({0})")]
    Unsupported(u32),
    /// More than [`RevocationList::LENGTH`] bytes.
    #[error("the key revocation list is too long (at most {} bytes)", RevocationList::LENGTH)]
    TooLong,
}

/// What one authority, or any, has revoked of its certificates.
#[derive(Debug, Default)]
struct Section {
    /// The blob of the authority's key; empty for any.
    authority: Vec<u8>,
    serials: Serials,
    key_ids: HashSet<Vec<u8>>,
}

/// Certificates and keys that do not count any more.
#[derive(Debug, Default)]
pub struct RevocationList {
    sections: Vec<Section>,
    keys: HashSet<Vec<u8>>,
    sha1: HashSet<Vec<u8>>,
    sha256: HashSet<Vec<u8>>,
}

impl RevocationList {
    /// Longest list, in bytes.
    pub const LENGTH: usize = 1 << 20;

    /// Reads the content of a file.
    pub fn read(bytes: &[u8]) -> Result<Self, RevocationError> {
        if bytes.len() > Self::LENGTH {
            return Err(RevocationError::TooLong);
        }
        let body = bytes.strip_prefix(MAGIC).ok_or(RevocationError::Foreign)?;
        let mut reader = Reader::new(body);
        let format = reader.u32()?;
        if format != FORMAT {
            return Err(RevocationError::Unsupported(format));
        }
        // Its version, when it was made, and flags, of which there are none yet; reserved, and a comment.
        for _ in 0..3 {
            reader.u64()?;
        }
        for _ in 0..2 {
            reader.string()?;
        }
        let mut list = Self::default();
        while !reader.is_finished() {
            let kind = reader.u8()?;
            list.add(kind, Reader::new(reader.string()?))?;
        }
        Ok(list)
    }

    fn add(&mut self, kind: u8, mut reader: Reader<'_>) -> Result<(), RevocationError> {
        match kind {
            CERTIFICATES => self.sections.push(Section::read(reader)?),
            EXPLICIT_KEY => reader.strings(&mut self.keys)?,
            FINGERPRINT_SHA1 => reader.strings(&mut self.sha1)?,
            FINGERPRINT_SHA256 => reader.strings(&mut self.sha256)?,
            EXTENSION => extension(reader)?,
            kind => return Err(RevocationError::Unsupported(kind.into())),
        }
        Ok(())
    }

    /// Whether the certificate, its key or its authority's was revoked.
    pub fn revokes(&self, certificate: &Certificate) -> bool {
        self.has_key(certificate.key())
            || self.has_key(certificate.authority())
            || self.sections.iter().any(|section| section.revokes(certificate))
    }

    fn has_key(&self, key: &KeyData) -> bool {
        // A key that has no encoding is none that could be in a list.
        let Ok(blob) = key.encode_vec() else { return true };
        let hash = |algorithm: &'static Algorithm| digest(algorithm, &blob).as_ref().to_vec();
        self.keys.contains(&blob)
            || self.sha1.contains(&hash(&SHA1_FOR_LEGACY_USE_ONLY))
            || self.sha256.contains(&hash(&SHA256))
    }
}

impl Section {
    fn read(mut reader: Reader<'_>) -> Result<Self, RevocationError> {
        let mut section = Self { authority: reader.string()?.to_vec(), ..Self::default() };
        // Reserved.
        reader.string()?;
        while !reader.is_finished() {
            let kind = reader.u8()?;
            let mut part = Reader::new(reader.string()?);
            match kind {
                SERIAL_LIST => section.serials.read_list(part)?,
                SERIAL_RANGE => section.serials.read_range(part)?,
                SERIAL_BITMAP => section.serials.read_bitmap(part)?,
                KEY_ID => part.strings(&mut section.key_ids)?,
                CERTIFICATE_EXTENSION => extension(part)?,
                kind => return Err(RevocationError::Unsupported(kind.into())),
            }
        }
        Ok(section)
    }

    fn revokes(&self, certificate: &Certificate) -> bool {
        let is_theirs = self.authority.is_empty()
            || certificate.authority().encode_vec().is_ok_and(|authority| authority == self.authority);
        is_theirs
            && (self.serials.contain(certificate.serial())
                || self.key_ids.contains(certificate.parsed().key_id().as_bytes()))
    }
}

/// What is not critical may be left out.
fn extension(mut reader: Reader<'_>) -> Result<(), RevocationError> {
    reader.string()?;
    let is_critical = reader.u8()? != 0;
    reader.string()?;
    if is_critical || !reader.is_finished() {
        return Err(RevocationError::Unsupported(EXTENSION.into()));
    }
    Ok(())
}
