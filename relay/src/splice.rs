//! Two connections made one: message by message, both ways, never more than one message in hand.
//!
//! A direction reads only when what it read before has been taken, so that a slow reader slows its
//! own writer and nobody else. Nothing here looks into a message.

use std::convert::Infallible;
use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;
use futures_util::{SinkExt, StreamExt};
use tokio::time::{Instant, interval_at};
use tokio_tungstenite::tungstenite::protocol::CloseFrame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::{Error, Message, error::CapacityError, error::ProtocolError};

use crate::socket::{WebSocket, written};
use crate::switchboard::Traffic;

/// Two spliced connections.
pub struct Splice {
    sockets: [WebSocket; 2],
    /// `flows[i]` goes from `sockets[i]` to the other.
    flows: [Flow; 2],
    traffic: Arc<Traffic>,
}

/// One direction.
struct Flow {
    from: Role,
    /// Read, but not yet taken by the other side.
    held: Option<Message>,
    /// Taken, but perhaps not yet on its way.
    unflushed: bool,
    /// The other side takes nothing: what it had taken when that was first seen.
    blocked: Blocked,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Blocked {
    No,
    Yes { seen: Option<u64> },
}

/// How a splice ended.
#[derive(Debug)]
pub struct SpliceEnd {
    /// Whose connection ended it.
    pub by: Role,
    first: Role,
    cause: Cause,
}

#[derive(Debug, PartialEq, Eq)]
enum Cause {
    Closed(Option<CloseFrame>),
    Lost,
    NotData,
    TooBig,
    Malformed,
    TooSlow,
}

impl Splice {
    /// Joins `first`, which is `first_side`'s and has already said `early`, with `second`.
    pub fn new(
        first: WebSocket,
        second: WebSocket,
        first_side: Role,
        early: Option<Message>,
        traffic: Arc<Traffic>,
    ) -> Self {
        let flow = |from, held| Flow { from, held, unflushed: false, blocked: Blocked::No };
        let flows = [flow(first_side, early), flow(first_side.peer(), None)];
        Self { sockets: [first, second], flows, traffic }
    }

    /// Moves messages until one side ends it. A write without progress for `patience` (twice that at
    /// most) is such an end. Safe to cancel.
    pub async fn run(&mut self, patience: Duration) -> SpliceEnd {
        let mut check = interval_at(Instant::now() + patience, patience);
        poll_fn(|cx| {
            if let Poll::Ready(end) = self.poll(cx) {
                return Poll::Ready(end);
            }
            while check.poll_tick(cx).is_ready() {
                if let Some(end) = self.find_stalled() {
                    return Poll::Ready(end);
                }
            }
            Poll::Pending
        })
        .await
    }

    /// The two connections, in the order in which they came.
    pub fn into_sockets(self) -> [WebSocket; 2] {
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
    /// Moves what can be moved; ready only when the splice is over, with whose doing that is.
    fn poll(
        &mut self,
        cx: &mut Context<'_>,
        from: &mut WebSocket,
        to: &mut WebSocket,
        traffic: &Traffic,
    ) -> Poll<Result<Infallible, (Role, Cause)>> {
        loop {
            if self.held.is_some() {
                ready!(self.poll_pass(cx, to, traffic))?;
            }
            match from.poll_next_unpin(cx) {
                Poll::Ready(received) => match accept(received) {
                    Ok(message) => self.held = message,
                    Err(cause) => return Poll::Ready(Err((self.from, cause))),
                },
                Poll::Pending => {
                    ready!(self.poll_flush(cx, to))?;
                    return Poll::Pending;
                }
            }
        }
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
        ready!(ready).map_err(|_| (side, Cause::Lost))?;
        if let Some(message) = self.held.take() {
            traffic.count(side, message.len());
            to.start_send_unpin(message).map_err(|_| (side, Cause::Lost))?;
            self.unflushed = true;
        }
        Poll::Ready(Ok(()))
    }

    fn poll_flush(&mut self, cx: &mut Context<'_>, to: &mut WebSocket) -> Poll<Result<(), (Role, Cause)>> {
        if self.unflushed {
            let flushed = to.poll_flush_unpin(cx);
            self.note_blocked(flushed.is_pending());
            ready!(flushed).map_err(|_| (self.from.peer(), Cause::Lost))?;
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

impl SpliceEnd {
    /// What the side that closed it said, if it said anything.
    pub fn close_text(&self) -> Option<&str> {
        match &self.cause {
            Cause::Closed(Some(frame)) => Some(&frame.reason),
            _ => None,
        }
    }

    /// Whether what is under way should still arrive.
    pub fn is_orderly(&self) -> bool {
        matches!(self.cause, Cause::Closed(_))
    }

    /// The goodbyes, in the order in which the connections came.
    pub fn frames(&self) -> [CloseFrame; 2] {
        let (own, other) = (self.frame_for_culprit(), self.frame_for_partner());
        if self.by == self.first { [own, other] } else { [other, own] }
    }

    fn frame_for_culprit(&self) -> CloseFrame {
        let (code, reason) = match self.cause {
            Cause::Closed(_) | Cause::Lost => (CloseCode::Normal, ""),
            Cause::NotData => (CloseCode::Unsupported, "not-data"),
            Cause::TooBig => (CloseCode::Size, "message-too-big"),
            Cause::Malformed => (CloseCode::Protocol, "malformed"),
            Cause::TooSlow => (CloseCode::Policy, "too-slow"),
        };
        CloseFrame { code, reason: reason.into() }
    }

    /// A close passes as it is; anything else is the loss of the other side.
    fn frame_for_partner(&self) -> CloseFrame {
        let lost = match self.by {
            Role::Engineer => Reason::EngineerLost,
            Role::Agent => Reason::ConnectionLost,
        };
        match &self.cause {
            Cause::Closed(Some(frame)) => frame.clone(),
            Cause::Closed(None) => CloseFrame { code: CloseCode::Normal, reason: "".into() },
            _ => CloseFrame { code: CloseCode::Away, reason: lost.code().into() },
        }
    }
}

/// A message to pass on, `None` for what concerns this hop alone, or why the splice is over.
fn accept(received: Option<Result<Message, Error>>) -> Result<Option<Message>, Cause> {
    match received {
        Some(Ok(message @ Message::Binary(_))) => Ok(Some(message)),
        Some(Ok(Message::Ping(_) | Message::Pong(_) | Message::Frame(_))) => Ok(None),
        Some(Ok(Message::Text(_)) | Err(Error::Utf8(_))) => Err(Cause::NotData),
        Some(Ok(Message::Close(frame))) => Err(Cause::Closed(frame)),
        Some(Err(Error::Capacity(CapacityError::MessageTooLong { .. }))) => Err(Cause::TooBig),
        Some(Err(Error::Protocol(ProtocolError::ResetWithoutClosingHandshake))) => Err(Cause::Lost),
        Some(Err(Error::Protocol(_))) => Err(Cause::Malformed),
        Some(Err(_)) | None => Err(Cause::Lost),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slow_is_not_stalled() {
        let (from, blocked) = (Role::Agent, Blocked::No);
        let mut flow = Flow { from, held: None, unflushed: true, blocked };
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
