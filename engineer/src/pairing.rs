//! One OPAQUE run on the control pipe: from a PIN to keys.

use bytes::Bytes;
use fieldlink_identity::Proof;
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::pairing::{EngineerLogin, LoginError, PairingContext, PairingMessage, Password};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_transport::{Attached, AttachedError, Dialer};
use tokio::time::timeout;

use crate::exit::Failure;
use crate::guesses::Attempt;
use crate::words::say;

/// A run that succeeded: the control pipe's connection, and the keys.
pub(crate) struct Paired {
    /// Ready for the pipe's handshake.
    pub pipe: Attached,
    /// Known to both sides, and not to the relay.
    pub keys: SessionKeys,
}

/// Why a run failed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum PairingError {
    /// The PIN, or who we say we are, did not fit. Says how many wrong tries are left.
    #[error("the PIN was not accepted")]
    Rejected {
        /// Wrong tries that are left for this ID.
        left: usize,
    },
    /// The key that was kept did not fit.
    #[error("{}", say!("session-key-forgotten"))]
    Forgotten,
    /// The agent would not pair.
    #[error("{0}")]
    Refused(Reason),
    /// The connection failed.
    #[error(transparent)]
    Pipe(#[from] AttachedError),
    /// The agent sent something else.
    #[error("the scanner did not pair as agreed: {0}")]
    Malformed(String),
    /// The engineer's key has not signed.
    #[error(transparent)]
    NotProven(#[from] Failure),
    /// The memory of wrong tries cannot be kept.
    #[error("{0:#}")]
    Memory(#[from] anyhow::Error),
}

/// A run that was answered and not yet judged.
pub(crate) struct Answered {
    pipe: Attached,
    login: EngineerLogin,
    response: Bytes,
}

impl Answered {
    /// Judges the answer. The side that gave it learns from our next step whether its guess at the PIN
    /// was right; `attempt` was written down before and is taken back only if it was the scanner itself.
    pub(crate) async fn finish(
        self,
        context: &PairingContext,
        attempt: Attempt,
    ) -> Result<Paired, PairingError> {
        let Self { pipe, login, response } = self;
        match login.finish(&response, context) {
            Ok((keys, ke3)) => {
                // What cannot be written now counts too much, and that costs no session.
                let _ = attempt.take_back();
                prove(pipe, keys, ke3).await
            }
            Err(LoginError::Rejected | LoginError::Malformed) => {
                let left = attempt.stands()?;
                pipe.close(Reason::WrongPin.code()).await;
                Err(PairingError::Rejected { left })
            }
        }
    }

    /// As [`Self::finish`], with a key that cannot be guessed: no try is counted.
    pub(crate) async fn finish_again(self, context: &PairingContext) -> Result<Paired, PairingError> {
        let Self { pipe, login, response } = self;
        match login.finish(&response, context) {
            Ok((keys, ke3)) => prove(pipe, keys, ke3).await,
            Err(_) => {
                pipe.close(Reason::PairingAborted.code()).await;
                Err(PairingError::Forgotten)
            }
        }
    }
}

async fn prove(mut pipe: Attached, keys: SessionKeys, ke3: Bytes) -> Result<Paired, PairingError> {
    pipe.send(PairingMessage::Finish(ke3).encode()).await?;
    Ok(Paired { pipe, keys })
}

/// Attaches, has `prove` say who the engineer is for KE1, sends both and waits for KE2. The relay has learnt nothing until
/// we act on it. Until then a run may be broken off and costs nothing.
pub(crate) async fn ask(
    dialer: &Dialer,
    pipe_ticket: &Signed<PipeTicket>,
    password: impl Into<Password>,
    prove: impl AsyncFnOnce(&[u8]) -> Result<Option<Proof>, Failure>,
) -> Result<Answered, PairingError> {
    let (login, ke1) =
        EngineerLogin::start(password).map_err(|error| PairingError::Malformed(error.to_string()))?;
    // First, so that the scanner is there: a touch may take a minute.
    let mut pipe = Attached::attach(dialer, pipe_ticket).await.map_err(AttachedError::from)?;
    let proof = tokio::select! {
        biased;
        error = pipe.idle() => return Err(error.into()),
        proof = prove(&ke1) => proof?.map(|proof| proof.encode().into()).unwrap_or_default(),
    };
    let answer = timeout(limits::PAIRING, async {
        pipe.send(PairingMessage::Start { ke1, proof }.encode()).await?;
        pipe.receive().await
    });
    let answer = answer.await.map_err(|_| PairingError::Refused(Reason::PartnerMissing))??;
    match PairingMessage::decode(&answer) {
        Ok(PairingMessage::Response(response)) => Ok(Answered { pipe, login, response }),
        Ok(PairingMessage::Refused(reason)) => Err(PairingError::Refused(reason)),
        Ok(_) => Err(PairingError::Malformed(say!("pairing-out-of-turn"))),
        Err(error) => Err(PairingError::Malformed(error.to_string())),
    }
}
