//! The relay, and the addresses at which it was tried in vain.

use std::fmt::Write;
use std::net::{IpAddr, SocketAddr};

use fieldlink_protocol::text;

use super::route::Route;
use crate::RelayAddress;
use crate::hello::Hello;

/// Addresses that are named, and how long what is said of each may be, in characters.
const NAMED: usize = 6;
const PROBLEM: usize = 100;

/// The relay that an error is about, and where it was tried. Shows the relay; [`Destination::tried`] shows the rest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Destination {
    relay: RelayAddress,
    tried: Vec<Tried>,
}

/// One address, and what was wrong there.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Tried {
    address: SocketAddr,
    hello: Hello,
    problem: String,
}

impl From<RelayAddress> for Destination {
    fn from(relay: RelayAddress) -> Self {
        Self { relay, tried: Vec::new() }
    }
}

impl Destination {
    /// The relay.
    pub fn relay(&self) -> &RelayAddress {
        &self.relay
    }

    /// Adds a way that was tried. What is the same with either hello is kept once.
    pub(super) fn add(&mut self, route: Route, problem: &str) {
        let Route { address, hello } = route;
        let problem = text::clean(problem, PROBLEM);
        let is_known = self.tried.iter().any(|tried| (tried.address, &tried.problem) == (address, &problem));
        if !is_known {
            self.tried.push(Tried { address, hello, problem });
        }
    }

    /// Every address and its problem, in brackets, with a space before. Of a single one only the address, because
    /// the error itself says the problem; nothing if that stands in the relay's URL.
    pub fn tried(&self) -> String {
        match &self.tried[..] {
            [] => String::new(),
            [tried] if self.relay.host().parse() == Ok(tried.address.ip()) => String::new(),
            [tried] => format!(" [{}]", tried.address.ip()),
            _ => self.all(),
        }
    }

    /// Every address and its problem, in brackets, with a space before.
    pub(super) fn all(&self) -> String {
        format!(" [{}]", self.list())
    }

    /// The list of more than one.
    pub(super) fn several(&self) -> Option<String> {
        (self.tried.len() > 1).then(|| self.tried())
    }

    fn list(&self) -> String {
        let mut list = String::new();
        for (number, tried) in self.tried.iter().take(NAMED).enumerate() {
            let between = if number == 0 { "" } else { "; " };
            let hello = if tried.hello == Hello::Classical { " (small hello)" } else { "" };
            // Writing to a string does not fail.
            let _ = write!(list, "{between}{}{hello}: {}", shown(tried.address.ip()), tried.problem);
        }
        if let Some(more @ 1..) = self.tried.len().checked_sub(NAMED) {
            let _ = write!(list, "; and {more} more");
        }
        list
    }
}

fn shown(address: IpAddr) -> String {
    if address.is_ipv6() { format!("[{address}]") } else { address.to_string() }
}

impl std::fmt::Display for Destination {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}", self.relay)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(address: &str) -> Route {
        Route { address: address.parse().expect("an address"), hello: Hello::Hybrid }
    }

    #[test]
    fn names_every_address_once_and_not_too_many() {
        let relay: RelayAddress = "wss://relay.example.com".parse().expect("an address");
        let mut destination = Destination::from(relay);
        assert_eq!(destination.tried(), "");
        destination.add(at("[2001:db8::1]:443"), "no answer");
        assert_eq!(destination.tried(), " [2001:db8::1]");
        let classical = Route { hello: Hello::Classical, ..at("[2001:db8::1]:443") };
        destination.add(classical, "no answer");
        destination.add(classical, "cut\u{1b}[2J");
        destination.add(at("192.0.2.1:443"), "connection refused");
        assert_eq!(
            destination.tried(),
            " [[2001:db8::1]: no answer; [2001:db8::1] (small hello): cut\u{fffd}[2J; 192.0.2.1: connection \
             refused]"
        );
        for number in 2..20 {
            destination.add(at(&format!("192.0.2.{number}:443")), &"x".repeat(1_000));
        }
        assert!(destination.tried().ends_with("; and 15 more]") && destination.tried().len() < 800);
    }

    #[test]
    fn an_address_that_stands_in_the_url_is_not_repeated() {
        let relay: RelayAddress = "wss://192.0.2.1:8443".parse().expect("an address");
        let mut destination = Destination::from(relay);
        destination.add(at("192.0.2.1:8443"), "connection refused");
        assert_eq!(destination.tried(), "");
    }
}
