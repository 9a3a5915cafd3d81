//! Serving local connections, for the commands that listen.

use std::convert::Infallible;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::Semaphore;
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::progress::Console;

/// Between two tries to accept when the first one failed: out of descriptors, most likely, and some will be free
/// again.
const PAUSE: Duration = Duration::from_millis(100);

/// Has `carry` serve what `accept` gives, `most` at the same time; further ones wait. Says what each that failed
/// gives as its problem. Ends only by being dropped, and takes the connections with it.
pub(super) async fn serve<C, F>(
    most: usize,
    accept: impl AsyncFn() -> io::Result<C>,
    carry: impl Fn(C) -> F,
    console: &Console,
) -> Infallible
where
    F: Future<Output = Result<(), String>> + Send + 'static,
{
    let permits = Arc::new(Semaphore::new(most));
    let mut connections: JoinSet<Result<(), String>> = JoinSet::new();
    loop {
        let accepting = async {
            // The semaphore is never closed.
            let permit = permits.clone().acquire_owned().await.ok();
            (permit, accept().await)
        };
        tokio::select! {
            Some(ended) = connections.join_next() => {
                if let Ok(Err(problem)) = ended {
                    console.say(&problem);
                }
            }
            (permit, accepted) = accepting => match accepted {
                Ok(connection) => {
                    let carrying = carry(connection);
                    connections.spawn(async move {
                        let _permit = permit;
                        carrying.await
                    });
                }
                Err(_) => sleep(PAUSE).await,
            },
        }
    }
}
