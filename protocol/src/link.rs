//! The link with which somebody watches a session and cannot do anything in it: which relay, the ticket that it signed,
//! and the key that it never sees.
//!
//! `https://RELAY/v1/observer/TICKET#KEY`. Nothing after the `#` is ever sent to a server (RFC 3986, section 3.5); the key
//! is 32 random bytes in base64url. It is the password of an OPAQUE run between the watching program and the agent, so what
//! the relay passes on cannot be read later by somebody who finds the link.

use aws_lc_rs::digest::{SHA256, digest};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use zeroize::Zeroizing;

use crate::endpoint;
use crate::secret::Secret;
use crate::ticket::{ObserverTicket, Signed};

/// The longest link that is read, in bytes.
pub const LONGEST: usize = 4096;
/// What it begins with.
const SCHEME: &str = "https://";

/// The key in a link's fragment.
#[derive(Debug, Clone)]
pub struct LinkKey(pub Secret<32>);

impl LinkKey {
    /// In base64url.
    pub fn encode(&self) -> Zeroizing<String> {
        BASE64.encode(self.0.expose()).into()
    }

    /// A name for files about the link: 16 hexadecimal digits of its SHA-256, from which nobody finds the key.
    pub fn fingerprint(&self) -> String {
        let hash = digest(&SHA256, self.0.expose());
        hash.as_ref()[..8].iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Reads what [`LinkKey::encode`] wrote.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = Zeroizing::new(BASE64.decode(text).ok()?);
        bytes.as_slice().try_into().ok().map(|bytes| Self(Secret::new(bytes)))
    }
}

impl PartialEq for LinkKey {
    fn eq(&self, other: &Self) -> bool {
        self.0.matches(other.0.expose())
    }
}

impl Eq for LinkKey {}

impl Serialize for LinkKey {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.encode().serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for LinkKey {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Zeroizing::new(String::deserialize(deserializer)?);
        Self::decode(&text).ok_or_else(|| serde::de::Error::custom("expected 32 bytes in base64url"))
    }
}

/// A link, taken apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObserverLink {
    /// The relay's name or address, with its port if that is not 443.
    pub relay: String,
    /// What the relay is shown.
    pub ticket: Signed<ObserverTicket>,
    /// What the agent is shown.
    pub key: LinkKey,
}

/// Why a text is no link to watch with.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum ParseLinkError {
    /// It begins or goes on differently.
    #[error("that is no link to watch a session with: it begins with https:// and has /v1/observer/ in it")]
    Foreign,
    /// A part is missing: it was cut, most likely.
    #[error("the link is not whole: copy all of it, with what stands behind the #")]
    Cut,
}

impl ObserverLink {
    /// Reads a link; spaces and line ends around it count for nothing.
    pub fn parse(text: &str) -> Result<Self, ParseLinkError> {
        let text = text.trim();
        let rest =
            text.strip_prefix(SCHEME).filter(|_| text.len() <= LONGEST).ok_or(ParseLinkError::Foreign)?;
        let (relay, rest) = rest.split_once('/').ok_or(ParseLinkError::Foreign)?;
        let path = endpoint::OBSERVER.trim_start_matches('/');
        let rest = rest.strip_prefix(path).and_then(|rest| rest.strip_prefix('/'));
        let (ticket, key) =
            rest.ok_or(ParseLinkError::Foreign)?.split_once('#').ok_or(ParseLinkError::Cut)?;
        let ticket = Signed::from_text(ticket);
        let is_host = |c: char| c.is_ascii_alphanumeric() || ".-:[]".contains(c);
        if relay.is_empty() || !relay.chars().all(is_host) {
            return Err(ParseLinkError::Foreign);
        }
        let key = LinkKey::decode(key).filter(|_| ticket.is_wellformed() && !ticket.as_str().is_empty());
        Ok(Self { relay: relay.to_owned(), ticket, key: key.ok_or(ParseLinkError::Cut)? })
    }

    /// The whole link. A secret: who has it first may watch.
    pub fn encode(&self) -> Zeroizing<String> {
        let Self { relay, ticket, key } = self;
        format!("{SCHEME}{relay}{}/{}#{}", endpoint::OBSERVER, ticket.as_str(), *key.encode()).into()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_link_is_read_back_whole_or_not_at_all() {
        let key = LinkKey(Secret::new([7; 32]));
        let link =
            ObserverLink { relay: "relay.example:8443".into(), ticket: Signed::from_text("k.b_-.t"), key };
        let text = link.encode();
        assert_eq!(ObserverLink::parse(&format!(" {}\n", *text)), Ok(link.clone()));
        assert!(!format!("{link:?}").contains("BwcHBw"), "the key is not printed");
        let (front, _) = text.split_once('#').expect("a fragment");
        for (wrong, why) in [
            (front.to_owned(), ParseLinkError::Cut),
            (text[..text.len() - 1].to_owned(), ParseLinkError::Cut),
            (text.replacen("https", "http", 1), ParseLinkError::Foreign),
            (text.replacen("observer", "pipe", 1), ParseLinkError::Foreign),
            (text.replacen("relay.example", "a b", 1), ParseLinkError::Foreign),
            (text.replacen("k.b", "k b", 1), ParseLinkError::Cut),
            (String::new(), ParseLinkError::Foreign),
        ] {
            assert_eq!(ObserverLink::parse(&wrong), Err(why), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn reads_anything_without_panicking(text in "\\PC{0,80}|https://[a-z.]{0,9}/v1/observer/[a-z.#]{0,60}|.*") {
            let _ = ObserverLink::parse(&text);
        }
    }
}
