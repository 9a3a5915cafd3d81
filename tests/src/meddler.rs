//! A hostile relay: it stands between both sides and a real relay, with the relay's certificate, and
//! may read, change, repeat, reorder or withhold whatever passes.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use fieldlink_protocol::code::Code;
use fieldlink_protocol::pipe::{Hello, PipeKind, Role};
use fieldlink_protocol::{SUBPROTOCOL, endpoint};
use fieldlink_transport::client_config;
use futures_util::{SinkExt, StreamExt};
use rustls::ServerConfig;
use rustls::pki_types::ServerName;
use rustls::server::ServerSessionMemoryCache;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::handshake::server::{Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;

use crate::Relay;

/// One connection that passes the hostile relay.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Leg {
    /// Counts connections in the order in which they came.
    pub number: usize,
    /// The endpoint's path, such as `/v1/agent`.
    pub path: String,
    /// For pipes: whose end, read from the ticket.
    pub side: Option<Role>,
    /// For pipes: what it carries, read from the ticket.
    pub kind: Option<PipeKind>,
}

/// Which way a message goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Direction {
    /// From the agent or engineer to the relay.
    Up,
    /// From the relay to the agent or engineer.
    Down,
}

/// What becomes of each message: those returned are passed on instead. `Close(None)` in the place of another message
/// cuts the connection without a word.
pub type Meddle = Box<dyn FnMut(&Leg, Direction, Message) -> Vec<Message> + Send>;

/// A running hostile relay. Ends with the runtime it holds.
pub struct Meddler {
    address: String,
    recording: Arc<Mutex<Vec<u8>>>,
    _runtime: tokio::runtime::Runtime,
}

struct Shared {
    real: String,
    connector: TlsConnector,
    meddle: Mutex<Meddle>,
    recording: Arc<Mutex<Vec<u8>>>,
    legs: Mutex<usize>,
}

/// Passes everything on.
pub fn honest() -> Meddle {
    Box::new(|_, _, message| vec![message])
}

impl Meddler {
    /// Stands in front of `relay`.
    pub fn start(relay: &Relay, meddle: Meddle) -> Self {
        Self::securing(relay, relay.certificates().server_config(), meddle)
    }

    /// The same; it takes what is said in TLS's first flight, and keeps it to itself.
    pub fn swallowing(relay: &Relay, meddle: Meddle) -> Self {
        let mut tls = (*relay.certificates().server_config()).clone();
        tls.session_storage = ServerSessionMemoryCache::new(64);
        (tls.send_tls13_tickets, tls.max_tls13_tickets, tls.max_early_data_size) = (0, 2, 8 * 1024);
        Self::securing(relay, Arc::new(tls), meddle)
    }

    fn securing(relay: &Relay, tls: Arc<ServerConfig>, meddle: Meddle) -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.expect("a runtime");
        let recording = Arc::new(Mutex::new(Vec::new()));
        let shared = Arc::new(Shared {
            real: relay.address().to_owned(),
            connector: TlsConnector::from(client_config(Some(relay.authority())).expect("roots").standard()),
            meddle: Mutex::new(meddle),
            recording: recording.clone(),
            legs: Mutex::new(0),
        });
        let acceptor = TlsAcceptor::from(tls);
        let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).expect("a port");
        let address = listener.local_addr().expect("an address").to_string();
        runtime.spawn(async move {
            while let Ok((tcp, _)) = listener.accept().await {
                let (shared, acceptor) = (shared.clone(), acceptor.clone());
                // A connection that fails is the tested program's business, not ours.
                tokio::spawn(async move { shared.pass(tcp, acceptor).await });
            }
        });
        Self { address, recording, _runtime: runtime }
    }

    /// `wss://127.0.0.1:PORT`.
    pub fn url(&self) -> String {
        format!("wss://{}", self.address)
    }

    /// Every byte of every message that passed, in both directions.
    pub fn recording(&self) -> Vec<u8> {
        self.recording.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Shared {
    async fn pass(&self, tcp: TcpStream, acceptor: TlsAcceptor) -> Option<()> {
        let _ = tcp.set_nodelay(true);
        let tls = acceptor.accept(tcp).await.ok()?;
        let mut headers = HashMap::new();
        let (mut path, mut hello) = (String::new(), None);
        #[allow(clippy::result_large_err)] // The signature is the library's.
        let near = tokio_tungstenite::accept_hdr_async(tls, |request: &Request, mut response: Response| {
            request.uri().path().clone_into(&mut path);
            let passed = [
                "authorization",
                endpoint::TICKET_HEADER,
                endpoint::ATTACH_HEADER,
                endpoint::FEATURES_HEADER,
            ];
            for name in passed {
                headers.extend(request.headers().get(name).map(|value| (name, value.clone())));
            }
            let said = request.headers().get(endpoint::HELLO_HEADER).and_then(|value| value.to_str().ok());
            hello = said.and_then(Hello::of_header);
            response.headers_mut().insert("Sec-WebSocket-Protocol", HeaderValue::from_static(SUBPROTOCOL));
            Ok(response)
        });
        let near = near.await.ok()?;
        let leg = self.leg(&path, headers.get(endpoint::TICKET_HEADER));
        let far = self.dial(&path, headers).await?;
        let ((mut near_out, mut near_in), (mut far_out, mut far_in)) = (near.split(), far.split());
        let up = async {
            // The relay takes it as a message, too, and so it is altered, repeated and kept back like all others.
            let mut hello = hello.map(|hello| Ok(Message::Binary(hello)));
            while let Some(Ok(message)) = next_of(&mut hello, &mut near_in).await {
                let is_close = message.is_close();
                for message in self.meddle(&leg, Direction::Up, message) {
                    if message == Message::Close(None) && !is_close {
                        return None;
                    }
                    far_out.send(message).await.ok()?;
                }
            }
            Some(())
        };
        let down = async {
            while let Some(Ok(message)) = far_in.next().await {
                let is_close = message.is_close();
                for message in self.meddle(&leg, Direction::Down, message) {
                    if message == Message::Close(None) && !is_close {
                        return None;
                    }
                    near_out.send(message).await.ok()?;
                }
            }
            Some(())
        };
        tokio::select! { done = up => done, done = down => done }
    }

    fn meddle(&self, leg: &Leg, direction: Direction, message: Message) -> Vec<Message> {
        if message.is_ping() || message.is_pong() {
            return Vec::new();
        }
        self.recording
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .extend_from_slice(&message.clone().into_data());
        (self.meddle.lock().unwrap_or_else(PoisonError::into_inner))(leg, direction, message)
    }

    fn leg(&self, path: &str, ticket: Option<&HeaderValue>) -> Leg {
        let mut legs = self.legs.lock().unwrap_or_else(PoisonError::into_inner);
        *legs += 1;
        let claims = ticket.and_then(claims_of);
        let claim = |name: &str| claims.as_ref().and_then(|claims| claims.get(name).cloned());
        Leg {
            number: *legs,
            path: path.to_owned(),
            side: claim("side").and_then(|side| serde_json::from_value::<Code<Role>>(side).ok()?.known()),
            kind: claim("kind").and_then(|kind| serde_json::from_value::<Code<PipeKind>>(kind).ok()?.known()),
        }
    }

    async fn dial(
        &self,
        path: &str,
        headers: HashMap<&'static str, HeaderValue>,
    ) -> Option<tokio_tungstenite::WebSocketStream<tokio_rustls::client::TlsStream<TcpStream>>> {
        let tcp = TcpStream::connect(&self.real).await.ok()?;
        let _ = tcp.set_nodelay(true);
        let name = ServerName::try_from("127.0.0.1").ok()?;
        let tls = self.connector.connect(name, tcp).await.ok()?;
        let mut request = Request::builder()
            .uri(format!("wss://{}{path}", self.real))
            .header("Host", &self.real)
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .header("Sec-WebSocket-Protocol", SUBPROTOCOL);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        Some(tokio_tungstenite::client_async(request.body(()).ok()?, tls).await.ok()?.0)
    }
}

/// What was said with the connection, then what comes on it.
async fn next_of<S, T>(first: &mut Option<T>, rest: &mut S) -> Option<T>
where
    S: futures_util::Stream<Item = T> + Unpin,
{
    match first.take() {
        Some(first) => Some(first),
        None => rest.next().await,
    }
}

/// Tickets are signed, not encrypted: every relay on the way can read them.
fn claims_of(ticket: &HeaderValue) -> Option<serde_json::Value> {
    use base64::Engine;
    let body = ticket.to_str().ok()?.split('.').nth(1)?;
    serde_json::from_slice(&base64::prelude::BASE64_URL_SAFE_NO_PAD.decode(body).ok()?).ok()
}
