//! What all channels of a session share: whether their bytes may pass now, and how many did.

use std::sync::atomic::{AtomicU64, Ordering};

use fieldlink_protocol::messages::control::Transfers;
use tokio::sync::{Notify, watch};

/// The session is over: nothing passes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct PathClosed;

/// Bytes that channels that carry little may move past the limit, all together.
const ALLOWANCE: u64 = 10 * 1024 * 1024;

/// Which way bytes go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Way {
    /// From the engineer.
    Input,
    /// To the engineer.
    Output,
}

/// Which of a session's bytes may pass now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flow {
    is_input_held: bool,
    is_output_held: bool,
    transfers: Transfers,
    is_over: bool,
}

impl Flow {
    fn lets_pass(&self, way: Way, is_transfer: bool) -> bool {
        let is_held = match way {
            Way::Input => self.is_input_held,
            Way::Output => self.is_output_held,
        };
        !(is_held || is_transfer && self.transfers != Transfers::Pass)
    }
}

/// The gate for input and the tap for output, of all channels.
#[derive(Debug)]
pub(super) struct Passage {
    flow: watch::Sender<Flow>,
    input_bytes: AtomicU64,
    output_bytes: AtomicU64,
    /// Bytes both ways that may pass before transfers are held.
    limit: AtomicU64,
    /// Transfers have been held because of that.
    past_limit: Notify,
}

impl Default for Passage {
    fn default() -> Self {
        Self {
            flow: watch::Sender::default(),
            input_bytes: AtomicU64::new(0),
            output_bytes: AtomicU64::new(0),
            limit: AtomicU64::new(u64::MAX),
            past_limit: Notify::new(),
        }
    }
}

impl Passage {
    pub(super) fn close(&self) {
        self.flow.send_modify(|flow| flow.is_over = true);
    }

    pub(super) fn hold_input(&self, is_held: bool) {
        self.flow.send_modify(|flow| flow.is_input_held = is_held);
    }

    pub(super) fn hold_output(&self, is_held: bool) {
        self.flow.send_modify(|flow| flow.is_output_held = is_held);
    }

    pub(super) fn holds_input(&self) -> bool {
        self.flow.borrow().is_input_held
    }

    pub(super) fn is_over(&self) -> bool {
        self.flow.borrow().is_over
    }

    /// What becomes of transfers now, and once so many bytes have passed in all: then they are held.
    pub(super) fn set_transfers(&self, transfers: Transfers, limit: Option<u64>) {
        self.limit.store(limit.unwrap_or(u64::MAX), Ordering::Relaxed);
        self.flow.send_modify(|flow| flow.transfers = transfers);
    }

    /// Waits until transfers have been held because of the limit. Safe to cancel.
    pub(super) async fn past_limit(&self) {
        self.past_limit.notified().await;
    }

    /// Waits until transfers are refused. Safe to cancel.
    pub(super) async fn transfers_refused(&self) {
        let mut watching = self.flow.subscribe();
        if watching.wait_for(|flow| flow.transfers == Transfers::Refused).await.is_err() {
            std::future::pending().await
        }
    }

    /// Waits until bytes may pass this way. Safe to cancel.
    pub(super) async fn pass(&self, way: Way, is_transfer: bool) -> Result<(), PathClosed> {
        let now = *self.flow.borrow();
        let flow = if now.is_over || now.lets_pass(way, is_transfer) {
            now
        } else {
            let mut watching = self.flow.subscribe();
            let changed = watching.wait_for(|flow| flow.is_over || flow.lets_pass(way, is_transfer)).await;
            *changed.map_err(|_| PathClosed)?
        };
        if flow.is_over { Err(PathClosed) } else { Ok(()) }
    }

    /// So many bytes have passed.
    pub(super) fn count(&self, way: Way, bytes: u64, is_transfer: bool) {
        let of_this_way = match way {
            Way::Input => &self.input_bytes,
            Way::Output => &self.output_bytes,
        };
        of_this_way.fetch_add(bytes, Ordering::Relaxed);
        if is_transfer && self.is_past_limit() {
            self.hold_transfers();
        }
    }

    fn is_past_limit(&self) -> bool {
        let (input, output) = self.totals();
        input + output > self.limit.load(Ordering::Relaxed)
    }

    /// Whether so many bytes have passed that it is no matter of single channels any more.
    pub(super) fn is_far_past_limit(&self) -> bool {
        let (input, output) = self.totals();
        input + output > self.limit.load(Ordering::Relaxed).saturating_add(ALLOWANCE)
    }

    fn hold_transfers(&self) {
        let is_first = self.flow.send_if_modified(|flow| {
            // The limit may have been lifted meanwhile.
            let is_first = flow.transfers == Transfers::Pass && self.is_past_limit();
            if is_first {
                flow.transfers = Transfers::Held;
            }
            is_first
        });
        if is_first {
            self.past_limit.notify_one();
        }
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        (self.input_bytes.load(Ordering::Relaxed), self.output_bytes.load(Ordering::Relaxed))
    }
}
