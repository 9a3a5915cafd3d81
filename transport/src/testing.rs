//! Servers with certificates, for tests that dial.

use std::sync::Arc;

use fieldlink_protocol::SUBPROTOCOL;
use rcgen::{CertificateParams, CertifiedIssuer, KeyPair};
use rustls::ServerConfig;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

/// TLS 1.3 alone.
pub(crate) const NEW: &[&rustls::SupportedProtocolVersion] = &[&rustls::version::TLS13];

/// Agrees to speak our version.
#[expect(clippy::result_large_err, reason = "the library's own type")]
pub(crate) fn agree(_: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let protocol = SUBPROTOCOL.parse().expect("a header");
    response.headers_mut().insert("Sec-WebSocket-Protocol", protocol);
    Ok(response)
}

/// Who signs certificates.
pub(crate) fn authority(name: &str) -> Authority {
    let mut parameters = CertificateParams::new(Vec::new()).expect("no names");
    parameters.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    parameters.distinguished_name.push(rcgen::DnType::CommonName, name);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().expect("a key")).expect("a root")
}

/// A server whose certificate is for `relay.invalid` and 127.0.0.1.
pub(crate) fn server(
    issuer: &Authority,
    versions: &[&'static rustls::SupportedProtocolVersion],
) -> Arc<ServerConfig> {
    let key = KeyPair::generate().expect("a key");
    let parameters =
        CertificateParams::new(["relay.invalid", "127.0.0.1"].map(str::to_owned)).expect("a name");
    let certificate = parameters.signed_by(&key, issuer).expect("a certificate").der().clone();
    let chain: Vec<CertificateDer<'static>> = vec![certificate, issuer.der().clone()];
    let key = PrivateKeyDer::try_from(key.serialize_der()).expect("a key");
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ServerConfig::builder_with_provider(provider).with_protocol_versions(versions);
    let config = config.expect("versions").with_no_client_auth().with_single_cert(chain, key);
    Arc::new(config.expect("they fit"))
}
