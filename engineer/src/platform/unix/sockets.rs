//! Local sockets between the program that holds a session and those that use it.

use std::io::{self, IoSlice};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::os::unix::net::SocketAddr;
use std::path::Path;

use nix::sys::socket::sockopt::SockType;
use nix::sys::socket::{ControlMessage, MsgFlags, getsockopt, sendmsg};
use nix::sys::stat::{Mode, umask};
use nix::unistd::geteuid;
use tokio::io::{Interest, Ready};
use tokio::net::UnixListener;
use tokio::net::unix::{OwnedReadHalf, OwnedWriteHalf, ReadHalf};

use crate::words::say;

/// A local connection.
pub(crate) type LocalStream = tokio::net::UnixStream;
/// The reading side of a local connection.
pub(crate) type LocalReader<'a> = ReadHalf<'a>;
/// The reading side of a local connection, on its own.
pub(crate) type OwnedReader = OwnedReadHalf;
/// The writing side of a local connection, on its own.
pub(crate) type OwnedWriter = OwnedWriteHalf;
/// A local connection for programs that wait for one thing at a time.
pub(crate) type SyncStream = std::os::unix::net::UnixStream;

/// Accepts connections from programs of the same user.
pub(crate) struct LocalListener(UnixListener);

impl LocalListener {
    /// Listens at `path`, which must lie in a private directory.
    pub(crate) fn bind(path: &Path) -> io::Result<Self> {
        check_length(path)?;
        UnixListener::bind(path).map(Self)
    }

    /// Listens at `path`, wherever it lies: no other user may connect from the first moment on.
    pub(crate) fn bind_private(path: &Path) -> io::Result<Self> {
        let before = umask(Mode::from_bits_truncate(0o177));
        let bound = Self::bind(path);
        umask(before);
        bound
    }

    /// The next connection. Safe to cancel.
    pub(crate) async fn accept(&self) -> io::Result<LocalStream> {
        loop {
            let (stream, _) = self.0.accept().await?;
            // The directory keeps others out already; this holds even if another process opens it up.
            if stream.peer_cred()?.uid() == geteuid().as_raw() {
                return Ok(stream);
            }
        }
    }
}

/// Connects to the socket at `path`.
pub(crate) fn connect(path: &Path) -> io::Result<SyncStream> {
    check_length(path)?;
    SyncStream::connect(path)
}

/// The same connection for programs that wait for several things.
pub(crate) fn into_async(stream: SyncStream) -> io::Result<LocalStream> {
    stream.set_nonblocking(true)?;
    LocalStream::from_std(stream)
}

/// The kernel has room for about a hundred bytes; its own message would not say so.
fn check_length(path: &Path) -> io::Result<()> {
    SocketAddr::from_pathname(path).map(drop).map_err(|_| {
        io::Error::new(io::ErrorKind::InvalidInput, say!("path-too-long", path = path.display()))
    })
}

/// Passes `stream` to the program at the other end of standard output (ssh's `ProxyUseFdpass`).
pub(crate) fn hand_over(stream: &SyncStream) -> io::Result<()> {
    let descriptors = [stream.as_raw_fd()];
    let stdout = io::stdout();
    sendmsg::<()>(
        stdout.as_raw_fd(),
        &[IoSlice::new(&[0])],
        &[ControlMessage::ScmRights(&descriptors)],
        MsgFlags::empty(),
        None,
    )?;
    Ok(())
}

/// Whether standard output is a socket.
pub(crate) fn stdout_is_socket() -> bool {
    getsockopt(&io::stdout(), SockType).is_ok()
}

/// Two ends of a new local connection: one for here, one for a child's standard input.
pub(crate) fn socket_pair() -> io::Result<(LocalStream, OwnedFd)> {
    let (ours, theirs) = SyncStream::pair()?;
    Ok((into_async(ours)?, theirs.into()))
}

/// The local connection that this program was started with as its standard input; another one every time.
pub(crate) fn inherited_socket() -> io::Result<LocalStream> {
    let stream = SyncStream::from(io::stdin().as_fd().try_clone_to_owned()?);
    stream.peer_addr()?;
    into_async(stream)
}

/// The same connection once more.
pub(crate) fn duplicate(stream: &LocalStream) -> io::Result<LocalStream> {
    into_async(stream.as_fd().try_clone_to_owned()?.into())
}

/// Waits until the other end of a local connection is closed, also while another task reads from it. Safe to cancel.
pub(crate) async fn peer_gone(stream: &LocalStream) {
    closed(stream).await;
}

/// Waits until the other end of a local connection sends nothing more, even while no task reads and
/// unread bytes wait. An ssh that ends or is killed closes its connection; it never closes one half
/// and goes on reading. Safe to cancel.
pub(crate) async fn hung_up(reader: &LocalReader<'_>) {
    closed(reader.as_ref()).await;
}

#[cfg(any(target_os = "linux", target_os = "android"))]
async fn closed(stream: &LocalStream) {
    // Readability cannot be waited for, because unread bytes are readable. The reading side's end
    // also counts as readiness for priority data, which a local connection never carries.
    let closed = stream.ready(Interest::PRIORITY).await;
    debug_assert!(closed.is_ok_and(Ready::is_read_closed));
}

/// Elsewhere readiness does not tell unread bytes from the end, so the question is asked now and then.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
async fn closed(stream: &LocalStream) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    loop {
        let mut asked = [PollFd::new(stream.as_fd(), PollFlags::empty())];
        let answered = poll(&mut asked, PollTimeout::ZERO);
        if answered.is_ok() && asked[0].revents().is_some_and(|e| e.contains(PollFlags::POLLHUP)) {
            return;
        }
        tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::io::AsyncWriteExt;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn a_hang_up_shows_through_unread_bytes() {
        let (mut theirs, mut ours) = LocalStream::pair().expect("a pair");
        let (reader, _writer) = ours.split();
        theirs.write_all(&[7; 100_000]).await.expect("room");
        tokio::select! {
            biased;
            () = hung_up(&reader) => panic!("it is there"),
            readable = reader.readable() => readable.expect("bytes wait"),
        }
        drop(theirs);
        timeout(Duration::from_secs(5), hung_up(&reader)).await.expect("noticed");
    }

    #[test]
    fn a_path_that_is_too_long_is_named() {
        let path = Path::new("/tmp").join("d".repeat(120));
        let problem = connect(&path).expect_err("too long").to_string();
        assert!(problem.contains("FIELDLINK_RUNTIME_DIR"), "{problem}");
    }
}
