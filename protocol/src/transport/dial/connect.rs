//! From a name to a TCP connection.

use std::net::SocketAddr;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::task::JoinSet;

/// Addresses of one name that are tried.
const ADDRESSES: usize = 8;
/// Between the beginnings of two tries.
const STAGGER: Duration = Duration::from_millis(250);

/// The addresses of `host`; never an empty list.
pub(super) async fn resolve(host: &str, port: u16) -> Option<Vec<SocketAddr>> {
    let addresses: Vec<_> = tokio::net::lookup_host((host, port)).await.ok()?.take(ADDRESSES).collect();
    (!addresses.is_empty()).then_some(addresses)
}

/// The addresses as a person reads them.
pub(super) fn list(addresses: &[SocketAddr]) -> String {
    addresses.iter().map(|address| address.ip().to_string()).collect::<Vec<_>>().join(", ")
}

/// Tries all `addresses`, the next one a quarter of a second later (a plain form of RFC 8305), because
/// a broken IPv6 must not cost the whole time-out.
pub(super) async fn connect(addresses: &[SocketAddr]) -> Result<TcpStream, String> {
    let mut attempts = JoinSet::new();
    for (index, &address) in (0u32..).zip(addresses) {
        attempts.spawn(async move {
            tokio::time::sleep(STAGGER * index).await;
            TcpStream::connect(address).await
        });
    }
    let mut problem = "it has no address".to_owned();
    while let Some(attempt) = attempts.join_next().await {
        match attempt {
            Ok(Ok(stream)) => {
                // Keystrokes are small; waiting to fill a segment would cost 40 ms each.
                let _ = stream.set_nodelay(true);
                return Ok(stream);
            }
            Ok(Err(error)) => problem = error.to_string(),
            Err(error) => problem = error.to_string(),
        }
    }
    Err(problem)
}

/// Whom a stream leads to, as a person reads it.
pub(super) fn peer(stream: &TcpStream) -> String {
    stream.peer_addr().map_or_else(|error| error.to_string(), |address| address.to_string())
}
