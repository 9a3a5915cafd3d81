//! Systems that this program is not ported to yet: it builds, and says so when it is run.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::pin::Pin;
use std::process::{Command, ExitStatus, Stdio};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::BufMut;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use zeroize::Zeroizing;

use crate::platform::Signal;
use crate::words::say;

fn unsupported() -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, say!("platform-not-supported"))
}

/// Boots are not told apart here yet.
pub(crate) fn boot_id() -> String {
    String::new()
}

/// Nothing is measured here yet.
pub(crate) fn since_boot() -> Duration {
    Duration::ZERO
}

/// Where sessions would be kept.
pub(crate) fn fallback_runtime_directory() -> PathBuf {
    std::env::temp_dir().join("fieldlink")
}

/// There is none here.
pub(crate) fn login_runtime_directory() -> Option<PathBuf> {
    None
}

/// There is no list of users here yet.
pub(crate) fn home_directory() -> Option<PathBuf> {
    None
}

/// Nothing is known of owners here yet.
pub(crate) fn check_own(_: &Path) -> io::Result<()> {
    Err(unsupported())
}

/// Nothing can be made private here yet.
pub(crate) fn create_private_directory(_: &Path) -> io::Result<()> {
    Err(unsupported())
}

/// Nothing can be made private here yet.
pub(crate) fn check_private_directory(_: &Path) -> io::Result<()> {
    Err(unsupported())
}

/// Nothing can be made private here yet.
pub(crate) fn check_private_file(_: &File) -> io::Result<()> {
    Err(unsupported())
}

/// Plain options.
pub(crate) fn private_file() -> OpenOptions {
    OpenOptions::new()
}

/// Nothing to give.
pub(crate) fn give_same_owner(_: &File, _: &std::fs::Metadata) -> io::Result<()> {
    Ok(())
}

/// Always an error.
pub(crate) fn is_from_this_user(_: &tokio::net::TcpStream) -> io::Result<bool> {
    Err(unsupported())
}

/// Nothing is passed on here.
pub(crate) fn stdout_is_socket() -> bool {
    false
}

/// Nothing to do.
pub(crate) fn sync_directory(_: &Path) -> io::Result<()> {
    Ok(())
}

/// Nothing to forbid.
pub(crate) fn keep_memory_private() {}

/// There are no process groups here yet.
pub(crate) fn in_own_group(_: &mut Command) {}

/// Nothing to leave.
pub(crate) fn follow_parent() {}

/// Nothing to let go of.
pub(crate) fn go_to_background() {}

/// No process can be signalled here yet.
pub(crate) fn send_signal(_: u32, _: Signal) {}

/// Nothing stops here.
pub(crate) fn stop_with(_: u32) {}

/// Nothing is known of signals here.
pub(crate) fn was_killed(_: ExitStatus) -> bool {
    false
}

/// Tells when something has happened to a child.
pub(crate) struct ChildChanges(());

impl ChildChanges {
    /// Nothing to watch.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Never returns.
    pub(crate) async fn next(&mut self) {
        std::future::pending().await
    }
}

/// The exit code of a child.
pub(crate) fn exit_code(status: ExitStatus) -> u8 {
    status.code().and_then(|code| u8::try_from(code).ok()).unwrap_or(u8::MAX)
}

/// ControlRequests to stop this program.
pub(crate) struct Signals(());

impl Signals {
    /// Takes over Ctrl-C.
    pub(crate) fn new() -> io::Result<Self> {
        Ok(Self(()))
    }

    /// Waits for the next one.
    pub(crate) async fn next(&mut self) -> Signal {
        match tokio::signal::ctrl_c().await {
            Ok(()) => Signal::Interrupt,
            Err(_) => std::future::pending().await,
        }
    }
}

/// A line of input; there is none here yet.
pub(crate) enum LineInput {}

impl LineInput {
    /// Always an error.
    pub(crate) fn stdin() -> io::Result<Self> {
        Err(unsupported())
    }

    /// Always an error.
    pub(crate) fn descriptor(_: i32) -> io::Result<Self> {
        Err(unsupported())
    }

    /// Never called.
    pub(crate) async fn line(&self) -> io::Result<Option<Zeroizing<String>>> {
        match *self {}
    }
}

/// The terminal; there is none here yet.
pub(crate) enum Terminal {}

impl Terminal {
    /// Always an error.
    pub(crate) fn open() -> io::Result<Self> {
        Err(unsupported())
    }

    /// Never called.
    pub(crate) fn hide_typing(&self) -> io::Result<HiddenTyping> {
        match *self {}
    }

    /// Never called.
    pub(crate) async fn ask(&self, _: &str, _: bool) -> io::Result<Option<Zeroizing<String>>> {
        match *self {}
    }
}

/// A terminal that does not show what is typed; there is none here yet.
pub(crate) enum HiddenTyping {}

/// The terminal's settings; there are none here yet.
pub(crate) enum TerminalState {}

impl TerminalState {
    /// Always nothing.
    pub(crate) fn remember() -> Option<Self> {
        None
    }

    /// Never called.
    pub(crate) fn reset_screen(&self) {
        match *self {}
    }
}

/// Listens for local connections; there are none here yet.
pub(crate) enum LocalListener {}

impl LocalListener {
    /// Always an error.
    pub(crate) fn bind(_: &Path) -> io::Result<Self> {
        Err(unsupported())
    }

    /// Always an error.
    pub(crate) fn bind_private(_: &Path) -> io::Result<Self> {
        Err(unsupported())
    }

    /// Never called.
    pub(crate) async fn accept(&self) -> io::Result<LocalStream> {
        match *self {}
    }
}

/// A local connection; there is none here yet.
pub(crate) enum LocalStream {}
/// The reading side of one.
pub(crate) type LocalReader<'a> = &'a LocalStream;
/// The reading side of one, on its own.
pub(crate) type OwnedReader = LocalStream;
/// The writing side of one, on its own.
pub(crate) type OwnedWriter = LocalStream;

impl LocalStream {
    /// Never called.
    pub(crate) fn split(&mut self) -> (LocalReader<'_>, &mut LocalStream) {
        match *self {}
    }

    /// Never called.
    pub(crate) fn into_split(self) -> (OwnedReader, OwnedWriter) {
        match self {}
    }

    /// Never called.
    pub(crate) async fn readable(&self) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn try_read_buf<B: BufMut>(&self, _: &mut B) -> io::Result<usize> {
        match *self {}
    }
}

impl AsyncRead for LocalStream {
    fn poll_read(self: Pin<&mut Self>, _: &mut Context<'_>, _: &mut ReadBuf<'_>) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }
}

impl AsyncWrite for LocalStream {
    fn poll_write(self: Pin<&mut Self>, _: &mut Context<'_>, _: &[u8]) -> Poll<io::Result<usize>> {
        match *self.get_mut() {}
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        match *self.get_mut() {}
    }
}

/// Never called.
pub(crate) async fn hung_up(reader: &LocalReader<'_>) {
    match **reader {}
}

/// Always an error.
pub(crate) fn socket_pair() -> io::Result<(LocalStream, Stdio)> {
    Err(unsupported())
}

/// Always an error.
pub(crate) fn inherited_socket() -> io::Result<LocalStream> {
    Err(unsupported())
}

/// Never called.
pub(crate) fn duplicate(stream: &LocalStream) -> io::Result<LocalStream> {
    match *stream {}
}

/// Never called.
pub(crate) async fn peer_gone(stream: &LocalStream) {
    match *stream {}
}

/// A local connection; there is none here yet.
pub(crate) enum SyncStream {}

impl SyncStream {
    /// Never called.
    pub(crate) fn set_read_timeout(&self, _: Option<Duration>) -> io::Result<()> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn try_clone(&self) -> io::Result<Self> {
        match *self {}
    }

    /// Never called.
    pub(crate) fn shutdown(&self, _: std::net::Shutdown) -> io::Result<()> {
        match *self {}
    }
}

impl Read for SyncStream {
    fn read(&mut self, _: &mut [u8]) -> io::Result<usize> {
        match *self {}
    }
}

impl Write for SyncStream {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        match *self {}
    }

    fn flush(&mut self) -> io::Result<()> {
        match *self {}
    }
}

/// Always an error.
pub(crate) fn connect(_: &Path) -> io::Result<SyncStream> {
    Err(unsupported())
}

/// Never called.
pub(crate) fn into_async(stream: SyncStream) -> io::Result<LocalStream> {
    match stream {}
}

/// Never called.
pub(crate) fn hand_over(stream: &SyncStream) -> io::Result<()> {
    match *stream {}
}
