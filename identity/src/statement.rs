//! What an engineer signs.

use aws_lc_rs::digest::{SHA256, digest};
use fieldlink_protocol::ids::AgentKey;
use fieldlink_protocol::pairing::PairingContext;

use crate::{NAMESPACE, Refusal};

/// `label ‖ pairing context ‖ the agent's registration key ‖ SHA-256(KE1)`, each behind its length (32-bit
/// big-endian).
///
/// The context says who asks whom for what, in which try, and the certificate with which; the agent's key, which
/// is new for each support ID, that nobody else can use it; KE1, that the run is the engineer's own: a relay that put
/// a KE1 of its own beside the signature would hold the guess.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Statement(Vec<u8>);

/// Where in the fields of a pairing context the session and the run stand.
const TRY: std::ops::RangeInclusive<usize> = 1..=2;

impl Statement {
    /// What is signed for the run of `context`, with the agent of `agent`, that `ke1` begins.
    pub fn new(context: &PairingContext, agent: &AgentKey, ke1: &[u8]) -> Self {
        let ke1 = digest(&SHA256, ke1);
        let fields: [&[u8]; 4] =
            [NAMESPACE.as_bytes(), &context.encode(), agent.as_bytes().as_slice(), ke1.as_ref()];
        let mut bytes = Vec::with_capacity(1024);
        for field in fields {
            bytes.extend_from_slice(&(field.len() as u32).to_be_bytes());
            bytes.extend_from_slice(field);
        }
        Self(bytes)
    }

    /// What came with a proof. It means nothing before it was compared.
    pub(crate) fn unchecked(bytes: &[u8]) -> Self {
        Self(bytes.to_owned())
    }

    /// The bytes that are signed.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Compares what was signed with what it has to be here, and says what differs.
    pub(crate) fn compare(&self, signed: &Self) -> Result<(), Refusal> {
        if self == signed {
            return Ok(());
        }
        let (Some(ours), Some(theirs)) = (Parts::of(&self.0), Parts::of(&signed.0)) else {
            return Err(Refusal::Altered);
        };
        Err(if ours.run != theirs.run {
            Refusal::Replayed
        } else if ours.agent != theirs.agent {
            Refusal::OtherScanner
        } else {
            Refusal::Altered
        })
    }
}

/// What a refusal can say more of than that it is not the same.
struct Parts<'a> {
    run: Vec<&'a [u8]>,
    agent: &'a [u8],
}

impl<'a> Parts<'a> {
    fn of(statement: &'a [u8]) -> Option<Self> {
        let fields = fields(statement)?;
        let (context, agent) = (fields.get(1)?, fields.get(2)?);
        Some(Self { run: self::fields(context)?.get(TRY)?.to_vec(), agent })
    }
}

fn fields(mut bytes: &[u8]) -> Option<Vec<&[u8]>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let (length, rest) = bytes.split_first_chunk::<4>()?;
        let (field, rest) = rest.split_at_checked(u32::from_be_bytes(*length) as usize)?;
        fields.push(field);
        bytes = rest;
    }
    Some(fields)
}
