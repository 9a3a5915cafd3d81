//! How the running relay hears of a revocation when the disk takes none: over a socket of this computer.
//!
//! `engineer revoke` writes into the store, where the relay looks four times a second. Where nothing can be
//! written (a read-only disk, I/O errors), it tells the relay here, which takes the engineers off its list
//! at once and writes it down later. The socket has an abstract name, so it needs no disk either; each side asks the
//! kernel for the other one's account.

use std::io::{self, Read, Write};
use std::os::linux::net::SocketAddrExt;
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::{SocketAddr, UnixListener as StdListener, UnixStream as StdStream};
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::text;
use nix::sys::socket::{getsockopt, sockopt};
use nix::unistd::geteuid;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{UnixListener, UnixStream};
use tokio::time::timeout;

use crate::store::{Store, unix_now};

/// The time limit of one exchange: any account of this computer may connect, and connections are served in turn.
const PATIENCE: Duration = Duration::from_secs(2);
/// The longest message: a name.
const MESSAGE: u64 = 1_024;
/// The longest answer: how many there are, then a line for each.
const ANSWER: u64 = 64 * 1_024;
/// After a name that could not be had.
const RETRY: Duration = Duration::from_secs(60);
/// After an accept that failed.
const PAUSE: Duration = Duration::from_secs(1);

/// Where the relay of one state directory listens, and the account that owns the directory.
#[derive(Debug, Clone)]
pub(crate) struct Door {
    address: SocketAddr,
    owner: u32,
}

impl Door {
    /// The one of `state_directory`, wherever a process sees that.
    pub(crate) fn of(state_directory: &Path) -> io::Result<Self> {
        let found = std::fs::metadata(state_directory)?;
        let name = format!("fieldlink-relay/{:x}-{:x}", found.dev(), found.ino());
        Ok(Self { address: SocketAddr::from_abstract_name(name)?, owner: found.uid() })
    }

    /// Has the running relay take the engineers who are called `name` off its list: a line for each of them.
    pub(crate) fn revoke(&self, name: &str) -> io::Result<Vec<String>> {
        let mut stream = StdStream::connect_addr(&self.address)?;
        let relay = getsockopt(&stream, sockopt::PeerCredentials)?.uid();
        if relay != self.owner && relay != 0 {
            return Err(io::Error::other("another account pretends to be the relay"));
        }
        stream.set_read_timeout(Some(2 * PATIENCE))?;
        stream.set_write_timeout(Some(2 * PATIENCE))?;
        stream.write_all(name.as_bytes())?;
        stream.shutdown(std::net::Shutdown::Write)?;
        let mut answer = String::new();
        stream.take(ANSWER).read_to_string(&mut answer)?;
        let mut lines = answer.lines();
        let count: Option<usize> = lines.next().and_then(|line| line.parse().ok());
        let count = count.ok_or_else(|| io::Error::other("the relay did not do it"))?;
        // A relay of an earlier version says how many, and no more.
        let unnamed = || "one whom the relay, which is of an earlier version, does not name".to_owned();
        Ok(lines.map(text::name).chain(std::iter::repeat_with(unnamed)).take(count).collect())
    }

    /// Binds the socket and listens on it, which only the relay does.
    pub(crate) fn open(&self) -> io::Result<UnixListener> {
        let listener = StdListener::bind_addr(&self.address)?;
        listener.set_nonblocking(true)?;
        UnixListener::from_std(listener)
    }
}

/// Takes revocations from root and the relay's own account, for as long as it is polled.
pub(crate) async fn serve(state_directory: &Path, store: Arc<dyn Store>) {
    let listener = listen(state_directory).await;
    loop {
        match listener.accept().await {
            Ok((stream, _)) => match timeout(PATIENCE, receive(stream, &*store)).await {
                Ok(Ok(())) => {}
                Ok(Err(error)) => tracing::debug!(%error, "no revocation"),
                Err(_) => tracing::debug!("no revocation in time"),
            },
            Err(error) => {
                tracing::warn!(%error, "could not listen for revocations");
                tokio::time::sleep(PAUSE).await;
            }
        }
    }
}

/// Listens as soon as that is possible: any account of this computer can take the name first, and keep it.
async fn listen(state_directory: &Path) -> UnixListener {
    let mut failed = false;
    loop {
        match Door::of(state_directory).and_then(|door| door.open()) {
            Ok(listener) => {
                if failed {
                    tracing::info!("`engineer revoke` needs no disk that can be written any more");
                }
                return listener;
            }
            Err(error) => {
                failed = true;
                tracing::error!(
                    %error,
                    "could not listen for revocations: until that is possible, `engineer revoke` needs a disk that can be \
                     written (if the address is in use, see `ss -xlp` for which program has fieldlink-relay/...)"
                );
                tokio::time::sleep(RETRY).await;
            }
        }
    }
}

async fn receive(mut stream: UnixStream, store: &dyn Store) -> io::Result<()> {
    let user = stream.peer_cred()?.uid();
    if user != 0 && user != geteuid().as_raw() {
        return Err(io::ErrorKind::PermissionDenied.into());
    }
    let mut name = String::new();
    (&mut stream).take(MESSAGE).read_to_string(&mut name).await?;
    let engineers = store.roster().borrow().called(&name);
    for engineer in &engineers {
        tracing::info!(engineer = %engineer.id, user, "revoked by the operator, without a disk");
        store.revoke(engineer.id, unix_now());
    }
    let lines: String = engineers.iter().map(|engineer| shown(engineer) + "\n").collect();
    stream.write_all(format!("{}\n{lines}", engineers.len()).as_bytes()).await
}

/// An engineer, told apart from others of that name.
pub(crate) fn shown(engineer: &EngineerIdentity) -> String {
    format!("{} ({}, {})", text::name(&engineer.name), text::name(&engineer.company), engineer.id)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_name_that_somebody_else_has_is_tried_again() {
        let root = tempfile::tempdir().expect("a directory");
        let squatter = Door::of(root.path()).and_then(|door| door.open()).expect("free");
        let listening = listen(root.path());
        tokio::pin!(listening);
        assert!(timeout(RETRY * 3, &mut listening).await.is_err(), "it is taken");
        drop(squatter);
        timeout(RETRY, &mut listening).await.expect("it is free again");
    }
}
