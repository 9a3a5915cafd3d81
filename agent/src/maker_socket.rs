//! Sockets of the maker's units: they must be the agent's alone, and systemd must listen there.

use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::fs::{FileTypeExt, MetadataExt};
use std::path::{Path, PathBuf};

use nix::errno::Errno;
use nix::sys::socket::{AddressFamily, SockFlag, SockType, UnixAddr, connect, getsockopt, socket, sockopt};
use nix::unistd::Uid;

/// What others may do with the socket.
const OTHERS: u32 = 0o077;

/// Why a unit's socket is not used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum SocketFault {
    /// Others could use it as well.
    #[error("{0} is no socket of fieldlink's alone (SocketUser=fieldlink and SocketMode=0600 in its unit)")]
    Exposed(PathBuf),
    /// Somebody else than systemd listens there.
    #[error("{0} is not served by systemd")]
    Foreign(PathBuf),
    /// Nobody does.
    #[error("could not connect to {path}: {error}")]
    Unreachable {
        /// The socket.
        path: PathBuf,
        /// Why.
        error: io::Error,
    },
}

/// A connection to the socket, which does not block.
pub(crate) fn open(path: &Path, kind: SockType) -> Result<OwnedFd, SocketFault> {
    let unreachable = |error: io::Error| SocketFault::Unreachable { path: path.to_owned(), error };
    let metadata = std::fs::symlink_metadata(path).map_err(unreachable)?;
    let is_ours = metadata.uid() == Uid::effective().as_raw() && metadata.mode() & OTHERS == 0;
    if !metadata.file_type().is_socket() || !is_ours {
        return Err(SocketFault::Exposed(path.to_owned()));
    }
    let open = || -> Result<OwnedFd, Errno> {
        let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
        let ours = socket(AddressFamily::Unix, kind, flags, None)?;
        connect(ours.as_raw_fd(), &UnixAddr::new(path)?)?;
        Ok(ours)
    };
    let ours = open().map_err(|error| unreachable(error.into()))?;
    let peer = getsockopt(&ours, sockopt::PeerCredentials).map_err(|error| unreachable(error.into()))?;
    match Uid::from_raw(peer.uid()) {
        uid if uid.is_root() || uid == Uid::effective() => Ok(ours),
        _ => Err(SocketFault::Foreign(path.to_owned())),
    }
}
