//! Sockets for the two sides that dial the relay: TLS 1.3, WebSocket, pipes.
//!
//! `wss` only, through an HTTP proxy where one is set; redirects are never followed; there is no way to skip the certificate check.

mod address;
mod backoff;
mod control;
mod dial;
mod measure;
mod pipe;
mod proxy;
mod tls;

pub use address::{ParseRelayAddressError, RelayAddress};
pub use backoff::Backoff;
pub use control::{ControlConnection, ControlError};
pub use dial::{CertificateDates, DialError, DialStep, Dialer, StepReport, WebSocket};
pub use measure::{Measurement, MeasurementEnd, measure};
pub use pipe::{Attached, AttachedError, PipeDriver, PipeEnd, PipeLimits, PipeLink, PipeReader, PipeWriter};
pub use proxy::{
    NoProxy, ParseProxyError, Proxy, ProxyAddress, ProxyError, ProxyReply, ProxyReplyError, ProxyReplyReader,
    ProxySection, ProxySettingsError,
};
pub use tls::{TlsError, client_config};
