//! The sealed control channel: messages the relay carries and can neither read nor change.
//!
//! ChaCha20-Poly1305 (RFC 8439), one key per direction, nonce = four zero bytes ‖ a 64-bit
//! big-endian counter from 0, associated data = session ID ‖ run ID ‖ direction. On the pipe each
//! message stands behind its length as a 32-bit big-endian number. A message that was altered,
//! repeated, left out or swapped fails, and the channel refuses everything after it.

use aws_lc_rs::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};
use bytes::{Buf, BufMut, Bytes, BytesMut};

use crate::{
    ids::{RunId, SessionId},
    limits,
    pipe::Role,
    secret::Secret,
};

/// Bytes of a Poly1305 tag.
const TAG: usize = 16;

/// Seals the messages of one direction, in their order.
pub struct Sealer(Direction);

/// Opens the messages of one direction, in their order, however the pipe has cut them.
pub struct Opener {
    direction: Direction,
    buffer: BytesMut,
    broken: bool,
}

struct Direction {
    key: LessSafeKey,
    associated_data: [u8; 33],
    counter: u64,
}

/// A sealed message that is not the next one its sender sent. The session must end.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum SealError {
    /// Altered, repeated, out of order, or sealed with another key.
    #[error("could not open a sealed message: it was altered, repeated or left its place")]
    Tampered,
    /// Longer than [`limits::CONTROL_MESSAGE`], or shorter than a tag.
    #[error("could not open a sealed message: {0} bytes is not a permitted length")]
    Length(usize),
    /// A message of our own that does not fit.
    #[error("could not seal a message: it has {0} bytes, more than a control message may have")]
    TooLong(usize),
    /// The 2⁶⁴ messages of one key are used up.
    #[error("could not seal a message: the key is used up")]
    Exhausted,
}

impl Direction {
    fn new(key: &Secret<32>, session: SessionId, run: RunId, sender: Role) -> Self {
        let key = UnboundKey::new(&CHACHA20_POLY1305, key.expose()).expect("the key has the right length");
        let mut associated_data = [0; 33];
        associated_data[..16].copy_from_slice(session.as_bytes());
        associated_data[16..32].copy_from_slice(run.as_bytes());
        associated_data[32] = sender.code();
        Self { key: LessSafeKey::new(key), associated_data, counter: 0 }
    }

    fn next_nonce(&mut self) -> Result<Nonce, SealError> {
        let mut nonce = [0; 12];
        nonce[4..].copy_from_slice(&self.counter.to_be_bytes());
        self.counter = self.counter.checked_add(1).ok_or(SealError::Exhausted)?;
        Ok(Nonce::assume_unique_for_key(nonce))
    }
}

impl Sealer {
    /// A sealer for what `sender` says.
    pub fn new(key: &Secret<32>, session: SessionId, run: RunId, sender: Role) -> Self {
        Self(Direction::new(key, session, run, sender))
    }

    /// Seals `message` and puts its length in front.
    pub fn seal(&mut self, message: &[u8]) -> Result<Bytes, SealError> {
        if message.len() + TAG > limits::CONTROL_MESSAGE {
            return Err(SealError::TooLong(message.len()));
        }
        let mut sealed = message.to_vec();
        let nonce = self.0.next_nonce()?;
        self.0
            .key
            .seal_in_place_append_tag(nonce, Aad::from(self.0.associated_data), &mut sealed)
            .map_err(|_| SealError::Exhausted)?;
        let mut frame = BytesMut::with_capacity(4 + sealed.len());
        frame.put_u32(sealed.len() as u32);
        frame.put_slice(&sealed);
        Ok(frame.freeze())
    }
}

impl Opener {
    /// An opener for what `sender` says.
    pub fn new(key: &Secret<32>, session: SessionId, run: RunId, sender: Role) -> Self {
        Self { direction: Direction::new(key, session, run, sender), buffer: BytesMut::new(), broken: false }
    }

    /// Takes bytes as they come off the pipe. Never holds more than one message and one chunk.
    pub fn receive(&mut self, bytes: &[u8]) {
        if !self.broken {
            self.buffer.extend_from_slice(bytes);
        }
    }

    /// The next whole message, or `None` if more bytes are needed. After an error: always that error.
    pub fn open_next(&mut self) -> Result<Option<Vec<u8>>, SealError> {
        if self.broken {
            return Err(SealError::Tampered);
        }
        let result = self.try_open();
        if result.is_err() {
            self.broken = true;
            self.buffer = BytesMut::new();
        }
        result
    }

    fn try_open(&mut self) -> Result<Option<Vec<u8>>, SealError> {
        let Some(length) = self.buffer.first_chunk::<4>() else { return Ok(None) };
        let length = u32::from_be_bytes(*length) as usize;
        if !(TAG..=limits::CONTROL_MESSAGE).contains(&length) {
            return Err(SealError::Length(length));
        }
        if self.buffer.len() < 4 + length {
            return Ok(None);
        }
        self.buffer.advance(4);
        let mut sealed = self.buffer.split_to(length);
        let nonce = self.direction.next_nonce()?;
        let aad = Aad::from(self.direction.associated_data);
        let opened = self.direction.key.open_in_place(nonce, aad, &mut sealed);
        opened.map(|message| Some(message.to_vec())).map_err(|_| SealError::Tampered)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn pair() -> (Sealer, Opener) {
        let (key, session, run) = (Secret::random(), SessionId::random(), RunId::random());
        (Sealer::new(&key, session, run, Role::Engineer), Opener::new(&key, session, run, Role::Engineer))
    }

    fn opened(opener: &mut Opener, frames: &[Bytes]) -> Result<Vec<Vec<u8>>, SealError> {
        let mut messages = Vec::new();
        for frame in frames {
            opener.receive(frame);
            while let Some(message) = opener.open_next()? {
                messages.push(message);
            }
        }
        Ok(messages)
    }

    proptest! {
        #[test]
        fn arrives_in_order_however_it_is_cut(
            messages in prop::collection::vec(prop::collection::vec(any::<u8>(), 0..200), 0..20),
            cut in 1usize..50,
        ) {
            let (mut sealer, mut opener) = pair();
            let stream: Vec<u8> = messages.iter().flat_map(|m| sealer.seal(m).expect("fits")).collect();
            let chunks: Vec<Bytes> = stream.chunks(cut).map(Bytes::copy_from_slice).collect();
            prop_assert_eq!(opened(&mut opener, &chunks), Ok(messages));
        }

        #[test]
        fn one_flipped_bit_ends_it(at in 0usize..60, bit in 0u8..8) {
            let (mut sealer, mut opener) = pair();
            let mut frame = sealer.seal(&[9; 40]).expect("fits").to_vec();
            frame[at] ^= 1 << bit;
            // A longer length only makes the opener wait; give it what it waits for.
            let rest = Bytes::from(vec![0; limits::CONTROL_MESSAGE + 4]);
            prop_assert!(opened(&mut opener, &[frame.into(), rest]).is_err());
            prop_assert!(opener.open_next().is_err());
        }

        #[test]
        fn repeated_swapped_or_missing_messages_end_it(lost in 0usize..4, other in 0usize..4) {
            let (mut sealer, mut opener) = pair();
            let frames: Vec<Bytes> = (0..5u8).map(|n| sealer.seal(&[n]).expect("fits")).collect();
            let mut missing = frames.clone();
            missing.remove(lost);
            prop_assert_eq!(opened(&mut opener, &missing), Err(SealError::Tampered));
            prop_assume!(lost != other);
            let (mut sealer, mut opener) = pair();
            let mut swapped: Vec<Bytes> = (0..5u8).map(|n| sealer.seal(&[n]).expect("fits")).collect();
            swapped.swap(lost, other);
            prop_assert_eq!(opened(&mut opener, &swapped), Err(SealError::Tampered));
            let (mut sealer, mut opener) = pair();
            let frame = sealer.seal(b"once").expect("fits");
            prop_assert_eq!(opened(&mut opener, &[frame.clone(), frame]), Err(SealError::Tampered));
        }
    }

    #[test]
    fn a_message_cannot_be_turned_round() {
        let (key, session, run) = (Secret::random(), SessionId::random(), RunId::random());
        let mut sealer = Sealer::new(&key, session, run, Role::Engineer);
        let mut opener = Opener::new(&key, session, run, Role::Agent);
        assert_eq!(opened(&mut opener, &[sealer.seal(b"x").expect("fits")]), Err(SealError::Tampered));
    }

    #[test]
    fn lengths_are_bounded_both_ways() {
        let (mut sealer, mut opener) = pair();
        assert!(matches!(sealer.seal(&vec![0; limits::CONTROL_MESSAGE]), Err(SealError::TooLong(_))));
        opener.receive(&u32::MAX.to_be_bytes());
        assert_eq!(opener.open_next(), Err(SealError::Length(u32::MAX as usize)));
    }
}
