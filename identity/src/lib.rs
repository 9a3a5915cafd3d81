//! Who an engineer is, proven to the scanner by an OpenSSH certificate that an authority of the scanner's own choice
//! signed.
//!
//! The engineer's side signs a [`Statement`] as SSHSIG, with the key that the [`Certificate`] names, and sends both as
//! a [`Proof`] with the first message of a pairing. The scanner judges it by its [`Authorities`] before a try of the
//! PIN is charged. [`DetachedSignature`] is what lies beside a file that the owner of a [`TrustedKey`] may have signed.
//! Nothing here opens a file or reads a clock: callers pass bytes and the [`Moment`].
//!
//! Formats: certificates, draft-miller-ssh-cert (OpenSSH's PROTOCOL.certkeys); signatures, OpenSSH's PROTOCOL.sshsig
//! and PROTOCOL.u2f; revocation lists, OpenSSH's PROTOCOL.krl.

mod authority;
mod certificate;
mod detached;
mod moment;
mod pattern;
mod proof;
mod refusal;
mod revocation;
mod signature;
mod signing_key;
mod statement;
#[cfg(test)]
mod tests;

pub use authority::{Authorities, AuthorityError, Proven, Requirement};
pub use certificate::{Certificate, CertificateError};
pub use detached::{DetachedSignature, TrustedKey, TrustedKeyError, UnreadableSignature};
pub use moment::{Moment, RELEASED};
pub use proof::Proof;
pub use refusal::{ProofError, Refusal};
pub use revocation::{RevocationError, RevocationList};
pub use signing_key::{SigningKey, SigningKeyError};
pub use statement::{Claim, Statement};

/// The SSHSIG namespace of a [`Statement`]: a signature made for anything else is none here.
pub const NAMESPACE: &str = "fieldlink-engage@v1";
/// Longest certificate, in bytes, as it travels (not in base64).
pub const CERTIFICATE: usize = 6 * 1024;
