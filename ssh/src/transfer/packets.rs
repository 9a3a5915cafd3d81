//! One direction of a channel, cut into the heads of packets and what follows them.

use bytes::Buf;

use super::Way;

/// The longest packet, behind its length: OpenSSH's `SFTP_MAX_MSG_LENGTH`.
const MOST: usize = 256 * 1024;
/// Length, type, ID, and the length of the string that follows (section 3).
const FIRST_STRING: usize = 13;
/// The longest handle (section 6.3).
const HANDLE: usize = 256;
/// As much of a packet as anything is read from: two paths of Linux's longest, and what is around them.
const HEAD: usize = 9 * 1024;

/// `SSH_FXP_WRITE` (section 6.4).
pub(super) const WRITE: u8 = 6;
/// `SSH_FXP_DATA` (section 7).
pub(super) const DATA: u8 = 103;

/// The stream is not understood.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct NotUnderstood;

/// A piece of a stream.
pub(super) enum Part<'a> {
    /// More is needed, or it is of no interest.
    Nothing,
    /// The head of a packet: all of it up to a payload, which follows; and how long that is.
    Head(Vec<u8>, usize),
    /// A piece of a payload that somebody asked for.
    Payload { file: u64, bytes: &'a [u8] },
}

/// One direction.
#[derive(Debug, Default)]
pub(super) struct Stream {
    head: Vec<u8>,
    /// Bytes behind the head that are still to come, and whose they are.
    behind: usize,
    payload: Option<u64>,
}

impl Stream {
    /// Takes the next part off the front of `bytes`.
    pub(super) fn next_part<'a>(
        &mut self,
        way: Way,
        bytes: &mut &'a [u8],
    ) -> Result<Part<'a>, NotUnderstood> {
        if self.behind > 0 {
            let piece = take(bytes, self.behind);
            self.behind -= piece.len();
            return Ok(match self.payload {
                Some(file) => Part::Payload { file, bytes: piece },
                None => Part::Nothing,
            });
        }
        let (head, packet) = self.wanted(way)?;
        let piece = take(bytes, head - self.head.len());
        self.head.extend_from_slice(piece);
        // What has come may say that more belongs to the head.
        let (head, packet) = match self.head.len() == head {
            true => self.wanted(way)?,
            false => (head, packet),
        };
        if self.head.len() < head {
            return Ok(Part::Nothing);
        }
        (self.behind, self.payload) = (packet - head, None);
        Ok(Part::Head(std::mem::take(&mut self.head), self.behind))
    }

    /// Whose the payload is of the packet whose head came last.
    pub(super) fn set_payload(&mut self, file: Option<u64>) {
        self.payload = file;
    }

    /// How long the head is, and the packet, as far as that is known yet.
    fn wanted(&self, way: Way) -> Result<(usize, usize), NotUnderstood> {
        let Some(mut length) = self.head.get(..4) else { return Ok((4, 4)) };
        let length = length.get_u32() as usize;
        if length == 0 || length > MOST {
            return Err(NotUnderstood);
        }
        let packet = 4 + length;
        let Some(kind) = self.head.get(4) else { return Ok((5, packet)) };
        let head = match (way, *kind) {
            (Way::Input, WRITE) => match self.head.get(9..FIRST_STRING) {
                None => FIRST_STRING,
                Some(mut handle) => match handle.get_u32() as usize {
                    // The handle, an offset, and the length of the data.
                    handle if handle <= HANDLE => FIRST_STRING + handle + 8 + 4,
                    _ => return Err(NotUnderstood),
                },
            },
            (Way::Output, DATA) => FIRST_STRING,
            _ => HEAD.min(packet),
        };
        if head > packet { Err(NotUnderstood) } else { Ok((head, packet)) }
    }
}

/// A string and what follows it (RFC 4251 section 5).
pub(super) fn string(bytes: &[u8]) -> Result<(&[u8], &[u8]), NotUnderstood> {
    let length = bytes.get(..4).ok_or(NotUnderstood)?.get_u32() as usize;
    bytes[4..].split_at_checked(length).ok_or(NotUnderstood)
}

fn take<'a>(bytes: &mut &'a [u8], most: usize) -> &'a [u8] {
    let (piece, rest) = bytes.split_at(most.min(bytes.len()));
    *bytes = rest;
    piece
}
