//! What a client remembers of the relay's TLS.

use rustls::server::ServerSessionMemoryCache;
use tokio::io::{AsyncReadExt, AsyncWriteExt, duplex};
use tokio_rustls::{TlsAcceptor, TlsConnector};

use super::*;
use crate::testing::{NEW, authority, server};

/// Whether the client could have said something early in a handshake with this server.
async fn handshake(client: Arc<ClientConfig>, server: Arc<rustls::ServerConfig>) -> bool {
    let (near, far) = duplex(64 * 1024);
    let name = "relay.invalid".try_into().expect("a name");
    let mut could = false;
    let connecting =
        TlsConnector::from(client).connect_with(name, near, |begun| could = begun.early_data().is_some());
    let (near, far) = tokio::join!(connecting, TlsAcceptor::from(server).accept(far));
    let (mut near, mut far) = (near.expect("secured"), far.expect("secured"));
    // What the server says comes behind its tickets.
    far.write_all(b"!").await.expect("sent");
    far.flush().await.expect("sent");
    near.read_u8().await.expect("received");
    could
}

#[tokio::test]
async fn eight_tickets_are_kept_for_those_who_come_back_and_none_for_others() {
    let own = authority("Own");
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).expect("a root");
    let client = TlsClient::trusting(roots, true).expect("a client");
    let greeting = |purpose| client.greeting(Hello::Hybrid, purpose);
    let mut giving = (*server(&own, NEW)).clone();
    giving.session_storage = ServerSessionMemoryCache::new(64);
    giving.max_early_data_size = 1_000;
    (giving.send_tls13_tickets, giving.max_tls13_tickets) = (0, 2);
    let mut silent = giving.clone();
    silent.max_tls13_tickets = 0;
    let (giving, silent) = (Arc::new(giving), Arc::new(silent));
    assert!(!handshake(greeting(Purpose::Control), giving.clone()).await);
    assert!(!handshake(greeting(Purpose::PipeAgain), silent.clone()).await, "it was given none");
    // Each takes one, and is given two.
    for _ in 0..12 {
        assert!(
            !handshake(greeting(Purpose::Pipe), giving.clone()).await,
            "who comes for the first time says nothing"
        );
    }
    // The small hello has the same tickets.
    let small = client.greeting(Hello::Classical, Purpose::PipeAgain);
    assert!(handshake(small, silent.clone()).await);
    for _ in 1..8 {
        assert!(handshake(greeting(Purpose::PipeAgain), silent.clone()).await);
    }
    assert!(!handshake(greeting(Purpose::PipeAgain), silent).await, "each is good once");
}

#[tokio::test]
async fn a_relay_takes_the_quickest_cipher_of_ours() {
    let own = authority("Own");
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).expect("a root");
    let client = TlsClient::trusting(roots, true).expect("a client");
    let (near, far) = duplex(64 * 1024);
    let name = "relay.invalid".try_into().expect("a name");
    let connecting = TlsConnector::from(client.standard()).connect(name, near);
    let (near, far) = tokio::join!(connecting, TlsAcceptor::from(server(&own, NEW)).accept(far));
    let (near, _far) = (near.expect("secured"), far.expect("secured"));
    let taken = near.get_ref().1.negotiated_cipher_suite().expect("one").suite();
    assert_eq!(taken, CipherSuite::TLS13_AES_128_GCM_SHA256);
}
