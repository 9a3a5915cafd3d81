//! Asks the authority, over HTTP, and within bounds: what it says is short, comes soon, and comes from where it was asked.

use std::convert::Infallible;
use std::error::Error;
use std::time::Duration;

use bytes::Bytes;
use fieldlink_protocol::ids::SumsDigest;
use fieldlink_protocol::limits;
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::Incoming;
use hyper::client::conn::http1;
use hyper::header::{ACCEPT, CONNECTION, CONTENT_TYPE, HOST, HeaderMap, USER_AGENT};
use hyper::{Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use rustls::CertificateError;
use rustls::pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_rustls::TlsConnector;

use super::query::{Query, Unanswered};
use super::url::AuthorityUrl;
use crate::config::Records;
use crate::tls::{self, TlsError};

/// From the name's resolution to the last byte of the answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// The head of an answer, in bytes.
const HEAD: usize = 16 * 1024;
/// What is sent, and what is expected.
const QUERY: &str = "application/timestamp-query";
const REPLY: &str = "application/timestamp-reply";

/// The authority, ready to be asked.
pub(crate) struct Authority {
    url: AuthorityUrl,
    tls: Option<(TlsConnector, ServerName<'static>)>,
}

/// Why there is no time stamp. Nothing of what the other side said is in it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum NoStamp {
    /// There is no connection.
    #[error("it cannot be reached: {0}")]
    Unreachable(std::io::Error),
    /// It is not who it should be.
    #[error("{0}")]
    Certificate(&'static str),
    /// TLS failed otherwise.
    #[error("TLS failed: {0}")]
    Tls(rustls::Error),
    /// It broke off, or what it speaks is not HTTP.
    #[error("the exchange broke off: {0}")]
    Broken(hyper::Error),
    /// Not the status 200; redirects are not followed.
    #[error("it answers with the status {0}")]
    Status(StatusCode),
    /// Not the type of a time stamp.
    #[error("its answer is not of the type {REPLY}")]
    OtherType,
    /// Longer than one may be.
    #[error("its answer is longer than {} bytes", limits::TIME_STAMP)]
    TooLong,
    /// It takes too long.
    #[error("it takes longer than {} seconds", PATIENCE.as_secs())]
    TooSlow,
    /// It does not count.
    #[error("its answer does not count: {0}")]
    Unanswered(#[from] Unanswered),
}

impl Authority {
    /// The authority that `records` names, if they do.
    pub(crate) fn of(records: &Records) -> Result<Option<Self>, TlsError> {
        let Some(url) = &records.anchor_tsa else { return Ok(None) };
        let tls = match url.server_name() {
            Some(name) => {
                let connector = tls::connector("anchor_tsa_ca", records.anchor_tsa_ca.as_deref())?;
                Some((connector, name.clone()))
            }
            None => None,
        };
        Ok(Some(Self { url: url.clone(), tls }))
    }

    /// Where it is.
    pub(crate) fn url(&self) -> &AuthorityUrl {
        &self.url
    }

    /// The authority's whole answer, if it stamps `digest`.
    pub(crate) async fn stamp(&self, digest: &SumsDigest) -> Result<Bytes, NoStamp> {
        let query = Query::new(digest);
        let answer = timeout(PATIENCE, self.ask(query.to_der())).await.unwrap_or(Err(NoStamp::TooSlow))?;
        query.check(&answer)?;
        Ok(answer)
    }

    async fn ask(&self, query: Vec<u8>) -> Result<Bytes, NoStamp> {
        let address = (self.url.host(), self.url.port());
        let tcp = TcpStream::connect(address).await.map_err(NoStamp::Unreachable)?;
        match &self.tls {
            Some((connector, name)) => {
                let tls = connector.connect(name.clone(), tcp).await.map_err(NoStamp::from_handshake)?;
                self.exchange(tls, query).await
            }
            None => self.exchange(tcp, query).await,
        }
    }

    /// One request over a connection that is then given up.
    async fn exchange<S>(&self, stream: S, query: Vec<u8>) -> Result<Bytes, NoStamp>
    where
        S: AsyncRead + AsyncWrite + Unpin,
    {
        let request = self.request(query);
        let mut builder = http1::Builder::new();
        let (mut sender, connection) =
            builder.max_buf_size(HEAD).handshake(TokioIo::new(stream)).await.map_err(NoStamp::Broken)?;
        // It moves the bytes. Why it ends, if it does, the request hears.
        let moving = async {
            let _ = connection.await;
            std::future::pending::<Infallible>().await
        };
        tokio::select! {
            answer = async { read(sender.send_request(request).await.map_err(NoStamp::Broken)?).await } => answer,
            never = moving => match never {},
        }
    }

    fn request(&self, query: Vec<u8>) -> Request<Full<Bytes>> {
        Request::post(self.url.target())
            .header(HOST, self.url.authority())
            .header(USER_AGENT, "fieldlink-relay")
            .header(CONNECTION, "close")
            .header(CONTENT_TYPE, QUERY)
            .header(ACCEPT, REPLY)
            .body(Full::from(query))
            .expect("each part was an address's")
    }
}

/// The answer's body, if it is one.
async fn read(response: Response<Incoming>) -> Result<Bytes, NoStamp> {
    if response.status() != StatusCode::OK {
        return Err(NoStamp::Status(response.status()));
    }
    if !is_reply(response.headers()) {
        return Err(NoStamp::OtherType);
    }
    let body = Limited::new(response.into_body(), limits::TIME_STAMP).collect().await;
    body.map(|body| body.to_bytes()).map_err(NoStamp::from_body)
}

fn is_reply(headers: &HeaderMap) -> bool {
    let value = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    value.split(';').next().is_some_and(|name| name.trim().eq_ignore_ascii_case(REPLY))
}

impl NoStamp {
    fn from_body(error: Box<dyn Error + Send + Sync>) -> Self {
        match error.downcast::<hyper::Error>() {
            Ok(broken) => Self::Broken(*broken),
            Err(other) if other.is::<LengthLimitError>() => Self::TooLong,
            Err(_) => Self::Unanswered(Unanswered::Malformed),
        }
    }

    /// What rustls says of a certificate would repeat the names in it.
    fn from_handshake(error: std::io::Error) -> Self {
        let inner = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>());
        match inner.cloned() {
            Some(rustls::Error::InvalidCertificate(problem)) => Self::Certificate(of_certificate(&problem)),
            Some(other) => Self::Tls(other),
            None => Self::Unreachable(error),
        }
    }
}

fn of_certificate(problem: &CertificateError) -> &'static str {
    match problem {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
            "its certificate has expired (is the clock right?)"
        }
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet (is the clock right?)"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => {
            "its certificate is from an authority that is not trusted here (anchor_tsa_ca)"
        }
        _ => "its certificate is not valid",
    }
}

#[cfg(test)]
mod tests {
    use std::future::Future;

    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::TcpListener;

    use super::*;

    /// What comes of asking somebody who answers with `answer`, and stays silent from then on.
    async fn asked(answer: Vec<u8>) -> NoStamp {
        with(async move |mut tcp| {
            let _ = tcp.read(&mut [0; 4096]).await;
            let _ = tcp.write_all(&answer).await;
            std::future::pending::<()>().await;
        })
        .await
    }

    async fn with<F: Future<Output = ()>>(serve: impl FnOnce(TcpStream) -> F) -> NoStamp {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("free");
        let url = format!("http://{}/stamp", listener.local_addr().expect("bound"));
        let url = url.try_into().expect("an address");
        let authority = Authority { url, tls: None };
        let serving = async { serve(listener.accept().await.expect("asked").0).await };
        let digest = SumsDigest::from_bytes([7; 32]);
        let stamping = authority.stamp(&digest);
        tokio::select! {
            answer = stamping => answer.map(|_| ()).expect_err("it does not count"),
            () = async { serving.await; std::future::pending().await } => unreachable!(),
        }
    }

    fn reply(head: &str, body: &[u8]) -> Vec<u8> {
        [format!("HTTP/1.1 {head}\r\n\r\n").as_bytes(), body].concat()
    }

    const GOOD: &str = "200 OK\r\nContent-Type: application/timestamp-reply";

    #[tokio::test]
    async fn what_is_no_answer_is_refused_with_the_reason() {
        let long = vec![0; limits::TIME_STAMP + 1];
        let all_of = |body: &[u8]| format!("{GOOD}\r\nContent-Length: {}", body.len());
        for (answer, why) in [
            (reply(&all_of(b"rubbish"), b"rubbish"), "no time stamp in DER"),
            (reply(&all_of(&long), &long), "longer than 16384 bytes"),
            (reply(GOOD, &vec![0; 100_000]), "longer than 16384 bytes"),
            (reply("302 Found\r\nLocation: http://127.0.0.1/", b""), "status 302"),
            (reply("503 Later\r\nContent-Length: 0", b""), "status 503"),
            (reply("200 OK\r\nContent-Type: text/html\r\nContent-Length: 1", b"x"), "not of the type"),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n".to_vec(), "broke off"),
            (reply(&format!("200 OK\r\nX: {}", "x".repeat(2 * HEAD)), b""), "broke off"),
        ] {
            let error = asked(answer).await.to_string();
            assert!(error.contains(why), "{error}");
        }
        let error = with(async |tcp| drop(tcp)).await.to_string();
        assert!(error.contains("broke off"), "{error}");
    }

    #[tokio::test(start_paused = true)]
    async fn it_is_waited_for_so_long_wherever_it_stops() {
        let (begun, head) = (tokio::time::Instant::now(), reply(GOOD, b""));
        for answer in [Vec::new(), head[..20].to_vec(), [head, b"\x30\x82".to_vec()].concat()] {
            let error = asked(answer).await;
            assert!(matches!(error, NoStamp::TooSlow), "{error}");
        }
        assert!(begun.elapsed() < 4 * PATIENCE);
    }

    #[test]
    fn nothing_of_a_certificate_is_repeated() {
        let name = ServerName::try_from("tsa.example.com").expect("a name");
        let presented = vec!["owned.example.com".to_owned()];
        let problem = CertificateError::NotValidForNameContext { expected: name, presented };
        let error = std::io::Error::other(rustls::Error::InvalidCertificate(problem));
        assert_eq!(NoStamp::from_handshake(error).to_string(), "its certificate is for another name");
    }
}
