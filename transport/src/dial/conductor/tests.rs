//! Dialling over real sockets to hosts that do everything on purpose that networks do by accident.

use std::sync::atomic::{AtomicUsize, Ordering};

use rustls::{RootCertStore, ServerConfig};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_rustls::TlsAcceptor;

use super::super::learnt::Learnt;
use super::super::lookup::Lookups;
use super::super::route::Route;
use super::*;
use crate::hello::Hello;
use crate::testing::{Authority, NEW, agree, authority, server};
use crate::tls::TlsClient;

const RELAY: &str = "wss://relay.invalid";
/// A hybrid hello is larger, a classical one smaller.
const LARGE: usize = 1_000;

/// What a host does with a connection.
#[derive(Clone)]
enum Conduct {
    /// Takes it and says nothing.
    Silent,
    /// Resets it after the hello.
    Reset,
    /// Resets it after a large hello.
    ResetsLarge(Arc<ServerConfig>),
    /// Is silent after a large hello.
    IgnoresLarge(Arc<ServerConfig>),
    /// Secures it, and answers with this.
    Answers(Arc<ServerConfig>, String),
    /// Secures it, and is silent.
    Mute(Arc<ServerConfig>),
    /// Answers as the relay does.
    Relay(Arc<ServerConfig>),
    /// The same, with the first of them once, then always with the second.
    Changes(Arc<ServerConfig>, Arc<ServerConfig>, Arc<AtomicUsize>),
    /// Resets a connection that wants to say something early, and is a relay for others.
    ResetsEarly(Arc<ServerConfig>),
}

struct Host {
    address: SocketAddr,
    connections: Arc<AtomicUsize>,
    task: JoinHandle<()>,
}

impl Drop for Host {
    fn drop(&mut self) {
        self.task.abort();
    }
}

impl Host {
    async fn start(conduct: Conduct) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let connections = Arc::new(AtomicUsize::new(0));
        let count = connections.clone();
        let task = tokio::spawn(async move {
            let mut serving = tokio::task::JoinSet::new();
            while let Ok((tcp, _)) = listener.accept().await {
                count.fetch_add(1, Ordering::Relaxed);
                serving.spawn(serve(tcp, conduct.clone()));
            }
        });
        Self { address, connections, task }
    }

    fn connections(&self) -> usize {
        self.connections.load(Ordering::Relaxed)
    }
}

async fn serve(tcp: TcpStream, conduct: Conduct) {
    let is_large = hello_size(&tcp).await > LARGE;
    match conduct {
        Conduct::ResetsEarly(_) if is_early(&tcp).await => reset(tcp),
        Conduct::Changes(first, then, count) => {
            let config = if count.fetch_add(1, Ordering::Relaxed) == 0 { first } else { then };
            Box::pin(serve(tcp, Conduct::Relay(config))).await;
        }
        Conduct::Silent => std::future::pending().await,
        Conduct::Reset => reset(tcp),
        Conduct::ResetsLarge(_) if is_large => reset(tcp),
        Conduct::IgnoresLarge(_) if is_large => std::future::pending().await,
        Conduct::Mute(config) => {
            let tls = TlsAcceptor::from(config).accept(tcp).await;
            std::future::pending::<()>().await;
            drop(tls);
        }
        Conduct::Answers(config, answer) => {
            let Ok(mut tls) = TlsAcceptor::from(config).accept(tcp).await else { return };
            let _ = tls.read(&mut [0; 4096]).await;
            let _ = tls.write_all(answer.as_bytes()).await;
            let _ = tls.shutdown().await;
        }
        Conduct::ResetsLarge(config)
        | Conduct::IgnoresLarge(config)
        | Conduct::ResetsEarly(config)
        | Conduct::Relay(config) => {
            let Ok(tls) = TlsAcceptor::from(config).accept(tcp).await else { return };
            let socket = tokio_tungstenite::accept_hdr_async(tls, agree).await;
            std::future::pending::<()>().await;
            drop(socket);
        }
    }
}

/// The length of the first record, which is the hello.
async fn hello_size(tcp: &TcpStream) -> usize {
    let mut header = [0; 5];
    while tcp.peek(&mut header).await.is_ok_and(|count| (1..5).contains(&count)) {
        tokio::task::yield_now().await;
    }
    usize::from(u16::from_be_bytes([header[3], header[4]]))
}

/// Whether a hello is followed by more, which nobody has asked for yet.
async fn is_early(tcp: &TcpStream) -> bool {
    let mut flight = [0; 8192];
    let hello = 5 + hello_size(tcp).await;
    let mut count = 0;
    while count < hello {
        count = tcp.peek(&mut flight).await.expect("it is open");
        tokio::task::yield_now().await;
    }
    // What follows leaves with it, in one write.
    count > hello
}

fn reset(tcp: TcpStream) {
    // With bytes unread, closing is a reset.
    drop(tcp);
}

/// An address at which no socket listens.
async fn nobody() -> SocketAddr {
    TcpListener::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("an address")
}

const OLD: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS12];

fn line(authority: &Authority) -> Line {
    let mut roots = RootCertStore::empty();
    roots.add(authority.der().clone()).expect("a root");
    let tls = TlsClient::trusting(roots, true).expect("a client");
    Line {
        relay: RELAY.parse().expect("an address"),
        proxy: None,
        tls,
        lookups: Lookups::default(),
        interface: None,
    }
}

struct Dialled {
    route: Option<Route>,
    ahead_in_vain: bool,
    took: Duration,
    outcome: Outcome,
}

impl Dialled {
    #[track_caller]
    fn error(self) -> DialError {
        self.outcome.reached.expect_err("there is no relay")
    }
}

/// Dials a name that has these addresses.
async fn dial(line: &Line, plan: Plan, addresses: &[SocketAddr]) -> Dialled {
    dial_for(line, plan, addresses, Purpose::Control).await
}

async fn dial_for(line: &Line, plan: Plan, addresses: &[SocketAddr], purpose: Purpose) -> Dialled {
    let begun = Instant::now();
    let mut conductor = Conductor::new(line, plan, ("/v1/pipe", &[]), purpose);
    conductor.race.found(Family::V4, addresses, Duration::ZERO);
    conductor.race.found(Family::V6, &[], Duration::ZERO);
    let (way, outcome) = conductor.run().await;
    let (route, ahead_in_vain) = (way.map(|way| way.route), way.is_some_and(|way| way.ahead_in_vain));
    Dialled { ahead_in_vain, route, took: begun.elapsed(), outcome }
}

fn unknown() -> Plan {
    Learnt::default().plan(Duration::ZERO)
}

/// What is planned after `dialled`.
fn known(dialled: &Dialled) -> Plan {
    let mut learnt = Learnt::default();
    let route = dialled.route.expect("the relay was reached");
    learnt.reached(&learnt.plan(Duration::ZERO), route.into(), Duration::ZERO);
    learnt.plan(Duration::ZERO)
}

#[tokio::test]
async fn a_host_that_takes_the_connection_and_is_silent_is_overtaken_and_avoided_then() {
    let own = authority("Own");
    let line = line(&own);
    let (silent, relay) =
        (Host::start(Conduct::Silent).await, Host::start(Conduct::Relay(server(&own, NEW))).await);
    let addresses = [silent.address, relay.address];
    let first = dial(&line, unknown(), &addresses).await;
    assert_eq!(first.route.map(|route| route.address), Some(relay.address));
    assert!(first.took < Duration::from_secs(2), "{:?}", first.took);
    let shown = first.outcome.reports.iter().find(|report| report.step == DialStep::Tcp).expect("a step");
    assert!(shown.detail.contains("takes the connection, then says nothing"), "{}", shown.detail);
    let before = silent.connections();
    let second = dial(&line, known(&first), &addresses).await;
    assert_eq!(second.route, first.route);
    assert_eq!(silent.connections(), before, "the silent host was asked again");
}

#[tokio::test]
async fn a_box_that_cuts_large_hellos_gets_a_small_one() {
    let own = authority("Own");
    let line = line(&own);
    let host = Host::start(Conduct::ResetsLarge(server(&own, NEW))).await;
    let first = dial(&line, unknown(), &[host.address]).await;
    assert_eq!(first.route.map(|route| route.hello), Some(Hello::Classical));
    assert!(first.took < Duration::from_secs(1), "{:?}", first.took);
    assert_eq!(host.connections(), 2);
    let second = dial(&line, known(&first), &[host.address]).await;
    assert_eq!((second.route, host.connections()), (first.route, 3), "it was not remembered");
}

#[tokio::test]
async fn a_box_that_swallows_large_hellos_gets_a_small_one() {
    let own = authority("Own");
    let line = line(&own);
    let host = Host::start(Conduct::IgnoresLarge(server(&own, NEW))).await;
    let first = dial(&line, unknown(), &[host.address]).await;
    assert_eq!(first.route.map(|route| route.hello), Some(Hello::Classical));
    assert!(first.took < Duration::from_secs(4), "{:?}", first.took);
    let second = dial(&line, known(&first), &[host.address]).await;
    assert!(second.took < Duration::from_secs(1), "{:?}", second.took);
}

#[tokio::test]
async fn a_large_hello_is_what_is_sent_first() {
    let own = authority("Own");
    let line = line(&own);
    let host = Host::start(Conduct::Relay(server(&own, NEW))).await;
    let dialled = dial(&line, unknown(), &[host.address]).await;
    let group = dialled.outcome.reached.expect("it answers");
    let group =
        group.get_ref().get_ref().get_ref().1.negotiated_key_exchange_group().expect("a group").name();
    assert_eq!(group, rustls::NamedGroup::X25519MLKEM768);
}

#[tokio::test]
async fn every_address_and_its_problem_is_named() {
    let own = authority("Own");
    let line = line(&own);
    let (gone, cutting) = (nobody().await, Host::start(Conduct::Reset).await);
    let stranger = authority("Reading Box");
    let reading = Host::start(Conduct::Relay(server(&stranger, NEW))).await;
    let error = dial(&line, unknown(), &[gone, cutting.address, reading.address]).await.error();
    let DialError::CertificateUntrusted(_, problem) = &error else { panic!("{error}") };
    assert_eq!(problem.owner, CertificateOwner::Stranger, "{error}");
    let text = error.to_string();
    for part in
        ["127.0.0.1: Connection refused", "; 127.0.0.1: ", "authority not trusted here", "Reading Box"]
    {
        assert!(text.contains(part), "{part}: {text}");
    }
    assert!(text.chars().count() < 900, "{text}");
}

#[tokio::test]
async fn a_certificate_of_somebody_elses_at_one_address_is_no_verdict_on_the_other() {
    let (own, stranger) = (authority("Own"), authority("Reading Box"));
    let line = line(&own);
    let reading = Host::start(Conduct::Relay(server(&stranger, NEW))).await;
    let relay = Host::start(Conduct::Relay(server(&own, NEW))).await;
    let dialled = dial(&line, unknown(), &[reading.address, relay.address]).await;
    assert_eq!(dialled.route.map(|route| route.address), Some(relay.address));
    assert_eq!(reading.connections(), 1, "another hello would not change a certificate");
}

fn http(status: &str, further: &str) -> String {
    format!("HTTP/1.1 {status}\r\n{further}Content-Length: 0\r\nConnection: close\r\n\r\n")
}

#[tokio::test]
async fn a_front_whose_relay_is_down_is_told_so_and_another_address_is_tried() {
    let own = authority("Own");
    let line = line(&own);
    let front = Host::start(Conduct::Answers(server(&own, NEW), http("502 Bad Gateway", ""))).await;
    let error = dial(&line, unknown(), &[front.address]).await.error();
    assert!(matches!(error, DialError::Answered(_, answer) if answer.may_pass()), "{error}");
    assert!(error.to_string().contains("the relay behind it is down"), "{error}");
    let relay = Host::start(Conduct::Relay(server(&own, NEW))).await;
    let dialled = dial(&line, unknown(), &[front.address, relay.address]).await;
    assert_eq!(dialled.route.map(|route| route.address), Some(relay.address));
}

#[tokio::test]
async fn a_refusal_by_the_relay_is_final_and_what_it_says_is_cleaned() {
    let own = authority("Own");
    let line = line(&own);
    let hostile =
        format!("{}: full\u{9b}2J{}\r\n", fieldlink_protocol::endpoint::REFUSED_HEADER, "x".repeat(500));
    for (further, expected) in [
        (format!("{}: full\r\n", fieldlink_protocol::endpoint::REFUSED_HEADER), "refused: full"),
        (hostile, "HTTP status 503"),
        (format!("{}: {}\r\n", fieldlink_protocol::endpoint::REFUSED_HEADER, "x".repeat(500)), "…"),
    ] {
        let answer = http("503 \u{1b}[2J", &further);
        let front = Host::start(Conduct::Answers(server(&own, NEW), answer)).await;
        let relay = Host::start(Conduct::Relay(server(&own, NEW))).await;
        let dialled = dial(&line, unknown(), &[front.address, relay.address]).await;
        if let Err(error) = &dialled.outcome.reached {
            let text = error.to_string();
            assert!(text.contains(expected) && text.chars().count() < 300, "{text}");
            assert!(!text.contains(char::is_control), "{text:?}");
            assert_eq!(relay.connections(), 0);
        }
    }
}

#[tokio::test]
async fn one_address_at_a_time_is_sent_the_request() {
    let own = authority("Own");
    let line = line(&own);
    let mute = Host::start(Conduct::Mute(server(&own, NEW))).await;
    let relay = Host::start(Conduct::Relay(server(&own, NEW))).await;
    let dialled = dial(&line, unknown(), &[mute.address, relay.address]).await;
    assert_eq!(dialled.route.map(|route| route.address), Some(relay.address));
    assert!(dialled.took < Duration::from_secs(6), "{:?}", dialled.took);
}

#[tokio::test]
async fn whose_it_is_that_speaks_tls_1_2_only_is_found_out() {
    let (own, stranger) = (authority("Own"), authority("Reading Box"));
    let line = line(&own);
    for (issuer, owner, words) in [
        (&own, CertificateOwner::Relay, "its operator must switch TLS 1.3 on"),
        (&stranger, CertificateOwner::Stranger, "something on this network that reads along"),
    ] {
        let front = Host::start(Conduct::Mute(server(issuer, OLD))).await;
        let error = dial(&line, unknown(), &[front.address]).await.error();
        assert!(matches!(error, DialError::OutdatedTls(_, found) if found == owner), "{error}");
        assert!(error.to_string().contains(words) && error.to_string().contains("TLS 1.3"), "{error}");
    }
}

/// As [`server`], with tickets that let clients say something early.
fn server_with_tickets(config: &Arc<ServerConfig>) -> Arc<ServerConfig> {
    let mut config = (**config).clone();
    config.max_early_data_size = 8 * 1024;
    config.send_tls13_tickets = 0;
    config.max_tls13_tickets = 2;
    config.session_storage = rustls::server::ServerSessionMemoryCache::new(16);
    Arc::new(config)
}

#[tokio::test]
async fn a_relay_that_does_not_take_what_went_ahead_is_told_it_again() {
    let own = authority("Own");
    let line = line(&own);
    let first = server_with_tickets(&server(&own, NEW));
    // Another process: it knows none of the tickets.
    let then = server_with_tickets(&first);
    let host = Host::start(Conduct::Changes(first, then, Arc::default())).await;
    let before = dial_for(&line, unknown(), &[host.address], Purpose::Pipe).await;
    before.outcome.reached.as_ref().expect("a relay");
    let again = dial_for(&line, known(&before), &[host.address], Purpose::PipeAgain).await;
    assert!(again.outcome.went_ahead && !again.ahead_in_vain);
    again.outcome.reached.expect("it was said again");
    assert_eq!(host.connections(), 2);
}

#[tokio::test]
async fn a_box_that_cuts_what_goes_ahead_gets_the_same_hello_without() {
    let own = authority("Own");
    let line = line(&own);
    let host = Host::start(Conduct::ResetsEarly(server_with_tickets(&server(&own, NEW)))).await;
    let before = dial_for(&line, unknown(), &[host.address], Purpose::Pipe).await;
    let again = dial_for(&line, known(&before), &[host.address], Purpose::PipeAgain).await;
    assert!(again.ahead_in_vain && again.took < Duration::from_secs(1), "{:?}", again.took);
    assert_eq!(again.route.map(|route| route.hello), Some(Hello::Hybrid));
    assert_eq!(host.connections(), 3);
    // Nothing goes ahead of another use.
    let control = dial(&line, known(&before), &[host.address]).await;
    let first_time = dial_for(&line, known(&before), &[host.address], Purpose::Pipe).await;
    assert!(!control.outcome.went_ahead && !first_time.outcome.went_ahead);
    assert_eq!(host.connections(), 5);
}

#[tokio::test]
async fn who_swallows_what_went_ahead_holds_up_one_dialling() {
    let own = authority("Own");
    let line = line(&own);
    // Its TLS takes what comes early, and nobody reads it.
    let swallows = server_with_tickets(&server(&own, NEW));
    let host = Host::start(Conduct::Relay(swallows)).await;
    let before = dial_for(&line, unknown(), &[host.address], Purpose::Pipe).await;
    let again = dial_for(&line, known(&before), &[host.address], Purpose::PipeAgain).await;
    assert!(again.outcome.went_ahead && again.route.is_none());
    assert!(again.took < limits::HANDSHAKE + Duration::from_secs(1), "{:?}", again.took);
    again.outcome.reached.expect_err("it waits for a request");
}
