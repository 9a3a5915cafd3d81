//! The scanner's SSH server: one connection per pipe, for exactly one key, for as long as the session lasts. It knows
//! none of the rules of a session; what it starts runs in `fieldlink-session` ([`session_process`]).
//!
//! A crate of its own also because every byte of a session passes through it: it is compiled for speed, and the agent
//! around it for size.
//!
//! A connection may carry several sessions and forwards, and a further connection costs no PIN. While one
//! takes nothing, what is sent to the others of its connection crawls; nothing else is held up (`input.rs`).

mod carrier;
mod channel;
mod channel_io;
mod channel_path;
mod connection;
mod forward;
pub mod forward_policy;
mod input;
mod lease;
mod passage;
mod program;
mod screen;
mod server_config;
mod session_channel;
pub mod session_process;
pub mod sftp;
mod subsystem;
mod tap;
mod tasks;
mod thread;
pub mod transfer;

use std::convert::Infallible;
use std::sync::Arc;
use std::time::Duration;

use fieldlink_protocol::ids::{EngineerId, PipeId, SessionId};
use fieldlink_protocol::keys::SessionKeys;
use fieldlink_protocol::limits;
use fieldlink_protocol::pipe::{PipeKind, Role, Side};
use fieldlink_protocol::reason::Reason;
use fieldlink_protocol::ticket::{PipeTicket, Signed};
use fieldlink_transport::{
    Attached, AttachedError, Dialer, OpenPipe, PipeDriver, PipeLimits, PipeReader, PipeWriter,
};
use russh::keys::{PrivateKey, PublicKey};
use tokio::sync::{OwnedSemaphorePermit, watch};
use tokio_util::sync::CancellationToken;

pub use channel::{
    ChannelEnd, ChannelIdentity, ChannelKind, ChannelRequest, ChannelStatus, Opener, SubsystemName,
};
pub use channel_path::{ChannelPath, Policy};
pub use passage::Way;
pub use server_config::{new_host_key, parse_engineer_key};
pub use subsystem::Subsystems;
pub use tap::Tap;
pub use thread::SshThread;

use connection::Connection;
use input::Backlog;
use program::ProgramDeps;
use tasks::ChannelTasks;

use crate::session_process::SessionClient;

/// From the first byte to the accepted key.
const LOGIN_GRACE: Duration = Duration::from_secs(30);

/// What every SSH connection of a session shares.
pub struct SshServer {
    dialer: Dialer,
    keys: Arc<SessionKeys>,
    bounds: PipeLimits,
    config: Arc<russh::server::Config>,
    engineer_key: PublicKey,
    user: String,
    who: (SessionId, EngineerId),
    path: Arc<ChannelPath>,
    programs: SessionClient,
    subsystems: Arc<dyn Subsystems>,
    backlog: Backlog,
    ended: watch::Receiver<Option<Reason>>,
}

/// What [`SshServer::new`] needs.
pub struct SshServerParts {
    /// Dials the relay, through the proxy if there is one.
    pub dialer: Dialer,
    /// The session's keys, from which each pipe's key is derived.
    pub keys: Arc<SessionKeys>,
    /// The window and the longest interruption of each pipe.
    pub bounds: PipeLimits,
    /// Ours, new for this session.
    pub host_key: PrivateKey,
    /// The only key that is let in.
    pub engineer_key: PublicKey,
    /// The only account that may log in.
    pub user: String,
    /// The session, and the engineer who works in it.
    pub who: (SessionId, EngineerId),
    /// Decides on every channel and sees every byte.
    pub path: Arc<ChannelPath>,
    /// Starts programs and connects forwards.
    pub programs: SessionClient,
    /// What the agent serves itself.
    pub subsystems: Arc<dyn Subsystems>,
    /// Why the session ended, once it has.
    pub ended: watch::Receiver<Option<Reason>>,
}

impl SshServer {
    /// A server for one session.
    pub fn new(parts: SshServerParts) -> Self {
        let SshServerParts { host_key, engineer_key, user, who, path, programs, subsystems, ended, .. } =
            parts;
        let SshServerParts { dialer, keys, bounds, .. } = parts;
        let config = Arc::new(server_config::server_config(host_key));
        Self {
            dialer,
            keys,
            bounds,
            config,
            engineer_key,
            user,
            who,
            path,
            programs,
            subsystems,
            backlog: Backlog::default(),
            ended,
        }
    }

    /// Room for a further connection, among those of everybody in the session.
    fn room(&self) -> Option<OwnedSemaphorePermit> {
        self.path.connection()
    }

    /// Serves one pipe until it ends or `cancel` fires.
    pub async fn serve(self: Arc<Self>, pipe: PipeId, ticket: Signed<PipeTicket>, cancel: CancellationToken) {
        let established = tokio::select! {
            biased;
            () = cancel.cancelled() => None,
            established = self.establish(pipe, &ticket) => Some(established),
        };
        match established {
            Some(Ok((reader, writer, driver))) => self.converse(pipe, (reader, writer, driver), cancel).await,
            Some(Err(error)) => tracing::info!(%pipe, %error, "ssh pipe not established"),
            None => {}
        }
        tracing::debug!(%pipe, "ssh pipe let go");
    }

    async fn establish(&self, pipe: PipeId, ticket: &Signed<PipeTicket>) -> Result<OpenPipe, AttachedError> {
        let key = self.keys.pipe_key(pipe, PipeKind::Ssh);
        let side = Side { role: Role::Agent, pipe, kind: PipeKind::Ssh, key };
        Attached::open(&self.dialer, ticket, side, self.bounds).await
    }

    async fn converse(
        &self,
        pipe: PipeId,
        (reader, writer, driver): (PipeReader, PipeWriter, PipeDriver),
        cancel: CancellationToken,
    ) {
        let stop_driver = cancel.child_token();
        let goodbye = || (*self.ended.borrow()).map_or_else(String::new, |reason| reason.code().to_owned());
        // Ends the channels of this connection: they hold what russh may be waiting for.
        let stop_channels = CancellationToken::new();
        let channels = ChannelTasks::default();
        let driving = async {
            let end = driver.run(stop_driver.clone(), goodbye).await;
            stop_channels.cancel();
            end
        };
        let talking = async {
            if let Err(error) = self.talk(pipe, (reader, writer), &stop_channels, channels.clone()).await {
                tracing::info!(%error, "ssh connection ended");
            }
            stop_channels.cancel();
            // Both ends close by themselves now; a peer that does not is cut.
            tokio::time::sleep(limits::CLOSE).await;
            stop_driver.cancel();
        };
        // A channel that failed by itself ends its connection.
        let failing = async {
            stop_channels.cancelled().await;
            tokio::time::sleep(limits::CLOSE).await;
            stop_driver.cancel();
            std::future::pending::<Infallible>().await
        };
        let (mut driving, mut talking) = (std::pin::pin!(driving), std::pin::pin!(talking));
        tokio::select! {
            never = failing => match never {},
            end = &mut driving => {
                tracing::debug!(?end, "ssh pipe ended");
                // The pipe is gone, its channels are cancelled: russh sees the end and stops.
                if tokio::time::timeout(limits::CLOSE, talking).await.is_err() {
                    tracing::debug!("ssh connection still closing");
                }
            }
            // The driver still says goodbye, briefly; without that the peer would wait.
            () = &mut talking => drop(driving.await),
        }
        channels.ended().await;
    }

    async fn talk(
        &self,
        pipe: PipeId,
        (reader, writer): (PipeReader, PipeWriter),
        stop_channels: &CancellationToken,
        tasks: ChannelTasks,
    ) -> Result<(), russh::Error> {
        let (session, engineer) = self.who;
        let deps = ProgramDeps {
            opener: Opener { session, pipe, engineer },
            path: self.path.clone(),
            programs: self.programs.clone(),
            subsystems: self.subsystems.clone(),
            backlog: self.backlog.beside(),
            cancel: stop_channels.clone(),
        };
        let client = (self.engineer_key.clone(), self.user.clone());
        let (connection, mut logged_in) = Connection::new(client, deps, tasks);
        let stream = tokio::io::join(reader, writer);
        let login = async {
            let session = russh::server::run_stream(self.config.clone(), stream, connection).await?;
            // Fails only if the connection is over, which the session then says.
            let _ = logged_in.wait_for(|done| *done).await;
            Ok::<_, russh::Error>(session)
        };
        match tokio::time::timeout(LOGIN_GRACE, login).await {
            Ok(session) => session?.await,
            Err(_) => Err(russh::Error::ConnectionTimeout),
        }
    }
}
