//! Whose certificates count, and for whom.

use fieldlink_protocol::timestamp;
use fieldlink_protocol::{limits, text};

use crate::pattern::Pattern;
use crate::{Certificate, Moment, Proof, Refusal, Statement, TrustedKey, TrustedKeyError};

/// What a certificate's key has to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Requirement {
    /// Any key that is supported.
    Certificate,
    /// A security key that verifies its user for each signature.
    Hardware,
}

/// Why authorities cannot be configured like this.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum AuthorityError {
    /// A line that is no key to go by.
    #[error(transparent)]
    Key(#[from] TrustedKeyError),
    /// Nothing that a principal can be compared with.
    #[error(
        "{0:?} is no pattern of principals, such as \"ada@scans.example\" or \"*@scans.example\" (\"!\" and lists mean nothing here)"
    )]
    Pattern(String),
    /// None at all.
    #[error(
        "no principals are named: say whom the authority's certificates let in here, such as \"*@scans.example\""
    )]
    NoPrincipals,
}

/// Whose certificates count, for whom, and with which keys.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Authorities {
    authorities: Vec<TrustedKey>,
    principals: Vec<Pattern>,
    requirement: Requirement,
}

/// Who the engineer is, and what says so.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proven {
    /// As the client reads it.
    pub name: String,
    /// As the client reads it: the certificate's, or else the name of the authority.
    pub company: String,
    /// What the operator calls the authority.
    pub authority: String,
    /// The fingerprint of the authority's key.
    pub authority_fingerprint: String,
    /// What the authority calls the certificate.
    pub key_id: String,
    /// The authority's number for it.
    pub serial: u64,
    /// The principal by which they came in.
    pub principal: String,
    /// The fingerprint of the engineer's key.
    pub fingerprint: String,
    /// Whether a security key verified its user.
    pub is_user_verified: bool,
}

impl Authorities {
    /// `keys` are lines of public keys, each with a comment that the client will read as the authority's name.
    pub fn new(
        keys: &[String],
        principals: &[String],
        requirement: Requirement,
    ) -> Result<Self, AuthorityError> {
        let authorities = keys.iter().map(|line| TrustedKey::from_line(line)).collect::<Result<_, _>>()?;
        let pattern = |text: &String| Pattern::new(text).ok_or_else(|| AuthorityError::Pattern(text.clone()));
        let principals = principals.iter().map(pattern).collect::<Result<Vec<_>, _>>()?;
        if principals.is_empty() {
            return Err(AuthorityError::NoPrincipals);
        }
        Ok(Self { authorities, principals, requirement })
    }

    /// Judges a proof that came with a request, at `now`: `expected` is what has to be signed here. What was revoked is
    /// looked up by the caller, afterwards: only what holds otherwise is worth it.
    pub fn judge(&self, proof: &Proof, expected: &Statement, now: Moment) -> Result<Proven, Refusal> {
        let proven = self.judge_certificate(proof.certificate(), now)?;
        self.judge_signature(proof, expected)?;
        Ok(Proven { is_user_verified: proof.is_user_verified(), ..proven })
    }

    /// Judges the proof of a run that comes back to a session, which the key with this `fingerprint` began. The
    /// certificate may have expired since, and be another one by now.
    pub fn judge_return(
        &self,
        proof: &Proof,
        expected: &Statement,
        fingerprint: &str,
    ) -> Result<(), Refusal> {
        let certificate = proof.certificate();
        if certificate.fingerprint() != fingerprint {
            return Err(Refusal::OtherKey);
        }
        self.judge_origin(certificate)?;
        self.judge_signature(proof, expected)
    }

    fn judge_signature(&self, proof: &Proof, expected: &Statement) -> Result<(), Refusal> {
        proof.check_signature()?;
        if self.requirement == Requirement::Hardware && !proof.is_user_verified() {
            return Err(Refusal::NotHardware(proof.certificate().key_id()));
        }
        expected.compare(proof.statement())
    }

    fn judge_certificate(&self, certificate: &Certificate, now: Moment) -> Result<Proven, Refusal> {
        let authority = self.judge_origin(certificate)?;
        judge_validity(certificate, now)?;
        let fits = |principal: &&str| self.principals.iter().any(|pattern| pattern.matches(principal));
        let principal =
            certificate.principals().find(fits).ok_or_else(|| Refusal::Principal(certificate.key_id()))?;
        Ok(Proven {
            name: certificate.name().to_owned(),
            company: certificate.company().unwrap_or(authority.name()).to_owned(),
            authority: authority.name().to_owned(),
            authority_fingerprint: certificate.authority_fingerprint(),
            key_id: certificate.key_id(),
            serial: certificate.serial(),
            principal: text::clean(principal, limits::NAME),
            fingerprint: certificate.fingerprint(),
            is_user_verified: false,
        })
    }

    /// The authority that signed it.
    fn judge_origin(&self, certificate: &Certificate) -> Result<&TrustedKey, Refusal> {
        let authority = self.authorities.iter().find(|authority| authority.key == *certificate.authority());
        let authority = authority.ok_or_else(|| Refusal::Authority {
            key_id: certificate.key_id(),
            authority: certificate.authority_fingerprint(),
        })?;
        if !certificate.is_signed() {
            return Err(Refusal::Forged(certificate.key_id()));
        }
        Ok(authority)
    }
}

fn judge_validity(certificate: &Certificate, now: Moment) -> Result<(), Refusal> {
    let ((after, before), key_id) = (certificate.validity(), certificate.key_id());
    if !now.is_clock_set() {
        return Err(Refusal::ClockNotSet(key_id));
    }
    if !now.is_past(after) {
        let (after, now) = (timestamp::utc(after), timestamp::utc(now.seconds()));
        return Err(Refusal::NotYetValid { key_id, after, now });
    }
    if !now.is_before(before) {
        return Err(Refusal::Expired { key_id, before: timestamp::utc(before) });
    }
    Ok(())
}
