//! HELLO and proof, both ways: what every connection of a pipe begins with.
//!
//! `proof = HMAC-SHA256(K_pipe, "proof" ‖ role ‖ HELLO_engineer ‖ HELLO_agent)`. Both HELLOs carry a
//! fresh nonce, so a recorded HELLO or proof proves nothing; the engineer's epoch rises strictly, so
//! an old connection never displaces a newer one.

use aws_lc_rs::hmac;
use bytes::Bytes;

use super::{Frame, FrameError, Hello, PipeKind, Role, frame};
use crate::{ids::PipeId, secret::Secret};

/// The handshake of one connection, from HELLO to proof.
#[derive(Debug)]
pub struct Handshake {
    key: Secret<32>,
    role: Role,
    ours: Hello,
    theirs: Option<Hello>,
}

/// What a frame of the peer leads to.
#[derive(Debug, PartialEq, Eq)]
pub enum Reply {
    /// Send our proof and go on.
    Send {
        /// Our proof.
        proof: Bytes,
        /// How many of our bytes have arrived at the peer, as it says without a proof yet.
        peer_received: u64,
    },
    /// The peer is proven.
    Established(Established),
}

/// What the peer said in its HELLO, now proven.
#[derive(Debug, PartialEq, Eq, Clone, Copy)]
pub struct Established {
    /// The connection's epoch.
    pub epoch: u64,
    /// How many of our bytes have arrived at the peer.
    pub peer_received: u64,
    /// How many unacknowledged bytes the peer takes.
    pub peer_window: u32,
}

/// Why a connection is not this pipe's.
#[derive(Debug, thiserror::Error, PartialEq, Eq)]
pub enum HandshakeError {
    /// The frame cannot be read.
    #[error(transparent)]
    Frame(#[from] FrameError),
    /// Another role, kind or pipe than agreed.
    #[error("the peer's hello is for another pipe")]
    Mismatch,
    /// The epoch is not higher than the last accepted one.
    #[error("the peer's hello is an old one")]
    OldEpoch,
    /// The peer does not hold the pipe's key.
    #[error("the peer's proof does not fit")]
    BadProof,
    /// A frame out of turn.
    #[error("the peer sent a frame out of turn")]
    OutOfTurn,
}

impl Handshake {
    /// Begins one connection. `epoch` is the new one on the engineer's side, the highest accepted
    /// one on the agent's; `nonce` is fresh; `received` and `window` describe our reading side.
    pub fn new(
        role: Role,
        (pipe, kind): (PipeId, PipeKind),
        key: Secret<32>,
        nonce: [u8; 32],
        epoch: u64,
        (received, window): (u64, u32),
    ) -> Self {
        let (speaker, kind) = (role.into(), kind.into());
        let ours = Hello { role: speaker, kind, pipe, nonce, epoch, received, window };
        Self { key, role, ours, theirs: None }
    }

    /// Our HELLO: send it at once.
    pub fn hello(&self) -> Bytes {
        self.ours.encode()
    }

    /// Takes the peer's next frame.
    pub fn receive(&mut self, bytes: Bytes) -> Result<Reply, HandshakeError> {
        match (Frame::decode(bytes)?, self.theirs.take()) {
            (Frame::Hello(theirs), None) => {
                self.check(&theirs)?;
                let proof = hmac::sign(&self.hmac_key(), &self.proof_text(self.role, &theirs));
                let peer_received = theirs.received;
                self.theirs = Some(theirs);
                Ok(Reply::Send { proof: frame::proof(proof.as_ref()), peer_received })
            }
            (Frame::Proof(tag), Some(theirs)) => {
                hmac::verify(&self.hmac_key(), &self.proof_text(self.role.peer(), &theirs), &tag)
                    .map_err(|_| HandshakeError::BadProof)?;
                let epoch = self.ours.epoch.max(theirs.epoch);
                Ok(Reply::Established(Established {
                    epoch,
                    peer_received: theirs.received,
                    peer_window: theirs.window,
                }))
            }
            _ => Err(HandshakeError::OutOfTurn),
        }
    }

    fn check(&self, theirs: &Hello) -> Result<(), HandshakeError> {
        let ours = &self.ours;
        if theirs.role != self.role.peer() || theirs.kind != ours.kind || theirs.pipe != ours.pipe {
            return Err(HandshakeError::Mismatch);
        }
        let (engineers, accepted) = match self.role {
            Role::Engineer => (ours.epoch, theirs.epoch),
            Role::Agent => (theirs.epoch, ours.epoch),
        };
        if engineers > accepted { Ok(()) } else { Err(HandshakeError::OldEpoch) }
    }

    fn hmac_key(&self) -> hmac::Key {
        hmac::Key::new(hmac::HMAC_SHA256, self.key.expose())
    }

    fn proof_text(&self, prover: Role, theirs: &Hello) -> Vec<u8> {
        let (engineer, agent) = match self.role {
            Role::Engineer => (self.ours.encode(), theirs.encode()),
            Role::Agent => (theirs.encode(), self.ours.encode()),
        };
        [b"proof".as_slice(), &[prover.code()], &engineer, &agent].concat()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::random_bytes;

    struct Side(Handshake);

    fn side(role: Role, pipe: PipeId, key: &Secret<32>, epoch: u64) -> Side {
        Side(Handshake::new(role, (pipe, PipeKind::Ssh), key.clone(), random_bytes(), epoch, (0, 1 << 20)))
    }

    fn proof_of(side: &mut Side, hello: Bytes) -> Result<Bytes, HandshakeError> {
        match side.0.receive(hello)? {
            Reply::Send { proof, .. } => Ok(proof),
            Reply::Established(_) => panic!("established without a proof"),
        }
    }

    fn connect(engineer: &mut Side, agent: &mut Side) -> Result<(Reply, Reply), HandshakeError> {
        let agents_proof = proof_of(agent, engineer.0.hello())?;
        let engineers_proof = proof_of(engineer, agent.0.hello())?;
        Ok((engineer.0.receive(agents_proof)?, agent.0.receive(engineers_proof)?))
    }

    #[test]
    fn holders_of_the_key_prove_themselves_to_each_other() {
        let (pipe, key) = (PipeId::random(), Secret::random());
        let (mut engineer, mut agent) =
            (side(Role::Engineer, pipe, &key, 5), side(Role::Agent, pipe, &key, 4));
        let established =
            Reply::Established(Established { epoch: 5, peer_received: 0, peer_window: 1 << 20 });
        assert!(
            connect(&mut engineer, &mut agent)
                .is_ok_and(|both| both.0 == established && both.1 == established)
        );
    }

    #[test]
    fn others_do_not() {
        let (pipe, key) = (PipeId::random(), Secret::random());
        let case = |pipe2, key2: &Secret<32>, epoch| {
            connect(&mut side(Role::Engineer, pipe2, key2, epoch), &mut side(Role::Agent, pipe, &key, 4))
                .err()
        };
        assert_eq!(case(pipe, &Secret::random(), 5), Some(HandshakeError::BadProof));
        assert_eq!(case(PipeId::random(), &key, 5), Some(HandshakeError::Mismatch));
        assert_eq!(case(pipe, &key, 4), Some(HandshakeError::OldEpoch));
    }

    #[test]
    fn a_recording_proves_nothing() {
        let (pipe, key) = (PipeId::random(), Secret::random());
        let (mut engineer, mut agent) =
            (side(Role::Engineer, pipe, &key, 1), side(Role::Agent, pipe, &key, 0));
        let recorded_hello = engineer.0.hello();
        let recorded_proof = proof_of(&mut engineer, agent.0.hello()).expect("a proof");
        assert!(proof_of(&mut agent, recorded_hello.clone()).is_ok());
        assert!(matches!(agent.0.receive(recorded_proof.clone()), Ok(Reply::Established(_))));

        let mut next = side(Role::Agent, pipe, &key, 0);
        assert!(proof_of(&mut next, recorded_hello.clone()).is_ok());
        assert_eq!(next.0.receive(recorded_proof), Err(HandshakeError::BadProof));
        let mut later = side(Role::Agent, pipe, &key, 1);
        assert_eq!(later.0.receive(recorded_hello), Err(HandshakeError::OldEpoch));
    }

    #[test]
    fn an_echo_of_our_own_frames_proves_nothing() {
        let (pipe, key) = (PipeId::random(), Secret::random());
        let mut engineer = side(Role::Engineer, pipe, &key, 1);
        assert_eq!(engineer.0.receive(engineer.0.hello()), Err(HandshakeError::Mismatch));
    }

    #[test]
    fn frames_out_of_turn_are_refused() {
        let (pipe, key) = (PipeId::random(), Secret::random());
        for early in [frame::ack(0), frame::fin(0), frame::proof(&[0; 32])] {
            assert_eq!(side(Role::Agent, pipe, &key, 0).0.receive(early), Err(HandshakeError::OutOfTurn));
        }
    }
}
