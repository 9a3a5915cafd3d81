//! What has arrived and was not read yet: bounded by the stream's window, also in memory.
//!
//! Small frames are gathered into larger pieces. Kept as they came, a window's worth of one-byte
//! frames would cost a hundred times the window.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Bytes, BytesMut};
use fieldlink_protocol::limits;
use futures_util::task::AtomicWaker;

/// From this size on a frame is handed over as it came, without a copy.
const LARGE: usize = 8 * 1024;

/// A queue of bytes with one writer and one reader.
#[derive(Default)]
pub(super) struct Incoming {
    queue: Mutex<Queue>,
    reader: AtomicWaker,
}

#[derive(Default)]
struct Queue {
    pieces: VecDeque<Bytes>,
    gathered: BytesMut,
    is_ended: bool,
    is_abandoned: bool,
}

impl Queue {
    fn flush(&mut self) {
        if !self.gathered.is_empty() {
            let piece = self.gathered.split().freeze();
            self.pieces.push_back(piece);
        }
    }
}

impl Incoming {
    fn with<T>(&self, f: impl FnOnce(&mut Queue) -> T) -> T {
        f(&mut self.queue.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Adds what arrived. False if the reader is gone.
    pub(super) fn push(&self, bytes: Bytes) -> bool {
        let is_read = self.with(|queue| {
            if bytes.len() >= LARGE {
                queue.flush();
                queue.pieces.push_back(bytes);
            } else {
                queue.gathered.extend_from_slice(&bytes);
                if queue.gathered.len() >= limits::PIPE_CHUNK {
                    queue.flush();
                }
            }
            !queue.is_abandoned
        });
        self.reader.wake();
        is_read
    }

    /// Nothing more will come.
    pub(super) fn end(&self) {
        self.with(|queue| queue.is_ended = true);
        self.reader.wake();
    }

    /// The reader is gone: drops what it has not read.
    pub(super) fn abandon(&self) {
        self.with(|queue| {
            *queue = Queue { is_ended: queue.is_ended, is_abandoned: true, ..Queue::default() }
        });
    }

    /// The next piece, or `None` at the end.
    pub(super) fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Option<Bytes>> {
        self.reader.register(cx.waker());
        self.with(|queue| {
            if queue.pieces.is_empty() {
                queue.flush();
            }
            match queue.pieces.pop_front() {
                Some(piece) => Poll::Ready(Some(piece)),
                None if queue.is_ended => Poll::Ready(None),
                None => Poll::Pending,
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use proptest::prelude::*;

    use super::*;

    fn drain(incoming: &Incoming) -> Vec<Bytes> {
        let runtime = tokio::runtime::Builder::new_current_thread().build().expect("a runtime");
        runtime.block_on(async {
            let mut pieces = Vec::new();
            while let Some(piece) = poll_fn(|cx| incoming.poll_next(cx)).await {
                pieces.push(piece);
            }
            pieces
        })
    }

    proptest! {
        #[test]
        fn keeps_bytes_in_order_in_few_pieces(sizes in prop::collection::vec(prop_oneof![1usize..50, 8_000usize..9_000], 0..100)) {
            let incoming = Incoming::default();
            let mut sent = Vec::new();
            for (number, size) in sizes.iter().enumerate() {
                sent.extend(std::iter::repeat_n(number as u8, *size));
                prop_assert!(incoming.push(vec![number as u8; *size].into()));
            }
            incoming.end();
            prop_assert_eq!(drain(&incoming).concat(), sent);
        }
    }

    #[test]
    fn a_flood_of_tiny_frames_costs_what_its_bytes_cost() {
        let incoming = Incoming::default();
        for _ in 0..1_000_000 {
            incoming.push(Bytes::from_static(b"x"));
        }
        incoming.end();
        assert!(drain(&incoming).len() <= 16);
        incoming.abandon();
        assert!(!incoming.push(Bytes::from_static(b"x")));
    }
}
