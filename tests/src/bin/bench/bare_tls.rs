//! The floor of an idle connection: TLS that is accepted, and a task that waits for a byte of it.

use std::io::Write;
use std::path::Path;
use std::process::{Command, ExitCode, Stdio};

use fieldlink_tests::certificates::{self, Certificates};
use fieldlink_tests::programs::Running;
use fieldlink_transport::client_config;
use rustls::pki_types::ServerName;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use crate::idle;
use crate::traffic::cpu_seconds;

/// A server of this program's in a process of its own.
pub(crate) struct BareServer {
    process: Running,
    address: String,
    files: Certificates,
    _directory: tempfile::TempDir,
}

impl BareServer {
    /// Starts this program as `role`.
    pub(crate) fn start(role: &str) -> Self {
        let directory = tempfile::tempdir().expect("a temporary directory");
        let files = certificates::create(directory.path());
        let mut command = Command::new(std::env::current_exe().expect("a path"));
        command.arg(role).arg(directory.path()).stderr(Stdio::inherit());
        let mut process = Running::start(role, &mut command);
        let line = process.wait_for("listening on ");
        let address = line.rsplit(' ').next().expect("an address").to_owned();
        Self { process, address, files, _directory: directory }
    }

    /// `127.0.0.1:PORT`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// What connects to it.
    pub(crate) fn connector(&self) -> TlsConnector {
        TlsConnector::from(client_config(Some(&self.files.authority)).expect("roots").standard())
    }

    /// What it has taken of the processors so far.
    pub(crate) fn cpu_seconds(&self) -> f64 {
        cpu_seconds(self.process.pid().as_raw())
    }
}

/// KiB that one of `count` idle connections costs a server that does nothing with it.
pub(crate) fn kib_per_connection(count: usize) -> f64 {
    let server = BareServer::start("bare-tls");
    idle::growth_per_client(server.process.pid(), count, |command, count| {
        command.arg("bare-clients").arg(&server.address).arg(&server.files.authority).arg(count.to_string())
    })
}

/// The server's process.
pub(crate) fn serve(directory: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let acceptor = TlsAcceptor::from(Certificates::in_directory(directory).server_config());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("listening on {}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("a pipe");
        loop {
            let (tcp, _) = listener.accept().await.expect("a connection");
            let accepting = acceptor.accept(tcp);
            tokio::spawn(async move {
                let mut tls = accepting.await.expect("TLS");
                let _ = tls.read_u8().await;
            });
        }
    })
}

/// The clients' process.
pub(crate) fn hold(address: &str, authority: &Path, count: &str) -> ExitCode {
    let count = count.parse().expect("a number");
    let connector = TlsConnector::from(client_config(Some(authority)).expect("roots").standard());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let mut clients = Vec::new();
        while clients.len() < count {
            let tcp = TcpStream::connect(address).await.expect("it listens");
            let name = ServerName::try_from("127.0.0.1").expect("an address");
            clients.push(connector.connect(name, tcp).await.expect("TLS"));
        }
        idle::say_held().await;
    });
    ExitCode::SUCCESS
}
