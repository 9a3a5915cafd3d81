//! Local sockets between the program that holds a session and those that use it.

use std::io::{self, IoSlice};
use std::os::fd::AsRawFd;
use std::os::unix::net::SocketAddr;
use std::path::Path;

use nix::sys::socket::sockopt::SockType;
use nix::sys::socket::{ControlMessage, MsgFlags, getsockopt, sendmsg};
use nix::unistd::geteuid;
use tokio::io::{Interest, Ready};
use tokio::net::{UnixListener, unix::ReadHalf, unix::WriteHalf};

/// A local connection.
pub type LocalStream = tokio::net::UnixStream;
/// The reading side of a local connection.
pub type LocalReader<'a> = ReadHalf<'a>;
/// The writing side of a local connection.
pub type LocalWriter<'a> = WriteHalf<'a>;
/// A local connection for programs that wait for one thing at a time.
pub type SyncStream = std::os::unix::net::UnixStream;

/// Accepts connections from programs of the same user.
pub struct LocalListener(UnixListener);

impl LocalListener {
    /// Listens at `path`, which must lie in a private directory.
    pub fn bind(path: &Path) -> io::Result<Self> {
        check_length(path)?;
        UnixListener::bind(path).map(Self)
    }

    /// The next connection. Safe to cancel.
    pub async fn accept(&self) -> io::Result<LocalStream> {
        loop {
            let (stream, _) = self.0.accept().await?;
            // The directory keeps others out already; this holds even if someone opens it up.
            if stream.peer_cred()?.uid() == geteuid().as_raw() {
                return Ok(stream);
            }
        }
    }
}

/// Connects to the socket at `path`.
pub fn connect(path: &Path) -> io::Result<SyncStream> {
    check_length(path)?;
    SyncStream::connect(path)
}

/// The same connection for programs that wait for several things.
pub fn into_async(stream: SyncStream) -> io::Result<LocalStream> {
    stream.set_nonblocking(true)?;
    LocalStream::from_std(stream)
}

/// The kernel has room for about a hundred bytes; its own message would not say so.
fn check_length(path: &Path) -> io::Result<()> {
    SocketAddr::from_pathname(path).map(drop).map_err(|_| {
        io::Error::new(
            io::ErrorKind::InvalidInput,
            format!(
                "the path {} is too long for a socket: name a shorter directory in FIELDLINK_RUNTIME_DIR",
                path.display()
            ),
        )
    })
}

/// Passes `stream` to the program at the other end of standard output (ssh's `ProxyUseFdpass`).
pub fn hand_over(stream: &SyncStream) -> io::Result<()> {
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
pub fn stdout_is_socket() -> bool {
    getsockopt(&io::stdout(), SockType).is_ok()
}

/// Waits until the other end of a local connection sends nothing more, even while nobody reads and
/// unread bytes wait. An ssh that ends or is killed closes its connection; it never closes one half
/// and goes on reading. Safe to cancel.
#[cfg(any(target_os = "linux", target_os = "android"))]
pub async fn hung_up(reader: &LocalReader<'_>) {
    // Readability cannot be waited for, because unread bytes are readable. The reading side's end
    // also counts as readiness for priority data, which a local connection never carries.
    let closed = reader.ready(Interest::PRIORITY).await;
    debug_assert!(closed.is_ok_and(Ready::is_read_closed));
}

/// Elsewhere readiness does not tell unread bytes from the end, so the question is asked now and then.
#[cfg(not(any(target_os = "linux", target_os = "android")))]
pub async fn hung_up(reader: &LocalReader<'_>) {
    use nix::poll::{PollFd, PollFlags, PollTimeout, poll};
    use std::os::fd::AsFd;
    let stream: &LocalStream = reader.as_ref();
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
