//! The thread on which SSH connections and programs' bytes are carried.
//!
//! Apart from the rules on purpose: the session process shares its descriptors' `O_NONBLOCK` and may
//! make a read or write of ours block. Then this thread stands still, while the rules notice, end the
//! session, and thereby free it.

use std::collections::HashMap;
use std::sync::Arc;
use std::thread::JoinHandle;
use std::time::Duration;

use fieldlink_protocol::ids::PipeId;
use fieldlink_protocol::limits;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::SshServer;

/// How long the end waits for the thread: it can be stuck only until its programs are killed.
const JOIN: Duration = Duration::from_millis(200);

enum Order {
    Open(PipeId, Signed<PipeTicket>),
    Close(PipeId),
}

/// A running thread. [`SshThread::cancel`], then [`SshThread::joined`], end it.
pub struct SshThread {
    pipes: mpsc::Sender<Order>,
    cancel: CancellationToken,
    finished: oneshot::Receiver<()>,
    thread: JoinHandle<()>,
}

impl SshThread {
    /// Starts the thread for one session.
    pub fn start(server: SshServer) -> std::io::Result<Self> {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
        let (pipes, queue) = mpsc::channel(limits::PIPES_PER_SESSION);
        let (finish, finished) = oneshot::channel();
        let cancel = CancellationToken::new();
        let serving = serve(Arc::new(server), queue, cancel.clone());
        let thread = std::thread::Builder::new().name("ssh".into()).spawn(move || {
            runtime.block_on(serving);
            // A name that is still being resolved must not hold up the end.
            runtime.shutdown_background();
            let _ = finish.send(());
        })?;
        Ok(Self { pipes, cancel, finished, thread })
    }

    /// Serves a further SSH connection. False if there are too many already.
    pub fn open_pipe(&self, pipe: PipeId, ticket: Signed<PipeTicket>) -> bool {
        self.pipes.try_send(Order::Open(pipe, ticket)).is_ok()
    }

    /// Ends an SSH connection whose pipe would go on waiting.
    pub fn close_pipe(&self, pipe: PipeId) {
        if self.pipes.try_send(Order::Close(pipe)).is_err() {
            tracing::warn!(%pipe, "ssh pipe not closed: the thread takes no orders");
        }
    }

    /// Cuts every connection; afterwards [`Self::joined`] waits for the thread.
    pub fn cancel(&self) {
        self.cancel.cancel();
    }

    /// Waits for the thread's end. False if it is stuck.
    pub async fn joined(self) -> bool {
        let waited = tokio::time::timeout(2 * limits::CLOSE + JOIN, self.finished).await;
        if waited.is_err() {
            return false;
        }
        if self.thread.join().is_err() {
            tracing::error!("the ssh thread panicked");
        }
        true
    }
}

async fn serve(server: Arc<SshServer>, mut orders: mpsc::Receiver<Order>, cancel: CancellationToken) {
    let mut connections = JoinSet::new();
    let mut open: HashMap<PipeId, CancellationToken> = HashMap::new();
    loop {
        tokio::select! {
            biased;
            () = cancel.cancelled() => break,
            Some(ended) = connections.join_next() => match ended {
                Ok(pipe) => {
                    open.remove(&pipe);
                    // What it kept for a side that took nothing.
                    fieldlink_session::sys::trim_heap();
                }
                Err(error) => tracing::error!(%error, "an ssh connection failed"),
            },
            order = orders.recv() => match order {
                Some(Order::Open(pipe, ticket)) => {
                    let Some(room) = server.room() else {
                        tracing::warn!(%pipe, "too many ssh connections");
                        continue;
                    };
                    let token = cancel.child_token();
                    open.insert(pipe, token.clone());
                    let serving = server.clone().serve(pipe, ticket, token);
                    connections.spawn(async move {
                        serving.await;
                        drop(room);
                        pipe
                    });
                }
                Some(Order::Close(pipe)) => open.get(&pipe).into_iter().for_each(CancellationToken::cancel),
                None => break,
            }
        }
    }
    cancel.cancel();
    // Each connection bounds its own goodbye; what is left after that is aborted.
    let all = async { while connections.join_next().await.is_some() {} };
    let _ = tokio::time::timeout(2 * limits::CLOSE, all).await;
    connections.shutdown().await;
}
