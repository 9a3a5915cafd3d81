//! One peer's WebSocket: buffers sized for its use, writes that are watched, a proper goodbye.

use std::io;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::limits;
use futures_util::{SinkExt, StreamExt};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::server::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::protocol::frame::Frame;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Data, OpCode};
use tokio_tungstenite::tungstenite::protocol::{self, CloseFrame, WebSocketConfig};

use crate::directory::AttachmentId;
use crate::permits::Permit;

/// TLS from a peer.
pub(crate) type Tls = TlsStream<Metered<TcpStream>>;
/// A WebSocket from a peer. Boxed: it is large, and every future that it passes through would have room
/// for it.
pub(crate) type WebSocket = Box<WebSocketStream<Tls>>;

/// Buffers of a control connection. There are thousands of idle ones, and their messages are small: a larger one is read
/// in pieces.
const CONTROL_BUFFER: usize = 64;
/// The largest message on one that the relay sends: a time stamp in base64, with what is around it. No session has more than
/// two, and only its agent gets them.
const TIME_STAMPED: usize = limits::TIME_STAMP.div_ceil(3) * 4 + 1024;
/// Buffers of a measurement. There are few, and for a moment.
const MEASUREMENT_BUFFER: usize = 1024;

/// A pipe's connection on its way to its partner.
pub(crate) struct PipeSocket {
    /// The connection.
    pub web_socket: WebSocket,
    /// What it said with its request.
    pub hello: Option<Message>,
    /// The partner whose HELLO it was told with the answer.
    pub heard: Option<AttachmentId>,
    /// Held for as long as it lives.
    pub permit: Permit,
}

/// What a connection is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Control messages.
    Control,
    /// A measurement.
    Measurement,
    /// Pipe data.
    Pipe,
}

/// Makes a WebSocket of an upgraded connection. `tail` came after the request.
pub(crate) async fn upgrade(mut tls: Tls, tail: Vec<u8>, purpose: Purpose) -> WebSocket {
    if purpose == Purpose::Pipe {
        tls.get_mut().1.set_buffer_limit(Some(limits::PIPE_TLS));
    }
    let config = Some(config(purpose));
    Box::new(WebSocketStream::from_partially_read(tls, tail, protocol::Role::Server, config).await)
}

fn config(purpose: Purpose) -> WebSocketConfig {
    let (read, write, message) = match purpose {
        Purpose::Control => (CONTROL_BUFFER, CONTROL_BUFFER, limits::RELAY_MESSAGE),
        Purpose::Measurement => (MEASUREMENT_BUFFER, MEASUREMENT_BUFFER, limits::MEASURE_CHUNK),
        Purpose::Pipe => (limits::PIPE_READ, limits::PIPE_WRITE, limits::DATA_MESSAGE),
    };
    let sent = if purpose == Purpose::Control { TIME_STAMPED } else { message };
    WebSocketConfig::default()
        .read_buffer_size(read)
        .write_buffer_size(write)
        .max_write_buffer_size(write + 2 * sent)
        .max_message_size(Some(message))
        .max_frame_size(Some(message))
}

/// A message as the relay sends it (RFC 6455, section 5.2), for before there is a WebSocket.
pub(crate) fn frame(message: Bytes) -> Vec<u8> {
    let mut bytes = Vec::new();
    let frame = Frame::message(message, OpCode::Data(Data::Binary), true);
    // Into memory it cannot fail.
    let _ = frame.format(&mut bytes);
    bytes
}

/// Says goodbye, or answers the peer's, and waits briefly until the peer has gone, so that the goodbye arrives.
/// What was written before it gets up to `patience` to leave.
pub(crate) async fn say_goodbye(mut socket: WebSocket, frame: CloseFrame, patience: Duration) {
    let flushed = timeout(patience, socket.flush()).await;
    if !matches!(flushed, Ok(Ok(()))) {
        return;
    }
    let _ = timeout(limits::CLOSE, async {
        // If the peer has closed it, the answer left with what was flushed, and this does nothing.
        let _ = socket.as_mut().close(Some(frame)).await;
        while let Some(Ok(_)) = socket.next().await {}
        let _ = socket.get_mut().shutdown().await;
        // Closing with unread bytes would make the kernel throw away what the peer has not read yet: after an
        // error the WebSocket layer has left some.
        let mut rest = [0; 1024];
        while matches!(socket.get_mut().read(&mut rest).await, Ok(1..)) {}
    })
    .await;
}

/// Bytes that the peer's socket has taken so far.
pub(crate) fn written(socket: &WebSocket) -> u64 {
    socket.get_ref().get_ref().0.written
}

/// Bytes that have come from the peer's socket so far.
pub(crate) fn received(socket: &WebSocket) -> u64 {
    socket.get_ref().get_ref().0.read
}

/// Counts what is written, so that a slow peer can be told from one that has stopped, and what is read, so
/// that a peer that sends without end is noticed also when no message comes of it.
#[derive(Debug)]
pub(crate) struct Metered<S> {
    inner: S,
    written: u64,
    read: u64,
}

impl<S> Metered<S> {
    /// Counts from now on.
    pub(crate) fn new(inner: S) -> Self {
        Self { inner, written: 0, read: 0 }
    }

    fn count(&mut self, result: Poll<io::Result<usize>>) -> Poll<io::Result<usize>> {
        if let Poll::Ready(Ok(bytes)) = &result {
            self.written += *bytes as u64;
        }
        result
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Metered<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buf.filled().len();
        let polled = Pin::new(&mut self.inner).poll_read(cx, buf);
        self.read += (buf.filled().len() - before) as u64;
        polled
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Metered<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write(cx, buf);
        self.count(result)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[io::IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let result = Pin::new(&mut self.inner).poll_write_vectored(cx, bufs);
        self.count(result)
    }

    fn is_write_vectored(&self) -> bool {
        self.inner.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.inner).poll_shutdown(cx)
    }
}
