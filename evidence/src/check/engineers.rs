//! What engineers have signed, against what the account says of them.

use fieldlink_identity::{Claim, Proof};

use super::account::{Account, ProofEvent};
use super::contents::{Contents, LONGEST_SMALL, read_text};
use super::findings::EngineerFindings;
use super::plain::Plain;
use super::problem::Problem;
use crate::files::Files;

pub(super) fn check(
    files: &dyn Files,
    account: &Account,
    contents: &Contents,
) -> Result<Vec<EngineerFindings>, Problem> {
    account.proofs.iter().map(|event| check_one(files, account, contents, event)).collect()
}

fn check_one(
    files: &dyn Files,
    account: &Account,
    contents: &Contents,
    event: &ProofEvent,
) -> Result<EngineerFindings, Problem> {
    let unnamed = Problem::Event { line: event.line, what: "the files of the proof are not named" };
    let name = |part| event.certified.text(part);
    let (Some(statement), Some(signature), Some(certificate)) =
        (name("statement"), name("signature"), name("certificate"))
    else {
        return Err(unnamed);
    };
    let wrong = |why: String| Problem::Engineer { line: event.line, file: statement.to_owned(), why };
    if let Some(absent) =
        [statement, signature, certificate].into_iter().find(|name| contents.seal(name).is_none())
    {
        return Err(wrong(format!("SHA256SUMS does not list {absent:?}")));
    }
    let said =
        files.read(statement, LONGEST_SMALL).map_err(|error| Problem::unreadable(statement, &error))?;
    let signature = read_text(files, signature, LONGEST_SMALL)?;
    let certificate = read_text(files, certificate, LONGEST_SMALL)?;
    let line =
        certificate_line(&certificate).ok_or_else(|| wrong("the certificate is not one line".into()))?;
    let proof = Proof::from_texts(&said, &signature, line).map_err(|refusal| wrong(refusal.to_string()))?;
    let claim = proof.statement().claim().ok_or_else(|| wrong("it is no request of an engineer's".into()))?;
    compare(event, &proof)
        .and_then(|()| compare_claim(event, &proof, &claim, account))
        .map_err(|what| wrong(format!("the account says something else of {what}")))?;
    Ok(findings(event, &proof, claim))
}

/// A certificate's line: its type, its encoding and maybe a comment, with or without its end.
fn certificate_line(text: &str) -> Option<&str> {
    let line = text.strip_suffix('\n').unwrap_or(text);
    let (kind, rest) = line.split_once(' ')?;
    let encoded = rest.split(' ').next()?;
    let is_plain = !line.contains(char::is_control) && !kind.is_empty() && !encoded.is_empty();
    is_plain.then(|| &line[..kind.len() + 1 + encoded.len()])
}

/// Names the first thing that the event says otherwise than the certificate.
fn compare(event: &ProofEvent, proof: &Proof) -> Result<(), &'static str> {
    let (said, certificate) = (&event.certified, proof.certificate());
    let equal: [(&str, bool); 5] = [
        ("fingerprint", said.text("fingerprint") == Some(&certificate.fingerprint())),
        (
            "authority_fingerprint",
            said.text("authority_fingerprint") == Some(&certificate.authority_fingerprint()),
        ),
        ("serial", said.natural("serial") == Some(certificate.serial())),
        ("key_id", said.text("key_id") == Some(&certificate.key_id())),
        ("user_verified", said.truth("user_verified") == Some(proof.is_user_verified())),
    ];
    equal.into_iter().find(|(_, is_equal)| !is_equal).map_or(Ok(()), |(what, _)| Err(what))
}

/// Names the first thing that the event says otherwise than what the engineer signed: a proof from another session
/// proves nothing here.
fn compare_claim(
    event: &ProofEvent,
    proof: &Proof,
    claim: &Claim,
    account: &Account,
) -> Result<(), &'static str> {
    let person: &Plain = &event.person;
    let equal: [(&str, bool); 4] = [
        ("the session", event.is_guest || claim.session == account.session),
        ("run", person.text("run") == Some(&claim.run.to_string())),
        ("engineer", person.text("engineer") == Some(&claim.engineer.to_string())),
        ("the certificate", claim.certificate == proof.certificate().hash()),
    ];
    equal.into_iter().find(|(_, is_equal)| !is_equal).map_or(Ok(()), |(what, _)| Err(what))
}

fn findings(event: &ProofEvent, proof: &Proof, claim: Claim) -> EngineerFindings {
    let certificate = proof.certificate();
    EngineerFindings {
        seat: event.seat,
        line: event.line,
        name: certificate.name().to_owned(),
        key_id: certificate.key_id(),
        fingerprint: certificate.fingerprint(),
        authority_fingerprint: certificate.authority_fingerprint(),
        validity: certificate.validity(),
        user_verified: proof.is_user_verified(),
        claim,
    }
}
