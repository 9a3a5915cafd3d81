//! Whose fault it is that a certificate is not accepted, as far as the certificate tells. Pure.
//!
//! A relay's operator makes mistakes, and networks put up certificates of their own. Nothing here makes a
//! certificate more or less trusted: it only decides what people read, and an impostor may well imitate an
//! operator's mistake.
//!
//! - A chain that is **trusted but for the name** is the relay's if only an authority of the operator's own is
//!   trusted, or if the names are related; a sign-in page has a publicly trusted certificate for itself, too.
//! - A certificate **for the relay's name that signs itself**, or is an authority's, is what a hand-made
//!   certificate looks like. A host that reads along signs with an authority, which the computers there trust.
//! - A certificate for the relay's name **without its issuer** is the relay's if it was issued in public
//!   (certificate transparency), or by an issuer that is named like a trusted one.
//! - **A certificate for the relay's name from an authority that is not known** can be the operator's own,
//!   whose `ca_file` is missing here, or that of a box that reads along: the same network looks different
//!   from a phone's hotspot only in the second case. With a `ca_file` and a complete chain it is a stranger's.
//! - A certificate from an authority that is not known, and not for the relay's name, is a stranger's.

use fieldlink_protocol::text;
use rustls::pki_types::{CertificateDer, ServerName};
use rustls::{CertificateError, RootCertStore};
use webpki::EndEntityCert;

use super::distinguished_name::DistinguishedName;

/// Names of a certificate that are shown.
const NAMES: usize = 4;

/// What a server showed, and the name that it should have been for.
#[derive(Clone, Copy)]
pub(super) struct Chain<'a> {
    pub(super) leaf: &'a CertificateDer<'a>,
    pub(super) others: &'a [CertificateDer<'a>],
    pub(super) name: &'a ServerName<'a>,
    /// Whether the first certificate is signed with its own key.
    pub(super) signs_itself: bool,
}

/// The owner of a certificate, as far as the certificate tells.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CertificateOwner {
    /// The relay's, as it seems: its operator, or what is trusted here, has to be corrected.
    Relay,
    /// Another host's, which answers in the relay's place.
    Stranger,
    /// It can be the relay's or a stranger's.
    Unknown,
}

/// Why a certificate is not accepted.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{words}")]
pub struct CertificateProblem {
    /// The owner that the certificate seems to have.
    pub owner: CertificateOwner,
    /// What is wrong and what to do, as a sentence part for those who can do it. Fit to be shown.
    words: String,
}

impl CertificateProblem {
    pub(crate) fn new(owner: CertificateOwner, words: impl AsRef<str>) -> Self {
        Self { owner, words: text::sentence(words.as_ref()) }
    }
}

/// What can be read of a chain without trusting it.
struct Seen {
    subject: DistinguishedName,
    issuer: DistinguishedName,
    is_for_relay: bool,
    only_common_name: bool,
    signs_itself: bool,
    is_logged: bool,
    /// Another certificate than the first is the server's.
    is_disordered: bool,
    /// The issuer was sent, too.
    has_issuer: bool,
    issuer_der: Vec<u8>,
}

/// Judges a `chain` that was refused because of `error`. `is_public` says whether the public's authorities
/// vouch for it; it is asked only if that makes a difference.
pub(super) fn judge(
    chain: &Chain<'_>,
    error: &CertificateError,
    roots: &RootCertStore,
    is_private: bool,
    is_public: impl FnOnce() -> bool,
) -> CertificateProblem {
    use CertificateOwner::{Relay, Unknown};
    let Ok(leaf) = EndEntityCert::try_from(chain.leaf) else {
        return CertificateProblem::new(Unknown, "its certificate cannot be read");
    };
    let seen = Seen::of(chain, &leaf);
    if seen.is_disordered {
        return CertificateProblem::new(
            Relay,
            "the certificates of its chain are in the wrong order: the relay's operator must put the server's own first",
        );
    }
    match error {
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            wrong_name(&seen, &leaf, chain.name, is_private)
        }
        // An authority of the same name with another key shows as a bad signature.
        CertificateError::UnknownIssuer | CertificateError::BadSignature => {
            unknown_issuer(&seen, roots, is_private, is_public)
        }
        other => faulty(&seen, other, is_root(&leaf, roots)),
    }
}

impl Seen {
    fn of(chain: &Chain<'_>, leaf: &EndEntityCert<'_>) -> Self {
        let is_for = |certificate: &EndEntityCert<'_>| {
            certificate.verify_is_valid_for_subject_name(chain.name).is_ok()
        };
        let others: Vec<_> =
            chain.others.iter().filter_map(|other| EndEntityCert::try_from(other).ok()).collect();
        let (subject, issuer) =
            (DistinguishedName::read(leaf.subject()), DistinguishedName::read(leaf.issuer()));
        let is_for_relay = is_for(leaf);
        let host = chain.name.to_str();
        let is_host = |name: &String| name.eq_ignore_ascii_case(&host);
        let only_common_name = !is_for_relay && subject.common_name.as_ref().is_some_and(is_host);
        Self {
            subject,
            issuer,
            is_for_relay,
            only_common_name,
            signs_itself: chain.signs_itself,
            is_logged: leaf.sct_log_timestamps().is_ok_and(|mut logs| logs.next().is_some()),
            is_disordered: !is_for_relay && !only_common_name && others.iter().any(is_for),
            has_issuer: others.iter().any(|other| other.subject() == leaf.issuer()),
            issuer_der: leaf.issuer().to_vec(),
        }
    }

    fn names_relay(&self) -> bool {
        self.is_for_relay || self.only_common_name
    }

    /// Whether the issuer of the certificate goes by a name like that of a root: the same organisation, or
    /// the same first word.
    fn is_issued_by_relative(&self, roots: &RootCertStore) -> bool {
        roots.roots.iter().any(|root| {
            let (root_name, issuer) = (DistinguishedName::read(&root.subject), &self.issuer);
            let shares = |one: Option<&str>, other: Option<&str>| one.is_some() && one == other;
            *root.subject != *self.issuer_der
                && (shares(root_name.organisation.as_deref(), issuer.organisation.as_deref())
                    || shares(first_word(&root_name), first_word(issuer)))
        })
    }
}

fn first_word(name: &DistinguishedName) -> Option<&str> {
    name.common_name.as_deref()?.split_whitespace().next().filter(|word| word.len() > 2)
}

fn is_root(leaf: &EndEntityCert<'_>, roots: &RootCertStore) -> bool {
    roots.roots.iter().any(|root| *root.subject == *leaf.subject())
}

fn wrong_name(
    seen: &Seen,
    leaf: &EndEntityCert<'_>,
    name: &ServerName<'_>,
    is_private: bool,
) -> CertificateProblem {
    use CertificateOwner::{Relay, Unknown};
    if seen.only_common_name {
        return only_common_name();
    }
    let names: Vec<&str> = leaf.valid_dns_names().take(NAMES).collect();
    let is_related = names.iter().any(|other| are_related(&name.to_str(), other));
    let owner = if is_private || is_related { Relay } else { Unknown };
    let shown = if names.is_empty() { seen.subject.to_string() } else { names.join(", ") };
    let what = format!("its certificate is for another name ({shown})");
    CertificateProblem::new(
        owner,
        match owner {
            Relay => format!("{what}: the relay's operator must issue one for {}", name.to_str()),
            _ => format!(
                "{what}: either another service answers in its place (a sign-in page?), or the relay's operator \
             must issue one for {}",
                name.to_str()
            ),
        },
    )
}

fn only_common_name() -> CertificateProblem {
    CertificateProblem::new(
        CertificateOwner::Relay,
        "its certificate names it in the subject (CN) only: the relay's operator must issue one with a \
         subjectAltName",
    )
}

fn unknown_issuer(
    seen: &Seen,
    roots: &RootCertStore,
    is_private: bool,
    is_public: impl FnOnce() -> bool,
) -> CertificateProblem {
    use CertificateOwner::{Relay, Stranger, Unknown};
    let issuer = &seen.issuer;
    let untrusted = format!("its certificate is from an authority not trusted here: {issuer}");
    if !seen.names_relay() {
        let subject = &seen.subject;
        return CertificateProblem::new(
            Stranger,
            format!("{untrusted}, and not for the relay but for {subject}"),
        );
    }
    if seen.signs_itself {
        let what = "its certificate is self-signed, and not trusted here";
        let next = "the relay's operator must get one from an authority, or hand out this one as ca_file";
        return CertificateProblem::new(Relay, format!("{what}: {next}"));
    }
    let is_relative = is_private && seen.is_issued_by_relative(roots);
    let is_incomplete = !seen.has_issuer && (seen.is_logged || is_relative);
    if is_incomplete {
        return CertificateProblem::new(
            Relay,
            format!(
                "the certificate of its issuer {issuer} is missing, so it is not trusted here: the relay's \
             operator must add the whole chain"
            ),
        );
    }
    match is_private {
        true if is_public() => CertificateProblem::new(
            Relay,
            format!(
                "its certificate is from {issuer}, which the ca_file here does not hold: remove the ca_file or \
             replace it"
            ),
        ),
        true if seen.has_issuer || roots.roots.iter().any(|root| *root.subject == *seen.issuer_der) => {
            CertificateProblem::new(Stranger, format!("{untrusted}, and the ca_file has another one"))
        }
        true => CertificateProblem::new(
            Unknown,
            format!(
                "{untrusted}: either something reads along, or the relay's operator has left out a part of the \
             chain or changed the authority"
            ),
        ),
        false => CertificateProblem::new(
            Unknown,
            format!(
                "{untrusted}: either something reads along, or the relay has an authority of its own, whose \
             certificate must be named as ca_file"
            ),
        ),
    }
}

/// A certificate that is wrong in itself.
fn faulty(seen: &Seen, error: &CertificateError, is_root: bool) -> CertificateProblem {
    use CertificateOwner::{Relay, Stranger, Unknown};
    let is_authority = matches!(error, CertificateError::Other(other)
        if matches!(other.0.downcast_ref(), Some(webpki::Error::CaUsedAsEndEntity)));
    let owner = match seen.names_relay() || is_root {
        true => Relay,
        false if is_authority => Stranger,
        false => Unknown,
    };
    let what = match error {
        _ if is_authority => "its certificate is an authority's (CA:TRUE), not a server's".to_owned(),
        other => format!("its certificate is faulty ({other})"),
    };
    CertificateProblem::new(
        owner,
        match owner {
            Relay => format!("{what}: the relay's operator must issue another one"),
            _ => what,
        },
    )
}

/// Whether two names are below the same domain, as far as that can be told without a list of all suffixes.
fn are_related(one: &str, other: &str) -> bool {
    let labels = |name: &str| -> Vec<String> {
        name.trim_start_matches("*.").to_ascii_lowercase().rsplit('.').map(str::to_owned).collect()
    };
    let (one, other) = (labels(one), labels(other));
    let common = one.iter().zip(&other).take_while(|(one, other)| one == other).count();
    // Below `co.uk` and the like, two labels say nothing.
    let is_nested =
        one.first().is_some_and(|top| top.len() == 2) && one.get(1).is_some_and(|second| second.len() <= 3);
    common >= if is_nested { 3 } else { 2 } && one.first().is_some_and(|top| top.parse::<u8>().is_err())
}
