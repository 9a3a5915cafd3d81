//! A reserve at relays that do with it what they should not. It is over the loopback, which is an interface, too.

use std::sync::Mutex;

use rustls::RootCertStore;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tokio_rustls::TlsAcceptor;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

use super::*;
use crate::testing::{NEW, agree, authority, server};
use crate::tls::TlsClient;

/// What a relay says on the reserves that it is offered, one after the other; then nothing more.
async fn spare_at(words: Vec<Message>) -> (Spare, mpsc::Receiver<Instant>) {
    let own = authority("Own");
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let relay = format!("wss://{}", listener.local_addr().expect("bound"));
    let acceptor = TlsAcceptor::from(server(&own, NEW));
    let (offered, offers) = mpsc::channel(16);
    tokio::spawn(async move {
        let mut words = words.into_iter();
        while let Ok((tcp, _)) = listener.accept().await {
            offered.send(Instant::now()).await.expect("it is listened to");
            tokio::spawn(receive(acceptor.clone(), tcp, words.next()));
        }
    });
    let mut roots = RootCertStore::empty();
    roots.add(own.der().clone()).expect("a root");
    let tls = TlsClient::trusting(roots, true).expect("a client");
    let dialer = Dialer::new(relay.parse().expect("an address"), tls);
    dialer.set_interfaces(Interfaces { primary: Some("eth0".into()), second: Some("lo".into()) });
    let wanted = CancellationToken::new();
    wanted.cancel();
    (Spare::new(Line { dialer, ticket: "ticket".into() }, wanted), offers)
}

async fn receive(acceptor: TlsAcceptor, tcp: TcpStream, word: Option<Message>) {
    let asked = Mutex::new(None);
    #[expect(clippy::result_large_err, reason = "the library's own type")]
    let look = |request: &Request, response: Response| -> Result<Response, ErrorResponse> {
        *asked.lock().expect("whole") = request.headers().get(endpoint::ATTACH_HEADER).cloned();
        agree(request, response)
    };
    let tls = acceptor.accept(tcp).await.expect("secured");
    let mut socket = tokio_tungstenite::accept_hdr_async(tls, look).await.expect("upgraded");
    assert_eq!(asked.into_inner().expect("whole").expect("a kind"), endpoint::SPARE);
    if let Some(word) = word {
        socket.send(word).await.expect("said");
    }
    while let Some(Ok(message)) = socket.next().await {
        assert!(!message.is_binary() && !message.is_text(), "nothing is said on it: {message:?}");
    }
}

/// Keeps the reserve until the relay was offered another.
async fn next(spare: &mut Spare, offers: &mut mpsc::Receiver<Instant>) -> Instant {
    tokio::select! {
        never = spare.keep() => match never {},
        offered = offers.recv() => offered.expect("one"),
    }
}

#[tokio::test]
async fn a_relay_that_speaks_on_it_loses_it_and_is_offered_another_after_a_pause() {
    let words = [Message::text("attach-again"), Message::binary(vec![1; 100]), Message::Close(None)];
    let (mut spare, mut offers) = spare_at(words.to_vec()).await;
    let mut before = next(&mut spare, &mut offers).await;
    for _ in words {
        let offered = next(&mut spare, &mut offers).await;
        assert!(offered - before >= RETRY.0, "{:?}", offered - before);
        assert!(spare.take(true).is_none(), "it is not there yet");
        before = offered;
    }
    while !matches!(spare.state, State::Attached(_)) {
        let _ = timeout(Duration::from_millis(10), spare.keep()).await;
    }
    assert!(spare.take(false).is_none(), "nothing is wrong with the ordinary way");
    let ready = spare.take(true).expect("it is in reserve");
    assert_eq!((&*ready.interface, ready.patience), ("lo", ANSWER.0));
    assert!(spare.take(true).is_none(), "it was taken");
}

#[tokio::test]
async fn one_that_is_the_way_now_is_kept_and_taken_and_one_that_is_none_is_not_dialled() {
    let (mut spare, mut offers) = spare_at(Vec::new()).await;
    next(&mut spare, &mut offers).await;
    while !matches!(spare.state, State::Attached(_)) {
        let _ = timeout(Duration::from_millis(10), spare.keep()).await;
    }
    // The cable is pulled: first that is told, then everybody dials.
    spare.line.dialer.set_interfaces(Interfaces { primary: Some("lo".into()), second: None });
    let _ = timeout(Duration::from_millis(10), spare.keep()).await;
    assert!(spare.take(false).is_some(), "the ordinary way leads there");
    let kept = timeout(2 * RETRY.0, next(&mut spare, &mut offers)).await;
    assert!(kept.is_err(), "there is no second interface");
}
