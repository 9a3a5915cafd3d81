//! The live view: what an engineer's terminals show, for the person beside the device, as it happens.
//!
//! The session's channels are seen where their bytes pass (`watched.rs`). Each watcher has a task and reads from what is kept of
//! each terminal (`channels.rs`): one that is slow misses some of it, and is told how much.

mod channels;
mod recent;
mod viewer;
mod watched;

use std::io;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::Semaphore;
use tokio::task::JoinSet;

pub(crate) use channels::Had;
pub(crate) use watched::Watched;

/// Watchers at the same time.
const WATCHERS: usize = 8;

/// What the session of now shows, and whoever watches it. All clones are the same.
#[derive(Clone)]
pub struct LiveView(Arc<Shared>);

struct Shared {
    session: Mutex<Option<Arc<Watched>>>,
    seats: Arc<Semaphore>,
    viewers: Mutex<JoinSet<()>>,
}

/// Why nobody more can watch.
#[derive(Debug, thiserror::Error)]
pub enum NoView {
    /// There is nothing to watch.
    #[error("no engineer is connected")]
    NoSession,
    /// So many watch already.
    #[error("too many watch already")]
    TooMany,
    /// The system gives no socket.
    #[error("could not make a socket for a watcher: {0}")]
    Socket(#[from] io::Error),
}

impl Default for LiveView {
    fn default() -> Self {
        let seats = Arc::new(Semaphore::new(WATCHERS));
        Self(Arc::new(Shared { session: Mutex::default(), seats, viewers: Mutex::default() }))
    }
}

impl LiveView {
    /// A session begins. What is to see its channels.
    pub(crate) fn begin(&self) -> Arc<Watched> {
        let session = Arc::new(Watched::default());
        *locked(&self.0.session) = Some(session.clone());
        session
    }

    /// This session is over. Whoever watches it still has the last of it.
    pub(crate) fn end(&self, session: &Arc<Watched>) {
        locked(&self.0.session).take_if(|now| Arc::ptr_eq(now, session));
        session.end();
    }

    /// What the terminals of the session show, if there is one.
    pub(crate) fn current(&self) -> Option<Arc<Watched>> {
        locked(&self.0.session).clone()
    }

    /// Lets somebody watch: the end of a stream of [`LiveEvent`](fieldlink_device::live::LiveEvent)s, one a line.
    pub fn watch(&self) -> Result<OwnedFd, NoView> {
        let session = locked(&self.0.session).clone().ok_or(NoView::NoSession)?;
        let seat = self.0.seats.clone().try_acquire_owned().map_err(|_| NoView::TooMany)?;
        let (ours, theirs) = UnixStream::pair()?;
        ours.set_nonblocking(true)?;
        let viewing = viewer::run(session, tokio::net::UnixStream::from_std(ours)?);
        let mut viewers = locked(&self.0.viewers);
        while viewers.try_join_next().is_some() {}
        viewers.spawn(async move {
            let _seat = seat;
            if let Err(error) = viewing.await {
                tracing::debug!(%error, "a watcher is gone");
            }
        });
        Ok(theirs.into())
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
