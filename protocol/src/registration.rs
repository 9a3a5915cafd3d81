//! How an agent proves that a registration is its own: an ed25519 signature (RFC 8032) over the
//! relay's challenge, what is claimed, and the key itself.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::ids::{AgentKey, Challenge, Signature};

/// The agent's key pair: new at every start, in memory only.
pub struct RegistrationKey(Ed25519KeyPair);

impl RegistrationKey {
    /// Draws a key pair.
    pub fn generate() -> Self {
        Self(Ed25519KeyPair::generate().expect("key generation fails only without random numbers"))
    }

    /// The public half, by which the relay knows this start of this agent.
    pub fn public(&self) -> AgentKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.0.public_key().as_ref());
        AgentKey::from_bytes(bytes)
    }

    /// Signs `challenge` for `claim` (the support ID's digits, or a session ticket).
    pub fn sign(&self, challenge: &Challenge, claim: &str) -> Signature {
        let signature = self.0.sign(&signed_bytes(challenge, claim, &self.public()));
        let mut bytes = [0; 64];
        bytes.copy_from_slice(signature.as_ref());
        Signature::from_bytes(bytes)
    }
}

/// Whether `signature` is by the holder of `key`, for this challenge and claim.
pub fn verify(key: &AgentKey, challenge: &Challenge, claim: &str, signature: &Signature) -> bool {
    UnparsedPublicKey::new(&ED25519, key.as_bytes())
        .verify(&signed_bytes(challenge, claim, key), signature.as_bytes())
        .is_ok()
}

fn signed_bytes(challenge: &Challenge, claim: &str, key: &AgentKey) -> Vec<u8> {
    let label = b"fieldlink/1 register\0";
    [label, challenge.as_bytes().as_slice(), key.as_bytes(), claim.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_key_challenge_and_claim_verify() {
        let (key, challenge) = (RegistrationKey::generate(), Challenge::random());
        let signature = key.sign(&challenge, "482913077");
        assert!(verify(&key.public(), &challenge, "482913077", &signature));
        assert!(!verify(&key.public(), &challenge, "482913078", &signature));
        assert!(!verify(&key.public(), &Challenge::random(), "482913077", &signature));
        assert!(!verify(&RegistrationKey::generate().public(), &challenge, "482913077", &signature));
    }
}
