//! What all channels of a session share: whether their bytes may pass now, and how many did.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::watch;

/// The session is over: nothing passes any more.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("the session is over")]
pub struct PathClosed;

/// Which of a session's bytes may pass now.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
struct Flow {
    is_input_held: bool,
    is_output_held: bool,
    is_over: bool,
}

/// The gate for input and the tap for output, of all channels.
#[derive(Debug, Default)]
pub(super) struct Passage {
    flow: watch::Sender<Flow>,
    input_bytes: AtomicU64,
    output_bytes: AtomicU64,
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

    /// The gate: waits until input may pass.
    pub(super) async fn pass_input(&self) -> Result<(), PathClosed> {
        self.pass(|flow| !flow.is_input_held).await
    }

    /// The tap: waits until output may pass.
    pub(super) async fn pass_output(&self) -> Result<(), PathClosed> {
        self.pass(|flow| !flow.is_output_held).await
    }

    async fn pass(&self, may_pass: impl Fn(&Flow) -> bool) -> Result<(), PathClosed> {
        let now = *self.flow.borrow();
        let flow = if now.is_over || may_pass(&now) {
            now
        } else {
            let mut watching = self.flow.subscribe();
            let changed = watching.wait_for(|flow| flow.is_over || may_pass(flow)).await;
            *changed.map_err(|_| PathClosed)?
        };
        if flow.is_over { Err(PathClosed) } else { Ok(()) }
    }

    pub(super) fn count_input(&self, bytes: u64) {
        self.input_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn count_output(&self, bytes: u64) {
        self.output_bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(super) fn totals(&self) -> (u64, u64) {
        (self.input_bytes.load(Ordering::Relaxed), self.output_bytes.load(Ordering::Relaxed))
    }
}
