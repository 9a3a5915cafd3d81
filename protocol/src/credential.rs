//! An engineer's credential: who they are, and the secret that proves it to the relay.
//!
//! `flk1.IDENTITY.SECRET.CHECK`, every part base64url without padding: the identity as JSON, 32
//! secret bytes, and four bytes of SHA-256 over the two parts before, which catch a damaged copy.
//! Only ID and secret ever go to the relay, and it stores a hash of the secret.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::digits::{Mark, mark};
use crate::{ids::EngineerId, limits, secret::Secret, text};

const PREFIX: &str = "flk1";
/// Characters of the last part.
const CHECK_LENGTH: usize = 6;
/// Longest credential that is read, in bytes.
pub const MAX_LENGTH: usize = 1024;

/// An engineer's identity. The pairing binds these very bytes on both sides.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EngineerIdentity {
    /// Drawn when the engineer was added.
    pub id: EngineerId,
    /// As the client reads it.
    pub name: String,
    /// As the client reads it.
    pub company: String,
}

impl EngineerIdentity {
    /// Checks that name and company fit the wire and can be shown.
    pub fn check(&self) -> Result<(), text::TextError> {
        text::check("the name", &self.name, limits::NAME)?;
        text::check("the company", &self.company, limits::NAME)
    }
}

/// An identity with its secret. Printed once, when the engineer is added.
#[derive(Debug, Clone)]
pub struct Credential {
    /// The engineer that it belongs to.
    pub engineer: EngineerIdentity,
    secret: Secret<32>,
}

/// Why a text is not a credential. Says nothing of what was in it.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseCredentialError {
    /// Something else was pasted.
    #[error("this is not a Fieldlink credential (it begins with {PREFIX}.)")]
    Foreign,
    /// A part is missing or wrong.
    #[error("this credential is damaged or incomplete: copy it again, whole")]
    Damaged,
}

impl Credential {
    /// A new credential for `engineer`.
    pub fn generate(engineer: EngineerIdentity) -> Self {
        Self { engineer, secret: Secret::random() }
    }

    /// The text that the operator hands over.
    pub fn encode(&self) -> Zeroizing<String> {
        let identity = serde_json::to_vec(&self.engineer).unwrap_or_default();
        let body = Zeroizing::new(format!(
            "{PREFIX}.{}.{}",
            BASE64.encode(identity),
            *Zeroizing::new(BASE64.encode(self.secret.expose()))
        ));
        Zeroizing::new(format!("{}.{}", *body, check_bytes(&body)))
    }

    /// Reads what the operator handed over, also as mail and editors hand it on: over several lines, quoted,
    /// with spaces and marks around it.
    pub fn parse(text: &str) -> Result<Self, ParseCredentialError> {
        let text = condense(text);
        if !begins(&text) {
            return Err(ParseCredentialError::Foreign);
        }
        Self::parse_parts(&text).ok_or(ParseCredentialError::Damaged)
    }

    /// Whether more lines could make `text` a credential, which it is not yet.
    pub fn is_begun(text: &str) -> bool {
        let text = condense(text);
        let parts: Vec<&str> = text.split('.').collect();
        let is_whole = parts.len() > 4 || (parts.len() == 4 && parts[3].len() >= CHECK_LENGTH);
        text.is_empty() || (begins(&text) && !is_whole && text.len() <= MAX_LENGTH)
    }

    fn parse_parts(text: &str) -> Option<Self> {
        let (body, check) = text.rsplit_once('.').filter(|_| text.len() <= MAX_LENGTH)?;
        let (identity, secret) = body.strip_prefix(PREFIX)?.strip_prefix('.')?.split_once('.')?;
        let engineer: EngineerIdentity = serde_json::from_slice(&BASE64.decode(identity).ok()?).ok()?;
        let secret = Zeroizing::new(BASE64.decode(secret).ok()?);
        let secret = Secret::new(secret.as_slice().try_into().ok()?);
        (check == check_bytes(body) && engineer.check().is_ok()).then_some(Self { engineer, secret })
    }

    /// What goes into the `Authorization` header after `Bearer `: ID and secret, nothing else.
    pub fn bearer(&self) -> Zeroizing<String> {
        let secret = Zeroizing::new(BASE64.encode(self.secret.expose()));
        Zeroizing::new(format!("{}.{}", self.engineer.id, *secret))
    }

    /// What the relay stores. A plain hash will do: the secret has 256 bits.
    pub fn secret_hash(&self) -> [u8; 32] {
        hash(self.secret.expose())
    }
}

fn begins(condensed: &str) -> bool {
    condensed.starts_with(concat!("flk1", "."))
}

/// Takes out what stands in no credential and comes from copying: white space, quotes and marks that are not
/// seen; what mail puts before a quoted line and behind one that it has broken.
fn condense(text: &str) -> Zeroizing<String> {
    let mut condensed = Zeroizing::new(String::with_capacity(text.len()));
    let is_mark =
        |character: char| mark(character) == Mark::Separator && !matches!(character, '.' | '-' | '_');
    for line in text.lines() {
        let line = line.trim_end().trim_end_matches('=');
        condensed.extend(line.chars().filter(|&character| !is_mark(character)));
    }
    condensed
}

/// Reads a bearer token back into the engineer's ID and the hash of the secret.
pub fn parse_bearer(token: &str) -> Option<(EngineerId, [u8; 32])> {
    let (id, secret) = token.split_once('.').filter(|_| token.len() <= MAX_LENGTH)?;
    let secret = Zeroizing::new(BASE64.decode(secret).ok()?);
    let secret: &[u8; 32] = secret.as_slice().try_into().ok()?;
    Some((id.parse().ok()?, hash(secret)))
}

fn check_bytes(body: &str) -> String {
    BASE64.encode(&digest(&SHA256, body.as_bytes()).as_ref()[..4])
}

fn hash(secret: &[u8; 32]) -> [u8; 32] {
    let mut out = [0; 32];
    out.copy_from_slice(
        digest(&SHA256, &[b"fieldlink/1 engineer secret\0".as_slice(), secret].concat()).as_ref(),
    );
    out
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn credential() -> Credential {
        let engineer = EngineerIdentity {
            id: EngineerId::random(),
            name: "Zoë".into(),
            company: "Scans & Söhne".into(),
        };
        Credential::generate(engineer)
    }

    #[test]
    fn survives_the_trip_and_hides_its_secret() {
        let credential = credential();
        let read = Credential::parse(&format!(" {}\n", *credential.encode())).expect("the same");
        assert_eq!(read.engineer, credential.engineer);
        assert_eq!(read.secret_hash(), credential.secret_hash());
        assert_eq!(
            parse_bearer(&credential.bearer()),
            Some((credential.engineer.id, credential.secret_hash()))
        );
        assert!(!format!("{credential:?}").contains(&*BASE64.encode(credential.secret.expose())));
        assert_eq!(Credential::parse("hello").err(), Some(ParseCredentialError::Foreign));
    }

    #[test]
    fn mail_may_hand_it_on() {
        let credential = credential();
        let text = credential.encode().to_string();
        let quoted: String = text
            .as_bytes()
            .chunks(70)
            .map(|line| format!("> {}\r\n", String::from_utf8_lossy(line)))
            .collect();
        let soft: String =
            text.as_bytes().chunks(75).map(|line| format!("{}=\n", String::from_utf8_lossy(line))).collect();
        for pasted in [
            format!("\u{feff}{text}"),
            format!("\n\n  \"{text}\"\n"),
            format!("<{text}>"),
            format!("\u{201c}{text}\u{201d}"),
            quoted,
            soft,
        ] {
            let read = Credential::parse(&pasted).expect(&pasted);
            assert_eq!(read.secret_hash(), credential.secret_hash());
        }
    }

    proptest! {
        /// However it is broken into lines: it is begun until the last one, and then it is whole.
        #[test]
        fn lines_are_put_together(width in 5usize..90, indent in "[ \t>]{0,4}", end in "(\n|\r\n| \n)") {
            let credential = credential();
            let text = credential.encode().to_string();
            let mut pasted = String::new();
            let lines: Vec<_> = text.as_bytes().chunks(width).collect();
            for (at, line) in lines.iter().enumerate() {
                prop_assert!(Credential::is_begun(&pasted), "{pasted}");
                pasted.push_str(&format!("{indent}{}{end}", String::from_utf8_lossy(line)));
                prop_assert!(at + 1 == lines.len() || Credential::parse(&pasted).is_err());
            }
            prop_assert!(!Credential::is_begun(&pasted));
            prop_assert_eq!(Credential::parse(&pasted).expect("whole").secret_hash(), credential.secret_hash());
        }

        #[test]
        fn a_damaged_copy_is_noticed(at in 5usize..100, with in "[A-Za-z0-9._-]") {
            let text = credential().encode().to_string();
            let at = at % text.len();
            prop_assume!(at >= 5 && text[at..=at] != with);
            let mut damaged = text.clone();
            damaged.replace_range(at..=at, &with);
            prop_assert_eq!(Credential::parse(&damaged).err(), Some(ParseCredentialError::Damaged));
            prop_assert!(Credential::parse(&text[..at]).is_err());
        }

        #[test]
        fn reads_anything_without_panicking(text in "(flk1\\.)?.*") {
            let _ = Credential::parse(&text);
            let _ = parse_bearer(&text);
        }
    }
}
