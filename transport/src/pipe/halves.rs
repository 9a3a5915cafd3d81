//! The two ends that a pipe's user holds.

use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes, BytesMut};
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{DATA_HEADER, ResumablePipe};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::PollSender;

use super::incoming::Incoming;

/// What reader, writer and driver share.
pub(super) struct Shared {
    pipe: Mutex<ResumablePipe>,
    pub(super) incoming: Incoming,
    urgent: Mutex<Vec<Bytes>>,
    /// Wakes the sending loop: there is something urgent to send, or room again.
    pub(super) wake: Notify,
    /// Wakes the driver: something is due earlier than it was.
    pub(super) nudge: Notify,
    /// The relay has closed the connection that was lost last: the way to it works.
    closed: AtomicBool,
    begin: Instant,
}

impl Shared {
    pub(super) fn new(pipe: ResumablePipe, begin: Instant) -> Self {
        Self {
            pipe: Mutex::new(pipe),
            incoming: Incoming::default(),
            urgent: Mutex::default(),
            wake: Notify::new(),
            nudge: Notify::new(),
            closed: AtomicBool::new(false),
            begin,
        }
    }

    /// The lock is held for a few instructions only and never across an await.
    pub(super) fn with_pipe<T>(&self, f: impl FnOnce(&mut ResumablePipe) -> T) -> T {
        f(&mut self.pipe.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// The time since the pipe began.
    pub(super) fn now(&self) -> Duration {
        self.begin.elapsed()
    }

    /// The moment of a time of the pipe's.
    pub(super) fn at(&self, time: Duration) -> Instant {
        self.begin + time
    }

    /// The relay has closed the connection.
    pub(super) fn note_close(&self) {
        self.closed.store(true, Ordering::Relaxed);
    }

    /// Whether it has, since this was asked last.
    pub(super) fn take_close(&self) -> bool {
        self.closed.swap(false, Ordering::Relaxed)
    }

    /// Sends `frame` before any data. Few are ever due at the same time.
    pub(super) fn send_urgently(&self, frame: Bytes) {
        self.urgent.lock().unwrap_or_else(PoisonError::into_inner).push(frame);
        self.wake.notify_one();
    }

    /// What is to be sent before any data.
    pub(super) fn urgent(&self) -> impl Iterator<Item = Bytes> + use<> {
        let urgent = std::mem::take(&mut *self.urgent.lock().unwrap_or_else(PoisonError::into_inner));
        let due = self.with_pipe(|pipe| [pipe.answer(), pipe.stream().acknowledgement()]);
        urgent.into_iter().chain(due.into_iter().flatten())
    }

    fn taken(&self, bytes: usize) {
        if self.with_pipe(|pipe| pipe.stream().take(bytes)) {
            self.wake.notify_one();
        }
    }
}

/// The reading end of a pipe. What is not read is not acknowledged, and stops the peer.
pub struct PipeReader {
    pub(super) shared: Arc<Shared>,
    pub(super) current: Bytes,
}

impl Drop for PipeReader {
    fn drop(&mut self) {
        self.shared.incoming.abandon();
        // What will not be read must not keep the pipe from ending.
        if self.shared.with_pipe(|pipe| pipe.stream().take_all()) {
            self.shared.wake.notify_one();
        }
    }
}

impl PipeReader {
    /// The next bytes as they came, or `None` at the end of the stream or of the pipe.
    pub async fn next(&mut self) -> Option<Bytes> {
        let bytes = match std::mem::take(&mut self.current) {
            rest if !rest.is_empty() => rest,
            _ => std::future::poll_fn(|cx| self.shared.incoming.poll_next(cx)).await?,
        };
        self.shared.taken(bytes.len());
        Some(bytes)
    }
}

impl AsyncRead for PipeReader {
    fn poll_read(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        out: &mut ReadBuf<'_>,
    ) -> Poll<std::io::Result<()>> {
        let this = self.get_mut();
        if this.current.is_empty() {
            match ready!(this.shared.incoming.poll_next(cx)) {
                Some(bytes) => this.current = bytes,
                None => return Poll::Ready(Ok(())),
            }
        }
        let length = out.remaining().min(this.current.len());
        out.put_slice(&this.current[..length]);
        this.current.advance(length);
        this.shared.taken(length);
        Poll::Ready(Ok(()))
    }
}

/// The writing end of a pipe. Dropping it, or shutting it down, ends the stream.
pub struct PipeWriter {
    pub(super) outgoing: PollSender<BytesMut>,
}

impl PipeWriter {
    /// A buffer for [`Self::send`]: the frame's header is left free, up to
    /// [`limits::PIPE_CHUNK`] bytes of payload go behind it.
    pub fn buffer(capacity: usize) -> BytesMut {
        let mut buffer = BytesMut::with_capacity(DATA_HEADER + capacity);
        buffer.resize(DATA_HEADER, 0);
        buffer
    }

    /// Sends what was appended to a [`Self::buffer`]. An error means that the pipe is over.
    pub async fn send(&mut self, buffer: BytesMut) -> std::io::Result<()> {
        debug_assert!(buffer.len() <= DATA_HEADER + limits::PIPE_CHUNK);
        if buffer.len() <= DATA_HEADER {
            return Ok(());
        }
        std::future::poll_fn(|cx| self.outgoing.poll_reserve(cx)).await.map_err(|_| broken())?;
        self.outgoing.send_item(buffer).map_err(|_| broken())
    }
}

impl AsyncWrite for PipeWriter {
    fn poll_write(self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let this = self.get_mut();
        ready!(this.outgoing.poll_reserve(cx)).map_err(|_| broken())?;
        let length = bytes.len().min(limits::PIPE_CHUNK);
        let mut buffer = Self::buffer(length);
        buffer.extend_from_slice(&bytes[..length]);
        this.outgoing.send_item(buffer).map_err(|_| broken())?;
        Poll::Ready(Ok(length))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        self.get_mut().outgoing.close();
        Poll::Ready(Ok(()))
    }
}

fn broken() -> std::io::Error {
    std::io::Error::new(std::io::ErrorKind::BrokenPipe, "the pipe has ended")
}
