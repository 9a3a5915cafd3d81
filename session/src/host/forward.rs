//! Connecting forwards as the user that everything else of the session runs as.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpStream, ToSocketAddrs};
use std::os::fd::{AsFd, AsRawFd, OwnedFd};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::socket::{
    AddressFamily, MsgFlags, SockFlag, SockType, UnixAddr, connect, setsockopt, socket, sockopt,
};
use nix::sys::time::{TimeVal, TimeValLike};

use super::{HostError, too_much};
use crate::own_addresses::OwnAddresses;
use crate::packet;
use crate::wire::{self, ConnectTarget, Event, FailReason, RequestId};

/// Most connects under way at once.
const MAX_CONNECTS: usize = 32;
/// Longest connect, over all addresses of a name.
const CONNECT_LIMIT: Duration = Duration::from_secs(10);
const STACK: usize = 256 * 1024;

/// Runs connects in threads that answer the agent themselves.
#[derive(Debug)]
pub(super) struct Forwards {
    socket: Arc<OwnedFd>,
    // Each thread holds a clone for as long as it runs, so the count of clones is the count of
    // threads, also of one that panicked.
    running: Arc<()>,
}

impl Forwards {
    pub(super) fn new(socket: Arc<OwnedFd>) -> Self {
        let running = Arc::new(());
        Self { socket, running }
    }

    /// How many connects are under way.
    pub(super) fn len(&self) -> usize {
        Arc::strong_count(&self.running) - 1
    }

    /// Connects, and answers when that is done or has failed.
    pub(super) fn connect(&self, id: RequestId, target: ConnectTarget) -> Result<(), HostError> {
        if self.len() >= MAX_CONNECTS {
            return answer(&self.socket, &too_much(id), None);
        }
        let (socket, running) = (Arc::clone(&self.socket), Arc::clone(&self.running));
        let started = thread::Builder::new().stack_size(STACK).spawn(move || {
            // The agent is gone if this fails; the main thread learns it in the same way.
            let _ = connect_and_answer(&socket, id, &target);
            drop(running);
        });
        match started {
            Ok(_) => Ok(()),
            Err(error) => answer(&self.socket, &failed(id, &error), None),
        }
    }
}

/// The answer to a request that came to nothing.
pub(super) fn failed(id: RequestId, error: &io::Error) -> Event {
    let reason = match error.kind() {
        io::ErrorKind::AddrNotAvailable => FailReason::Elsewhere,
        io::ErrorKind::NotFound => FailReason::NotFound,
        io::ErrorKind::PermissionDenied => FailReason::NotPermitted,
        io::ErrorKind::ConnectionRefused => FailReason::Refused,
        io::ErrorKind::TimedOut | io::ErrorKind::WouldBlock => FailReason::TimedOut,
        _ => FailReason::Other,
    };
    let message = error.to_string();
    Event::Failed { id, reason, message }
}

fn connect_and_answer(socket: &OwnedFd, id: RequestId, target: &ConnectTarget) -> Result<(), HostError> {
    let connected = match target {
        ConnectTarget::Tcp { host, port } => connect_tcp(host, *port),
        ConnectTarget::Own { host, port } => connect_own(host, *port),
        ConnectTarget::Unix { path } => connect_unix(path),
    };
    match connected {
        Ok(stream) => answer(socket, &Event::Connected { id }, Some(&stream)),
        Err(error) => {
            let error = io::Error::new(error.kind(), format!("could not connect: {error}"));
            answer(socket, &failed(id, &error), None)
        }
    }
}

fn answer(socket: &OwnedFd, event: &Event, stream: Option<&OwnedFd>) -> Result<(), HostError> {
    let packet = wire::encode(event)?;
    let descriptors: Vec<_> = stream.iter().map(AsFd::as_fd).collect();
    packet::send(socket.as_fd(), &packet, &descriptors, MsgFlags::empty())?;
    Ok(())
}

fn connect_tcp(host: &str, port: u16) -> io::Result<OwnedFd> {
    connect_any(resolve(host, port)?)
}

/// The name is resolved once, and only what is this computer's own of it is connected to. Its own names are its
/// own whatever a resolver knows of them.
fn connect_own(host: &str, port: u16) -> io::Result<OwnedFd> {
    let own = OwnAddresses::now()?;
    let is_own_name = is_own_name(host);
    let resolved = match resolve(host, port) {
        Err(_) if is_own_name => Vec::new(),
        resolved => resolved?,
    };
    let mut addresses: Vec<_> = resolved.into_iter().filter_map(|address| own.own(address)).collect();
    if addresses.is_empty() && is_own_name {
        addresses = [IpAddr::from(Ipv4Addr::LOCALHOST), Ipv6Addr::LOCALHOST.into()]
            .map(|ip| SocketAddr::new(ip, port))
            .to_vec();
    }
    if addresses.is_empty() {
        return Err(io::Error::new(io::ErrorKind::AddrNotAvailable, "that is another computer"));
    }
    connect_any(addresses)
}

/// `localhost` (RFC 6761), and the host's own name as it is and in multicast DNS; with or without the final dot.
fn is_own_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host).to_ascii_lowercase();
    let own = nix::unistd::gethostname().ok().and_then(|name| name.into_string().ok());
    let own = own.map(|name| name.to_ascii_lowercase()).filter(|name| !name.is_empty());
    let is_own = |own: &String| host == *own || host.strip_suffix(".local") == Some(own);
    host == "localhost" || host.ends_with(".localhost") || own.as_ref().is_some_and(is_own)
}

fn resolve(host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
    Ok((host, port).to_socket_addrs()?.collect())
}

fn connect_any(addresses: Vec<SocketAddr>) -> io::Result<OwnedFd> {
    let deadline = Instant::now() + CONNECT_LIMIT;
    let mut last = io::Error::new(io::ErrorKind::NotFound, "name has no address");
    for address in addresses {
        match connect_address(&address, deadline) {
            Ok(stream) => return Ok(stream.into()),
            Err(error) => last = error,
        }
    }
    Err(last)
}

fn connect_address(address: &SocketAddr, deadline: Instant) -> io::Result<TcpStream> {
    let left = deadline.saturating_duration_since(Instant::now());
    if left.is_zero() {
        return Err(io::ErrorKind::TimedOut.into());
    }
    TcpStream::connect_timeout(address, left)
}

// By hand, because the standard library's connect waits for ever if the listener's queue is full.
fn connect_unix(path: &str) -> io::Result<OwnedFd> {
    let address = UnixAddr::new(path)?;
    let flags = SockFlag::SOCK_CLOEXEC;
    let stream = socket(AddressFamily::Unix, SockType::Stream, flags, None)?;
    let limit = TimeVal::seconds(CONNECT_LIMIT.as_secs().cast_signed());
    setsockopt(&stream, sockopt::SendTimeout, &limit)?;
    connect(stream.as_raw_fd(), &address)?;
    setsockopt(&stream, sockopt::SendTimeout, &TimeVal::zero())?;
    Ok(stream)
}

#[cfg(test)]
mod tests {
    use std::net::TcpListener;

    use super::*;

    #[test]
    fn the_computers_own_names_reach_it_and_no_other_does() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().expect("an address").port();
        let own = nix::unistd::gethostname().expect("a name").into_string().expect("text");
        let names = [own.clone(), format!("{own}."), format!("{own}.local"), own.to_uppercase()];
        let spelled = ["localhost", "LOCALHOST", "localhost.", "x.localhost", "0.0.0.0", "127.1", "0x7f.1"];
        for name in names.iter().map(String::as_str).chain(spelled) {
            connect_own(name, port).unwrap_or_else(|error| panic!("{name}: {error}"));
        }
        for elsewhere in ["192.0.2.1", "::ffff:192.0.2.1", "255.255.255.255"] {
            let error = connect_own(elsewhere, port).expect_err(elsewhere);
            assert_eq!(error.kind(), io::ErrorKind::AddrNotAvailable, "{elsewhere}");
        }
    }
}
