//! How many connections there may be: altogether, and from one address.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};

use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Connections beyond the limit that are at least told so.
const OVERFLOW: usize = 64;

/// Hands out permits.
pub struct Permits {
    connections: Arc<Semaphore>,
    overflow: Arc<Semaphore>,
    per_address: usize,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
}

/// One connection's permit; given back when it is dropped.
#[derive(Debug)]
pub struct Permit {
    /// Whether the connection may stay; otherwise there is just time to refuse it.
    pub may_stay: bool,
    address: IpAddr,
    addresses: Arc<Mutex<HashMap<IpAddr, usize>>>,
    _connection: OwnedSemaphorePermit,
}

impl Permits {
    /// Permits `connections`, and `per_address` of them from one address.
    pub fn new(connections: usize, per_address: usize) -> Self {
        Self {
            connections: Arc::new(Semaphore::new(connections)),
            overflow: Arc::new(Semaphore::new(OVERFLOW)),
            per_address,
            addresses: Arc::default(),
        }
    }

    /// A permit for a connection from `address`; `None` if it cannot even be refused politely.
    pub fn request(&self, address: IpAddr) -> Option<Permit> {
        let address = network(address);
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        let count = addresses.get(&address).copied().unwrap_or(0);
        let regular = match count < self.per_address {
            true => self.connections.clone().try_acquire_owned().ok(),
            false => None,
        };
        let may_stay = regular.is_some();
        let connection = regular.or_else(|| self.overflow.clone().try_acquire_owned().ok())?;
        addresses.insert(address, count + 1);
        Some(Permit { may_stay, address, addresses: self.addresses.clone(), _connection: connection })
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        let mut addresses = self.addresses.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = addresses.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                addresses.remove(&self.address);
            }
        }
    }
}

/// Who has one IPv6 address has a whole /64 of them.
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

    #[test]
    fn one_address_cannot_take_everything() {
        let permits = Permits::new(3, 2);
        let (here, there) = (address("192.0.2.1"), address("192.0.2.2"));
        let first = permits.request(here).expect("room");
        let _second = permits.request(here).expect("room");
        assert!(!permits.request(here).expect("refused politely").may_stay);
        assert!(permits.request(there).expect("room").may_stay);
        drop(first);
        assert!(permits.request(here).expect("room").may_stay);
    }

    #[test]
    fn refusals_are_limited_too_and_nothing_is_left_behind() {
        let permits = Permits::new(1, 100);
        let held: Vec<_> = std::iter::from_fn(|| permits.request(address("192.0.2.1"))).collect();
        assert_eq!(held.len(), 1 + OVERFLOW);
        assert_eq!(held.iter().filter(|permit| permit.may_stay).count(), 1);
        drop(held);
        assert!(permits.addresses.lock().expect("whole").is_empty());
        assert!(permits.request(address("192.0.2.9")).expect("room").may_stay);
    }

    #[test]
    fn addresses_of_one_network_are_one() {
        assert_eq!(network(address("2001:db8::1")), network(address("2001:db8::2")));
        assert_ne!(network(address("2001:db8::1")), network(address("2001:db8:0:1::1")));
        assert_eq!(network(address("::ffff:192.0.2.1")), address("192.0.2.1"));
    }
}
