//! What operators get wrong and what networks put up, each with a real chain.

use std::time::Duration;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, CustomExtension, DistinguishedName, DnType, IsCa,
    KeyPair, date_time_ymd,
};

use super::*;
use crate::tls::{CertificateOwner, CertificateProblem};

const RELAY: &str = "relay.example.com";
/// 22 November 2026, between the dates of [`parameters`].
const NOW: Duration = Duration::from_secs(1_795_372_620);

type Authority = CertifiedIssuer<'static, KeyPair>;

fn parameters(names: &[&str], common_name: &str, organisation: &str) -> CertificateParams {
    let names: Vec<_> = names.iter().map(|&name| name.to_owned()).collect();
    let mut parameters = CertificateParams::new(names).expect("valid names");
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, common_name);
    if !organisation.is_empty() {
        parameters.distinguished_name.push(DnType::OrganizationName, organisation);
    }
    parameters.not_before = date_time_ymd(2026, 1, 1);
    parameters.not_after = date_time_ymd(2030, 1, 1);
    parameters
}

fn authority(common_name: &str, organisation: &str) -> CertificateParams {
    let mut parameters = parameters(&[], common_name, organisation);
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    parameters
}

fn root(common_name: &str) -> Authority {
    CertifiedIssuer::self_signed(authority(common_name, ""), KeyPair::generate().expect("a key"))
        .expect("a root")
}

fn below(common_name: &str, issuer: &Authority) -> Authority {
    let key = KeyPair::generate().expect("a key");
    CertifiedIssuer::signed_by(authority(common_name, ""), key, issuer).expect("an intermediate")
}

fn signed(parameters: CertificateParams, issuer: &Authority) -> CertificateDer<'static> {
    let key = KeyPair::generate().expect("a key");
    parameters.signed_by(&key, issuer).expect("a certificate").der().clone()
}

fn leaf(names: &[&str], issuer: &Authority) -> CertificateDer<'static> {
    signed(parameters(names, "server", ""), issuer)
}

fn self_signed(parameters: CertificateParams) -> CertificateDer<'static> {
    parameters.self_signed(&KeyPair::generate().expect("a key")).expect("a certificate").der().clone()
}

/// What an examiner says that trusts `roots`.
fn examine(
    roots: &[&CertificateDer<'static>],
    is_private: bool,
    chain: &[CertificateDer<'static>],
) -> Result<(), CertificateError> {
    let mut store = RootCertStore::empty();
    for &root in roots {
        store.add(root.clone()).expect("a root");
    }
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let examiner = Examiner::new(Arc::new(store), is_private, &provider).expect("an examiner");
    let name = ServerName::try_from(RELAY).expect("a name");
    let now = UnixTime::since_unix_epoch(NOW);
    match examiner.verify_server_cert(&chain[0], &chain[1..], &name, &[], now) {
        Ok(_) => Ok(()),
        Err(Error::InvalidCertificate(problem)) => Err(problem),
        Err(other) => panic!("{other}"),
    }
}

#[track_caller]
fn expect(outcome: Result<(), CertificateError>, owner: CertificateOwner, words: &str) {
    let Err(CertificateError::Other(other)) = outcome else { panic!("{outcome:?}") };
    let problem = other.0.downcast_ref::<CertificateProblem>().expect("a judged one");
    assert_eq!(problem.owner, owner, "{problem}");
    assert!(problem.to_string().contains(words), "{problem}");
}

#[test]
fn what_is_right_is_trusted() {
    let root = root("Try Root");
    let middle = below("Try Issuing", &root);
    let chain = [leaf(&[RELAY], &middle), middle.der().clone()];
    assert_eq!(examine(&[root.der()], true, &chain), Ok(()));
    assert_eq!(examine(&[root.der()], false, &chain), Ok(()));
}

#[test]
fn an_operators_slips_are_the_relays() {
    use CertificateOwner::Relay;
    let root = root("Try Root");
    let middle = below("Try Issuing", &root);
    let trusted = [root.der()];
    let by_hand = self_signed(parameters(&[RELAY], "by hand", ""));
    expect(examine(&trusted, true, &[by_hand]), Relay, "self-signed");
    let mut flagged = authority(RELAY, "");
    flagged.subject_alt_names = parameters(&[RELAY], "", "").subject_alt_names;
    let flagged = self_signed(flagged);
    expect(examine(&trusted, false, std::slice::from_ref(&flagged)), Relay, "CA:TRUE");
    // Also where it is what clients are told to trust.
    expect(examine(&[&flagged], true, std::slice::from_ref(&flagged)), Relay, "CA:TRUE");
    let only_common_name = signed(parameters(&[], RELAY, ""), &root);
    expect(examine(&trusted, true, &[only_common_name]), Relay, "subjectAltName");
    let only_common_name = self_signed(parameters(&[], RELAY, ""));
    expect(examine(&trusted, true, &[only_common_name]), Relay, "self-signed");
    expect(examine(&trusted, true, &[leaf(&[RELAY], &middle)]), Relay, "chain");
    let disordered = [middle.der().clone(), leaf(&[RELAY], &middle)];
    expect(examine(&trusted, true, &disordered), Relay, "wrong order");
    expect(examine(&trusted, true, &[leaf(&["other.test"], &root)]), Relay, "other.test");
    expect(examine(&trusted, false, &[leaf(&["www.example.com"], &root)]), Relay, "www.example.com");
}

#[test]
fn a_certificate_that_was_issued_in_public_without_its_issuer_is_the_relays() {
    let (root, public) = (root("Public Root"), root("Encrypting Authority"));
    let mut logged = parameters(&[RELAY], "server", "");
    // One signed certificate timestamp: version, log, time, no extensions, a signature.
    let signature = [&[4, 3, 0, 2][..], &[0; 2]].concat();
    let timestamp = [&[0][..], &[7; 32], &[0; 8], &[0, 0], &signature].concat();
    let entry = [&[0, timestamp.len() as u8][..], &timestamp].concat();
    let list = [&[0, entry.len() as u8][..], &entry].concat();
    let octets = [&[0x04, list.len() as u8][..], &list].concat();
    let oid = [1, 3, 6, 1, 4, 1, 11129, 2, 4, 2];
    logged.custom_extensions.push(CustomExtension::from_oid_content(&oid, octets));
    let chain = [signed(logged, &public)];
    expect(examine(&[root.der()], false, &chain), CertificateOwner::Relay, "whole chain");
}

#[test]
fn what_is_not_for_the_relay_is_a_strangers() {
    use CertificateOwner::{Stranger, Unknown};
    let (trusted, foreign) = (root("Try Root"), root("Reading Box"));
    let portal = self_signed(parameters(&["portal.hotel.test"], "portal", "Hotel"));
    expect(examine(&[trusted.der()], false, &[portal]), Stranger, "“portal” (Hotel)");
    let elsewhere = [leaf(&["other.test"], &foreign)];
    expect(examine(&[trusted.der()], true, &elsewhere), Stranger, "not trusted here: “Reading Box”");
    // Trusted, for another name: a sign-in page, or the operator's slip.
    let block_page = [leaf(&["block.test"], &trusted)];
    expect(examine(&[trusted.der()], false, &block_page), Unknown, "block.test");
}

#[test]
fn a_box_that_reads_along_is_told_from_a_missing_ca_file_where_that_can_be() {
    use CertificateOwner::{Stranger, Unknown};
    let (own, reading, same_name) = (root("Try Root"), root("Reading Box"), root("Try Root"));
    let whole = [leaf(&[RELAY], &reading), reading.der().clone()];
    expect(examine(&[own.der()], true, &whole), Stranger, "not trusted here: “Reading Box”");
    expect(examine(&[own.der()], true, &[leaf(&[RELAY], &same_name)]), Stranger, "not trusted");
    // Named like its issuer, it has not signed itself.
    let named_like_issuer = [signed(parameters(&[RELAY], "Try Root", ""), &same_name)];
    expect(examine(&[own.der()], true, &named_like_issuer), Stranger, "not trusted");
    // These two cannot be told.
    expect(examine(&[own.der()], false, &whole), Unknown, "ca_file");
    expect(examine(&[own.der()], true, &whole[..1]), Unknown, "reads along");
}

#[test]
fn dates_are_believed_only_of_what_is_the_relays_otherwise() {
    let (own, foreign) = (root("Try Root"), root("Reading Box"));
    let dated = |names: &[&str], (from, until), issuer: &Authority| {
        let mut parameters = parameters(names, "server", "");
        (parameters.not_before, parameters.not_after) =
            (date_time_ymd(from, 1, 1), date_time_ymd(until, 1, 1));
        signed(parameters, issuer)
    };
    let trusted = [own.der()];
    let expired = examine(&trusted, true, &[dated(&[RELAY], (2026, 2026), &own)]);
    assert!(expired.is_err());
    let mut expired = parameters(&[RELAY], "server", "");
    expired.not_after = date_time_ymd(2026, 2, 1);
    let expired = examine(&trusted, true, &[signed(expired, &own)]);
    assert!(matches!(expired, Err(CertificateError::ExpiredContext { .. })), "{expired:?}");
    let early = examine(&trusted, true, &[dated(&[RELAY], (2028, 2029), &own)]);
    assert!(matches!(early, Err(CertificateError::NotValidYetContext { .. })), "{early:?}");
    let mut by_a_stranger = parameters(&[RELAY], "server", "");
    by_a_stranger.not_after = date_time_ymd(2026, 2, 1);
    let by_a_stranger = [signed(by_a_stranger, &foreign), foreign.der().clone()];
    expect(examine(&trusted, true, &by_a_stranger), CertificateOwner::Stranger, "“Reading Box”");
    let mut portal = parameters(&["portal.test"], "portal", "");
    portal.not_after = date_time_ymd(2026, 2, 1);
    let portal = [signed(portal, &foreign)];
    expect(examine(&trusted, true, &portal), CertificateOwner::Stranger, "not trusted");
}

#[test]
fn hostile_names_come_out_harmless() {
    let trusted = root("Try Root");
    let hostile = self_signed(parameters(&["a.test"], "\u{1b}[2J\u{202e}\nx", &"y".repeat(5_000)));
    let Err(CertificateError::Other(other)) = examine(&[trusted.der()], true, &[hostile]) else { panic!() };
    let words = other.0.to_string();
    assert!(!words.contains(['\u{1b}', '\u{202e}', '\n']) && words.chars().count() < 500, "{words}");
}
