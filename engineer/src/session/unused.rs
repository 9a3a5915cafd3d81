//! Waiting until no program uses a session any more, or it is over.

use std::time::Duration;

use tokio::sync::watch;
use tokio::time::timeout;

use super::server::Open;

/// How long the reason for a broken connection may take: the session's end, perhaps.
pub(crate) const REASON: Duration = Duration::from_millis(500);

/// Waits until no other SSH connection is `open` (`None`), or for what `ended` gives. The end closes the connections
/// as well, and its reason takes another way: it is waited for.
pub(super) async fn until_unused<End>(
    mut open: watch::Receiver<Open>,
    mut ended: impl AsyncFnMut() -> End,
) -> Option<End> {
    loop {
        tokio::select! {
            biased;
            end = ended() => return Some(end),
            // The sender lives as long as the socket is served.
            _ = open.wait_for(|open| open.others == 0) => {}
        }
        let end = timeout(REASON, ended()).await.ok();
        if end.is_some() || open.borrow().others == 0 {
            return end;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::pending;

    use tokio::time::{Instant, sleep, sleep_until};

    use super::*;

    const MOMENT: Duration = Duration::from_millis(200);

    fn others(count: usize) -> Open {
        Open { others: count, ..Open::default() }
    }

    #[tokio::test(start_paused = true)]
    async fn an_end_whose_reason_comes_after_its_last_connection_is_that_end() {
        let (open, watcher) = watch::channel(others(1));
        let closing = async {
            sleep(MOMENT).await;
            open.send_replace(others(0));
        };
        let reason_comes = Instant::now() + 2 * MOMENT;
        let ended = async || {
            sleep_until(reason_comes).await;
            "the client ended it"
        };
        let (end, ()) = tokio::join!(until_unused(watcher, ended), closing);
        assert_eq!(end, Some("the client ended it"));
    }

    #[tokio::test(start_paused = true)]
    async fn a_session_without_connections_is_unused_and_one_that_is_used_again_is_not() {
        let (open, watcher) = watch::channel(others(0));
        let began = Instant::now();
        let using = async {
            sleep(MOMENT).await;
            open.send_replace(others(1));
            sleep(10 * MOMENT).await;
            open.send_replace(others(0));
        };
        let (end, ()) = tokio::join!(until_unused(watcher, async || pending::<()>().await), using);
        assert_eq!((end, began.elapsed()), (None, 11 * MOMENT + REASON));
    }
}
