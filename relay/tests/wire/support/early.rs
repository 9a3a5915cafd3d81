//! A client whose TLS is driven by hand, so that its first flight can be kept, repeated or left unfinished.

use std::io::{Read, Write};
use std::sync::Arc;

use fieldlink_protocol::{SUBPROTOCOL, endpoint};
use rustls::client::{Resumption, TicketRequest};
use rustls::pki_types::ServerName;
use rustls::{ClientConfig, ClientConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::handshake::client::generate_key;
use tokio_tungstenite::tungstenite::protocol;

use super::{Socket, TestRelay, within};

fn name() -> ServerName<'static> {
    ServerName::try_from("localhost").expect("a name")
}

/// A request that asks for a WebSocket.
pub(crate) fn head(path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
    let key = generate_key();
    let mut head = format!(
        "GET {path} HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\nSec-WebSocket-Protocol: {SUBPROTOCOL}\r\n"
    );
    for (name, value) in headers {
        head.push_str(&format!("{name}: {value}\r\n"));
    }
    (head + "\r\n").into_bytes()
}

/// A request that attaches to a pipe, with a HELLO.
pub(crate) fn attaching(ticket: impl AsRef<str>, hello: &str) -> Vec<u8> {
    head(endpoint::PIPE, &[(endpoint::TICKET_HEADER, ticket.as_ref()), (endpoint::HELLO_HEADER, hello)])
}

/// Who keeps the relay's TLS tickets.
pub(crate) struct Resumer(Arc<ClientConfig>);

impl Resumer {
    fn asking_for(relay: &TestRelay, tickets: Option<TicketRequest>) -> Self {
        let mut config = (**relay.tls.config()).clone();
        config.resumption = Resumption::in_memory_sessions(8);
        config.send_ticket_request = tickets;
        config.enable_early_data = true;
        Self(Arc::new(config))
    }

    /// A client to which the relay has given tickets, over a connection that came to nothing.
    pub(crate) async fn with_tickets(relay: &TestRelay) -> Self {
        let two = TicketRequest { new_session_count: 2, resumption_count: 2 };
        Self::asking_for(relay, Some(two)).after_a_connection(relay).await
    }

    /// The same; it has not asked for any.
    pub(crate) async fn asking_for_none(relay: &TestRelay) -> Self {
        Self::asking_for(relay, None).after_a_connection(relay).await
    }

    pub(crate) fn has_tickets(&self) -> bool {
        let mut connection = ClientConnection::new(self.0.clone(), name()).expect("a client");
        connection.early_data().is_some()
    }

    async fn after_a_connection(self, relay: &TestRelay) -> Self {
        let resumer = self;
        let tcp = within(TcpStream::connect(relay.address)).await.expect("connected");
        let mut tls =
            within(TlsConnector::from(resumer.0.clone()).connect(name(), tcp)).await.expect("secured");
        within(tls.write_all(&head("/nowhere", &[]))).await.expect("sent");
        let _ = within(tls.read_to_end(&mut Vec::new())).await;
        resumer
    }

    /// A first flight with `early` in it, which has not left yet.
    pub(crate) fn begin(&self, early: &[u8]) -> Begun {
        let mut connection = ClientConnection::new(self.0.clone(), name()).expect("a client");
        connection.early_data().expect("there is a ticket").write_all(early).expect("it fits");
        let mut flight = Vec::new();
        while connection.wants_write() {
            connection.write_tls(&mut flight).expect("into memory");
        }
        Begun { connection, flight }
    }
}

/// A handshake that has begun.
pub(crate) struct Begun {
    connection: ClientConnection,
    /// What is to be sent first.
    pub(crate) flight: Vec<u8>,
}

impl Begun {
    /// Sends the first flight.
    pub(crate) async fn send(self, relay: &TestRelay) -> Unfinished {
        let mut tcp = within(TcpStream::connect(relay.address)).await.expect("connected");
        within(tcp.write_all(&self.flight)).await.expect("sent");
        Unfinished { connection: self.connection, tcp }
    }
}

/// A handshake whose Finished was not sent.
pub(crate) struct Unfinished {
    connection: ClientConnection,
    tcp: TcpStream,
}

impl Unfinished {
    /// What the relay answers to the first flight, up to the end of a head: and what came with it.
    pub(crate) async fn answer(&mut self) -> (String, Vec<u8>) {
        let mut answer = Vec::new();
        loop {
            let mut buffer = [0; 4096];
            let count = within(self.tcp.read(&mut buffer)).await.expect("read");
            assert_ne!(count, 0, "it was closed");
            let mut unread = &buffer[..count];
            while !unread.is_empty() {
                assert_ne!(self.connection.read_tls(&mut unread).expect("room"), 0, "it was closed");
                self.connection.process_new_packets().expect("TLS");
            }
            let mut plain = [0; 4096];
            while let Ok(count @ 1..) = self.connection.reader().read(&mut plain) {
                answer.extend_from_slice(&plain[..count]);
            }
            if let Some(end) = answer.windows(4).position(|four| four == b"\r\n\r\n") {
                let rest = answer.split_off(end + 4);
                return (String::from_utf8(answer).expect("text"), rest);
            }
        }
    }

    /// Whether the relay has taken what was said early.
    pub(crate) fn is_taken(&self) -> bool {
        self.connection.is_early_data_accepted()
    }

    /// Sends the Finished.
    pub(crate) async fn finish(self, config: &Resumer) -> TlsStream<TcpStream> {
        self.try_finish(config).await.expect("secured")
    }

    /// The same; an error if the relay has enough of it.
    pub(crate) async fn try_finish(self, config: &Resumer) -> std::io::Result<TlsStream<TcpStream>> {
        let Self { connection, tcp } = self;
        let begin = |begun: &mut ClientConnection| *begun = connection;
        within(TlsConnector::from(config.0.clone()).connect_with(name(), tcp, begin)).await
    }

    /// The same, and a WebSocket of it that has read `rest` already.
    pub(crate) async fn upgraded(self, config: &Resumer, rest: Vec<u8>) -> Socket {
        let tls = self.finish(config).await;
        WebSocketStream::from_partially_read(tls, rest, protocol::Role::Client, None).await
    }
}
