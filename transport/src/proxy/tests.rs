//! Dialling through proxies that answer in every way a proxy may, and in some that none should.

use std::time::Duration;

use fieldlink_protocol::limits;
use rustls::RootCertStore;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

use super::*;
use crate::{DialError, DialStep, Dialer, TlsClient};

/// Trusts none of the hosts here, which is enough to get as far as TLS.
fn dialer(proxy: &str) -> Dialer {
    let nobody = rcgen::generate_simple_self_signed(["nobody".to_owned()]).expect("a certificate");
    let mut roots = RootCertStore::empty();
    roots.add(nobody.cert.der().clone()).expect("a root");
    let tls = TlsClient::trusting(roots, true).expect("a client");
    let relay = "wss://relay.invalid:8443".parse().expect("an address");
    Dialer::new(relay, tls).through(Some(proxy.parse().expect("a proxy")))
}

async fn dial(proxy: &str) -> (Vec<(DialStep, bool)>, DialError) {
    let (reports, outcome) = dialer(proxy).probe("/v1/agent").await;
    let steps = reports.iter().map(|report| (report.step, report.ok)).collect();
    (steps, outcome.expect_err("nobody is trusted"))
}

/// Reads a request and gives `pieces` for an answer. Its task returns the request.
async fn proxy(pieces: Vec<Vec<u8>>) -> (String, JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address").to_string();
    let task = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        let request = read_request(&mut stream).await;
        for piece in pieces {
            // The other side may have seen enough.
            if stream.write_all(&piece).await.is_err() {
                break;
            }
            tokio::task::yield_now().await;
        }
        // What it says next (TLS, if anything) must not turn into a reset.
        let _ = stream.shutdown().await;
        let _ = stream.read_to_end(&mut Vec::new()).await;
        request
    });
    (address, task)
}

async fn read_request(stream: &mut TcpStream) -> String {
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        request.push(stream.read_u8().await.expect("a request"));
    }
    String::from_utf8(request).expect("text")
}

/// What becomes of `answer`, with and without a password.
async fn outcomes(answer: &str) -> [ProxyError; 2] {
    let mut outcomes = Vec::new();
    for credentials in ["", "ada:hush@"] {
        let (address, _) = proxy(vec![answer.as_bytes().to_vec()]).await;
        let (steps, error) = dial(&format!("http://{credentials}{address}")).await;
        assert_eq!(steps.last(), Some(&(DialStep::Proxy, false)), "{answer}: {error}");
        let DialError::Proxy(error) = error else { panic!("{answer}: {error}") };
        assert!(!error.to_string().contains("hush"), "{error}");
        outcomes.push(error);
    }
    outcomes.try_into().expect("two")
}

fn answer(status: u16) -> String {
    format!("HTTP/1.1 {status} So it is\r\nContent-Type: text/html\r\n\r\n<html>…</html>")
}

#[tokio::test]
async fn every_status_has_a_message_of_its_own() {
    for status in [401, 407] {
        let [without, with] = outcomes(&answer(status)).await;
        assert!(matches!(without, ProxyError::CredentialsWanted(_)), "{without}");
        assert!(matches!(with, ProxyError::CredentialsRefused(_)), "{with}");
    }
    let [without, with] = outcomes("HTTP/1.1 407 No\r\nProxy-Authenticate: Negotiate\r\n\r\n").await;
    assert!(matches!((without, with), (ProxyError::SignInUnsupported(_), ProxyError::SignInUnsupported(_))));
    let [forbidden, _] = outcomes(&answer(403)).await;
    assert!(
        forbidden.to_string().contains("does not allow connections to relay.invalid:8443"),
        "{forbidden}"
    );
    for wanted in [500, 502, 503, 504] {
        let [error, _] = outcomes(&answer(wanted)).await;
        assert!(matches!(error, ProxyError::CannotReach { status, .. } if status == wanted), "{error}");
    }
    for wanted in [100, 302, 400, 404, 405, 501, 999] {
        let [error, _] = outcomes(&answer(wanted)).await;
        assert!(matches!(error, ProxyError::Refused { status, .. } if status == wanted), "{error}");
    }
}

#[tokio::test]
async fn what_is_no_proxy_is_told_so() {
    let long = format!("HTTP/1.1 200 OK\r\nA: {}", "a".repeat(limits::PROXY_REPLY + 1));
    for other in [
        "<!DOCTYPE html>",
        "SSH-2.0-server\r\n",
        "",
        "HTTP/1.1 200 OK\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\n<html>",
        &long,
    ] {
        let [error, _] = outcomes(other).await;
        assert!(matches!(error, ProxyError::NotAProxy(..)), "{other:.30}: {error}");
    }
}

#[tokio::test]
async fn a_page_that_comes_later_is_no_tunnel_either() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let portal = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.expect("a connection");
        read_request(&mut stream).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await.expect("it reads");
        // The client begins TLS; only then comes the page.
        stream.read_u8().await.expect("a hello");
        stream.write_all(b"<html><body>please sign in</body></html>").await.expect("it reads");
        let _ = stream.read_to_end(&mut Vec::new()).await;
    });
    let (steps, error) = dial(&format!("http://{address}")).await;
    assert!(matches!(error, DialError::Proxy(ProxyError::NotAProxy(..))), "{error}");
    assert_eq!(steps.last(), Some(&(DialStep::Tls, false)));
    portal.await.expect("it ends");
}

#[tokio::test]
async fn a_tunnel_leaks_nothing_and_carries_tls_on() {
    let reply = b"HTTP/1.1 200 Connection established\r\nVia: one, two\r\n\r\n";
    let whole = vec![reply.to_vec()];
    let bytewise: Vec<_> = reply.iter().map(|&byte| vec![byte]).collect();
    let plain =
        "CONNECT relay.invalid:8443 HTTP/1.1\r\nHost: relay.invalid:8443\r\nUser-Agent: fieldlink\r\n";
    for (pieces, credentials, expected) in [
        (whole, "", format!("{plain}\r\n")),
        (bytewise, "ada:hush@", format!("{plain}Proxy-Authorization: Basic YWRhOmh1c2g=\r\n\r\n")),
    ] {
        let (address, task) = proxy(pieces).await;
        let (steps, error) = dial(&format!("http://{credentials}{address}")).await;
        // The relay's name cannot be looked up here: that is the proxy's to do.
        let so_far = [DialStep::Resolve, DialStep::Tcp, DialStep::Proxy].map(|step| (step, true));
        assert_eq!(steps, [so_far.as_slice(), &[(DialStep::Tls, false)]].concat(), "{error}");
        assert!(matches!(error, DialError::Tls(..)), "{error}");
        assert_eq!(task.await.expect("it ends"), expected);
    }
}

#[tokio::test]
async fn a_proxy_that_is_not_there_is_named() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    drop(listener);
    let (_, error) = dial(&format!("http://u:hush@{address}")).await;
    let message = error.to_string();
    assert!(matches!(error, DialError::Proxy(ProxyError::Unreachable(..))), "{error}");
    assert!(message.contains(&address.to_string()) && !message.contains("hush"), "{message}");
    let (_, error) = dial("http://proxy.invalid:3128").await;
    assert!(matches!(error, DialError::Proxy(ProxyError::Resolve(_))), "{error}");
}

#[tokio::test(start_paused = true)]
async fn a_proxy_that_hangs_or_dawdles_is_given_up() {
    let hanging = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let dawdling = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let addresses = [&hanging, &dawdling].map(|listener| listener.local_addr().expect("an address"));
    let endless = tokio::spawn(async move {
        let (mut stream, _) = dawdling.accept().await.expect("a connection");
        read_request(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nA: ").await;
        while stream.write_all(b"a").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    });
    let urls = addresses.map(|address| format!("http://{address}"));
    let (one, other) = tokio::join!(dial(&urls[0]), dial(&urls[1]));
    for (steps, error) in [one, other] {
        assert!(matches!(error, DialError::Proxy(ProxyError::Timeout { seconds: 10, .. })), "{error}");
        assert_eq!(steps.last(), Some(&(DialStep::Proxy, false)));
    }
    endless.await.expect("it ends");
}
