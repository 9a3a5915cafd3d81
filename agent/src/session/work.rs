//! What a session is made of once the client has said yes.

use std::sync::Arc;

use fieldlink_protocol::reason::Reason;
use tokio::sync::watch;

use fieldlink_ssh::session_process::{EndOutcome, SessionEvents, SessionProcess, Starting};
use fieldlink_ssh::{ChannelPath, Policy, SshThread};

/// How far it has come.
pub(super) enum Stage {
    /// The client has not said yes.
    Greeted,
    /// What runs the engineer's programs is on its way.
    Starting(Starting, Arc<dyn Policy>),
    /// The engineer can be let in, or is there.
    Working(Work),
}

/// What exists from the admission on.
pub(super) struct Work {
    pub(super) process: SessionProcess,
    pub(super) process_events: SessionEvents,
    pub(super) ssh: SshThread,
    pub(super) path: Arc<ChannelPath>,
    pub(super) ended: watch::Sender<Option<Reason>>,
}

impl Work {
    pub(super) async fn end(self, reason: Reason) -> EndOutcome {
        self.path.close();
        self.ended.send_replace(Some(reason));
        self.ssh.cancel();
        // Together: killing the programs frees the thread if one of them blocks it.
        let (outcome, is_joined) = tokio::join!(self.process.end(), self.ssh.joined());
        let (input, output) = self.path.totals();
        tracing::info!(input, output, ?outcome, is_joined, "session ended");
        crate::memory::give_back();
        if is_joined { outcome } else { EndOutcome::Unconfirmed }
    }
}
