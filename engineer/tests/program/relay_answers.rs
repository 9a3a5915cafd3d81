//! What `login` makes of a relay that says no, in its certificate or in its answer.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::JoinHandle;

use crate::engineer::{Engineer, credential_text};
use rcgen::{CertificateParams, KeyPair, date_time_ymd};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection, StreamOwned};

/// Answers one connection with fixed bytes, behind TLS.
struct Answerer {
    url: String,
    authority: PathBuf,
    _directory: tempfile::TempDir,
    thread: Option<JoinHandle<()>>,
}

impl Answerer {
    fn new(answer: &'static str, name: &str, until: i32) -> Self {
        let key = KeyPair::generate().expect("a key");
        let mut certificate = CertificateParams::new([name.to_owned()]).expect("a name");
        (certificate.not_before, certificate.not_after) =
            (date_time_ymd(2020, 1, 1), date_time_ymd(until, 1, 1));
        let certificate = certificate.self_signed(&key).expect("a certificate");
        let directory = tempfile::tempdir().expect("a directory");
        let authority = directory.path().join("ca.pem");
        std::fs::write(&authority, certificate.pem()).expect("written");

        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let private = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
        let config = config.expect("versions").with_no_client_auth();
        let config = config.with_single_cert(vec![certificate.der().clone()], private).expect("they fit");
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let url = format!("wss://{}", listener.local_addr().expect("its address"));
        let thread = std::thread::spawn(move || answer_one(&listener, config, answer));
        Self { url, authority, _directory: directory, thread: Some(thread) }
    }

    /// The exit code and the message of `login` here.
    fn login(mut self, code: i32) -> String {
        let engineer = Engineer::new();
        let authority = self.authority.to_str().expect("text");
        let arguments = ["login", "--relay", &self.url, "--ca-file", authority];
        let said = engineer.fails(&arguments, &credential_text(), code);
        assert!(!engineer.config().exists(), "nothing is stored");
        self.thread.take().expect("it runs").join().expect("no panic");
        said
    }
}

fn answer_one(listener: &TcpListener, config: ServerConfig, answer: &str) {
    let (socket, _) = listener.accept().expect("a connection");
    let connection = ServerConnection::new(Arc::new(config)).expect("a connection");
    let mut stream = BufReader::new(StreamOwned::new(connection, socket));
    let mut line = String::new();
    // A client that refuses the certificate sends no request.
    while stream.read_line(&mut line).is_ok_and(|read| read > 2) {
        line.clear();
    }
    let _ = stream.get_mut().write_all(answer.as_bytes());
    let _ = stream.get_mut().flush();
}

const UNAUTHORIZED: &str =
    "HTTP/1.1 401 Unauthorized\r\nfieldlink-refused: credential\r\ncontent-length: 0\r\n\r\n";

#[test]
fn a_refused_credential_is_told() {
    let said = Answerer::new(UNAUTHORIZED, "127.0.0.1", 2050).login(212);
    assert!(said.contains("refused this credential"), "{said}");
}

#[test]
fn another_version_is_told() {
    let answer =
        "HTTP/1.1 426 Upgrade Required\r\nfieldlink-versions: fieldlink.2\r\ncontent-length: 0\r\n\r\n";
    let said = Answerer::new(answer, "127.0.0.1", 2050).login(218);
    assert!(said.contains("fieldlink.2") && said.contains("upgrade this program"), "{said}");
}

#[test]
fn something_else_than_a_relay_is_told() {
    let answer = "HTTP/1.1 302 Found\r\nlocation: https://login.example/\r\ncontent-length: 0\r\n\r\n";
    let said = Answerer::new(answer, "127.0.0.1", 2050).login(210);
    assert!(said.contains("sends us elsewhere"), "{said}");
}

#[test]
fn certificates_that_do_not_fit_are_told() {
    let said = Answerer::new(UNAUTHORIZED, "127.0.0.1", 2021).login(211);
    assert!(said.contains("is the clock right?"), "{said}");
    let said = Answerer::new(UNAUTHORIZED, "relay.example.com", 2050).login(211);
    assert!(said.contains("for another name"), "{said}");
    let other = Answerer::new(UNAUTHORIZED, "127.0.0.1", 2050);
    let mut answerer = Answerer::new(UNAUTHORIZED, "127.0.0.1", 2050);
    answerer.authority = other.authority.clone();
    let said = answerer.login(211);
    assert!(said.contains("--ca-file"), "{said}");
    drop(other);
}
