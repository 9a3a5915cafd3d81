//! Proofs as a record keeps them.

use super::security_key::SecurityKey;
use super::*;

/// Statement, signature and certificate, as they are kept.
struct Kept {
    statement: Vec<u8>,
    signature: String,
    certificate: String,
}

impl Kept {
    fn of(proof: &Proof, certificate: String) -> Self {
        Self { statement: proof.statement().as_bytes().to_vec(), signature: proof.armoured(), certificate }
    }

    fn read(&self) -> Result<Proof, Refusal> {
        Proof::from_texts(&self.statement, &self.signature, &self.certificate)
    }
}

#[test]
fn what_was_kept_is_read_again() {
    for options in [&["-t", "ed25519"][..], &["-t", "ecdsa", "-b", "384"], &["-t", "rsa", "-b", "2048"]] {
        let workshop = Workshop::new();
        workshop.key("bob", options);
        let asked = Asked::with(&workshop.certify("bob", "-5m:+8h"));
        let proof = prove(&workshop, "bob", &asked);
        let kept = Kept::of(&proof, workshop.certificate_line("bob"));
        assert_eq!(kept.read(), Ok(proof.clone()));
        let claim = proof.statement().claim().expect("a request");
        assert_eq!((claim.session, claim.run), (asked.context.session, asked.context.run));
        assert_eq!((claim.ticket.as_str(), claim.partner), ("T-1", None));
        assert_eq!(claim.certificate, proof.certificate().hash());
    }
}

#[test]
fn a_kept_proof_tells_of_the_touch() {
    let (workshop, key) = (Workshop::new(), SecurityKey::new());
    std::fs::write(workshop.path("sk.pub"), key.line()).expect("written");
    for (options, flags, is_read) in [
        (&[][..], 0x05, true),
        (&[], 0x01, true),
        (&[], 0x04, false),
        (&["-O", "verify-required"], 0x05, true),
        (&["-O", "verify-required"], 0x01, false),
    ] {
        let options = [&["-I", "Ada", "-n", "ada@scans.example", "-V", "-5m:+8h"], options].concat();
        let certificate = workshop.sign_key("ca", "sk", &options);
        let asked = Asked::with(&certificate);
        let armoured = key.armoured(asked.statement().as_bytes(), 0x05);
        let proof = Proof::new(certificate.clone(), asked.statement(), &armoured).expect("it fits");
        let mut kept = Kept::of(&proof, workshop.certificate_line("sk"));
        kept.signature = key.certified(&certificate, asked.statement().as_bytes(), flags);
        let read = kept.read();
        assert_eq!(read.is_ok(), is_read, "{options:?} {flags}: {read:?}");
        assert!(read.is_ok_and(|proof| proof.is_user_verified()) == (is_read && flags == 0x05));
    }
}

#[test]
fn nothing_of_a_kept_proof_can_be_another_one() {
    let workshop = Workshop::new();
    let asked = Asked::with(&workshop.certify("ada", "-5m:+8h"));
    let proof = prove(&workshop, "ada", &asked);
    let kept = || Kept::of(&proof, workshop.certificate_line("ada"));
    let mut changed = kept();
    changed.statement.push(0);
    assert_eq!(changed.read(), Err(Refusal::Signature("Ada Lovelace (Scans Ltd)".into())));
    for edit in [
        |text: &str| format!("{text}\n"),
        |text: &str| text.replace('\n', "\r\n"),
        |text: &str| text.trim().into(),
    ] {
        let kept = Kept { signature: edit(&kept().signature), ..kept() };
        assert_eq!(kept.read(), Err(Refusal::Unreadable(crate::ProofError::Malformed)));
    }
    let mut other = kept();
    other.certificate = {
        workshop.certify("ada", "-5m:+9h");
        workshop.certificate_line("ada")
    };
    assert_eq!(other.read(), Err(Refusal::Unreadable(crate::ProofError::OtherKey)));
    // Without the certificate in it, as ssh-keygen signs with a plain key.
    let mut plain = kept();
    plain.signature = workshop.sign("ada", crate::NAMESPACE, &plain.statement);
    plain.certificate = proof_line(&proof);
    assert_eq!(plain.read(), Err(Refusal::Unreadable(crate::ProofError::OtherKey)));
}

fn proof_line(proof: &Proof) -> String {
    proof.certificate().parsed().to_openssh().expect("a line")
}
