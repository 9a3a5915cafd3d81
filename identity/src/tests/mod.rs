//! What `ssh-keygen` makes is read, and what is made here `ssh-keygen` reads.

mod kept;
mod refused;
mod revocation;
mod security_key;
mod stock;
mod workshop;

use std::time::{Duration, SystemTime};

use fieldlink_protocol::credential::EngineerIdentity;
use fieldlink_protocol::ids::{AgentKey, EngineerId, RunId, SessionId};
use fieldlink_protocol::pairing::PairingContext;

use crate::{Authorities, Certificate, Moment, Proof, Proven, Refusal, Requirement, Statement};
use workshop::Workshop;

const KE1: [u8; 96] = [7; 96];

/// A request, as the scanner sees it.
#[derive(Clone)]
struct Asked {
    context: PairingContext,
    agent: AgentKey,
    ke1: Vec<u8>,
}

impl Asked {
    fn with(certificate: &Certificate) -> Self {
        let engineer = EngineerIdentity { id: EngineerId::random(), name: "Ada".into(), company: "X".into() };
        let context = PairingContext {
            session: SessionId::random(),
            run: RunId::random(),
            support_id: "000000000".parse().expect("a valid ID"),
            engineer,
            ticket: "T-1".into(),
            partner: None,
            certificate: certificate.hash(),
        };
        Self { context, agent: AgentKey::random(), ke1: KE1.to_vec() }
    }

    fn statement(&self) -> Statement {
        Statement::new(&self.context, &self.agent, &self.ke1)
    }
}

fn now() -> Moment {
    Moment::of(SystemTime::now())
}

fn later(by: Duration) -> Moment {
    Moment::of(SystemTime::now() + by)
}

/// The authority's line in the scanner's configuration, and whom it lets in.
fn authorities(workshop: &Workshop, requirement: Requirement) -> Authorities {
    let principals = ["*@scans.example".to_owned()];
    Authorities::new(&[workshop.public_key("ca")], &principals, requirement).expect("an authority")
}

/// Signs with the private key of `name`.
fn prove(workshop: &Workshop, name: &str, asked: &Asked) -> Proof {
    let statement = asked.statement();
    let armoured = workshop.sign(name, crate::NAMESPACE, statement.as_bytes());
    let proof = Proof::new(workshop.certificate(name), statement, &armoured).expect("it fits");
    Proof::read(&proof.encode()).expect("it survives the trip")
}

fn judge(workshop: &Workshop, proof: &Proof, asked: &Asked) -> Result<Proven, Refusal> {
    authorities(workshop, Requirement::Certificate).judge(proof, &asked.statement(), now())
}
