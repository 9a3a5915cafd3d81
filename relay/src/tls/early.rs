//! A client's first flight, which may hold the head of its request already (early data, RFC 8446, section 2.3).
//!
//! Whoever has recorded such a flight can send it, too: later, if it never arrived, or again. TLS takes every ticket
//! once, and forgets them with the process, so a flight that did arrive is worth nothing (RFC 8446, section 8.1). One
//! that was withheld is answered; but only its author can read the answer, and can finish the handshake. Nothing may
//! come of early data until [`Early::finish`] has returned.
//!
//! The library's acceptor waits for the client's Finished. Up to there the handshake is driven here.

use std::io::{self, Read, Write};
use std::sync::Arc;

use rustls::{ServerConfig, ServerConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;

use crate::http;
use crate::socket::{Metered, Tls};

/// Bytes that are read at once: a first flight is small.
const READ: usize = 4 * 1024;

/// What a client's first flight came to.
pub(crate) enum Opened {
    /// The handshake is over, and nothing was said in it.
    Secured(Tls),
    /// The head of a request came with it.
    Early(Early),
}

/// A connection whose client has not finished the handshake.
pub(crate) struct Early {
    handshake: Handshake,
    /// What it said: the head of a request, and what came behind it.
    pub(crate) said: Vec<u8>,
}

struct Handshake {
    connection: ServerConnection,
    stream: Metered<TcpStream>,
    config: Arc<ServerConfig>,
}

/// Takes `stream` through its handshake, or up to the head that came early. The caller bounds the time.
pub(crate) async fn open(config: &Arc<ServerConfig>, stream: Metered<TcpStream>) -> io::Result<Opened> {
    let connection = ServerConnection::new(config.clone()).map_err(io::Error::other)?;
    let mut handshake = Handshake { connection, stream, config: config.clone() };
    let mut buffer = Vec::with_capacity(READ);
    // Until there is an answer to the ClientHello.
    while !handshake.connection.wants_write() {
        handshake.receive(&mut buffer).await?;
    }
    if handshake.connection.early_data().is_none() {
        return handshake.finish().await.map(Opened::Secured);
    }
    let mut said = Vec::new();
    loop {
        handshake.hear(&mut said)?;
        if http::end_of_head(&said).is_some() {
            return Ok(Opened::Early(Early { handshake, said }));
        }
        if !handshake.connection.is_handshaking() {
            break;
        }
        // Nothing more comes early, for all that is known: the client needs our answer.
        handshake.send().await?;
        handshake.receive(&mut buffer).await?;
    }
    match said.is_empty() {
        true => handshake.finish().await.map(Opened::Secured),
        false => Err(io::Error::new(io::ErrorKind::InvalidData, "half a head came early")),
    }
}

impl Early {
    /// Sends `answer` to the one who can read it, before it is known whether the flight came from there.
    pub(crate) async fn answer(&mut self, answer: &[u8]) -> io::Result<()> {
        self.handshake.connection.writer().write_all(answer)?;
        self.handshake.send().await
    }

    /// Waits for the client's Finished, which only the author of the first flight can send. What else came early is an
    /// error.
    pub(crate) async fn finish(self) -> io::Result<Tls> {
        let mut tls = self.handshake.finish().await?;
        let mut rest = Vec::new();
        match tls
            .get_mut()
            .1
            .early_data()
            .map_or(Ok(0), |mut early| io::Read::read_to_end(&mut early, &mut rest))?
        {
            0 => Ok(tls),
            _ => Err(io::Error::new(io::ErrorKind::InvalidData, "more than the head came early")),
        }
    }
}

impl Handshake {
    /// Reads once from the socket, and has TLS take it. An alert leaves before the error is told.
    async fn receive(&mut self, buffer: &mut Vec<u8>) -> io::Result<()> {
        buffer.clear();
        if self.stream.read_buf(buffer).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        let mut unread = &buffer[..];
        while !unread.is_empty() {
            // It takes no more after a goodbye; without this check, what follows one would be offered for ever.
            if self.connection.read_tls(&mut unread)? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            if let Err(error) = self.connection.process_new_packets() {
                self.send().await?;
                return Err(io::Error::new(io::ErrorKind::InvalidData, error));
            }
        }
        Ok(())
    }

    /// Adds what was said early to `said`. Bounded: TLS takes no more than the configuration says.
    fn hear(&mut self, said: &mut Vec<u8>) -> io::Result<usize> {
        self.connection.early_data().map_or(Ok(0), |mut early| early.read_to_end(said))
    }

    /// Sends what TLS has to send.
    async fn send(&mut self) -> io::Result<()> {
        let mut flight = Vec::new();
        while self.connection.wants_write() {
            self.connection.write_tls(&mut flight)?;
        }
        self.stream.write_all(&flight).await
    }

    /// Leaves the rest to the library.
    async fn finish(self) -> io::Result<Tls> {
        let Self { connection, stream, config } = self;
        TlsAcceptor::from(config).accept_with(stream, |begun| *begun = connection).await
    }
}

#[cfg(test)]
mod tests {
    use rustls::pki_types::{PrivateKeyDer, ServerName};
    use rustls::{ClientConfig, RootCertStore};
    use tokio::net::TcpListener;
    use tokio_rustls::TlsConnector;

    use super::*;

    fn configs() -> (Arc<ServerConfig>, Arc<ClientConfig>) {
        let made = rcgen::generate_simple_self_signed(["localhost".to_owned()]).expect("a certificate");
        let key = PrivateKeyDer::try_from(made.signing_key.serialize_der()).expect("a key");
        let chain = vec![made.cert.der().clone()];
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let server =
            ServerConfig::builder_with_provider(provider.clone()).with_safe_default_protocol_versions();
        let server = server.expect("versions").with_no_client_auth().with_single_cert(chain, key);
        let mut roots = RootCertStore::empty();
        roots.add(made.cert.der().clone()).expect("a root");
        let client = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
        let client = client.expect("versions").with_root_certificates(roots).with_no_client_auth();
        (Arc::new(server.expect("they fit")), Arc::new(client))
    }

    /// TLS reads nothing more then, and a loop that offered it the rest again and again would hold a thread for ever.
    #[tokio::test]
    async fn what_comes_after_a_goodbye_is_an_error_and_no_endless_loop() {
        let (server, client) = configs();
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let tcp = TcpStream::connect(listener.local_addr().expect("bound")).await.expect("connected");
        let name = ServerName::try_from("localhost").expect("a name");
        let dialling = tokio::spawn(async move { TlsConnector::from(client).connect(name, tcp).await });
        let stream = Metered::new(listener.accept().await.expect("accepted").0);
        let connection = ServerConnection::new(server.clone()).expect("a server");
        let mut handshake = Handshake { connection, stream, config: server };
        let mut buffer = Vec::with_capacity(READ);
        while handshake.connection.is_handshaking() {
            handshake.receive(&mut buffer).await.expect("a client");
            handshake.send().await.expect("sent");
        }
        let (mut tcp, mut client) = dialling.await.expect("no panic").expect("secured").into_inner();
        client.send_close_notify();
        let mut goodbye = Vec::new();
        while client.wants_write() {
            client.write_tls(&mut goodbye).expect("into memory");
        }
        tcp.write_all(&goodbye).await.expect("sent");
        handshake.receive(&mut buffer).await.expect("a goodbye");
        tcp.write_all(&[0; 100]).await.expect("sent");
        let error = handshake.receive(&mut buffer).await.expect_err("nothing may follow");
        assert_eq!(error.kind(), io::ErrorKind::UnexpectedEof);
    }
}
