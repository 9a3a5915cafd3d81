//! The frames of a pipe. One WebSocket message holds one frame; numbers are big-endian.
//!
//! | byte | frame | rest |
//! |---|---|---|
//! | `0x01` | HELLO | version u8, role u8, kind u8, pipe `[16]`, nonce `[32]`, epoch u64, received u64, window u32 |
//! | `0x02` | PROOF | HMAC `[32]` |
//! | `0x03` | DATA | offset u64, at least one byte of payload |
//! | `0x04` | ACK | offset u64: everything before it was taken by the reader |
//! | `0x05` | FIN | offset u64: the sender's stream ends here. It counts as one more byte in ACKs |
//! | `0x06` | PING | answer at once |
//! | `0x07` | PONG | the answer |

use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use super::{PipeKind, Role, VERSION};
use crate::code::Code;
use crate::ids::PipeId;
use crate::limits::{self, DATA_HEADER};

const HELLO: u8 = 0x01;
const PROOF: u8 = 0x02;
const DATA: u8 = 0x03;
const ACK: u8 = 0x04;
const FIN: u8 = 0x05;
const PING: u8 = 0x06;
const PONG: u8 = 0x07;
const HELLO_LENGTH: usize = 1 + 3 + 16 + 32 + 8 + 8 + 4;

/// The first frame of every connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hello {
    /// The side that sends it.
    pub role: Code<Role>,
    /// What the pipe carries.
    pub kind: Code<PipeKind>,
    /// Which pipe.
    pub pipe: PipeId,
    /// Fresh for every connection.
    pub nonce: [u8; 32],
    /// From the engineer: this connection's epoch. From the agent: the highest it has accepted.
    pub epoch: u64,
    /// How many bytes of the peer's stream have arrived.
    pub received: u64,
    /// How many bytes beyond the last acknowledged one the speaker takes.
    pub window: u32,
}

/// A frame that was read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    /// See [`Hello`].
    Hello(Hello),
    /// Proof of the pipe's key.
    Proof([u8; 32]),
    /// A piece of the stream.
    Data {
        /// Where the piece begins.
        offset: u64,
        /// Never empty.
        payload: Bytes,
    },
    /// The reader has taken everything before this offset.
    Ack(u64),
    /// The sender's stream ends at this offset.
    Fin(u64),
    /// Is the other side still there?
    Ping,
    /// The answer to a ping.
    Pong,
}

/// Bytes that are no frame.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum FrameError {
    /// The peer speaks another version of this protocol.
    #[error("the peer speaks version {0} of the pipe protocol, this side speaks {VERSION}")]
    Version(u8),
    /// Unknown type or wrong length.
    #[error("could not read a pipe frame of {0} bytes")]
    Malformed(usize),
}

impl Hello {
    /// A HELLO frame as the value of a header.
    pub fn to_header(frame: &[u8]) -> String {
        BASE64.encode(frame)
    }

    /// The HELLO frame in the value of a header; `None` if that is anything else.
    pub fn of_header(value: &str) -> Option<Bytes> {
        // Longer than any HELLO.
        let frame = Bytes::from(BASE64.decode(value).ok().filter(|_| value.len() <= 2 * HELLO_LENGTH)?);
        Self::is_one(&frame).then_some(frame)
    }

    /// Whether `frame` is a HELLO of this version.
    pub fn is_one(frame: &Bytes) -> bool {
        frame.len() == HELLO_LENGTH && matches!(Frame::decode(frame.clone()), Ok(Frame::Hello(_)))
    }

    /// The frame's bytes, which are also what the proofs cover.
    pub fn encode(&self) -> Bytes {
        let mut out = BytesMut::with_capacity(HELLO_LENGTH);
        out.put_slice(&[HELLO, VERSION, self.role.number(), self.kind.number()]);
        out.put_slice(self.pipe.as_bytes());
        out.put_slice(&self.nonce);
        out.put_u64(self.epoch);
        out.put_u64(self.received);
        out.put_u32(self.window);
        out.freeze()
    }

    fn decode(mut body: &[u8]) -> Option<Self> {
        let (role, kind) = (Code::from_number(body.get_u8()), Code::from_number(body.get_u8()));
        let (mut pipe, mut nonce) = ([0; 16], [0; 32]);
        body.copy_to_slice(&mut pipe);
        body.copy_to_slice(&mut nonce);
        let (epoch, received, window) = (body.get_u64(), body.get_u64(), body.get_u32());
        let pipe = PipeId::from_bytes(pipe);
        (limits::PIPE_WINDOW_MIN..=limits::PIPE_WINDOW_MAX).contains(&window).then_some(Self {
            role,
            kind,
            pipe,
            nonce,
            epoch,
            received,
            window,
        })
    }
}

impl Frame {
    /// Reads one frame.
    pub fn decode(frame: Bytes) -> Result<Self, FrameError> {
        let malformed = FrameError::Malformed(frame.len());
        match (frame.first(), frame.len()) {
            // Version comes first, so that a later version may have another length.
            (Some(&HELLO), 2..) if frame[1] != VERSION => Err(FrameError::Version(frame[1])),
            (Some(&HELLO), HELLO_LENGTH) => Hello::decode(&frame[2..]).map(Self::Hello).ok_or(malformed),
            (Some(&PROOF), 33) => frame[1..].try_into().map(Self::Proof).map_err(|_| malformed),
            (Some(&DATA), 10..) => {
                Ok(Self::Data { offset: number(&frame), payload: frame.slice(DATA_HEADER..) })
            }
            (Some(&ACK), 9) => Ok(Self::Ack(number(&frame))),
            (Some(&FIN), 9) => Ok(Self::Fin(number(&frame))),
            (Some(&PING), 1) => Ok(Self::Ping),
            (Some(&PONG), 1) => Ok(Self::Pong),
            _ => Err(malformed),
        }
    }
}

fn number(frame: &[u8]) -> u64 {
    (&frame[1..]).get_u64()
}

pub(super) fn proof(tag: &[u8]) -> Bytes {
    [&[PROOF], tag].concat().into()
}

pub(super) fn ack(offset: u64) -> Bytes {
    numbered(ACK, offset)
}

pub(super) fn fin(offset: u64) -> Bytes {
    numbered(FIN, offset)
}

pub(super) fn ping() -> Bytes {
    Bytes::from_static(&[PING])
}

pub(super) fn pong() -> Bytes {
    Bytes::from_static(&[PONG])
}

fn numbered(kind: u8, offset: u64) -> Bytes {
    let mut out = BytesMut::with_capacity(9);
    out.put_u8(kind);
    out.put_u64(offset);
    out.freeze()
}

/// Fills in the header that the caller left room for in front of the payload.
pub(super) fn data(offset: u64, mut frame: BytesMut) -> Bytes {
    frame[0] = DATA;
    frame[1..DATA_HEADER].copy_from_slice(&offset.to_be_bytes());
    frame.freeze()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hello() -> Hello {
        Hello {
            role: Role::Engineer.into(),
            kind: PipeKind::Ssh.into(),
            pipe: PipeId::random(),
            nonce: [7; 32],
            epoch: 3,
            received: u64::MAX,
            window: 1 << 20,
        }
    }

    #[test]
    fn a_hello_survives_the_trip_and_says_its_version() {
        let encoded = hello().encode();
        assert!(matches!(Frame::decode(encoded.clone()), Ok(Frame::Hello(h)) if h.received == u64::MAX));
        let mut other = encoded.to_vec();
        other[1] = 9;
        other.push(0);
        assert_eq!(Frame::decode(other.into()), Err(FrameError::Version(9)));
    }

    proptest! {
        #[test]
        fn data_survives_the_trip(offset in any::<u64>(), payload in prop::collection::vec(any::<u8>(), 1..100)) {
            let mut frame = BytesMut::zeroed(DATA_HEADER);
            frame.extend_from_slice(&payload);
            prop_assert_eq!(
                Frame::decode(data(offset, frame)),
                Ok(Frame::Data { offset, payload: payload.into() })
            );
            prop_assert_eq!(Frame::decode(ack(offset)), Ok(Frame::Ack(offset)));
            prop_assert_eq!(Frame::decode(fin(offset)), Ok(Frame::Fin(offset)));
            prop_assert_eq!(Frame::decode(ping()), Ok(Frame::Ping));
            prop_assert_eq!(Frame::decode(pong()), Ok(Frame::Pong));
        }

        #[test]
        fn reads_anything_without_panicking(kind in 0u8..10, rest in prop::collection::vec(any::<u8>(), 0..100)) {
            let _ = Frame::decode([&[kind], rest.as_slice()].concat().into());
            let _ = Frame::decode(rest.into());
        }
    }
}
