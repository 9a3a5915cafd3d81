//! What the directory wants done.

use fieldlink_protocol::ids::{EngineerId, SessionId};
use fieldlink_protocol::messages::agent::ToAgent;
use fieldlink_protocol::messages::engineer::ToEngineer;
use fieldlink_protocol::pipe::Role;
use fieldlink_protocol::reason::Reason;

use super::standing::Standing;

/// One connection of an agent or an engineer. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct ConnectionId(pub u64);

/// One connection of one side to a pipe. Never used twice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct AttachmentId(pub u64);

/// Something to be done outside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Effect {
    /// Send this to an agent.
    TellAgent(ConnectionId, ToAgent),
    /// Send this to an engineer.
    TellEngineer(ConnectionId, ToEngineer),
    /// Close a connection, after what was sent before.
    Close(ConnectionId, Farewell),
    /// Close a waiting attachment, or both connections of a splice.
    Part(AttachmentId, CloseCause),
    /// Ask this side of a running splice to attach again beside it.
    AttachAgain(AttachmentId, Role),
    /// A session was admitted, or paired again: write it down.
    SessionAdmitted(SessionId, Standing),
    /// Give one side, over its connection, the ticket of its admitted session.
    GiveTicket(Role, ConnectionId, Admission),
    /// From now on, or no longer, notice at once when this connection falls silent.
    Watch(ConnectionId, bool),
    /// A session is over: write it down.
    SessionEnded(SessionId, Reason),
}

/// What the tickets of an admitted session say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Admission {
    /// The session.
    pub session: SessionId,
    /// The engineer whose session it is.
    pub engineer: EngineerId,
    /// What it stands on.
    pub standing: Standing,
}

/// Why a connection is closed, for its close frame.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Farewell {
    /// With the reason of a session, or of the relay.
    Ended(Reason),
    /// A newer connection of the same peer took its place.
    Replaced,
    /// Another agent showed an older right to the support ID.
    IdTaken,
}

/// Why a pipe's connections are closed by the relay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CloseCause {
    /// The pipe is over, for this reason; or the relay stops, and the pipe goes on elsewhere.
    Reason(Reason),
    /// The pipe is over without a reason: a side closed it.
    Done,
    /// A newer connection of this side took the place. The other side of a splice attaches again.
    Displaced(Role),
}
