//! One SSH connection: who may log in, and which requests lead where.

use std::sync::Arc;

use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::channel_path::{ChannelPath, ChannelRequest};
use super::forward;
use super::program::{self, RunningProgram};
use crate::session_process::SessionClient;
use crate::session_process::wire::{
    ConnectTarget, ProgramKind, ProgramSignal, TerminalRequest, TerminalSize,
};

/// Forwards that one connection may have open.
const MOST_FORWARDS: usize = 64;
/// Variables that one session channel may set, and bytes in one of them.
const MOST_VARIABLES: usize = 64;
const LONGEST_VARIABLE: usize = 4096;
/// `administratively prohibited`, RFC 4254 section 5.1.
const PROHIBITED: u32 = 1;

pub(super) struct Connection {
    engineer_key: PublicKey,
    user: String,
    path: Arc<ChannelPath>,
    programs: SessionClient,
    cancel: CancellationToken,
    logged_in: watch::Sender<bool>,
    session: SessionChannel,
    forwards: TaskTracker,
}

/// The one session channel of the connection.
enum SessionChannel {
    /// Not opened yet.
    None,
    /// Opened; `pty-req` and `env` may come.
    Preparing { channel: Channel<Msg>, terminal: Option<TerminalRequest>, environment: Vec<(String, String)> },
    /// Something runs in it.
    Running(RunningProgram),
}

impl Connection {
    pub(super) fn new(
        engineer_key: PublicKey,
        user: String,
        path: Arc<ChannelPath>,
        programs: SessionClient,
        cancel: CancellationToken,
    ) -> (Self, watch::Receiver<bool>) {
        let (logged_in, watcher) = watch::channel(false);
        let (session, forwards) = (SessionChannel::None, TaskTracker::new());
        (Self { engineer_key, user, path, programs, cancel, logged_in, session, forwards }, watcher)
    }

    /// Exactly one key for exactly one account. Both are public; no time is worth hiding here.
    fn decide(&self, user: &str, key: &PublicKey) -> Auth {
        if user == self.user && key.key_data() == self.engineer_key.key_data() {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }

    fn is_preparing(&self, id: ChannelId) -> bool {
        matches!(&self.session, SessionChannel::Preparing { channel, .. } if channel.id() == id)
    }

    async fn start(
        &mut self,
        id: ChannelId,
        kind: ProgramKind,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if !self.is_preparing(id) {
            return session.channel_failure(id);
        }
        let before = std::mem::replace(&mut self.session, SessionChannel::None);
        let SessionChannel::Preparing { channel, terminal, environment } = before else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let request = program::Start { kind, terminal, environment };
        let connection = (session.handle(), self.cancel.clone());
        let running = program::start(&self.path, &self.programs, request, channel, connection).await;
        self.session = SessionChannel::Running(running);
        Ok(())
    }

    async fn open_forward(&self, channel: Channel<Msg>, target: ConnectTarget, reply: ChannelOpenHandle) {
        if self.forwards.len() >= MOST_FORWARDS {
            return reply.reject(ChannelOpenFailure::ResourceShortage).await;
        }
        let target = self.path.narrow(target);
        match self.path.authorise(&ChannelRequest::Forward(target.clone())) {
            Ok(leave) => {
                let (path, programs) = (self.path.clone(), self.programs.clone());
                let work = forward::run(path, leave, programs, target, channel, reply);
                self.forwards.spawn(self.cancel.clone().run_until_cancelled_owned(work));
            }
            Err(refusal) => {
                tracing::info!(%refusal, "channel refused");
                reply.reject(prohibited(refusal.to_string())).await;
            }
        }
    }
}

pub(super) fn prohibited(reason: String) -> ChannelOpenFailure {
    ChannelOpenFailure::Other { code: PROHIBITED, reason }
}

fn size(columns: u32, rows: u32, pixel_width: u32, pixel_height: u32) -> TerminalSize {
    let fit = |value: u32| u16::try_from(value).unwrap_or(u16::MAX);
    TerminalSize {
        columns: fit(columns),
        rows: fit(rows),
        pixel_width: fit(pixel_width),
        pixel_height: fit(pixel_height),
    }
}

impl Handler for Connection {
    type Error = russh::Error;

    async fn auth_publickey_offered(
        &mut self,
        user: &str,
        offer: PublicKeyOffer<'_>,
    ) -> Result<Auth, Self::Error> {
        Ok(self.decide(user, offer.public_key))
    }

    async fn auth_publickey(&mut self, user: &str, key: VerifiedPublicKey<'_>) -> Result<Auth, Self::Error> {
        Ok(self.decide(user, key.public_key))
    }

    async fn auth_succeeded(&mut self, _: &mut Session) -> Result<(), Self::Error> {
        self.logged_in.send_replace(true);
        Ok(())
    }

    async fn channel_open_session(
        &mut self,
        channel: Channel<Msg>,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if !matches!(self.session, SessionChannel::None) {
            let reason = "one session per connection: open another connection".to_owned();
            reply.reject(prohibited(reason)).await;
            return Ok(());
        }
        self.session = SessionChannel::Preparing { channel, terminal: None, environment: Vec::new() };
        reply.accept().await;
        Ok(())
    }

    async fn channel_open_direct_tcpip(
        &mut self,
        channel: Channel<Msg>,
        host: &str,
        port: u32,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        match u16::try_from(port) {
            Ok(port) => {
                self.open_forward(channel, ConnectTarget::Tcp { host: host.to_owned(), port }, reply).await
            }
            Err(_) => reply.reject(ChannelOpenFailure::ConnectFailed).await,
        }
        Ok(())
    }

    async fn channel_open_direct_streamlocal(
        &mut self,
        channel: Channel<Msg>,
        path: &str,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        self.open_forward(channel, ConnectTarget::Unix { path: path.to_owned() }, reply).await;
        Ok(())
    }

    async fn channel_open_x11(
        &mut self,
        _: Channel<Msg>,
        _: &str,
        _: u32,
        reply: ChannelOpenHandle,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        reply.reject(prohibited("X11 is not forwarded".to_owned())).await;
        Ok(())
    }

    async fn pty_request(
        &mut self,
        id: ChannelId,
        term: &str,
        columns: u32,
        rows: u32,
        pixel_width: u32,
        pixel_height: u32,
        modes: &[(Pty, u32)],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let is_preparing = self.is_preparing(id);
        match &mut self.session {
            SessionChannel::Preparing { terminal, .. } if is_preparing && terminal.is_none() => {
                *terminal = Some(TerminalRequest {
                    term: term.to_owned(),
                    size: size(columns, rows, pixel_width, pixel_height),
                    modes: modes.iter().map(|(mode, value)| (*mode as u8, *value)).collect(),
                });
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let is_preparing = self.is_preparing(id);
        match &mut self.session {
            SessionChannel::Preparing { environment, .. }
                if is_preparing
                    && program::accepts_variable(name)
                    && environment.len() < MOST_VARIABLES
                    && value.len() <= LONGEST_VARIABLE =>
            {
                environment.push((name.to_owned(), value.to_owned()));
                session.channel_success(id)
            }
            _ => session.channel_failure(id),
        }
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, ProgramKind::Shell {}, session).await
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(id, ProgramKind::Exec { command: command.to_vec() }, session).await
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        match name {
            "sftp" => self.start(id, ProgramKind::Sftp {}, session).await,
            _ => session.channel_failure(id),
        }
    }

    async fn window_change_request(
        &mut self,
        _: ChannelId,
        columns: u32,
        rows: u32,
        pixel_width: u32,
        pixel_height: u32,
        _: &mut Session,
    ) -> Result<(), Self::Error> {
        if let SessionChannel::Running(program) = &self.session {
            program.resize(size(columns, rows, pixel_width, pixel_height));
        }
        Ok(())
    }

    async fn signal(&mut self, _: ChannelId, signal: Sig, _: &mut Session) -> Result<(), Self::Error> {
        let name = match signal {
            Sig::Custom(name) => name,
            other => format!("{other:?}"),
        };
        if let (SessionChannel::Running(program), Some(signal)) =
            (&self.session, ProgramSignal::from_name(&name))
        {
            program.signal(signal).await;
        }
        Ok(())
    }

    async fn x11_request(
        &mut self,
        id: ChannelId,
        _: bool,
        _: &str,
        _: &str,
        _: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        session.channel_failure(id)
    }
}
