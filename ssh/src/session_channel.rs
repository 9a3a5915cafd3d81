//! The session channels of one SSH connection (RFC 4254 section 6), each from its opening to its end.

use std::collections::HashMap;

use fieldlink_session::wire::{MAX_ENVIRONMENT, MAX_VARIABLES, TerminalRequest, accepts_variable};
use futures_util::FutureExt;
use russh::server::{Handle, Msg};
use russh::{Channel, ChannelId, ChannelMsg};

use super::channel_io::{Early, Input, Output};
use super::program::{RunningProgram, Start, StartKind};

/// Session channels that one connection may have open, as OpenSSH's `MaxSessions`.
const MOST: usize = 10;
/// What a client may send before it says what is to be started, in bytes.
const EARLY_INPUT: usize = 256 * 1024;

/// The session channels of one connection, by their numbers.
#[derive(Default)]
pub(super) struct SessionChannels(HashMap<ChannelId, SessionChannel>);

enum SessionChannel {
    /// Opened; `pty-req` and `env` may come.
    Preparing(Box<Preparing>),
    /// A shell or a command runs in it, or a subsystem.
    Running(RunningProgram),
}

/// A channel in which nothing runs yet.
pub(super) struct Preparing {
    channel: Channel<Msg>,
    early: Early,
    terminal: Option<TerminalRequest>,
    environment: Vec<(String, String)>,
}

impl SessionChannels {
    /// Whether another one may be opened now.
    pub(super) fn has_room(&mut self) -> bool {
        self.0.retain(|_, channel| match channel {
            SessionChannel::Preparing(_) => true,
            SessionChannel::Running(program) => !program.is_over(),
        });
        self.0.len() < MOST
    }

    pub(super) fn opened(&mut self, channel: Channel<Msg>) {
        let id = channel.id();
        let preparing =
            Preparing { channel, early: Early::default(), terminal: None, environment: Vec::new() };
        self.0.insert(id, SessionChannel::Preparing(Box::new(preparing)));
    }

    /// The SSH client has closed it; the task that carries its bytes receives the close, too.
    pub(super) fn closed(&mut self, id: ChannelId) {
        self.0.remove(&id);
    }

    /// Takes the SSH library's copies of what came for a channel that nothing runs in. Left where they are,
    /// they would fill its queue and hold up the whole connection. False if it is more than may come early;
    /// the channel is given up then.
    pub(super) fn take_early(&mut self, id: ChannelId) -> bool {
        let Some(SessionChannel::Preparing(preparing)) = self.0.get_mut(&id) else { return true };
        let fits = preparing.take_early();
        if !fits {
            self.0.remove(&id);
        }
        fits
    }

    /// The channel, as long as nothing runs in it.
    pub(super) fn preparing(&mut self, id: ChannelId) -> Option<&mut Preparing> {
        match self.0.get_mut(&id) {
            Some(SessionChannel::Preparing(preparing)) => Some(preparing),
            _ => None,
        }
    }

    /// What is to be started in the channel, and its two ways. It counts as gone until
    /// [`Self::running`].
    pub(super) fn begin(
        &mut self,
        id: ChannelId,
        kind: StartKind,
        connection: Handle,
    ) -> Option<(Start, (Input, Output))> {
        let SessionChannel::Preparing(_) = self.0.get(&id)? else { return None };
        let Some(SessionChannel::Preparing(preparing)) = self.0.remove(&id) else { return None };
        let Preparing { channel, early, terminal, environment, .. } = *preparing;
        let (source, sink) = channel.split();
        let ways = (Input { early, source }, Output { channel: sink, connection });
        Some((Start { channel: id.into(), kind, terminal, environment }, ways))
    }

    pub(super) fn running(&mut self, id: ChannelId, program: RunningProgram) {
        self.0.insert(id, SessionChannel::Running(program));
    }

    /// What runs in the channel.
    pub(super) fn program(&self, id: ChannelId) -> Option<&RunningProgram> {
        match self.0.get(&id) {
            Some(SessionChannel::Running(program)) => Some(program),
            _ => None,
        }
    }
}

impl Preparing {
    /// False if there is one already.
    pub(super) fn set_terminal(&mut self, request: TerminalRequest) -> bool {
        let is_first = self.terminal.is_none();
        self.terminal.get_or_insert(request);
        is_first
    }

    /// False if it may not be set, or would be too much with the others.
    pub(super) fn set_variable(&mut self, name: &str, value: &str) -> bool {
        let taken: usize = self.environment.iter().map(|(name, value)| name.len() + value.len()).sum();
        let fits = self.environment.len() < MAX_VARIABLES
            && taken + name.len() + value.len() <= MAX_ENVIRONMENT
            && accepts_variable(name, value);
        if fits {
            self.environment.push((name.to_owned(), value.to_owned()));
        }
        fits
    }

    fn take_early(&mut self) -> bool {
        while let Some(Some(message)) = self.channel.wait().now_or_never() {
            match message {
                ChannelMsg::Data { data } if !self.early.is_ended => {
                    self.early.bytes.extend_from_slice(&data)
                }
                ChannelMsg::Eof => self.early.is_ended = true,
                _ => {}
            }
        }
        self.early.bytes.len() <= EARLY_INPUT
    }
}
