//! From the OPAQUE session key to the keys of one session: HKDF-SHA512 (RFC 5869).
//!
//! No salt, input key material = the session key, `info = label ‖ 0x00 ‖ SHA-256(context)`. Every
//! key is 32 bytes. A pipe's own key is expanded once more with the pipe's ID and kind.

use aws_lc_rs::digest::{SHA256, digest};
use aws_lc_rs::hkdf::{HKDF_SHA512, KeyType, Prk, Salt};

use crate::{ids::PipeId, pipe::PipeKind, secret::Secret};

/// The keys that both sides derive after a successful OPAQUE run.
#[derive(Debug)]
pub struct SessionKeys {
    /// Seals control messages from the engineer to the agent.
    pub engineer_to_agent: Secret<32>,
    /// Seals control messages from the agent to the engineer.
    pub agent_to_engineer: Secret<32>,
    /// The root of every pipe's own key.
    pub pipe: Secret<32>,
    /// The password of a later OPAQUE run, should the engineer's program be started again.
    pub restart: Secret<32>,
}

impl SessionKeys {
    /// Derives all keys from `session_key` (64 bytes from OPAQUE) and the encoded pairing context.
    pub fn derive(session_key: &[u8], context: &[u8]) -> Self {
        let root = Salt::none(HKDF_SHA512).extract(session_key);
        let context_hash = digest(&SHA256, context);
        let key = |label: &str| expand(&root, &[label.as_bytes(), b"\0", context_hash.as_ref()]);
        Self {
            engineer_to_agent: key("fieldlink/1 control e2a"),
            agent_to_engineer: key("fieldlink/1 control a2e"),
            pipe: key("fieldlink/1 pipe"),
            restart: key("fieldlink/1 restart"),
        }
    }

    /// `K_pipe`, with which both sides of one pipe prove themselves.
    pub fn pipe_key(&self, pipe: PipeId, kind: PipeKind) -> Secret<32> {
        let root = Prk::new_less_safe(HKDF_SHA512, self.pipe.expose());
        expand(&root, &[pipe.as_bytes(), &[kind.code()]])
    }
}

struct KeyLength;

impl KeyType for KeyLength {
    fn len(&self) -> usize {
        32
    }
}

fn expand(root: &Prk, info: &[&[u8]]) -> Secret<32> {
    let mut key = [0; 32];
    root.expand(info, KeyLength)
        .and_then(|okm| okm.fill(&mut key))
        .expect("32 bytes are far below the limit of HKDF");
    Secret::new(key)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_key_differs_and_depends_on_the_context() {
        let (a, b) = (SessionKeys::derive(&[7; 64], b"one"), SessionKeys::derive(&[7; 64], b"two"));
        let again = SessionKeys::derive(&[7; 64], b"one");
        assert!(again.pipe.matches(a.pipe.expose()));
        let mut keys: Vec<_> = [&a, &b]
            .into_iter()
            .flat_map(|k| [&k.engineer_to_agent, &k.agent_to_engineer, &k.pipe, &k.restart])
            .map(|key| *key.expose())
            .collect();
        keys.push(*a.pipe_key(PipeId::from_bytes([1; 16]), PipeKind::Ssh).expose());
        keys.push(*a.pipe_key(PipeId::from_bytes([1; 16]), PipeKind::Control).expose());
        keys.push(*a.pipe_key(PipeId::from_bytes([2; 16]), PipeKind::Ssh).expose());
        let count = keys.len();
        keys.sort_unstable();
        keys.dedup();
        assert_eq!(keys.len(), count);
    }

    /// The schedule is part of the wire: this vector must not change within version 1.
    #[test]
    fn matches_the_written_schedule() {
        use aws_lc_rs::hmac;
        let extract = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, &[0; 64]), &[7; 64]);
        let info = [b"fieldlink/1 pipe\0".as_slice(), digest(&SHA256, b"one").as_ref(), &[1]].concat();
        let expanded = hmac::sign(&hmac::Key::new(hmac::HMAC_SHA512, extract.as_ref()), &info);
        assert!(SessionKeys::derive(&[7; 64], b"one").pipe.matches(&expanded.as_ref()[..32]));
    }
}
