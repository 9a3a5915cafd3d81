//! Which addresses are this computer's own, at the moment of asking.

use std::io;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

/// The addresses of every interface.
#[derive(Debug, Clone)]
pub struct OwnAddresses(Vec<SocketAddr>);

impl OwnAddresses {
    /// Asks the kernel for them (`getifaddrs(3)`).
    pub fn now() -> io::Result<Self> {
        let addresses = getifaddrs()?.filter_map(|interface| socket_address(&interface.address?));
        Ok(Self(addresses.collect()))
    }

    /// The address to connect to so that `wanted` is reached and nothing but this computer can be; none if it belongs
    /// to another computer. No address at all (`0.0.0.0`, `::`) means this computer, as it does for the kernel. An
    /// address of one link (`fe80::`) needs no zone: it has that of the interface that it belongs to.
    pub fn own(&self, wanted: SocketAddr) -> Option<SocketAddr> {
        let port = wanted.port();
        let at = |ip: IpAddr| Some(SocketAddr::new(ip, port));
        match wanted.ip().to_canonical() {
            IpAddr::V4(ip) if ip.is_unspecified() => at(Ipv4Addr::LOCALHOST.into()),
            IpAddr::V6(ip) if ip.is_unspecified() => at(Ipv6Addr::LOCALHOST.into()),
            ip if ip.is_loopback() => at(ip),
            ip => {
                let own = self.0.iter().find(|own| own.ip() == ip && is_same_link(own, &wanted));
                own.map(|own| {
                    let mut own = *own;
                    own.set_port(port);
                    own
                })
            }
        }
    }
}

/// Whether the zones agree, if both say one.
fn is_same_link(own: &SocketAddr, wanted: &SocketAddr) -> bool {
    match (own, wanted) {
        (SocketAddr::V6(own), SocketAddr::V6(wanted)) => {
            wanted.scope_id() == 0 || own.scope_id() == wanted.scope_id()
        }
        _ => true,
    }
}

/// An internet address as the standard library has it.
pub fn socket_address(address: &SockaddrStorage) -> Option<SocketAddr> {
    let four = address.as_sockaddr_in().map(|four| SocketAddr::V4((*four).into()));
    four.or_else(|| address.as_sockaddr_in6().map(|six| SocketAddr::V6((*six).into())))
}

#[cfg(test)]
mod tests {
    use std::net::{SocketAddrV6, ToSocketAddrs};

    use super::*;

    fn link_local(scope: u32) -> SocketAddr {
        SocketAddr::V6(SocketAddrV6::new("fe80::1".parse().expect("an address"), 0, 0, scope))
    }

    fn own() -> OwnAddresses {
        let plain = |text: &str| SocketAddr::new(text.parse().expect("an address"), 0);
        OwnAddresses(vec![plain("127.0.0.1"), plain("192.0.2.7"), plain("2001:db8::7"), link_local(3)])
    }

    /// What `text` resolves to (numbers only: nothing is asked), and of that what is our own.
    fn reached(text: &str) -> Vec<SocketAddr> {
        let resolved = (text, 80).to_socket_addrs().unwrap_or_else(|error| panic!("{text}: {error}"));
        resolved.filter_map(|address| own().own(address)).collect()
    }

    #[test]
    fn every_spelling_of_this_computer_reaches_it() {
        for (text, expected) in [
            ("0.0.0.0", "127.0.0.1:80"),
            ("0", "127.0.0.1:80"),
            ("::", "[::1]:80"),
            ("::ffff:0.0.0.0", "127.0.0.1:80"),
            ("127.1", "127.0.0.1:80"),
            ("0x7f000001", "127.0.0.1:80"),
            ("2130706433", "127.0.0.1:80"),
            ("017700000001", "127.0.0.1:80"),
            ("127.8.9.1", "127.8.9.1:80"),
            ("::ffff:127.0.0.1", "127.0.0.1:80"),
            ("::1", "[::1]:80"),
            ("192.0.2.7", "192.0.2.7:80"),
            ("::ffff:192.0.2.7", "192.0.2.7:80"),
            ("3221225991", "192.0.2.7:80"),
            ("2001:db8::7", "[2001:db8::7]:80"),
        ] {
            assert_eq!(reached(text), [expected.parse().expect("an address")], "{text}");
        }
    }

    #[test]
    fn no_other_address_is_taken_for_it() {
        for text in
            ["192.0.2.8", "2001:db8::8", "255.255.255.255", "224.0.0.1", "::ffff:192.0.2.8", "3221225992"]
        {
            assert_eq!(reached(text), [], "{text}");
        }
    }

    #[test]
    fn an_address_of_a_link_belongs_to_that_link() {
        let with_port = |mut address: SocketAddr| {
            address.set_port(80);
            address
        };
        assert_eq!(own().own(with_port(link_local(3))), Some(with_port(link_local(3))));
        assert_eq!(own().own(with_port(link_local(0))), Some(with_port(link_local(3))));
        assert_eq!(own().own(with_port(link_local(4))), None);
    }

    #[test]
    fn the_kernel_names_at_least_the_loopback() {
        let now = OwnAddresses::now().expect("interfaces");
        assert!(now.0.iter().any(|address| address.ip().is_loopback()), "{now:?}");
    }
}
