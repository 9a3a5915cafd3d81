//! How an agent proves that a registration is its own: an ed25519 signature (RFC 8032) over the
//! relay's challenge, what is claimed, and the key itself.

use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};

use crate::ids::{AgentKey, Challenge, Signature};
use crate::secret::Secret;

/// The agent's key pair: new at every start of remote access.
pub struct RegistrationKey {
    pair: Ed25519KeyPair,
    seed: Secret<32>,
}

impl RegistrationKey {
    /// Draws a key pair.
    pub fn generate() -> Self {
        Self::from_seed(Secret::random())
    }

    /// The key pair of a seed: the 32 bytes of the private key (RFC 8032, section 5.1.5).
    pub fn from_seed(seed: Secret<32>) -> Self {
        let pair = Ed25519KeyPair::from_seed_unchecked(seed.expose());
        Self { pair: pair.expect("every 32 bytes are a seed"), seed }
    }

    /// What [`Self::from_seed`] takes.
    pub fn seed(&self) -> Secret<32> {
        self.seed.clone()
    }

    /// The public half, by which the relay knows this start of this agent.
    pub fn public(&self) -> AgentKey {
        let mut bytes = [0; 32];
        bytes.copy_from_slice(self.pair.public_key().as_ref());
        AgentKey::from_bytes(bytes)
    }

    /// Signs `challenge` for `claim` (the support ID's digits, or a session ticket).
    pub fn sign(&self, challenge: &Challenge, claim: &str) -> Signature {
        let signature = self.pair.sign(&signed_bytes(challenge, claim, &self.public()));
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
