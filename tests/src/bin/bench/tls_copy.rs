//! The floor: two TLS connections and a copy between them with 64 KiB buffers, as a relay that knew
//! nothing of frames would do it. In a process of its own, so that its CPU time can be read.

use std::io::Write;
use std::path::Path;
use std::process::ExitCode;
use std::time::Instant;

use fieldlink_tests::certificates::Certificates;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::TlsAcceptor;

use crate::bare_tls::BareServer;

const BUFFER: usize = 64 << 10;

/// MiB/s, and CPU seconds per GiB of the copying process.
pub(crate) fn measure(bytes: u64) -> (f64, f64) {
    let copier = BareServer::start("tls-copy");
    let connector = copier.connector();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime");
    let connect = || async {
        let tcp = TcpStream::connect(copier.address()).await.expect("it listens");
        tcp.set_nodelay(true).expect("a TCP socket");
        let name = ServerName::try_from("127.0.0.1").expect("an address");
        connector.connect(name, tcp).await.expect("TLS")
    };
    let (mut sender, mut receiver) = runtime.block_on(async { (connect().await, connect().await) });
    let (cpu, begin) = (copier.cpu_seconds(), Instant::now());
    let sending = runtime.spawn(async move {
        let block = vec![0; BUFFER];
        for _ in 0..bytes / BUFFER as u64 {
            sender.write_all(&block).await.expect("writable");
        }
        sender.shutdown().await.expect("closable");
    });
    runtime.block_on(async {
        let mut buffer = vec![0; BUFFER];
        let mut left = bytes;
        while left > 0 {
            left -= receiver.read(&mut buffer).await.expect("readable").max(1) as u64;
        }
        sending.await.expect("it sends");
    });
    let rate = (bytes >> 20) as f64 / begin.elapsed().as_secs_f64();
    (rate, (copier.cpu_seconds() - cpu) / (bytes as f64 / f64::from(1 << 30)))
}

/// The process in the middle: accepts two connections and copies from the first to the second.
pub(crate) fn serve(directory: &Path) -> ExitCode {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("a runtime");
    runtime.block_on(async {
        let acceptor = TlsAcceptor::from(Certificates::in_directory(directory).server_config());
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        println!("listening on {}", listener.local_addr().expect("an address"));
        std::io::stdout().flush().expect("a pipe");
        let mut ends = Vec::new();
        for _ in 0..2 {
            let (tcp, _) = listener.accept().await.expect("a connection");
            tcp.set_nodelay(true).expect("a TCP socket");
            ends.push(acceptor.accept(tcp).await.expect("TLS"));
        }
        let (mut to, mut from) = (ends.pop().expect("two"), ends.pop().expect("two"));
        let mut buffer = vec![0; BUFFER];
        while let Ok(count @ 1..) = from.read(&mut buffer).await {
            to.write_all(&buffer[..count]).await.expect("writable");
        }
        let _ = to.shutdown().await;
        // The bench reads our CPU time and then kills us.
        std::future::pending::<()>().await;
    });
    ExitCode::SUCCESS
}
