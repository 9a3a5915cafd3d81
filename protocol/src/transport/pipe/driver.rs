//! Moves a pipe's frames between its WebSocket and its two halves.

use std::sync::{Arc, PoisonError};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    self, Message, protocol::CloseFrame, protocol::frame::coding::CloseCode,
};
use tokio_util::sync::{CancellationToken, PollSender};

use super::super::control::close_reason;
use super::super::dial::WebSocket;
use super::halves::{PipeReader, PipeWriter, Shared};
use crate::pipe::{DATA_HEADER, Received, Stream, StreamError};
use crate::{limits, text};

/// Chunks that wait between a writer and the driver. Small: what waits here delays a keystroke.
const QUEUE: usize = 4;

/// How a pipe ended.
#[derive(Debug)]
pub enum PipeEnd {
    /// Both streams came to their ends.
    Complete,
    /// The relay or the peer closed it, with a reason code or a sentence.
    Closed(String),
    /// The connection broke.
    Lost(String),
    /// The peer, or the relay, broke the stream's rules.
    Violated(StreamError),
    /// We were told to stop.
    Cancelled,
}

/// The moving part of a pipe. Nothing moves until [`PipeDriver::run`] is awaited.
pub struct PipeDriver {
    socket: WebSocket,
    shared: Arc<Shared>,
    outgoing: mpsc::Receiver<BytesMut>,
}

pub(super) fn drive(
    socket: WebSocket,
    window: u32,
    peer_window: u32,
) -> (PipeReader, PipeWriter, PipeDriver) {
    let shared = Arc::new(Shared::new(Stream::new(window, peer_window)));
    let (outgoing_sender, outgoing) = mpsc::channel(QUEUE);
    (
        PipeReader { shared: shared.clone(), current: Bytes::new() },
        PipeWriter { outgoing: PollSender::new(outgoing_sender) },
        PipeDriver { socket, shared, outgoing },
    )
}

impl PipeDriver {
    /// Moves bytes until the pipe ends; then both halves see an end. When `cancel` fires, or both
    /// streams are complete, the close carries `goodbye` to the relay and the peer.
    pub async fn run(self, cancel: CancellationToken, goodbye: impl Fn() -> String) -> PipeEnd {
        let Self { socket, shared, outgoing } = self;
        // Also when we are dropped in the middle: a reader must not wait for what never comes.
        let _ended = EndOfInput(shared.clone());
        let (mut sink, mut source) = socket.split();
        let end = tokio::select! {
            biased;
            () = cancel.cancelled() => PipeEnd::Cancelled,
            end = receive_loop(&mut source, &shared) => end,
            end = send_loop(&mut sink, &shared, outgoing) => end,
        };
        let is_orderly = matches!(end, PipeEnd::Cancelled | PipeEnd::Complete);
        // Before the goodbye, which takes its time.
        shared.incoming.end();
        let reason = if is_orderly { goodbye() } else { String::new() };
        if let (Ok(socket), false) = (sink.reunite(source), matches!(end, PipeEnd::Lost(_))) {
            say_goodbye(socket, &reason).await;
        }
        end
    }
}

/// Tells the reader that nothing more will come.
struct EndOfInput(Arc<Shared>);

impl Drop for EndOfInput {
    fn drop(&mut self) {
        self.0.incoming.end();
    }
}

async fn receive_loop(source: &mut SplitStream<WebSocket>, shared: &Shared) -> PipeEnd {
    loop {
        let message = match source.next().await {
            Some(Ok(message)) => message,
            Some(Err(error)) => return lost(&error),
            None => return PipeEnd::Lost("it was cut".into()),
        };
        let frame = match message {
            Message::Binary(frame) => frame,
            Message::Close(frame) => return PipeEnd::Closed(close_reason(frame)),
            Message::Text(_) => return PipeEnd::Violated(StreamError::OutOfTurn),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        match shared.with_stream(|stream| stream.receive(frame)) {
            Ok(Received::Data(bytes)) => {
                if !shared.incoming.push(bytes) {
                    // Nobody reads any more; what the peer still sends leads nowhere.
                    return PipeEnd::Complete;
                }
            }
            Ok(Received::Acknowledged) => shared.wake.notify_one(),
            Ok(Received::End) => {
                shared.incoming.end();
                if shared.with_stream(|stream| stream.is_complete()) {
                    return PipeEnd::Complete;
                }
            }
            Ok(Received::Nothing) => {}
            Err(error) => return PipeEnd::Violated(error),
        }
    }
}

async fn send_loop(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
    mut outgoing: mpsc::Receiver<BytesMut>,
) -> PipeEnd {
    loop {
        if let Err(end) = send_some(sink, shared, &mut outgoing).await {
            return end;
        }
    }
}

/// Waits until there is something to send, then sends all there is before it flushes once.
async fn send_some(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
    outgoing: &mut mpsc::Receiver<BytesMut>,
) -> Result<(), PipeEnd> {
    tokio::select! {
        biased;
        () = shared.wake.notified() => {}
        chunk = outgoing.recv(), if has_room(shared) => match chunk {
            Some(chunk) => feed_chunk(sink, shared, chunk).await?,
            None => feed_end(sink, shared).await?,
        },
    }
    feed_acknowledgement(sink, shared).await?;
    while has_room(shared) {
        let Ok(chunk) = outgoing.try_recv() else { break };
        feed_chunk(sink, shared, chunk).await?;
    }
    write(sink.flush()).await?;
    if shared.with_stream(|stream| stream.is_complete()) { Err(PipeEnd::Complete) } else { Ok(()) }
}

/// There is no room after the end of our stream either.
fn has_room(shared: &Shared) -> bool {
    shared.with_stream(|stream| stream.room()) >= limits::PIPE_CHUNK
}

async fn feed_end(sink: &mut SplitSink<WebSocket, Message>, shared: &Shared) -> Result<(), PipeEnd> {
    let fin = shared.with_stream(Stream::finish);
    write(sink.feed(Message::Binary(fin))).await
}

async fn feed_chunk(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
    chunk: BytesMut,
) -> Result<(), PipeEnd> {
    debug_assert!(chunk.len() > DATA_HEADER);
    let frame = shared.with_stream(|stream| stream.send(chunk));
    write(sink.feed(Message::Binary(frame))).await
}

async fn feed_acknowledgement(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
) -> Result<(), PipeEnd> {
    let frame = shared.acknowledgement.lock().unwrap_or_else(PoisonError::into_inner).take();
    match frame {
        Some(frame) => write(sink.feed(Message::Binary(frame))).await,
        None => Ok(()),
    }
}

async fn write(sent: impl Future<Output = Result<(), tungstenite::Error>>) -> Result<(), PipeEnd> {
    match timeout(limits::WRITE, sent).await {
        Ok(sent) => sent.map_err(|error| lost(&error)),
        Err(_) => Err(PipeEnd::Lost("the relay takes nothing any more".into())),
    }
}

fn lost(error: &tungstenite::Error) -> PipeEnd {
    PipeEnd::Lost(text::sentence(&error.to_string()))
}

/// Sends a close frame and waits briefly for the answer, so that the reason arrives.
pub(super) async fn say_goodbye(mut socket: WebSocket, reason: &str) {
    let frame = CloseFrame { code: CloseCode::Normal, reason: reason.to_owned().into() };
    let _ = timeout(limits::CLOSE, async {
        let _ = socket.close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
    })
    .await;
}
