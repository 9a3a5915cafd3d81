//! What front and holder say to each other.

use std::io;
use std::path::PathBuf;

use fieldlink_protocol::support_id::SupportId;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use zeroize::Zeroizing;

use crate::call::{Call, Joining};
use crate::certificate::Signing;
use crate::platform::{OwnedReader, OwnedWriter};

/// Longest line, in bytes.
const LINE: usize = 16 * 1024;

/// What the session is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(crate) enum Uses {
    /// Other programs; it lasts until the engineer ends it.
    Others,
    /// A shell in the front's terminal, and others as long as they are connected.
    Shell,
    /// One command, and nothing else.
    Command,
    /// Watching, for as long as the engineer likes.
    View,
}

/// The first thing that a holder hears.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Order {
    /// The scanner.
    pub id: SupportId,
    /// The support case.
    pub ticket: String,
    /// The reseller who arranged the call.
    pub partner: Option<String>,
    /// If it is another engineer's session.
    pub joining: Option<Joining>,
    /// What the session is for.
    pub uses: Uses,
    /// Whether what happens is told as JSON.
    pub json: bool,
    /// Whether a person is there, who can end a session that is left over.
    pub attended: bool,
    /// Whether a wrong PIN can be typed again.
    pub asks_again: bool,
}

impl Order {
    /// Whom to call.
    pub(crate) fn call(&self) -> Call {
        Call {
            id: self.id,
            ticket: self.ticket.clone(),
            partner: self.partner.clone(),
            joining: self.joining,
        }
    }
}

/// What the holder wants of the front.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "want", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ToFront {
    /// The PIN.
    Pin,
    /// A signature of the engineer's key.
    Sign {
        /// Of what, with which key.
        signing: Signing,
    },
    /// ssh: the session is open.
    Ssh {
        /// The file for `ssh -F`.
        config: PathBuf,
        /// The host.
        alias: String,
    },
    /// What the other engineers' terminals show: the session is open, and is only watched.
    View {
        /// The session's socket.
        socket: PathBuf,
    },
    /// Nothing any more: the session is over, and this is its exit code.
    Leave {
        /// It.
        code: u8,
    },
    /// No ssh and no view any more; the answer comes when it is gone and the terminal is as before.
    NoSsh,
}

/// What the front answers.
#[derive(Serialize, Deserialize)]
#[serde(tag = "answer", rename_all = "kebab-case", deny_unknown_fields)]
pub(crate) enum ToHolder {
    /// Four digits.
    Pin {
        /// They.
        digits: Zeroizing<String>,
    },
    /// There is no PIN.
    NoPin {
        /// The exit code that says why.
        code: u8,
        /// Why.
        message: String,
    },
    /// The key has signed.
    Signed {
        /// An armoured SSHSIG.
        signature: String,
    },
    /// It has not.
    NotSigned {
        /// The exit code that says why.
        code: u8,
        /// Why.
        message: String,
    },
    /// ssh has ended.
    SshEnded {
        /// With this code.
        code: u8,
        /// Whether something went wrong on this computer: ssh was killed, or could not do its work.
        failed: bool,
    },
}

/// Writes lines.
pub(crate) struct Sender(OwnedWriter);

/// Reads lines.
pub(crate) struct Receiver {
    reader: OwnedReader,
    /// Never grows, so that no copy of a PIN is left behind.
    buffer: Zeroizing<Vec<u8>>,
}

impl Sender {
    pub(crate) fn new(writer: OwnedWriter) -> Self {
        Self(writer)
    }

    /// Says something. A peer that is gone is noticed where it is listened to.
    pub(crate) async fn send(&mut self, message: &impl Serialize) {
        let mut line = Zeroizing::new(Vec::with_capacity(LINE));
        if serde_json::to_writer(&mut *line, message).is_ok() {
            line.push(b'\n');
            let _: io::Result<()> = self.0.write_all(&line).await;
        }
    }
}

impl Receiver {
    pub(crate) fn new(reader: OwnedReader) -> Self {
        Self { reader, buffer: Zeroizing::new(Vec::with_capacity(LINE)) }
    }

    /// The next message; `None` when the peer is gone or says something else. Safe to cancel.
    pub(crate) async fn next<T: DeserializeOwned>(&mut self) -> Option<T> {
        loop {
            if let Some(end) = self.buffer.iter().position(|&byte| byte == b'\n') {
                let message = serde_json::from_slice(&self.buffer[..end]).ok();
                self.buffer.drain(..=end);
                return message;
            }
            let room = LINE - self.buffer.len();
            let mut limited = (&mut self.reader).take(room as u64);
            if room == 0 || limited.read_buf(&mut *self.buffer).await.ok()? == 0 {
                return None;
            }
        }
    }
}

#[cfg(all(test, unix))]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::platform::LocalStream;

    #[tokio::test]
    async fn lines_arrive_whole_and_one_by_one() {
        let (ours, theirs) = LocalStream::pair().expect("a pair");
        let ((_unused, writer), (reader, _also)) = (ours.into_split(), theirs.into_split());
        let (mut sender, mut receiver) = (Sender::new(writer), Receiver::new(reader));
        let ssh = ToFront::Ssh { config: "/run/x/ssh_config".into(), alias: "scanner-1".into() };
        for message in [&ToFront::Pin, &ssh, &ToFront::NoSsh] {
            sender.send(message).await;
        }
        for message in [ToFront::Pin, ssh, ToFront::NoSsh] {
            assert_eq!(receiver.next().await, Some(message));
        }
        drop((sender, _unused));
        assert_eq!(receiver.next::<ToFront>().await, None);
    }

    proptest! {
        #[test]
        fn reads_anything_and_stops_at_what_it_does_not_know(bytes in prop::collection::vec(any::<u8>(), 0..20_000)) {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().expect("a runtime");
            runtime.block_on(async {
                let (mut ours, theirs) = LocalStream::pair().expect("a pair");
                let (reader, _writer) = theirs.into_split();
                ours.write_all(&bytes).await.expect("room");
                drop(ours);
                let mut receiver = Receiver::new(reader);
                while receiver.next::<ToHolder>().await.is_some() {}
                assert!(receiver.buffer.capacity() <= LINE);
            });
        }
    }
}
