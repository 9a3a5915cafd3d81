//! The client side of TLS: version 1.3, one set of roots, no exceptions.

mod certificate;
mod distinguished_name;
mod examiner;

use std::path::Path;
use std::sync::Arc;

use rustls::client::{Resumption, TicketRequest};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::{
    CipherSuite, ClientConfig, NamedGroup, RootCertStore, SupportedCipherSuite, SupportedProtocolVersion,
    pki_types::CertificateDer, pki_types::pem::PemObject, version::TLS12, version::TLS13,
};

pub use certificate::{CertificateOwner, CertificateProblem};
pub use distinguished_name::read_distinguished_name;

use self::examiner::Examiner;
use crate::hello::Hello;
use crate::purpose::Purpose;

/// Sessions with the relay that can be taken up again: each ticket is good once (RFC 8446, appendix C.4).
const TICKETS: usize = 8;
/// Tickets that a pipe's connection asks for (RFC 9149): the one that it has used, and one for when its flight is lost.
const TICKETS_ASKED: u8 = 2;

/// Why there are no roots to trust.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// The named file cannot be read or holds no certificate.
    #[error("could not read certificates from {path}: {problem}")]
    CaFile {
        /// The file.
        path: String,
        /// What is wrong with it.
        problem: String,
    },
    /// The system has no certificates, so nothing could be verified.
    #[error("could not find the system's certificates: install ca-certificates, or name a ca_file")]
    NoSystemRoots,
    /// The TLS library refuses its configuration.
    #[error("could not set up TLS: {0}")]
    Setup(#[from] rustls::Error),
}

/// How the relay's TLS is spoken and checked. The kinds differ in what they offer, never in what they check.
#[derive(Clone)]
pub struct TlsClient {
    hybrid: Greetings,
    classical: Greetings,
    outdated: Arc<ClientConfig>,
}

/// One kind of ClientHello, for every use.
#[derive(Clone)]
struct Greetings {
    control: Arc<ClientConfig>,
    pipe: Arc<ClientConfig>,
    pipe_again: Arc<ClientConfig>,
}

/// A client that trusts `ca_file` alone, or, without one, the system's store.
pub fn client_config(ca_file: Option<&Path>) -> Result<TlsClient, TlsError> {
    let roots = match ca_file {
        Some(path) => roots_from_file(path)?,
        None => system_roots()?,
    };
    TlsClient::trusting(roots, ca_file.is_some())
}

impl TlsClient {
    /// A client that trusts `roots`, which `is_private` says are an operator's own rather than the public's.
    pub(super) fn trusting(roots: RootCertStore, is_private: bool) -> Result<Self, TlsError> {
        let provider = Arc::new(quickest(aws_lc_rs::default_provider()));
        let examiner = Arc::new(Examiner::new(Arc::new(roots), is_private, &provider)?);
        let config = |provider: &Arc<CryptoProvider>, versions: &[&'static SupportedProtocolVersion]| {
            let config = ClientConfig::builder_with_provider(provider.clone())
                .with_protocol_versions(versions)?
                // Not to trust more: it refuses what the library's own does, with better reasons.
                .dangerous()
                .with_custom_certificate_verifier(examiner.clone())
                .with_no_client_auth();
            Ok::<_, rustls::Error>(config)
        };
        let tickets = Resumption::in_memory_sessions(TICKETS);
        let hybrid = config(&provider, &[&TLS13])?;
        let mut classical = config(&Arc::new(without_post_quantum(&provider)), &[&TLS13])?;
        // Tickets are good for both: to the library, who has other client certificates is somebody else.
        classical.client_auth_cert_resolver = hybrid.client_auth_cert_resolver.clone();
        Ok(Self {
            hybrid: Greetings::new(hybrid, &tickets),
            classical: Greetings::new(classical, &tickets),
            outdated: Arc::new(config(&provider, &[&TLS12])?),
        })
    }

    /// As the relay is dialled first.
    pub fn standard(&self) -> Arc<ClientConfig> {
        self.hybrid.control.clone()
    }

    pub(super) fn greeting(&self, hello: Hello, purpose: Purpose) -> Arc<ClientConfig> {
        let greetings = match hello {
            Hello::Hybrid => &self.hybrid,
            Hello::Classical => &self.classical,
        };
        match purpose {
            Purpose::Control => greetings.control.clone(),
            Purpose::Pipe => greetings.pipe.clone(),
            Purpose::PipeAgain => greetings.pipe_again.clone(),
        }
    }

    /// Speaks TLS 1.2: to find out whose a server is that speaks nothing newer, and for nothing else.
    pub(super) fn outdated(&self) -> Arc<ClientConfig> {
        self.outdated.clone()
    }
}

impl Greetings {
    /// Only pipes ask for tickets: an idle connection need not remember any. Only who comes back to a pipe says
    /// something early, with one of them.
    fn new(control: ClientConfig, tickets: &Resumption) -> Self {
        let asked = TicketRequest { new_session_count: TICKETS_ASKED, resumption_count: TICKETS_ASKED };
        let mut pipe = control.clone();
        pipe.resumption = tickets.clone();
        pipe.send_ticket_request = Some(asked);
        let mut pipe_again = pipe.clone();
        pipe_again.enable_early_data = true;
        Self { control: Arc::new(control), pipe: Arc::new(pipe), pipe_again: Arc::new(pipe_again) }
    }
}

/// With AES-128 before AES-256, as browsers have it. The relay takes what we like best, and the SSH inside has AES-128,
/// too: a longer key around it would cost a quarter more and protect nothing better.
fn quickest(mut provider: CryptoProvider) -> CryptoProvider {
    let is_other = |suite: &SupportedCipherSuite| suite.suite() != CipherSuite::TLS13_AES_128_GCM_SHA256;
    provider.cipher_suites.sort_by_key(is_other);
    provider
}

fn without_post_quantum(provider: &CryptoProvider) -> CryptoProvider {
    let is_classical = |group: NamedGroup| {
        matches!(group, NamedGroup::X25519 | NamedGroup::secp256r1 | NamedGroup::secp384r1)
    };
    let kx_groups = provider.kx_groups.iter().copied().filter(|group| is_classical(group.name())).collect();
    CryptoProvider { kx_groups, ..provider.clone() }
}

fn roots_from_file(path: &Path) -> Result<RootCertStore, TlsError> {
    let error = |problem: String| TlsError::CaFile { path: path.display().to_string(), problem };
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_file_iter(path).map_err(|e| error(e.to_string()))? {
        let certificate = certificate.map_err(|e| error(e.to_string()))?;
        roots.add(certificate).map_err(|e| error(e.to_string()))?;
    }
    if roots.is_empty() { Err(error("no certificate in it".into())) } else { Ok(roots) }
}

fn system_roots() -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
    if roots.is_empty() { Err(TlsError::NoSystemRoots) } else { Ok(roots) }
}

#[cfg(test)]
mod tests;
