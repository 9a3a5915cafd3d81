//! The owner's policy as the path of a session's channels asks for it, and the client's word where that is needed.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fieldlink_protocol::policy::{Denied, Function, Permission};
use futures_util::future::BoxFuture;
use tokio::sync::{mpsc, oneshot};

use crate::config::Policy;
use crate::rules::UseId;

/// What the rules are told of a use.
#[derive(Debug)]
pub(crate) enum UseRequest {
    /// The client has to be asked.
    Wanted {
        /// Names it.
        id: UseId,
        /// What is to be used.
        function: Function,
        /// What comes of it. Dropped, the session is over.
        reply: oneshot::Sender<Result<(), Denied>>,
    },
    /// Nobody waits for it any more.
    Dropped(UseId),
}

/// Uses that are on their way to the rules.
pub(crate) const QUEUE: usize = 64;

/// The policy in one session.
pub(crate) struct SessionPolicy {
    policy: Policy,
    rules: mpsc::Sender<UseRequest>,
    granted: Arc<Mutex<BTreeSet<Function>>>,
}

/// In one run of the agent: a use of an earlier session is none of a later one's.
static NEXT: AtomicU64 = AtomicU64::new(0);

/// Names the next use.
pub(crate) fn next_use() -> UseId {
    UseId(NEXT.fetch_add(1, Ordering::Relaxed))
}

impl SessionPolicy {
    /// Nothing was agreed to yet.
    pub(crate) fn new(policy: Policy, rules: mpsc::Sender<UseRequest>) -> Self {
        Self { policy, rules, granted: Arc::default() }
    }
}

impl fieldlink_ssh::Policy for SessionPolicy {
    fn permission(&self, function: Function) -> Permission {
        let is_granted = || self.granted.lock().unwrap_or_else(PoisonError::into_inner).contains(&function);
        match self.policy.of(function) {
            Permission::Ask if is_granted() => Permission::Allowed,
            permission => permission,
        }
    }

    fn ask(&self, function: Function) -> BoxFuture<'static, Result<(), Denied>> {
        let (rules, granted) = (self.rules.clone(), self.granted.clone());
        Box::pin(async move {
            let (reply, answer) = oneshot::channel();
            let id = next_use();
            let wanted = UseRequest::Wanted { id, function, reply };
            rules.send(wanted).await.map_err(|_| Denied::Over)?;
            let mut waiting = Waiting { id, rules, is_answered: false };
            let verdict = answer.await.unwrap_or(Err(Denied::Over));
            waiting.is_answered = true;
            if verdict.is_ok() {
                granted.lock().unwrap_or_else(PoisonError::into_inner).insert(function);
            }
            verdict
        })
    }
}

/// Says that nobody waits any more, unless there was an answer.
struct Waiting {
    id: UseId,
    rules: mpsc::Sender<UseRequest>,
    is_answered: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.is_answered {
            // With a full queue the question stays until its time is up.
            let _ = self.rules.try_send(UseRequest::Dropped(self.id));
        }
    }
}
