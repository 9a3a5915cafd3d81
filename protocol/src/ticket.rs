//! What the relay signs so that it need not remember: pipe tickets, session tickets, leases.
//!
//! A token is `KID.BODY.TAG`: the key's name, the claims as JSON in base64url, and HMAC-SHA256
//! (RFC 2104) over `PURPOSE ‖ 0x00 ‖ KID.BODY`. There is one key per purpose, derived from a master
//! key, so that a lease can never be shown as a ticket. Times are Unix seconds.

use std::fmt;
use std::marker::PhantomData;

use aws_lc_rs::{hkdf, hmac};
use base64::{Engine, prelude::BASE64_URL_SAFE_NO_PAD as BASE64};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de::DeserializeOwned};

use crate::code::Code;
use crate::ids::{AgentKey, EngineerId, ObserverId, PipeId, RunId, SessionId};
use crate::pipe::{PipeKind, Role};
use crate::secret::Secret;
use crate::support_id::SupportId;

/// A token as it travels: the text of a signed `C`, or what claims to be one until a relay has verified it. A pipe
/// ticket cannot stand where a session ticket belongs. Never logged: a peer that shows it gets in.
#[derive(Clone, PartialEq, Eq)]
pub struct Signed<C> {
    text: String,
    claims: PhantomData<fn() -> C>,
}

impl<C> Signed<C> {
    /// What claims to be one.
    pub fn from_text(text: impl Into<String>) -> Self {
        Self { text: text.into(), claims: PhantomData }
    }

    /// For a header or a message.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Whether it could be one: short enough, and of characters that a header carries.
    pub fn is_wellformed(&self) -> bool {
        let is_fit = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
        self.text.len() <= MAX_LENGTH && self.text.bytes().all(is_fit)
    }
}

impl<C> AsRef<str> for Signed<C> {
    fn as_ref(&self) -> &str {
        self.as_str()
    }
}

impl<C> fmt::Debug for Signed<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Signed({} bytes)", self.text.len())
    }
}

impl<C> Serialize for Signed<C> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.text.serialize(serializer)
    }
}

impl<'de, C> Deserialize<'de> for Signed<C> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(Self::from_text)
    }
}

/// Longest token that is read, in bytes.
pub const MAX_LENGTH: usize = 2048;

/// What a token is for. Each purpose has its own key.
pub trait Claims: Serialize + DeserializeOwned {
    /// Goes into the key derivation and under the tag.
    const PURPOSE: &'static str;
    /// Not valid before and not valid from, in Unix seconds.
    fn validity(&self) -> (u64, u64);
}

/// Lets one side attach to one pipe of one session.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PipeTicket {
    /// The relay node that issued it.
    pub node: String,
    /// The session it belongs to.
    pub session: SessionId,
    /// The pairing run in which it was issued.
    pub run: RunId,
    /// The pipe it opens.
    pub pipe: PipeId,
    /// What the pipe carries.
    pub kind: Code<PipeKind>,
    /// Which side may attach with it.
    pub side: Code<Role>,
    /// The engineer whose session it is.
    pub subject: EngineerId,
    /// The support case.
    pub reference: String,
    /// Unix seconds: when the session was requested.
    pub not_before: u64,
    /// Unix seconds: from then on it is refused.
    pub expires: u64,
}

/// Restores a session at a relay that was started again, for one side.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionTicket {
    /// The relay node that issued it.
    pub node: String,
    /// The session it belongs to.
    pub session: SessionId,
    /// Which side may show it.
    pub side: Code<Role>,
    /// The engineer whose session it is.
    pub subject: EngineerId,
    /// The agent's registration key.
    pub agent_key: AgentKey,
    /// The latest run in which the two paired.
    pub run: RunId,
    /// The control pipe of that run.
    pub control: PipeId,
    /// How often the two have paired: of two tickets the one with the higher number is the later.
    pub pairing: u32,
    /// Unix seconds: when the session was requested.
    pub not_before: u64,
    /// Unix seconds: from then on it is refused.
    pub expires: u64,
}

/// Lets somebody without a credential watch one session: the relay's half of an observer's link.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObserverTicket {
    /// The relay node that issued it.
    pub node: String,
    /// The session it belongs to.
    pub session: SessionId,
    /// The link that it is for.
    pub observer: ObserverId,
    /// The engineer whose session it is.
    pub subject: EngineerId,
    /// Unix seconds: when the session was requested.
    pub not_before: u64,
    /// Unix seconds: from then on it is refused.
    pub expires: u64,
}

/// When an agent registered a support ID. The later one is the greater one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tenure {
    /// The relay's boot number at that time.
    pub boot: u64,
    /// Which registration of that boot it was.
    pub sequence: u64,
}

/// Proves that a support ID was this agent's before the relay was started again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Lease {
    /// The relay node that issued it.
    pub node: String,
    /// The support ID it is about.
    pub support_id: SupportId,
    /// The key of the agent that registered.
    pub agent_key: AgentKey,
    /// The registration for which it was issued.
    pub tenure: Tenure,
    /// What the agent had proved at that registration: its latest one of an earlier boot.
    pub earlier: Option<Tenure>,
    /// Unix seconds: from then on it counts for nothing.
    pub expires: u64,
}

impl Claims for PipeTicket {
    const PURPOSE: &'static str = "fieldlink/1 pipe ticket";
    fn validity(&self) -> (u64, u64) {
        (self.not_before, self.expires)
    }
}

impl Claims for SessionTicket {
    const PURPOSE: &'static str = "fieldlink/1 session ticket";
    fn validity(&self) -> (u64, u64) {
        (self.not_before, self.expires)
    }
}

impl Claims for ObserverTicket {
    const PURPOSE: &'static str = "fieldlink/1 observer ticket";
    fn validity(&self) -> (u64, u64) {
        (self.not_before, self.expires)
    }
}

impl Claims for Lease {
    const PURPOSE: &'static str = "fieldlink/1 lease";
    fn validity(&self) -> (u64, u64) {
        (0, self.expires)
    }
}

/// Why a token is refused.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum TicketError {
    /// Not a token, or its claims do not parse.
    #[error("the ticket is malformed")]
    Malformed,
    /// No key by that name (any more).
    #[error("the ticket's key is not known here")]
    UnknownKey,
    /// The tag does not fit.
    #[error("the ticket is forged")]
    Forged,
    /// Shown too early: a clock is wrong.
    #[error("the ticket is not valid yet")]
    Early,
    /// Shown too late.
    #[error("the ticket has expired")]
    Expired,
}

/// Seconds by which a relay's clock may step back without invalidating its own tickets.
const CLOCK_LEEWAY: u64 = 60;

/// A master key with its name.
#[derive(Debug, Clone)]
pub struct TicketKey {
    /// Names the key in every token. Letters and digits.
    pub kid: String,
    /// 32 random bytes.
    pub master: Secret<32>,
}

/// The keys of a relay: the first one signs, all of them verify.
#[derive(Debug, Clone)]
pub struct TicketKeys(Vec<TicketKey>);

impl TicketKeys {
    /// `current` signs; `previous` ones are still accepted.
    pub fn new(current: TicketKey, previous: Vec<TicketKey>) -> Self {
        let mut keys = vec![current];
        keys.extend(previous);
        Self(keys)
    }

    /// Signs `claims` with the current key.
    pub fn sign<C: Claims>(&self, claims: &C) -> Signed<C> {
        let key = &self.0[0];
        let body = BASE64.encode(serde_json::to_vec(claims).unwrap_or_default());
        let signed = format!("{}.{body}", key.kid);
        let tag = hmac::sign(&purpose_key::<C>(key), &tagged_bytes::<C>(&signed));
        Signed::from_text(format!("{signed}.{}", BASE64.encode(tag)))
    }

    /// Verifies `token` at `now` (Unix seconds) and returns its claims.
    pub fn verify<C: Claims>(&self, token: &Signed<C>, now: u64) -> Result<C, TicketError> {
        let token = token.as_str();
        let (signed, tag) =
            token.rsplit_once('.').filter(|_| token.len() <= MAX_LENGTH).ok_or(TicketError::Malformed)?;
        let (kid, body) = signed.split_once('.').ok_or(TicketError::Malformed)?;
        let key = self.0.iter().find(|key| key.kid == kid).ok_or(TicketError::UnknownKey)?;
        let tag = BASE64.decode(tag).map_err(|_| TicketError::Malformed)?;
        hmac::verify(&purpose_key::<C>(key), &tagged_bytes::<C>(signed), &tag)
            .map_err(|_| TicketError::Forged)?;
        let claims: C = BASE64
            .decode(body)
            .ok()
            .and_then(|body| serde_json::from_slice(&body).ok())
            .ok_or(TicketError::Malformed)?;
        match claims.validity() {
            (from, _) if now + CLOCK_LEEWAY < from => Err(TicketError::Early),
            (_, until) if now >= until => Err(TicketError::Expired),
            _ => Ok(claims),
        }
    }
}

fn purpose_key<C: Claims>(key: &TicketKey) -> hmac::Key {
    let root = hkdf::Prk::new_less_safe(hkdf::HKDF_SHA256, key.master.expose());
    let info = [C::PURPOSE.as_bytes()];
    let okm = root.expand(&info, hmac::HMAC_SHA256).expect("one block is within the limit of HKDF");
    hmac::Key::from(okm)
}

fn tagged_bytes<C: Claims>(signed: &str) -> Vec<u8> {
    [C::PURPOSE.as_bytes(), b"\0", signed.as_bytes()].concat()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn keys(kid: &str) -> TicketKey {
        TicketKey { kid: kid.into(), master: Secret::random() }
    }

    fn ticket() -> PipeTicket {
        PipeTicket {
            node: "a".into(),
            session: SessionId::random(),
            run: RunId::random(),
            pipe: PipeId::random(),
            kind: PipeKind::Ssh.into(),
            side: Role::Agent.into(),
            subject: EngineerId::random(),
            reference: "T-1".into(),
            not_before: 1_000,
            expires: 2_000,
        }
    }

    #[test]
    fn is_valid_for_its_time_and_purpose_only() {
        let keys = TicketKeys::new(keys("k1"), vec![]);
        let token = keys.sign(&ticket());
        assert!(keys.verify(&token, 1_500).is_ok());
        assert_eq!(keys.verify(&token, 2_000), Err(TicketError::Expired));
        assert_eq!(keys.verify(&token, 900), Err(TicketError::Early));
        let passed_off = Signed::<SessionTicket>::from_text(token.as_str());
        assert_eq!(keys.verify(&passed_off, 1_500), Err(TicketError::Forged));
        let other = TicketKeys::new(TicketKey { kid: "k1".into(), master: Secret::random() }, vec![]);
        assert_eq!(other.verify(&token, 1_500), Err(TicketError::Forged));
    }

    #[test]
    fn a_rotated_key_still_verifies_until_it_is_dropped() {
        let (old, new) = (keys("k1"), keys("k2"));
        let token = TicketKeys::new(old.clone(), vec![]).sign(&ticket());
        assert!(TicketKeys::new(new.clone(), vec![old]).verify(&token, 1_500).is_ok());
        assert_eq!(TicketKeys::new(new, vec![]).verify(&token, 1_500), Err(TicketError::UnknownKey));
    }

    proptest! {
        #[test]
        fn no_changed_character_passes(at in any::<prop::sample::Index>(), with in "[A-Za-z0-9._-]") {
            let keys = TicketKeys::new(keys("k1"), vec![]);
            let token = keys.sign(&ticket());
            let at = at.index(token.as_str().len());
            prop_assume!(token.as_str()[at..=at] != with);
            let mut changed = token.as_str().to_owned();
            changed.replace_range(at..=at, &with);
            prop_assert!(keys.verify(&Signed::<PipeTicket>::from_text(changed), 1_500).is_err());
        }

        #[test]
        fn reads_anything_without_panicking(token in ".*") {
            prop_assert!(TicketKeys::new(keys("k1"), vec![]).verify(&Signed::<Lease>::from_text(token), 0).is_err());
        }
    }
}
