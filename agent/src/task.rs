//! A task with an owner that sees its panic.

use tokio::task::{JoinError, JoinHandle};

/// A task that runs for as long as its owner wants it to. Dropping it leaves it running: it is told to stop by what it
/// was given.
#[derive(Debug)]
pub(crate) struct OwnedTask(Option<JoinHandle<()>>);

impl OwnedTask {
    /// Starts `task` on the current runtime.
    pub(crate) fn spawn(task: impl Future<Output = ()> + Send + 'static) -> Self {
        Self(Some(tokio::spawn(task)))
    }

    /// Waits until it fails by itself; one that ends as it should does not. Safe to cancel.
    pub(crate) async fn failed(&mut self) -> JoinError {
        match self.ended().await {
            Some(error) => error,
            None => std::future::pending().await,
        }
    }

    /// Waits for its end. Returns why it failed, to the first caller only. Safe to cancel.
    pub(crate) async fn ended(&mut self) -> Option<JoinError> {
        let ended = self.0.as_mut()?.await;
        self.0 = None;
        ended.err()
    }

    /// Stops it where it is.
    pub(crate) fn abort(&self) {
        self.0.iter().for_each(JoinHandle::abort);
    }
}

#[cfg(test)]
mod tests {
    use futures_util::FutureExt;

    use super::*;

    #[tokio::test]
    async fn a_panic_is_seen_once_however_late_somebody_looks() {
        let mut task = OwnedTask::spawn(async { panic!("on purpose") });
        while task.0.as_ref().is_some_and(|handle| !handle.is_finished()) {
            tokio::task::yield_now().await;
        }
        assert!(task.failed().await.is_panic());
        assert!(task.failed().now_or_never().is_none() && task.ended().await.is_none());
        let mut orderly = OwnedTask::spawn(std::future::ready(()));
        assert!(orderly.ended().await.is_none() && orderly.failed().now_or_never().is_none());
    }
}
