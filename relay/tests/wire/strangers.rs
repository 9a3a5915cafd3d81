//! What a stranger gets to see: a connection without credential or ticket, also one that breaks the rules.

use crate::support::*;
use fieldlink_protocol::credential::Credential;
use fieldlink_protocol::messages::agent::RegistrationRefusal;
use fieldlink_protocol::registration::RegistrationKey;
use fieldlink_protocol::support_id::SupportId;
use fieldlink_relay::store::unix_now;
use tokio::io::AsyncReadExt;
use tokio::net::TcpStream;

fn upgrade(path: &str, headers: &str) -> Vec<u8> {
    format!(
        "GET {path} HTTP/1.1\r\nHost: r\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\
         Sec-WebSocket-Protocol: fieldlink.2\r\n{headers}\r\n"
    )
    .into_bytes()
}

fn bearer(token: &str) -> Vec<u8> {
    upgrade("/v1/engineer", &format!("Authorization: Bearer {token}\r\n"))
}

#[tokio::test]
async fn every_bad_credential_gets_the_same_bytes() {
    let relay = TestRelay::start().await;
    let (zoe, gone) = (relay.add_engineer("Zoë"), relay.add_engineer("Gone"));
    FakeEngineer::connect(&relay, &gone).await.expect("known until revoked");
    relay.store().revoke_engineer("Gone", unix_now()).expect("revoked");
    let stranger = Credential::generate(gone.engineer.clone());
    let wrong_secret = Credential::generate(zoe.engineer.clone());
    let expected = relay.raw(&upgrade("/v1/engineer", "")).await;
    let text = String::from_utf8(expected.clone()).expect("text");
    assert!(
        text.starts_with("HTTP/1.1 401 ") && text.contains("fieldlink-refused: credential\r\n"),
        "{text}"
    );
    // The roster is read within a quarter of a second; the others do not wait for that.
    within(async { while FakeEngineer::connect(&relay, &gone).await.is_ok() {} }).await;
    let twice = format!("Authorization: Bearer {0}\r\nAuthorization: Bearer {0}\r\n", *zoe.bearer());
    for request in [
        bearer(&wrong_secret.bearer()),
        bearer(&stranger.bearer()),
        bearer(&gone.bearer()),
        bearer(""),
        bearer("x.y"),
        bearer(&"x".repeat(4_000)),
        upgrade("/v1/engineer", "Authorization: Basic eDp5\r\n"),
        upgrade("/v1/engineer", &twice),
        // The credential comes first, before the version and whether it is a WebSocket at all.
        b"GET /v1/engineer HTTP/1.1\r\nHost: r\r\n\r\n".to_vec(),
    ] {
        let answer = relay.raw(&request).await;
        assert_eq!(String::from_utf8_lossy(&answer), text, "{}", String::from_utf8_lossy(&request));
    }
}

#[tokio::test]
async fn a_stranger_who_claims_ids_does_not_learn_which_are_living() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let (mine, mut living) = (SupportId::random(), FakeAgent::start(&relay).await);
    let key = RegistrationKey::generate();
    // A lease of one's own, for this boot, makes no difference.
    let lease = FakeAgent::register(&relay, &key, mine, None).await.expect("free").lease;
    for lease in [None, Some(lease.as_str())].into_iter().cycle().take(10) {
        let taken = FakeAgent::register(&relay, &key, living.support_id, lease).await;
        assert_eq!(taken.err(), Some(RegistrationRefusal::IdTaken));
    }
    // From now on a living ID and a free one look the same: the answer, and what a second claim does.
    for id in [living.support_id, SupportId::random()] {
        let mut first = FakeAgent::register(&relay, &key, id, None).await.expect("so it seems");
        let second = FakeAgent::register(&relay, &key, id, Some(&lease)).await.expect("so it seems");
        assert_eq!((&*first.lease, &*second.lease), ("", ""));
        assert_eq!(close_reason(&mut first.0).await, "replaced");
    }
    // Nothing has happened to the living one.
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let offer = engineer.request(living.support_id).await;
    assert_eq!(living.pair().await.session, offer.session);
}

#[tokio::test]
async fn who_shares_a_network_with_a_stranger_who_claims_ids_still_starts_and_is_found() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let living = FakeAgent::start(&relay).await;
    for _ in 0..30 {
        let _ = FakeAgent::register(&relay, &RegistrationKey::generate(), living.support_id, None).await;
    }
    let mut starting = FakeAgent::start(&relay).await;
    let mut engineer = FakeEngineer::connect(&relay, &zoe).await.expect("known");
    let offer = engineer.request(starting.support_id).await;
    assert_eq!(starting.pair().await.session, offer.session);
}

#[tokio::test]
async fn another_version_is_told_what_is_spoken_here() {
    let relay = TestRelay::start().await;
    let zoe = relay.add_engineer("Zoë");
    let authorization = format!("Bearer {}", *zoe.bearer());
    for (path, headers) in
        [("/v1/agent", vec![]), ("/v1/engineer", vec![("Authorization", authorization.as_str())])]
    {
        let refused = relay.connect_as("fieldlink.9", path, &headers).await.expect_err("refused");
        assert_eq!((refused.status.as_u16(), refused.code()), (426, "version"));
        assert_eq!(refused.headers["fieldlink-versions"], "fieldlink.2");
        assert!(
            refused.body.contains("fieldlink.2") && refused.body.contains("upgraded"),
            "{}",
            refused.body
        );
        drop(relay.connect_as("fieldlink.9, fieldlink.2", path, &headers).await.expect("ours is offered"));
    }
}

#[tokio::test]
async fn what_is_no_request_gets_a_plain_answer() {
    let relay = TestRelay::start().await;
    let huge = format!("GET / HTTP/1.1\r\nA: {}\r\n\r\n", "x".repeat(9_000));
    let many = format!("GET / HTTP/1.1\r\n{}\r\n", "A: b\r\n".repeat(500));
    for (request, status) in [
        (upgrade("/v1/other", ""), "404"),
        (b"GET / HTTP/1.1\r\nHost: r\r\n\r\n".to_vec(), "404"),
        (b"GET /v1/agent HTTP/1.1\r\nHost: r\r\n\r\n".to_vec(), "400"),
        (b"POST /v1/agent HTTP/1.1\r\nHost: r\r\n\r\n".to_vec(), "400"),
        (huge.into_bytes(), "400"),
        (many.into_bytes(), "400"),
        (b"\xff\xfe\x00\r\n\r\n".to_vec(), "400"),
        (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), "400"),
    ] {
        let answer = relay.raw(&request).await;
        let answer = String::from_utf8(answer).expect("text");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
}

#[tokio::test]
async fn a_peer_that_does_not_finish_its_handshake_is_dropped() {
    let relay =
        TestRelay::start_with(|config| config.limits.handshake = std::time::Duration::from_secs(1)).await;
    // Before TLS, and between TLS and HTTP.
    let mut tcp = within(TcpStream::connect(relay.address)).await.expect("connected");
    let mut rest = Vec::new();
    let _ = within(tcp.read_to_end(&mut rest)).await;
    assert!(rest.is_empty());
    assert!(relay.raw(b"GET /v1/agent HTTP/1.1\r\n").await.is_empty());
}

#[tokio::test]
async fn a_full_relay_says_so() {
    let relay = TestRelay::start_with(|config| config.limits.connections = 1).await;
    let first = FakeAgent::start(&relay).await;
    let refused = relay.connect("/v1/agent", &[]).await.expect_err("refused");
    assert_eq!((refused.status.as_u16(), refused.code()), (503, "full"));
    drop(first);
    within(async { while relay.connect("/v1/agent", &[]).await.is_err() {} }).await;
}

#[tokio::test]
async fn nothing_that_a_stranger_sends_gets_out_of_its_line_in_the_log() {
    use futures_util::SinkExt;
    use tokio_tungstenite::tungstenite::Message;
    use tokio_tungstenite::tungstenite::protocol::{CloseFrame, frame::coding::CloseCode};
    const FOREIGN: &str = "\u{1b}]0;title\u{7}\u{202e}txt\nNov 28 relay: permitted";
    let (relay, process) = TestRelay::start_process("").await;
    let escaped = FOREIGN.replace('\n', "\\n").replace('\u{1b}', "\\u001b").replace('\u{7}', "\\u0007");
    for text in [
        format!(r#"{{"type":"{escaped}"}}"#),
        format!(r#"{{"type":"ended","{escaped}":1}}"#),
        format!(r#"{{"type":"register","claim":{{"for":"{escaped}"}}}}"#),
        FOREIGN.to_owned(),
    ] {
        let mut agent = NewAgent::connect(&relay).await;
        within(agent.control.0.send(Message::text(text))).await.expect("sent");
        assert_eq!(close_reason(&mut agent.control.0).await, "malformed");
    }
    let mut agent = NewAgent::connect(&relay).await;
    let frame = CloseFrame { code: CloseCode::Normal, reason: FOREIGN.into() };
    within(agent.control.0.close(Some(frame))).await.expect("sent");
    relay.raw(&upgrade(&format!("/{FOREIGN}"), &format!("X: {FOREIGN}\r\n"))).await;
    let log = process.log_with("the peer closed the connection").await;
    assert!(log.contains("could not read a control message"), "{log}");
    for line in log.lines() {
        assert!(!line.chars().any(|c| c.is_control() || c == '\u{202e}'), "{line:?}");
        assert!(!line.starts_with("Nov 28"), "{line:?}");
    }
}
