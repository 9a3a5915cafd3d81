//! One SSH connection: which key and account may log in, and which requests lead where.

use fieldlink_session::wire::{ConnectTarget, ProgramKind, ProgramSignal, TerminalRequest, TerminalSize};
use russh::keys::PublicKey;
use russh::server::{Auth, ChannelOpenHandle, Handler, Msg, PublicKeyOffer, Session, VerifiedPublicKey};
use russh::{Channel, ChannelId, ChannelOpenFailure, Pty, Sig};
use tokio::sync::watch;

use super::channel::{ChannelRequest, SubsystemName};
use super::channel_path::prohibited;
use super::forward;
use super::program::{self, ProgramDeps, RunningProgram, StartKind};
use super::session_channel::SessionChannels;
use super::tasks::ChannelTasks;

pub(super) struct Connection {
    engineer_key: PublicKey,
    user: String,
    deps: ProgramDeps,
    logged_in: watch::Sender<bool>,
    sessions: SessionChannels,
    tasks: ChannelTasks,
}

impl Connection {
    /// For this key and this account alone. What carries bytes runs in `tasks`.
    pub(super) fn new(
        (engineer_key, user): (PublicKey, String),
        deps: ProgramDeps,
        tasks: ChannelTasks,
    ) -> (Self, watch::Receiver<bool>) {
        let (logged_in, watcher) = watch::channel(false);
        let sessions = SessionChannels::default();
        (Self { engineer_key, user, deps, logged_in, sessions, tasks }, watcher)
    }

    /// Exactly one key for exactly one account. Both are public; no time is worth hiding here.
    fn decide(&self, user: &str, key: &PublicKey) -> Auth {
        if user == self.user && key.key_data() == self.engineer_key.key_data() {
            Auth::Accept
        } else {
            Auth::reject()
        }
    }

    async fn start(
        &mut self,
        id: ChannelId,
        kind: StartKind,
        session: &mut Session,
    ) -> Result<(), russh::Error> {
        if !self.take_early(id, session)? {
            return Ok(());
        }
        let Some((start, ways)) = self.sessions.begin(id, kind, session.handle()) else {
            return session.channel_failure(id);
        };
        session.channel_success(id)?;
        let running = RunningProgram::default();
        let carrying = program::run(self.deps.clone(), start, ways, running.clone());
        // The channel's output is taken only once this request is answered.
        self.tasks.carry_program(carrying, self.deps.cancel.clone());
        self.sessions.running(id, running);
        Ok(())
    }

    /// To be called for everything that comes for a session channel. False if the channel is given up,
    /// because more came than may come before a program is started.
    fn take_early(&mut self, id: ChannelId, session: &mut Session) -> Result<bool, russh::Error> {
        let fits = self.sessions.take_early(id);
        if !fits {
            session.close(id)?;
        }
        Ok(fits)
    }

    async fn open_forward(&self, channel: Channel<Msg>, target: ConnectTarget, reply: ChannelOpenHandle) {
        if !self.tasks.has_room_for_forward() {
            return reply.reject(ChannelOpenFailure::ResourceShortage).await;
        }
        let ProgramDeps { opener, path, programs, backlog, cancel, .. } = self.deps.clone();
        let target = path.narrow(target);
        let work = async move {
            let request = ChannelRequest::Forward(target.clone());
            match path.authorise(opener, channel.id().into(), request).await {
                Ok(lease) => forward::run(lease, backlog, programs, target, channel, reply).await,
                Err(refusal) => reply.reject(refusal.into()).await,
            }
        };
        self.tasks.carry_forward(work, cancel);
    }
}

fn answer(id: ChannelId, session: &mut Session, is_taken: bool) -> Result<(), russh::Error> {
    if is_taken { session.channel_success(id) } else { session.channel_failure(id) }
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
        if !self.sessions.has_room() {
            let reason = "too many sessions on this connection: open another connection".to_owned();
            reply.reject(prohibited(reason)).await;
            return Ok(());
        }
        self.sessions.opened(channel);
        reply.accept().await;
        Ok(())
    }

    fn adjust_window(&mut self, _: ChannelId, _: u32) -> u32 {
        self.deps.backlog.next_window()
    }

    async fn channel_close(&mut self, id: ChannelId, _: &mut Session) -> Result<(), Self::Error> {
        self.sessions.closed(id);
        Ok(())
    }

    async fn channel_eof(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.take_early(id, session).map(drop)
    }

    async fn data(&mut self, id: ChannelId, _: &[u8], session: &mut Session) -> Result<(), Self::Error> {
        self.take_early(id, session).map(drop)
    }

    async fn extended_data(
        &mut self,
        id: ChannelId,
        _: u32,
        _: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.take_early(id, session).map(drop)
    }

    async fn agent_request(&mut self, id: ChannelId, session: &mut Session) -> Result<bool, Self::Error> {
        self.take_early(id, session)?;
        Ok(false)
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
        self.take_early(id, session)?;
        let request = TerminalRequest {
            term: term.to_owned(),
            size: size(columns, rows, pixel_width, pixel_height),
            modes: modes.iter().map(|(mode, value)| (*mode as u8, *value)).collect(),
        };
        answer(id, session, self.sessions.preparing(id).is_some_and(|channel| channel.set_terminal(request)))
    }

    async fn env_request(
        &mut self,
        id: ChannelId,
        name: &str,
        value: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.take_early(id, session)?;
        let is_taken = self.sessions.preparing(id).is_some_and(|channel| channel.set_variable(name, value));
        answer(id, session, is_taken)
    }

    async fn shell_request(&mut self, id: ChannelId, session: &mut Session) -> Result<(), Self::Error> {
        self.start(id, StartKind::Program(ProgramKind::Shell {}), session).await
    }

    async fn exec_request(
        &mut self,
        id: ChannelId,
        command: &[u8],
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.start(id, StartKind::Program(ProgramKind::Exec { command: command.to_vec() }), session).await
    }

    async fn subsystem_request(
        &mut self,
        id: ChannelId,
        name: &str,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        let kind = match name {
            "sftp" => Some(StartKind::Program(ProgramKind::Sftp {})),
            name => SubsystemName::from_name(name).map(StartKind::Subsystem),
        };
        match kind {
            Some(kind) => self.start(id, kind, session).await,
            None => session.channel_failure(id),
        }
    }

    async fn window_change_request(
        &mut self,
        id: ChannelId,
        columns: u32,
        rows: u32,
        pixel_width: u32,
        pixel_height: u32,
        session: &mut Session,
    ) -> Result<(), Self::Error> {
        self.take_early(id, session)?;
        if let Some(program) = self.sessions.program(id) {
            program.resize(size(columns, rows, pixel_width, pixel_height));
        }
        Ok(())
    }

    async fn signal(&mut self, id: ChannelId, signal: Sig, session: &mut Session) -> Result<(), Self::Error> {
        self.take_early(id, session)?;
        let name = match signal {
            Sig::Custom(name) => name,
            other => format!("{other:?}"),
        };
        if let (Some(program), Some(signal)) = (self.sessions.program(id), ProgramSignal::from_name(&name)) {
            if self.deps.path.holds_input() {
                let held = program.clone().signal_once_let_pass(self.deps.path.clone(), signal);
                let cancel = self.deps.cancel.clone();
                let held = cancel.clone().run_until_cancelled_owned(held);
                self.tasks.carry_program(async move { held.await.unwrap_or_default() }, cancel);
            } else {
                program.signal(signal).await;
            }
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
        self.take_early(id, session)?;
        session.channel_failure(id)
    }
}
