//! How connections close: RFC 6455, by a client that writes frames byte by byte.

use crate::support::*;
use fieldlink_protocol::endpoint;
use fieldlink_protocol::limits::{DATA_MESSAGE, MEASURE_CHUNK, RELAY_MESSAGE};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// Opcodes of RFC 6455, section 5.2, in a frame's first byte together with FIN.
const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;

/// A WebSocket without a library.
struct RawSocket(TlsStream<TcpStream>);

impl RawSocket {
    async fn open(relay: &TestRelay, path: &str, headers: &str) -> Self {
        let mut stream = relay.dial().await;
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
             Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
             Sec-WebSocket-Protocol: fieldlink.2\r\n{headers}\r\n"
        );
        within(stream.write_all(request.as_bytes())).await.expect("sent");
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.push(within(stream.read_u8()).await.expect("an answer"));
        }
        assert!(head.starts_with(b"HTTP/1.1 101"), "{}", String::from_utf8_lossy(&head));
        Self(stream)
    }

    /// Sends a frame with a mask of zeros, which leaves the payload as it is.
    async fn send(&mut self, first: u8, payload: &[u8]) {
        let mut frame = vec![first];
        match payload.len() {
            length @ 0..126 => frame.push(0x80 | length as u8),
            length @ 126..0x1_0000 => {
                frame.push(0x80 | 126);
                frame.extend((length as u16).to_be_bytes());
            }
            length => {
                frame.push(0x80 | 127);
                frame.extend((length as u64).to_be_bytes());
            }
        }
        frame.extend([0; 4]);
        frame.extend(payload);
        self.send_raw(&frame).await;
    }

    async fn send_raw(&mut self, bytes: &[u8]) {
        // The relay may close before all of it is sent.
        let _ = within(self.0.write_all(bytes)).await;
    }

    /// The payload of the relay's Close, after whatever else it sends; and then the end of the connection.
    async fn close(&mut self) -> Option<(u16, String)> {
        within(async {
            loop {
                let first = self.0.read_u8().await.ok()?;
                let length = match self.0.read_u8().await.ok()? {
                    126 => self.0.read_u16().await.ok()?.into(),
                    127 => self.0.read_u64().await.ok()?,
                    length => length.into(),
                };
                let mut payload = vec![0; length as usize];
                self.0.read_exact(&mut payload).await.ok()?;
                if first != CLOSE {
                    continue;
                }
                let mut rest = Vec::new();
                let _ = self.0.read_to_end(&mut rest).await;
                assert!(rest.is_empty(), "nothing comes after a Close: {rest:?}");
                let code = payload.first_chunk().map_or(0, |code| u16::from_be_bytes(*code));
                return Some((code, String::from_utf8_lossy(payload.get(2..).unwrap_or_default()).into()));
            }
        })
        .await
    }
}

/// A connection in every state in which one may be closed.
const PLACES: [&str; 6] =
    ["agent, not registered", "agent", "engineer", "measurement", "pipe that waits", "pipe"];

struct World {
    relay: TestRelay,
    credential: fieldlink_protocol::credential::Credential,
    call: Call,
    partners: Vec<Socket>,
}

impl World {
    async fn new() -> Self {
        let relay = TestRelay::start_with(|config| {
            config.limits.measurements_per_minute = 1_000;
            // The clients of these tests do not answer the relay's pings.
            config.limits.session_silence = 10 * PATIENCE;
        })
        .await;
        let credential = relay.add_engineer("Zoë");
        let call = Call::start(&relay, &credential).await;
        Self { relay, credential, call, partners: Vec::new() }
    }

    async fn open(&mut self, place: &str) -> RawSocket {
        let relay = &self.relay;
        match place {
            "engineer" => {
                let header = format!("Authorization: Bearer {}\r\n", *self.credential.bearer());
                RawSocket::open(relay, endpoint::ENGINEER, &header).await
            }
            "measurement" => RawSocket::open(relay, endpoint::MEASURE, "").await,
            "agent, not registered" => RawSocket::open(relay, endpoint::AGENT, "").await,
            "agent" => {
                let mut socket = RawSocket::open(relay, endpoint::AGENT, "").await;
                socket.register().await;
                socket
            }
            _ => {
                let (ours, theirs) = self.call.open_tickets().await;
                if place == "pipe" {
                    self.partners.push(attach(relay, &theirs).await.expect("attached"));
                }
                RawSocket::open(relay, endpoint::PIPE, &format!("Fieldlink-Ticket: {}\r\n", ours.as_str()))
                    .await
            }
        }
    }
}

impl RawSocket {
    async fn register(&mut self) {
        use fieldlink_protocol::messages::agent::{Claim, FromAgent, ToAgent};
        use fieldlink_protocol::messages::{Features, decode, encode};
        let key = fieldlink_protocol::registration::RegistrationKey::generate();
        let length = within(async {
            assert_eq!(self.0.read_u8().await.expect("a frame"), TEXT);
            match self.0.read_u8().await.expect("a length") {
                126 => self.0.read_u16().await.expect("a length").into(),
                length => usize::from(length),
            }
        })
        .await;
        let mut text = vec![0; length];
        within(self.0.read_exact(&mut text)).await.expect("a message");
        let ToAgent::Challenge { challenge, .. } = decode(&text).expect("a challenge") else {
            panic!("no challenge")
        };
        let support_id = fieldlink_protocol::support_id::SupportId::random();
        let claim = Claim::SupportId { support_id, lease: None, joins: None };
        let signature = key.sign(&challenge, &claim.signed_text());
        let (key, features) = (key.public(), Features::ours());
        let register = encode(&FromAgent::Register { claim, key, signature, features });
        self.send(TEXT, register.as_bytes()).await;
    }
}

#[tokio::test]
async fn a_close_is_answered_everywhere() {
    let mut world = World::new().await;
    for place in PLACES {
        for (payload, answer) in [
            (&b"\x03\xe8bye"[..], (1_000, "bye")),
            (&b""[..], (0, "")),
            // A code that must not be on the wire is a protocol error.
            (&b"\x03\xed"[..], (1_002, "Protocol violation")),
        ] {
            let mut socket = world.open(place).await;
            socket.send(CLOSE, payload).await;
            let (code, reason) = socket.close().await.unwrap_or_else(|| panic!("{place}: no answer"));
            assert_eq!((code, reason.as_str()), answer, "{place}");
        }
    }
}

#[tokio::test]
async fn what_breaks_the_protocol_is_answered_with_the_code_for_it() {
    let mut world = World::new().await;
    for place in PLACES {
        let unmasked = [BINARY, 1, 0];
        for (what, bytes, code) in [
            ("an unmasked frame", &unmasked[..], 1_002),
            ("a reserved opcode", &[0x83, 0x80, 0, 0, 0, 0], 1_002),
            ("reserved bits", &[0xc2, 0x80, 0, 0, 0, 0], 1_002),
            ("a fragmented ping", &[0x09, 0x80, 0, 0, 0, 0], 1_002),
            ("a continuation of nothing", &[0x80, 0x80, 0, 0, 0, 0], 1_002),
            ("half a close code", &[CLOSE, 0x81, 0, 0, 0, 0, 3], 1_002),
            ("a reason that is not UTF-8", &[CLOSE, 0x83, 0, 0, 0, 0, 3, 0xe8, 0xff], 1_007),
            ("a text that is not UTF-8", &[TEXT, 0x82, 0, 0, 0, 0, b'a', 0xff], 1_007),
        ] {
            let mut socket = world.open(place).await;
            socket.send_raw(bytes).await;
            let closed = socket.close().await.map(|(code, _)| code);
            assert_eq!(closed, Some(code), "{place}: {what}");
        }
        let mut socket = world.open(place).await;
        socket.send(PING, &[0; 126]).await;
        assert_eq!(socket.close().await.map(|(code, _)| code), Some(1_002), "{place}: a long ping");
    }
}

#[tokio::test]
async fn what_is_too_big_is_answered_with_1009() {
    let mut world = World::new().await;
    for place in PLACES {
        let (kind, most) = match place {
            "measurement" => (BINARY, MEASURE_CHUNK),
            "pipe" | "pipe that waits" => (BINARY, DATA_MESSAGE),
            _ => (TEXT, RELAY_MESSAGE),
        };
        // In one piece, and in pieces.
        let mut socket = world.open(place).await;
        socket.send(kind, &vec![b' '; most + 1]).await;
        assert_eq!(socket.close().await, Some((1_009, "message-too-big".into())), "{place}");
        let mut socket = world.open(place).await;
        socket.send(kind & 0x0f, &vec![b' '; most]).await;
        socket.send(0x80, b" ").await;
        assert_eq!(socket.close().await, Some((1_009, "message-too-big".into())), "{place}");
    }
}

#[tokio::test]
async fn the_other_kind_of_message_is_answered_with_1003() {
    let mut world = World::new().await;
    for (place, kind) in
        [("agent, not registered", BINARY), ("engineer", BINARY), ("pipe that waits", TEXT), ("pipe", TEXT)]
    {
        let mut socket = world.open(place).await;
        socket.send(kind, b"{}").await;
        assert_eq!(socket.close().await.map(|(code, _)| code), Some(1_003), "{place}");
    }
}
