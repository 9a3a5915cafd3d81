//! A forward: a channel joined to a connection that `fieldlink-session` made.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::BytesMut;
use fieldlink_protocol::text;
use russh::server::{ChannelOpenHandle, Msg};
use russh::{Channel, ChannelMsg, ChannelOpenFailure, ChannelReadHalf, ChannelWriteHalf};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};

use super::channel_path::{Authorised, ChannelPath, Refusal};
use super::input::{Backlog, PendingInput, write_to};
use crate::session_process::wire::{ConnectTarget, FailReason};
use crate::session_process::{SessionClient, SessionError};

/// Bytes read from a destination at once.
const CHUNK: usize = 64 * 1024;
/// `connect failed`, RFC 4254 section 5.1.
const CONNECT_FAILED: u32 = 2;

/// Connects, answers the open request, and carries bytes until both directions are over.
pub(super) async fn run(
    (path, leave): (Arc<ChannelPath>, Authorised),
    backlog: Backlog,
    programs: SessionClient,
    target: ConnectTarget,
    channel: Channel<Msg>,
    reply: ChannelOpenHandle,
) {
    let stream = match programs.connect(target.clone()).await {
        Ok(stream) => stream,
        Err(error) => return reply.reject(failure(&target, &error)).await,
    };
    reply.accept().await;
    let (source, sink) = tokio::io::split(stream);
    let (input, output) = channel.split();
    let forward = Forward { path, leave };
    let ended = Ends::default();
    // Closing is ours to do once both directions are over: OpenSSH's client waits for it. If the
    // client closes first, it reads nothing more.
    tokio::select! {
        () = forward.receive(input, PendingInput::new(backlog), sink, &ended) => {}
        () = forward.send(source, &output, &ended) => {}
    }
    let _ = output.close().await;
}

/// What the engineer reads: the scanner's rule where that stands in the way, and else what went wrong.
fn failure(target: &ConnectTarget, error: &SessionError) -> ChannelOpenFailure {
    match (target, error) {
        (ConnectTarget::Own { host, port }, SessionError::Refused { reason: FailReason::Elsewhere, .. }) => {
            super::connection::prohibited(Refusal::destination(host, *port).to_string())
        }
        _ => {
            let reason = text::sentence(&error.to_string());
            ChannelOpenFailure::Other { code: CONNECT_FAILED, reason }
        }
    }
}

struct Forward {
    path: Arc<ChannelPath>,
    leave: Authorised,
}

impl Forward {
    /// Ends when the channel is closed and all that came before is passed on, or both directions are over.
    async fn receive(
        &self,
        mut input: ChannelReadHalf,
        mut pending: PendingInput,
        sink: impl AsyncWrite + Unpin,
        ended: &Ends,
    ) {
        let mut sink = Some(sink);
        let (mut is_ended, mut is_closed) = (false, false);
        loop {
            if pending.is_empty() && is_closed {
                return;
            }
            if pending.is_empty()
                && is_ended
                && let Some(mut open) = sink.take()
            {
                let _ = open.shutdown().await;
                if ended.one_more() {
                    return;
                }
            }
            tokio::select! {
                message = input.wait(), if !is_closed && pending.has_room() => match message {
                    Some(ChannelMsg::Data { data }) if sink.is_some() && !is_ended => {
                        if !self.path.gate(&self.leave, &data) {
                            return;
                        }
                        pending.push(data);
                    }
                    Some(ChannelMsg::Eof) => is_ended = true,
                    Some(ChannelMsg::Close) => is_closed = true,
                    Some(_) => {}
                    None => return,
                },
                written = write_to(&mut pending, sink.as_mut()), if !pending.is_empty() => {
                    if written.is_err() {
                        // The other end reads no more, and may have sent something before: that is still read.
                        pending.clear();
                        if sink.take().is_some() && ended.one_more() {
                            return;
                        }
                    }
                }
            }
        }
    }

    /// Ends when both directions are over, or nothing can be sent any more.
    async fn send(&self, mut source: impl AsyncRead + Unpin, output: &ChannelWriteHalf<Msg>, ended: &Ends) {
        let mut buffer = BytesMut::new();
        loop {
            buffer.reserve(CHUNK);
            match source.read_buf(&mut buffer).await {
                Ok(0) | Err(_) => break,
                Ok(_) => {}
            }
            let bytes = buffer.split().freeze();
            if !self.path.tap(&self.leave, &bytes) || output.data_bytes(bytes).await.is_err() {
                return;
            }
        }
        let _ = output.eof().await;
        if !ended.one_more() {
            std::future::pending().await
        }
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
