//! A session process that is on its way. Starting one can take seconds, and for all that time the client
//! must be able to end it.

use std::future::Future;

use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::{
    EndOutcome, Launch, ORDERLY_END, SessionEvents, SessionProcess, StartError, WatchLimits, kill_tree,
};

type Started = Result<(SessionProcess, SessionEvents), StartError>;

/// A session process that is being started. Dropping it ends what comes of it.
#[derive(Debug)]
pub struct Starting {
    task: JoinHandle<Started>,
    is_child: bool,
}

impl Starting {
    /// Begins to start one.
    pub fn begin(launch: Launch, limits: WatchLimits) -> Self {
        let is_child = matches!(launch, Launch::Child(_));
        Self::of(async move { SessionProcess::launch(&launch, limits).await }, is_child)
    }

    fn of(starting: impl Future<Output = Started> + Send + 'static, is_child: bool) -> Self {
        Self { task: tokio::spawn(starting), is_child }
    }

    /// Waits for it. Safe to cancel; not to be called again after it has returned.
    pub async fn started(&mut self) -> Started {
        (&mut self.task).await.unwrap_or_else(|error| Err(std::io::Error::other(error).into()))
    }

    /// Ends it within a second, started or not. A service that has sent no message yet has no known control
    /// group to watch, so its end cannot be confirmed.
    pub async fn end(mut self) -> EndOutcome {
        match timeout(ORDERLY_END, self.started()).await {
            Ok(Ok((process, _))) => process.end().await,
            // A start that fails clears it away itself.
            Ok(Err(_)) => EndOutcome::Orderly,
            Err(_) => {
                self.task.abort();
                let _ = (&mut self.task).await;
                if self.is_child && kill_tree().await { EndOutcome::Killed } else { EndOutcome::Unconfirmed }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_that_never_starts_is_given_up() {
        let starting = Starting::of(std::future::pending(), false);
        assert_eq!(starting.end().await, EndOutcome::Unconfirmed);
        let failed = Starting::of(async { Err(StartError::NoWelcome) }, false);
        assert_eq!(failed.end().await, EndOutcome::Orderly);
    }
}
