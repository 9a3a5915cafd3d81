//! Checks the relay's certificate, and says of one that it refuses whose fault that seems to be.

use std::sync::Arc;

use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, OtherError, RootCertStore, SignatureScheme};

use super::TlsError;
use super::certificate::{self, Chain};

/// How often a chain is looked at again as if it were another time: its certificates may each have dates.
const TIMES: usize = 4;

/// The library's own verifier, which alone decides, and what explains its refusals.
#[derive(Debug)]
pub(super) struct Examiner {
    verifier: Arc<WebPkiServerVerifier>,
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    is_private: bool,
}

impl Examiner {
    pub(super) fn new(
        roots: Arc<RootCertStore>,
        is_private: bool,
        provider: &Arc<CryptoProvider>,
    ) -> Result<Self, TlsError> {
        let verifier = verifier(roots.clone(), provider)?;
        Ok(Self { verifier, provider: provider.clone(), roots, is_private })
    }

    /// A refusal with its reasons. A chain that is the relay's but for its dates keeps them.
    fn explain(&self, chain: &Chain<'_>, error: CertificateError, now: UnixTime) -> CertificateError {
        match self.beside_dates(chain, &error) {
            None => error,
            Some(beside) => {
                let problem = certificate::judge(chain, &beside, &self.roots, self.is_private, || {
                    self.is_publicly_trusted(chain, now)
                });
                CertificateError::Other(OtherError(Arc::new(problem)))
            }
        }
    }

    /// What is wrong with a chain apart from its dates: looks at it as if it were a time that suits them.
    fn beside_dates(&self, chain: &Chain<'_>, error: &CertificateError) -> Option<CertificateError> {
        let mut error = error.clone();
        for _ in 0..TIMES {
            let Some(time) = suitable_time(&error) else { return Some(error) };
            let Chain { leaf, others, name, .. } = chain;
            match self.verifier.verify_server_cert(leaf, others, name, &[], time) {
                Ok(_) => return None,
                Err(Error::InvalidCertificate(other)) => error = other,
                Err(_) => return Some(error),
            }
        }
        Some(error)
    }

    /// Whether a certificate is signed with its own key: that its subject and its issuer have the same name does
    /// not mean it. It is looked at as if it were trusted itself, and for nothing else.
    fn signs_itself(&self, leaf: &CertificateDer<'_>, name: &ServerName<'_>, now: UnixTime) -> bool {
        let mut itself = RootCertStore::empty();
        itself.add_parsable_certificates([leaf.clone()]);
        let Ok(verifier) = verifier(Arc::new(itself), &self.provider) else { return false };
        let at = |time| verifier.verify_server_cert(leaf, &[], name, &[], time);
        let outcome = match at(now) {
            Err(Error::InvalidCertificate(problem)) => {
                suitable_time(&problem).map_or(Err(problem), |time| match at(time) {
                    Err(Error::InvalidCertificate(beside_dates)) => Err(beside_dates),
                    _ => Ok(()),
                })
            }
            _ => Ok(()),
        };
        !matches!(outcome, Err(CertificateError::UnknownIssuer | CertificateError::BadSignature))
    }

    /// Whether the system's authorities vouch for the name: then only the name's owner has this certificate, whatever
    /// is trusted here.
    fn is_publicly_trusted(&self, chain: &Chain<'_>, now: UnixTime) -> bool {
        let Ok(roots) = super::system_roots() else { return false };
        let Ok(verifier) = verifier(Arc::new(roots), &self.provider) else { return false };
        let Chain { leaf, others, name, .. } = chain;
        verifier.verify_server_cert(leaf, others, name, &[], now).is_ok()
    }
}

fn verifier(
    roots: Arc<RootCertStore>,
    provider: &Arc<CryptoProvider>,
) -> Result<Arc<WebPkiServerVerifier>, TlsError> {
    WebPkiServerVerifier::builder_with_provider(roots, provider.clone())
        .build()
        .map_err(|error| TlsError::Setup(Error::General(error.to_string())))
}

/// A time at which `error`, if it is about dates, would not be one.
fn suitable_time(error: &CertificateError) -> Option<UnixTime> {
    let at = |seconds| UnixTime::since_unix_epoch(std::time::Duration::from_secs(seconds));
    match error {
        CertificateError::ExpiredContext { not_after, .. } => Some(at(not_after.as_secs().saturating_sub(1))),
        CertificateError::NotValidYetContext { not_before, .. } => {
            Some(at(not_before.as_secs().saturating_add(1)))
        }
        _ => None,
    }
}

impl ServerCertVerifier for Examiner {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        let verified =
            self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        verified.map_err(|error| match error {
            Error::InvalidCertificate(problem) => {
                let signs_itself = self.signs_itself(end_entity, server_name, now);
                let chain =
                    Chain { leaf: end_entity, others: intermediates, name: server_name, signs_itself };
                Error::InvalidCertificate(self.explain(&chain, problem, now))
            }
            other => other,
        })
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.verifier.verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }
}

#[cfg(test)]
mod tests;
