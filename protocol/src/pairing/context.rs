//! What both sides must agree on for a pairing to succeed.

use crate::credential::EngineerIdentity;
use crate::ids::{EngineerId, ObserverId, RunId, SessionId};
use crate::support_id::SupportId;

/// The OPAQUE context. The engineer's side fills in what its credential says, the agent what the
/// relay told it; if the relay presents one engineer as another, the two differ and the login fails.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PairingContext {
    /// The session.
    pub session: SessionId,
    /// This try.
    pub run: RunId,
    /// Which scanner.
    pub support_id: SupportId,
    /// The engineer who asks, by ID, name and company.
    pub engineer: EngineerIdentity,
    /// The support case.
    pub ticket: String,
    /// The reseller, if any.
    pub partner: Option<String>,
    /// The SHA-256 of the engineer's certificate; [`NO_CERTIFICATE`] if there is none. So a certificate that is taken
    /// away or exchanged on the way makes the login fail, also where the scanner asks for none.
    pub certificate: [u8; 32],
}

/// See [`PairingContext::certificate`].
pub const NO_CERTIFICATE: [u8; 32] = [0; 32];

impl PairingContext {
    /// Of an observer's run: they are named by their link alone, and the password is its key.
    pub fn of_observer(session: SessionId, run: RunId, observer: ObserverId) -> Self {
        let name = "observer".to_owned();
        let engineer = EngineerIdentity {
            id: EngineerId::from_bytes(*observer.as_bytes()),
            name,
            company: String::new(),
        };
        let (ticket, partner) = (observer.to_string(), None);
        let support_id = SupportId::NONE;
        Self { session, run, support_id, engineer, ticket, partner, certificate: NO_CERTIFICATE }
    }

    /// Every field as raw bytes behind its length (32-bit big-endian), after the label. An absent
    /// partner and an empty one differ.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        let support_id = self.support_id.to_string();
        let partner_present = [u8::from(self.partner.is_some())];
        let fields: [&[u8]; 11] = [
            b"fieldlink/1 pair",
            self.session.as_bytes(),
            self.run.as_bytes(),
            support_id.as_bytes(),
            self.engineer.id.as_bytes(),
            self.engineer.name.as_bytes(),
            self.engineer.company.as_bytes(),
            self.ticket.as_bytes(),
            &partner_present,
            self.partner.as_deref().unwrap_or_default().as_bytes(),
            &self.certificate,
        ];
        for field in fields {
            out.extend_from_slice(&(field.len() as u32).to_be_bytes());
            out.extend_from_slice(field);
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::ids::EngineerId;

    fn context(name: String, company: String, ticket: String, partner: Option<String>) -> PairingContext {
        PairingContext {
            session: SessionId::from_bytes([1; 16]),
            run: RunId::from_bytes([2; 16]),
            support_id: "000000000".parse().expect("a valid ID"),
            engineer: EngineerIdentity { id: EngineerId::from_bytes([3; 16]), name, company },
            ticket,
            partner,
            certificate: NO_CERTIFICATE,
        }
    }

    proptest! {
        /// No two contexts share an encoding: moving text from one field to the next changes it.
        #[test]
        fn is_unambiguous(
            a in ("[ab]{0,3}", "[ab]{0,3}", "[ab]{0,3}", prop::option::of("[ab]{0,2}")),
            b in ("[ab]{0,3}", "[ab]{0,3}", "[ab]{0,3}", prop::option::of("[ab]{0,2}")),
        ) {
            let (left, right) = (context(a.0, a.1, a.2, a.3), context(b.0, b.1, b.2, b.3));
            prop_assert_eq!(left == right, left.encode() == right.encode());
        }
    }
}
