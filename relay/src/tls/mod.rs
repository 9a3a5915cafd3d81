//! The relay's side of TLS: version 1.3 and nothing older.
//!
//! Its own certificate is judged before anything listens (`chain.rs`), as the clients will judge it:
//! what is wrong with it is the operator's to hear, not the customer's on the phone. That alone keeps no relay from
//! starting: another server may stand in front of it, with another certificate.

mod chain;
mod early;
mod files;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::server::{ResolvesServerCert, ServerSessionMemoryCache};
use rustls::sign::CertifiedKey;
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, ServerConfig};
use tokio_rustls::TlsConnector;
use x509_parser::prelude::{FromDer, X509Certificate};

use crate::config::Config;
use crate::http::MAX_HEAD;

pub(crate) use chain::{Finding, Judgement, Weight};
pub(crate) use early::{Early, Opened, open};

/// Sessions that clients may resume, in this process. Those that are over this are forgotten: that costs their clients
/// a whole handshake. About 400 bytes each.
const RESUMABLE: usize = 4_096;
/// Tickets that a connection gets, if its client asks for any (RFC 9149).
const TICKETS: usize = 2;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error("could not use the {what} {}: {problem}", .file.display())]
    Pem {
        /// `certificate`, `private key`, or the setting that names it.
        what: &'static str,
        /// The file.
        file: PathBuf,
        /// What is wrong with it.
        problem: String,
    },
    /// Certificate and key do not go together.
    #[error("could not use the certificate {} with the private key {}: {problem}", .certificate.display(), .private_key.display())]
    Pair {
        /// The certificate's file.
        certificate: PathBuf,
        /// The key's file.
        private_key: PathBuf,
        /// What is wrong.
        problem: String,
    },
}

/// What the operator knows about the clients.
#[derive(Debug, Clone, Default)]
pub(crate) struct Expected {
    /// The name by which they dial the relay.
    pub name: Option<String>,
    /// The roots that they are configured with, instead of their systems'.
    pub ca_file: Option<PathBuf>,
}

/// How the relay comes by its private key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Key {
    /// From a file that this account alone may read, or from the service manager.
    Own,
    /// The service manager will hand it over when it starts the relay; others may be able to read the file.
    HandedOver,
}

/// What TLS handshakes need, from the files that `config` names. What is found about them goes to the log.
pub(crate) fn server_config(config: &Config) -> Result<Arc<ServerConfig>, TlsError> {
    let expected = Expected { name: config.public_name.clone(), ca_file: None };
    let (tls, judgement) = examine(config, &expected, Key::Own)?;
    tracing::info!(names = judgement.names.join(", "), until = judgement.until, "certificate");
    for Finding { weight, text } in &judgement.findings {
        match weight {
            Weight::Notice => tracing::info!("certificate: {text}"),
            Weight::Warning | Weight::Unclear | Weight::Doubt => tracing::warn!("certificate: {text}"),
            Weight::Useless => tracing::error!("certificate: no client accepts it: {text}"),
        }
    }
    Ok(tls)
}

/// The same, with what was found about the certificate.
pub(crate) fn examine(
    config: &Config,
    expected: &Expected,
    key: Key,
) -> Result<(Arc<ServerConfig>, Judgement), TlsError> {
    let certificates = files::read_chain("certificate", &config.certificate)?;
    let key = files::read_key(&config.private_key, key)?;
    let certified = certified(config, certificates.clone(), key)?;
    let roots = roots("ca_file", expected.ca_file.as_deref())?;
    let roots = match expected.ca_file {
        Some(_) => chain::Roots::Named(roots),
        None => chain::Roots::Systems(roots),
    };
    let judgement = chain::judge(&certificates, expected.name.as_deref(), &roots, UnixTime::now());
    let judgement =
        judgement.map_err(|problem| files::pem_error("certificate", &config.certificate, problem))?;
    Ok((Arc::new(handshakes(certified)), judgement))
}

fn handshakes(certified: CertifiedKey) -> ServerConfig {
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ServerConfig::builder_with_provider(provider).with_protocol_versions(&[&TLS13]);
    let builder = builder.expect("the provider has TLS 1.3").with_no_client_auth();
    let mut tls = builder.with_cert_resolver(Arc::new(Always(Arc::new(certified))));
    // Only for those who ask for them, which are the sides of pipes: every ticket costs memory and a write.
    tls.send_tls13_tickets = 0;
    tls.max_tls13_tickets = TICKETS;
    tls.session_storage = ServerSessionMemoryCache::new(RESUMABLE);
    tls.max_early_data_size = MAX_HEAD as u32;
    // The answer to a head that came early.
    tls.send_half_rtt_data = true;
    tls
}

/// The one certificate, whatever name is asked for: the client judges.
#[derive(Debug)]
struct Always(Arc<CertifiedKey>);

impl ResolvesServerCert for Always {
    fn resolve(&self, _: rustls::server::ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(self.0.clone())
    }
}

/// Puts chain and key together, if the key is that of the first certificate.
fn certified(
    config: &Config,
    chain: Vec<CertificateDer<'static>>,
    key: PrivateKeyDer<'static>,
) -> Result<CertifiedKey, TlsError> {
    let error = |problem: String| TlsError::Pair {
        certificate: config.certificate.clone(),
        private_key: config.private_key.clone(),
        problem,
    };
    let key = rustls::crypto::aws_lc_rs::sign::any_supported_type(&key).map_err(|problem| {
        error(format!(
            "clients do not know this kind of key ({problem}): use ECDSA P-256 or RSA of 2048 bits"
        ))
    })?;
    let public = key.public_key();
    let fits = |certificate: &CertificateDer<'static>| {
        let parsed = X509Certificate::from_der(certificate);
        parsed.is_ok_and(|(_, parsed)| {
            public.as_ref().is_some_and(|key| key.as_ref() == parsed.public_key().raw)
        })
    };
    match chain.iter().position(fits) {
        Some(0) => Ok(CertifiedKey::new(chain, key)),
        Some(place) => Err(error(format!(
            "the relay's own certificate, the one with this key, is number {} in the file: put it first, then \
             what signed it, and so on",
            place + 1
        ))),
        None => Err(error(
            "the key belongs to none of the certificates in the file: they are of two different requests"
                .into(),
        )),
    }
}

/// What dials a server whose certificate `ca_file`, which is the setting `what`, vouches for; without one, this computer.
pub(crate) fn connector(what: &'static str, ca_file: Option<&Path>) -> Result<TlsConnector, TlsError> {
    let roots = roots(what, ca_file)?;
    if roots.is_empty() {
        tracing::error!("this computer trusts no authority for certificates: name one with {what}");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    let builder = builder.expect("the provider has TLS 1.2 and 1.3").with_root_certificates(roots);
    Ok(TlsConnector::from(Arc::new(builder.with_no_client_auth())))
}

/// The certificates in `ca_file`, which is called `what`; without one, those that this computer trusts.
fn roots(what: &'static str, ca_file: Option<&Path>) -> Result<RootCertStore, TlsError> {
    let mut roots = RootCertStore::empty();
    let Some(file) = ca_file else {
        // A computer without any is one on which that cannot be found out.
        roots.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
        return Ok(roots);
    };
    for certificate in files::read_chain(what, file)? {
        roots.add(certificate).map_err(|problem| files::pem_error(what, file, problem.to_string()))?;
    }
    Ok(roots)
}
