//! Which algorithms and keys the SSH server takes.

use std::borrow::Cow;

use rand::rand_core::UnwrapErr;
use rand::rngs::SysRng;
use russh::keys::{Algorithm, PrivateKey, PublicKey};
use russh::server::Config;
use russh::{MethodKind, MethodSet, Preferred, SshId, cipher, compression, kex, mac};

/// The client chooses, and an OpenSSH with our ssh_config chooses AES-GCM. Counter mode is for what has no other
/// cipher in common with us: libssh2 before 1.11 (curl) and Paramiko before 3.5 (Ansible), as distributions have them.
/// Offered chacha20-poly1305 as well, more programs would choose it, at twice the CPU time.
const CIPHERS: &[cipher::Name] = &[cipher::AES_128_GCM, cipher::AES_256_GCM, cipher::AES_256_CTR];
/// The strict-kex markers are the answer to the Terrapin attack (CVE-2023-48795).
const KEY_EXCHANGES: &[kex::Name] = &[
    kex::MLKEM768X25519_SHA256,
    kex::CURVE25519,
    kex::CURVE25519_PRE_RFC_8731,
    kex::EXTENSION_SUPPORT_AS_SERVER,
    kex::EXTENSION_OPENSSH_STRICT_KEX_AS_SERVER,
];
/// For counter mode: AES-GCM brings its own. libssh2 before 1.11 knows only the plain one.
const MACS: &[mac::Name] = &[mac::HMAC_SHA256_ETM, mac::HMAC_SHA256];
/// Bytes that a client may send on a channel before it is told to go on. russh tells it only when half
/// is used up, so that a long line can rely on little more than half. More than this is under way at once
/// on a short line too: with 4 MiB uploads were a fifth slower there.
pub(super) const WINDOW: u32 = 3 * 1024 * 1024;
/// As OpenSSH: larger packets only cost latency.
const PACKET: u32 = 32 * 1024;
/// Packets between the library and what takes them at once (`input.rs`).
const CHANNEL_QUEUE: usize = 64;

/// A new ed25519 host key, for one session.
pub fn new_host_key() -> Result<PrivateKey, russh::keys::ssh_key::Error> {
    PrivateKey::random(&mut UnwrapErr(SysRng), Algorithm::Ed25519)
}

/// Reads the engineer's public key; nothing but ed25519 will do.
pub fn parse_engineer_key(text: &str) -> Option<PublicKey> {
    PublicKey::from_openssh(text).ok().filter(|key| key.algorithm() == Algorithm::Ed25519)
}

/// No keepalive and no inactivity timeout: the pipe notices a dead peer, and a stalled upload is
/// none. No artificial delay on rejection either: there is one key, and nothing to guess.
pub(super) fn server_config(host_key: PrivateKey) -> Config {
    Config {
        server_id: SshId::Standard(Cow::Borrowed("SSH-2.0-fieldlink")),
        methods: MethodSet::from([MethodKind::PublicKey].as_slice()),
        auth_rejection_time: std::time::Duration::ZERO,
        auth_rejection_time_initial: Some(std::time::Duration::ZERO),
        keys: vec![host_key],
        window_size: WINDOW,
        maximum_packet_size: PACKET,
        channel_buffer_size: CHANNEL_QUEUE,
        preferred: Preferred {
            kex: Cow::Borrowed(KEY_EXCHANGES),
            key: Cow::Owned(vec![Algorithm::Ed25519]),
            cipher: Cow::Borrowed(CIPHERS),
            mac: Cow::Borrowed(MACS),
            compression: Cow::Borrowed(&[compression::NONE]),
            ..Preferred::DEFAULT
        },
        max_auth_attempts: 3,
        inactivity_timeout: None,
        keepalive_interval: None,
        ..Config::default()
    }
}
