//! Between an agent and the relay, on `/v1/agent`.

use serde::{Deserialize, Serialize};

use super::{Bounded, Features, all, anchors, time_stamps};
use crate::code::Code;
use crate::credential::EngineerIdentity;
use crate::ids::{
    AccountHead, AgentKey, Challenge, ObserverId, PipeId, RunId, SessionId, Signature, SumsDigest,
};
use crate::pipe::PipeKind;
use crate::ticket::{Lease, ObserverTicket, PipeTicket, SessionTicket, Signed};
use crate::{limits, reason::Reason, support_id::SupportId};

/// What the relay tells an agent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum ToAgent {
    /// The first message: sign this.
    Challenge {
        /// 32 random bytes.
        challenge: Challenge,
        /// What the relay understands.
        features: Features,
    },
    /// The registration stands.
    Registered {
        /// Shown again after the relay was restarted, it outranks a squatter. If the relay issues none, an earlier
        /// one of the same ID and key stays valid.
        lease: Option<Signed<Lease>>,
    },
    /// The registration does not stand.
    Refused {
        /// Why.
        code: RegistrationRefusal,
        /// Why the claimed session is over, if that is it and it is known.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        reason: Option<Reason>,
    },
    /// An engineer asks: attach to the control pipe and pair.
    Pair {
        /// The session.
        session: SessionId,
        /// This try. Never the same twice.
        run: RunId,
        /// The engineer who asks, as the relay knows them. The pairing fails if their credential says otherwise.
        engineer: EngineerIdentity,
        /// The support case.
        ticket: String,
        /// The reseller who arranged it, if any.
        partner: Option<String>,
        /// The control pipe.
        pipe: PipeId,
        /// Attaches the agent to it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// The engineer opens a further pipe: attach to it, or refuse what it is to carry.
    Open {
        /// The session.
        session: SessionId,
        /// The new pipe.
        pipe: PipeId,
        /// What it is to carry.
        kind: Code<PipeKind>,
        /// Attaches the agent to it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// The engineer's program was started again: attach to this control pipe and pair with the key
    /// that both sides kept for that.
    PairAgain {
        /// The session, which goes on.
        session: SessionId,
        /// This try. Never the same twice.
        run: RunId,
        /// The new control pipe. The old one stays until the new one is proven.
        pipe: PipeId,
        /// Attaches the agent to it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// The answer to [`FromAgent::Admitted`] and [`FromAgent::PairedAgain`]: the support ID is withdrawn.
    SessionTicket {
        /// The session.
        session: SessionId,
        /// Registers the agent for this session from now on.
        session_ticket: Signed<SessionTicket>,
    },
    /// The ticket with which somebody may watch, as the agent asked for.
    Shared {
        /// The session.
        session: SessionId,
        /// The link that it is for.
        observer: ObserverId,
        /// What the link is made with.
        observer_ticket: Signed<ObserverTicket>,
    },
    /// Somebody with an observer ticket is there and attaches to a pipe.
    Watch {
        /// The session.
        session: SessionId,
        /// The link that was used.
        observer: ObserverId,
        /// The run that the session stands on.
        run: RunId,
        /// The pipe.
        pipe: PipeId,
        /// Opens the agent's side of it.
        pipe_ticket: Signed<PipeTicket>,
    },
    /// The answer to [`FromAgent::Anchor`], once it is written down: feature `anchors`.
    Anchored {
        /// The session.
        session: SessionId,
        /// `fieldlink-anchor v1 | SESSION | SEQ | HEAD | TIME`.
        line: String,
        /// Of the line with its end: SSHSIG, armoured.
        signature: String,
    },
    /// The answer to [`FromAgent::TimeStamp`]: feature `time-stamps`.
    TimeStamped {
        /// The session.
        session: SessionId,
        /// The whole answer of the authority (`TimeStampResp` of RFC 3161), DER in base64.
        response: String,
    },
    /// The relay or the engineer ended it.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: Reason,
    },
}

/// What an agent tells the relay.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "kebab-case", deny_unknown_fields)]
pub enum FromAgent {
    /// The answer to the challenge.
    Register {
        /// What is claimed.
        claim: Claim,
        /// The agent's key of this start.
        key: AgentKey,
        /// Over challenge, key and [`Claim::signed_text`].
        signature: Signature,
        /// What the agent understands.
        features: Features,
    },
    /// This pairing run will not happen.
    Declined {
        /// The session.
        session: SessionId,
        /// The run.
        run: RunId,
        /// Why.
        reason: Reason,
    },
    /// The client said yes.
    Admitted {
        /// The session.
        session: SessionId,
    },
    /// The engineer proved the key of the session's latest run: the pipes of earlier runs are closed.
    PairedAgain {
        /// The session.
        session: SessionId,
        /// The run of the [`ToAgent::PairAgain`].
        run: RunId,
    },
    /// The device restarts: the session waits for it, for [`limits::RESTART`], and for a run with the key that both sides
    /// kept. Its pipes are closed. Feature `restart` of the relay.
    Restarting {
        /// The session.
        session: SessionId,
    },
    /// The client agreed that somebody watches: a ticket for them.
    Share {
        /// The session.
        session: SessionId,
        /// The link that it is for.
        observer: ObserverId,
    },
    /// Nobody watches with this link any more.
    Unshare {
        /// The session.
        session: SessionId,
        /// The link.
        observer: ObserverId,
    },
    /// The account of the session has come so far: sign that. The answer is [`ToAgent::Anchored`], or none, as when this is
    /// asked too often or the relay cannot write it down; then a later head may be asked for. Feature `anchors` of the relay.
    Anchor {
        /// The session.
        session: SessionId,
        /// The number of the account's last line.
        seq: u64,
        /// Its hash.
        head: AccountHead,
    },
    /// The session is over, and its account is still to be closed, signed and fetched: the relay writes down that it is over,
    /// admits nothing any more, and keeps control pipe, observers' pipes and registration until [`FromAgent::Ended`],
    /// [`limits::CLOSING`] at most. Feature `report` of the relay.
    Closing {
        /// The session.
        session: SessionId,
        /// Why.
        reason: Reason,
    },
    /// The record of the session is complete: a time stamp for it. The answer is [`ToAgent::TimeStamped`], or none, as when
    /// the authority does not answer or this was asked for too often ([`limits::TIME_STAMPS`]). It may be asked also after the
    /// session's end, on the connection that served it. Feature `time-stamps` of the relay.
    TimeStamp {
        /// The session.
        session: SessionId,
        /// What is stamped.
        digest: SumsDigest,
    },
    /// The session is over, or a pairing failed for good.
    Ended {
        /// The session.
        session: SessionId,
        /// Why.
        reason: Reason,
    },
}

/// What an agent registers for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "for", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Claim {
    /// Its support ID, before a session.
    SupportId {
        /// The ID.
        support_id: SupportId,
        /// From an earlier registration of the same ID and key.
        lease: Option<Signed<Lease>>,
        /// For a join code: the ticket of the session that it leads into. The relay lists it for no longer than that lasts.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        joins: Option<Signed<SessionTicket>>,
    },
    /// Its running session.
    Session {
        /// From [`ToAgent::SessionTicket`].
        session_ticket: Signed<SessionTicket>,
    },
}

impl Claim {
    /// What the signature covers.
    pub fn signed_text(&self) -> String {
        match self {
            Self::SupportId { support_id, .. } => support_id.to_string(),
            Self::Session { session_ticket } => session_ticket.as_str().to_owned(),
        }
    }
}

/// Why a registration is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RegistrationRefusal {
    /// Another agent holds this support ID: draw again.
    IdTaken,
    /// The signature does not fit.
    BadSignature,
    /// The session ticket is not valid (any more): the session is over.
    SessionOver,
    /// The relay has no room.
    Full,
    /// A code that this version does not know.
    #[serde(other)]
    Unknown,
}

impl Bounded for ToAgent {
    fn check(&self) -> Result<(), &'static str> {
        match self {
            Self::Challenge { features, .. } => all(&[(features.fits(), "too many features")]),
            Self::Registered { lease } => all(&[(
                lease.as_ref().is_none_or(Signed::is_wellformed),
                "the lease is malformed or too long",
            )]),
            Self::Pair { engineer, ticket: reference, partner, pipe_ticket, .. } => all(&[
                (engineer.name.len() <= limits::NAME, "the engineer's name is too long"),
                (engineer.company.len() <= limits::NAME, "the company is too long"),
                (reference.len() <= limits::REFERENCE, "the ticket is malformed or too long"),
                (
                    partner.as_ref().is_none_or(|name| name.len() <= limits::REFERENCE),
                    "the partner is too long",
                ),
                (pipe_ticket.is_wellformed(), "the pipe ticket is malformed or too long"),
            ]),
            Self::Open { pipe_ticket, .. }
            | Self::PairAgain { pipe_ticket, .. }
            | Self::Watch { pipe_ticket, .. } => {
                all(&[(pipe_ticket.is_wellformed(), "the pipe ticket is malformed or too long")])
            }
            Self::SessionTicket { session_ticket, .. } => {
                all(&[(session_ticket.is_wellformed(), "the session ticket is malformed or too long")])
            }
            Self::Shared { observer_ticket, .. } => {
                all(&[(observer_ticket.is_wellformed(), "the observer ticket is malformed or too long")])
            }
            Self::Anchored { line, signature, .. } => anchors::check(line, signature),
            Self::TimeStamped { response, .. } => time_stamps::check(response),
            Self::Refused { .. } | Self::Ended { .. } => Ok(()),
        }
    }
}

impl Bounded for FromAgent {
    fn check(&self) -> Result<(), &'static str> {
        let Self::Register { claim, features, .. } = self else { return Ok(()) };
        let is_wellformed = match claim {
            Claim::SupportId { lease, joins, .. } => {
                lease.as_ref().is_none_or(Signed::is_wellformed)
                    && joins.as_ref().is_none_or(Signed::is_wellformed)
            }
            Claim::Session { session_ticket } => session_ticket.is_wellformed(),
        };
        all(&[
            (features.fits(), "too many features"),
            (is_wellformed, "the lease or ticket is malformed or too long"),
        ])
    }
}
