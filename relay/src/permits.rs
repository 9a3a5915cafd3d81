//! How many connections there may be: of agents and measurements, which show neither credential nor ticket
//! ("strangers"), and of engineers and pipes, which do. Neither kind can take the other's places.
//!
//! # Places
//!
//! Places (`arrivals.rs`, `permits.rs`). A connection is an arrival until its request is read. When there are too
//! many arrivals, the oldest silent or slow one is dropped for a new one, or the oldest of a network that has many
//! more than the new one's. Then the connection takes a place of one of two kinds: agents and measurements, which
//! show nothing; or engineers and pipes, which show a credential or a ticket (an agent comes back to a session that
//! goes on with its ticket in the request, and may register for nothing else then). `memory.rs` adds up what all of
//! them can hold at the worst, from the sizes in `socket.rs`; a test compares that with `MemoryHigh` of the unit,
//! `relay/tests/wire/memory.rs` with a real process. `fault.rs` has the close codes of RFC 6455, `pace.rs` counts
//! messages.

use std::collections::HashMap;
use std::hash::Hash;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use fieldlink_protocol::ids::{EngineerId, SessionId};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::config::Limits;

/// Connections of one session's agent: the one it has, the next, and tries over several addresses
/// or that are dead without the relay's knowing.
const AGENTS_PER_SESSION: usize = 8;

/// The places for connections, and how many of them are taken.
pub(crate) struct Permits {
    /// Without credential or ticket: altogether, and per network.
    strangers: Places<IpAddr>,
    /// With one: altogether, and per engineer.
    sessions: Places<EngineerId>,
    /// Of the latter, those of agents, per session: a peer with one ticket cannot take all of an engineer's.
    agents: Places<SessionId>,
}

/// One connection's permit; given back when it is dropped.
#[derive(Debug)]
pub(crate) struct Permit {
    _place: Place,
}

#[derive(Debug)]
enum Place {
    Stranger {
        _held: Held<IpAddr>,
    },
    Session {
        _held: Held<EngineerId>,
    },
    /// Boxed: there are few, and thousands of the first kind, which would have room for it.
    Agent {
        _held: Box<(Held<EngineerId>, Held<SessionId>)>,
    },
}

impl Permits {
    /// Permits as many as `limits` says.
    pub(crate) fn new(limits: &Limits) -> Self {
        Self {
            strangers: Places::new(limits.connections, limits.connections_per_address),
            sessions: Places::new(limits.session_connections, limits.session_connections_per_engineer),
            agents: Places::new(limits.session_connections, AGENTS_PER_SESSION),
        }
    }

    /// A permit for a connection from `address` without credential or ticket.
    pub(crate) fn stranger(&self, address: IpAddr) -> Option<Permit> {
        let _held = self.strangers.take(network(address))?;
        Some(Permit { _place: Place::Stranger { _held } })
    }

    /// A permit for a connection of this engineer, or of a pipe of one of their sessions.
    pub(crate) fn session(&self, engineer: EngineerId) -> Option<Permit> {
        let _held = self.sessions.take(engineer)?;
        Some(Permit { _place: Place::Session { _held } })
    }

    /// A permit for a connection of the agent of this engineer's `session`.
    pub(crate) fn agent(&self, engineer: EngineerId, session: SessionId) -> Option<Permit> {
        let of_session = self.agents.take(session)?;
        let held = self.sessions.take(engineer)?;
        Some(Permit { _place: Place::Agent { _held: Box::new((held, of_session)) } })
    }
}

/// Places of one kind, of which one key may have a part.
struct Places<K> {
    all: Arc<Semaphore>,
    per_key: usize,
    taken: Arc<Mutex<HashMap<K, usize>>>,
}

#[derive(Debug)]
struct Held<K: Eq + Hash> {
    key: K,
    taken: Arc<Mutex<HashMap<K, usize>>>,
    _one: OwnedSemaphorePermit,
}

impl<K: Eq + Hash + Copy> Places<K> {
    fn new(all: usize, per_key: usize) -> Self {
        Self { all: Arc::new(Semaphore::new(all)), per_key, taken: Arc::default() }
    }

    fn take(&self, key: K) -> Option<Held<K>> {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        let count = taken.get(&key).copied().unwrap_or(0);
        if count >= self.per_key {
            return None;
        }
        let one = self.all.clone().try_acquire_owned().ok()?;
        taken.insert(key, count + 1);
        Some(Held { key, taken: self.taken.clone(), _one: one })
    }
}

impl<K: Eq + Hash> Drop for Held<K> {
    fn drop(&mut self) {
        let mut taken = self.taken.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = taken.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                taken.remove(&self.key);
            }
        }
    }
}

/// The network that counts for `address`: a peer with one IPv6 address has a whole /64 of them.
pub(crate) fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => Ipv6Addr::from_bits(v6.to_bits() & !u128::from(u64::MAX)).into(),
        v4 => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(text: &str) -> IpAddr {
        text.parse().expect("an address")
    }

    fn permits(connections: usize, connections_per_address: usize) -> Permits {
        let (session_connections, session_connections_per_engineer) = (3, 2);
        Permits::new(&Limits {
            connections,
            connections_per_address,
            session_connections,
            session_connections_per_engineer,
            ..Limits::default()
        })
    }

    #[test]
    fn one_address_cannot_take_everything() {
        let permits = permits(3, 2);
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = permits.stranger(here).expect("room");
        let _second = permits.stranger(here).expect("room");
        assert!(permits.stranger(here).is_none());
        let _third = permits.stranger(there).expect("room");
        assert!(permits.stranger(there).is_none(), "nor can two");
        drop(first);
        assert!(permits.stranger(here).is_some());
    }

    #[test]
    fn strangers_and_sessions_do_not_take_each_others_places() {
        let permits = permits(1, 1);
        let (zoe, max) = (EngineerId::random(), EngineerId::random());
        let _stranger = permits.stranger(address("192.0.2.1")).expect("room");
        let held = [zoe, zoe, max].map(|engineer| permits.session(engineer).expect("room"));
        assert!(permits.session(zoe).is_none() && permits.session(max).is_none());
        drop(held);
        assert!(permits.sessions.taken.lock().expect("whole").is_empty(), "nothing is left behind");
        let _held = [zoe, zoe].map(|engineer| permits.session(engineer).expect("room"));
        assert!(permits.session(zoe).is_none(), "one engineer cannot take everything");
        assert!(permits.session(max).is_some());
    }

    #[test]
    fn agents_take_places_of_their_engineer_and_one_session_not_all_of_them() {
        let limits = Limits { session_connections_per_engineer: 20, ..Limits::default() };
        let (permits, zoe, session) = (Permits::new(&limits), EngineerId::random(), SessionId::random());
        let agents: Vec<_> = std::iter::from_fn(|| permits.agent(zoe, session)).take(20).collect();
        assert_eq!(agents.len(), AGENTS_PER_SESSION);
        assert!(permits.agent(zoe, SessionId::random()).is_some(), "another session");
        let rest: Vec<_> = std::iter::from_fn(|| permits.session(zoe)).take(20).collect();
        assert_eq!(rest.len(), 20 - AGENTS_PER_SESSION);
        assert!(permits.agent(zoe, SessionId::random()).is_none(), "nor more than the engineer's");
        drop((agents, rest));
        assert!(permits.agents.taken.lock().expect("whole").is_empty(), "nothing is left behind");
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::2")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
