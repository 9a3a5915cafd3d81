//! HTTP proxies between here and the relay: the `CONNECT` method, with or without a password.
//!
//! The proxy sees the relay's name and port, and then TLS. It resolves the name; nothing here does.

mod address;
mod error;
mod no_proxy;
mod reply;
mod section;
mod tunnel;

#[cfg(test)]
mod tests;

pub use address::{ParseProxyError, Proxy, ProxyAddress};
pub use error::ProxyError;
pub use no_proxy::NoProxy;
pub use reply::{ProxyReply, ProxyReplyError, ProxyReplyReader};
pub use section::{ProxySection, ProxySettingsError};

pub(super) use tunnel::open;
