//! The two byte streams of a pipe: numbering, windows, acknowledgements.
//!
//! A reader acknowledges what was *taken* from it, not what arrived. So a reader that stalls stops
//! its sender after one window, the connection below never fills up, and acknowledgements, pings and
//! closes still pass. What is not acknowledged is kept, to be sent again on the next connection.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};

use super::{DATA_HEADER, Frame, FrameError, frame};

/// Both directions of one pipe, as one side sees them.
#[derive(Debug)]
pub struct Stream {
    sent: u64,
    acknowledged: u64,
    effective: u32,
    kept: VecDeque<(u64, Bytes)>,
    finished: Finished,
    received: u64,
    taken: u64,
    told: u64,
    window: u32,
    peer_finished: bool,
}

/// Data that may go out before the peer has proven itself.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Early {
    /// DATA frames.
    pub frames: Vec<Bytes>,
    /// The number of the byte behind the last one.
    pub end: u64,
}

/// Whether our stream has ended, and the peer knows.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Finished {
    No,
    Said,
    Acknowledged,
}

/// What a frame of the peer brings.
#[derive(Debug, PartialEq, Eq)]
pub enum Received {
    /// The next bytes of the peer's stream.
    Data(Bytes),
    /// The peer has taken more: there may be room to send.
    Acknowledged,
    /// The peer's stream is complete.
    End,
    /// The peer wants to be answered.
    Ping,
    /// A repetition of what is known, or a sign of life.
    Nothing,
}

/// A peer that breaks the rules of the stream. The pipe ends.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum StreamError {
    /// The frame cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// HELLO or PROOF after the handshake.
    #[error("the peer sent a frame out of turn")]
    OutOfTurn,
    /// Bytes are missing before this offset, or follow the end.
    #[error("the peer's data begins at {offset}, expected {expected}")]
    Gap {
        /// Where the data claims to begin.
        offset: u64,
        /// What has arrived.
        expected: u64,
    },
    /// More unacknowledged bytes than our window.
    #[error("the peer sent beyond the window")]
    Overrun,
    /// An acknowledgement of what was never sent, or was acknowledged before.
    #[error("the peer acknowledged {0}, which was not sent")]
    FalseAck(u64),
}

impl Stream {
    /// A new stream between a side that takes (and keeps) at most `window` unacknowledged bytes and
    /// a peer that announced `peer_window`. The smaller one counts both ways, and since both sides
    /// know both, the reader acknowledges often enough for the sender.
    pub fn new(window: u32, peer_window: u32) -> Self {
        Self {
            sent: 0,
            acknowledged: 0,
            effective: window.min(peer_window),
            kept: VecDeque::new(),
            finished: Finished::No,
            received: 0,
            taken: 0,
            told: 0,
            window,
            peer_finished: false,
        }
    }

    /// The peer announced its window. It may be another program than before, with another one.
    pub(super) fn meet(&mut self, peer_window: u32) {
        self.effective = self.window.min(peer_window);
    }

    /// How many bytes may be sent now.
    pub fn room(&self) -> usize {
        let allowed = u64::from(self.effective);
        match self.finished {
            Finished::No => allowed.saturating_sub(self.sent - self.acknowledged) as usize,
            _ => 0,
        }
    }

    /// Numbers a payload for which the caller left [`DATA_HEADER`] bytes of room in front, and which
    /// fits [`Self::room`]; returns the frame to send.
    pub fn send(&mut self, with_header_room: BytesMut) -> Bytes {
        let length = with_header_room.len().saturating_sub(DATA_HEADER);
        debug_assert!(length > 0 && length <= self.room());
        let frame = frame::data(self.sent, with_header_room);
        self.sent += length as u64;
        self.kept.push_back((self.sent, frame.clone()));
        frame
    }

    /// Ends our stream; returns the frame to send. Later calls return the same.
    pub fn finish(&mut self) -> Bytes {
        self.finished = self.finished.max(Finished::Said);
        frame::fin(self.sent)
    }

    /// Takes a frame of the peer.
    pub fn receive(&mut self, bytes: Bytes) -> Result<Received, StreamError> {
        match Frame::decode(bytes)? {
            Frame::Data { offset, payload } => self.receive_data(offset, payload),
            Frame::Ack(offset) => self.receive_ack(offset),
            Frame::Fin(offset) if offset == self.received => {
                self.peer_finished = true;
                Ok(Received::End)
            }
            Frame::Fin(offset) => Err(StreamError::Gap { offset, expected: self.received }),
            Frame::Ping => Ok(Received::Ping),
            Frame::Pong => Ok(Received::Nothing),
            Frame::Hello(_) | Frame::Proof(_) => Err(StreamError::OutOfTurn),
        }
    }

    fn receive_data(&mut self, offset: u64, payload: Bytes) -> Result<Received, StreamError> {
        let gap = StreamError::Gap { offset, expected: self.received };
        let known = self.received.checked_sub(offset).ok_or(gap)?;
        let new = (payload.len() as u64).saturating_sub(known);
        if new == 0 {
            return Ok(Received::Nothing);
        }
        if self.peer_finished {
            return Err(StreamError::Gap { offset, expected: self.received });
        }
        if self.received + new - self.taken > u64::from(self.window) {
            return Err(StreamError::Overrun);
        }
        self.received += new;
        Ok(Received::Data(payload.slice(known as usize..)))
    }

    fn receive_ack(&mut self, offset: u64) -> Result<Received, StreamError> {
        let end = self.sent + u64::from(self.finished > Finished::No);
        if offset < self.acknowledged || offset > end {
            return Err(StreamError::FalseAck(offset));
        }
        if offset > self.sent {
            self.finished = Finished::Acknowledged;
        }
        self.acknowledged = offset.min(self.sent);
        while self.kept.front().is_some_and(|(end, _)| *end <= self.acknowledged) {
            self.kept.pop_front();
        }
        Ok(Received::Acknowledged)
    }

    /// The reader has taken `bytes` more. True when an [`Self::acknowledgement`] is due.
    pub fn take(&mut self, bytes: usize) -> bool {
        self.taken += bytes as u64;
        debug_assert!(self.taken <= self.received);
        self.owes_acknowledgement()
    }

    /// The reader is gone: what has arrived is as good as taken. True when an [`Self::acknowledgement`]
    /// is due.
    pub fn take_all(&mut self) -> bool {
        self.take((self.received - self.taken) as usize)
    }

    /// The acknowledgement to send now, if one is due: when enough was taken, or everything.
    pub fn acknowledgement(&mut self) -> Option<Bytes> {
        self.owes_acknowledgement().then(|| self.tell())
    }

    fn owes_acknowledgement(&self) -> bool {
        let due = u64::from(self.effective / 8).max(1);
        let open = self.acknowledgeable() - self.told;
        open >= due || (open > 0 && self.has_taken_all())
    }

    fn tell(&mut self) -> Bytes {
        self.told = self.acknowledgeable();
        frame::ack(self.told)
    }

    fn acknowledgeable(&self) -> u64 {
        self.taken + u64::from(self.has_taken_all())
    }

    /// Whether the reader has everything up to the end of the peer's stream.
    fn has_taken_all(&self) -> bool {
        self.peer_finished && self.taken == self.received
    }

    /// How many bytes of the peer's stream have arrived; goes into the next HELLO.
    pub fn received(&self) -> u64 {
        self.received
    }

    /// Our window, as every HELLO says it.
    pub fn window(&self) -> u32 {
        self.window
    }

    /// Whether the peer owes us an acknowledgement.
    pub fn has_unacknowledged(&self) -> bool {
        self.acknowledged < self.sent || self.finished == Finished::Said
    }

    /// Whether both streams have ended and each side knows that the other has everything.
    pub fn is_complete(&self) -> bool {
        self.finished == Finished::Acknowledged && self.told > self.received
    }

    /// Whether both streams have ended and our reader has everything. What is missing is at most the
    /// peer's word that it has everything, too.
    pub fn is_ending(&self) -> bool {
        self.finished > Finished::No && self.has_taken_all()
    }

    /// Data that a peer misses first which says that it has received `peer_received` bytes, at most `most` bytes of
    /// it. Changes nothing: that peer has not proven that it is the one. So no acknowledgement and no end are
    /// among it.
    pub(super) fn early(&self, peer_received: u64, most: usize) -> Early {
        let mut early = Early { frames: Vec::new(), end: peer_received };
        for (end, frame) in self.kept.iter().filter(|(end, _)| *end > peer_received) {
            if end.saturating_sub(peer_received) > most as u64 {
                break;
            }
            early.frames.push(frame.clone());
            early.end = *end;
        }
        early
    }

    /// What to send on a new connection to a peer that said it has received `peer_received`
    /// bytes when the connection was made, and to which data up to `sent_early` was sent since, on this connection. It
    /// may have acknowledged more, on the one before.
    /// A peer that claims too little and misses bytes that it had acknowledged finds a gap.
    pub(super) fn reconnect(
        &mut self,
        peer_received: u64,
        sent_early: u64,
    ) -> Result<Vec<Bytes>, StreamError> {
        if peer_received > self.sent {
            return Err(StreamError::FalseAck(peer_received));
        }
        let has = peer_received.max(sent_early);
        let missing = self.kept.iter().filter(|(end, _)| *end > has).map(|(_, frame)| frame.clone());
        let fin = (self.finished == Finished::Said).then(|| frame::fin(self.sent));
        let frames = missing.chain(fin).collect::<Vec<_>>();
        Ok(std::iter::once(self.tell()).chain(frames).collect())
    }
}

#[cfg(test)]
mod tests;
