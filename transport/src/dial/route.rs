//! A way to the relay: an address, and the kind of ClientHello that is sent there.

use std::net::SocketAddr;

/// What a ClientHello offers for the key exchange. Everything else about it is the same: TLS 1.3, the same
/// ciphers, the same check of the certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Hello {
    /// X25519 together with ML-KEM-768, against computers to come. Its key share alone fills a packet, so that
    /// the hello takes two; some middleboxes take that for an attack, or lose the second one.
    Hybrid,
    /// Elliptic curves only: fits into one small packet.
    Classical,
}

impl Hello {
    /// The other kind.
    pub(crate) const fn other(self) -> Self {
        match self {
            Self::Hybrid => Self::Classical,
            Self::Classical => Self::Hybrid,
        }
    }
}

/// IPv4 or IPv6.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) enum Family {
    /// IPv4.
    V4,
    /// IPv6.
    V6,
}

impl Family {
    /// Of an address.
    pub(super) const fn of(address: SocketAddr) -> Self {
        if address.is_ipv4() { Self::V4 } else { Self::V6 }
    }

    /// The other one.
    pub(super) const fn other(self) -> Self {
        match self {
            Self::V4 => Self::V6,
            Self::V6 => Self::V4,
        }
    }
}

/// See the module.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(super) struct Route {
    /// Where: the relay's address, or its proxy's.
    pub(super) address: SocketAddr,
    /// What is sent there.
    pub(super) hello: Hello,
}
