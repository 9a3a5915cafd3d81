//! Uses of functions for which the client is asked.

use std::collections::HashMap;

use fieldlink_protocol::policy::Denied;
use tokio::sync::{mpsc, oneshot};

use super::Access;
use crate::clock;
use crate::rules::UseId;
use crate::session::policy::{QUEUE, UseRequest};

/// Those that wait for the rules' verdict.
pub(super) struct Uses {
    pub(super) sender: mpsc::Sender<UseRequest>,
    pub(super) requests: mpsc::Receiver<UseRequest>,
    waiting: HashMap<UseId, oneshot::Sender<Result<(), Denied>>>,
}

impl Default for Uses {
    fn default() -> Self {
        let (sender, requests) = mpsc::channel(QUEUE);
        Self { sender, requests, waiting: HashMap::new() }
    }
}

impl Uses {
    /// The rules have decided.
    pub(super) fn decide(&mut self, uses: &[UseId], verdict: Result<(), Denied>) {
        for reply in uses.iter().filter_map(|id| self.waiting.remove(id)) {
            // Whoever waited may be gone.
            let _ = reply.send(verdict);
        }
    }

    /// The session is over, and they with it.
    pub(super) fn give_up(&mut self) {
        self.waiting.clear();
    }
}

impl Access {
    pub(super) fn on_use(&mut self, request: UseRequest) {
        let now = clock::now();
        match request {
            // Whoever wanted it may be gone, and the session with them.
            UseRequest::Wanted { reply, .. } if reply.is_closed() => {}
            UseRequest::Wanted { id, function, reply } => {
                self.uses.waiting.insert(id, reply);
                self.rules.handle_use(id, function, now);
            }
            UseRequest::Dropped(id) => {
                self.uses.waiting.remove(&id);
                self.rules.handle_use_dropped(id, now);
            }
        }
    }
}
