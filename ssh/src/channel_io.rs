//! The two ways of a session channel: from the client, and to it.

use bytes::{Bytes, BytesMut};
use fieldlink_session::wire::ExitStatus;
use russh::server::{Handle, Msg};
use russh::{ChannelMsg, ChannelReadHalf, ChannelWriteHalf, Sig};

/// `SSH_EXTENDED_DATA_STDERR`, RFC 4254 section 5.2.
const STDERR: u32 = 1;

/// What a client sent before it said what is to be started.
#[derive(Default)]
pub(super) struct Early {
    pub(super) bytes: BytesMut,
    pub(super) is_ended: bool,
}

/// A channel's way from the client.
pub(super) struct Input {
    pub(super) early: Early,
    pub(super) source: ChannelReadHalf,
}

impl Input {
    /// The next message, or nothing when the connection is gone. Safe to cancel.
    pub(super) async fn next(&mut self) -> Option<ChannelMsg> {
        if !self.early.bytes.is_empty() {
            return Some(ChannelMsg::Data { data: self.early.bytes.split().freeze() });
        }
        if std::mem::take(&mut self.early.is_ended) {
            return Some(ChannelMsg::Eof);
        }
        self.source.wait().await
    }

    /// Throws away what still comes, until the client has closed the channel too.
    pub(super) async fn drain(&mut self) {
        while self.next().await.is_some() {}
    }
}

/// A channel's way to the client.
pub(super) struct Output {
    pub(super) channel: ChannelWriteHalf<Msg>,
    /// Only for what the channel's own half cannot say.
    pub(super) connection: Handle,
}

impl Output {
    pub(super) async fn send(&self, bytes: Bytes) -> Result<(), russh::Error> {
        self.channel.data_bytes(bytes).await
    }

    pub(super) async fn send_error(&self, bytes: Bytes) -> Result<(), russh::Error> {
        self.channel.extended_data_bytes(STDERR, bytes).await
    }

    /// In OpenSSH's order: end of output, how it ended, close.
    pub(super) async fn finish(&self, status: Option<ExitStatus>) {
        let _ = self.channel.eof().await;
        match status {
            Some(ExitStatus::Code { code }) => {
                let _ = self.channel.exit_status(u32::from(code)).await;
            }
            Some(ExitStatus::Signal { name, core_dumped }) => {
                let (id, signal) = (self.channel.id(), Sig::Custom(name));
                let _ = self
                    .connection
                    .exit_signal_request(id, signal, core_dumped, String::new(), String::new())
                    .await;
            }
            None => {}
        }
        let _ = self.channel.close().await;
    }
}
