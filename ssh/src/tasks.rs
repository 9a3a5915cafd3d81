//! The tasks that carry the bytes of one connection's channels.

use std::panic::AssertUnwindSafe;

use fieldlink_protocol::limits;
use futures_util::FutureExt;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

/// Forwards that one connection may have open.
const MOST_FORWARDS: usize = 64;

/// The tasks of one connection: those of its programs, and those of its forwards.
#[derive(Clone, Default)]
pub(super) struct ChannelTasks {
    programs: TaskTracker,
    forwards: TaskTracker,
}

impl ChannelTasks {
    /// Runs what carries a program's bytes, which sees itself that the connection is over.
    pub(super) fn carry_program(
        &self,
        carrying: impl Future<Output = ()> + Send + 'static,
        connection: CancellationToken,
    ) {
        self.programs.spawn(guarded(carrying, connection));
    }

    /// Whether another forward may be opened.
    pub(super) fn has_room_for_forward(&self) -> bool {
        self.forwards.len() < MOST_FORWARDS
    }

    /// Runs what carries a forward's bytes, until the connection is over.
    pub(super) fn carry_forward(
        &self,
        carrying: impl Future<Output = ()> + Send + 'static,
        connection: CancellationToken,
    ) {
        let carrying = connection.clone().run_until_cancelled_owned(carrying).map(drop);
        self.forwards.spawn(guarded(carrying, connection));
    }

    /// Waits, briefly, for those that have been cancelled. One that a program's descriptor blocks ends with
    /// the program.
    pub(super) async fn ended(&self) {
        let all = [&self.programs, &self.forwards];
        let ended = async {
            for tasks in all {
                tasks.close();
                tasks.wait().await;
            }
        };
        let _ = tokio::time::timeout(limits::CLOSE, ended).await;
    }
}

/// Carries a channel. If that panics, nothing else would close the channel, so its connection is ended.
async fn guarded(carrying: impl Future<Output = ()>, connection: CancellationToken) {
    if AssertUnwindSafe(carrying).catch_unwind().await.is_err() {
        tracing::error!("what carries a channel failed by itself: its ssh connection ends");
        connection.cancel();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_channel_that_fails_by_itself_ends_its_connection_and_no_other() {
        let (connection, other) = (CancellationToken::new(), CancellationToken::new());
        guarded(async { panic!("on purpose") }, connection.clone()).await;
        guarded(std::future::ready(()), other.clone()).await;
        assert!(connection.is_cancelled() && !other.is_cancelled());
    }
}
