//! Numbers of certificates.

use std::collections::HashSet;
use std::ops::RangeInclusive;

use super::RevocationError;
use super::reader::Reader;

/// Numbers, in the three forms that lists have for them.
#[derive(Debug, Default)]
pub(super) struct Serials {
    single: HashSet<u64>,
    ranges: Vec<RangeInclusive<u64>>,
    /// Each from a number on, the last bit first.
    bitmaps: Vec<(u64, Vec<u8>)>,
}

impl Serials {
    pub(super) fn read_list(&mut self, mut reader: Reader<'_>) -> Result<(), RevocationError> {
        while !reader.is_finished() {
            self.single.insert(reader.u64()?);
        }
        Ok(())
    }

    pub(super) fn read_range(&mut self, mut reader: Reader<'_>) -> Result<(), RevocationError> {
        let range = reader.u64()?..=reader.u64()?;
        if range.is_empty() {
            return Err(RevocationError::Damaged);
        }
        self.ranges.push(range);
        finished(reader)
    }

    pub(super) fn read_bitmap(&mut self, mut reader: Reader<'_>) -> Result<(), RevocationError> {
        self.bitmaps.push((reader.u64()?, reader.mpint()?.to_vec()));
        finished(reader)
    }

    /// A certificate that has the number 0 has none, and cannot be revoked by it.
    pub(super) fn contain(&self, serial: u64) -> bool {
        serial != 0
            && (self.single.contains(&serial)
                || self.ranges.iter().any(|range| range.contains(&serial))
                || self.bitmaps.iter().any(|(offset, bits)| has_bit(*offset, bits, serial)))
    }
}

fn has_bit(offset: u64, bits: &[u8], serial: u64) -> bool {
    let Some(bit) = serial.checked_sub(offset) else { return false };
    let byte = usize::try_from(bit / 8).ok().and_then(|from_end| bits.len().checked_sub(from_end + 1));
    byte.is_some_and(|byte| bits[byte] & (1 << (bit % 8)) != 0)
}

fn finished(reader: Reader<'_>) -> Result<(), RevocationError> {
    if reader.is_finished() { Ok(()) } else { Err(RevocationError::Damaged) }
}
