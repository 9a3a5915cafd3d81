//! The relay's side of TLS: version 1.3 and nothing older.

use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::version::TLS13;

use crate::config::Config;

/// Why there is no TLS.
#[derive(Debug, thiserror::Error)]
pub enum TlsError {
    /// A PEM file cannot be used.
    #[error("could not use the {what} {}: {problem}", .file.display())]
    Pem {
        /// Certificate or key.
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
        /// What the TLS library says.
        problem: rustls::Error,
    },
}

/// What TLS handshakes need, from the files that `config` names.
pub fn server_config(config: &Config) -> Result<Arc<ServerConfig>, TlsError> {
    let chain = read_chain(&config.certificate)?;
    let key_file = credential(&config.private_key).unwrap_or_else(|| config.private_key.clone());
    check_is_private(&key_file)?;
    let key = PrivateKeyDer::from_pem_file(&key_file)
        .map_err(|problem| pem_error("private key", &key_file, problem.to_string()))?;
    let pair_error = |problem| TlsError::Pair {
        certificate: config.certificate.clone(),
        private_key: config.private_key.clone(),
        problem,
    };
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut tls = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(&[&TLS13])
        .and_then(|builder| builder.with_no_client_auth().with_single_cert(chain, key))
        .map_err(pair_error)?;
    // Nobody resumes here; every ticket would cost each connection memory and a write.
    tls.send_tls13_tickets = 0;
    tls.session_storage = Arc::new(rustls::server::NoServerSessionStorage {});
    tls.max_early_data_size = 0;
    Ok(Arc::new(tls))
}

/// A key that every account can read is nobody's secret. Its group may: that is the operator's to decide.
fn check_is_private(key: &Path) -> Result<(), TlsError> {
    let metadata = key.metadata().map_err(|problem| pem_error("private key", key, problem.to_string()))?;
    if metadata.mode() & 0o007 == 0 {
        return Ok(());
    }
    let problem = format!("every account on this computer may use it; run: chmod 600 {}", key.display());
    Err(pem_error("private key", key, problem))
}

/// What the service manager has handed over under the name of `file` (systemd's `LoadCredential=`): the
/// service itself may not read the file.
fn credential(file: &Path) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    Some(directory.join(file.file_name()?)).filter(|found| found.exists())
}

fn read_chain(file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |problem: String| pem_error("certificate", file, problem);
    let certificates = CertificateDer::pem_file_iter(file).map_err(|problem| error(problem.to_string()))?;
    let chain: Vec<_> =
        certificates.collect::<Result<_, _>>().map_err(|problem| error(problem.to_string()))?;
    if chain.is_empty() { Err(error("there is no certificate in it".into())) } else { Ok(chain) }
}

fn pem_error(what: &'static str, file: &Path, problem: String) -> TlsError {
    TlsError::Pem { what, file: file.to_owned(), problem }
}
