//! OPAQUE-3DH over Ristretto255 and SHA-512 (RFC 9807), by the audited crate `opaque-ke`.
//!
//! Key stretching is the identity: a slow hash buys nothing against 10⁴ PINs, the three permitted
//! attempts do.

use bytes::Bytes;
use opaque_ke::{
    CipherSuite, ClientLogin, ClientLoginFinishParameters, ClientRegistration,
    ClientRegistrationFinishParameters, CredentialFinalization, CredentialRequest, CredentialResponse,
    Identifiers, ServerLogin, ServerLoginParameters, ServerRegistration, ServerSetup, errors::ProtocolError,
};

use rand_core::OsRng;
use zeroize::Zeroizing;

use super::PairingContext;

use crate::{join_code::JoinDigits, keys::SessionKeys, pin::Pin, secret::Secret};

struct Suite;

impl CipherSuite for Suite {
    type OprfCs = opaque_ke::Ristretto255;
    type KeyExchange = opaque_ke::TripleDh<opaque_ke::Ristretto255, sha2::Sha512>;
    type Ksf = opaque_ke::ksf::Identity;
}

/// The identifiers are constants: they go into the registration envelope, made before an engineer asks.
const IDENTIFIERS: Identifiers<'static> =
    Identifiers { client: Some(b"fieldlink-engineer"), server: Some(b"fieldlink-agent") };
const CREDENTIAL_IDENTIFIER: &[u8] = b"fieldlink-engineer";

/// What both sides of a run must know.
pub struct Password(Zeroizing<Vec<u8>>);

impl From<&Pin> for Password {
    fn from(pin: &Pin) -> Self {
        Self(Zeroizing::new(pin.expose().as_bytes().to_vec()))
    }
}

/// The restart key of a session that goes on.
impl From<&JoinDigits> for Password {
    fn from(digits: &JoinDigits) -> Self {
        Self(Zeroizing::new(digits.expose().as_bytes().to_vec()))
    }
}

impl From<&Secret<32>> for Password {
    fn from(key: &Secret<32>) -> Self {
        Self(Zeroizing::new(key.expose().to_vec()))
    }
}

/// Why a login failed.
#[derive(Debug, thiserror::Error, PartialEq, Eq, Clone, Copy)]
pub enum LoginError {
    /// The PIN differs, or something in the context does.
    #[error("the PIN was not accepted")]
    Rejected,
    /// A message that is not a point, a scalar, or of the right length.
    #[error("a pairing message is malformed")]
    Malformed,
}

impl From<ProtocolError> for LoginError {
    fn from(error: ProtocolError) -> Self {
        match error {
            ProtocolError::InvalidLoginError => Self::Rejected,
            _ => Self::Malformed,
        }
    }
}

/// The agent's side of one PIN: a server setup and a password file, both in memory only.
pub struct Registration {
    setup: ServerSetup<Suite>,
    file: ServerRegistration<Suite>,
}

impl Registration {
    /// Registers a PIN, or another password, against a new server setup. Takes about a millisecond.
    pub fn new(password: impl Into<Password>) -> Result<Self, LoginError> {
        let setup = ServerSetup::<Suite>::new(&mut OsRng);
        let Password(pin) = &password.into();
        let start = ClientRegistration::<Suite>::start(&mut OsRng, pin)?;
        let response = ServerRegistration::<Suite>::start(&setup, start.message, CREDENTIAL_IDENTIFIER)?;
        let parameters = ClientRegistrationFinishParameters::new(IDENTIFIERS, None);
        let finish = start.state.finish(&mut OsRng, pin, response.message, parameters)?;
        Ok(Self { setup, file: ServerRegistration::finish(finish.message) })
    }

    /// Answers KE1 with KE2. The caller charges an attempt before KE2 leaves.
    pub fn respond(&self, ke1: &[u8], context: &PairingContext) -> Result<(AgentLogin, Bytes), LoginError> {
        let request = CredentialRequest::deserialize(ke1)?;
        let context = context.encode();
        let parameters = ServerLoginParameters { context: Some(&context), identifiers: IDENTIFIERS };
        let file = Some(self.file.clone());
        let started =
            ServerLogin::start(&mut OsRng, &self.setup, file, request, CREDENTIAL_IDENTIFIER, parameters)?;
        let ke2 = Bytes::copy_from_slice(&started.message.serialize());
        Ok((AgentLogin { state: started.state, context }, ke2))
    }
}

/// The agent's side of one run, between KE2 and KE3.
pub struct AgentLogin {
    state: ServerLogin<Suite>,
    context: Vec<u8>,
}

impl AgentLogin {
    /// Verifies KE3, and derives the keys that both sides then have.
    pub fn finish(self, ke3: &[u8]) -> Result<SessionKeys, LoginError> {
        let parameters = ServerLoginParameters { context: Some(&self.context), identifiers: IDENTIFIERS };
        let finished = self.state.finish(CredentialFinalization::deserialize(ke3)?, parameters)?;
        Ok(SessionKeys::derive(&finished.session_key, &self.context))
    }
}

/// The engineer's side of one run, between KE1 and KE2.
pub struct EngineerLogin {
    state: ClientLogin<Suite>,
    password: Password,
}

impl EngineerLogin {
    /// Begins a run: makes KE1, for the agent to answer.
    pub fn start(password: impl Into<Password>) -> Result<(Self, Bytes), LoginError> {
        let password = password.into();
        let started = ClientLogin::<Suite>::start(&mut OsRng, &password.0)?;
        let ke1 = Bytes::copy_from_slice(&started.message.serialize());
        Ok((Self { state: started.state, password }, ke1))
    }

    /// Verifies KE2 and makes KE3.
    pub fn finish(self, ke2: &[u8], context: &PairingContext) -> Result<(SessionKeys, Bytes), LoginError> {
        let response = CredentialResponse::deserialize(ke2)?;
        let context = context.encode();
        let parameters = ClientLoginFinishParameters::new(Some(&context), IDENTIFIERS, None);
        let finished = self.state.finish(&mut OsRng, &self.password.0, response, parameters)?;
        let ke3 = Bytes::copy_from_slice(&finished.message.serialize());
        Ok((SessionKeys::derive(&finished.session_key, &context), ke3))
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::credential::EngineerIdentity;
    use crate::ids::{EngineerId, RunId, SessionId};

    fn pin(digits: &str) -> Pin {
        Pin::parse(digits).expect("four digits")
    }

    fn context() -> PairingContext {
        PairingContext {
            session: SessionId::random(),
            run: RunId::random(),
            support_id: "000000000".parse().expect("a valid ID"),
            engineer: EngineerIdentity { id: EngineerId::random(), name: "Ada".into(), company: "X".into() },
            ticket: "T-1".into(),
            partner: None,
            certificate: [0; 32],
        }
    }

    fn run(theirs: &PairingContext, ours: &PairingContext, typed: &str) -> Result<(), LoginError> {
        let registration = Registration::new(&pin("0471"))?;
        let (engineer, ke1) = EngineerLogin::start(&pin(typed))?;
        let (agent, ke2) = registration.respond(&ke1, ours)?;
        assert_eq!((ke1.len(), ke2.len()), (96, 320));
        let (engineer_keys, ke3) = engineer.finish(&ke2, theirs)?;
        assert_eq!(ke3.len(), 64);
        let agent_keys = agent.finish(&ke3)?;
        assert!(engineer_keys.pipe.matches(agent_keys.pipe.expose()));
        Ok(())
    }

    #[test]
    fn the_right_pin_in_the_same_context_gives_both_the_same_keys() {
        let context = context();
        assert_eq!(run(&context, &context, "0471"), Ok(()));
        assert_eq!(run(&context, &context, "0472"), Err(LoginError::Rejected));
    }

    #[test]
    fn every_field_of_the_context_is_bound() {
        let ours = context();
        let changes: [fn(&mut PairingContext); 9] = [
            |c| c.session = SessionId::random(),
            |c| c.run = RunId::random(),
            |c| c.support_id = "572400000".parse().unwrap_or_else(|_| SupportId::random()),
            |c| c.engineer.id = EngineerId::random(),
            |c| c.engineer.name = "Eve".into(),
            |c| c.engineer.company = "Y".into(),
            |c| c.ticket = "T-2".into(),
            |c| c.partner = Some(String::new()),
            |c| c.certificate = [7; 32],
        ];
        for change in changes {
            let mut theirs = ours.clone();
            change(&mut theirs);
            assert_eq!(run(&theirs, &ours, "0471"), Err(LoginError::Rejected), "{theirs:?}");
        }
    }
    use crate::support_id::SupportId;

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        #[test]
        fn junk_never_panics_and_never_succeeds(junk in prop::collection::vec(any::<u8>(), 0..400), seed in any::<u8>()) {
            let registration = Registration::new(&pin("0471")).expect("a registration");
            let mut sized = vec![seed; 320];
            sized[..junk.len().min(320)].copy_from_slice(&junk[..junk.len().min(320)]);
            let _ = registration.respond(&sized[..96], &context());
            let (engineer, ke1) = EngineerLogin::start(&pin("0471")).expect("a login");
            prop_assert!(engineer.finish(&sized, &context()).is_err());
            let (agent, _) = registration.respond(&ke1, &context()).expect("a response");
            prop_assert!(agent.finish(&sized[..64]).is_err());
        }
    }
}
