//! Where the relay listens: addresses, and the sockets behind them.

use std::fmt;
use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use futures_util::future::select_all;
use nix::sys::socket::{setsockopt, sockopt};
use serde::Deserialize;
use tokio::net::{TcpListener, TcpSocket, TcpStream};

/// Connections that the kernel holds until they are accepted.
const BACKLOG: u32 = 1_024;
/// Pauses after failed accepts, the first and the longest: file descriptors come back only when a connection closes.
const PAUSE: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(1));

/// One address or several, as in `listen = "[::]:443"` and `listen = ["192.0.2.1:443", "[::1]:443"]`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(from = "OneOrMore")]
pub struct Listen(pub Vec<SocketAddr>);

#[derive(Deserialize)]
#[serde(untagged, expecting = "must be an address and port, as in \"[::]:443\", or a list of those")]
enum OneOrMore {
    One(SocketAddr),
    More(Vec<SocketAddr>),
}

impl From<OneOrMore> for Listen {
    fn from(value: OneOrMore) -> Self {
        match value {
            OneOrMore::One(address) => Self(vec![address]),
            OneOrMore::More(addresses) => Self(addresses),
        }
    }
}

impl From<SocketAddr> for Listen {
    fn from(address: SocketAddr) -> Self {
        Self(vec![address])
    }
}

impl Default for Listen {
    /// Every address of this computer, of both families.
    fn default() -> Self {
        SocketAddr::from((Ipv6Addr::UNSPECIFIED, 443)).into()
    }
}

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("could not listen on {address}: {problem}{advice}")]
pub struct ListenError {
    address: SocketAddr,
    problem: io::Error,
    advice: &'static str,
}

impl ListenError {
    fn new(address: SocketAddr, problem: io::Error) -> Self {
        let advice = match problem.kind() {
            io::ErrorKind::AddrInUse => " (another program listens there; `ss -ltnp` shows which)",
            io::ErrorKind::PermissionDenied if address.port() < 1_024 => {
                " (ports below 1024 are for root, and for services with CAP_NET_BIND_SERVICE)"
            }
            io::ErrorKind::AddrNotAvailable => " (this computer does not have that address)",
            _ => "",
        };
        Self { address, problem, advice }
    }
}

/// The listening sockets, one per address.
pub(crate) struct Listeners(Vec<TcpListener>);

impl Listeners {
    /// Listens on every one of these addresses.
    pub(crate) fn bind(listen: &Listen) -> Result<Self, ListenError> {
        let sockets = listen.0.iter().map(|address| {
            let bound = bind(*address, is_for_both(*address, listen));
            bound.map_err(|problem| ListenError::new(*address, problem))
        });
        Ok(Self(sockets.collect::<Result<_, _>>()?))
    }

    /// The addresses, with the ports that the kernel chose.
    pub(crate) fn addresses(&self) -> Vec<SocketAddr> {
        self.0.iter().filter_map(|listener| listener.local_addr().ok()).collect()
    }

    /// The next connection, and where it comes from: an IPv4 address is told as one, also where it came over
    /// a socket for both families. After an error it waits, longer each time.
    pub(crate) async fn accept(&self, pause: &mut Pause) -> (TcpStream, SocketAddr) {
        loop {
            let accepts = self.0.iter().map(|listener| Box::pin(listener.accept()));
            match select_all(accepts).await.0 {
                Ok((tcp, peer)) => {
                    *pause = Pause::default();
                    return (tcp, SocketAddr::new(peer.ip().to_canonical(), peer.port()));
                }
                Err(error) => {
                    tracing::warn!(%error, "could not accept a connection");
                    tokio::time::sleep(pause.0).await;
                    pause.0 = (pause.0 * 2).min(PAUSE.1);
                }
            }
        }
    }
}

/// The wait after a failed accept. It outlives the call: a connection that leaves meanwhile makes the relay
/// try again at once, and rightly so.
pub(crate) struct Pause(Duration);

impl Default for Pause {
    fn default() -> Self {
        Self(PAUSE.0)
    }
}

impl fmt::Display for Listeners {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let addresses: Vec<_> = self.addresses().iter().map(ToString::to_string).collect();
        f.write_str(&addresses.join(", "))
    }
}

/// Whether a socket for every IPv6 address is to take IPv4 connections, too: not if another one does.
fn is_for_both(address: SocketAddr, listen: &Listen) -> bool {
    address.ip() == IpAddr::V6(Ipv6Addr::UNSPECIFIED)
        && !listen.0.iter().any(|other| other.is_ipv4() && other.port() == address.port())
}

fn bind(address: SocketAddr, both: bool) -> io::Result<TcpListener> {
    match try_bind(address, both) {
        // A kernel without IPv6, or one where it is switched off.
        Err(error) if both && is_without_ipv6(&error) => {
            tracing::info!("no IPv6 here: listening on IPv4 only");
            try_bind(SocketAddr::from((Ipv4Addr::UNSPECIFIED, address.port())), false)
        }
        result => result,
    }
}

fn is_without_ipv6(error: &io::Error) -> bool {
    use nix::errno::Errno;
    let errno = error.raw_os_error().map(Errno::from_raw);
    matches!(errno, Some(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL | Errno::EPROTONOSUPPORT))
}

fn try_bind(address: SocketAddr, both: bool) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
    if address.is_ipv6() {
        // Whatever the system's default is.
        setsockopt(&socket, sockopt::Ipv6V6Only, &!both)?;
    }
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn listen(text: &str) -> Listen {
        #[derive(Deserialize)]
        struct File {
            listen: Listen,
        }
        toml::from_str::<File>(&format!("listen = {text}")).expect("it parses").listen
    }

    async fn seen_from(listeners: &Listeners, address: &str) -> IpAddr {
        let port = listeners.addresses()[0].port();
        let (dialled, mut pause) = (TcpStream::connect(format!("{address}:{port}")), Pause::default());
        let (_dialled, (_, peer)) = tokio::join!(dialled, listeners.accept(&mut pause));
        peer.ip()
    }

    #[tokio::test]
    async fn one_socket_serves_both_families_and_tells_ipv4_as_ipv4() {
        let listeners = Listeners::bind(&listen("\"[::]:0\"")).expect("free");
        assert_eq!(seen_from(&listeners, "127.0.0.1").await, IpAddr::from([127, 0, 0, 1]));
        if listeners.addresses()[0].is_ipv6() {
            assert_eq!(seen_from(&listeners, "[::1]").await, Ipv6Addr::LOCALHOST);
        }
    }

    #[tokio::test]
    async fn several_addresses_are_served_also_both_families_apart() {
        let first = Listeners::bind(&listen("[\"127.0.0.1:0\", \"127.0.0.2:0\"]")).expect("free");
        assert_eq!(first.addresses().len(), 2);
        let port = first.addresses()[1].port();
        let (dialled, mut pause) = (TcpStream::connect(("127.0.0.2", port)), Pause::default());
        tokio::join!(dialled, first.accept(&mut pause)).0.expect("the second one");
        drop(first);
        Listeners::bind(&listen(&format!("[\"0.0.0.0:{port}\", \"[::]:{port}\"]"))).expect("no clash");
    }

    #[tokio::test]
    async fn what_is_in_the_way_is_named() {
        let first = Listeners::bind(&listen("\"127.0.0.1:0\"")).expect("free");
        let error = Listeners::bind(&first.addresses()[0].into()).err().expect("taken").to_string();
        assert!(error.contains("another program listens there") && !error.contains("1024"), "{error}");
        let error = Listeners::bind(&listen("\"192.0.2.1:0\"")).err().expect("not here").to_string();
        assert!(error.contains("does not have that address"), "{error}");
    }
}
