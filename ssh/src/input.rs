//! What came from the client for a program or a forward that has not taken it yet.
//!
//! The SSH library grants a channel new window as soon as data arrives, whether or not anything takes it, and
//! stops reading the whole connection when a channel's own queue is full. Then neither the other channels nor
//! the client's window adjustments get through, and a program that both reads and writes may stand still for
//! ever. So what arrives is always taken here, and counted; with much of it waiting, the connection grants
//! window by the byte ([`Backlog::next_window`]) until less does. The library has one window for all channels of
//! a connection: meanwhile what is sent to the others crawls, too. A connection whose client sends without
//! window, or opens channel after channel that nothing takes, is held up at [`MOST`].

use std::collections::VecDeque;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use tokio::io::{AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;

use super::lease::ChannelLease;
use super::passage::PathClosed;
use super::server_config::WINDOW;

/// With more than this waiting on a connection, in bytes, its channels get little new window. What the client
/// was granted before still comes: up to one and a half windows.
const MUCH: usize = 2 * 1024 * 1024;
/// More than this never waits on a connection, in bytes: what a dozen stalled channels were granted …
const MOST: usize = 64 * 1024 * 1024;
/// … and on all connections of a session: what the service's memory has for it beside the pipes
/// (`memory.rs`).
const MOST_OF_SESSION: usize = 192 * 1024 * 1024;
/// The window that is granted meanwhile. Never none: the library looks at the window only when data comes,
/// and a client that may send nothing would wait for ever.
const LITTLE: u32 = 2;
/// After the SSH client has closed a channel: how long its program or target may take nothing of what came before.
pub(super) const AFTER_CLOSE: Duration = Duration::from_secs(10);
/// Pieces below this size are gathered, in bytes: each costs more than it holds.
const SMALL: usize = 4 * 1024;

/// Bytes that wait on one connection, over all of its channels, and in the whole session.
#[derive(Debug, Clone, Default)]
pub(super) struct Backlog {
    connection: Arc<AtomicUsize>,
    session: Arc<AtomicUsize>,
}

impl Backlog {
    /// Of another connection of the same session.
    pub(super) fn beside(&self) -> Self {
        Self { connection: Arc::default(), session: self.session.clone() }
    }

    /// Up to which window the next channel that runs low is filled up, in bytes.
    pub(super) fn next_window(&self) -> u32 {
        if self.bytes() > MUCH { LITTLE } else { WINDOW }
    }

    fn has_room(&self) -> bool {
        self.bytes() < MOST && self.of_session() < MOST_OF_SESSION
    }

    fn bytes(&self) -> usize {
        self.connection.load(Ordering::Relaxed)
    }

    fn of_session(&self) -> usize {
        self.session.load(Ordering::Relaxed)
    }
}

/// The queue of one channel. What is in it passes the channel's gate on its way out: while that holds input back, it
/// waits here, and the SSH connection goes on.
#[derive(Debug)]
pub(super) struct PendingInput {
    pieces: VecDeque<Bytes>,
    small: BytesMut,
    /// What the gate let pass and was not written yet.
    passed: Bytes,
    /// How many wait, over all of these.
    bytes: usize,
    backlog: Backlog,
    /// Without one nothing passes yet.
    lease: Option<Arc<ChannelLease>>,
}

impl PendingInput {
    pub(super) fn new(backlog: Backlog, lease: Arc<ChannelLease>) -> Self {
        let mut pending = Self::early(backlog);
        pending.let_in(lease);
        pending
    }

    /// Of a channel that may still be refused.
    pub(super) fn early(backlog: Backlog) -> Self {
        let (pieces, small, passed) = (VecDeque::new(), BytesMut::new(), Bytes::new());
        Self { pieces, small, passed, bytes: 0, backlog, lease: None }
    }

    /// The channel is let in: what waits may pass.
    pub(super) fn let_in(&mut self, lease: Arc<ChannelLease>) {
        self.lease = Some(lease);
    }

    /// Takes all of it out, for what looks at it first.
    pub(super) fn take(&mut self) -> Vec<Bytes> {
        self.flush();
        let taken = std::mem::take(&mut self.pieces).into();
        self.count(self.passed.len());
        taken
    }

    pub(super) fn is_empty(&self) -> bool {
        self.bytes == 0
    }

    /// Whether another piece may come.
    pub(super) fn has_room(&self) -> bool {
        self.is_empty() || self.backlog.has_room()
    }

    pub(super) fn push(&mut self, bytes: Bytes) {
        self.count(self.bytes + bytes.len());
        if bytes.len() < SMALL {
            self.small.extend_from_slice(&bytes);
        } else {
            self.flush();
            self.pieces.push_back(bytes);
        }
    }

    /// Writes all of it, unless none of it is taken for as long as `patience`. Being held back does not count.
    pub(super) async fn flush_to(mut self, sink: &mut (impl AsyncWrite + Unpin), patience: Duration) {
        while !self.is_empty() {
            if self.pass().await.is_err() {
                return;
            }
            match timeout(patience, self.write_passed(sink)).await {
                Ok(Ok(())) => {}
                Ok(Err(_)) | Err(_) => return,
            }
        }
        let _ = sink.shutdown().await;
    }

    pub(super) fn clear(&mut self) {
        self.pieces.clear();
        self.small.clear();
        self.passed.clear();
        self.count(0);
    }

    /// Writes some of it. Safe to cancel: what was not written stays.
    pub(super) async fn write_some(&mut self, sink: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        self.pass().await.map_err(|PathClosed| io::ErrorKind::BrokenPipe)?;
        self.write_passed(sink).await
    }

    /// Takes the next piece through the gate. Safe to cancel.
    async fn pass(&mut self) -> Result<(), PathClosed> {
        if !self.passed.is_empty() {
            return Ok(());
        }
        if self.pieces.is_empty() {
            self.flush();
        }
        if let (Some(next), Some(lease)) = (self.pieces.front(), &self.lease) {
            lease.input(next).await?;
            self.passed = self.pieces.pop_front().unwrap_or_default();
        }
        Ok(())
    }

    async fn write_passed(&mut self, sink: &mut (impl AsyncWrite + Unpin)) -> io::Result<()> {
        if self.passed.is_empty() {
            return Ok(());
        }
        let written = sink.write_buf(&mut self.passed).await?;
        self.count(self.bytes - written);
        if written == 0 { Err(io::ErrorKind::WriteZero.into()) } else { Ok(()) }
    }

    fn flush(&mut self) {
        if !self.small.is_empty() {
            self.pieces.push_back(self.small.split().freeze());
        }
    }

    fn count(&mut self, bytes: usize) {
        // In this order, so that the sum never wraps.
        for sum in [&self.backlog.connection, &self.backlog.session] {
            sum.fetch_add(bytes, Ordering::Relaxed);
            sum.fetch_sub(self.bytes, Ordering::Relaxed);
        }
        self.bytes = bytes;
    }
}

impl Drop for PendingInput {
    fn drop(&mut self) {
        self.count(0);
    }
}

/// Writes some of `pending`; an error if nothing takes it any more.
pub(super) async fn write_to(
    pending: &mut PendingInput,
    sink: Option<&mut (impl AsyncWrite + Unpin)>,
) -> io::Result<()> {
    match sink {
        Some(sink) => pending.write_some(sink).await,
        None => Err(io::ErrorKind::BrokenPipe.into()),
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;
    use proptest::prelude::*;
    use tokio::io::AsyncReadExt;

    use super::super::channel_path::tests::lease;
    use super::*;

    #[test]
    fn much_that_waits_narrows_the_window_of_the_whole_connection() {
        let backlog = Backlog::default();
        let pending = |backlog: &Backlog| PendingInput::new(backlog.clone(), lease().1);
        let (mut one, mut other) = (pending(&backlog), pending(&backlog));
        one.push(vec![0; MUCH].into());
        assert_eq!(backlog.next_window(), WINDOW);
        other.push(Bytes::from_static(b"x"));
        assert_eq!(backlog.next_window(), LITTLE);
        one.push(vec![0; MOST - MUCH].into());
        assert!(!one.has_room() && !other.has_room());
        other.clear();
        assert!(other.has_room(), "an empty queue always takes one piece");
        assert_eq!(backlog.beside().next_window(), WINDOW, "another connection goes on");
        drop(one);
        assert_eq!((backlog.next_window(), backlog.bytes()), (WINDOW, 0));
    }

    #[test]
    fn all_connections_together_have_a_bound() {
        let first = Backlog::default();
        let mut all = Vec::new();
        while first.of_session() < MOST_OF_SESSION {
            let mut pending = PendingInput::new(first.beside(), lease().1);
            pending.push(vec![0; MOST / 2].into());
            all.push(pending);
        }
        assert!(all.iter().all(|pending| !pending.has_room()));
        assert_eq!(first.next_window(), WINDOW, "one whose own input is taken is not slowed down");
        all.truncate(1);
        assert!(all[0].has_room());
    }

    #[tokio::test]
    async fn being_held_back_after_the_close_does_not_count_as_taking_nothing() {
        let (path, lease) = lease();
        let mut pending = PendingInput::new(Backlog::default(), lease);
        pending.push(Bytes::from_static(b"the end of an upload"));
        path.hold_input(true);
        let (mut sink, mut source) = tokio::io::duplex(64);
        let mut flushing = Box::pin(pending.flush_to(&mut sink, Duration::ZERO));
        assert_eq!(flushing.as_mut().now_or_never(), None);
        path.hold_input(false);
        flushing.await;
        drop(sink);
        let mut received = Vec::new();
        source.read_to_end(&mut received).await.expect("read");
        assert_eq!(received, b"the end of an upload");
    }

    proptest! {
        #[test]
        fn writing_that_is_broken_off_loses_and_repeats_nothing(
            sizes in prop::collection::vec(prop_oneof![0usize..10, 3_000usize..6_000], 1..30),
            room in 1usize..5_000,
        ) {
            let runtime = tokio::runtime::Builder::new_current_thread().build();
            let sent: Vec<u8> = (0..sizes.iter().sum::<usize>()).map(|at| (at % 251) as u8).collect();
            let backlog = Backlog::default();
            let received = runtime.expect("a runtime").block_on(async {
                let (mut sink, mut source) = tokio::io::duplex(room);
                let (path, lease) = lease();
                let mut pending = PendingInput::new(backlog.clone(), lease);
                let mut turns = 0;
                let (mut at, mut received) = (0, Vec::new());
                let mut sizes = sizes.iter();
                loop {
                    match sizes.next() {
                        Some(size) => {
                            pending.push(Bytes::copy_from_slice(&sent[at..at + size]));
                            at += size;
                        }
                        None if pending.is_empty() => break,
                        None => {}
                    }
                    // Held back every now and then, and never while only the rest is left.
                    turns += 1;
                    path.hold_input(turns % 3 == 0 && at < sent.len());
                    // tokio has every task give way now and then.
                    tokio::task::yield_now().await;
                    // Broken off whenever the reader is slow.
                    let _ = pending.write_some(&mut sink).now_or_never();
                    let mut piece = vec![0; room / 2 + 1];
                    if let Some(Ok(read)) = source.read(&mut piece).now_or_never() {
                        received.extend_from_slice(&piece[..read]);
                    }
                }
                drop(sink);
                source.read_to_end(&mut received).await.expect("the rest");
                assert_eq!(path.totals().0, sent.len() as u64, "each byte passes the gate once");
                received
            });
            prop_assert_eq!(received, sent);
            prop_assert_eq!(backlog.bytes(), 0);
        }
    }
}
