//! A program's input and output, as tokio reads and writes it.

use std::io;
use std::os::fd::{AsFd, OwnedFd};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use fieldlink_session::wire::{ConnectTarget, TerminalSize};
use nix::errno::Errno;
use nix::fcntl::{FcntlArg, OFlag, fcntl};
use nix::unistd::{read, write};
use tokio::io::unix::AsyncFd;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::unix::pipe;
use tokio::net::{TcpStream, UnixStream};

use super::reply::CheckedIo;
use super::sys;

/// How the agent talks to a program.
#[derive(Debug)]
pub enum ProgramIo {
    /// Through the master of its terminal.
    Terminal(TerminalMaster),
    /// Through three pipes.
    Pipes {
        /// Its standard input; drop it to signal the end.
        stdin: pipe::Sender,
        /// Its standard output.
        stdout: pipe::Receiver,
        /// Its standard error.
        stderr: pipe::Receiver,
    },
}

impl ProgramIo {
    /// Registers checked descriptors with the runtime of the caller.
    pub(super) fn new(checked: CheckedIo) -> io::Result<Self> {
        Ok(match checked {
            CheckedIo::Terminal(master) => Self::Terminal(TerminalMaster::new(master)?),
            CheckedIo::Pipes(ends) => Self::Pipes {
                stdin: pipe::Sender::from_owned_fd(ends.stdin)?,
                stdout: pipe::Receiver::from_owned_fd(ends.stdout)?,
                stderr: pipe::Receiver::from_owned_fd(ends.stderr)?,
            },
        })
    }
}

/// A connected forward.
#[derive(Debug)]
pub enum ForwardStream {
    /// To a host and port.
    Tcp(TcpStream),
    /// To a Unix socket.
    Unix(UnixStream),
}

impl ForwardStream {
    pub(super) fn new(socket: OwnedFd, target: &ConnectTarget) -> io::Result<Self> {
        match target {
            ConnectTarget::Tcp { .. } | ConnectTarget::Own { .. } => {
                let stream = std::net::TcpStream::from(socket);
                stream.set_nonblocking(true)?;
                stream.set_nodelay(true)?;
                Ok(Self::Tcp(TcpStream::from_std(stream)?))
            }
            ConnectTarget::Unix { .. } => {
                let stream = std::os::unix::net::UnixStream::from(socket);
                stream.set_nonblocking(true)?;
                Ok(Self::Unix(UnixStream::from_std(stream)?))
            }
        }
    }
}

impl AsyncRead for ForwardStream {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_read(context, buffer),
            Self::Unix(stream) => Pin::new(stream).poll_read(context, buffer),
        }
    }
}

impl AsyncWrite for ForwardStream {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_write(context, bytes),
            Self::Unix(stream) => Pin::new(stream).poll_write(context, bytes),
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        match self.get_mut() {
            Self::Tcp(stream) => Pin::new(stream).poll_shutdown(context),
            Self::Unix(stream) => Pin::new(stream).poll_shutdown(context),
        }
    }
}

/// The master of a program's terminal.
///
/// Clones share it, so that one can read, another write and a third resize; at most one task may
/// read and one write at a time. The terminal hangs up when the last clone is dropped.
#[derive(Debug, Clone)]
pub struct TerminalMaster(Arc<AsyncFd<OwnedFd>>);

impl TerminalMaster {
    fn new(master: OwnedFd) -> io::Result<Self> {
        let flags = OFlag::from_bits_retain(fcntl(&master, FcntlArg::F_GETFL)?);
        fcntl(&master, FcntlArg::F_SETFL(flags | OFlag::O_NONBLOCK))?;
        Ok(Self(Arc::new(sys::register(master)?)))
    }

    /// Reads what the program has written so far, without waiting. `WouldBlock` means that the kernel holds
    /// nothing of it: asked so directly, it first passes on what is under way between the terminal's two ends.
    pub fn read_now(&self, buffer: &mut [u8]) -> io::Result<usize> {
        Ok(read(self.0.get_ref(), buffer)?)
    }

    /// Tells the program that its window has another size now.
    pub fn resize(&self, size: TerminalSize) -> io::Result<()> {
        Ok(sys::set_terminal_size(self.0.get_ref().as_fd(), size)?)
    }
}

impl AsyncRead for TerminalMaster {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        loop {
            let mut guard = ready!(self.0.poll_read_ready(context))?;
            let room = buffer.initialize_unfilled();
            match guard.try_io(|master| Ok(read(master.get_ref(), room)?)) {
                Ok(Ok(count)) => {
                    buffer.advance(count);
                    return Poll::Ready(Ok(()));
                }
                // This is how a master says that no program has the terminal open any more.
                Ok(Err(error)) if error.raw_os_error() == Some(Errno::EIO as i32) => {
                    return Poll::Ready(Ok(()));
                }
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(Err(error)) => return Poll::Ready(Err(error)),
                Err(_would_block) => {}
            }
        }
    }
}

impl AsyncWrite for TerminalMaster {
    fn poll_write(self: Pin<&mut Self>, context: &mut Context<'_>, bytes: &[u8]) -> Poll<io::Result<usize>> {
        loop {
            let mut guard = ready!(self.0.poll_write_ready(context))?;
            match guard.try_io(|master| Ok(write(master.get_ref(), bytes)?)) {
                Ok(Err(error)) if error.kind() == io::ErrorKind::Interrupted => {}
                Ok(result) => return Poll::Ready(result),
                Err(_would_block) => {}
            }
        }
    }

    fn poll_flush(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    /// Does nothing: a terminal has no end of input apart from its end-of-file character.
    fn poll_shutdown(self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}
