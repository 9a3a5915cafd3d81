//! The last of what one terminal has shown, so that a watcher may come late, and lag behind without holding up anybody.

use std::collections::VecDeque;

/// Bytes that are kept of each terminal.
pub(super) const KEPT: usize = 64 * 1024;

/// The end of a stream of bytes. Places in it are counted from its beginning.
#[derive(Debug, Default)]
pub(super) struct Recent {
    kept: VecDeque<u8>,
    end: u64,
}

impl Recent {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        self.end += bytes.len() as u64;
        let bytes = &bytes[bytes.len().saturating_sub(KEPT)..];
        let too_many = (self.kept.len() + bytes.len()).saturating_sub(KEPT);
        self.kept.drain(..too_many);
        self.kept.extend(bytes);
    }

    /// The place behind the last byte.
    pub(super) fn end(&self) -> u64 {
        self.end
    }

    /// How many of the bytes from `place` on are not kept any more.
    pub(super) fn missing(&self, place: u64) -> u64 {
        (self.end - self.kept.len() as u64).saturating_sub(place)
    }

    /// Whole characters from `place` on, `most` bytes at most, and the place behind them. A character that has not come
    /// whole waits for its rest, unless the stream `is_over`.
    pub(super) fn text(&self, place: u64, most: usize, is_over: bool) -> (String, u64) {
        let from =
            usize::try_from(place.saturating_sub(self.end - self.kept.len() as u64)).unwrap_or(usize::MAX);
        let bytes: Vec<u8> = self.kept.iter().skip(from).take(most).copied().collect();
        let is_all = from + bytes.len() == self.kept.len();
        let whole = if is_all && is_over { bytes.len() } else { bytes.len() - begun(&bytes) };
        (String::from_utf8_lossy(&bytes[..whole]).into_owned(), place + whole as u64)
    }
}

/// How many bytes at the end of `bytes` are the beginning of a character of UTF-8 that goes on.
fn begun(bytes: &[u8]) -> usize {
    let last = bytes.iter().rev().take(3).enumerate();
    for (behind, byte) in last {
        let length = match byte {
            0b1000_0000..=0b1011_1111 => continue,
            0b1100_0000..=0b1101_1111 => 2,
            0b1110_0000..=0b1110_1111 => 3,
            0b1111_0000..=0b1111_0111 => 4,
            _ => 1,
        };
        return if length > behind + 1 { behind + 1 } else { 0 };
    }
    0
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_character_is_not_cut() {
        let mut recent = Recent::default();
        recent.push("a€".as_bytes().split_at(3).0);
        assert_eq!(recent.text(0, 100, false), ("a".into(), 1));
        assert_eq!(recent.text(1, 100, true), ("\u{fffd}".into(), 3), "nothing follows");
        recent.push(&"€".as_bytes()[2..]);
        assert_eq!(recent.text(1, 100, false), ("€".into(), 4));
        recent.push(b"\xff\xfe");
        assert_eq!(recent.text(4, 100, false), ("\u{fffd}\u{fffd}".into(), 6));
    }

    proptest! {
        /// However a reader reads, it gets every byte in order, or is told how many it missed.
        #[test]
        fn nothing_is_lost_unsaid(
            steps in prop::collection::vec((0usize..100_000, 1usize..70_000, any::<bool>()), 1..20)
        ) {
            let mut recent = Recent::default();
            let (mut place, mut count) = (0u64, 0u64);
            let byte = |at: u64| b'a' + (at % 26) as u8;
            for (length, most, reads) in steps {
                let bytes: Vec<u8> = (count..count + length as u64).map(byte).collect();
                count += length as u64;
                recent.push(&bytes);
                if reads {
                    place += recent.missing(place);
                    let (text, next) = recent.text(place, most, false);
                    prop_assert!(text.bytes().zip(place..).all(|(shown, at)| shown == byte(at)));
                    prop_assert_eq!(next, place + text.len() as u64);
                    prop_assert!(text.len() == most || next == recent.end());
                    place = next;
                }
            }
            prop_assert!(recent.end() == count && recent.missing(0) == count.saturating_sub(KEPT as u64));
        }
    }
}
