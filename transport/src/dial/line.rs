//! The single steps of an attempt, on sockets.

use std::io::{self, Write};
use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConnection;
use tokio::net::{TcpSocket, TcpStream};
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::ahead::Ahead;
use super::lookup::Lookups;
use super::route::Route;
use super::{DialError, error};
use crate::RelayAddress;
use crate::proxy::{self, Proxy, ProxyError};
use crate::purpose::Purpose;
use crate::tls::{CertificateOwner, TlsClient};

/// The relay, the proxy in between, and the certificates to trust.
pub(super) struct Line {
    pub(super) relay: RelayAddress,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: TlsClient,
    pub(super) lookups: Lookups,
    /// The interface that connections are bound to.
    pub(super) interface: Option<Arc<str>>,
}

impl Line {
    /// The same, with look-ups of its own.
    pub(super) fn anew(&self) -> Self {
        let Self { relay, proxy, tls, interface, .. } = self;
        let (relay, proxy, tls, interface) = (relay.clone(), proxy.clone(), tls.clone(), interface.clone());
        Self { relay, proxy, tls, lookups: Lookups::default(), interface }
    }

    /// The host and port to connect to: the proxy's if there is one, or else the relay's.
    pub(super) fn host(&self) -> (&str, u16) {
        match &self.proxy {
            None => (self.relay.host(), self.relay.port()),
            Some(proxy) => (proxy.address().host(), proxy.address().port()),
        }
    }

    pub(super) fn unresolved(&self) -> DialError {
        match &self.proxy {
            None => DialError::Resolve(self.relay.clone()),
            Some(proxy) => ProxyError::Resolve(proxy.address().clone()).into(),
        }
    }

    pub(super) async fn connect(&self, route: Route) -> Result<TcpStream, DialError> {
        let stream = self.open(route.address).await.map_err(|error| {
            let problem = error.to_string();
            match &self.proxy {
                None => DialError::Unreachable(self.relay.clone().into(), problem),
                Some(proxy) => ProxyError::Unreachable(proxy.address().clone(), problem).into(),
            }
        })?;
        // Keystrokes are small; waiting to fill a segment would cost 40 ms each.
        let _ = stream.set_nodelay(true);
        Ok(stream)
    }

    async fn open(&self, address: SocketAddr) -> io::Result<TcpStream> {
        let Some(interface) = &self.interface else { return TcpStream::connect(address).await };
        let socket = if address.is_ipv4() { TcpSocket::new_v4() } else { TcpSocket::new_v6() }?;
        bind_to(&socket, interface)?;
        socket.connect(address).await
    }

    /// Secures a connection. `ahead` goes with the first flight, if the relay has told us before that it may; it counts
    /// as not sent where the relay did not take it then.
    pub(super) async fn secure(
        &self,
        route: Route,
        tcp: TcpStream,
        (purpose, ahead): (Purpose, Vec<u8>),
    ) -> Result<Ahead<TlsStream<TcpStream>>, DialError> {
        let connector = TlsConnector::from(self.tls.greeting(route.hello, purpose));
        let mut sent = false;
        let begin = |begun: &mut ClientConnection| sent = send_early(begun, &ahead);
        let secured = connector.connect_with(self.relay.server_name(), tcp, begin).await;
        let said = |tls: TlsStream<TcpStream>| {
            let is_taken = sent && tls.get_ref().1.is_early_data_accepted();
            Ahead::new(tls, if is_taken { ahead } else { Vec::new() })
        };
        secured.map(said).map_err(|error| match &self.proxy {
            Some(proxy) if error::is_no_tls(&error) => {
                let problem = "what comes through it is no secure connection".to_owned();
                ProxyError::NotAProxy(proxy.address().clone(), problem).into()
            }
            _ => DialError::from_tls(self.relay.clone(), &error),
        })
    }

    /// The owner of a host that speaks TLS 1.2 only: has it show its certificate once, and says nothing to it.
    pub(super) async fn owner_of_outdated(&self, route: Route) -> CertificateOwner {
        let shown = async {
            let mut tcp = self.connect(route).await?;
            if let Some(proxy) = &self.proxy {
                proxy::open(&mut tcp, proxy, &self.relay).await?;
            }
            let connector = TlsConnector::from(self.tls.outdated());
            let shown = connector.connect(self.relay.server_name(), tcp).await;
            shown.map(drop).map_err(|error| DialError::from_tls(self.relay.clone(), &error))
        };
        match shown.await {
            Ok(()) | Err(DialError::CertificateExpired(..)) => CertificateOwner::Relay,
            Err(DialError::CertificateUntrusted(_, problem)) => problem.owner,
            Err(_) => CertificateOwner::Unknown,
        }
    }
}

/// Sends `head` early, if TLS may, and all of it.
fn send_early(begun: &mut ClientConnection, head: &[u8]) -> bool {
    let Some(mut early) = begun.early_data().filter(|early| early.bytes_left() >= head.len()) else {
        return false;
    };
    !head.is_empty() && early.write_all(head).is_ok()
}

/// Has a connection take this interface, whatever the routes say. Since Linux 5.7 that needs no capability.
#[cfg(target_os = "linux")]
fn bind_to(socket: &TcpSocket, interface: &str) -> io::Result<()> {
    socket.bind_device(Some(interface.as_bytes()))
}

#[cfg(not(target_os = "linux"))]
fn bind_to(_: &TcpSocket, _: &str) -> io::Result<()> {
    Err(io::ErrorKind::Unsupported.into())
}
