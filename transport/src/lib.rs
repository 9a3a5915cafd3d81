//! Sockets for the two sides that dial the relay: TLS 1.3, WebSocket, pipes.
//!
//! `wss` only, through an HTTP proxy where one is set; redirects are never followed; there is no way to skip the
//! certificate check.

mod address;
mod backoff;
mod control;
mod dial;
mod hello;
mod interfaces;
mod measure;
mod pipe;
mod proxy;
mod purpose;
mod room;
#[cfg(test)]
mod testing;
mod tls;

pub use address::{ParseRelayAddressError, RelayAddress};
pub use backoff::Backoff;
pub use control::{ControlConnection, ControlError};
pub use dial::{Answer, CertificateDates, Destination, DialError, DialStep, Dialer, StepReport, WebSocket};
pub use interfaces::Interfaces;
pub use measure::{Measurement, MeasurementEnd, measure};
pub use pipe::{
    Attached, AttachedError, OpenPipe, PipeDriver, PipeEnd, PipeLimits, PipeLink, PipeReader, PipeWriter,
};
pub use proxy::{
    NoProxy, ParseProxyError, Proxy, ProxyAddress, ProxyError, ProxyReply, ProxyReplyError, ProxyReplyReader,
    ProxySection, ProxySettingsError,
};
pub use room::when_there_is_room;
pub use tls::{
    CertificateOwner, CertificateProblem, TlsClient, TlsError, client_config, read_distinguished_name,
};

/// What went wrong on a connection that stood, as a sentence part.
fn describe(error: &tokio_tungstenite::tungstenite::Error) -> String {
    use std::io::ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
    use tokio_tungstenite::tungstenite::{Error, error::ProtocolError};
    match error {
        Error::Io(error)
            if [BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof].contains(&error.kind()) =>
        {
            "the connection to the relay was cut".into()
        }
        Error::Protocol(ProtocolError::ResetWithoutClosingHandshake)
        | Error::ConnectionClosed
        | Error::AlreadyClosed => "the connection to the relay was cut".into(),
        other => fieldlink_protocol::text::sentence(&other.to_string()),
    }
}
