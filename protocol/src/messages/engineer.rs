//! Between an engineer's program and the relay, on `/v1/engineer`.

use serde::{Deserialize, Serialize};

use super::{Bounded, Features, all, anchors};
use crate::code::Code;
use crate::ids::{AgentKey, PipeId, RunId, SessionId};
use crate::pipe::PipeKind;
use crate::ticket::{PipeTicket, SessionTicket, Signed};
use crate::{limits, reason::Reason, support_id::SupportId, text};

/// What the relay tells an engineer's program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToEngineer {
    /// The first message: the credential is good.
    Welcome {
        /// What the relay understands.
        features: Features,
    },
    /// The device is there and was told: attach to the control pipe and pair.
    Requested {
        /// The session: the same for every try of one connection.
        session: SessionId,
        /// This try.
        run: RunId,
        /// The key of the agent's registration: an engineer's proof is for this agent alone.
        agent: AgentKey,
        /// The control pipe.
        pipe: PipeId,
        /// Attaches the engineer to it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// The request leads nowhere.
    Unavailable {
        /// Why.
        code: Unavailable,
        /// When a further request makes sense, in seconds (for [`Unavailable::RateLimited`]).
        retry_after: Option<u32>,
    },
    /// The agent declined this run.
    Declined {
        /// The run.
        run: RunId,
        /// Why.
        reason: Reason,
    },
    /// The session was admitted.
    SessionTicket {
        /// The session.
        session: SessionId,
        /// Restores it at a relay that was started again.
        session_ticket: Signed<SessionTicket>,
    },
    /// The answer to [`FromEngineer::Resume`]: this connection is the session's now.
    Resumed {
        /// The session.
        session: SessionId,
    },
    /// A further pipe is there.
    Opened {
        /// The number of the [`FromEngineer::Open`].
        request: u32,
        /// The pipe.
        pipe: PipeId,
        /// Attaches the engineer to it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// A further pipe is not to be had now.
    NotOpened {
        /// The number of the [`FromEngineer::Open`].
        request: u32,
        /// Why.
        code: OpenRefusal,
    },
    /// The relay has signed how far the account of the session is, or of the one that this engineer has joined: feature `anchors`.
    Anchored {
        /// The session.
        session: SessionId,
        /// `fieldlink-anchor v1 | SESSION | SEQ | HEAD | TIME`.
        line: String,
        /// Of the line with its end: SSHSIG, armoured.
        signature: String,
    },
    /// The agent says that it is over, and that its report can be fetched on the control pipe: feature `report`, for who listed
    /// it.
    Closing {
        /// The session.
        session: SessionId,
        /// Why.
        reason: Reason,
    },
    /// The relay or the agent ended it.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: Reason,
    },
}

/// What an engineer's program tells the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromEngineer {
    /// Ask for a device. Again on the same connection after a wrong PIN.
    Request {
        /// Which.
        support_id: SupportId,
        /// The support case.
        ticket: String,
        /// The reseller who arranged it, if any.
        partner: Option<String>,
        /// What the engineer's side understands.
        features: Features,
    },
    /// Go on with an admitted session on this new connection. The answer is [`ToEngineer::Resumed`], or
    /// [`ToEngineer::Ended`] with the reason.
    Resume {
        /// The session.
        session: SessionId,
        /// From [`ToEngineer::SessionTicket`].
        session_ticket: Signed<SessionTicket>,
        /// What the engineer's side understands.
        features: Features,
    },
    /// Pair again with the key that both sides kept, because this program was started again. The answer
    /// is [`ToEngineer::Requested`].
    PairAgain {},
    /// Open a further pipe.
    Open {
        /// Comes back in the answer.
        request: u32,
        /// What it is to carry.
        kind: Code<PipeKind>,
    },
    /// The session is over.
    End {
        /// Why.
        reason: Reason,
    },
}

/// Why a device is not to be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Unavailable {
    /// Unknown, offline, or in a session: the relay does not say which.
    NotAvailable,
    /// More than the permitted requests a minute.
    RateLimited,
    /// The relay has no room.
    Full,
    /// The relay cannot write to its disk, so no session begins.
    StoreDown,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

/// Why a pipe cannot be opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum OpenRefusal {
    /// The session is not admitted (yet), or is over.
    NoSession,
    /// The agent's registration is interrupted: try again shortly.
    AgentAway,
    /// The session has as many pipes as it may have.
    TooMany,
    /// A pipe of this kind is not opened on request.
    WrongKind,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Bounded for ToEngineer {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Welcome { features } => all(&[(features.fits(), "too many features")]),
            Self::Requested { pipe_ticket, .. } | Self::Opened { pipe_ticket, .. } => {
                all(&[(pipe_ticket.is_wellformed(), "the pipe ticket is malformed or too long")])
            }
            Self::SessionTicket { session_ticket, .. } => {
                all(&[(session_ticket.is_wellformed(), "the session ticket is malformed or too long")])
            }
            Self::Anchored { line, signature, .. } => anchors::check(line, signature),
            _ => Ok(()),
        }
    }
}

impl Bounded for FromEngineer {
    fn check(&self) -> Result<(), &'static str> {
        let (reference, partner, features) = match self {
            Self::Request { ticket, partner, features, .. } => (ticket, partner, features),
            Self::Resume { session_ticket, features, .. } => {
                return all(&[
                    (session_ticket.is_wellformed(), "the session ticket is malformed or too long"),
                    (features.fits(), "too many features"),
                ]);
            }
            Self::PairAgain {} | Self::Open { .. } | Self::End { .. } => return Ok(()),
        };
        let partner = partner.as_deref().unwrap_or("-");
        all(&[
            (
                text::check("ticket", reference, limits::REFERENCE).is_ok(),
                "the ticket is empty, too long or unprintable",
            ),
            (
                text::check("partner", partner, limits::REFERENCE).is_ok(),
                "the partner is empty, too long or unprintable",
            ),
            (features.fits(), "too many features"),
        ])
    }
}
