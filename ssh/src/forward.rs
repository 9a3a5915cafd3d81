//! A forward: a channel joined to a connection that `fieldlink-session` made.

use std::convert::Infallible;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use fieldlink_protocol::text;
use fieldlink_session::wire::{ConnectTarget, FailReason};
use russh::server::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, copy};

use super::channel::ChannelStatus;
use super::channel_path::Refusal;
use super::input::{AFTER_CLOSE, Backlog, PendingInput, write_to};
use super::lease::ChannelLease;
use crate::session_process::{SessionClient, SessionError};

/// Bytes read from a destination at once.
const CHUNK: usize = 64 * 1024;
/// `connect failed`, RFC 4254 section 5.1.
const CONNECT_FAILED: u32 = 2;

/// Connects, answers the open request, and carries bytes until both directions are over.
pub(super) async fn run(
    lease: ChannelLease,
    backlog: Backlog,
    programs: SessionClient,
    target: ConnectTarget,
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
) {
    let stream = match programs.connect(target.clone()).await {
        Ok(stream) => stream,
        Err(error) => {
            lease.finish(ChannelStatus::Failed);
            return reply.reject(failure(&target, &error)).await;
        }
    };
    reply.accept().await;
    let (source, sink) = tokio::io::split(stream);
    let (input, output) = channel.split();
    let forward = Forward { lease: Arc::new(lease) };
    let pending = PendingInput::new(backlog, forward.lease.clone());
    let ended = Ends::default();
    // Closing is ours to do once both directions are over: OpenSSH's client waits for it. If the
    // client closes first, it reads nothing more.
    let mut source = source;
    let end = tokio::select! {
        end = forward.receive(input, pending, sink, &ended) => end,
        end = forward.send(&mut source, &output, &ended) => end,
        () = forward.lease.unwanted() => End::Cut,
    };
    let (rest, is_cut) = match end {
        End::Over => (None, false),
        End::Closed(rest) => (rest, false),
        End::Cut => (None, true),
    };
    let _ = output.close().await;
    if let Some((pending, mut sink)) = rest {
        // What the other end says is read and thrown away, so that it takes the rest.
        let reading = async {
            let _ = copy(&mut source, &mut tokio::io::sink()).await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            () = pending.flush_to(&mut sink, AFTER_CLOSE) => {}
            never = reading => match never {},
        }
    }
    if !is_cut {
        forward.lease.finish(ChannelStatus::Closed);
    }
}

/// How a forward came to its end.
enum End<S> {
    /// Both directions are over.
    Over,
    /// The client has closed the channel. What is still to be passed on, and where to.
    Closed(Option<(PendingInput, S)>),
    /// Nothing can be received or sent any more.
    Cut,
}

/// What the engineer reads: the scanner's rule where that stands in the way, and else what went wrong.
fn failure(target: &ConnectTarget, error: &SessionError) -> ChannelOpenFailure {
    match (target, error) {
        (ConnectTarget::Own { host, port }, SessionError::Refused { reason: FailReason::Elsewhere, .. }) => {
            Refusal::destination(host, *port).into()
        }
        _ => {
            let reason = text::sentence(&error.to_string());
            ChannelOpenFailure::Other { code: CONNECT_FAILED, reason }
        }
    }
}

struct Forward {
    lease: Arc<ChannelLease>,
}

impl Forward {
    /// Ends when the channel does, or both directions are over.
    async fn receive<S: AsyncWrite + Unpin>(
        &self,
        mut input: ChannelReadHalf,
        mut pending: PendingInput,
        sink: S,
        ended: &Ends,
    ) -> End<S> {
        let mut sink = Some(sink);
        let mut is_ended = false;
        loop {
            if pending.is_empty()
                && is_ended
                && let Some(mut open) = sink.take()
            {
                let _ = open.shutdown().await;
                if ended.one_more() {
                    return End::Over;
                }
            }
            tokio::select! {
                message = input.wait(), if pending.has_room() => match message {
                    Some(ChannelMsg::Data { data }) if sink.is_some() && !is_ended => pending.push(data),
                    Some(ChannelMsg::Eof) => is_ended = true,
                    Some(ChannelMsg::Close) => return End::Closed(sink.map(|sink| (pending, sink))),
                    Some(_) => {}
                    None => return End::Cut,
                },
                written = write_to(&mut pending, sink.as_mut()), if !pending.is_empty() => {
                    if written.is_err() {
                        // The other end reads no more, and may have sent something before: that is still read.
                        pending.clear();
                        if sink.take().is_some() && ended.one_more() {
                            return End::Over;
                        }
                    }
                }
            }
        }
    }

    /// Ends when both directions are over, or nothing can be sent any more.
    async fn send<S>(
        &self,
        mut source: impl AsyncRead + Unpin,
        output: &ChannelWriteHalf<Msg>,
        ended: &Ends,
    ) -> End<S> {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            match source.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let bytes = buffer.split().freeze();
            if self.lease.output(&bytes).await.is_err() || output.data_bytes(bytes).await.is_err() {
                return End::Cut;
            }
        }
        let _ = output.eof().await;
        if ended.one_more() { End::Over } else { std::future::pending().await }
    }
}

/// Counts the directions that are over.
#[derive(Default)]
struct Ends(AtomicBool);

impl Ends {
    /// True if the other one is over already.
    fn one_more(&self) -> bool {
        self.0.swap(true, Ordering::Relaxed)
    }
}
