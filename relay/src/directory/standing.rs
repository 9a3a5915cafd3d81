//! What an admitted session stands on.

use fieldlink_protocol::ids::{AgentKey, PipeId, RunId};

/// What both sides of an admitted session hold on to, and so does the relay over its own restarts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Standing {
    /// The latest run that succeeded.
    pub run: RunId,
    /// Its control pipe.
    pub control: PipeId,
    /// The key of the agent.
    pub agent_key: AgentKey,
    /// How often the two have paired: what has the higher number is the later.
    pub pairing: u32,
    /// Unix seconds: from when its tickets are valid.
    pub not_before: u64,
    /// Unix seconds: until when the session may last.
    pub expires: u64,
}
