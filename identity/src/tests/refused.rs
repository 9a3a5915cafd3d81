//! What is refused, and what it is called.

use fieldlink_protocol::reason::Reason;

use super::security_key::SecurityKey;
use super::*;
use crate::{AuthorityError, CertificateError, ProofError, TrustedKeyError, signature};

fn reason_of(refused: Result<Proven, Refusal>) -> Reason {
    refused.expect_err("refused").reason()
}

#[test]
fn a_certificate_has_to_be_signed_by_an_authority_of_ours() {
    let workshop = Workshop::new();
    workshop.key("strange-ca", &["-t", "ed25519"]);
    let options = ["-I", "Ada", "-n", "ada@scans.example", "-V", "-5m:+8h"];
    let certificate = workshop.sign_key("strange-ca", "ada", &options);
    let asked = Asked::with(&certificate);
    let refused = judge(&workshop, &prove(&workshop, "ada", &asked), &asked);
    assert!(
        matches!(&refused, Err(Refusal::Authority { authority, .. }) if authority.starts_with("SHA256:"))
    );
    assert_eq!(reason_of(refused), Reason::CertificateAuthority);
}

#[test]
fn a_certificate_that_was_changed_is_not_its_authoritys() {
    let workshop = Workshop::new();
    let genuine = workshop.certify("ada", "-5m:+8h");
    let at = genuine.as_bytes().windows(4).position(|bytes| bytes == b"ada@").expect("the principal");
    let mut changed = genuine.as_bytes().to_vec();
    changed[at..at + 4].copy_from_slice(b"eve@");
    let changed = Certificate::read(&changed).expect("it still parses");
    let asked = Asked::with(&changed);
    let armoured = workshop.sign("ada", crate::NAMESPACE, asked.statement().as_bytes());
    let proof = Proof::new(changed, asked.statement(), &armoured).expect("signed by the key itself");
    assert!(matches!(judge(&workshop, &proof, &asked), Err(Refusal::Forged(_))));
}

#[test]
fn certificates_count_in_their_time_only() {
    let workshop = Workshop::new();
    let at = |validity: &str, now: Moment| {
        let asked = Asked::with(&workshop.certify("ada", validity));
        let proof = prove(&workshop, "ada", &asked);
        authorities(&workshop, Requirement::Certificate).judge(&proof, &asked.statement(), now)
    };
    assert_eq!(reason_of(at("-2h:-1h", now())), Reason::CertificateExpired);
    assert_eq!(reason_of(at("+1h:+2h", now())), Reason::CertificateNotYetValid);
    // Clocks differ a little, and that is nobody's fault.
    assert!(at("+4m:+8h", now()).is_ok());
    assert_eq!(reason_of(at("-2h:-1m", now())), Reason::CertificateExpired);
    assert_eq!(reason_of(at("-5m:+1h", later(Duration::from_secs(3601)))), Reason::CertificateExpired);
    // A scanner whose battery was out knows no better than its own release.
    let unset = Moment::of(SystemTime::UNIX_EPOCH);
    for validity in ["-2h:-1h", "-5m:+8h", "+1h:+2h", "always:forever"] {
        assert_eq!(reason_of(at(validity, unset)), Reason::ClockNotSet, "{validity}");
    }
}

#[test]
fn principals_have_to_be_let_in_here() {
    let workshop = Workshop::new();
    let options = ["-I", "Eve", "-n", "eve@elsewhere.example,root", "-V", "-5m:+8h"];
    let asked = Asked::with(&workshop.sign_key("ca", "ada", &options));
    let refused = judge(&workshop, &prove(&workshop, "ada", &asked), &asked);
    assert_eq!(reason_of(refused), Reason::CertificatePrincipal);
}

#[test]
fn certificates_of_other_kinds_are_refused_by_name() {
    let workshop = Workshop::new();
    let refused = |options: &[&str]| {
        let (authority, key) = (workshop.path("ca"), workshop.path("ada.pub"));
        let options = [&["-q", "-s", workshop::text(&authority)], options, &[workshop::text(&key)]].concat();
        workshop.keygen(&options);
        Certificate::from_openssh(&workshop.certificate_line("ada")).expect_err("refused")
    };
    assert_eq!(refused(&["-h", "-I", "Ada", "-n", "host"]), CertificateError::Host);
    assert_eq!(refused(&["-I", "Ada"]), CertificateError::NoPrincipal);
    assert_eq!(refused(&["-I", " ", "-n", "ada@scans.example"]), CertificateError::Nameless);
    for option in ["force-command=true", "source-address=10.0.0.0/8", "critical:odd@example.com=x"] {
        let error = refused(&["-I", "Ada", "-n", "a", "-O", option]).to_string();
        let name = option.trim_start_matches("critical:").split('=').next().expect("a name");
        assert!(error.contains(name), "{error}");
    }
    let plain = Certificate::from_openssh(&workshop.public_key("ada"));
    assert_eq!(plain, Err(CertificateError::PlainKey));
    let dsa = "ssh-dss-cert-v01@openssh.com AAAA";
    let error = Certificate::from_openssh(dsa).expect_err("no such kind").to_string();
    assert!(error.contains("ssh-dss") || error.contains("damaged"), "{error}");
    let future = Certificate::from_openssh("ssh-mldsa-cert-v01@openssh.com AAAA").expect_err("no such kind");
    assert!(future.to_string().contains("ssh-mldsa"), "{future}");
    workshop.key("small", &["-t", "rsa", "-b", "1024"]);
    let (authority, key) = (workshop.path("ca"), workshop.path("small.pub"));
    workshop.keygen(&["-q", "-s", workshop::text(&authority), "-I", "A", "-n", "a", workshop::text(&key)]);
    let small = Certificate::from_openssh(&workshop.certificate_line("small")).expect_err("refused");
    assert!(small.to_string().contains("1024 bits"), "{small}");
}

#[test]
fn a_signature_for_something_else_is_none() {
    let workshop = Workshop::new();
    let certificate = workshop.certify("ada", "-5m:+8h");
    let asked = Asked::with(&certificate);
    for namespace in ["file", "git", "fieldlink-engage@v2"] {
        let armoured = workshop.sign("ada", namespace, asked.statement().as_bytes());
        let error =
            Proof::new(certificate.clone(), asked.statement(), &armoured).expect_err("another purpose");
        assert_eq!(error, ProofError::Namespace(namespace.into()));
        // As somebody else's program would send it.
        let proof = prove(&workshop, "ada", &asked);
        let ours = [&(crate::NAMESPACE.len() as u32).to_be_bytes()[..], crate::NAMESPACE.as_bytes()].concat();
        let theirs = [&(namespace.len() as u32).to_be_bytes()[..], namespace.as_bytes()].concat();
        let mut bytes = proof.encode();
        let at = bytes.windows(ours.len()).rposition(|bytes| bytes == ours).expect("the namespace");
        bytes.splice(at..at + ours.len(), theirs);
        let proof = Proof::read(&bytes).expect("well-formed");
        assert_eq!(reason_of(judge(&workshop, &proof, &asked)), Reason::ProofNamespace);
    }
}

#[test]
fn a_signature_holds_for_one_request_alone() {
    let workshop = Workshop::new();
    let asked = Asked::with(&workshop.certify("ada", "-5m:+8h"));
    let proof = prove(&workshop, "ada", &asked);
    let changed = |change: fn(&mut Asked)| {
        let mut other = asked.clone();
        change(&mut other);
        reason_of(judge(&workshop, &proof, &other))
    };
    assert_eq!(changed(|asked| asked.ke1[3] ^= 1), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.engineer.name = "Eve".into()), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.engineer.id = EngineerId::random()), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.ticket = "T-2".into()), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.partner = Some("Eve".into())), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.certificate = [0; 32]), Reason::ProofAltered);
    assert_eq!(changed(|asked| asked.context.run = RunId::random()), Reason::ProofReplayed);
    assert_eq!(changed(|asked| asked.context.session = SessionId::random()), Reason::ProofReplayed);
    assert_eq!(changed(|asked| asked.agent = AgentKey::random()), Reason::ProofOtherScanner);
    assert!(judge(&workshop, &proof, &asked).is_ok());
}

#[test]
fn another_keys_signature_is_none() {
    let workshop = Workshop::new();
    let certificate = workshop.certify("ada", "-5m:+8h");
    workshop.key("eve", &["-t", "ed25519"]);
    let asked = Asked::with(&certificate);
    let armoured = workshop.sign("eve", crate::NAMESPACE, asked.statement().as_bytes());
    let refused = Proof::new(certificate.clone(), asked.statement(), &armoured);
    assert_eq!(refused, Err(ProofError::OtherKey));
    let armoured = workshop.sign("ada", crate::NAMESPACE, b"something else");
    let refused = Proof::new(certificate, asked.statement(), &armoured);
    assert_eq!(refused, Err(ProofError::Signature));
    // The last byte of what travels is the signature's.
    let mut bytes = prove(&workshop, "ada", &asked).encode();
    *bytes.last_mut().expect("some") ^= 1;
    let proof = Proof::read(&bytes).expect("well-formed");
    assert_eq!(reason_of(judge(&workshop, &proof, &asked)), Reason::ProofSignature);
}

#[test]
fn hardware_is_told_from_software() {
    let workshop = Workshop::new();
    let asked = Asked::with(&workshop.certify("ada", "-5m:+8h"));
    let proof = prove(&workshop, "ada", &asked);
    let authorities = authorities(&workshop, Requirement::Hardware);
    let refused = authorities.judge(&proof, &asked.statement(), now());
    assert_eq!(reason_of(refused), Reason::CertificateNotHardware);
    let verified = ["-I", "Ada", "-n", "ada@scans.example", "-V", "-5m:+8h", "-O", "verify-required"];
    let asked = Asked::with(&workshop.sign_key("ca", "ada", &verified));
    let refused = judge(&workshop, &prove(&workshop, "ada", &asked), &asked);
    assert_eq!(reason_of(refused), Reason::CertificateNotHardware);
}

#[test]
fn security_keys_prove_that_they_were_touched_and_by_whom() {
    let workshop = Workshop::new();
    let key = SecurityKey::new();
    std::fs::write(workshop.path("sk.pub"), key.line()).expect("written");
    for (options, flags, requirement, refused) in [
        (&[][..], 0x05, Requirement::Hardware, None),
        (&[], 0x01, Requirement::Certificate, None),
        (&["-O", "verify-required"], 0x05, Requirement::Certificate, None),
        (&[], 0x01, Requirement::Hardware, Some(Reason::CertificateNotHardware)),
        (&["-O", "verify-required"], 0x01, Requirement::Certificate, Some(Reason::CertificateNotHardware)),
    ] {
        let options = [&["-I", "Ada", "-n", "ada@scans.example", "-V", "-5m:+8h"], options].concat();
        let certificate = workshop.sign_key("ca", "sk", &options);
        let asked = Asked::with(&certificate);
        let armoured = key.armoured(asked.statement().as_bytes(), flags);
        let proof = Proof::new(certificate, asked.statement(), &armoured).expect("it fits");
        let proof = Proof::read(&proof.encode()).expect("it survives the trip");
        let judged = authorities(&workshop, requirement).judge(&proof, &asked.statement(), now());
        assert_eq!(judged.as_ref().err().map(Refusal::reason), refused, "{options:?} {flags}");
        assert!(judged.is_ok_and(|proven| proven.is_user_verified) == (flags == 0x05 && refused.is_none()));
        let fingerprint = proof.certificate().fingerprint();
        let back = authorities(&workshop, requirement).judge_return(&proof, &asked.statement(), &fingerprint);
        assert_eq!(back.err().map(|refusal| refusal.reason()), refused);
    }
    // Nobody touched it.
    let asked = Asked::with(&workshop.certificate("sk"));
    let armoured = key.armoured(asked.statement().as_bytes(), 0);
    let unsigned = Proof::new(workshop.certificate("sk"), asked.statement(), &armoured);
    assert_eq!(unsigned, Err(ProofError::Signature));
}

#[test]
fn authorities_are_keys_with_somebody_to_let_in() {
    let workshop = Workshop::new();
    let line = workshop.public_key("ca");
    let make = |key: &str, principals: &[&str]| {
        let principals: Vec<_> = principals.iter().map(|&text| text.to_owned()).collect();
        Authorities::new(&[key.to_owned()], &principals, Requirement::Certificate)
    };
    assert!(make(&line, &["*@scans.example"]).is_ok());
    assert_eq!(make(&line, &[]), Err(AuthorityError::NoPrincipals));
    assert_eq!(make(&line, &["a b"]), Err(AuthorityError::Pattern("a b".into())));
    assert!(matches!(make("nonsense", &["a"]), Err(AuthorityError::Key(TrustedKeyError::NoKey(_)))));
    workshop.certify("ada", "-5m:+8h");
    let certificate = make(&workshop.certificate_line("ada"), &["a"]).expect_err("no authority");
    assert!(!certificate.to_string().is_empty());
}

#[test]
fn what_a_security_key_signs_carries_its_owners_touch() {
    // A security key's signature has the flags behind it, and these are signed with the rest: PROTOCOL.u2f.
    let security_key = SecurityKey::new();
    let signed = |flags: u8| {
        let signature = security_key.sign(b"message", flags);
        let key = security_key.public_key();
        (signature::verify(&key, b"message", &signature), signature::is_user_verified(&key, &signature))
    };
    assert_eq!(signed(0), (false, false));
    assert_eq!(signed(0x04), (false, true));
    assert_eq!(signed(0x01), (true, false));
    assert_eq!(signed(0x05), (true, true));
}
