//! The two kinds of ClientHello.

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
