//! What a session stands on, from the first moment to the last: its directory, its socket, its tasks.

use std::time::Duration;

use anyhow::Context;
use tokio::sync::{mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;
use tokio_util::task::AbortOnDropHandle;

use super::State;
use super::client::Client;
use super::keeping::{Keeping, ReportPlace};
use super::server::{InFlightLimit, Open, Server};
use super::view_log::Views;
use crate::call::Call;
use crate::context::CallContext;
use crate::control::channel::Goodbye;
use crate::dialogue::Transcript;
use crate::end::{End, Told};
use crate::exit::Failure;
use crate::platform::LocalListener;
use crate::relay_session::RelayHandle;
use crate::reports::Got;
use crate::restart::Restart;
use crate::runtime_dir::SessionDirectory;
use crate::ssh_config::check::Wanted;
use crate::words::say;

/// How long tasks that were told to end may take. Each of them is bounded by less.
const CLEAR_UP: Duration = Duration::from_secs(3);

/// What can be known of plain ssh before the scanner is called.
pub(crate) struct PlainSsh {
    /// What `ssh -F` makes of the session's file.
    pub(crate) wanted: anyhow::Result<Wanted>,
    /// What is wrong with ssh as engineers start it by hand, if something is.
    pub(crate) trouble: Option<String>,
}

/// The control channel's task.
pub(super) struct ChannelTask {
    /// Ends it with a last word.
    pub(super) goodbye: oneshot::Sender<Goodbye>,
    /// Returns when the last word is out.
    pub(super) finished: oneshot::Receiver<()>,
    /// What comes of the report, once the session is over; and where it goes.
    pub(super) report: Option<(mpsc::Receiver<Got>, ReportPlace)>,
}

/// Directory, socket and tasks. Dropping it stops all of them and removes the directory.
pub(super) struct Resources {
    pub(super) directory: SessionDirectory,
    pub(super) state: watch::Sender<State>,
    pub(super) open: watch::Receiver<Open>,
    pub(super) transcript: watch::Sender<Transcript>,
    pub(super) client: watch::Sender<Client>,
    /// What is watched, if nothing else is done from here.
    pub(super) views: Views,
    pub(super) relay: Option<RelayHandle>,
    pub(super) channel: Option<ChannelTask>,
    pub(super) tasks: JoinSet<()>,
    /// What is found out about plain ssh meanwhile.
    pub(super) plain_ssh: Option<AbortOnDropHandle<PlainSsh>>,
    /// Fires when the session's own shell may have the terminal.
    pub(super) curtain: CancellationToken,
    /// Fires when the session is over.
    over: CancellationToken,
    /// Fires when the session has left nothing behind.
    pub(super) gone: CancellationToken,
    /// Fires when the relay need not be listened to any more.
    pub(super) parted: CancellationToken,
}

impl Resources {
    /// Claims the directory and serves the socket. A session that is come back to has its directory already.
    pub(super) fn begin(
        context: &CallContext,
        call: &Call,
        end: mpsc::Sender<()>,
        is_back: bool,
    ) -> Result<Self, Failure> {
        let directory = match is_back {
            true => context.runtime.claim_again(call.id)?,
            false => context.runtime.claim(call.id)?,
        };
        let socket = directory.socket();
        let listener = LocalListener::bind(&socket)
            .with_context(|| say!("could-not-listen", place = socket.display()))?;
        let (state, watched) = watch::channel(State::Dialing);
        let (open_sender, open) = watch::channel(Open::default());
        let transcript = watch::Sender::new(Transcript::default());
        let client = watch::Sender::new(Client::default());
        let views = Views::default();
        let [curtain, over, gone, parted] = [(); 4].map(|()| CancellationToken::new());
        let server = Server {
            id: call.id,
            directory: directory.path().to_owned(),
            ticket: call.ticket.clone(),
            relay: context.dialer.relay().to_string(),
            state: watched,
            open: open_sender,
            turns: InFlightLimit::default(),
            transcript: transcript.clone(),
            client: client.clone(),
            views: views.clone(),
            observes: call.joining.is_some_and(|joining| joining.observes),
            curtain: curtain.clone(),
            end,
            over: over.clone(),
            gone: gone.clone(),
        };
        let mut tasks = JoinSet::new();
        tasks.spawn(server.run(listener));
        Ok(Self {
            directory,
            state,
            open,
            transcript,
            client,
            views,
            relay: None,
            channel: None,
            tasks,
            plain_ssh: None,
            curtain,
            over,
            gone,
            parted,
        })
    }

    /// Fires when the session is over.
    pub(super) fn over(&self) -> CancellationToken {
        self.over.clone()
    }

    /// Waits until a task of the session fails by itself. Safe to cancel.
    pub(super) async fn failed(&mut self) {
        loop {
            match self.tasks.join_next().await {
                Some(Err(error)) if error.is_panic() => return,
                Some(_) => {}
                None => std::future::pending().await,
            }
        }
    }

    /// Lets go of a session that goes on without this program: scanner and relay are not told that it is over.
    pub(super) async fn abandon(mut self) {
        self.over.cancel();
        self.tasks.shutdown().await;
        self.gone.cancel();
        let _ = self.directory.remove();
    }

    /// Lets go of a session that can be come back to: scanner and relay are not told that it is over.
    pub(super) async fn release(mut self) -> anyhow::Result<()> {
        self.over.cancel();
        self.tasks.shutdown().await;
        self.gone.cancel();
        self.directory.leave()
    }

    /// The same, while the scanner restarts.
    pub(super) async fn release_for_restart(mut self) -> anyhow::Result<()> {
        self.over.cancel();
        // At once, and once more when nothing else writes that file.
        let noted = Restart::note_restart(self.directory.path());
        self.tasks.shutdown().await;
        self.gone.cancel();
        let noted = Restart::note_restart(self.directory.path()).or(noted);
        self.directory.leave().and(noted)
    }

    /// Ends everything, in the order in which others learn of it: our own connections at once, the
    /// scanner under the seal, the relay, the file system, and last the programs that wait for it. Before the relay is told,
    /// the report is fetched, if somebody waits for it. Its later edition is waited for when nothing else is left.
    pub(super) async fn clear_up(mut self, end: &End, keeping: Option<Keeping<'_>>) -> anyhow::Result<()> {
        let before = self.state.send_replace(State::Ended(end.clone()));
        let scanner = before.agent().map(|agent| agent.hostname.clone()).unwrap_or_default();
        self.views.end();
        self.over.cancel();
        let mut directory = Some(self.directory);
        let mut remove = || directory.take().map_or(Ok(()), SessionDirectory::remove);
        let mut removed = Ok(());
        if let Some(ChannelTask { goodbye, finished, report }) = self.channel.take() {
            let _ = goodbye.send(Goodbye { reason: end.reason, stays: end.stays });
            if let (Some((mut coming, place)), Some(mut keeping)) = (report, keeping)
                && let Some(shelved) = keeping.keep(&mut coming, (&place, scanner)).await
            {
                removed = remove();
                self.gone.cancel();
                keeping.keep_on(&mut coming, &shelved).await;
            }
            let _ = timeout(CLEAR_UP, finished).await;
        }
        if let Some(relay) = self.relay.take().filter(|_| end.told >= Told::Scanner) {
            relay.end(end.reason).await;
        }
        removed = removed.and(remove());
        self.gone.cancel();
        self.parted.cancel();
        let joined = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(CLEAR_UP, joined).await.is_err() {
            self.tasks.shutdown().await;
        }
        removed
    }
}
