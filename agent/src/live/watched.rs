//! How the channels of a session come into the view, and into the log.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use fieldlink_device::live::{LiveEnd, LiveEvent, LiveKind};
use fieldlink_protocol::ids::EngineerId;
use fieldlink_protocol::text;
use fieldlink_session::wire::{ConnectTarget, ExitStatus, ProgramKind, TerminalSize};
use fieldlink_ssh::{
    ChannelEnd, ChannelIdentity, ChannelKind, ChannelRequest, ChannelStatus, Opener, SubsystemName, Tap, Way,
};

use tokio::sync::watch;

use super::channels::{Channels, Had};

/// Bytes of a command that are shown.
const COMMAND: usize = 400;

/// The channels of one session, seen where their bytes pass.
pub(crate) struct Watched {
    channels: Mutex<Channels>,
    /// What the engineers are called, while there are several.
    names: Mutex<HashMap<EngineerId, String>>,
    /// Counts changes; none: the session is over.
    news: watch::Sender<Option<u64>>,
}

impl Default for Watched {
    fn default() -> Self {
        Self { channels: Mutex::default(), names: Mutex::default(), news: watch::Sender::new(Some(0)) }
    }
}

impl Watched {
    pub(super) fn end(&self) {
        self.news.send_replace(None);
    }

    /// Channels that are opened from now on are told apart by these names.
    pub(crate) fn set_names(&self, names: HashMap<EngineerId, String>) {
        *self.names.lock().unwrap_or_else(PoisonError::into_inner) = names;
    }

    /// Changes whenever there is something to take; none: the session is over.
    pub(crate) fn news(&self) -> watch::Receiver<Option<u64>> {
        self.news.subscribe()
    }

    /// What is open is to be taken, from now on.
    pub(super) fn attach(&self) -> Had {
        self.with(|channels| channels.attach())
    }

    /// A new watcher, or one who comes back and has had so much of which channels.
    pub(crate) fn attach_at(&self, places: &[(u64, u64)]) -> Had {
        self.with(|channels| channels.attach_at(places))
    }

    /// What was not taken yet, as far as it may be long.
    pub(crate) fn next(&self, had: &mut Had) -> Vec<LiveEvent> {
        self.with(|channels| channels.next(had))
    }

    fn with<T>(&self, look: impl FnOnce(&mut Channels) -> T) -> T {
        look(&mut self.channels.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn change(&self, change: impl FnOnce(&mut Channels)) {
        self.with(change);
        self.news.send_modify(|news| news.iter_mut().for_each(|count| *count += 1));
    }
}

impl Tap for Watched {
    fn opened(&self, channel: &ChannelIdentity) {
        let (number, kind) = (channel.number, kind_of(channel.request.kind()));
        let what = what_of(&channel.request);
        let names = self.names.lock().unwrap_or_else(PoisonError::into_inner);
        let who = names.get(&channel.opener.engineer).cloned().unwrap_or_default();
        drop(names);
        self.change(|channels| channels.open(number, kind, (what, who)));
    }

    fn resized(&self, channel: &ChannelIdentity, TerminalSize { columns, rows, .. }: TerminalSize) {
        self.change(|channels| channels.resize(channel.number, (columns, rows)));
    }

    fn shown(&self, channel: &ChannelIdentity, bytes: &[u8]) {
        self.change(|channels| channels.show(channel.number, bytes));
    }

    fn transferred(&self, _: &ChannelIdentity, _: Way, _: &[u8]) {}

    fn refused(&self, _: &Opener, _: &ChannelRequest, _: &str) {}

    fn over(&self, channel: &ChannelIdentity, end: &ChannelEnd) {
        log_end(channel, end);
        self.change(|channels| channels.close(channel.number, end_of(&end.status)));
    }
}

/// Commands and targets may hold secrets, so that only what kind of channel it was is logged.
fn log_end(identity: &ChannelIdentity, end: &ChannelEnd) {
    let ChannelEnd { status, input, output } = end;
    let (engineer, pipe) = (&identity.opener.engineer, &identity.opener.pipe);
    let (channel, kind) = (identity.channel, identity.request.kind());
    tracing::info!(%engineer, %pipe, channel, ?kind, %status, input, output, "a channel is over");
}

fn end_of(status: &ChannelStatus) -> LiveEnd {
    match status {
        ChannelStatus::Exit(ExitStatus::Code { code }) => LiveEnd::Exit { code: *code },
        ChannelStatus::Exit(ExitStatus::Signal { name, .. }) => LiveEnd::Signal { signal: text::name(name) },
        ChannelStatus::Closed => LiveEnd::Closed,
        ChannelStatus::Failed => LiveEnd::Failed,
        ChannelStatus::Cut => LiveEnd::Cut,
    }
}

fn kind_of(kind: ChannelKind) -> LiveKind {
    match kind {
        ChannelKind::Shell => LiveKind::Shell,
        ChannelKind::Exec => LiveKind::Exec,
        ChannelKind::Sftp => LiveKind::Sftp,
        ChannelKind::Subsystem(SubsystemName::Operation) => LiveKind::Operation,
        ChannelKind::Subsystem(SubsystemName::Health) => LiveKind::Health,
        ChannelKind::Subsystem(SubsystemName::Diagnosis) => LiveKind::Diagnosis,
        ChannelKind::Forward => LiveKind::Forward,
    }
}

fn what_of(request: &ChannelRequest) -> String {
    let what = match request {
        ChannelRequest::Program(ProgramKind::Exec { command }) => {
            String::from_utf8_lossy(&command[..command.len().min(COMMAND)]).into_owned()
        }
        ChannelRequest::Program(ProgramKind::Shell {} | ProgramKind::Sftp {})
        | ChannelRequest::Subsystem(_) => String::new(),
        ChannelRequest::Forward(ConnectTarget::Own { host, port } | ConnectTarget::Tcp { host, port }) => {
            format!("{host}:{port}")
        }
        ChannelRequest::Forward(ConnectTarget::Unix { path }) => path.clone(),
    };
    text::clean(&what, COMMAND)
}
