//! A private certificate authority and a certificate for loopback.

use std::path::{Path, PathBuf};

use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair, date_time_ymd};

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

    let write = |name: &str, text: &str| {
        let path = directory.join(name);
        std::fs::write(&path, text).expect("the directory is writable");
        path
    };
    let key = write("relay.key", &server_key.serialize_pem());
    restrict(&key);
    Certificates { authority: write("ca.pem", &authority_pem), chain: write("relay.crt", &server_pem), key }
}

fn restrict(path: &Path) {
    use std::os::unix::fs::PermissionsExt;
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600)).expect("our own file");
}
