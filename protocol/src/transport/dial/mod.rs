//! Dials the relay, step by step, and turns what can go wrong into errors that a caller can tell apart.

mod connect;
mod error;
mod steps;
mod upgrade;

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
use crate::{SUBPROTOCOL, limits};

/// A WebSocket to the relay.
pub type WebSocket = WebSocketStream<TlsStream<TcpStream>>;

/// How a relay is dialled: address and trust. Clones share the counter of [`Dialer::changes`].
#[derive(Clone)]
pub struct Dialer {
    relay: RelayAddress,
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
        Self { relay, tls: TlsConnector::from(tls), changes: Arc::new(watch::Sender::new(0)) }
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
            let error = DialError::Timeout(self.relay.clone(), limits::HANDSHAKE.as_secs());
            steps.give_up(&error);
            Err(error)
        })
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
        let resolving = async {
            let resolved = connect::resolve(self.relay.host(), self.relay.port()).await;
            resolved.ok_or_else(|| DialError::Resolve(self.relay.clone()))
        };
        let addresses = steps.run(DialStep::Resolve, resolving, |found| connect::list(found)).await?;
        let connecting = async {
            let connected = connect::connect(&addresses).await;
            connected.map_err(|problem| DialError::Unreachable(self.relay.clone(), problem))
        };
        steps.run(DialStep::Tcp, connecting, connect::peer).await
    }

    async fn secure(&self, tcp: TcpStream) -> Result<TlsStream<TcpStream>, DialError> {
        let secured = self.tls.connect(self.relay.server_name(), tcp).await;
        secured.map_err(|error| DialError::from_tls(self.relay.clone(), &error))
    }
}

fn tls_version(stream: &TlsStream<TcpStream>) -> String {
    match stream.get_ref().1.protocol_version() {
        Some(rustls::ProtocolVersion::TLSv1_3) => "TLS 1.3".to_owned(),
        other => format!("{other:?}"),
    }
}
