//! Dials the relay, step by step, and turns what can go wrong into errors that a caller can tell apart.

mod connect;
mod error;
mod steps;
mod upgrade;

use std::net::SocketAddr;
use std::sync::Arc;

use rustls::ClientConfig;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::WebSocketStream;

pub use error::{CertificateDates, DialError};
pub use steps::{DialStep, StepReport};

use self::steps::Steps;
use super::RelayAddress;
use super::proxy::{self, Proxy, ProxyError};
use crate::{SUBPROTOCOL, limits};

/// A WebSocket to the relay.
pub type WebSocket = WebSocketStream<TlsStream<TcpStream>>;

/// How a relay is dialled: address, proxy and trust. Clones share the counter of [`Dialer::changes`].
#[derive(Clone)]
pub struct Dialer {
    relay: RelayAddress,
    proxy: Option<Arc<Proxy>>,
    tls: TlsConnector,
    changes: Arc<watch::Sender<u64>>,
}

/// What a connection is for: its buffers are sized by it.
#[derive(Clone, Copy)]
pub(super) enum Use {
    Control,
    Pipe,
}

impl Dialer {
    /// A dialer for `relay`, trusting what `tls` trusts.
    pub fn new(relay: RelayAddress, tls: Arc<ClientConfig>) -> Self {
        let changes = Arc::new(watch::Sender::new(0));
        Self { relay, proxy: None, tls: TlsConnector::from(tls), changes }
    }

    /// The same, through `proxy` if there is one. The proxy looks up the relay's name.
    pub fn through(self, proxy: Option<Proxy>) -> Self {
        Self { proxy: proxy.map(Arc::new), ..self }
    }

    /// The proxy that is used.
    pub fn proxy(&self) -> Option<&Proxy> {
        self.proxy.as_deref()
    }

    /// The relay's address.
    pub fn relay(&self) -> &RelayAddress {
        &self.relay
    }

    /// Tells every holder of a connection that the network has changed, so that a new connection may
    /// take a better way than the one it has.
    pub fn network_changed(&self) {
        self.changes.send_modify(|count| *count += 1);
    }

    /// How often the network has changed. Who holds a connection dials anew when this does.
    pub fn changes(&self) -> watch::Receiver<u64> {
        self.changes.subscribe()
    }

    /// Dials `path` without further headers, and reports every step, also the one that failed. It takes
    /// no longer than any other dialling.
    pub async fn probe(&self, path: &str) -> (Vec<StepReport>, Result<WebSocket, DialError>) {
        let mut steps = Steps::default();
        let outcome = self.dial_in_steps(&mut steps, (path, None), Use::Control).await;
        (steps.into_reports(), outcome)
    }

    /// Connects to `path` with one further header.
    pub(super) async fn dial(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
        purpose: Use,
    ) -> Result<WebSocket, DialError> {
        self.dial_in_steps(&mut Steps::default(), (path, header), purpose).await
    }

    async fn dial_in_steps(
        &self,
        steps: &mut Steps,
        request: (&str, Option<(&str, &str)>),
        purpose: Use,
    ) -> Result<WebSocket, DialError> {
        let dialled = timeout(limits::HANDSHAKE, self.dial_unbounded(steps, request, purpose)).await;
        dialled.unwrap_or_else(|_| {
            let error = self.timed_out(steps.running());
            steps.give_up(&error);
            Err(error)
        })
    }

    /// Until the tunnel stands, it is the proxy that does not answer.
    fn timed_out(&self, step: Option<DialStep>) -> DialError {
        let seconds = limits::HANDSHAKE.as_secs();
        match (&self.proxy, step) {
            (None, _) | (_, Some(DialStep::Tls | DialStep::Upgrade)) => {
                DialError::Timeout(self.relay.clone(), seconds)
            }
            (Some(proxy), _) => DialError::Proxy(ProxyError::timeout(proxy, &self.relay, seconds)),
        }
    }

    async fn dial_unbounded(
        &self,
        steps: &mut Steps,
        request: (&str, Option<(&str, &str)>),
        purpose: Use,
    ) -> Result<WebSocket, DialError> {
        let tcp = self.connect(steps).await?;
        let tls = steps.run(DialStep::Tls, self.secure(tcp), tls_version).await?;
        let upgrade = upgrade::upgrade(&self.relay, tls, request, purpose);
        steps.run(DialStep::Upgrade, upgrade, |_| SUBPROTOCOL.to_owned()).await
    }

    async fn connect(&self, steps: &mut Steps) -> Result<TcpStream, DialError> {
        let addresses = steps.run(DialStep::Resolve, self.resolve(), |found| connect::list(found)).await?;
        let connecting =
            async { connect::connect(&addresses).await.map_err(|problem| self.unreachable(problem)) };
        let mut stream = steps.run(DialStep::Tcp, connecting, connect::peer).await?;
        if let Some(proxy) = &self.proxy {
            let opening = async { Ok(proxy::open(&mut stream, proxy, &self.relay).await?) };
            steps.run(DialStep::Proxy, opening, |()| proxy.address().to_string()).await?;
        }
        Ok(stream)
    }

    async fn resolve(&self) -> Result<Vec<SocketAddr>, DialError> {
        let (host, port, unknown) = match &self.proxy {
            None => (self.relay.host(), self.relay.port(), DialError::Resolve(self.relay.clone())),
            Some(proxy) => {
                let address = proxy.address();
                (address.host(), address.port(), ProxyError::Resolve(address.clone()).into())
            }
        };
        connect::resolve(host, port).await.ok_or(unknown)
    }

    fn unreachable(&self, problem: String) -> DialError {
        match &self.proxy {
            None => DialError::Unreachable(self.relay.clone(), problem),
            Some(proxy) => ProxyError::Unreachable(proxy.address().clone(), problem).into(),
        }
    }

    async fn secure(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
        let secured = self.tls.connect(self.relay.server_name(), tcp).await;
        secured.map_err(|error| match &self.proxy {
            Some(proxy) if error::is_no_tls(&error) => {
                let problem = "what comes through it is no secure connection".to_owned();
                ProxyError::NotAProxy(proxy.address().clone(), problem).into()
            }
            _ => DialError::from_tls(self.relay.clone(), &error),
        })
    }
}

fn tls_version(stream: &TlsStream<TcpStream>) -> String {
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    }
}
