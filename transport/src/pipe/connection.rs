//! One connection of a pipe: moves frames between its WebSocket and the pipe's two halves.

use std::collections::VecDeque;

use bytes::{Bytes, BytesMut};
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{DATA_HEADER, Received, Stream, StreamError, closing};
use futures_util::stream::{SplitSink, SplitStream};
use futures_util::{SinkExt, StreamExt};
use tokio::sync::mpsc;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::{
    self, Message, protocol::CloseFrame, protocol::frame::coding::CloseCode,
};

use super::super::control::close_reason;
use super::super::describe;
use super::super::dial::WebSocket;
use super::PipeEnd;
use super::halves::Shared;

/// A connection on which both sides have proven the pipe's key.
pub(super) struct Connection {
    sink: SplitSink<WebSocket, Message>,
    source: SplitStream<WebSocket>,
    /// What the peer has not received over the connections before.
    first: VecDeque<Bytes>,
}

impl Connection {
    pub(super) fn new(socket: WebSocket) -> Self {
        let (sink, source) = socket.split();
        Self { sink, source, first: VecDeque::new() }
    }

    pub(super) fn beginning_with(self, frames: Vec<Bytes>) -> Self {
        Self { first: frames.into(), ..self }
    }

    pub(super) async fn say_goodbye(self, reason: &str) {
        if let Ok(socket) = self.sink.reunite(self.source) {
            say_goodbye(socket, reason).await;
        }
    }
}

/// Moves frames over `connection` until it is gone or the pipe ends; without one, numbers what is written.
pub(super) async fn moving(
    connection: Option<&mut Connection>,
    shared: &Shared,
    outgoing: &mut mpsc::Receiver<BytesMut>,
) -> PipeEnd {
    let Some(Connection { sink, source, first }) = connection else {
        return number(shared, outgoing).await;
    };
    tokio::select! {
        biased;
        end = receive_loop(source, shared) => end,
        end = send_loop(sink, shared, first, outgoing) => end,
    }
}

/// What is written while there is no connection goes out with the next one, right behind our proof. Never ends: there
/// is no more room than the window before the peer has acknowledged something.
async fn number(shared: &Shared, outgoing: &mut mpsc::Receiver<BytesMut>) -> PipeEnd {
    while has_room(shared) {
        match outgoing.recv().await {
            Some(chunk) => drop(shared.with_pipe(|pipe| pipe.stream().send(chunk))),
            None => drop(shared.with_pipe(|pipe| pipe.stream().finish())),
        }
    }
    std::future::pending().await
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
            Message::Close(frame) => {
                shared.note_close();
                return closed(frame);
            }
            Message::Text(text) if text.as_str() == closing::ATTACH_AGAIN => {
                shared.with_pipe(|pipe| pipe.want_another(shared.now()));
                shared.nudge.notify_one();
                continue;
            }
            Message::Text(_) => return PipeEnd::Violated(StreamError::OutOfTurn),
            Message::Ping(_) | Message::Pong(_) | Message::Frame(_) => continue,
        };
        if let Err(end) = take_in(frame, shared) {
            return end;
        }
    }
}

fn take_in(frame: Bytes, shared: &Shared) -> Result<(), PipeEnd> {
    let now = shared.now();
    match shared.with_pipe(|pipe| pipe.receive(frame, now)).map_err(PipeEnd::Violated)? {
        Received::Data(bytes) => {
            if !shared.incoming.push(bytes) {
                // The reader is gone; what the peer still sends leads nowhere.
                return Err(PipeEnd::Complete);
            }
        }
        Received::End => {
            shared.incoming.end();
            shared.wake.notify_one();
        }
        Received::Acknowledged | Received::Ping => shared.wake.notify_one(),
        Received::Nothing => {}
    }
    match shared.with_pipe(|pipe| pipe.stream().is_complete()) {
        true => Err(PipeEnd::Complete),
        false => Ok(()),
    }
}

async fn send_loop(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
    first: &mut VecDeque<Bytes>,
    outgoing: &mut mpsc::Receiver<BytesMut>,
) -> PipeEnd {
    loop {
        let sent = match first.pop_front() {
            Some(frame) => send_again(sink, frame).await,
            None => send_some(sink, shared, outgoing).await,
        };
        if let Err(end) = sent {
            return end;
        }
    }
}

async fn send_again(sink: &mut SplitSink<WebSocket, Message>, frame: Bytes) -> Result<(), PipeEnd> {
    write(sink.send(Message::Binary(frame))).await
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
    for frame in shared.urgent() {
        write(sink.feed(Message::Binary(frame))).await?;
    }
    while has_room(shared) {
        let Ok(chunk) = outgoing.try_recv() else { break };
        feed_chunk(sink, shared, chunk).await?;
    }
    write(sink.flush()).await?;
    let is_complete = shared.with_pipe(|pipe| {
        pipe.spoke(shared.now());
        pipe.stream().is_complete()
    });
    if is_complete { Err(PipeEnd::Complete) } else { Ok(()) }
}

/// There is no room after the end of our stream either.
fn has_room(shared: &Shared) -> bool {
    shared.with_pipe(|pipe| pipe.stream().room()) >= limits::PIPE_CHUNK
}

async fn feed_end(sink: &mut SplitSink<WebSocket, Message>, shared: &Shared) -> Result<(), PipeEnd> {
    let fin = shared.with_pipe(|pipe| Stream::finish(pipe.stream()));
    write(sink.feed(Message::Binary(fin))).await
}

async fn feed_chunk(
    sink: &mut SplitSink<WebSocket, Message>,
    shared: &Shared,
    chunk: BytesMut,
) -> Result<(), PipeEnd> {
    debug_assert!(chunk.len() > DATA_HEADER);
    let frame = shared.with_pipe(|pipe| pipe.stream().send(chunk));
    write(sink.feed(Message::Binary(frame))).await
}

async fn write(sent: impl Future<Output = Result<(), tungstenite::Error>>) -> Result<(), PipeEnd> {
    match timeout(limits::WRITE, sent).await {
        Ok(sent) => sent.map_err(|error| lost(&error)),
        Err(_) => Err(PipeEnd::Lost("the relay takes nothing any more".into())),
    }
}

/// A close that gives a reason of ours is the pipe's end. One by the relay for this connection alone,
/// or without a word, is not.
pub(super) fn closed(frame: Option<CloseFrame>) -> PipeEnd {
    let goes_on =
        is_wordless(frame.as_ref()) || frame.as_ref().is_some_and(|frame| closing::goes_on(&frame.reason));
    let text = close_reason(frame);
    if goes_on { PipeEnd::Lost(closing::describe(&text).to_owned()) } else { PipeEnd::Closed(text) }
}

/// Whether a close says nothing: whatever was in between broke.
pub(super) fn is_wordless(frame: Option<&CloseFrame>) -> bool {
    closing::is_wordless(frame.map(|frame| (frame.code.into(), frame.reason.as_str())))
}

pub(super) fn lost(error: &tungstenite::Error) -> PipeEnd {
    PipeEnd::Lost(describe(error))
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
