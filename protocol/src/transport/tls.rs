//! The client side of TLS: version 1.3, one set of roots, no exceptions.

use std::path::Path;
use std::sync::Arc;

use rustls::{
    ClientConfig, RootCertStore, pki_types::CertificateDer, pki_types::pem::PemObject, version::TLS13,
};

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

/// A configuration that trusts `ca_file` alone, or, without one, the system's store.
pub fn client_config(ca_file: Option<&Path>) -> Result<Arc<ClientConfig>, TlsError> {
    let roots = match ca_file {
        Some(path) => roots_from_file(path)?,
        None => system_roots()?,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])?
        .with_root_certificates(roots)
        .with_no_client_auth();
    Ok(Arc::new(config))
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
