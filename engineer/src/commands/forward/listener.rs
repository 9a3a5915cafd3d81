//! Where a forward listens: at a port, or at a socket.

use std::io;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};

use crate::platform::{LocalListener, LocalStream};
use crate::words::say;

/// What comes out of a connection.
type From = Box<dyn AsyncRead + Send + Unpin>;
/// What goes into one.
type To = Box<dyn AsyncWrite + Send + Unpin>;

/// Where to listen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Local {
    /// A port, which every user of this computer can reach.
    Port(SocketAddr),
    /// A socket that this user alone can reach.
    Socket(PathBuf),
}

/// Accepts connections.
pub(super) enum Listener {
    Port(TcpListener),
    Socket { listener: LocalListener, _file: Remove },
}

/// A connection that was accepted.
pub(super) enum Accepted {
    Port(TcpStream, SocketAddr),
    Socket(LocalStream),
}

/// Removes a socket's file when it is dropped.
pub(super) struct Remove(pub(super) PathBuf);

impl Remove {
    /// Where the socket is.
    pub(super) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Remove {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

impl Listener {
    /// Listens; says where.
    pub(super) async fn bind(local: &Local) -> anyhow::Result<(Self, String)> {
        match local {
            Local::Port(address) => {
                let listener = TcpListener::bind(address).await;
                let listener =
                    listener.with_context(|| say!("could-not-listen", place = address.to_string()))?;
                let local = listener.local_addr().with_context(|| say!("port-unknown"))?.to_string();
                Ok((Self::Port(listener), local))
            }
            Local::Socket(path) => {
                let shown = path.display();
                anyhow::ensure!(path.symlink_metadata().is_err(), say!("socket-there-already", path = shown));
                let listener = LocalListener::bind_private(path);
                let listener = listener.with_context(|| say!("could-not-listen", place = path.display()))?;
                Ok((Self::Socket { listener, _file: Remove(path.clone()) }, shown.to_string()))
            }
        }
    }

    /// The next connection. Safe to cancel.
    pub(super) async fn accept(&self) -> io::Result<Accepted> {
        match self {
            Self::Port(listener) => {
                listener.accept().await.map(|(stream, peer)| Accepted::Port(stream, peer))
            }
            Self::Socket { listener, .. } => listener.accept().await.map(Accepted::Socket),
        }
    }
}

impl Accepted {
    /// Who it came from.
    pub(super) fn peer(&self) -> String {
        match self {
            Self::Port(_, peer) => peer.to_string(),
            Self::Socket(_) => say!("peer-at-socket"),
        }
    }

    /// Its two sides.
    pub(super) fn into_split(self) -> (From, To) {
        match self {
            Self::Port(stream, _) => {
                let _ = stream.set_nodelay(true);
                let (from, to) = stream.into_split();
                (Box::new(from), Box::new(to))
            }
            Self::Socket(stream) => {
                let (from, to) = stream.into_split();
                (Box::new(from), Box::new(to))
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[cfg(unix)]
    #[tokio::test]
    async fn a_socket_is_for_this_user_and_goes_with_the_program() {
        use std::os::unix::fs::PermissionsExt;
        let base = tempfile::tempdir().expect("a directory");
        let path = base.path().join("web");
        let local = Local::Socket(path.clone());
        let listening = Listener::bind(&local).await.expect("free");
        let mode = path.metadata().expect("there").permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
        let problem = Listener::bind(&local).await.err().expect("taken").to_string();
        assert!(problem.contains("it is there already"), "{problem}");
        drop(listening);
        assert!(!path.exists());
    }
}
