//! One look at the store for all connections that wait for one, so that wrong credentials do not fill its
//! queue.

use std::sync::atomic::{AtomicU64, Ordering};

use tokio::sync::Mutex;

/// Something that is done once for all callers that wait for it meanwhile.
#[derive(Default)]
pub(crate) struct Coalesced {
    begun: AtomicU64,
    turn: Mutex<()>,
}

impl Coalesced {
    /// Has `look` done, unless one that began after this call has already come to its end.
    pub(crate) async fn run(&self, look: impl Future<Output = ()>) {
        let before = self.begun.load(Ordering::SeqCst);
        let _turn = self.turn.lock().await;
        if self.begun.load(Ordering::SeqCst) == before {
            self.begun.fetch_add(1, Ordering::SeqCst);
            look.await;
        }
    }
}

#[cfg(test)]
mod tests {
    use futures_util::future::join_all;

    use super::*;

    #[tokio::test]
    async fn everyone_who_waits_shares_one_look_that_began_after_they_came() {
        let (coalesced, looks) = (Coalesced::default(), AtomicU64::new(0));
        let look = || async {
            looks.fetch_add(1, Ordering::SeqCst);
            tokio::task::yield_now().await;
        };
        join_all((0..100).map(|_| coalesced.run(look()))).await;
        // The first caller's, and one for all that came while that was under way.
        assert_eq!(looks.load(Ordering::SeqCst), 2);
        coalesced.run(look()).await;
        assert_eq!(looks.load(Ordering::SeqCst), 3, "who comes later is not content with what was");
    }
}
