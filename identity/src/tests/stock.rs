//! What is accepted.

use std::fs::File;
use std::process::{Command, Stdio};

use super::workshop::text;
use super::*;

#[test]
fn every_kind_of_key_proves_its_owner() {
    for options in [
        &["-t", "ed25519"][..],
        &["-t", "ecdsa", "-b", "256"],
        &["-t", "ecdsa", "-b", "384"],
        &["-t", "ecdsa", "-b", "521"],
        &["-t", "rsa", "-b", "2048"],
    ] {
        let workshop = Workshop::new();
        workshop.key("bob", options);
        let certificate = workshop.certify("bob", "-5m:+8h");
        let asked = Asked::with(&certificate);
        let proven = judge(&workshop, &prove(&workshop, "bob", &asked), &asked).expect("believed");
        assert_eq!((proven.name.as_str(), proven.company.as_str()), ("Ada Lovelace", "Scans Ltd"));
        assert_eq!((proven.principal.as_str(), proven.serial), ("ada@scans.example", 7));
        assert_eq!(proven.authority, "Scans Ltd engineers");
        assert!(!proven.is_user_verified);
    }
}

#[test]
fn an_authority_may_have_any_kind_of_key() {
    for options in [&["-t", "rsa", "-b", "3072"][..], &["-t", "ecdsa", "-b", "384"]] {
        let workshop = Workshop::new();
        workshop.key("other-ca", options);
        let options = ["-I", "ada@scans.example", "-n", "ada@scans.example", "-V", "-5m:+8h"];
        let certificate = workshop.sign_key("other-ca", "ada", &options);
        let asked = Asked::with(&certificate);
        let proof = prove(&workshop, "ada", &asked);
        // While one authority takes over from another, both count.
        let keys = [workshop.public_key("ca"), workshop.public_key("other-ca")];
        let both = Authorities::new(&keys, &["ada@*".to_owned()], Requirement::Certificate).expect("both");
        let proven = both.judge(&proof, &asked.statement(), now()).expect("believed");
        assert_eq!(proven.name, "ada@scans.example");
        assert!(proven.company.contains('@'), "the authority's comment: {}", proven.company);
    }
}

#[test]
fn names_come_from_extensions_where_key_ids_have_another_form() {
    let workshop = Workshop::new();
    let extensions =
        ["-O", "extension:name@fieldlink=Ada Lovelace", "-O", "extension:company@fieldlink=Scans Ltd"];
    let options =
        [&["-I", "user:0815", "-n", "ada@scans.example", "-V", "-5m:+8h"][..], &extensions].concat();
    let certificate = workshop.sign_key("ca", "ada", &options);
    assert_eq!((certificate.name(), certificate.company()), ("Ada Lovelace", Some("Scans Ltd")));
    assert_eq!(certificate.key_id(), "user:0815");
}

#[test]
fn stock_tools_verify_what_is_kept() {
    let workshop = Workshop::new();
    let asked = Asked::with(&workshop.certify("ada", "-5m:+8h"));
    let proof = prove(&workshop, "ada", &asked);
    let (signers, statement, signature) =
        (workshop.path("allowed_signers"), workshop.path("statement"), workshop.path("statement.sig"));
    let line = format!("*@scans.example cert-authority {}", workshop.public_key("ca"));
    std::fs::write(&signers, line).expect("written");
    std::fs::write(&statement, proof.statement().as_bytes()).expect("written");
    std::fs::write(&signature, proof.armoured()).expect("written");
    let output = Command::new("ssh-keygen")
        .args(["-Y", "verify", "-f", text(&signers), "-I", "ada@scans.example", "-n", crate::NAMESPACE])
        .args(["-s", text(&signature)])
        .stdin(Stdio::from(File::open(&statement).expect("readable")))
        .output()
        .expect("ssh-keygen");
    let said =
        String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success() && said.contains("Good"), "{said}");
}

#[test]
fn coming_back_takes_the_key_and_not_the_hour() {
    let workshop = Workshop::new();
    let asked = Asked::with(&workshop.certify("ada", "-2h:-1h"));
    let proof = prove(&workshop, "ada", &asked);
    let fingerprint = proof.certificate().fingerprint();
    let authorities = authorities(&workshop, Requirement::Certificate);
    let back =
        |fingerprint: &str, asked: &Asked| authorities.judge_return(&proof, &asked.statement(), fingerprint);
    assert_eq!(back(&fingerprint, &asked), Ok(()));
    assert_eq!(back("SHA256:another", &asked), Err(Refusal::OtherKey));
    let mut next = asked.clone();
    next.context.run = RunId::random();
    assert_eq!(back(&fingerprint, &next), Err(Refusal::Replayed));
}
