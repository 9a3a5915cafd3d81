//! What looks at the requests of a file transfer where files may not go both ways.
//!
//! Only where a scanner closes shell, commands and forwards does it make sense: whoever has those reads and writes
//! files without SFTP.

use std::collections::HashSet;
use std::sync::Arc;

use bytes::Bytes;
use fieldlink_protocol::policy::{Denied, Function};
use futures_util::future::BoxFuture;

use super::channel::{ChannelIdentity, ChannelKind};
use super::channel_path::ChannelPath;
use super::input::PendingInput;
use super::sftp::{Packets, denial_of, functions_of};

/// Requests that may wait to be looked at, in bytes.
const MUCH: usize = 1024 * 1024;

/// Looks at input before it may pass, or lets all of it through.
pub(super) enum Screen {
    /// All of it passes.
    Open,
    /// Requests of SFTP.
    Files(Box<Files>),
}

/// What became of a request.
pub(super) enum Screened {
    /// It may pass.
    Pass(Bytes),
    /// It may not. What the client is answered, and what the engineer is told the first time.
    Deny { reply: Option<Bytes>, told: Option<Denied> },
    /// What comes is no SFTP: nothing passes any more.
    Broken,
}

/// Requests on their way to `sftp-server`.
pub(super) struct Files {
    path: Arc<ChannelPath>,
    packets: Packets,
    /// A request that waits for leave.
    waiting: Option<(Bytes, BoxFuture<'static, Result<(), Denied>>)>,
    told: HashSet<Function>,
    is_broken: bool,
}

impl Screen {
    /// As the path's policy wants it for this channel.
    pub(super) fn of(path: &Arc<ChannelPath>, identity: &ChannelIdentity) -> Self {
        if identity.request.kind() != ChannelKind::Sftp || path.lets_files_pass() {
            return Self::Open;
        }
        let (path, packets) = (path.clone(), Packets::default());
        Self::Files(Box::new(Files { path, packets, waiting: None, told: HashSet::new(), is_broken: false }))
    }

    /// Takes what came; what needs no look passes at once.
    pub(super) fn push(&mut self, bytes: Bytes, pending: &mut PendingInput) {
        match self {
            Self::Open => pending.push(bytes),
            Self::Files(files) => files.packets.push(&bytes),
        }
    }

    pub(super) fn has_room(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Files(files) => files.packets.len() < MUCH,
        }
    }

    /// Whether nothing waits. A part of a request is nothing once the client has ended its input.
    pub(super) fn is_idle(&self) -> bool {
        match self {
            Self::Open => true,
            Self::Files(files) => files.waiting.is_none() && !files.has_whole(),
        }
    }

    /// The next request that was looked at. Safe to cancel.
    pub(super) async fn next(&mut self) -> Screened {
        match self {
            Self::Open => std::future::pending().await,
            Self::Files(files) => files.next().await,
        }
    }
}

impl Files {
    fn has_whole(&self) -> bool {
        !self.is_broken && self.packets.has_whole()
    }

    async fn next(&mut self) -> Screened {
        if self.waiting.is_none() {
            match self.packets.next_packet() {
                Ok(Some(packet)) if functions_of(&packet).is_empty() => return Screened::Pass(packet),
                Ok(Some(packet)) => {
                    let leave = self.path.clone().leave(functions_of(&packet));
                    self.waiting = Some((packet, leave));
                }
                Ok(None) => {}
                Err(error) if !std::mem::replace(&mut self.is_broken, true) => {
                    tracing::warn!(%error, "a file transfer is not understood");
                    return Screened::Broken;
                }
                Err(_) => {}
            }
        }
        let Some((_, leave)) = &mut self.waiting else { return std::future::pending().await };
        let verdict = leave.await;
        let Some((packet, _)) = self.waiting.take() else { return Screened::Broken };
        match verdict {
            Ok(()) => Screened::Pass(packet),
            Err(denied) => {
                let reply = denial_of(&packet, &denied.to_string());
                let is_first = denied.function().is_none_or(|function| self.told.insert(function));
                Screened::Deny { reply, told: is_first.then_some(denied) }
            }
        }
    }
}
