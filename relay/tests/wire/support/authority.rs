//! A throw-away authority for time stamps: `openssl ts` behind a small HTTP server.

use std::collections::VecDeque;
use std::io::{self, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::JoinHandle;

use rustls::pki_types::PrivateKeyDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};

/// What `openssl ts` is to be told.
const SETTINGS: &str = "[tsa]\ndefault_tsa = t\n[t]\nserial = serial\ndefault_policy = 1.2.3.4.1\n\
    digests = sha256\nsigner_digest = sha256\naccuracy = secs:1\nordering = yes\n\
    [stamps]\nextendedKeyUsage = critical,timeStamping\n";
/// So much is in the authority's certificate, and so in each answer, that it is about as long as one may be.
const COMMENT: usize = 15_000;
/// Where in a query the hash stands, and where the nonce.
const DIGEST: usize = 24;
const NONCE: usize = 58;

/// How one question is answered. After those that were named, all are answered well.
pub(crate) enum Manner {
    Well,
    Rubbish,
    /// With a stamp of another hash, or for another nonce.
    ForAnother(usize),
    /// To where it would be answered well.
    Redirect,
    /// 10 MB.
    Huge,
    /// When the sender is gone, not at all.
    Held(mpsc::Receiver<()>),
}

impl Manner {
    pub(crate) const OTHER_DIGEST: Self = Self::ForAnother(DIGEST);
    pub(crate) const OTHER_NONCE: Self = Self::ForAnother(NONCE);
}

/// An authority that serves until it is dropped.
pub(crate) struct TestAuthority {
    pub(crate) url: String,
    workshop: TempDir,
    asked: UnboundedReceiver<String>,
    is_over: Arc<AtomicBool>,
    serving: Option<JoinHandle<()>>,
}

impl TestAuthority {
    /// Over HTTP.
    pub(crate) fn start(manners: impl IntoIterator<Item = Manner>) -> Self {
        Self::serve("http", manners, |tcp| Ok(Box::new(tcp)))
    }

    /// Over TLS, with the certificate and key of a relay.
    pub(crate) fn start_secure(certificate: &Path, key: &Path) -> Self {
        let chain = vec![rustls::pki_types::CertificateDer::from_pem_file(certificate).expect("one")];
        let key = PrivateKeyDer::from_pem_file(key).expect("a key");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let builder = builder.expect("versions").with_no_client_auth();
        let config = Arc::new(builder.with_single_cert(chain, key).expect("they fit"));
        Self::serve("https", [], move |tcp| {
            let tls = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
            Ok(Box::new(StreamOwned::new(tls, tcp)))
        })
    }

    fn serve(
        scheme: &str,
        manners: impl IntoIterator<Item = Manner>,
        open: impl Fn(TcpStream) -> io::Result<Box<dyn Stream>> + Send + 'static,
    ) -> Self {
        let workshop = tempfile::tempdir().expect("a directory");
        let listener = TcpListener::bind("127.0.0.1:0").expect("free");
        let url = format!("{scheme}://localhost:{}/stamp", listener.local_addr().expect("bound").port());
        let is_over = Arc::new(AtomicBool::new(false));
        let (tell, asked) = unbounded_channel();
        let mut manners: VecDeque<_> = manners.into_iter().collect();
        let (over, bench) = (is_over.clone(), Bench::new(workshop.path()));
        let serving = std::thread::spawn(move || {
            for tcp in listener.incoming() {
                if over.load(Ordering::Relaxed) {
                    return;
                }
                // Who goes away in the middle is the other side's matter.
                let _ = tcp.and_then(&open).and_then(|tcp| bench.attend(tcp, &tell, &mut manners));
            }
        });
        Self { url, workshop, asked, is_over, serving: Some(serving) }
    }

    /// The next question's head, once it was put.
    pub(crate) async fn asked(&mut self) -> String {
        super::within(self.asked.recv()).await.expect("it serves")
    }

    /// Whether nobody has asked since.
    pub(crate) fn is_idle(&mut self) -> bool {
        self.asked.try_recv().is_err()
    }

    /// Whether `openssl ts -verify` takes `stamp` for one of `data` by this authority.
    pub(crate) fn verifies(&self, data: &[u8], stamp: &[u8]) -> bool {
        let path = |name: &str| self.workshop.path().join(name);
        std::fs::write(path("SHA256SUMS"), data).expect("written");
        std::fs::write(path("SHA256SUMS.tsr"), stamp).expect("written");
        let verify = "ts -verify -data SHA256SUMS -in SHA256SUMS.tsr -CAfile ca.pem";
        openssl(self.workshop.path(), verify)
    }
}

impl Drop for TestAuthority {
    fn drop(&mut self) {
        self.is_over.store(true, Ordering::Relaxed);
        let address = self.url.split('/').nth(2).unwrap_or_default();
        let _ = TcpStream::connect(address);
        if let Some(serving) = self.serving.take() {
            let _ = serving.join();
        }
    }
}

/// What a connection is read from and written to.
trait Stream: Read + Write {}
impl<S: Read + Write> Stream for S {}

/// Where stamps are made.
struct Bench(PathBuf);

impl Bench {
    fn new(directory: &Path) -> Self {
        let settings = format!("{SETTINGS}nsComment = {}\n", "x".repeat(COMMENT));
        std::fs::write(directory.join("tsa.cnf"), settings).expect("written");
        std::fs::write(directory.join("serial"), "01\n").expect("written");
        for command in [
            "req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.pem -subj /CN=ca",
            "req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout tsa.key -out tsa.csr -subj /CN=tsa",
            "x509 -req -in tsa.csr -CA ca.pem -CAkey ca.key -CAcreateserial -extfile tsa.cnf -extensions stamps -out tsa.pem",
        ] {
            assert!(openssl(directory, command), "{command}");
        }
        Self(directory.to_owned())
    }

    fn attend(
        &self,
        mut stream: Box<dyn Stream>,
        tell: &UnboundedSender<String>,
        manners: &mut VecDeque<Manner>,
    ) -> io::Result<()> {
        let (head, query) = read(&mut *stream)?;
        let manner = manners.pop_front().unwrap_or(Manner::Well);
        let _ = tell.send(head);
        let answer = match manner {
            Manner::Well => reply(&self.stamp(&query)),
            Manner::Rubbish => reply(b"\x30\x03\x02\x01\x00 and more"),
            Manner::ForAnother(place) => {
                let mut other = query;
                other[place] ^= 1;
                reply(&self.stamp(&other))
            }
            Manner::Redirect => {
                b"HTTP/1.1 307 There\r\nLocation: /stamp\r\nContent-Length: 0\r\n\r\n".to_vec()
            }
            Manner::Huge => reply(&vec![0x30; 10_000_000]),
            Manner::Held(until) => {
                let _ = until.recv();
                return Ok(());
            }
        };
        stream.write_all(&answer)?;
        stream.flush()
    }

    fn stamp(&self, query: &[u8]) -> Vec<u8> {
        std::fs::write(self.0.join("query"), query).expect("written");
        let command =
            "ts -reply -config tsa.cnf -section t -queryfile query -signer tsa.pem -inkey tsa.key -out stamp";
        assert!(openssl(&self.0, command), "{command}");
        std::fs::read(self.0.join("stamp")).expect("a stamp")
    }
}

/// A request: its head, and its body.
fn read(stream: &mut dyn Stream) -> io::Result<(String, Vec<u8>)> {
    let (mut head, mut byte) = (Vec::new(), [0]);
    while !head.ends_with(b"\r\n\r\n") {
        stream.read_exact(&mut byte)?;
        head.push(byte[0]);
    }
    let head = String::from_utf8_lossy(&head).to_lowercase();
    let length = head.lines().find_map(|line| line.strip_prefix("content-length: ")?.parse().ok());
    let mut body = vec![0; length.unwrap_or(0)];
    stream.read_exact(&mut body)?;
    Ok((head, body))
}

fn reply(body: &[u8]) -> Vec<u8> {
    let head = "HTTP/1.1 200 OK\r\nContent-Type: application/timestamp-reply\r\nContent-Length:";
    [format!("{head} {}\r\n\r\n", body.len()).as_bytes(), body].concat()
}

fn openssl(directory: &Path, command: &str) -> bool {
    let mut openssl = Command::new("openssl");
    openssl.args(command.split(' ')).current_dir(directory).output().expect("openssl").status.success()
}
