//! Dials the relay and turns what can go wrong into errors that a caller can tell apart.

use std::sync::Arc;
use std::time::Duration;

use rustls::{CertificateError, ClientConfig};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::{TlsConnector, client::TlsStream};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::{
    self,
    handshake::client::{Request, generate_key},
    http::{HeaderMap, Response, StatusCode},
    protocol::WebSocketConfig,
};

use super::RelayAddress;
use crate::{SUBPROTOCOL, SUBPROTOCOL_PREFIX, endpoint, limits, text};

/// A WebSocket to the relay.
pub type WebSocket = WebSocketStream<TlsStream<TcpStream>>;

/// Why there is no connection to the relay.
#[derive(Debug, thiserror::Error)]
pub enum DialError {
    /// The name does not resolve.
    #[error("could not find the relay {0}: its name does not resolve (is the network up?)")]
    Resolve(RelayAddress),
    /// No TCP connection.
    #[error("could not reach the relay {0}: {1}")]
    Unreachable(RelayAddress, String),
    /// Something took longer than [`limits::HANDSHAKE`].
    #[error("could not reach the relay {0}: no answer within {1} s")]
    Timeout(RelayAddress, u64),
    /// The certificate is out of date, or the clock is.
    #[error("could not trust the relay {0}: its certificate is not valid at this time (is the clock right?)")]
    CertificateExpired(RelayAddress),
    /// The certificate is someone else's.
    #[error("could not trust the relay {0}: {1}")]
    CertificateUntrusted(RelayAddress, String),
    /// TLS failed in another way.
    #[error("could not secure the connection to the relay {0}: {1}")]
    Tls(RelayAddress, String),
    /// The relay does not speak our version.
    #[error("the relay {relay} speaks {theirs}, this program speaks {SUBPROTOCOL}: {}", upgrade_hint(.theirs))]
    Version {
        /// The relay.
        relay: RelayAddress,
        /// The versions it lists.
        theirs: String,
    },
    /// The relay refused, with a code.
    #[error("the relay {relay} refused: {code}")]
    Refused {
        /// The relay.
        relay: RelayAddress,
        /// The code from its answer; for 401 on the engineer's endpoint, `credential`.
        code: String,
    },
    /// What answers is no Fieldlink relay.
    #[error("{0} answers, but not as a fieldlink relay: {1}")]
    NotARelay(RelayAddress, String),
}

fn upgrade_hint(theirs: &str) -> &'static str {
    let newest = theirs
        .split(',')
        .filter_map(|version| version.trim().strip_prefix(SUBPROTOCOL_PREFIX)?.parse::<u32>().ok())
        .max();
    match newest {
        Some(version) if version > 1 => "upgrade this program",
        _ => "ask the relay's operator to upgrade it",
    }
}

/// How a relay is dialled: address and trust.
#[derive(Clone)]
pub struct Dialer {
    relay: RelayAddress,
    tls: TlsConnector,
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
        Self { relay, tls: TlsConnector::from(tls) }
    }

    /// The relay's address.
    pub fn relay(&self) -> &RelayAddress {
        &self.relay
    }

    /// Connects to `path` with one further header.
    pub(super) async fn dial(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
        purpose: Use,
    ) -> Result<WebSocket, DialError> {
        let relay = || self.relay.clone();
        timeout(limits::HANDSHAKE, self.dial_unbounded(path, header, purpose))
            .await
            .unwrap_or_else(|_| Err(DialError::Timeout(relay(), limits::HANDSHAKE.as_secs())))
    }

    async fn dial_unbounded(
        &self,
        path: &str,
        header: Option<(&str, &str)>,
        purpose: Use,
    ) -> Result<WebSocket, DialError> {
        let tcp = self.connect_tcp().await?;
        let tls = self.tls.connect(self.relay.server_name(), tcp).await.map_err(|e| self.tls_error(&e))?;
        let request = self.request(path, header)?;
        let config = Some(web_socket_config(purpose));
        let connected = tokio_tungstenite::client_async_with_config(request, tls, config).await;
        connected.map(|(socket, _)| socket).map_err(|error| self.upgrade_error(error))
    }

    /// Tries every address the name resolves to, the next one a quarter of a second later (a plain
    /// form of RFC 8305), because a broken IPv6 must not cost the whole time-out.
    async fn connect_tcp(&self) -> Result<TcpStream, DialError> {
        let resolved = tokio::net::lookup_host((self.relay.host(), self.relay.port())).await;
        let addresses: Vec<_> =
            resolved.map_err(|_| DialError::Resolve(self.relay.clone()))?.take(8).collect();
        let mut attempts = tokio::task::JoinSet::new();
        for (index, address) in addresses.into_iter().enumerate() {
            attempts.spawn(async move {
                tokio::time::sleep(Duration::from_millis(250) * index as u32).await;
                TcpStream::connect(address).await
            });
        }
        let mut problem = "it has no address".to_owned();
        while let Some(attempt) = attempts.join_next().await {
            match attempt {
                Ok(Ok(stream)) => {
                    // Keystrokes are small; waiting to fill a segment would cost 40 ms each.
                    let _ = stream.set_nodelay(true);
                    return Ok(stream);
                }
                Ok(Err(error)) => problem = error.to_string(),
                Err(error) => problem = error.to_string(),
            }
        }
        Err(DialError::Unreachable(self.relay.clone(), problem))
    }

    fn request(&self, path: &str, header: Option<(&str, &str)>) -> Result<Request, DialError> {
        let mut request = Request::builder()
            .uri(format!("{}{path}", self.relay))
            .header("Host", self.relay.authority())
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .header("Sec-WebSocket-Protocol", SUBPROTOCOL);
        if let Some((name, value)) = header {
            request = request.header(name, value);
        }
        // A token of a hostile relay, say, need not fit into a header.
        request.body(()).map_err(|error| DialError::NotARelay(self.relay.clone(), error.to_string()))
    }

    fn tls_error(&self, error: &std::io::Error) -> DialError {
        let relay = self.relay.clone();
        let Some(rustls_error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>())
        else {
            return DialError::Tls(relay, text::sentence(&error.to_string()));
        };
        match rustls_error {
            rustls::Error::InvalidCertificate(
                CertificateError::Expired
                | CertificateError::ExpiredContext { .. }
                | CertificateError::NotValidYet
                | CertificateError::NotValidYetContext { .. },
            ) => DialError::CertificateExpired(relay),
            // An authority of the same name with another key shows as a bad signature.
            rustls::Error::InvalidCertificate(
                CertificateError::UnknownIssuer | CertificateError::BadSignature,
            ) => DialError::CertificateUntrusted(
                relay,
                "its certificate is from an authority not trusted here".into(),
            ),
            rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            ) => DialError::CertificateUntrusted(relay, "its certificate is for another name".into()),
            rustls::Error::InvalidCertificate(problem) => {
                DialError::CertificateUntrusted(relay, text::sentence(&problem.to_string()))
            }
            other => DialError::Tls(relay, text::sentence(&other.to_string())),
        }
    }

    fn upgrade_error(&self, error: tungstenite::Error) -> DialError {
        let relay = self.relay.clone();
        match error {
            tungstenite::Error::Http(response) => refusal(relay, &response),
            tungstenite::Error::Io(error) => {
                DialError::Unreachable(relay, text::sentence(&error.to_string()))
            }
            other => DialError::NotARelay(relay, text::sentence(&other.to_string())),
        }
    }
}

fn refusal(relay: RelayAddress, response: &Response<Option<Vec<u8>>>) -> DialError {
    let header = |name: &str| header_text(response.headers(), name);
    if let Some(theirs) = header(endpoint::VERSIONS_HEADER) {
        return DialError::Version { relay, theirs };
    }
    match header(endpoint::REFUSED_HEADER) {
        Some(code) => DialError::Refused { relay, code },
        None if response.status() == StatusCode::UNAUTHORIZED => {
            DialError::Refused { relay, code: "credential".into() }
        }
        None => DialError::NotARelay(relay, format!("HTTP status {}", response.status().as_u16())),
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(text::name)
}

fn web_socket_config(purpose: Use) -> WebSocketConfig {
    let (buffer, limit) = match purpose {
        Use::Control => (4 * 1024, limits::CONTROL_MESSAGE),
        Use::Pipe => (128 * 1024, limits::DATA_MESSAGE),
    };
    WebSocketConfig::default()
        .read_buffer_size(buffer)
        .write_buffer_size(buffer)
        .max_write_buffer_size(4 * limits::DATA_MESSAGE)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
}
