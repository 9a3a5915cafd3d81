//! Judges the relay's certificate as its clients will: before one of them has to.
//!
//! # What it decides
//!
//! Its certificate is judged at the start as clients will judge it (`tls/chain.rs`); `check-config` prints the same
//! judgement, and its exit code says whether clients will refuse it. That keeps no relay from starting, as its
//! clients may see another server's in front of it. What does is no TLS at all: a file that cannot be read, a key
//! that does not fit; systemd tries again, because a renewal may be under way. `check-config --start` has that
//! criterion, for upgrades.

use std::net::IpAddr;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::text;
use fieldlink_protocol::timestamp;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::ServerCertVerifier;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{CertificateError, RootCertStore};
use x509_parser::extensions::{GeneralName, ParsedExtension};
use x509_parser::oid_registry::{
    OID_EC_P256, OID_KEY_TYPE_EC_PUBLIC_KEY, OID_NIST_EC_P384, OID_NIST_EC_P521, OID_PKCS1_RSAENCRYPTION,
    OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS, OID_SIG_ED25519,
};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::public_key::PublicKey;

/// A certificate that ends within this time is spoken of.
const SOON: Duration = Duration::from_secs(21 * 24 * 3_600);

/// What clients trust.
pub(super) enum Roots {
    /// The store of this system, as an example of theirs.
    Systems(RootCertStore),
    /// What the operator says they are configured with.
    Named(RootCertStore),
}

/// What there is to say about a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Judgement {
    /// The names that it is good for.
    pub names: Vec<String>,
    /// Until when.
    pub until: String,
    /// What an operator should know.
    pub findings: Vec<Finding>,
}

/// One thing that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    /// How bad it is.
    pub weight: Weight,
    /// What it is, and what to do.
    pub text: String,
}

/// How bad something is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Weight {
    /// Right, if it is meant.
    Notice,
    /// It works, and will not for long.
    Warning,
    /// Right, if clients have the issuer as their root; otherwise they will refuse it.
    Unclear,
    /// Some clients will refuse it, or all of them for now.
    Doubt,
    /// No client will ever accept it.
    Useless,
}

/// Judges a chain, the relay's own certificate first. `Err`: it is no certificate at all.
pub(super) fn judge(
    chain: &[CertificateDer<'static>],
    name: Option<&str>,
    roots: &Roots,
    now: UnixTime,
) -> Result<Judgement, String> {
    let own = chain.first().ok_or("there is no certificate in it")?;
    let (_, parsed) =
        X509Certificate::from_der(own).map_err(|error| format!("it cannot be read: {error}"))?;
    let names = names(&parsed);
    let until = u64::try_from(parsed.validity().not_after.timestamp()).unwrap_or(0);
    let mut findings = Vec::new();
    findings.extend(purpose(&parsed, &names));
    findings.extend(algorithms(&parsed));
    findings.extend(time(&parsed, now));
    findings.extend(name.and_then(|name| other_name(own, name, &names)));
    if findings.iter().all(|finding| finding.weight != Weight::Useless) {
        findings.extend(trust(chain, &parsed, &names, roots));
    }
    Ok(Judgement { names, until: timestamp::utc(until), findings })
}

fn finding(weight: Weight, text: impl Into<String>) -> Finding {
    Finding { weight, text: text.into() }
}

/// The names in the extension that clients look at; the subject's common name is none of them.
fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    let name = |name: &GeneralName<'_>| match name {
        GeneralName::DNSName(name) => Some(text::name(name)),
        GeneralName::IPAddress(bytes) => <[u8; 4]>::try_from(*bytes)
            .map(IpAddr::from)
            .or_else(|_| <[u8; 16]>::try_from(*bytes).map(IpAddr::from))
            .ok()
            .map(|address| address.to_string()),
        _ => None,
    };
    extension.value.general_names.iter().filter_map(name).collect()
}

/// Whether it is the certificate of a server at all.
fn purpose(certificate: &X509Certificate<'_>, names: &[String]) -> Vec<Finding> {
    let mut found = Vec::new();
    if certificate.is_ca() {
        found.push(finding(
            Weight::Useless,
            "it is the certificate of an authority (CA:TRUE, as `openssl req -x509` makes it), which no client takes \
             for a server's: sign one for the relay with it, and give clients this one as ca_file (README, By hand)",
        ));
    }
    if names.is_empty() {
        found.push(finding(
            Weight::Useless,
            "it has no subject alternative name, and clients do not look at the common name (CN): have it issued \
             with subjectAltName=DNS:NAME, the name in the clients' relay = \"wss://NAME\"",
        ));
    }
    let usage = certificate.extended_key_usage().ok().flatten();
    if usage.is_some_and(|usage| !usage.value.any && !usage.value.server_auth) {
        found.push(finding(
            Weight::Useless,
            "its extended key usage does not have serverAuth, so it is not for servers: have it issued with \
             extendedKeyUsage=serverAuth",
        ));
    }
    found
}

fn algorithms(certificate: &X509Certificate<'_>) -> Vec<Finding> {
    let mut found = Vec::new();
    let algorithm = &certificate.public_key().algorithm;
    let curve = algorithm.parameters.as_ref().and_then(|parameters| parameters.as_oid().ok());
    let curves = [OID_EC_P256, OID_NIST_EC_P384, OID_NIST_EC_P521];
    let is_known = match certificate.public_key().parsed() {
        Ok(PublicKey::RSA(key)) => algorithm.algorithm == OID_PKCS1_RSAENCRYPTION && key.key_size() >= 2048,
        Ok(PublicKey::EC(_)) => {
            algorithm.algorithm == OID_KEY_TYPE_EC_PUBLIC_KEY
                && curve.is_some_and(|oid| curves.contains(&oid))
        }
        _ => algorithm.algorithm == OID_SIG_ED25519,
    };
    if !is_known {
        found.push(finding(
            Weight::Useless,
            "clients do not accept its key: use ECDSA on P-256, or RSA of 2048 bits or more",
        ));
    }
    // By the text of their numbers: SHA-256 to SHA-512 with RSA, RSA-PSS, ECDSA, Ed25519.
    let signatures = [
        "1.2.840.113549.1.1.10",
        "1.2.840.113549.1.1.11",
        "1.2.840.113549.1.1.12",
        "1.2.840.113549.1.1.13",
        "1.2.840.10045.4.3.2",
        "1.2.840.10045.4.3.3",
        "1.2.840.10045.4.3.4",
        "1.3.101.112",
    ];
    let signature = certificate.signature_algorithm.algorithm.to_id_string();
    if !signatures.contains(&&*signature) {
        found.push(finding(
            Weight::Useless,
            format!("it is signed in a way that clients do not accept (SHA-1, say; {signature}): have it signed with SHA-256"),
        ));
    }
    found
}

/// By this computer's clock, which may be the one that is wrong.
fn time(certificate: &X509Certificate<'_>, now: UnixTime) -> Option<Finding> {
    let now = i64::try_from(now.as_secs()).unwrap_or(i64::MAX);
    let (from, until) =
        (certificate.validity().not_before.timestamp(), certificate.validity().not_after.timestamp());
    let shown = |at: i64| timestamp::utc(u64::try_from(at).unwrap_or(0));
    let soon = i64::try_from(SOON.as_secs()).unwrap_or(i64::MAX);
    let length = until.saturating_sub(from);
    if now >= until {
        Some(finding(
            Weight::Doubt,
            format!("it expired at {}: renew it (or is this computer's clock wrong?)", shown(until)),
        ))
    } else if now < from {
        Some(finding(
            Weight::Doubt,
            format!("it is not valid before {} (is this computer's clock wrong?)", shown(from)),
        ))
    } else if until - now < soon.min(length / 3) {
        let days = (until - now) / 86_400;
        Some(finding(Weight::Warning, format!("it expires in {days} days, at {}: renew it", shown(until))))
    } else {
        None
    }
}

fn other_name(own: &CertificateDer<'_>, name: &str, names: &[String]) -> Option<Finding> {
    let host = ServerName::try_from(name.to_owned());
    let parsed = rustls::server::ParsedCertificate::try_from(own);
    let fits = host.is_ok_and(|host| {
        parsed.is_ok_and(|parsed| rustls::client::verify_server_name(&parsed, &host).is_ok())
    });
    let is_for = if names.is_empty() { "no name".into() } else { names.join(", ") };
    (!fits).then(|| {
        let name = text::name(name);
        finding(
            Weight::Doubt,
            format!("it is not for {name}, but for {is_for}: clients that dial {name} refuse it"),
        )
    })
}

/// Whether clients find their way from it to a root that they trust.
fn trust(
    chain: &[CertificateDer<'static>],
    own: &X509Certificate<'_>,
    names: &[String],
    roots: &Roots,
) -> Option<Finding> {
    // In the middle of its life: its time is another matter.
    let (from, until) = (own.validity().not_before.timestamp(), own.validity().not_after.timestamp());
    let then =
        UnixTime::since_unix_epoch(Duration::from_secs(u64::try_from(from / 2 + until / 2).unwrap_or(0)));
    let name = names.iter().find_map(|name| ServerName::try_from(name.replace('*', "any")).ok())?;
    let (store, is_named) = match roots {
        Roots::Systems(store) => (store, false),
        Roots::Named(store) => (store, true),
    };
    let issuer = text::name(&own.issuer().to_string());
    match verify(chain, store, &name, then) {
        Ok(()) => return None,
        Err(rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer)) => {}
        Err(problem) => return Some(finding(Weight::Doubt, format!("clients will refuse it: {problem}"))),
    }
    if is_named {
        return Some(finding(
            Weight::Doubt,
            format!("it does not lead to the roots in the ca_file: it was issued by {issuer}"),
        ));
    }
    if own.issuer() == own.subject() {
        return Some(finding(
            Weight::Notice,
            "it is self-signed, so it is trusted only by clients whose ca_file is this very certificate",
        ));
    }
    Some(unknown_issuer(chain, own, &issuer, &name, then))
}

/// The issuer is not known here: it is an authority of the operator's own, or a certificate is missing.
fn unknown_issuer(
    chain: &[CertificateDer<'static>],
    own: &X509Certificate<'_>,
    issuer: &str,
    name: &ServerName<'static>,
    then: UnixTime,
) -> Finding {
    let Some(last) = chain.last().filter(|_| chain.len() > 1) else {
        return match downloadable(own) {
            Some(url) => finding(
                Weight::Unclear,
                format!(
                    "the certificate of {issuer}, which issued it, is missing: append it to the file (the authority's \
                     \"full chain\" has both; it is at {url}). If that is a root of your own, clients need it as ca_file"
                ),
            ),
            None => finding(
                Weight::Notice,
                format!(
                    "systems do not know {issuer}, which issued it: clients need its root as ca_file, and what stands \
                     between the two must be appended to the file (check with: check-config --ca-file ROOT)"
                ),
            ),
        };
    };
    let mut store = RootCertStore::empty();
    let leads_there = store.add(last.clone()).is_ok() && verify(chain, &store, name, then).is_ok();
    if leads_there {
        let last = X509Certificate::from_der(last).map(|(_, last)| last);
        let top = last.map(|last| text::name(&last.issuer().to_string())).unwrap_or_default();
        finding(
            Weight::Notice,
            format!("systems do not trust {top}, where its chain ends: clients need that root as ca_file"),
        )
    } else {
        finding(
            Weight::Doubt,
            format!(
                "none of the further certificates in the file leads on from it: it was issued by {issuer}; put that one's certificate second"
            ),
        )
    }
}

fn verify(
    chain: &[CertificateDer<'static>],
    roots: &RootCertStore,
    name: &ServerName<'static>,
    then: UnixTime,
) -> Result<(), rustls::Error> {
    let unknown = || rustls::Error::InvalidCertificate(CertificateError::UnknownIssuer);
    let (own, others) = chain.split_first().ok_or_else(unknown)?;
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let verifier = WebPkiServerVerifier::builder_with_provider(Arc::new(roots.clone()), provider).build();
    // Without a single root nothing is known.
    let verifier = verifier.map_err(|_| unknown())?;
    verifier.verify_server_cert(own, others, name, &[], then).map(|_| ())
}

/// Where the issuer's certificate can be had, as public authorities say.
fn downloadable(certificate: &X509Certificate<'_>) -> Option<String> {
    certificate.extensions().iter().find_map(|extension| {
        let ParsedExtension::AuthorityInfoAccess(access) = extension.parsed_extension() else { return None };
        access.accessdescs.iter().find_map(|description| match &description.access_location {
            GeneralName::URI(uri) if description.access_method == OID_PKIX_ACCESS_DESCRIPTOR_CA_ISSUERS => {
                Some(text::name(uri))
            }
            _ => None,
        })
    })
}
