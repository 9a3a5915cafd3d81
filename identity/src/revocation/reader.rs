//! The data types of RFC 4251, section 5, that occur in revocation lists.

use std::collections::HashSet;

use super::RevocationError;

/// What is left to read.
#[derive(Clone, Copy)]
pub(super) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self(bytes)
    }

    pub(super) fn is_finished(&self) -> bool {
        self.0.is_empty()
    }

    fn take<const N: usize>(&mut self) -> Result<[u8; N], RevocationError> {
        let (taken, rest) = self.0.split_first_chunk().ok_or(RevocationError::Damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    pub(super) fn u8(&mut self) -> Result<u8, RevocationError> {
        Ok(self.take::<1>()?[0])
    }

    pub(super) fn u32(&mut self) -> Result<u32, RevocationError> {
        self.take().map(u32::from_be_bytes)
    }

    pub(super) fn u64(&mut self) -> Result<u64, RevocationError> {
        self.take().map(u64::from_be_bytes)
    }

    pub(super) fn string(&mut self) -> Result<&'a [u8], RevocationError> {
        let length = self.u32()? as usize;
        let (string, rest) = self.0.split_at_checked(length).ok_or(RevocationError::Damaged)?;
        self.0 = rest;
        Ok(string)
    }

    /// A positive multiple precision integer, without zeros before it.
    pub(super) fn mpint(&mut self) -> Result<&'a [u8], RevocationError> {
        let digits = self.string()?;
        match digits {
            [0x80..=0xff, ..] => Err(RevocationError::Damaged),
            [0, rest @ ..] => Ok(rest),
            _ => Ok(digits),
        }
    }

    /// All that is left, string by string.
    pub(super) fn strings(&mut self, into: &mut HashSet<Vec<u8>>) -> Result<(), RevocationError> {
        while !self.is_finished() {
            into.insert(self.string()?.to_vec());
        }
        Ok(())
    }
}
