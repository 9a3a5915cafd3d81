//! A private certificate authority and a certificate for loopback.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use rcgen::{
    BasicConstraints, CertificateParams, DistinguishedName, DnType, IsCa, Issuer, KeyPair, date_time_ymd,
};
use rustls::ServerConfig;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

/// PEM files of one authority and one server certificate.
pub struct Certificates {
    /// The authority's certificate: what clients are to trust.
    pub authority: PathBuf,
    /// The server's chain.
    pub chain: PathBuf,
    /// The server's private key.
    pub key: PathBuf,
}

/// Makes an authority and a certificate for `127.0.0.1`, `::1` and `localhost` in `directory`.
pub fn create(directory: &Path) -> Certificates {
    create_valid(directory, (2026, 2050), &["127.0.0.1", "::1", "localhost"])
}

/// As [`create`], valid from the beginning of one year to that of another, for `names`.
pub fn create_valid(directory: &Path, (from, until): (i32, i32), names: &[&str]) -> Certificates {
    let authority_key = KeyPair::generate().expect("a key");
    let mut authority = CertificateParams::new(Vec::new()).expect("no names");
    // OpenSSL takes a certificate with its issuer's name for self-signed.
    authority.distinguished_name = DistinguishedName::new();
    authority.distinguished_name.push(DnType::CommonName, "Fieldlink test authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.not_before = date_time_ymd(2020, 1, 1);
    let authority_pem = authority.self_signed(&authority_key).expect("a certificate").pem();
    let issuer = Issuer::new(authority, authority_key);

    let server_key = KeyPair::generate().expect("a key");
    let mut server = CertificateParams::new(names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>())
        .expect("valid names");
    server.not_before = date_time_ymd(from, 1, 1);
    server.not_after = date_time_ymd(until, 1, 1);
    let server_pem = server.signed_by(&server_key, &issuer).expect("a certificate").pem();

    let files = Certificates::in_directory(directory);
    let write = |path: &Path, text: &str| std::fs::write(path, text).expect("the directory is writable");
    write(&files.authority, &authority_pem);
    write(&files.chain, &server_pem);
    write(&files.key, &server_key.serialize_pem());
    restrict(&files.key);
    files
}

impl Certificates {
    /// Where they are once they were made in `directory`.
    pub fn in_directory(directory: &Path) -> Self {
        let [authority, chain, key] = ["ca.pem", "relay.crt", "relay.key"].map(|name| directory.join(name));
        Self { authority, chain, key }
    }

    /// TLS 1.3 with this certificate, for servers that the tests make themselves.
    pub fn server_config(&self) -> Arc<ServerConfig> {
        let chain = CertificateDer::pem_file_iter(&self.chain).expect("readable");
        let chain = chain.map(|certificate| certificate.expect("PEM")).collect();
        let key = PrivateKeyDer::from_pem_file(&self.key).expect("PEM");
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let config = ServerConfig::builder_with_provider(provider)
            .with_protocol_versions(&[&rustls::version::TLS13])
            .expect("TLS 1.3")
            .with_no_client_auth()
            .with_single_cert(chain, key)
            .expect("they fit");
        Arc::new(config)
    }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("our own file");
}
