//! The two PEM files, and what operators put in their place by mistake.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::{Key, TlsError};

/// No certificate or key is nearly as long.
const LONGEST: u64 = 1024 * 1024;
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

/// The certificates of a file, in its order. `what`: what the file is to be.
pub(super) fn read_chain(what: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let error = |problem: String| pem_error(what, file, problem);
    let text = read(file).map_err(error)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    let certificates = certificates.map_err(|problem| error(format!("it is no PEM file: {problem}")))?;
    if certificates.is_empty() { Err(error(instead_of_certificate(&text))) } else { Ok(certificates) }
}

/// The private key of a file, or what the service manager handed over in its place.
pub(super) fn read_key(file: &Path, key: Key) -> Result<PrivateKeyDer<'static>, TlsError> {
    let file = &credential(file).unwrap_or_else(|| file.to_owned());
    let error = |problem: String| pem_error("private key", file, problem);
    let text = read(file).map_err(error)?;
    if key == Key::Own {
        check_is_private(file).map_err(error)?;
    }
    if is_encrypted(&text) {
        return Err(error(format!(
            "it is encrypted, and there is nobody here to type its passphrase; run: openssl pkey -in {} -out \
             plain.key, and use that (chmod 600)",
            file.display()
        )));
    }
    PrivateKeyDer::from_pem_slice(&text).map_err(|_| error(instead_of_key(&text)))
}

pub(super) fn pem_error(what: &'static str, file: &Path, problem: String) -> TlsError {
    TlsError::Pem { what, file: file.to_owned(), problem }
}

/// The text, without the mark that some editors put at its beginning.
fn read(file: &Path) -> Result<Vec<u8>, String> {
    let found = fs::metadata(file).map_err(|problem| problem.to_string())?;
    if !found.is_file() || found.len() > LONGEST {
        return Err("it is no PEM file".into());
    }
    let text = fs::read(file).map_err(|problem| match problem.kind() {
        std::io::ErrorKind::PermissionDenied => {
            format!("this account may not read it (the service's key is handed over by systemd): {problem}")
        }
        _ => problem.to_string(),
    })?;
    Ok(text.strip_prefix(BYTE_ORDER_MARK).map_or_else(|| text.clone(), <[u8]>::to_vec))
}

/// Refuses a key that every account can use. Its group may: that is the operator's to decide.
fn check_is_private(key: &Path) -> Result<(), String> {
    let metadata = key.metadata().map_err(|problem| problem.to_string())?;
    match metadata.mode() & 0o007 {
        0 => Ok(()),
        _ => Err(format!("every account on this computer may use it; run: chmod 600 {}", key.display())),
    }
}

/// What the service manager has handed over under the name of `file` (systemd's `LoadCredential=`): the
/// service itself may not read the file.
fn credential(file: &Path) -> Option<PathBuf> {
    let directory = PathBuf::from(std::env::var_os("CREDENTIALS_DIRECTORY")?);
    Some(directory.join(file.file_name()?)).filter(|found| found.exists())
}

fn is_encrypted(text: &[u8]) -> bool {
    contains(text, "ENCRYPTED PRIVATE KEY-----") || contains(text, "Proc-Type: 4,ENCRYPTED")
}

fn instead_of_certificate(text: &[u8]) -> String {
    if contains(text, "PRIVATE KEY-----") {
        "it holds a private key: are certificate and private_key the wrong way round?".into()
    } else if contains(text, "CERTIFICATE REQUEST-----") {
        "it is the request for a certificate: put there what the authority answered".into()
    } else if contains(text, "TRUSTED CERTIFICATE-----") {
        "it has OpenSSL's own form; run: openssl x509 -in OLD -out NEW".into()
    } else if contains(text, "PKCS7-----") {
        "it is PKCS #7; run: openssl pkcs7 -print_certs -in OLD -out NEW".into()
    } else {
        binary(text, "openssl x509 -inform DER -in OLD -out NEW")
            .unwrap_or_else(|| "there is no certificate in it (-----BEGIN CERTIFICATE-----)".into())
    }
}

fn instead_of_key(text: &[u8]) -> String {
    if contains(text, "OPENSSH PRIVATE KEY-----") {
        "it is a key for ssh, not for a certificate".into()
    } else if contains(text, "PUBLIC KEY-----") {
        "it is the public half of a key".into()
    } else if contains(text, "CERTIFICATE-----") {
        "it holds a certificate, and no private key: are certificate and private_key the wrong way round?"
            .into()
    } else {
        binary(text, "openssl pkey -inform DER -in OLD -out NEW")
            .unwrap_or_else(|| "there is no private key in it (-----BEGIN PRIVATE KEY-----)".into())
    }
}

/// What a file that is no text may be.
fn binary(text: &[u8], command: &str) -> Option<String> {
    let sentence = match text {
        [] => "it is empty".into(),
        [0x30, ..] => format!("it is DER (or PKCS #12), not PEM; run: {command}"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] => "it is UTF-16: store it as plain ASCII text".into(),
        _ => return None,
    };
    Some(sentence)
}

fn contains(text: &[u8], word: &str) -> bool {
    text.windows(word.len()).any(|window| window == word.as_bytes())
}
