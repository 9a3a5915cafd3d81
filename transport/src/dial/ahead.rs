//! A connection whose first bytes have gone ahead, in TLS's first flight (early data, RFC 8446, section 2.3).
//!
//! Whoever speaks on it says them again, as on any other connection, and they go nowhere.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

/// See the module.
#[derive(Debug)]
pub struct Ahead<S> {
    stream: S,
    /// What was sent, and was not said again yet.
    ahead: Vec<u8>,
}

impl<S> Ahead<S> {
    /// `stream`, on which `ahead` was sent.
    pub(super) fn new(stream: S, ahead: Vec<u8>) -> Self {
        Self { stream, ahead }
    }

    /// The connection itself.
    pub(super) fn get_ref(&self) -> &S {
        &self.stream
    }

    /// The same, to be set up.
    pub(super) fn get_mut(&mut self) -> &mut S {
        &mut self.stream
    }

    /// Takes what went ahead off what is written. `None`: nothing did.
    fn swallow(&mut self, written: &[u8]) -> Option<io::Result<usize>> {
        let length = self.ahead.len().min(written.len());
        if length == 0 {
            return None;
        }
        let said = written.get(..length);
        if said != self.ahead.get(..length) {
            return Some(Err(io::Error::new(io::ErrorKind::InvalidInput, "another request went ahead")));
        }
        self.ahead.drain(..length);
        if self.ahead.is_empty() {
            self.ahead = Vec::new();
        }
        Some(Ok(length))
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Ahead<S> {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_read(cx, buf)
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Ahead<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &[u8]) -> Poll<io::Result<usize>> {
        match self.swallow(buf) {
            Some(swallowed) => Poll::Ready(swallowed),
            None => Pin::new(&mut self.stream).poll_write(cx, buf),
        }
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bufs: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let first = bufs.iter().find(|buf| !buf.is_empty()).map_or(&[][..], |buf| buf);
        match self.swallow(first) {
            Some(swallowed) => Poll::Ready(swallowed),
            None => Pin::new(&mut self.stream).poll_write_vectored(cx, bufs),
        }
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};

    use super::*;

    #[tokio::test]
    async fn what_went_ahead_is_not_said_again_and_what_follows_is() {
        let (near, mut far) = duplex(64);
        let mut stream = Ahead::new(near, b"GET /".to_vec());
        stream.write_all(b"GE").await.expect("swallowed");
        stream.write_all(b"T /data").await.expect("the rest is written");
        stream.write_all(b"!").await.expect("written");
        drop(stream);
        let mut said = Vec::new();
        far.read_to_end(&mut said).await.expect("read");
        assert_eq!(said, b"data!");
    }

    #[tokio::test]
    async fn another_request_than_the_one_that_went_ahead_is_an_error() {
        let (near, _far) = duplex(64);
        let mut stream = Ahead::new(near, b"GET /".to_vec());
        assert!(stream.write_all(b"GET !").await.is_err());
        let mut stream = Ahead::new(stream.stream, b"GET /".to_vec());
        let written = stream.write_vectored(&[IoSlice::new(b""), IoSlice::new(b"POST")]).await;
        assert!(written.is_err());
    }
}
