//! The HTTP that comes before a WebSocket: one request head, and an answer to it.

use std::borrow::Cow;

use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::{SUBPROTOCOL, endpoint};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::handshake::machine::TryParse;
use tokio_tungstenite::tungstenite::handshake::server::{Request, create_response, write_response};
use tokio_tungstenite::tungstenite::http::{HeaderValue, header};

/// Longest request head that is read, in bytes.
pub(crate) const MAX_HEAD: usize = 8 * 1024;

/// A request head, and what came behind it.
#[derive(Debug)]
pub(crate) struct Head {
    /// The request line and the headers, parsed.
    pub request: Request,
    /// Bytes that belong to what follows.
    pub tail: Vec<u8>,
}

/// An answer that is not an upgrade.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    status: &'static str,
    /// For the [`endpoint::REFUSED_HEADER`]; empty for none.
    code: &'static str,
    /// For the [`endpoint::REASON_HEADER`], if it is about a session that has ended.
    reason: Option<Reason>,
    further: &'static [(&'static str, &'static str)],
    body: Cow<'static, str>,
}

impl Refusal {
    /// The path is none of the relay's endpoints.
    pub(crate) const NOT_FOUND: Self = Self::new("404 Not Found", "", "there is nothing here\n");
    /// Not a request that could become a WebSocket.
    pub(crate) const NOT_A_WEB_SOCKET: Self = Self::new(
        "400 Bad Request",
        "not-a-websocket",
        "this is a fieldlink relay: it speaks WebSocket only\n",
    );
    /// No credential, an unknown one, a wrong or revoked one: the answer does not tell which.
    pub(crate) const CREDENTIAL: Self =
        Self::new("401 Unauthorized", "credential", "this credential is not valid here\n")
            .with(&[("www-authenticate", "Bearer")]);
    /// Somebody has opened a link to watch with in a browser.
    pub(crate) const LINK: Self = Self::new(
        "404 Not Found",
        "link",
        "this link is not for a browser: start \"fieldlink-connect watch\" and give it the whole link\n",
    );
    /// No place is free for a connection of this kind.
    pub(crate) const FULL: Self =
        Self::new("503 Service Unavailable", "full", "the relay is full: try again later\n");
    /// The session of a ticket may come back yet.
    pub(crate) const PENDING: Self = Self::new(
        "503 Service Unavailable",
        "session-pending",
        "neither side of the session has come back yet: try again\n",
    );
    /// Measured too often from one network, or by too many at once.
    pub(crate) const TOO_OFTEN: Self =
        Self::new("429 Too Many Requests", "too-often", "measured too often: try again in a minute\n")
            .with(&[("retry-after", "60")]);
    /// What a side says with its attachment is no HELLO, or more than one.
    pub(crate) const HELLO: Self =
        Self::new("400 Bad Request", "hello-malformed", "the hello is malformed\n");
    /// An attachment of a kind that this relay does not know, or that this pipe does not take.
    pub(crate) const ATTACH: Self =
        Self::new("409 Conflict", "no-spare", "this pipe takes no such connection now\n");
    /// Said before the handshake was over, when it may have been recorded and sent by somebody else (RFC 8470).
    pub(crate) const TOO_EARLY: Self =
        Self::new("425 Too Early", "too-early", "ask again when the handshake is over\n");
    /// The client does not speak this relay's version.
    pub(crate) const VERSION: Self = Self::new(
        "426 Upgrade Required",
        "version",
        "this relay speaks fieldlink.2: a program that speaks only a later version needs a newer relay \
         (ask its operator), any other program needs to be upgraded\n",
    )
    .with(&[(endpoint::VERSIONS_HEADER, SUBPROTOCOL), ("upgrade", "websocket")]);

    const fn new(status: &'static str, code: &'static str, body: &'static str) -> Self {
        Self { status, code, reason: None, further: &[], body: Cow::Borrowed(body) }
    }

    const fn with(mut self, further: &'static [(&'static str, &'static str)]) -> Self {
        self.further = further;
        self
    }

    /// A ticket that opens nothing, and why.
    pub(crate) fn ticket(code: &'static str, sentence: &str) -> Self {
        let mut refusal = Self::new("401 Unauthorized", code, "");
        refusal.body = Cow::Owned(format!("the ticket opens nothing here: {sentence}\n"));
        refusal
    }

    /// A ticket of a session that is over, for a reason that may be known.
    pub(crate) fn session_over(reason: Option<Reason>) -> Self {
        let why = reason.map_or("the session is over", Reason::sentence);
        Self { reason, ..Self::ticket("session-over", why) }
    }

    /// The code that says why.
    pub(crate) fn code(&self) -> &'static str {
        if self.code.is_empty() { "not-found" } else { self.code }
    }

    fn encode(&self) -> String {
        let mut text = format!(
            "HTTP/1.1 {}\r\nconnection: close\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: {}\r\n",
            self.status,
            self.body.len()
        );
        let refused = Some((endpoint::REFUSED_HEADER, self.code)).filter(|(_, code)| !code.is_empty());
        let reason = self.reason.map(|reason| (endpoint::REASON_HEADER, reason.code()));
        for (name, value) in refused.iter().chain(&reason).chain(self.further) {
            text.push_str(&format!("{name}: {value}\r\n"));
        }
        text + "\r\n" + &self.body
    }
}

/// Reads one request head. The caller bounds the time.
pub(crate) async fn read_head(
    stream: &mut (impl AsyncRead + Unpin),
) -> std::io::Result<Result<Head, Refusal>> {
    let mut buffer = Vec::with_capacity(1024);
    loop {
        let searched = buffer.len().saturating_sub(3);
        if stream.read_buf(&mut buffer).await? == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        if let Some(end) = end_of_head(&buffer[searched..]) {
            return Ok(parse(buffer, searched + end));
        }
        if buffer.len() > MAX_HEAD {
            return Ok(Err(Refusal::NOT_A_WEB_SOCKET));
        }
    }
}

/// Where a request head ends, if `bytes` have its end.
pub(crate) fn end_of_head(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|four| four == b"\r\n\r\n").map(|end| end + 4)
}

fn parse(mut buffer: Vec<u8>, end: usize) -> Result<Head, Refusal> {
    if end > MAX_HEAD {
        return Err(Refusal::NOT_A_WEB_SOCKET);
    }
    let tail = buffer.split_off(end);
    match Request::try_parse(&buffer) {
        Ok(Some((size, request))) if size == end => Ok(Head { request, tail }),
        _ => Err(Refusal::NOT_A_WEB_SOCKET),
    }
}

impl Head {
    /// The value of a header that is there exactly once.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.request.headers().get_all(name).iter();
        let value = values.next()?.to_str().ok()?;
        values.next().is_none().then_some(value)
    }

    /// Whether there is a header of this name, be it once or more often.
    pub(crate) fn has(&self, name: &str) -> bool {
        self.request.headers().contains_key(name)
    }

    /// Whether the client speaks our version.
    pub(crate) fn offers_our_version(&self) -> bool {
        let offers = self.request.headers().get_all(header::SEC_WEBSOCKET_PROTOCOL);
        let mut names =
            offers.iter().filter_map(|value| value.to_str().ok()).flat_map(|value| value.split(','));
        names.any(|name| name.trim() == SUBPROTOCOL)
    }

    /// The answer that makes this a WebSocket.
    pub(crate) fn acceptance(&self) -> Result<Vec<u8>, Refusal> {
        let mut response = create_response(&self.request).map_err(|_| Refusal::NOT_A_WEB_SOCKET)?;
        let subprotocol = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
        let mut bytes = Vec::new();
        write_response(&mut bytes, &response).map_err(|_| Refusal::NOT_A_WEB_SOCKET)?;
        Ok(bytes)
    }
}

/// Sends a refusal and closes, so that the answer arrives.
pub(crate) async fn refuse(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    refusal: &Refusal,
) -> std::io::Result<()> {
    stream.write_all(refusal.encode().as_bytes()).await?;
    stream.shutdown().await?;
    // Closing with unread bytes would make the kernel throw the answer away.
    let mut rest = [0; 1024];
    let drained = async { while matches!(stream.read(&mut rest).await, Ok(1..)) {} };
    let _ = timeout(fieldlink_protocol::limits::CLOSE, drained).await;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const GOOD: &str = "GET /v1/agent HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
        Sec-WebSocket-Protocol: fieldlink.3, fieldlink.2\r\n\r\n";

    async fn read(text: &[u8]) -> std::io::Result<Result<Head, Refusal>> {
        read_head(&mut &*text).await
    }

    #[tokio::test]
    async fn reads_one_head_and_keeps_what_follows() {
        let head = read(&[GOOD.as_bytes(), b"\x82\x00"].concat()).await.expect("read").expect("a head");
        assert_eq!(head.request.uri().path(), "/v1/agent");
        assert_eq!(head.tail, b"\x82\x00");
        assert!(head.offers_our_version());
        let acceptance = String::from_utf8(head.acceptance().expect("acceptable")).expect("text");
        assert!(acceptance.starts_with("HTTP/1.1 101"), "{acceptance}");
        assert!(acceptance.contains("sec-websocket-protocol: fieldlink.2\r\n"), "{acceptance}");
    }

    #[tokio::test]
    async fn what_is_no_request_is_refused() {
        let huge = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(MAX_HEAD));
        let endless = "x".repeat(MAX_HEAD + 1);
        let post = GOOD.replacen("GET", "POST", 1);
        for text in [huge.as_bytes(), endless.as_bytes(), post.as_bytes(), b"\xff\xfe\r\n\r\n", b"\r\n\r\n"] {
            assert_eq!(read(text).await.expect("read").err(), Some(Refusal::NOT_A_WEB_SOCKET));
        }
        assert!(read(b"GET / HTTP/1.1\r\n").await.is_err());
    }

    #[tokio::test]
    async fn a_header_that_comes_twice_counts_for_nothing() {
        let twice = GOOD.replacen("Host: r", "Fieldlink-Ticket: a\r\nFieldlink-Ticket: b", 1);
        let head = read(twice.as_bytes()).await.expect("read").expect("a head");
        assert_eq!(head.header("fieldlink-ticket"), None);
        assert_eq!(head.header("upgrade"), Some("websocket"));
    }

    #[test]
    fn refusals_say_what_to_do() {
        let text = Refusal::VERSION.encode();
        assert!(text.starts_with("HTTP/1.1 426 ") && text.contains("fieldlink-versions: fieldlink.2\r\n"));
        assert!(text.contains("upgraded"));
        assert!(!Refusal::NOT_FOUND.encode().contains("fieldlink-refused"));
        assert!(Refusal::CREDENTIAL.encode().contains("fieldlink-refused: credential\r\n"));
    }
}
