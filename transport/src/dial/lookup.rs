//! From a name to addresses. The families are asked for separately: the system's resolver gives both only
//! once both are answered, and there are name servers that never answer for one of them.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use dns_lookup::{AddrFamily, AddrInfoHints, SockType, getaddrinfo};
use futures_util::FutureExt;
use futures_util::future::{BoxFuture, Shared};
use tokio::time::Instant;

use super::race::ADDRESSES;
use super::route::Family;

type Lookup = Shared<BoxFuture<'static, Arc<[SocketAddr]>>>;

/// A look-up that was begun longer ago is not joined: what it finds is old.
const FRESH: Duration = Duration::from_secs(30);

/// Looks up one name, once at a time: a look-up without an answer blocks a thread for half a minute, and cannot be
/// cancelled.
#[derive(Default)]
pub(super) struct Lookups {
    running: Mutex<[Option<(Instant, Lookup)>; 2]>,
}

impl Lookups {
    /// The addresses of `host` in `family`; none if it has none or the look-up fails.
    pub(super) fn look_up(&self, host: &str, port: u16, family: Family) -> Lookup {
        let mut running = self.running.lock().unwrap_or_else(PoisonError::into_inner);
        let slot = &mut running[usize::from(family == Family::V6)];
        let joined = slot.take().filter(|(since, lookup)| since.elapsed() < FRESH && lookup.peek().is_none());
        let lookup = joined.unwrap_or_else(|| (Instant::now(), start(host.to_owned(), port, family)));
        slot.insert(lookup).1.clone()
    }

    /// The network is another one: what its name servers would have said does not count.
    pub(super) fn forget(&self) {
        *self.running.lock().unwrap_or_else(PoisonError::into_inner) = [None, None];
    }
}

fn start(host: String, port: u16, family: Family) -> Lookup {
    async move {
        let found = match host.parse::<IpAddr>() {
            Ok(address) => vec![SocketAddr::new(address, port)],
            Err(_) => {
                let (found, asked) = tokio::sync::oneshot::channel();
                // A thread of its own: callers on several runtimes wait for it, and any of those may end first.
                let asking = std::thread::Builder::new().name("name look-up".into());
                match asking.spawn(move || found.send(ask(&host, port, family))) {
                    Ok(_) => asked.await.unwrap_or_default(),
                    Err(_) => Vec::new(),
                }
            }
        };
        found.into_iter().filter(|address| Family::of(*address) == family).collect()
    }
    .boxed()
    .shared()
}

fn ask(host: &str, port: u16, family: Family) -> Vec<SocketAddr> {
    let family = match family {
        Family::V4 => AddrFamily::Inet,
        Family::V6 => AddrFamily::Inet6,
    };
    let hints =
        AddrInfoHints { flags: 0, address: family.into(), socktype: SockType::Stream.into(), protocol: 0 };
    let Ok(found) = getaddrinfo(Some(host), None, Some(hints)) else { return Vec::new() };
    found
        .flatten()
        .take(ADDRESSES)
        .map(|info| {
            let mut address = info.sockaddr;
            address.set_port(port);
            address
        })
        .collect()
}
