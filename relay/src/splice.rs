//! Two connections made one: message by message, both ways, never more than one message in hand.
//!
//! A direction reads only when what it read before has been taken, so that a slow reader slows its own writer and no
//! other connection. Nothing here looks into a message.
//!
//! The relay's only own words between the messages: that the partner attaches again.

mod ending;

use std::collections::VecDeque;
use std::convert::Infallible;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fieldlink_protocol::pipe::{Role, closing};
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, Interval, Sleep, interval_at, sleep_until};
use tokio_tungstenite::tungstenite::{self, Message};

use crate::fault::Fault;
use crate::pace::Pace;
use crate::socket::{WebSocket, written};
use crate::switchboard::Traffic;

pub(crate) use ending::SpliceEnd;

use ending::{Cause, accept};

/// Messages that one side may send in a stretch of time. Then it is not read until the stretch is over. Bulk
/// data at 1 GB/s is half of that, because it comes in large messages; a sender that is held back joins many small
/// ones.
const MESSAGES: u32 = 3_000;
const STRETCH: Duration = Duration::from_millis(100);
/// Stretches of which a side may catch up with what it did not send: a relay that had no time to read for a
/// moment finds more than one stretch's messages waiting.
const SAVED: u32 = 9;

const LOST: Cause = Cause::Fault(Fault::Gone);

/// Two connections, and a flow of messages each way between them.
pub(crate) struct Splice {
    sockets: [WebSocket; 2],
    /// `flows[i]` goes from `sockets[i]` to the other.
    flows: [Flow; 2],
    traffic: Arc<Traffic>,
    /// When it is looked whether a write has stalled.
    check: Interval,
}

/// One direction of a splice, and what is under way in it.
struct Flow {
    from: Role,
    /// Read, but not yet taken by the other side: one, or what came before the partner.
    held: VecDeque<Message>,
    /// The other side is to be asked to attach again.
    prod: bool,
    /// Taken, but perhaps not yet on its way.
    unflushed: bool,
    /// The other side takes nothing: what it had taken when that was first seen.
    blocked: Blocked,
    pace: Pace,
    /// It has sent too many messages: until then no more are read.
    rest: Option<Pin<Box<Sleep>>>,
    /// How often that was so.
    rests: u64,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocked {
    No,
    Yes { seen: Option<u64> },
}

impl Splice {
    /// Joins two connections, which have said `early` already; the first is `first_side`'s. A write
    /// without progress for `patience` (twice that at most) ends it.
    pub(crate) fn new(
        sockets: [WebSocket; 2],
        first_side: Role,
        early: [VecDeque<Message>; 2],
        traffic: Arc<Traffic>,
        patience: Duration,
    ) -> Self {
        let [first, second] = early;
        let flows = [Flow::new(first_side, first), Flow::new(first_side.peer(), second)];
        let check = interval_at(Instant::now() + patience, patience);
        Self { sockets, flows, traffic, check }
    }

    /// Moves messages until one side ends it. Safe to cancel.
    pub(crate) async fn run(&mut self) -> SpliceEnd {
        poll_fn(|cx| {
            if let Poll::Ready(end) = self.poll(cx) {
                return Poll::Ready(end);
            }
            while self.check.poll_tick(cx).is_ready() {
                if let Some(end) = self.find_stalled() {
                    return Poll::Ready(end);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// Hands over what is in hand already, and reads no more. A side that is gone gets nothing.
    pub(crate) async fn settle(&mut self) {
        poll_fn(|cx| {
            let [a, b] = &mut self.sockets;
            let [forth, back] = &mut self.flows;
            let settled = [forth.poll_settle(cx, b, &self.traffic), back.poll_settle(cx, a, &self.traffic)];
            if settled.iter().all(Poll::is_ready) { Poll::Ready(()) } else { Poll::Pending }
        })
        .await;
    }

    /// Asks `side` to attach again, as soon as it takes something.
    pub(crate) fn prod(&mut self, side: Role) {
        for flow in &mut self.flows {
            flow.prod |= flow.from.peer() == side;
        }
    }

    /// How often its sides were held back because they sent too many messages.
    pub(crate) fn rests(&self) -> u64 {
        self.flows.iter().map(|flow| flow.rests).sum()
    }

    /// The two connections, in the order in which they came.
    pub(crate) fn into_sockets(self) -> [WebSocket; 2] {
        self.sockets
    }

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<SpliceEnd> {
        let [a, b] = &mut self.sockets;
        let [forth, back] = &mut self.flows;
        let first = forth.from;
        let mut end = forth.poll(cx, a, b, &self.traffic);
        if end.is_pending() {
            end = back.poll(cx, b, a, &self.traffic);
        }
        end.map(|Err((by, cause))| SpliceEnd { by, first, cause })
    }

    fn find_stalled(&mut self) -> Option<SpliceEnd> {
        let taken = self.sockets.each_ref().map(written);
        let first = self.flows[0].from;
        let stalled = self.flows.iter_mut().enumerate().find_map(|(i, flow)| {
            let by = flow.from.peer();
            flow.has_stalled(taken[1 - i]).then_some(by)
        });
        stalled.map(|by| SpliceEnd { by, first, cause: Cause::TooSlow })
    }
}

impl Flow {
    fn new(from: Role, held: VecDeque<Message>) -> Self {
        let pace = Pace::new(MESSAGES, STRETCH, std::time::Instant::now()).saving(SAVED);
        Self { from, held, prod: false, unflushed: false, blocked: Blocked::No, pace, rest: None, rests: 0 }
    }

    /// Moves what can be moved; ready only when the splice is over, with the side that ended it.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut WebSocket,
        to: &mut WebSocket,
        traffic: &Traffic,
    ) -> Poll<Result<Infallible, (Role, Cause)>> {
        loop {
            while self.prod || !self.held.is_empty() {
                ready!(self.poll_pass(cx, to, traffic))?;
            }
            match self.poll_receive(cx, from) {
                Poll::Ready(received) => match accept(received) {
                    Ok(message) => self.held.extend(message),
                    Err(cause) => return Poll::Ready(Err((self.from, cause))),
                },
                Poll::Pending => {
                    ready!(self.poll_flush(cx, to))?;
                    return Poll::Pending;
                }
            }
        }
    }

    /// What comes next, unless too much came already.
    fn poll_receive(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut WebSocket,
    ) -> Poll<Option<Result<Message, tungstenite::Error>>> {
        if let Some(rest) = &mut self.rest {
            ready!(rest.as_mut().poll(cx));
            self.rest = None;
        }
        let received = ready!(from.poll_next_unpin(cx));
        if let Some(until) = self.pace.count(std::time::Instant::now) {
            self.rest = Some(Box::pin(sleep_until(until.into())));
            self.rests += 1;
        }
        Poll::Ready(received)
    }

    /// Gives the other side what is held.
    fn poll_pass(
        &mut self,
        cx: &mut Context<'_>,
        to: &mut WebSocket,
        traffic: &Traffic,
    ) -> Poll<Result<(), (Role, Cause)>> {
        let side = self.from.peer();
        let ready = to.poll_ready_unpin(cx);
        self.note_blocked(ready.is_pending());
        ready!(ready).map_err(|_| (side, LOST))?;
        let message = match std::mem::take(&mut self.prod) {
            true => Some(Message::text(closing::ATTACH_AGAIN)),
            false => self.held.pop_front().inspect(|message| traffic.count(side, message.len() as u64)),
        };
        if let Some(message) = message {
            to.start_send_unpin(message).map_err(|_| (side, LOST))?;
            self.unflushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_settle(&mut self, cx: &mut Context<'_>, to: &mut WebSocket, traffic: &Traffic) -> Poll<()> {
        while !self.held.is_empty() {
            if ready!(self.poll_pass(cx, to, traffic)).is_err() {
                self.held.clear();
                return Poll::Ready(());
            }
        }
        self.poll_flush(cx, to).map(drop)
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, to: &mut WebSocket) -> Poll<Result<(), (Role, Cause)>> {
        if self.unflushed {
            let flushed = to.poll_flush_unpin(cx);
            self.note_blocked(flushed.is_pending());
            ready!(flushed).map_err(|_| (self.from.peer(), LOST))?;
            self.unflushed = false;
        }
        Poll::Ready(Ok(()))
    }

    fn note_blocked(&mut self, blocked: bool) {
        self.blocked = match (blocked, self.blocked) {
            (false, _) => Blocked::No,
            (true, Blocked::No) => Blocked::Yes { seen: None },
            (true, blocked) => blocked,
        };
    }

    fn has_stalled(&mut self, taken: u64) -> bool {
        match &mut self.blocked {
            Blocked::No => false,
            Blocked::Yes { seen } => seen.replace(taken) == Some(taken),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_not_stalled() {
        let (from, blocked) = (Role::Agent, Blocked::No);
        let mut flow = Flow { unflushed: true, blocked, ..Flow::new(from, VecDeque::new()) };
        assert!(!flow.has_stalled(10));
        assert!(!flow.has_stalled(10), "idle is not blocked");
        flow.note_blocked(true);
        assert!(!flow.has_stalled(10), "it may have been blocked just now");
        flow.note_blocked(true);
        assert!(!flow.has_stalled(11), "it took something");
        assert!(flow.has_stalled(11));
        flow.note_blocked(false);
        flow.note_blocked(true);
        assert!(!flow.has_stalled(11), "it has been free in between");
    }
}
