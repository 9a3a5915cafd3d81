//! Forwards to TCP ports and Unix sockets.

use std::path::Path;

use fieldlink_session::wire::{ConnectTarget, FailReason};
use fieldlink_ssh::session_process::{ForwardStream, SessionError};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, UnixListener};

use super::Session;

fn tcp(host: &str, port: u16) -> ConnectTarget {
    ConnectTarget::Tcp { host: host.to_owned(), port }
}

fn unix(path: &Path) -> ConnectTarget {
    ConnectTarget::Unix { path: path.to_str().expect("path").to_owned() }
}

async fn refusal(session: &Session, target: ConnectTarget) -> FailReason {
    match session.client.connect(target).await {
        Err(SessionError::Refused { reason, message }) => {
            assert!(message.starts_with("could not connect: "), "{message}");
            reason
        }
        other => panic!("not refused: {other:?}"),
    }
}

async fn echoes(mut near: ForwardStream, mut far: impl AsyncReadExt + AsyncWriteExt + Unpin) {
    near.write_all(b"to the device").await.expect("write");
    let mut heard = [0; 13];
    far.read_exact(&mut heard).await.expect("read");
    far.write_all(&heard).await.expect("write back");
    drop(far);
    let mut back = String::new();
    near.read_to_string(&mut back).await.expect("read back");
    assert_eq!(back, "to the device");
}

#[tokio::test]
async fn a_tcp_port_is_connected() {
    let session = Session::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    for host in ["127.0.0.1", "localhost"] {
        let stream = session.client.connect(tcp(host, port)).await.expect("connect");
        let ForwardStream::Tcp(inner) = &stream else {
            panic!("no tcp stream");
        };
        assert!(inner.nodelay().expect("nodelay"));
        let (far, _) = listener.accept().await.expect("accept");
        echoes(stream, far).await;
    }
    session.end_orderly().await;
}

#[tokio::test]
async fn a_closed_tcp_port_refuses() {
    let session = Session::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    drop(listener);
    assert_eq!(refusal(&session, tcp("127.0.0.1", port)).await, FailReason::Refused);
    session.end_orderly().await;
}

#[tokio::test]
async fn a_unix_socket_is_connected() {
    let session = Session::start().await;
    let directory = tempfile::tempdir().expect("directory");
    let path = directory.path().join("socket");
    let listener = UnixListener::bind(&path).expect("listen");
    let stream = session.client.connect(unix(&path)).await.expect("connect");
    let (far, _) = listener.accept().await.expect("accept");
    echoes(stream, far).await;
    drop(listener);
    assert_eq!(refusal(&session, unix(&path)).await, FailReason::Refused);
    let missing = directory.path().join("missing");
    assert_eq!(refusal(&session, unix(&missing)).await, FailReason::NotFound);
    let long = directory.path().join("x".repeat(200));
    assert_eq!(refusal(&session, unix(&long)).await, FailReason::Other);
    session.end_orderly().await;
}

#[tokio::test]
async fn forwards_run_side_by_side() {
    let session = Session::start().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("listen");
    let port = listener.local_addr().expect("address").port();
    let connects = (0..20).map(|_| {
        let client = session.client.clone();
        tokio::spawn(async move { client.connect(tcp("127.0.0.1", port)).await })
    });
    for connect in connects.collect::<Vec<_>>() {
        connect.await.expect("task").expect("connect");
    }
    session.end_orderly().await;
}
