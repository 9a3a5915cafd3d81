//! Ed25519 public keys in OpenSSH's format: the two keys that a session trusts.

use base64::{Engine, prelude::BASE64_STANDARD as BASE64};

use crate::words::say;

const ALGORITHM: &str = "ssh-ed25519";
/// Length-prefixed algorithm, length of the key; 32 bytes of key follow.
const BLOB_START: &[u8] = b"\0\0\0\x0bssh-ed25519\0\0\0\x20";

/// An ed25519 public key: `ssh-ed25519 BASE64`, nothing before, between or after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PublicKey(String);

/// A text that is not such a key.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
#[error("{}", say!("not-a-key"))]
pub(crate) struct ParseKeyError;

impl std::str::FromStr for PublicKey {
    type Err = ParseKeyError;

    fn from_str(text: &str) -> Result<Self, ParseKeyError> {
        let encoded = text.strip_prefix(ALGORITHM).and_then(|rest| rest.strip_prefix(' '));
        let encoded = encoded.ok_or(ParseKeyError)?;
        let blob = BASE64.decode(encoded).map_err(|_| ParseKeyError)?;
        let fits = blob.len() == BLOB_START.len() + 32 && blob.starts_with(BLOB_START);
        if fits { Ok(Self(text.to_owned())) } else { Err(ParseKeyError) }
    }
}

impl std::fmt::Display for PublicKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
pub(crate) const EXAMPLE: &str =
    "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIOMqqnkVzrm0SdG6UOoqKLsabgH5C9okWi0dh2l9GKJl";

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn takes_a_bare_key_only() {
        assert_eq!(EXAMPLE.parse::<PublicKey>().map(|key| key.to_string()), Ok(EXAMPLE.into()));
        for wrong in [
            "",
            "ssh-ed25519",
            "ssh-ed25519 ",
            &format!(" {EXAMPLE}"),
            &format!("{EXAMPLE}\n"),
            &format!("{EXAMPLE} comment"),
            &format!("{EXAMPLE}\n* {EXAMPLE}"),
            &EXAMPLE.replacen("ssh-ed25519 ", "ssh-ed25519  ", 1),
            &EXAMPLE.replacen("ssh-ed25519", "ssh-rsa", 1),
            &EXAMPLE.replacen("NzaC1l", "NzaC1m", 1),
            &EXAMPLE[..EXAMPLE.len() - 4],
            &format!("{EXAMPLE}AAAA"),
        ] {
            assert_eq!(wrong.parse::<PublicKey>(), Err(ParseKeyError), "{wrong:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_taken_is_one_line_of_two_words(text in "(ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAI[A-Za-z0-9+/= \n]{30,60})|.*") {
            if let Ok(key) = text.parse::<PublicKey>() {
                let shown = key.to_string();
                prop_assert_eq!(shown.split_ascii_whitespace().count(), 2);
                prop_assert!(shown.len() == 80 && !shown.contains(['\n', '#', '%', '"']));
            }
        }
    }
}
