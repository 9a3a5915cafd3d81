//! What an engineer signs.

use aws_lc_rs::digest::{SHA256, digest};
use fieldlink_protocol::ids::{AgentKey, EngineerId, RunId, SessionId};
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

/// What an engineer says with their signature: I ask to be let into this session, for this case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claim {
    /// The session.
    pub session: SessionId,
    /// The try.
    pub run: RunId,
    /// Their number at the relay.
    pub engineer: EngineerId,
    /// As the relay calls them.
    pub name: String,
    /// As the relay calls it.
    pub company: String,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
    /// The SHA-256 of their certificate.
    pub certificate: [u8; 32],
}

/// The first field of a pairing context.
const PAIRING: &[u8] = b"fieldlink/1 pair";

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

    /// What it says, if it has the form of a statement.
    pub fn claim(&self) -> Option<Claim> {
        let [label, context, agent, ke1] = fields(&self.0)?.try_into().ok()?;
        let context: [&[u8]; 11] = fields(context)?.try_into().ok()?;
        let [
            kind,
            session,
            run,
            _support_id,
            engineer,
            name,
            company,
            ticket,
            partnered,
            partner,
            certificate,
        ] = context;
        let is_form =
            label == NAMESPACE.as_bytes() && kind == PAIRING && agent.len() == 32 && ke1.len() == 32;
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_owned()).ok();
        let partner = match partnered {
            [0] if partner.is_empty() => None,
            [1] => Some(text(partner)?),
            _ => return None,
        };
        is_form.then_some(Claim {
            session: SessionId::from_bytes(session.try_into().ok()?),
            run: RunId::from_bytes(run.try_into().ok()?),
            engineer: EngineerId::from_bytes(engineer.try_into().ok()?),
            name: text(name)?,
            company: text(company)?,
            ticket: text(ticket)?,
            partner,
            certificate: certificate.try_into().ok()?,
        })
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
