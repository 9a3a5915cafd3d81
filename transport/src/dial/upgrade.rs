//! From a secured connection to a WebSocket that speaks our version.

use fieldlink_protocol::{SUBPROTOCOL, endpoint, limits, text};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;
use tokio_tungstenite::tungstenite::{
    self,
    error::ProtocolError,
    handshake::client::{Request, generate_key, generate_request},
    http::{HeaderMap, Response},
    protocol::WebSocketConfig,
};

use super::ahead::Ahead;
use super::answer::{self, Answer};
use super::{DialError, WebSocket};
use crate::RelayAddress;
use crate::purpose::Purpose;

/// A request for `path`, with further headers.
pub(super) fn request(
    relay: &RelayAddress,
    (path, headers): (&str, &[(&str, &str)]),
) -> Result<Request, DialError> {
    let mut request = Request::builder()
        .uri(format!("{relay}{path}"))
        .header("Host", relay.authority())
        .header("Connection", "Upgrade")
        .header("Upgrade", "websocket")
        .header("Sec-WebSocket-Version", "13")
        .header("Sec-WebSocket-Key", generate_key())
        .header("Sec-WebSocket-Protocol", SUBPROTOCOL);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    // A token of a hostile relay, say, need not fit into a header.
    request
        .body(())
        .map_err(|error| DialError::NotARelay(relay.clone().into(), answer::garbled(&error.to_string())))
}

/// How `request` is written.
pub(super) fn head(request: &Request) -> Option<Vec<u8>> {
    generate_request(request.clone()).ok().map(|(head, _)| head)
}

/// Asks `relay` with `request`, which may have gone ahead.
pub(super) async fn upgrade(
    relay: &RelayAddress,
    mut tls: Ahead<TlsStream<TcpStream>>,
    request: Request,
    purpose: Purpose,
) -> Result<WebSocket, DialError> {
    if purpose != Purpose::Control {
        tls.get_mut().get_mut().1.set_buffer_limit(Some(limits::PIPE_TLS));
    }
    let config = Some(web_socket_config(purpose));
    let connected = tokio_tungstenite::client_async_with_config(request, tls, config).await;
    connected.map(|(socket, _)| socket).map_err(|error| explain(relay.clone(), error))
}

fn explain(relay: RelayAddress, error: tungstenite::Error) -> DialError {
    match error {
        tungstenite::Error::Http(response) => refusal(relay, &response),
        tungstenite::Error::Io(error) => {
            DialError::Unreachable(relay.into(), text::sentence(&error.to_string()))
        }
        tungstenite::Error::Protocol(ProtocolError::HandshakeIncomplete) => {
            DialError::Unreachable(relay.into(), "it hangs up instead of an answer".into())
        }
        other => DialError::NotARelay(relay.into(), answer::garbled(&other.to_string())),
    }
}

fn refusal(relay: RelayAddress, response: &Response<Option<Vec<u8>>>) -> DialError {
    let header = |name: &str| header_text(response.headers(), name);
    if let Some(theirs) = header(endpoint::VERSIONS_HEADER) {
        return DialError::Version { relay, theirs };
    }
    match header(endpoint::REFUSED_HEADER) {
        Some(code) if code == "not-a-websocket" => DialError::Answered(relay.into(), Answer::NoWebSocket),
        Some(code) => DialError::Refused { relay, code: header(endpoint::REASON_HEADER).unwrap_or(code) },
        None => DialError::Answered(relay.into(), Answer::of(response.status().as_u16())),
    }
}

fn header_text(headers: &HeaderMap, name: &str) -> Option<String> {
    headers.get(name).and_then(|value| value.to_str().ok()).map(text::name)
}

fn web_socket_config(purpose: Purpose) -> WebSocketConfig {
    let (read, write, limit) = match purpose {
        Purpose::Control => (4 * 1024, 4 * 1024, limits::CONTROL_MESSAGE),
        Purpose::Pipe | Purpose::PipeAgain => (limits::PIPE_READ, limits::PIPE_WRITE, limits::DATA_MESSAGE),
    };
    WebSocketConfig::default()
        .read_buffer_size(read)
        .write_buffer_size(write)
        .max_write_buffer_size(4 * limits::DATA_MESSAGE)
        .max_message_size(Some(limit))
        .max_frame_size(Some(limit))
}
