//! What a connection is to be sent. Bounded: a peer whose mailbox is full is too slow.
//!
//! A queue of its own, because thousands of connections wait with an empty one: it allocates nothing before something
//! is put into it, and one waker serves for messages and overflow.

use std::collections::VecDeque;
use std::future::poll_fn;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll};
use std::time::Instant;

use futures_util::task::AtomicWaker;

use super::Switchboard;
use crate::directory::{ConnectionId, Farewell};

/// Messages that may wait for one peer.
const MAILBOX: usize = 32;

/// What waits in a mailbox.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Outgoing {
    /// A message, as JSON.
    Text(String),
    /// From now on, or no longer, the peer has a session: notice at once when it falls silent.
    Watch(bool),
    /// Say goodbye.
    Close(Farewell),
}

/// More was to be sent than may wait.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Overflow;

/// A connection's receiving end, which also takes it out of the directory when it is dropped.
pub(crate) struct Mailbox {
    /// The connection.
    pub id: ConnectionId,
    queue: Arc<Queue>,
    switchboard: Arc<Switchboard>,
}

/// The switchboard's end of a mailbox.
pub(super) struct MailboxEntry {
    queue: Arc<Queue>,
    /// Whether the peer listed that it takes anchors.
    pub(super) takes_anchors: bool,
    /// Whether it knows of sessions that are over and stay.
    pub(super) takes_reports: bool,
}

struct Queue {
    /// Where the peer connects from.
    address: IpAddr,
    waiting: Mutex<Waiting>,
    reader: AtomicWaker,
}

#[derive(Default)]
struct Waiting {
    outgoing: VecDeque<Outgoing>,
    is_overflowed: bool,
}

impl Mailbox {
    /// The two ends of a new one.
    pub(super) fn new(
        id: ConnectionId,
        address: IpAddr,
        switchboard: Arc<Switchboard>,
    ) -> (Self, MailboxEntry) {
        let queue = Arc::new(Queue::new(address));
        let entry = MailboxEntry { queue: queue.clone(), takes_anchors: false, takes_reports: false };
        (Self { id, queue, switchboard }, entry)
    }

    /// Where the peer connects from.
    pub(crate) fn address(&self) -> IpAddr {
        self.queue.address
    }

    /// What comes next. Only one task may wait, for this or for [`Self::overflow`]. Safe to cancel.
    pub(crate) async fn next(&self) -> Result<Outgoing, Overflow> {
        poll_fn(|cx| self.queue.poll_next(cx)).await
    }

    /// Waits until it has overflowed. Safe to cancel.
    pub(crate) async fn overflow(&self) {
        poll_fn(|cx| self.queue.poll_overflow(cx)).await;
    }
}

impl Drop for Mailbox {
    fn drop(&mut self) {
        self.switchboard.with(|state| {
            state.mailboxes.remove(&self.id);
            // Whichever of the three it is; the other calls find nothing.
            state.directory.agent_gone(self.id);
            state.directory.onlooker_gone(self.id);
            state.directory.engineer_gone(self.id, Instant::now());
        });
    }
}

impl MailboxEntry {
    pub(super) fn put(&self, outgoing: Outgoing) {
        self.queue.put(outgoing);
    }

    /// Puts in what may be left out, if the peer keeps up. Whether it did.
    pub(super) fn put_if_free(&self, outgoing: Outgoing) -> bool {
        let is_free = self.queue.waiting().outgoing.len() < MAILBOX / 2;
        if is_free {
            self.queue.put(outgoing);
        }
        is_free
    }

    pub(super) fn address(&self) -> IpAddr {
        self.queue.address
    }
}

impl Queue {
    fn new(address: IpAddr) -> Self {
        Self { address, waiting: Mutex::default(), reader: AtomicWaker::new() }
    }

    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put(&self, outgoing: Outgoing) {
        {
            let mut waiting = self.waiting();
            if waiting.outgoing.len() < MAILBOX {
                waiting.outgoing.push_back(outgoing);
            } else {
                waiting.is_overflowed = true;
            }
        }
        self.reader.wake();
    }

    fn poll_next(&self, cx: &mut Context<'_>) -> Poll<Result<Outgoing, Overflow>> {
        self.reader.register(cx.waker());
        let mut waiting = self.waiting();
        if waiting.is_overflowed {
            return Poll::Ready(Err(Overflow));
        }
        let Some(next) = waiting.outgoing.pop_front() else { return Poll::Pending };
        if waiting.outgoing.is_empty() {
            waiting.outgoing = VecDeque::new();
        }
        Poll::Ready(Ok(next))
    }

    fn poll_overflow(&self, cx: &mut Context<'_>) -> Poll<()> {
        self.reader.register(cx.waker());
        if self.waiting().is_overflowed { Poll::Ready(()) } else { Poll::Pending }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_put_comes_out_in_order_and_more_than_may_wait_is_an_overflow() {
        let queue = Arc::new(Queue::new(IpAddr::from([192, 0, 2, 1])));
        let next = || poll_fn(|cx| queue.poll_next(cx));
        let reading = {
            let queue = queue.clone();
            tokio::spawn(async move { poll_fn(|cx| queue.poll_next(cx)).await })
        };
        tokio::task::yield_now().await;
        queue.put(Outgoing::Watch(true));
        assert_eq!(reading.await.expect("no panic"), Ok(Outgoing::Watch(true)), "who waits is woken");
        for number in 0..MAILBOX {
            queue.put(Outgoing::Text(number.to_string()));
        }
        assert_eq!(next().await, Ok(Outgoing::Text("0".into())));
        queue.put(Outgoing::Watch(false));
        let overflowing = {
            let queue = queue.clone();
            tokio::spawn(async move { poll_fn(|cx| queue.poll_overflow(cx)).await })
        };
        tokio::task::yield_now().await;
        assert!(!overflowing.is_finished());
        queue.put(Outgoing::Watch(false));
        overflowing.await.expect("it is told");
        assert_eq!(next().await, Err(Overflow), "before all that waits");
    }
}
