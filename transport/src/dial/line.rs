//! The single steps of an attempt, on sockets.

use tokio::net::TcpStream;
use tokio_rustls::{TlsConnector, client::TlsStream};

use super::lookup::Lookups;
use super::route::Route;
use super::{DialError, error};
use crate::RelayAddress;
use crate::proxy::{self, Proxy, ProxyError};
use crate::tls::{CertificateOwner, TlsClient};

/// The relay, the proxy in between, and the certificates to trust.
pub(super) struct Line {
    pub(super) relay: RelayAddress,
    pub(super) proxy: Option<Proxy>,
    pub(super) tls: TlsClient,
    pub(super) lookups: Lookups,
}

impl Line {
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
        let stream = TcpStream::connect(route.address).await.map_err(|error| {
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

    pub(super) async fn secure(
        &self,
        route: Route,
        tcp: TcpStream,
    ) -> Result<TlsStream<TcpStream>, DialError> {
        let connector = TlsConnector::from(self.tls.greeting(route.hello));
        let secured = connector.connect(self.relay.server_name(), tcp).await;
        secured.map_err(|error| match &self.proxy {
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
