//! A relay in this process on a port of its own, and fake peers that speak its wire.
mod authority;
mod call;
mod early;
mod peers;
mod process;

use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::credential::{Credential, EngineerIdentity};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::{SUBPROTOCOL, endpoint};
use fieldlink_relay::config::{Config, Limits, Records};
use fieldlink_relay::relay::{Relay, RelayError};
use fieldlink_relay::store::{AuditRow, Database, unix_now};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{ClientConfig, RootCertStore};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::handshake::client::{Request, generate_key};
use tokio_tungstenite::tungstenite::http::{HeaderMap, StatusCode};
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, client_async_with_config};
use tokio_util::sync::{CancellationToken, DropGuard};

pub(crate) use authority::*;
pub(crate) use call::*;
pub(crate) use early::*;
pub(crate) use peers::*;

pub(crate) type Socket = WebSocketStream<TlsStream<TcpStream>>;

/// The store's file.
const STORE: &str = "relay.sqlite";

/// Longer than anything should take; a test that waits this long has failed.
pub(crate) const PATIENCE: Duration = Duration::from_secs(20);

/// Waits, but not for ever.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    timeout(PATIENCE, future).await.expect("it should have happened by now")
}

/// What a refused upgrade was answered with.
#[derive(Debug)]
pub(crate) struct Refused {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) body: String,
}

impl Refused {
    pub(crate) fn code(&self) -> &str {
        self.headers.get(endpoint::REFUSED_HEADER).map_or("", |value| value.to_str().expect("text"))
    }
}

/// A relay that runs. Stops when it is dropped.
pub(crate) struct TestRelay {
    pub(crate) address: SocketAddr,
    pub(crate) config: Config,
    directory: TempDir,
    shutdown: CancellationToken,
    serving: JoinHandle<Result<usize, RelayError>>,
    tls: TlsConnector,
    _stops_when_dropped: DropGuard,
}

impl TestRelay {
    pub(crate) async fn start() -> Self {
        Self::start_with(|_| {}).await
    }

    pub(crate) async fn start_with(change: impl FnOnce(&mut Config)) -> Self {
        let directory = tempfile::tempdir().expect("a directory");
        let mut config = test_config(directory.path());
        change(&mut config);
        Self::run(config, directory).await
    }

    /// Stops it as SIGTERM does, and starts it again with what it remembers.
    pub(crate) async fn restart(self) -> Self {
        self.shutdown.cancel();
        within(self.serving).await.expect("no panic").expect("a clean stop");
        Self::run(self.config, self.directory).await
    }

    /// As [`TestRelay::restart`]; meanwhile something happens to its disk.
    pub(crate) async fn restart_with(self, meanwhile: impl FnOnce()) -> Self {
        self.shutdown.cancel();
        within(self.serving).await.expect("no panic").expect("a clean stop");
        meanwhile();
        Self::run(self.config, self.directory).await
    }

    /// Waits until it has put by the room that ends and revocations are written in.
    pub(crate) async fn reserve_filled(&self) {
        let journal = self.config.state_directory.join(format!("{STORE}-journal"));
        let is_whole = || std::fs::metadata(&journal).is_ok_and(|found| found.len() >= 512 * 1024);
        within(async {
            while !is_whole() || !self.store().reserve_is_whole() {
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// A configuration file that says the same, for the command line.
    pub(crate) fn config_file(&self) -> std::path::PathBuf {
        let path = self.directory.path().join("relay.toml");
        let Config { certificate, private_key, state_directory, .. } = &self.config;
        let settings = format!(
            "certificate = {certificate:?}\nprivate_key = {private_key:?}\nstate_directory = {state_directory:?}\n"
        );
        std::fs::write(&path, settings).expect("written");
        path
    }

    /// Ends it as SIGKILL does, and starts it again with what it had written down.
    pub(crate) async fn kill_and_restart(self) -> Self {
        self.kill_and_restart_with(|_| {}).await
    }

    /// The same; meanwhile something happens to its store.
    pub(crate) async fn kill_and_restart_with(
        mut self,
        meanwhile: impl FnOnce(&rusqlite::Connection),
    ) -> Self {
        self.store_idle().await;
        // What it still writes while it is torn down is lost, as it would be.
        let state = tempfile::tempdir_in(self.directory.path()).expect("a directory").keep();
        let (before, after) = (self.config.state_directory.join(STORE), state.join(STORE));
        let before = rusqlite::Connection::open(before).expect("the store");
        before.execute("VACUUM INTO ?", [after.to_str().expect("text")]).expect("copied");
        meanwhile(&rusqlite::Connection::open(after).expect("the copy"));
        self.config.state_directory = state;
        self.serving.abort();
        let _ = within(self.serving).await;
        Self::run(self.config, self.directory).await
    }

    /// Waits until what was queued for the store is written: an unknown credential makes the relay look.
    async fn store_idle(&self) {
        let (id, name, company) = (EngineerId::random(), "Nobody".into(), "C".into());
        let unknown = Credential::generate(EngineerIdentity { id, name, company });
        assert!(FakeEngineer::connect(self, &unknown).await.is_err());
    }

    /// Stops it as SIGTERM does; returns how many connections it had to cut, and its directory.
    pub(crate) async fn stop(self) -> (usize, TempDir) {
        self.shutdown.cancel();
        let cut = within(self.serving).await.expect("no panic").expect("a clean stop");
        (cut, self.directory)
    }

    /// Tells it to stop, without waiting.
    pub(crate) fn begin_stop(&self) {
        self.shutdown.cancel();
    }

    /// The store, as another process opens it.
    pub(crate) fn store(&self) -> Database {
        Database::open(&self.config.state_directory).expect("the store")
    }

    /// Adds an engineer as the command line does.
    pub(crate) fn add_engineer(&self, name: &str) -> Credential {
        let company = "Scans & Söhne".to_owned();
        let identity = EngineerIdentity { id: EngineerId::random(), name: name.into(), company };
        let credential = Credential::generate(identity);
        self.store().add_engineer(&credential, unix_now()).expect("added");
        credential
    }

    /// The audit log, once it satisfies `ready`.
    pub(crate) async fn audit_when(&self, ready: impl Fn(&[AuditRow]) -> bool) -> Vec<AuditRow> {
        let store = self.store();
        within(async {
            loop {
                let rows = store.audit().expect("readable");
                if ready(&rows) {
                    return rows;
                }
                tokio::task::yield_now().await;
            }
        })
        .await
    }

    /// A TLS connection to the relay, before any HTTP.
    pub(crate) async fn dial(&self) -> TlsStream<TcpStream> {
        self.secure(within(TcpStream::connect(self.address)).await.expect("connected")).await
    }

    /// Sends these bytes over a connection of their own, before any TLS.
    pub(crate) async fn send_raw(&self, bytes: &[u8]) -> TcpStream {
        let mut tcp = within(TcpStream::connect(self.address)).await.expect("connected");
        within(tcp.write_all(bytes)).await.expect("sent");
        tcp
    }

    /// The same; an error if it is turned away.
    pub(crate) async fn try_dial(&self) -> std::io::Result<TlsStream<TcpStream>> {
        self.try_secure(within(TcpStream::connect(self.address)).await?).await
    }

    async fn secure(&self, tcp: TcpStream) -> TlsStream<TcpStream> {
        self.try_secure(tcp).await.expect("secured")
    }

    async fn try_secure(&self, tcp: TcpStream) -> std::io::Result<TlsStream<TcpStream>> {
        tcp.set_nodelay(true)?;
        let name = ServerName::try_from("localhost").expect("a name");
        within(self.tls.connect(name, tcp)).await
    }

    /// Upgrades to a WebSocket on `path` with further headers.
    pub(crate) async fn connect(&self, path: &str, headers: &[(&str, &str)]) -> Result<Socket, Refused> {
        self.connect_as(SUBPROTOCOL, path, headers).await
    }

    pub(crate) async fn connect_as(
        &self,
        version: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Socket, Refused> {
        self.upgrade(self.dial().await, version, path, headers).await
    }

    async fn upgrade(
        &self,
        tls: TlsStream<TcpStream>,
        version: &str,
        path: &str,
        headers: &[(&str, &str)],
    ) -> Result<Socket, Refused> {
        let mut request = Request::builder()
            .uri(format!("wss://localhost{path}"))
            .header("Host", "localhost")
            .header("Connection", "Upgrade")
            .header("Upgrade", "websocket")
            .header("Sec-WebSocket-Version", "13")
            .header("Sec-WebSocket-Key", generate_key())
            .header("Sec-WebSocket-Protocol", version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).expect("a request");
        let config = WebSocketConfig::default().max_message_size(None).max_frame_size(None);
        match within(client_async_with_config(request, tls, Some(config))).await {
            Ok((socket, _)) => Ok(socket),
            Err(Error::Http(response)) => {
                let (parts, body) = response.into_parts();
                let body = String::from_utf8(body.unwrap_or_default()).expect("text");
                Err(Refused { status: parts.status, headers: parts.headers, body })
            }
            Err(error) => panic!("neither accepted nor refused: {error}"),
        }
    }

    /// Sends raw bytes over TLS and returns everything that comes back until the relay closes.
    pub(crate) async fn raw(&self, bytes: &[u8]) -> Vec<u8> {
        let mut stream = self.dial().await;
        within(stream.write_all(bytes)).await.expect("sent");
        let mut answer = Vec::new();
        // The relay may close without the TLS goodbye when it drops a connection.
        let _ = within(stream.read_to_end(&mut answer)).await;
        answer
    }

    async fn run(config: Config, directory: TempDir) -> Self {
        let relay = Relay::bind(config.clone()).await.expect("it binds");
        let (address, shutdown) = (relay.local_addresses()[0], CancellationToken::new());
        let serving = tokio::spawn(relay.run(shutdown.clone()));
        let tls = connector(&config.certificate);
        let _stops_when_dropped = shutdown.clone().drop_guard();
        Self { address, config, directory, shutdown, serving, tls, _stops_when_dropped }
    }
}

/// A configuration for tests, with a certificate of its own.
pub(crate) fn test_config(directory: &Path) -> Config {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
    let (certificate, private_key) = (directory.join("relay.crt"), directory.join("relay.key"));
    std::fs::write(&certificate, made.cert.pem()).expect("written");
    std::fs::write(&private_key, made.signing_key.serialize_pem()).expect("written");
    std::fs::set_permissions(&private_key, std::fs::Permissions::from_mode(0o600)).expect("set");
    Config {
        listen: SocketAddr::from(([127, 0, 0, 1], 0)).into(),
        certificate,
        private_key,
        public_name: None,
        state_directory: directory.join("state"),
        node: "test".into(),
        max_session: Duration::from_secs(7_200),
        session_grace: Duration::from_secs(120),
        records: Records::default(),
        limits: Limits::default(),
    }
}

fn connector(certificate: &Path) -> TlsConnector {
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_file(certificate).expect("a certificate")).expect("a root");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .expect("versions")
        .with_root_certificates(roots)
        .with_no_client_auth();
    TlsConnector::from(Arc::new(config))
}

/// The next message that is not a ping or pong; `None` when the connection is gone.
pub(crate) async fn next_message(socket: &mut Socket) -> Option<Message> {
    use futures_util::StreamExt;
    // One time limit for all of it: in a session, the relay's pings would extend one per message.
    within(async {
        loop {
            match socket.next().await?.ok()? {
                Message::Ping(_) | Message::Pong(_) => {}
                message => return Some(message),
            }
        }
    })
    .await
}

/// The reason with which the relay closes, after whatever else it sends.
pub(crate) async fn close_reason(socket: &mut Socket) -> String {
    loop {
        match next_message(socket).await {
            Some(Message::Close(frame)) => return frame.map(|f| f.reason.to_string()).unwrap_or_default(),
            Some(_) => {}
            None => return "lost".into(),
        }
    }
}
