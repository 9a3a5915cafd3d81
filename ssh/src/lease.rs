//! A channel that was let in: the one way of its bytes until its end.

use std::fmt::{self, Formatter};
use std::sync::Arc;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use fieldlink_session::wire::TerminalSize;
use tokio::sync::Notify;

use super::channel::{ChannelEnd, ChannelIdentity, ChannelKind, ChannelStatus};
use super::passage::{Passage, PathClosed, Way};
use super::tap::Tap;

/// A channel that has carried more than this many bytes is a transfer: what it carries can wait, and may cost the client
/// money. So is every channel without a terminal once all together are far past the client's limit.
const TRANSFER: u64 = 1024 * 1024;
/// The same of a channel with a terminal: a shell is not to stand still for what it shows.
const TRANSFER_ON_TERMINAL: u64 = 16 * 1024 * 1024;

/// Leave to carry a channel's bytes. Only `ChannelPath::authorise` gives it. It ends with [`Self::finish`], or as
/// [`ChannelStatus::Cut`] when it is dropped.
pub struct ChannelLease {
    identity: ChannelIdentity,
    passage: Arc<Passage>,
    tap: Arc<dyn Tap>,
    is_terminal: AtomicBool,
    /// Told once the channel is a transfer.
    is_large: AtomicBool,
    large: Notify,
    input: AtomicU64,
    output: AtomicU64,
    end: OnceLock<ChannelEnd>,
}

impl fmt::Debug for ChannelLease {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        f.debug_struct("ChannelLease").field("identity", &self.identity).finish_non_exhaustive()
    }
}

impl ChannelLease {
    pub(super) fn new(identity: ChannelIdentity, passage: Arc<Passage>, tap: Arc<dyn Tap>) -> Self {
        tap.opened(&identity);
        let (input, output) = (AtomicU64::new(0), AtomicU64::new(0));
        let [is_terminal, is_large] = [false; 2].map(AtomicBool::new);
        let (large, end) = (Notify::new(), OnceLock::new());
        Self { identity, passage, tap, is_terminal, is_large, large, input, output, end }
    }

    /// The opener, and what the channel is for.
    pub fn identity(&self) -> &ChannelIdentity {
        &self.identity
    }

    /// The channel's program runs on a terminal, which has this size from now on.
    pub fn set_terminal(&self, size: TerminalSize) {
        if self.end.get().is_some() {
            return;
        }
        self.is_terminal.store(true, Ordering::Relaxed);
        self.tap.resized(&self.identity, size);
    }

    /// Input on its way to a program or target; returns when it may pass. Safe to cancel: nothing has passed then.
    /// Other channels do not wait meanwhile, as long as what waits on the connection stays below its bound
    /// (`input.rs`).
    pub async fn input(&self, bytes: &[u8]) -> Result<(), PathClosed> {
        self.passage.pass(Way::Input, self.weigh()).await?;
        self.see_transfer(Way::Input, bytes);
        let bytes = bytes.len() as u64;
        self.input.fetch_add(bytes, Ordering::Relaxed);
        self.count(Way::Input, bytes);
        Ok(())
    }

    /// Output on its way to the engineer; returns when it may pass. As [`Self::input`].
    pub async fn output(&self, bytes: &[u8]) -> Result<(), PathClosed> {
        self.passage.pass(Way::Output, self.weigh()).await?;
        if self.is_terminal.load(Ordering::Relaxed) {
            self.tap.shown(&self.identity, bytes);
        }
        self.see_transfer(Way::Output, bytes);
        let bytes = bytes.len() as u64;
        self.output.fetch_add(bytes, Ordering::Relaxed);
        self.count(Way::Output, bytes);
        Ok(())
    }

    fn see_transfer(&self, way: Way, bytes: &[u8]) {
        if self.identity.request.kind() == ChannelKind::Sftp {
            self.tap.transferred(&self.identity, way, bytes);
        }
    }

    fn count(&self, way: Way, bytes: u64) {
        self.passage.count(way, bytes, self.weigh());
    }

    /// Whether it is a transfer, which [`Self::unwanted`] may wait for.
    fn weigh(&self) -> bool {
        let is_transfer = self.is_transfer();
        if is_transfer && !self.is_large.swap(true, Ordering::Relaxed) {
            self.large.notify_one();
        }
        is_transfer
    }

    /// Waits until this channel is a transfer that the client does not want. Safe to cancel; for one waiter.
    pub async fn unwanted(&self) {
        while !self.is_large.load(Ordering::Relaxed) {
            self.large.notified().await;
        }
        self.passage.transfers_refused().await;
    }

    fn is_transfer(&self) -> bool {
        let (input, output) = self.totals();
        match self.is_terminal.load(Ordering::Relaxed) {
            true => input + output > TRANSFER_ON_TERMINAL,
            false => input + output > TRANSFER || self.passage.is_far_past_limit(),
        }
    }

    fn totals(&self) -> (u64, u64) {
        (self.input.load(Ordering::Relaxed), self.output.load(Ordering::Relaxed))
    }

    /// The channel is over. What is said first stands.
    pub fn finish(&self, status: ChannelStatus) {
        let (input, output) = self.totals();
        let end = ChannelEnd { status, input, output };
        if self.end.set(end.clone()).is_ok() {
            self.tap.over(&self.identity, &end);
        }
    }
}

impl Drop for ChannelLease {
    fn drop(&mut self) {
        self.finish(ChannelStatus::Cut);
    }
}
